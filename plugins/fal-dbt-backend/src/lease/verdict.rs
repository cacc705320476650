//! Decides how a lent job ended, from the runner's result and the job's own answer to the gateway.

use fal_plugin::payload::{NodeResult, NodeStatus};

use crate::{engine::SettledJob, python::JobEnd};

/// The runner that ran the job, for messages.
pub(super) struct Runner<'a> {
    pub(super) name: &'a str,
    /// Whether only this machine reaches the gateway.
    pub(super) gateway_is_local: bool,
}

const LOCAL_GATEWAY: &str =
    "The data gateway listens at this machine's loopback address only: a runner on another machine needs \
     `plugins: config: fal-dbt-backend: gateway: {listen, advertise}` in fal_project.yml";

impl SettledJob {
    /// Returns how the job ended. It succeeded only if both the runner and the job say so. The
    /// job's own error takes precedence over the runner's message.
    pub(super) fn end(&self, result: &NodeResult, runner: &Runner<'_>) -> JobEnd {
        match &self.answer {
            Some(answer) if !answer.ok => JobEnd::answered(answer.clone()),
            _ if result.status.is_failure() || result.status == NodeStatus::Skipped => {
                JobEnd::Crashed(self.of_runner(result, runner))
            }
            Some(_) if self.wrote => JobEnd::Done,
            Some(_) => {
                JobEnd::Crashed("the job says that it ended well, but it wrote no rows".to_owned())
            }
            None => JobEnd::Crashed(self.silent(runner)),
        }
    }

    fn of_runner(&self, result: &NodeResult, runner: &Runner<'_>) -> String {
        let message = result
            .message
            .as_deref()
            .filter(|message| !message.trim().is_empty());
        let message = message.map_or_else(
            || format!("the runner `{}` failed without a message", runner.name),
            str::to_owned,
        );
        if self.attempts == 0 && runner.gateway_is_local {
            format!("{message}\n{LOCAL_GATEWAY}")
        } else {
            message
        }
    }

    /// Returns the message for a job without an answer whose runner reports success.
    fn silent(&self, runner: &Runner<'_>) -> String {
        let name = runner.name;
        match (self.attempts, runner.gateway_is_local) {
            (0, true) => format!("the runner `{name}` says that all went well, but the job never came to the data gateway\n{LOCAL_GATEWAY}"),
            (0, false) => format!("the runner `{name}` says that all went well, but the job never came to the data gateway"),
            _ => format!("the job ended without an answer, though the runner `{name}` says that all went well"),
        }
    }
}

#[cfg(test)]
mod tests {
    use fal_plugin::payload::NodeStatus;

    use super::*;
    use crate::result::plain_result;

    fn message_of(settled: &str, status: NodeStatus, message: Option<&str>) -> String {
        let settled: SettledJob = serde_json::from_str(settled).unwrap();
        let result = plain_result("model.p.a", status, message.map(str::to_owned));
        let runner = Runner {
            name: "slurm",
            gateway_is_local: false,
        };
        settled
            .end(&result, &runner)
            .message()
            .unwrap_or_else(|| "done".to_owned())
    }

    #[test]
    fn it_counts_only_if_both_say_so_and_rows_are_there() {
        use NodeStatus::{Error, Success};
        let ok = r#"{"attempts": 1, "answer": {"ok": true}, "wrote": true}"#;
        assert_eq!(message_of(ok, Success, None), "done");
        assert_eq!(message_of(ok, Error, Some("exit code 7")), "exit code 7");
        insta::assert_snapshot!(message_of(ok, Error, None), @"the runner `slurm` failed without a message");
        insta::assert_snapshot!(message_of(r#"{"attempts": 1, "answer": {"ok": true}}"#, Success, None), @"the job says that it ended well, but it wrote no rows");
        let failed = r#"{"attempts": 1, "answer": {"ok": false, "error": {"kind": "exception", "message": "boom"}}, "wrote": true}"#;
        assert_eq!(
            (
                message_of(failed, Success, None),
                message_of(failed, Error, Some("exit 1"))
            ),
            ("boom".into(), "boom".into())
        );
        insta::assert_snapshot!(message_of(r#"{"attempts": 2}"#, Success, None), @"the job ended without an answer, though the runner `slurm` says that all went well");
        insta::assert_snapshot!(message_of(r#"{"attempts": 0}"#, Success, None), @"the runner `slurm` says that all went well, but the job never came to the data gateway");
    }

    #[test]
    fn a_job_that_never_came_may_not_have_found_the_way() {
        let result = plain_result(
            "model.p.a",
            NodeStatus::Error,
            Some("exit code 3".to_owned()),
        );
        let end = SettledJob::default().end(
            &result,
            &Runner {
                name: "slurm",
                gateway_is_local: true,
            },
        );
        assert!(end
            .message()
            .unwrap()
            .starts_with("exit code 3\nThe data gateway listens at this machine's loopback"));
    }
}
