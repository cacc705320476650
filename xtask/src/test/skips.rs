//! What `cargo xtask test` leaves out because this machine lacks a program, listed at its end.

use std::process::Command;

use crate::{
    args::Part,
    layout,
    program::{program, tell, works},
};

/// A test that needs a program which no registry brings.
struct Need {
    part: Part,
    test: &'static str,
    program: &'static str,
    works: fn() -> bool,
}

const NEEDS: [Need; 3] = [
    Need {
        part: Part::Rust,
        test: "no_file_names_a_registry_or_a_machine",
        program: "git",
        works: git,
    },
    Need {
        part: Part::Ecosystem,
        test: "pre_commit_runs_the_check_of_this_repository_over_changed_files",
        program: "git",
        works: git,
    },
    Need {
        part: Part::E2e,
        test: "a_command_in_another_network_reaches_the_gateway_alone",
        program: "`ip` of iproute2, unshare and nsenter, with the right to make network namespaces,",
        works: namespaces,
    },
];

/// The longest end-to-end tests, which run with `--full`. What they test is also part of shorter ones:
/// `dbt2::alike::materializations`, the other pages of `guide`, the other libraries of `broken_plugins`.
const LONGEST: [&str; 5] = [
    "second_engine_models::incremental_models_hooks_and_contracts_on_duckdb",
    "second_engine_models::incremental_models_hooks_and_contracts_on_postgres",
    "guide::a_python_parser",
    "guide::a_notebook_parser",
    "broken_plugins::a_library_of_another_layout",
];

/// Leaves the longest tests out of a command that runs end-to-end tests.
pub(super) fn leave_out_the_longest(command: &mut Command) {
    for test in LONGEST {
        skip(command, test);
    }
    tell(&format!("Only with --full: {}", LONGEST.join(", ")));
}

/// What was left out, one line each.
#[derive(Debug, Default)]
pub(super) struct Skips(Vec<String>);

impl Skips {
    /// Adds what is not tested, and why.
    pub(super) fn add(&mut self, what: &str, why: &str) {
        self.0.push(format!("{what}: {why}"));
    }

    /// Leaves out the tests of a part that need a missing program. `command` runs tests and has no
    /// further filters yet.
    pub(super) fn leave_out(&mut self, part: Part, command: &mut Command) {
        for need in NEEDS {
            if need.part == part && !(need.works)() {
                skip(command, need.test);
                self.add(need.test, &format!("{} is not there", need.program));
            }
        }
    }

    /// Prints the list.
    pub(super) fn show(&self) {
        if !self.is_empty() {
            tell("\nSkipped here:");
        }
        for line in &self.0 {
            tell(&format!("  {line}"));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Leaves a test out; nextest and cargo's own tests have the same flag.
fn skip(command: &mut Command, test: &str) {
    if !command.get_args().any(|arg| arg == "--") {
        command.arg("--");
    }
    command.args(["--skip", test]);
}

fn git() -> bool {
    works(program("git", layout::root()).arg("--version"))
}

/// Makes the same check as the test of a command in another network.
fn namespaces() -> bool {
    const PROBE: &str =
        "ip link add here type veth peer name there && nsenter --version && unshare --net true";
    let allowed = |kind: &[&str]| {
        let mut unshare = program("unshare", layout::root());
        works(unshare.args(kind).args(["sh", "-c", PROBE]))
    };
    allowed(&["--net"]) || allowed(&["--net", "--user", "--map-root-user"])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn shown(command: &Command) -> String {
        let words: Vec<_> = command
            .get_args()
            .map(|arg| arg.to_string_lossy())
            .collect();
        words.join(" ")
    }

    #[test]
    fn tests_are_left_out_behind_one_separator() {
        let mut command = Command::new("cargo");
        command.args(["nextest", "run", "filter"]);
        skip(&mut command, "a");
        skip(&mut command, "b");
        assert_eq!(shown(&command), "nextest run filter -- --skip a --skip b");
    }

    #[test]
    fn each_test_is_left_out_of_its_part_with_a_reason() {
        let mut skips = Skips::default();
        let mut command = Command::new("cargo");
        skips.leave_out(Part::Lint, &mut command);
        assert!(skips.is_empty() && shown(&command).is_empty());
        skips.add("clippy", "it is not installed");
        assert_eq!(skips.0, ["clippy: it is not installed"]);
    }

    /// A test that was renamed would run without its program, and fail.
    #[test]
    fn every_test_that_is_left_out_exists() {
        let mut folders = vec![
            layout::root().join("tests/e2e/tests"),
            layout::root().join("xtask/tests"),
        ];
        let mut sources = String::new();
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().path())
            {
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|ending| ending == "rs") {
                    sources += &fs::read_to_string(path).unwrap();
                }
            }
        }
        let longest = LONGEST.iter().filter_map(|test| test.rsplit("::").next());
        for test in NEEDS.iter().map(|need| need.test).chain(longest) {
            assert!(sources.contains(&format!("fn {test}()")), "{test}");
        }
    }
}
