//! Checks a plugin in a separate process, so that a plugin that hangs, crashes, exits or prints
//! fails a case.
//!
//! The two processes communicate over a socket pair, which is the child's standard input. The
//! child's standard output and error are captured, because the plugin may print there. When the
//! child ends too early, the case that was running has failed, and another child runs the cases
//! after it.

mod child;
mod round;

use std::{collections::BTreeMap, io, process::Command, time::Duration};

use self::round::{End, Round};
use super::{LibraryOptions, door};
use crate::{
    case::CaseInfo,
    report::{CaseReport, Outcome, Report},
};

pub use child::serve_child;

/// An error that prevents a report.
#[derive(Debug)]
pub enum IsolatedError {
    /// The child process cannot be started.
    Start(io::Error),
    /// The caller interrupted the check.
    Interrupted,
}

/// How to run the check in a separate process.
pub struct Isolation<'a> {
    /// Starts a program that calls [`serve_child`].
    pub command: &'a dyn Fn() -> Command,
    /// How long a case may take.
    pub patience: Duration,
    /// Returns whether the user has interrupted the check.
    pub interrupted: &'a dyn Fn() -> bool,
}

/// Checks a library in a separate process.
///
/// # Errors
/// If that process cannot be started, or the caller interrupts the check.
pub fn check_isolated(
    options: &LibraryOptions,
    isolation: &Isolation<'_>,
) -> Result<Report, IsolatedError> {
    let program = options.is_program();
    let mut findings = Findings {
        subject: options.path.display().to_string(),
        program,
        ..Findings::default()
    };
    loop {
        let done: Vec<String> = findings.outcomes.keys().cloned().collect();
        let end = Round::run(options, isolation, done, &mut findings)?;
        if !findings.goes_on_after(end, isolation.patience) {
            return Ok(findings.report());
        }
    }
}

/// The results that the children have reported so far.
#[derive(Default)]
struct Findings {
    subject: String,
    /// Whether the plugin is a separate process, with streams other than the child's.
    program: bool,
    plan: Vec<CaseInfo>,
    outcomes: BTreeMap<String, Outcome>,
    /// The number of cases that ended a child, by stage.
    violent: BTreeMap<String, usize>,
    /// The first text that was printed, and the name of its stream.
    printed: Option<(String, &'static str)>,
}

impl Findings {
    fn planned(&mut self, cases: Vec<CaseInfo>) {
        for case in cases {
            if !self.plan.contains(&case) {
                self.plan.push(case);
            }
        }
    }

    /// Records how a child ended. Returns whether there is more to check.
    fn goes_on_after(&mut self, end: End, patience: Duration) -> bool {
        let (case, outcome) = match end {
            End::Done => return false,
            End::Hung { case } => (case, super::hung(patience)),
            End::Died { case, how } => (case, died(how)),
        };
        // A child that ends before the first case or between two cases failed to load the library.
        let case = case.unwrap_or_else(|| door::door_contract()[0].name.clone());
        let group = case.split('/').next().unwrap_or_default().to_owned();
        self.outcomes.insert(case.clone(), outcome);
        let times = self.violent.entry(group.clone()).or_default();
        *times += 1;
        if group == "door" {
            return false;
        }
        if *times > 1 || case.ends_with("/opens") {
            self.leave(&group);
        }
        true
    }

    /// Skips the remaining cases of a stage that keeps ending the child.
    fn leave(&mut self, group: &str) {
        let rest = self
            .plan
            .iter()
            .filter(|case| case.name.starts_with(&format!("{group}/")));
        for case in rest {
            let why = "the plugin ended the check of this stage by force".to_owned();
            self.outcomes
                .entry(case.name.clone())
                .or_insert(Outcome::Skipped { why });
        }
    }

    fn report(mut self) -> Report {
        let unheard = match self.program {
            true => Outcome::Skipped {
                why: super::program::NOT_QUIET.to_owned(),
            },
            false => Outcome::Passed,
        };
        let quiet = self
            .printed
            .take()
            .map_or(unheard, |(text, stream)| door::heard(&text, stream));
        let mut cases = vec![];
        for info in self.plan {
            let missing = || Outcome::Skipped {
                why: "the check ended before it".to_owned(),
            };
            let outcome = self.outcomes.remove(&info.name).unwrap_or_else(missing);
            cases.push(CaseReport { info, outcome });
        }
        let behind_door = cases
            .iter()
            .take_while(|case| case.info.name.starts_with("door/"))
            .count();
        cases.insert(
            behind_door,
            CaseReport {
                info: door::quiet(),
                outcome: quiet,
            },
        );
        Report {
            subject: self.subject,
            cases,
        }
    }
}

fn died(how: String) -> Outcome {
    Outcome::Failed {
        reason: how,
        fix: "a plugin must not end the process: no `exit`, no `abort`, no unsafe code that crashes, no endless recursion"
            .to_owned(),
    }
}
