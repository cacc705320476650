//! The check in a separate process: a plugin that hangs, crashes, ends the process or prints is a case that failed.
//!
//! The channel between the two processes is the child's standard input, a socket pair: its standard output and error belong
//! to the plugin and are listened to. When the child ends before it is done, the case that was running has failed, and
//! another child goes on behind it.

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

/// Why there is no report.
#[derive(Debug)]
pub enum IsolatedError {
    /// The child process cannot be started.
    Start(io::Error),
    /// The caller does not want it any more.
    Interrupted,
}

/// How the check is isolated.
pub struct Isolation<'a> {
    /// Starts a program that calls [`serve_child`].
    pub command: &'a dyn Fn() -> Command,
    /// How long a case may take.
    pub patience: Duration,
    /// Whether to stop.
    pub interrupted: &'a dyn Fn() -> bool,
}

/// Checks a library in a separate process.
///
/// # Errors
/// If that process cannot be started, or the caller does not want the report any more.
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

/// Collects what the children reported so far.
#[derive(Default)]
struct Findings {
    subject: String,
    /// The plugin is a separate process, whose streams are not those of the child.
    program: bool,
    plan: Vec<CaseInfo>,
    outcomes: BTreeMap<String, Outcome>,
    /// Cases that ended a child, by stage.
    violent: BTreeMap<String, usize>,
    /// The first that was printed, and where.
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

    /// Takes note of how a child ended. True if there is more to check.
    fn goes_on_after(&mut self, end: End, patience: Duration) -> bool {
        let (case, outcome) = match end {
            End::Done => return false,
            End::Hung { case } => (case, super::hung(patience)),
            End::Died { case, how } => (case, died(how)),
        };
        // A child that ends ahead of the first case, or between two, has not even loaded the library in order.
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

    /// Leaves out what is not yet checked of a stage that would not be survived.
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
