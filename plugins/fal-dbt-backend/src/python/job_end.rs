//! How a job ended, and the message about it for the user.

use std::time::Duration;

use fal_plugin::{payload::NodeError, PluginError};
use fal_process::{signal_name, Tail};

use super::jobs::{Answer, Exit, JobError, Stop};

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JobEnd {
    /// It did its work.
    Done,
    /// It did its work as a unit test: the rows that the model gave, for the session.
    Rows(String),
    /// It failed and said why.
    Failed(JobError),
    /// It ended without an answer. Holds the message for the user.
    Crashed(String),
    /// It was stopped.
    Stopped(Stop),
}

impl JobEnd {
    /// Converts the job's answer.
    pub(crate) fn answered(answer: Answer) -> Self {
        match answer {
            Answer {
                ok: true,
                rows: Some(rows),
                ..
            } => Self::Rows(rows),
            Answer { ok: true, .. } => Self::Done,
            Answer { error, .. } => Self::Failed(error.unwrap_or_default()),
        }
    }

    /// Describes the exit of the job's process. `whose` is `model` or `script`.
    pub(crate) fn crashed(whose: &str, exit: Exit, stderr: &Tail) -> Self {
        let how = match exit {
            Exit { signal: Some(9), .. } => {
                "was killed by signal 9 (SIGKILL); the system does that when memory runs out".to_owned()
            }
            Exit { signal: Some(signal), .. } => format!("was killed by {}", signal_name(signal)),
            Exit { code, .. } => format!(
                "ended with exit code {} before the {whose} was done (os._exit ends a process like that)",
                code.unwrap_or_default()
            ),
        };
        Self::Crashed(format!(
            "the {whose}'s process {how}{}",
            stderr.paragraph("Its last lines on standard error")
        ))
    }

    /// Describes a timeout: `whose`, a model or a script, ran for more than `seconds`.
    pub(crate) fn timed_out(whose: &str, seconds: f64) -> Self {
        let message = format!("the {whose} ran longer than its timeout of {seconds} seconds");
        Self::Failed(JobError {
            kind: "timeout".to_owned(),
            message,
            ..JobError::default()
        })
    }

    /// Its answer cannot be read.
    pub(crate) fn unreadable(whose: &str, cause: &str) -> Self {
        Self::Crashed(format!(
            "the answer of the {whose}'s process cannot be read: {cause}"
        ))
    }

    /// It gave no answer and did not end.
    pub(crate) fn silent(whose: &str) -> Self {
        let why =
            "it closed its connection to fal-host (os.closerange does that) and went on without it";
        Self::Crashed(format!("the {whose}'s process was ended: {why}"))
    }

    /// It did not connect.
    pub(crate) fn never_started(whose: &str, patience: Duration) -> Self {
        Self::Crashed(format!(
            "the {whose}'s process did not start within {} seconds",
            patience.as_secs()
        ))
    }

    /// From the end of the process that it was forked from.
    pub(crate) fn lost(whose: &str, error: &PluginError) -> Self {
        Self::Crashed(format!("the {whose}'s process is gone: {error}"))
    }

    /// Returns the error for the session and the user; `None` if the job succeeded.
    pub(crate) fn error(&self) -> Option<JobError> {
        let plain = |kind: &str, message: &str| {
            Some(JobError {
                kind: kind.to_owned(),
                message: message.to_owned(),
                ..JobError::default()
            })
        };
        match self {
            Self::Done | Self::Rows(_) => None,
            Self::Failed(error) => Some(error.clone()),
            Self::Crashed(message) => plain("crash", message),
            Self::Stopped(Stop::Interrupted) => plain("interrupted", "interrupted"),
            Self::Stopped(Stop::SessionDied(error)) => plain("session_died", &error.message),
        }
    }

    /// Returns the error as data for the host's events; `None` if the job succeeded.
    pub(crate) fn node_error(&self) -> Option<NodeError> {
        let JobError {
            kind,
            message,
            frames,
            ..
        } = self.error()?;
        Some(NodeError {
            kind,
            message,
            frames,
        })
    }

    /// Returns the complete message for the user; `None` if the job succeeded.
    pub(crate) fn message(&self) -> Option<String> {
        let error = self.error()?;
        let message = error
            .traceback
            .filter(|text| !text.trim().is_empty())
            .unwrap_or(error.message);
        Some(if message.trim().is_empty() {
            "it failed without a message".to_owned()
        } else {
            message
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crash(code: Option<i32>, signal: Option<i32>, lines: &[&str]) -> String {
        let tail = Tail::new(10);
        lines.iter().for_each(|line| tail.push(line));
        JobEnd::crashed("model", Exit { code, signal }, &tail)
            .message()
            .unwrap()
    }

    #[test]
    fn crashes_are_described() {
        insta::assert_snapshot!(crash(None, Some(11), &["Fatal Python error: Segmentation fault"]), @r"
        the model's process was killed by signal 11 (SIGSEGV)
        Its last lines on standard error:
          Fatal Python error: Segmentation fault
        ");
        insta::assert_snapshot!(crash(None, Some(9), &[]), @"the model's process was killed by signal 9 (SIGKILL); the system does that when memory runs out");
        insta::assert_snapshot!(crash(Some(0), None, &[]), @"the model's process ended with exit code 0 before the model was done (os._exit ends a process like that)");
    }

    #[test]
    fn a_unit_test_ends_with_rows() {
        let answer: Answer =
            serde_json::from_str(r#"{"ok": true, "wrote": true, "rows": "AAAA"}"#).unwrap();
        let end = JobEnd::answered(answer);
        assert_eq!((&end, end.message()), (&JobEnd::Rows("AAAA".into()), None));
        let failed = Answer {
            rows: Some("AAAA".into()),
            ..Answer::default()
        };
        assert!(matches!(JobEnd::answered(failed), JobEnd::Failed(_)));
    }

    #[test]
    fn frames_cross_as_data_to_the_host_and_not_to_the_session() {
        let answer = r#"{"ok": false, "error": {"kind": "exception", "message": "ValueError: no",
            "traceback": "Traceback ...", "frames": [
                {"file": "models/b.py", "cell": null, "line": 4, "text": "fit(frame)"},
                {"file": "models/a.ipynb", "cell": 3, "line": 2, "text": "raise ValueError('no')"},
                {"file": "models/a.ipynb", "cell": -3, "line": true}, 7]}}"#;
        let end = JobEnd::answered(serde_json::from_str(answer).unwrap());
        let error = end.node_error().unwrap();
        assert_eq!(
            (&*error.kind, &*error.message),
            ("exception", "ValueError: no")
        );
        let places: Vec<_> = error
            .frames
            .iter()
            .map(|frame| (&*frame.file, frame.cell, frame.line, &*frame.text))
            .collect();
        assert_eq!(
            places,
            [
                ("models/b.py", None, 4, "fit(frame)"),
                ("models/a.ipynb", Some(3), 2, "raise ValueError('no')"),
            ]
        );
        let sent = serde_json::to_value(end.error()).unwrap();
        assert!(sent.get("frames").is_none(), "{sent}");
        assert_eq!(JobEnd::Done.node_error(), None);
    }

    #[test]
    fn a_traceback_is_the_whole_message() {
        let error = JobError {
            message: "boom".into(),
            traceback: Some("Traceback ...\nboom".into()),
            ..JobError::default()
        };
        let end = JobEnd::answered(Answer {
            error: Some(error),
            ..Answer::default()
        });
        assert_eq!(end.message().unwrap(), "Traceback ...\nboom");
        assert_eq!(
            JobEnd::answered(Answer {
                ok: true,
                ..Answer::default()
            })
            .message(),
            None
        );
        assert!(JobEnd::answered(Answer::default()).message().is_some());
    }
}
