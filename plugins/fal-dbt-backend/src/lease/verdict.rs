//! How a lent job ended: what the runner says, and what the job itself said to the gateway.

use fal_plugin::payload::NodeResult;
use serde::Deserialize;

use crate::{job_end::JobEnd, jobs::Answer};

/// What the session knows of a lease at its end.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Settled {
    /// How often the job was begun.
    #[serde(default)]
    pub(super) attempts: u32,
    /// What the last attempt said of its end.
    #[serde(default)]
    pub(super) answer: Option<Answer>,
    /// Whether its rows are there.
    #[serde(default)]
    pub(super) wrote: bool,
    /// Seconds from the start of the last attempt to its end.
    #[serde(default)]
    pub(super) seconds: Option<f64>,
}

/// Who ran it, for messages.
pub(super) struct Runner<'a> {
    pub(super) name: &'a str,
    /// Whether only this machine reaches the gateway.
    pub(super) gateway_is_local: bool,
}

const LOCAL_GATEWAY: &str =
    "The data gateway listens at this machine's loopback address only: a runner on another machine needs \
     `plugins: config: fal-dbt-backend: gateway: {listen, advertise}` in fal_project.yml";

impl Settled {
    /// It counts only if both say that it went well. What the job says of a failure is worth more than what the runner says.
    pub(super) fn end(&self, result: &NodeResult, runner: &Runner<'_>) -> JobEnd {
        match &self.answer {
            Some(answer) if !answer.ok => JobEnd::answered(answer.clone()),
            _ if result.status.is_failure()
                || result.status == fal_plugin::payload::NodeStatus::Skipped =>
            {
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
        let told = result
            .message
            .as_deref()
            .filter(|message| !message.trim().is_empty());
        let told = told.map_or_else(
            || format!("the runner `{}` failed without a message", runner.name),
            str::to_owned,
        );
        if self.attempts == 0 && runner.gateway_is_local {
            format!("{told}\n{LOCAL_GATEWAY}")
        } else {
            told
        }
    }

    /// The runner is content, and the job never said anything.
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
    use crate::gateway_job::plain_result;

    fn told(settled: &str, status: NodeStatus, message: Option<&str>) -> String {
        let settled: Settled = serde_json::from_str(settled).unwrap();
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
        assert_eq!(told(ok, Success, None), "done");
        assert_eq!(told(ok, Error, Some("exit code 7")), "exit code 7");
        insta::assert_snapshot!(told(ok, Error, None), @"the runner `slurm` failed without a message");
        insta::assert_snapshot!(told(r#"{"attempts": 1, "answer": {"ok": true}}"#, Success, None), @"the job says that it ended well, but it wrote no rows");
        let failed = r#"{"attempts": 1, "answer": {"ok": false, "error": {"kind": "exception", "message": "boom"}}, "wrote": true}"#;
        assert_eq!(
            (
                told(failed, Success, None),
                told(failed, Error, Some("exit 1"))
            ),
            ("boom".into(), "boom".into())
        );
        insta::assert_snapshot!(told(r#"{"attempts": 2}"#, Success, None), @"the job ended without an answer, though the runner `slurm` says that all went well");
        insta::assert_snapshot!(told(r#"{"attempts": 0}"#, Success, None), @"the runner `slurm` says that all went well, but the job never came to the data gateway");
    }

    #[test]
    fn a_job_that_never_came_may_not_have_found_the_way() {
        let result = plain_result(
            "model.p.a",
            NodeStatus::Error,
            Some("exit code 3".to_owned()),
        );
        let end = Settled::default().end(
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
