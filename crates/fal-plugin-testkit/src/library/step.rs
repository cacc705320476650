//! A case that waits to be run, and what its end by force means.

use std::time::Duration;

use crate::{case::CaseInfo, report::Outcome};

/// A case over a library.
pub(super) struct Step {
    pub(super) info: CaseInfo,
    pub(super) run: Box<dyn FnOnce() -> Outcome + Send>,
}

/// No answer in time.
pub(super) fn hung(patience: Duration) -> Outcome {
    Outcome::Failed {
        reason: format!("there was no answer within {} s", patience.as_secs_f64()),
        fix: "find what waits or loops there; the host cannot interrupt a plugin. If it is only slow, `--timeout` gives it more"
            .to_owned(),
    }
}
