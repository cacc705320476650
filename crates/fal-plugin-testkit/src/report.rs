//! The outcome of a check, for people and for programs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::case::{CaseInfo, Need};

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The plugin passed the case.
    Passed,
    /// The plugin failed the case.
    Failed {
        /// What the check saw.
        reason: String,
        /// How the plugin's author fixes it.
        fix: String,
    },
    /// The case was not checked.
    Skipped {
        /// Why it was not checked.
        why: String,
    },
}

/// A case with its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseReport {
    /// The case.
    #[serde(flatten)]
    pub info: CaseInfo,
    /// The outcome of the case.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl CaseReport {
    /// Returns whether the case failed.
    pub fn failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed { .. })
    }
}

/// The results of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// A description of the plugin that was checked.
    pub subject: String,
    /// The cases, in the order in which they were checked.
    pub cases: Vec<CaseReport>,
}

impl Report {
    pub(crate) fn new(
        subject: impl Into<String>,
        cases: impl IntoIterator<Item = CaseReport>,
    ) -> Self {
        Self {
            subject: subject.into(),
            cases: cases.into_iter().collect(),
        }
    }

    /// Returns whether at least one case was checked and all required cases passed.
    pub fn is_ok(&self) -> bool {
        !self.cases.is_empty() && self.failed(Need::Required).next().is_none()
    }

    /// Returns the names of the failed cases with this need.
    pub fn failed(&self, need: Need) -> impl Iterator<Item = &str> {
        let failed = self
            .cases
            .iter()
            .filter(move |case| case.failed() && case.info.need == need);
        failed.map(|case| case.info.name.as_str())
    }

    /// Fails the test if a required case failed.
    ///
    /// # Panics
    /// If a required case failed. The message is the complete report.
    #[track_caller]
    pub fn assert_ok(&self) {
        assert!(self.is_ok(), "{self}");
    }

    fn count(&self, wanted: impl Fn(&CaseReport) -> bool) -> usize {
        self.cases.iter().filter(|case| wanted(case)).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.subject)?;
        self.cases.iter().try_for_each(|case| write!(f, "{case}"))?;
        let passed = self.count(|case| case.outcome == Outcome::Passed);
        let failed = self.failed(Need::Required).count();
        let unmet = self.failed(Need::Optional).count();
        let skipped = self.cases.len() - passed - failed - unmet;
        writeln!(
            f,
            "\n{} cases: {passed} passed, {failed} failed, {unmet} optional not met, {skipped} not checked",
            self.cases.len()
        )
    }
}

impl fmt::Display for CaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CaseInfo { name, need, holds } = &self.info;
        match (&self.outcome, need) {
            (Outcome::Passed, _) => writeln!(f, "  ok      {name}"),
            (Outcome::Skipped { why }, _) => writeln!(f, "  -       {name}: not checked, {why}"),
            (Outcome::Failed { reason, fix }, need) => {
                let word = if *need == Need::Required {
                    "FAILED"
                } else {
                    "unmet "
                };
                let optional = if *need == Need::Optional {
                    " (optional)"
                } else {
                    ""
                };
                writeln!(f, "  {word}  {name}{optional}: {holds}")?;
                writeln!(
                    f,
                    "          but: {}",
                    reason.replace('\n', "\n               ")
                )?;
                writeln!(f, "          fix: {fix}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str, need: Need, outcome: Outcome) -> CaseReport {
        CaseReport {
            info: CaseInfo {
                name: name.into(),
                need,
                holds: "An empty file is a helper".into(),
            },
            outcome,
        }
    }

    fn flaw() -> Outcome {
        Outcome::Failed {
            reason: "it is\na script".into(),
            fix: "look at the calls".into(),
        }
    }

    #[test]
    fn people_read() {
        let report = Report::new(
            "acme-parser",
            [
                case("python-parser/a", Need::Required, Outcome::Passed),
                case("python-parser/b", Need::Required, flaw()),
                case("python-parser/c", Need::Optional, flaw()),
                case(
                    "python-parser/d",
                    Need::Required,
                    Outcome::Skipped {
                        why: "there is no such thing".into(),
                    },
                ),
            ],
        );
        assert!(!report.is_ok());
        insta::assert_snapshot!(report, @r"
        acme-parser

          ok      python-parser/a
          FAILED  python-parser/b: An empty file is a helper
                  but: it is
                       a script
                  fix: look at the calls
          unmet   python-parser/c (optional): An empty file is a helper
                  but: it is
                       a script
                  fix: look at the calls
          -       python-parser/d: not checked, there is no such thing

        4 cases: 1 passed, 1 failed, 1 optional not met, 1 not checked
        ");
    }

    #[test]
    fn programs_read() {
        let report = Report::new(
            "acme-parser",
            [case("python-parser/c", Need::Optional, flaw())],
        );
        assert!(report.is_ok());
        let json = serde_json::to_string(&report).unwrap();
        insta::assert_snapshot!(json, @r#"{"subject":"acme-parser","cases":[{"name":"python-parser/c","need":"optional","holds":"An empty file is a helper","outcome":"failed","reason":"it is\na script","fix":"look at the calls"}]}"#);
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    }

    #[test]
    fn nothing_checked_is_not_well() {
        assert!(!Report::default().is_ok());
    }
}
