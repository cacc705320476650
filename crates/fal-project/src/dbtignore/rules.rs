//! The user's rules, understood as dbt does (pathspec): the last line that matches a file or a folder above it decides.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The rules outside our block.
pub(crate) struct Rules {
    all: Gitignore,
    /// One matcher a line, needed only where a line takes another back.
    lines: Vec<Gitignore>,
}

impl Rules {
    /// The rules of a text in two pieces. A line that is no pattern is passed over.
    pub(crate) fn of(before: &str, after: &str) -> Self {
        let text = before.trim_start_matches('\u{feff}');
        let lines: Vec<&str> = text.lines().chain(after.lines()).collect();
        let all = matcher(&lines);
        let lines = match all.num_whitelists() {
            0 => Vec::new(),
            _ => lines
                .iter()
                .map(|line| matcher(&[*line]))
                .filter(|matcher| !matcher.is_empty())
                .collect(),
        };
        Self { all, lines }
    }

    /// Whether dbt passes over a file, given below the project.
    pub(crate) fn ignores(&self, path: &str) -> bool {
        // dbt takes the slash of an absolute path away before it matches.
        let path = path.trim_start_matches('/');
        // Rules cannot speak of what lies outside the project.
        if self.all.is_empty() || path.starts_with("..") {
            return false;
        }
        let found = self.all.matched_path_or_any_parents(path, false);
        if found.is_none() || self.lines.is_empty() {
            return found.is_ignore();
        }
        let last = self
            .lines
            .iter()
            .rev()
            .map(|line| line.matched_path_or_any_parents(path, false));
        last.into_iter()
            .find(|found| !found.is_none())
            .is_some_and(|found| found.is_ignore())
    }
}

fn matcher(lines: &[&str]) -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    for line in lines {
        // What this library cannot read, dbt's cannot match either.
        let _ = builder.add_line(None, &without_braces(line));
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

/// Braces are plain characters to git and dbt, but not to this library.
fn without_braces(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len());
    let mut after_backslash = false;
    for letter in line.chars() {
        if matches!(letter, '{' | '}') && !after_backslash {
            escaped.push('\\');
        }
        escaped.push(letter);
        after_backslash = letter == '\\' && !after_backslash;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_decide_as_in_dbt() {
        let cases = [
            ("", "models/a.py", false),
            ("*.py", "models/a.py", true),
            ("models/x/", "models/x/y/a.py", true),
            ("/a.py", "models/a.py", false),
            ("*.py\n!models/keep.py", "models/keep.py", false),
            ("models/x/\n!models/x/keep.py", "models/x/keep.py", false),
            ("!models/x/keep.py\nmodels/x/", "models/x/keep.py", true),
            ("models/**\n!models/x/**", "models/x/a.py", false),
            ("# *.py\n\\#a.py", "#a.py", true),
            ("a[", "models/a.py", false),
            ("/{a,b}.py", "a.py", false),
            ("/{a,b}.py", "{a,b}.py", true),
            ("/\\{a}.py", "{a}.py", true),
            ("*.py", "../other/a.py", false),
            ("/srv/shop/models/a.py", "/srv/shop/models/a.py", true),
            ("models/a.py", "/srv/shop/models/a.py", false),
            ("\u{feff}*.py", "a.py", true),
        ];
        for (text, path, ignored) in cases {
            assert_eq!(
                Rules::of(text, "").ignores(path),
                ignored,
                "{text:?} {path}"
            );
        }
    }
}
