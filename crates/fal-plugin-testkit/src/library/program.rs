//! The `door` cases for a plugin that is a separate process.

use fal_plugin::wire::WireError;

use super::{
    LibraryOptions, Step,
    door::{Loading, Row, info},
};
use crate::{
    case::{CaseInfo, Finding, Need, Verdict, ensure},
    wire,
};

pub(super) const HELLO: Row = (
    "door/hello",
    Need::Required,
    "The program starts, and answers `hello` with what it is",
    "answer `hello` with a frame on standard output, where nothing else goes: docs/plugins/processes.md has the protocol",
);
const STAGES: Row = (
    "door/stages",
    Need::Required,
    "A stage that it has not, and a call for a stage that is not open, are errors with a code, and not its end",
    "answer {\"id\": ID, \"error\": {\"kind\": \"plugin\", \"error\": {\"code\": ..., \"message\": ...}}} and read on",
);
const ENDS: Row = (
    "door/ends",
    Need::Required,
    "It ends by itself when its standard input is closed",
    "end the process, with all that it started, as soon as reading gives no more: the host is gone. It is killed \
     after 2 s",
);

/// The fix for a program whose process ended.
pub(super) const DIED_FIX: &str = "answer every call and go on: the host never starts it again within a command. An error is an answer too";

/// Why the case `door/quiet` does not apply to a program.
pub(super) const NOT_QUIET: &str = "it is a separate process: standard error is its log, and what else than frames comes on standard output ends it";

/// A stage number that is never assigned.
const NO_STAGE: u64 = 900_003;

/// Returns the `door` cases that apply only to a plugin in a separate process.
pub fn program_contract() -> Vec<CaseInfo> {
    [HELLO, STAGES, ENDS].map(info).to_vec()
}

/// Returns the cases that follow `hello`.
pub(super) fn steps(loading: &std::sync::Arc<Loading>, options: &LibraryOptions) -> Vec<Step> {
    let first = std::sync::Arc::clone(loading);
    let options = options.clone();
    vec![
        Step::new(info(STAGES), STAGES.3, move || stages(&first)),
        Step::new(info(ENDS), ENDS.3, move || ends(&options)),
    ]
}

fn not_loaded() -> Finding {
    Finding::NotApplicable("it did not start".to_owned())
}

fn stages(loading: &Loading) -> Verdict {
    let plugin = loading.library().ok_or_else(not_loaded)?;
    let transport = plugin.stage_by_number(NO_STAGE).ok_or_else(not_loaded)?;
    match wire::refused(&*transport, "parse", b"{\"path\": \"a.py\"}", b"")? {
        WireError::Plugin { error } => {
            ensure!(
                !error.code.is_empty() && !error.message.is_empty(),
                "the error is {error:?}"
            );
        }
        other => {
            return Err(Finding::flaw(format!(
                "a call for a stage that is not open was answered with {other:?}"
            )));
        }
    }
    // The plugin still answers after the errors.
    wire::refused(&*transport, "parse", b"{\"path\": \"a.py\"}", b"").map(drop)
}

fn ends(options: &LibraryOptions) -> Verdict {
    let plugin = options.load().map_err(|_| not_loaded())?;
    ensure!(plugin.end(), "it was still there 2 s later, and was killed");
    Ok(())
}
