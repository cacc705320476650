//! Compares the command line with those of the dbt-core versions that are supported.

use std::{ffi::OsString, path::Path};

use serde_json::Value;

use super::{Effect, FLAGS};
use crate::args::{Cli, Command};

/// One version's commands and flags, as `tests/dbt_command_lines/record.py` wrote them.
struct Recorded(Value);

/// A flag, with its names and whether a value follows.
struct RecordedFlag<'a> {
    names: Vec<&'a str>,
    has_value: bool,
}

impl Recorded {
    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/dbt_command_lines");
        let versions = ["1.8", "1.9", "1.10", "1.11", "1.12"];
        let read = |version| {
            let text = std::fs::read_to_string(folder.join(format!("{version}.json"))).unwrap();
            Self(serde_json::from_str(&text).unwrap())
        };
        versions.into_iter().map(read).collect()
    }

    fn commands(&self) -> impl Iterator<Item = &String> {
        self.0["commands"].as_object().unwrap().keys()
    }

    fn flags(&self, command: &str) -> Vec<RecordedFlag<'_>> {
        let keys = [&self.0["every"], &self.0["commands"][command]];
        let keys: Vec<&str> = keys
            .into_iter()
            .flat_map(|keys| keys.as_array().unwrap())
            .map(|key| key.as_str().unwrap())
            .collect();
        let flags = self.0["flags"].as_array().unwrap().iter();
        let read = |flag| {
            let flag: &Value = flag;
            let names = flag["names"].as_array().unwrap().iter();
            let names = names.map(|name| name.as_str().unwrap()).collect();
            RecordedFlag {
                names,
                has_value: flag["takes"] != "none",
            }
        };
        flags
            .map(read)
            .filter(|flag| keys.contains(&flag.names.join(" ").as_str()))
            .collect()
    }
}

/// A value that the flag takes.
fn value(name: &str) -> &'static str {
    match name {
        "--threads" | "--printer-width" | "--limit" | "--port" => "3",
        "--vars" | "--args" | "--warn-error-options" => "{}",
        "--log-format" | "--output" => "json",
        "--log-level" => "info",
        "--resource-type" | "--resource-types" => "model",
        _ => "x",
    }
}

/// What is wrong with a line of all the flags of this command, behind it and ahead of it.
fn gaps(recorded: &Recorded, command: &str) -> Vec<String> {
    // The flags of the program itself come before a command.
    let of_command = if command.is_empty() { "run" } else { command };
    let mut flags = Vec::new();
    for flag in recorded.flags(command) {
        for name in flag.names.iter().filter(|name| name.starts_with('-')) {
            // `-s` is a switch of `init` alone, and versions end the line.
            if !flag.names.contains(&"--version") && (command != "init" || *name != "-s") {
                flags.push(*name);
                flags.extend(flag.has_value.then(|| value(flag.names[0])));
            }
        }
    }
    let command: Vec<&str> = of_command.split(' ').collect();
    let lines = [
        [command.clone(), flags.clone()].concat(),
        [flags, command].concat(),
    ];
    let wrong = lines.into_iter().filter_map(|line| {
        let words = std::iter::once("fal-host").chain(line).map(OsString::from);
        Some(parse_once(words.collect()).err()?.to_string())
    });
    wrong.collect()
}

fn parse_once(words: Vec<OsString>) -> Result<Cli, clap::Error> {
    Cli::parse_with(words, &serde_json::Map::new())
}

#[test]
fn every_command_and_flag_of_dbt_is_accepted() {
    for recorded in Recorded::all() {
        for command in recorded.commands() {
            let version = &recorded.0["version"];
            assert_eq!(gaps(&recorded, command), [""; 0], "{version} {command}");
        }
    }
}

/// The words that dbt gets of a command line.
fn dbt_words(line: &str) -> String {
    let words = std::iter::once("fal-host").chain(line.split(' '));
    let cli = parse_once(words.map(OsString::from).collect());
    let cli = cli.unwrap_or_else(|error| panic!("{line}: {error}"));
    match &cli.command {
        Command::Show(args) => args.line.join(" "),
        _ => cli.dbt_words.join(" "),
    }
}

#[test]
fn dbt_gets_what_it_alone_knows() {
    let cases = [
        (
            "run --threads 2 --no-partial-parse -s a",
            "--no-partial-parse",
        ),
        (
            "--cache-selected-only build --no-cache-selected-only",
            "--no-cache-selected-only",
        ),
        (
            "test --log-path /logs --log-level-file=none -r /p",
            "--log-path /logs --log-level-file none --record-timing-info /p",
        ),
        ("seed --warn-error --empty", "--empty --warn-error"),
        ("run --fail-fast --no-defer --state s --no-use-colors", ""),
        ("ls --no-send-anonymous-usage-stats", ""),
        ("generate", ""),
        (
            "--target prod docs generate --no-compile --python p -s a b --select c",
            "docs generate --select a --select b --select c --no-compile --target prod",
        ),
        (
            "--no-color -q run-operation grant --args {role: x}",
            "run-operation grant",
        ),
        (
            "source snapshot-freshness -o /f",
            "source freshness --output /f",
        ),
        (
            "show --inline x --no-introspect --limit -1",
            "show --limit -1 --inline x --no-introspect",
        ),
        (
            "init -s shop --skip-debug",
            "init shop --skip-profile-setup --skip-debug",
        ),
    ];
    for (line, expected) in cases {
        let words = dbt_words(&line.replace(" --args {role: x}", ""));
        let words = words.replace(" --quiet --no-use-colors", "");
        assert_eq!(words, expected, "{line}");
    }
}

#[test]
fn the_documentation_lists_what_has_no_effect_with_reasons() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/flags.md");
    let text = std::fs::read_to_string(path).unwrap();
    for flag in FLAGS {
        if let Effect::Nothing(reason) = flag.effect {
            let row = format!("| `--{}` | {reason} |", flag.names);
            assert!(text.contains(&row), "{row}");
        }
    }
}
