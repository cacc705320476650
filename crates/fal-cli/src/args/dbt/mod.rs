//! Flags of dbt: those that our commands do not read are made from one table, and all reach dbt as
//! words of its command line.
//!
//! The table is compared with the command lines of the dbt-core versions that are supported.

mod table;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;

use clap::{Arg, ArgAction, ArgMatches, Command, parser::ValueSource};

use self::table::{COMMANDS, Effect, FLAGS, Flag, Takes};
use super::global::absolute;

/// The heading of the table's flags in the help.
pub(super) const HEADING: &str = "dbt";

/// Flags that our commands read, and that dbt gets too.
const FOR_BOTH: &[&str] = &[
    "log_level",
    "warn_error",
    "warn_error_options",
    "printer_width",
];

/// Flags that dbt does not know.
const OURS: &[&str] = &[
    "keyword",
    "example",
    "python",
    "plugin",
    "trust_project_plugins",
    "isolate_plugins",
    "disable_logging",
    "experimental_flow",
    "experimental_models",
    "experimental_threads",
];

/// Returns whether this is a command of dbt.
pub(super) fn is_command(path: &[&str]) -> bool {
    COMMANDS.contains(&path.join(" ").as_str()) || path == ["flow", "run"]
}

/// Adds the flags of the table to dbt's commands.
pub(super) fn with_flags(mut cli: Command) -> Command {
    for path in COMMANDS {
        let names: Vec<&str> = path.split(' ').collect();
        cli = with_flags_at(cli, &names, path);
    }
    with_flags_at(cli, &["flow", "run"], "run")
}

fn with_flags_at(command: Command, names: &[&str], path: &str) -> Command {
    match names {
        [] => FLAGS
            .iter()
            .filter(|flag| flag.commands.contains(&path))
            .fold(command, |command, flag| command.args(args(flag))),
        [name, rest @ ..] => {
            command.mut_subcommand(*name, |inner| with_flags_at(inner, rest, path))
        }
    }
}

/// The flag as clap has it, with its `--no-` form.
fn args(flag: &Flag) -> Vec<Arg> {
    let mut names = flag.names.split(' ');
    let name = names.next().unwrap_or_default();
    let id = name.replace('-', "_");
    let mut arg = Arg::new(id.clone())
        .long(name)
        .help(flag.help)
        .help_heading(HEADING)
        .hide_short_help(true)
        .hide(matches!(flag.effect, Effect::Nothing(_)) || name.starts_with("deprecated"));
    let mut has_short = false;
    for other in names {
        arg = match other
            .strip_prefix('-')
            .and_then(|letter| letter.chars().next())
        {
            Some(letter) if has_short => arg.short_alias(letter),
            Some(letter) => {
                has_short = true;
                arg.short(letter)
            }
            None => arg.alias(other),
        };
    }
    arg = match flag.takes {
        Takes::Nothing => arg.action(ArgAction::SetTrue),
        Takes::One | Takes::Path => arg.action(ArgAction::Set).allow_hyphen_values(true),
        Takes::Several => arg.action(ArgAction::Append).num_args(1..),
    };
    if !flag.has_no {
        return vec![arg];
    }
    let no = Arg::new(format!("no_{id}"))
        .long(format!("no-{name}"))
        .action(ArgAction::SetTrue)
        .overrides_with(id.clone())
        .help_heading(HEADING)
        .hide(true);
    vec![arg.overrides_with(format!("no_{id}")), no]
}

/// Returns what dbt gets of a command line that one of our commands reads: flags that dbt alone knows.
pub(super) fn words(command: &Command, matches: &ArgMatches) -> Vec<String> {
    given(command, matches)
        .filter(|arg| is_of_dbt(arg) || FOR_BOTH.contains(&arg.get_id().as_str()))
        .flat_map(|arg| as_words(arg, matches))
        .collect()
}

/// Returns the whole command line behind the command, for a command that dbt itself runs.
pub(super) fn all_words(command: &Command, matches: &ArgMatches) -> Vec<String> {
    let of_dbt = |arg: &&Arg| {
        !OURS.contains(&arg.get_id().as_str())
            && !flag_of(arg).is_some_and(|flag| matches!(flag.effect, Effect::Nothing(_)))
    };
    given(command, matches)
        .filter(of_dbt)
        .flat_map(|arg| as_words(arg, matches))
        .collect()
}

/// The arguments that the command line names, in the order of their definition.
fn given<'a>(command: &'a Command, matches: &'a ArgMatches) -> impl Iterator<Item = &'a Arg> {
    command.get_arguments().filter(|arg| {
        let id = arg.get_id().as_str();
        matches.try_contains_id(id).is_ok()
            && matches.value_source(id) == Some(ValueSource::CommandLine)
    })
}

/// Whether an argument was made from the table, for dbt.
fn is_of_dbt(arg: &Arg) -> bool {
    arg.get_help_heading() == Some(HEADING)
        && flag_of(arg).is_some_and(|flag| flag.effect == Effect::Dbt)
}

fn flag_of(arg: &Arg) -> Option<&'static Flag> {
    let id = arg.get_id().as_str();
    find(id).or_else(|| find(id.strip_prefix("no_")?).filter(|flag| flag.has_no))
}

fn find(id: &str) -> Option<&'static Flag> {
    let name = id.replace('_', "-");
    FLAGS
        .iter()
        .find(|flag| flag.names.split(' ').next() == Some(name.as_str()))
}

fn as_words(arg: &Arg, matches: &ArgMatches) -> Vec<String> {
    let id = arg.get_id().as_str();
    let raw = matches.get_raw(id).into_iter().flatten();
    let values = raw.map(|value| value_of(arg, value));
    let Some(long) = arg.get_long() else {
        return values.collect();
    };
    let long = if id == "no_color" {
        "no-use-colors"
    } else {
        long
    };
    let has_values = arg
        .get_num_args()
        .is_none_or(|range| range.max_values() > 0);
    if !has_values || !arg.get_action().takes_values() {
        return vec![format!("--{long}")];
    }
    values
        .flat_map(|value| [format!("--{long}"), value])
        .collect()
}

fn value_of(arg: &Arg, value: &OsStr) -> String {
    let is_folder = matches!(arg.get_id().as_str(), "project_dir" | "profiles_dir");
    let is_path = is_folder || flag_of(arg).is_some_and(|flag| flag.takes == Takes::Path);
    if is_path {
        absolute(value.as_ref())
    } else {
        value.to_string_lossy().into_owned()
    }
}
