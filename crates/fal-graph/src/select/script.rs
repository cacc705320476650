//! Criteria that match scripts by a part of their id or path.

use crate::node::Node;

/// The prefix of scripts' ids.
const PREFIX: &str = "script.";

/// A text that finds scripts.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScriptText<'a>(&'a str);

impl<'a> ScriptText<'a> {
    /// The text of a value that names a file of Python code; other files are no scripts.
    pub(super) fn of_file(value: &'a str) -> Option<Self> {
        let lower = value.to_ascii_lowercase();
        let is_code = lower.ends_with(".py") || lower.ends_with(".ipynb");
        is_code.then(|| Self(value.strip_prefix("./").unwrap_or(value)))
    }

    /// The text of a value that begins as ids of scripts do.
    pub(super) fn of_id(value: &'a str) -> Self {
        Self(value)
    }

    /// Returns whether the text matches the script.
    pub(super) fn finds(self, script: &Node) -> bool {
        script.unique_id().contains(self.0) || script.file().contains(self.0)
    }
}

/// Whether a value without a method begins as ids of scripts do.
pub(super) fn is_id(value: &str) -> bool {
    value.starts_with(PREFIX)
}

/// What a user would call the node, if it is a script: the name of its file.
pub(super) fn file_name(node: &Node) -> Option<&str> {
    let is_script = node.resource_type() == "script";
    is_script.then(|| {
        node.file()
            .rsplit_once('/')
            .map_or(node.file(), |(_, name)| name)
    })
}
