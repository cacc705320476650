//! A case of a contract: its name, what it requires and how it is checked.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use fal_plugin::{PluginError, wire::Transport};
use serde::{Deserialize, Serialize};

use crate::report::{CaseReport, Outcome};

/// Whether a plugin must pass a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// fal-host relies on the case.
    Required,
    /// fal-host works without it, but users miss something.
    Optional,
}

/// The description of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseInfo {
    /// The stable name: `STAGE/NAME`, or `door/NAME` for the cases of every library.
    pub name: String,
    /// Whether a plugin must pass the case.
    pub need: Need,
    /// What the case requires, as a sentence.
    pub holds: String,
}

/// A case of the contract of a stage.
pub(crate) struct Case<S: ?Sized> {
    pub(crate) name: &'static str,
    pub(crate) need: Need,
    pub(crate) holds: &'static str,
    /// How the plugin's author fixes a failure.
    pub(crate) fix: &'static str,
    pub(crate) check: Check<S>,
}

/// How a case is checked.
pub(crate) enum Check<S: ?Sized> {
    /// Through the stage's trait, in process or in a library.
    Stage(fn(&S) -> Verdict),
    /// Through the bytes of a message, for properties that the traits hide.
    Wire(
        #[cfg_attr(
            not(feature = "library"),
            expect(dead_code, reason = "only a library has a wire")
        )]
        fn(&dyn Transport) -> Verdict,
    ),
}

/// The result of a check.
pub(crate) type Verdict = Result<(), Finding>;

/// Why a case did not pass.
pub(crate) enum Finding {
    /// The plugin is wrong.
    Flaw { reason: String, fix: Option<String> },
    /// The case does not apply to this plugin.
    NotApplicable(String),
}

impl Finding {
    pub(crate) fn flaw(reason: impl Into<String>) -> Self {
        Self::Flaw {
            reason: reason.into(),
            fix: None,
        }
    }
}

/// The fix for a panic in any case.
pub(crate) const PANIC_FIX: &str = "answer with an error in the place of the panic; the message says where it is: look for `unwrap`, indexes and slices there";
pub(crate) const UNREADABLE_FIX: &str =
    "answer with the JSON that the schema of the stage asks for, as the export macro does";

/// Returns whether an error was unintended: the plugin panicked, or its answer cannot be read.
pub(crate) fn unintended(error: &PluginError) -> bool {
    matches!(error.code.as_str(), "plugin::panic" | "plugin::bad_answer")
}

impl From<PluginError> for Finding {
    fn from(error: PluginError) -> Self {
        let fix = match error.code.as_str() {
            "plugin::panic" => Some(PANIC_FIX.to_owned()),
            "plugin::bad_answer" => Some(UNREADABLE_FIX.to_owned()),
            _ => None,
        };
        Self::Flaw {
            reason: error.message,
            fix,
        }
    }
}

/// Returns a flaw unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($reason:tt)+) => {
        if !$condition {
            return Err($crate::case::Finding::flaw(format!($($reason)+)));
        }
    };
}
pub(crate) use ensure;

type StageCheck<S> = fn(&S) -> Verdict;
type WireCheck = fn(&dyn Transport) -> Verdict;

impl<S: ?Sized> Case<S> {
    const fn new(
        name: &'static str,
        need: Need,
        [holds, fix]: [&'static str; 2],
        check: Check<S>,
    ) -> Self {
        Self {
            name,
            need,
            holds,
            fix,
            check,
        }
    }

    pub(crate) const fn required(
        name: &'static str,
        holds: &'static str,
        fix: &'static str,
        check: StageCheck<S>,
    ) -> Self {
        Self::new(name, Need::Required, [holds, fix], Check::Stage(check))
    }

    pub(crate) const fn optional(
        name: &'static str,
        holds: &'static str,
        fix: &'static str,
        check: StageCheck<S>,
    ) -> Self {
        Self::new(name, Need::Optional, [holds, fix], Check::Stage(check))
    }

    pub(crate) const fn wire(
        name: &'static str,
        holds: &'static str,
        fix: &'static str,
        check: WireCheck,
    ) -> Self {
        Self::new(name, Need::Required, [holds, fix], Check::Wire(check))
    }

    pub(crate) fn info(&self) -> CaseInfo {
        CaseInfo {
            name: self.name.to_owned(),
            need: self.need,
            holds: self.holds.to_owned(),
        }
    }

    /// Checks the stage in process. Returns `None` for a case that needs a library.
    pub(crate) fn run_in_process(&self, stage: &S) -> Option<CaseReport> {
        let Check::Stage(check) = self.check else {
            return None;
        };
        Some(CaseReport {
            info: self.info(),
            outcome: guarded(self.fix, || check(stage)),
        })
    }

    #[cfg(feature = "library")]
    pub(crate) fn run(&self, stage: &S, transport: &dyn Transport) -> Outcome {
        guarded(self.fix, || match self.check {
            Check::Stage(check) => check(stage),
            Check::Wire(check) => check(transport),
        })
    }
}

/// Runs a check. A panic fails the case.
pub(crate) fn guarded(fix: &str, check: impl FnOnce() -> Verdict) -> Outcome {
    match catch_unwind(AssertUnwindSafe(check)) {
        Ok(Ok(())) => Outcome::Passed,
        Ok(Err(Finding::NotApplicable(why))) => Outcome::Skipped { why },
        Ok(Err(Finding::Flaw { reason, fix: own })) => Outcome::Failed {
            reason,
            fix: own.unwrap_or_else(|| fix.to_owned()),
        },
        Err(cause) => Outcome::Failed {
            reason: format!("it panicked: {}", message(&*cause)),
            fix: PANIC_FIX.to_owned(),
        },
    }
}

fn message(cause: &(dyn Any + Send)) -> String {
    let text = cause.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| cause.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// Checks that eight threads at once get the answers of one; `ask` gets a number below eight.
pub(crate) fn same_from_threads<T: PartialEq + Send + Sync>(
    ask: impl Fn(usize) -> Result<T, Finding> + Sync,
) -> Verdict {
    let alone = (0..8).map(&ask).collect::<Result<Vec<_>, _>>()?;
    let ask_often = |number| (0..20).map(|_| ask(number)).collect::<Result<Vec<T>, _>>();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                scope.spawn({
                    let ask_often = &ask_often;
                    move || ask_often(number)
                })
            })
            .collect();
        for (thread, alone) in threads.into_iter().zip(&alone) {
            let answers = thread
                .join()
                .map_err(|_| Finding::flaw("a thread panicked"))??;
            ensure!(
                answers.iter().all(|answer| answer == alone),
                "a thread among eight got another answer than one alone"
            );
        }
        Ok(())
    })
}

/// Returns the beginning of a text in quotes.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 90;
    let start: String = text.chars().take(LONGEST).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!(
        "`{}{more}`",
        start
            .escape_debug()
            .to_string()
            .replace("\\'", "'")
            .replace("\\\"", "\"")
    )
}
