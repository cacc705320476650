//! Replaces the parts of an output that differ from run to run by words.

use crate::{
    built::{foreign_plugins, host, workspace},
    project::Project,
};

/// Folders become `PROJECT`, `HOME`, `INSTALLATION` (in `PREFIX`), `PLUGINS` and
/// `REPOSITORY`; times of day `TIME`; seconds `SECONDS`.
pub fn redact(text: &str, project: &Project) -> String {
    let folder_of = |path: std::path::PathBuf| path.parent().unwrap_or(&path).display().to_string();
    let folders = [
        (project.root().display().to_string(), "PROJECT"),
        (project.home().display().to_string(), "HOME"),
        (folder_of(host()), "INSTALLATION"),
        (folder_of(folder_of(host()).into()), "PREFIX"),
        (foreign_plugins().display().to_string(), "PLUGINS"),
        (workspace().display().to_string(), "REPOSITORY"),
    ];
    let text = folders
        .iter()
        .fold(text.to_owned(), |text, (folder, word)| {
            text.replace(folder, word)
        });
    text.split_inclusive('\n').map(line).collect()
}

fn line(text: &str) -> String {
    let text = match text.split_at_checked(8) {
        Some((clock, rest)) if is_clock(clock) => format!("TIME{rest}"),
        _ => text.to_owned(),
    };
    seconds(&text)
}

fn is_clock(text: &str) -> bool {
    let shape = |(place, char): (usize, char)| {
        if place % 3 == 2 {
            char == ':'
        } else {
            char.is_ascii_digit()
        }
    };
    text.chars().enumerate().all(shape)
}

/// ` in 0.12s` and the like.
fn seconds(text: &str) -> String {
    let Some((before, after)) = text.split_once(" in ") else {
        return text.to_owned();
    };
    let rest = after.trim_start_matches(|char: char| char.is_ascii_digit() || char == '.');
    match rest.strip_prefix('s') {
        Some(rest) if rest.len() + 1 < after.len() => format!("{before} in SECONDS{rest}"),
        _ => format!("{before} in {}", seconds(after)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_become_words() {
        assert_eq!(
            line("12:34:56  1 of 2 OK in main ... [10 rows in 0.12s]\n"),
            "TIME  1 of 2 OK in main ... [10 rows in SECONDS]\n"
        );
        assert_eq!(line("nothing in here"), "nothing in here");
    }
}
