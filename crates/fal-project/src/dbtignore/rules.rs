//! The user's rules, read as dbt reads them (pathspec): the last line that matches a file or a
//! folder above it decides.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The rules outside of the generated block.
pub(crate) struct Rules {
    all: Gitignore,
    /// One matcher for each line, needed only if a line takes back another.
    lines: Vec<Gitignore>,
}

impl Rules {
    /// Parses the rules before and after the block. A line that is not a pattern is ignored.
    pub(crate) fn parse(before: &str, after: &str) -> Self {
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

    /// Whether dbt ignores a file, given by its path below the project.
    pub(crate) fn ignores(&self, path: &str) -> bool {
        // dbt removes the leading slash of an absolute path before it matches.
        let path = path.trim_start_matches('/');
        // Rules do not apply outside of the project.
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
        // A pattern that this library cannot read matches nothing in dbt's library either.
        let _ = builder.add_line(None, &without_braces(line));
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

/// Escapes braces, which are plain characters to git and dbt, but not to this library.
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

/// Returns the line of `.dbtignore` that matches this file and no other: anchored at the project,
/// special characters escaped. `#` and `!` are special only at the start of a line, where the
/// anchor is.
pub(crate) fn pattern_of(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len() + 1);
    pattern.push('/');
    // dbt removes the leading slash of an absolute path before it matches.
    for letter in path.trim_start_matches('/').chars() {
        match letter {
            // A line of the file cannot hold these, so any character matches instead.
            '\n' | '\r' => pattern.push('?'),
            '\\' | '*' | '?' | '[' | ']' => pattern.extend(['\\', letter]),
            _ => pattern.push(letter),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
                Rules::parse(text, "").ignores(path),
                ignored,
                "{text:?} {path}"
            );
        }
    }

    #[test]
    fn special_characters_are_escaped() {
        assert_eq!(pattern_of("models/a b/#x !.py"), "/models/a b/#x !.py");
        assert_eq!(pattern_of("/srv/shop/models/a.py"), "/srv/shop/models/a.py");
        assert_eq!(
            pattern_of("models/[x]*?\\.py"),
            "/models/\\[x\\]\\*\\?\\\\.py"
        );
    }

    proptest! {
        #[test]
        fn a_pattern_matches_its_file_and_no_other(name in "[ -~é☃]{1,12}", other in "[ -~é☃]{1,12}") {
            prop_assume!(!name.contains('/') && !other.contains('/') && name != other);
            let path = format!("models/{name}.py");
            let rules = Rules::parse(&pattern_of(&path), "");
            prop_assert!(rules.ignores(&path));
            let others = [format!("models/{other}.py"), format!("x/{path}")];
            prop_assert!(others.iter().all(|other| !rules.ignores(other)));
        }
    }
}
