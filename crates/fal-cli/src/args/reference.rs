//! docs/reference/command-line.md is made from the command line. `cargo xtask schemas` writes it.

use std::{env, fmt::Write, fs, path::Path};

use clap::{Arg, Command};

use super::Cli;

const START: &str = "# Command line

Generated from the program by `cargo xtask schemas`; `fal-host help COMMAND` shows the same.
[Flags](../guide/flags.md) says where flags may be written, which one wins, and which environment variables count.
";

/// The page: flags of every command first, then each command with its own.
fn page() -> String {
    let mut program = Cli::full_command();
    program.build();
    let mut text = START.to_owned();
    text.push_str("\n## Flags of every command\n");
    flags(&mut text, &program, |_| true);
    for command in shown(&program) {
        section(&mut text, command);
    }
    text
}

/// The commands by name: clap's order changes with the flags of dbt that are added.
fn shown(command: &Command) -> Vec<&Command> {
    let is_shown = |inner: &&Command| !inner.is_hide_set() && inner.get_name() != "help";
    let mut shown: Vec<_> = command.get_subcommands().filter(is_shown).collect();
    shown.sort_by_key(|inner| inner.get_name());
    shown
}

fn section(text: &mut String, command: &Command) {
    let name = command.get_bin_name().unwrap_or_default();
    let about = command.get_about().map(ToString::to_string);
    writeln!(text, "\n## {name}\n\n{}.", about.unwrap_or_default()).unwrap();
    let aliases: Vec<_> = command.get_visible_aliases().map(code).collect();
    if !aliases.is_empty() {
        writeln!(text, "Also called {}.", aliases.join(", ")).unwrap();
    }
    if command.has_subcommands() {
        for inner in shown(command) {
            section(text, inner);
        }
        return;
    }
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    writeln!(text, "\n```text\n{usage}\n```").unwrap();
    flags(text, command, |arg| {
        !arg.is_global_set() && arg.get_id() != "help"
    });
    if let Some(after) = command.get_after_help() {
        writeln!(text, "\n```text\n{}\n```", after.to_string().trim_end()).unwrap();
    }
}

/// Writes a table, in which flags of dbt come last.
fn flags(text: &mut String, command: &Command, is_wanted: fn(&Arg) -> bool) {
    let args = command.get_arguments();
    let mut args: Vec<_> = args
        .filter(|arg| !arg.is_hide_set() && is_wanted(arg))
        .collect();
    args.sort_by_key(|arg| arg.get_help_heading() == Some(super::dbt::HEADING));
    if args.is_empty() {
        return;
    }
    text.push_str("\n| argument | meaning |\n|---|---|\n");
    for arg in args {
        writeln!(text, "| {} | {} |", form(arg), meaning(arg)).unwrap();
    }
}

/// The flag as it is typed: `` `-s`, `--select SELECTION` ``.
fn form(arg: &Arg) -> String {
    let values = arg.get_value_names().unwrap_or_default();
    let values: Vec<_> = if arg.get_action().takes_values() {
        values.iter().map(ToString::to_string).collect()
    } else {
        Vec::new()
    };
    let short = arg.get_short().map(|letter| code(format!("-{letter}")));
    let long = arg.get_long().map(|name| format!("--{name}"));
    let long = code([long.into_iter().collect(), values].concat().join(" "));
    let other = arg.get_visible_aliases().unwrap_or_default();
    let other = other.into_iter().map(|name| code(format!("--{name}")));
    let all: Vec<_> = short.into_iter().chain([long]).chain(other).collect();
    all.join(", ")
}

fn meaning(arg: &Arg) -> String {
    let mut text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let values = arg.get_possible_values();
    let values: Vec<_> = values.iter().map(|value| code(value.get_name())).collect();
    let named = arg
        .get_possible_values()
        .iter()
        .all(|value| text.contains(value.get_name()));
    if arg.get_action().takes_values() && !named {
        write!(text, ": {}", values.join(", ")).unwrap();
    }
    let defaults: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|value| code(value.to_string_lossy()))
        .collect();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        write!(text, " [default: {}]", defaults.join(" ")).unwrap();
    }
    text.replace('\n', " ").replace('|', "\\|")
}

fn code(text: impl std::fmt::Display) -> String {
    format!("`{text}`")
}

#[test]
fn the_page_of_the_command_line_is_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = folder.join("../../docs/reference/command-line.md");
    if env::var_os("FAL_WRITE_SCHEMAS").is_some() {
        fs::write(&path, page()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page(),
        "docs/reference/command-line.md is not current: run `cargo xtask schemas`"
    );
}
