//! Pages of the documentation, and the blocks of code in them.

use std::fs;

use crate::built::workspace;

/// Starts the first line of a block that tests do not run.
const EXEMPT: &str = "# Not run by the tests: ";

/// A page.
pub struct Page {
    /// Below the root of the repository.
    pub path: String,
    /// Its blocks of code, in order.
    pub blocks: Vec<Block>,
}

/// A block of code.
#[derive(Debug)]
pub struct Block {
    /// The word behind the opening fence.
    pub language: String,
    /// What is between the fences.
    pub text: String,
    /// `PATH:LINE` of its first line, for messages.
    pub place: String,
}

/// A command of a block, and the output that the page shows for it.
#[derive(Debug)]
pub struct Typed {
    /// The command, as bash reads it.
    pub command: String,
    /// Lines of its output; others may come between them.
    pub printed: Vec<String>,
    /// For messages.
    pub place: String,
}

impl Page {
    /// Reads `docs/...` or another page.
    ///
    /// # Panics
    /// If there is no such page, or one of its blocks has no end or no language.
    pub fn read(path: &str) -> Self {
        let text = fs::read_to_string(workspace().join(path))
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        let (mut blocks, mut open): (Vec<Block>, Option<(Block, String)>) = (Vec::new(), None);
        for (number, line) in text.lines().enumerate() {
            let fence: String = line.chars().take_while(|char| *char == '`').collect();
            match &mut open {
                Some((_, closing)) if *closing == line => {
                    blocks.extend(open.take().map(|(block, _)| block))
                }
                Some((block, _)) => block.text += &format!("{line}\n"),
                None if fence.len() >= 3 => {
                    let (language, place) = (
                        line[fence.len()..].to_owned(),
                        format!("{path}:{}", number + 2),
                    );
                    assert!(!language.is_empty(), "{place}: a block without a language");
                    open = Some((
                        Block {
                            language,
                            text: String::new(),
                            place,
                        },
                        fence,
                    ));
                }
                None => {}
            }
        }
        assert!(open.is_none(), "{path}: a block without an end");
        Self {
            path: path.to_owned(),
            blocks,
        }
    }

    /// Its blocks in a language.
    pub fn in_language<'a>(&'a self, language: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks
            .iter()
            .filter(move |block| block.language == language)
    }

    /// Every command that a reader types, in order.
    pub fn typed(&self) -> Vec<Typed> {
        self.in_language("console")
            .filter(|block| !block.is_exempt())
            .flat_map(Block::typed)
            .collect()
    }
}

impl Block {
    /// Whether it says that the tests do not run it.
    pub fn is_exempt(&self) -> bool {
        self.text.starts_with(EXEMPT)
    }

    /// The file that its first line names: `# fal_project.yml`.
    pub fn file(&self) -> Option<&str> {
        let first = self.text.lines().next()?.strip_prefix("# ")?;
        first
            .split_whitespace()
            .next()
            .filter(|word| word.contains('.'))
    }

    /// Its commands: the lines after `$`, each with the output below it.
    pub fn typed(&self) -> Vec<Typed> {
        let mut typed: Vec<Typed> = Vec::new();
        let mut continued = false;
        for line in self.text.lines().filter(|line| !line.starts_with('#')) {
            match (line.strip_prefix("$ "), typed.last_mut()) {
                (Some(command), _) => {
                    let (command, place) = (command.to_owned(), self.place.clone());
                    typed.push(Typed {
                        command,
                        printed: Vec::new(),
                        place,
                    });
                }
                (None, Some(last)) if continued => last.command += &format!("\n{line}"),
                (None, Some(last)) => last.printed.push(line.to_owned()),
                (None, None) => panic!("{}: output without a command: {line}", self.place),
            }
            continued = line.ends_with('\\');
        }
        typed
    }
}
