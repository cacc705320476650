//! The line of a schema file that a complaint is about. dbt keeps no lines, so the text is searched.

use std::path::Path;

use super::entry::ScriptOwner;
use crate::diagnostics::FileDiagnostic;

/// Where a complaint about an owner's scripts belongs.
pub(super) struct Place<'a> {
    pub(super) root: &'a Path,
    pub(super) owner: &'a ScriptOwner,
}

impl Place<'_> {
    /// An error in the owner's file, at the first line with `needle` behind the owner's name.
    pub(super) fn error(&self, code: &str, message: String, help: String, needle: &str) -> FileDiagnostic {
        let diagnostic = FileDiagnostic::error(&self.owner.file, code, message).with_help(help);
        let text = fal_files::read_text(&self.root.join(&self.owner.file), fal_files::TEXT).unwrap_or_default();
        match self.line(&text, needle) {
            Some(line) => diagnostic.with_line(&text, line, "here"),
            None => diagnostic,
        }
    }

    fn line(&self, text: &str, needle: &str) -> Option<usize> {
        let names_owner = |line: &str| {
            let value = line.trim().trim_start_matches("- ").strip_prefix("name:").map(str::trim);
            value.is_some_and(|value| Some(value.trim_matches(['"', '\''])) == self.owner.name.as_deref())
        };
        let first = text.lines().position(names_owner).unwrap_or(0);
        let found = text.lines().enumerate().skip(first).find(|(_, line)| line.contains(needle));
        found.filter(|_| !needle.is_empty()).map(|(index, _)| index + 1)
    }
}
