//! Moves flags behind the command that they belong to: `fal-host --full-refresh flow run` becomes
//! `fal-host flow run --full-refresh`.
//!
//! clap takes the flags of a command only behind it, and legacy fal took them anywhere. With the flags in
//! one place a flag means the same wherever the user writes it, and of two the right-most wins.

use std::{cell::OnceCell, collections::HashSet, ffi::OsString};

use clap::{Arg, Command};

/// Returns the words with all flags behind the command. Without a command, or with `--help`, they stay as
/// they are.
pub(crate) fn flags_last(cli: &Command, words: Vec<OsString>) -> Vec<OsString> {
    let mut scan = Scan {
        cli,
        flags: OnceCell::new(),
        words: &words,
        at: 1,
    };
    let (mut commands, mut flags) = (Vec::new(), Vec::new());
    let mut inner = cli;
    while let Some(word) = scan.words.get(scan.at).and_then(|word| word.to_str()) {
        if let Some(found) = inner.find_subcommand(word) {
            commands.push(OsString::from(word));
            scan.at += 1;
            inner = found;
            if !inner.has_subcommands() {
                break;
            }
        } else if is_flag(word) && !asks_for_help(word) {
            flags.extend(scan.take_flag(inner).iter().cloned());
        } else {
            break;
        }
    }
    if commands.is_empty() {
        return words;
    }
    let program = words.iter().take(1).cloned();
    program
        .chain(commands)
        .chain(flags)
        .chain(words[scan.at..].iter().cloned())
        .collect()
}

/// How many words follow a flag.
#[derive(Clone, Copy, PartialEq)]
enum Takes {
    Nothing,
    One,
    Several,
}

struct Scan<'a> {
    cli: &'a Command,
    /// The flags of all commands. Most lines have none ahead of their command.
    flags: OnceCell<Vec<&'a Arg>>,
    words: &'a [OsString],
    at: usize,
}

impl<'a> Scan<'a> {
    /// Takes the flag at this word, with its values.
    fn take_flag(&mut self, inner: &Command) -> &'a [OsString] {
        let start = self.at;
        let takes = self.words[start]
            .to_str()
            .map_or(Takes::Nothing, |word| self.takes(word));
        self.at += 1;
        if takes != Takes::Nothing && self.at < self.words.len() {
            self.at += 1;
        }
        while takes == Takes::Several
            && self
                .words
                .get(self.at)
                .is_some_and(|word| is_value(inner, word))
        {
            self.at += 1;
        }
        &self.words[start..self.at]
    }

    fn takes(&self, word: &str) -> Takes {
        let flags = self.flags.get_or_init(|| distinct(all_flags(self.cli)));
        match word.strip_prefix("--") {
            Some(name) if name.contains('=') => Takes::Nothing,
            Some(name) => long_flag(flags, name).map_or(Takes::Nothing, takes_of),
            None => shorts_take(flags, &word[1..]),
        }
    }
}

fn is_flag(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-') && word != "--"
}

fn asks_for_help(word: &str) -> bool {
    matches!(word, "-h" | "--help" | "-V" | "--version")
}

/// Whether the word is one more value of a flag that takes several.
fn is_value(inner: &Command, word: &OsString) -> bool {
    word.to_str()
        .is_none_or(|word| !word.starts_with('-') && inner.find_subcommand(word).is_none())
}

/// How many words follow `-qt`: the first letter that takes a value decides. The value may be the rest of
/// the word.
fn shorts_take(flags: &[&Arg], letters: &str) -> Takes {
    for (at, letter) in letters.char_indices() {
        let flag = flags.iter().find(|flag| {
            flag.get_short_and_visible_aliases()
                .is_some_and(|own| own.contains(&letter))
                || flag
                    .get_all_short_aliases()
                    .is_some_and(|own| own.contains(&letter))
        });
        let takes = flag.map_or(Takes::Nothing, |flag| takes_of(flag));
        if takes != Takes::Nothing {
            return if at + letter.len_utf8() < letters.len() {
                Takes::Nothing
            } else {
                takes
            };
        }
    }
    Takes::Nothing
}

/// Finds a flag by its name, or by the beginning of its name.
fn long_flag<'a>(flags: &[&'a Arg], name: &str) -> Option<&'a Arg> {
    let has = |flag: &Arg, test: &dyn Fn(&str) -> bool| {
        let aliases = flag.get_all_aliases().unwrap_or_default();
        flag.get_long().into_iter().chain(aliases).any(test)
    };
    let find = |test: &dyn Fn(&str) -> bool| flags.iter().find(|flag| has(flag, test)).copied();
    find(&|own| own == name).or_else(|| find(&|own| own.starts_with(name)))
}

/// Returns the flags of all commands. Flags with the same name take the same number of words in every
/// command.
fn all_flags(command: &Command) -> Vec<&Arg> {
    let own = command.get_arguments().filter(|arg| !arg.is_positional());
    own.chain(command.get_subcommands().flat_map(all_flags))
        .collect()
}

fn distinct(mut flags: Vec<&Arg>) -> Vec<&Arg> {
    let mut seen = HashSet::new();
    flags.retain(|flag| seen.insert((flag.get_id().as_str(), flag.get_short())));
    flags
}

fn takes_of(flag: &Arg) -> Takes {
    match flag.get_num_args() {
        _ if !flag.get_action().takes_values() => Takes::Nothing,
        Some(range) if range.max_values() == 0 => Takes::Nothing,
        Some(range) if range.max_values() > 1 => Takes::Several,
        _ => Takes::One,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;

    fn ordered(line: &str) -> String {
        let words = std::iter::once("fal-host")
            .chain(line.split_whitespace())
            .map(OsString::from)
            .collect();
        let words: Vec<String> = flags_last(&Cli::full_command(), words)
            .into_iter()
            .skip(1)
            .map(|word| word.into_string().unwrap())
            .collect();
        words.join(" ")
    }

    #[test]
    fn flags_move_behind_their_command_with_their_values() {
        let cases = [
            ("--target dev run", "run --target dev"),
            ("--target run run", "run --target run"),
            ("-t dev -q run -x", "run -t dev -q -x"),
            ("-qt dev run", "run -qt dev"),
            ("-tdev run", "run -tdev"),
            (
                "--target=dev run --target prod",
                "run --target=dev --target prod",
            ),
            (
                "--full-refresh flow --defer run --state s",
                "flow run --full-refresh --defer --state s",
            ),
            (
                "--keyword fal2 --disable-logging flow run",
                "flow run --keyword fal2 --disable-logging",
            ),
            (
                "--experimental-thr 3 flow run",
                "flow run --experimental-thr 3",
            ),
            (
                "--select a b run --exclude c",
                "run --select a b --exclude c",
            ),
            ("-m a run", "run -m a"),
            (
                "--debug plugin --no-color list",
                "plugin list --debug --no-color",
            ),
            ("--frobnicate run", "run --frobnicate"),
        ];
        for (line, expected) in cases {
            assert_eq!(ordered(line), expected, "{line}");
        }
    }

    #[test]
    fn everything_else_stays() {
        for line in [
            "",
            "run",
            "run --target dev",
            "--help run",
            "-V",
            "--target dev",
            "--target",
            "nonsense --debug run",
            "-- run",
            "help run",
        ] {
            assert_eq!(ordered(line), line);
        }
    }
}
