//! Mistakes in a command line, shown as all other errors are.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::{args::Cli, error::CliError};

/// Returns clap's error as an error of fal-host; `None` if the user asked for help or the version.
pub(crate) fn error(error: &clap::Error) -> Option<CliError> {
    let message = match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::DisplayVersion => {
            return None;
        }
        ErrorKind::UnknownArgument => unknown(error)?,
        ErrorKind::InvalidSubcommand => {
            format!(
                "there is no command `{}`",
                text(error, ContextKind::InvalidSubcommand)?
            )
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => wrong_value(error),
        ErrorKind::MissingRequiredArgument => missing(error)?,
        _ => first_line(error),
    };
    Some(CliError::Usage {
        message,
        help: Some(help(error)),
    })
}

fn unknown(error: &clap::Error) -> Option<String> {
    let word = text(error, ContextKind::InvalidArg)?;
    Some(if word.starts_with('-') {
        format!("there is no flag `{word}`")
    } else {
        format!("`{word}` is one word too many")
    })
}

fn missing(error: &clap::Error) -> Option<String> {
    Some(format!(
        "the command also needs {}",
        text(error, ContextKind::InvalidArg)?
    ))
}

fn wrong_value(error: &clap::Error) -> String {
    let flag = text(error, ContextKind::InvalidArg).unwrap_or_default();
    let flag = flag.split_whitespace().next().unwrap_or_default();
    let message = match text(error, ContextKind::InvalidValue) {
        Some(value) if !value.is_empty() => format!("`{value}` is no value for `{flag}`"),
        _ => format!("`{flag}` needs a value"),
    };
    match std::error::Error::source(error) {
        Some(cause) => format!("{message}: {cause}"),
        None => message,
    }
}

/// Returns what to do: the nearest name, the possible values, or where to read more.
fn help(error: &clap::Error) -> String {
    let nearest = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ];
    if let Some(names) = nearest.into_iter().find_map(|kind| text(error, kind)) {
        return format!("did you mean {names}?");
    }
    match text(error, ContextKind::ValidValue) {
        Some(values) if !values.is_empty() => format!("it is one of {values}"),
        _ => nearest_command(error).map_or_else(
            || format!("`{} --help` shows all commands and flags", command(error)),
            |name| format!("did you mean `{name}`?"),
        ),
    }
}

/// Finds the nearest command. clap finds none for short names: two swapped letters are half of `run`.
fn nearest_command(error: &clap::Error) -> Option<String> {
    let word = text(error, ContextKind::InvalidSubcommand)?;
    let cli = Cli::full_command();
    let names = cli
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(clap::Command::get_name);
    fal_plugin::nearest(&word, names).map(str::to_owned)
}

/// Returns the command that has the mistake, from its line of usage.
fn command(error: &clap::Error) -> String {
    let usage = text(error, ContextKind::Usage).unwrap_or_default();
    let words = usage
        .split_whitespace()
        .skip_while(|word| *word == "Usage:");
    let words: Vec<&str> = words
        .take_while(|word| !word.starts_with(['[', '<', '-']))
        .collect();
    if words.is_empty() {
        "fal-host".to_owned()
    } else {
        words.join(" ")
    }
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    let several = |list: &[String]| {
        list.iter()
            .map(|one| format!("`{one}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    Some(match error.get(kind)? {
        ContextValue::String(one) if is_quoted(kind) => format!("`{one}`"),
        ContextValue::Strings(list) => several(list),
        other => other.to_string(),
    })
}

fn is_quoted(kind: ContextKind) -> bool {
    matches!(
        kind,
        ContextKind::SuggestedArg | ContextKind::SuggestedSubcommand | ContextKind::SuggestedValue
    )
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(line: &str) -> String {
        let words = std::iter::once("fal-host").chain(line.split_whitespace());
        let Err(error) = Cli::parse_words(words) else {
            return "it is taken".to_owned();
        };
        let Some(CliError::Usage { message, help }) = super::error(&error) else {
            return format!("{:?}", error.kind());
        };
        format!("{message}\n{}", help.unwrap_or_default())
    }

    #[test]
    fn a_mistake_is_named_with_the_nearest_name() {
        let lines = [
            "run --tarket dev",
            "--tarket dev run",
            "flow run --experimental-modles",
            "run --selct a",
            "run --frobnicate",
            "rnu",
            "nonsense",
            "run orders",
            "run --threads",
            "run --threads many",
            "run --threads 0",
            "flow run --experimental-threads 0",
            "run --log-format yaml",
            "ls --output jsno",
            "run --vars [1]",
            "plugin lst",
            "generate --full-refresh",
            "plugin new acme",
        ];
        let shown: Vec<String> = lines
            .iter()
            .map(|line| format!("$ {line}\n{}", mistake(line)))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        $ run --tarket dev
        there is no flag `--tarket`
        did you mean `--target`?
        $ --tarket dev run
        there is no flag `--tarket`
        did you mean `--target`?
        $ flow run --experimental-modles
        there is no flag `--experimental-modles`
        did you mean `--experimental-models`?
        $ run --selct a
        there is no flag `--selct`
        did you mean `--select`?
        $ run --frobnicate
        there is no flag `--frobnicate`
        `fal-host run --help` shows all commands and flags
        $ rnu
        there is no command `rnu`
        did you mean `run`?
        $ nonsense
        there is no command `nonsense`
        `fal-host --help` shows all commands and flags
        $ run orders
        `orders` is one word too many
        `fal-host run --help` shows all commands and flags
        $ run --threads
        `--threads` needs a value
        `fal-host --help` shows all commands and flags
        $ run --threads many
        `many` is no value for `--threads`: invalid digit found in string
        `fal-host --help` shows all commands and flags
        $ run --threads 0
        `0` is no value for `--threads`: 0 is not in 1..=4294967295
        `fal-host --help` shows all commands and flags
        $ flow run --experimental-threads 0
        `0` is no value for `--experimental-threads`: 0 is not in 1..=4294967295
        `fal-host --help` shows all commands and flags
        $ run --log-format yaml
        `yaml` is no value for `--log-format`
        it is one of `text`, `json`
        $ ls --output jsno
        `jsno` is no value for `--output`
        did you mean `json`?
        $ run --vars [1]
        `[1]` is no value for `--vars`: give a mapping such as '{day: 2024-01-31}'
        `fal-host --help` shows all commands and flags
        $ plugin lst
        there is no command `lst`
        did you mean `list`?
        $ generate --full-refresh
        there is no flag `--full-refresh`
        `fal-host generate --help` shows all commands and flags
        $ plugin new acme
        the command also needs `--stage <STAGE>`
        `fal-host plugin new --help` shows all commands and flags
        ");
    }

    #[test]
    fn help_is_no_mistake() {
        for line in ["--help", "run --help", "--version", ""] {
            assert!(
                mistake(line).starts_with("Display"),
                "{line}: {}",
                mistake(line)
            );
        }
    }
}
