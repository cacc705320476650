//! The generated block of `.dbtignore`: finds, replaces and removes it without touching a byte of
//! the user's lines.

use crate::{dbtignore::FILE, diagnostics::FileDiagnostic};

const START: &str =
    "# >>> fal-host: Python files that dbt must not read (generated, do not edit) >>>";
/// The first line of a block before which fal-host ended the user's last line.
const START_JOINED: &str = "# >>> fal-host: Python files that dbt must not read (generated, do not edit; added a line end) >>>";
const END: &str = "# <<< fal-host <<<";
const START_MARK: &str = "# >>> fal-host";
const END_MARK: &str = "# <<< fal-host";

/// The file's text in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The user's text before the block, or all of it.
    pub(crate) before: String,
    /// The block with its markers, as it is in the file.
    block: Option<Block>,
    /// The user's text behind it.
    pub(crate) after: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    text: String,
    joined: bool,
}

impl Parts {
    /// Splits a text into the block and the user's lines.
    pub(crate) fn parse(text: &str) -> Result<Self, Box<FileDiagnostic>> {
        let mut parts = Self::default();
        let mut open: Option<usize> = None;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let number = index + 1;
            match (
                open,
                line.starts_with(START_MARK),
                line.starts_with(END_MARK),
            ) {
                (None, true, _) if parts.block.is_none() => {
                    open = Some(number);
                    let joined = line.trim_end() == START_JOINED;
                    parts.block = Some(Block {
                        text: line.to_owned(),
                        joined,
                    });
                }
                (_, true, _) => {
                    return Err(broken(
                        text,
                        number,
                        "a second block of fal-host begins here",
                    ));
                }
                (None, _, true) => {
                    return Err(broken(
                        text,
                        number,
                        "a block of fal-host ends here but begins nowhere",
                    ));
                }
                (Some(_), _, ends) => {
                    parts.extend_block(line);
                    open = open.filter(|_| !ends);
                }
                (None, ..) if parts.block.is_none() => parts.before.push_str(line),
                (None, ..) => parts.after.push_str(line),
            }
        }
        match open {
            Some(number) => Err(broken(
                text,
                number,
                "the block of fal-host that begins here has no end",
            )),
            None => Ok(parts),
        }
    }

    fn extend_block(&mut self, line: &str) {
        if let Some(block) = &mut self.block {
            block.text.push_str(line);
        }
    }

    /// Returns the text with a block of these lines; without a block if there are no lines.
    pub(crate) fn with(&self, patterns: &[String]) -> String {
        if patterns.is_empty() {
            return format!("{}{}", self.before_alone(), self.after);
        }
        if let Some(block) = self.block.as_ref().filter(|block| block.lists(patterns)) {
            return format!("{}{}{}", self.before, block.text, self.after);
        }
        let end = self.line_end();
        let unfinished = !self.before.is_empty() && !self.before.ends_with('\n');
        let joined = unfinished || self.block.as_ref().is_some_and(|block| block.joined);
        let mut text = self.before.clone();
        if unfinished {
            text.push_str(end);
        }
        for line in [if joined { START_JOINED } else { START }]
            .into_iter()
            .chain(patterns.iter().map(String::as_str))
        {
            text.push_str(line);
            text.push_str(end);
        }
        text.push_str(END);
        text.push_str(end);
        text.push_str(&self.after);
        text
    }

    /// Returns the user's text as it was before there was a block.
    fn before_alone(&self) -> &str {
        if !self.after.is_empty() || !self.block.as_ref().is_some_and(|block| block.joined) {
            return &self.before;
        }
        let text = self.before.strip_suffix('\n').unwrap_or(&self.before);
        text.strip_suffix('\r').unwrap_or(text)
    }

    fn line_end(&self) -> &'static str {
        let block = self.block.as_ref().map_or("", |block| &block.text);
        if [self.before.as_str(), &self.after, block]
            .iter()
            .any(|text| text.contains("\r\n"))
        {
            "\r\n"
        } else {
            "\n"
        }
    }
}

impl Block {
    fn lists(&self, patterns: &[String]) -> bool {
        let inside = self
            .text
            .lines()
            .filter(|line| !line.starts_with(START_MARK) && !line.starts_with(END_MARK));
        inside
            .map(|line| line.strip_suffix('\r').unwrap_or(line))
            .eq(patterns.iter().map(String::as_str))
    }
}

fn broken(text: &str, line: usize, message: &str) -> Box<FileDiagnostic> {
    Box::new(FileDiagnostic::error(FILE, "dbtignore::broken_block", message).with_line(text, line, "here").with_help(
        format!("remove what is left of the block, from `{START_MARK}` to `{END_MARK}`: it will be written anew"),
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with(text: &str, patterns: &[&str]) -> String {
        Parts::parse(text).unwrap().with(
            &patterns
                .iter()
                .map(|pattern| (*pattern).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn a_block_looks_like_this() {
        insta::assert_snapshot!(with("*.tmp\n", &["/models/a.py", "/models/b.py"]), @r"
        *.tmp
        # >>> fal-host: Python files that dbt must not read (generated, do not edit) >>>
        /models/a.py
        /models/b.py
        # <<< fal-host <<<
        ");
    }

    #[test]
    fn a_block_keeps_its_place_and_line_ends() {
        let text = with("a\r\n", &["/x.py"]) + "b\r\n";
        let changed = with(&text, &["/y.py"]);
        assert_eq!(changed, text.replace("/x.py", "/y.py"));
        assert_eq!(
            changed.matches('\n').count(),
            changed.matches("\r\n").count()
        );
        assert_eq!(with(&changed, &[]), "a\r\nb\r\n");
    }

    #[test]
    fn a_block_whose_line_ends_git_changed_is_as_good() {
        let text = with("", &["/x.py"]).replace('\n', "\r\n");
        assert_eq!(with(&text, &["/x.py"]), text);
    }

    #[test]
    fn broken_blocks_are_errors_with_their_line() {
        let line = |text: &str| Parts::parse(text).unwrap_err().place().unwrap().1.line;
        assert_eq!(line("a\n# >>> fal-host >>>\n/x.py\n"), 2);
        assert_eq!(line("a\nb\n# <<< fal-host <<<\n"), 3);
        let twice = with("", &["/x.py"]).repeat(2);
        assert_eq!(line(&twice), 4);
    }

    proptest! {
        #[test]
        fn the_users_text_survives(text in "([a-z#! ]{0,6}(\n|\r\n)){0,4}[a-z]{0,4}", one in "[a-z]{1,4}", two in "[a-z]{1,4}") {
            let added = with(&text, &[&one]);
            prop_assert_eq!(&with(&added, &[&one]), &added);
            let renewed = with(&added, &[&one, &two]);
            prop_assert!(renewed.starts_with(&text));
            prop_assert_eq!(with(&renewed, &[]), text);
        }
    }
}
