//! Reads the numbers of tests from the output of their runners.

use std::fmt;

use serde_json::{Value, json};

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
}

impl Counts {
    /// Returns the numbers as JSON.
    pub(super) fn to_json(self) -> Value {
        json!({ "passed": self.passed, "failed": self.failed, "skipped": self.skipped })
    }

    /// Reads the numbers from JSON.
    pub(super) fn read(value: &Value) -> Self {
        let number = |name: &str| value[name].as_u64().unwrap_or_default();
        Self {
            passed: number("passed"),
            failed: number("failed"),
            skipped: number("skipped"),
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed", self.passed)?;
        if self.failed > 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Reads the output of pytest, nextest or `cargo test`; `None` if nothing ran.
pub(super) fn parse(text: &str) -> Option<Counts> {
    let lines = || text.lines().map(str::trim);
    // Tests that nextest skips and `cargo test` ignores were not selected.
    if let Some(line) = lines().rfind(|line| line.starts_with("Summary [")) {
        return Some(Counts {
            skipped: 0,
            ..words(line)
        });
    }
    let results: Vec<Counts> = lines()
        .filter(|line| line.starts_with("test result:"))
        .map(words)
        .collect();
    if results.is_empty() {
        return lines()
            .rfind(|line| line.contains(" passed") && line.contains(" in "))
            .map(words);
    }
    let sum = |number: fn(&Counts) -> u64| results.iter().map(number).sum();
    Some(Counts {
        passed: sum(|one| one.passed),
        failed: sum(|one| one.failed),
        skipped: 0,
    })
}

/// Returns the numbers before these words.
fn words(line: &str) -> Counts {
    let mut counts = Counts::default();
    let parts: Vec<&str> = line
        .split([' ', ',', ';'])
        .filter(|part| !part.is_empty())
        .collect();
    for pair in parts.windows(2) {
        let Ok(number) = pair[0].parse() else {
            continue;
        };
        match pair[1] {
            "passed" => counts.passed = number,
            "failed" | "error" | "errors" => counts.failed += number,
            "skipped" => counts.skipped = number,
            _ => {}
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_runner_is_understood() {
        let pytest =
            "FAILED tests/a.py::x\n2 failed, 407 passed, 1 skipped, 1 error in 215.50s (0:03:35)";
        assert_eq!(
            parse(pytest),
            Some(Counts {
                passed: 407,
                failed: 3,
                skipped: 1
            })
        );
        let nextest = "     Summary [ 148.533s] 20 tests run: 19 passed (1 slow), 1 failed, 240 skipped\n  FAIL a 1 passed";
        assert_eq!(
            parse(nextest),
            Some(Counts {
                passed: 19,
                failed: 1,
                skipped: 0
            })
        );
        let cargo = "test result: ok. 3 passed; 0 failed; 0 ignored\n\ntest result: FAILED. 1 passed; 2 failed; 0 ignored";
        assert_eq!(
            parse(cargo),
            Some(Counts {
                passed: 4,
                failed: 2,
                skipped: 0
            })
        );
        assert_eq!(parse("error: could not compile"), None);
    }
}
