//! Finds the line of a schema file that a problem is about. dbt keeps no lines, so the text is
//! searched.

use std::path::Path;

use super::entry::ScriptOwner;
use crate::diagnostics::FileDiagnostic;

/// The place of problems with an owner's scripts.
pub(super) struct Place<'a> {
    root: &'a Path,
    pub(super) owner: &'a ScriptOwner,
}

impl<'a> Place<'a> {
    pub(super) fn new(root: &'a Path, owner: &'a ScriptOwner) -> Self {
        Self { root, owner }
    }

    /// Makes an error in the owner's file, at the first line with `needle` behind the owner's name,
    /// or else in dbt_project.yml, whose `+meta` applies to all models of a folder.
    pub(super) fn error(
        &self,
        code: &str,
        message: String,
        help: String,
        needle: &str,
    ) -> FileDiagnostic {
        let at = |file: &str| {
            let text =
                fal_files::read_text(&self.root.join(file), fal_files::TEXT).unwrap_or_default();
            let line = self.line(&text, needle)?;
            Some(FileDiagnostic::error(file, code, &message).with_line(&text, line, "here"))
        };
        let placed = at(&self.owner.file).or_else(|| at("dbt_project.yml"));
        placed
            .unwrap_or_else(|| FileDiagnostic::error(&self.owner.file, code, &message))
            .with_help(help)
    }

    fn line(&self, text: &str, needle: &str) -> Option<usize> {
        let names_owner = |line: &str| {
            let value = line
                .trim_start_matches([' ', '-', '{'])
                .strip_prefix("name:")
                .map(str::trim);
            let value = value
                .and_then(|value| value.split([',', '}', '#']).next())
                .map(str::trim);
            value.is_some_and(|value| {
                Some(value.trim_matches(['"', '\''])) == self.owner.name.as_deref()
            })
        };
        let first = text.lines().position(names_owner).unwrap_or(0);
        let found = text
            .lines()
            .enumerate()
            .skip(first)
            .find(|(_, line)| line.contains(needle));
        found
            .filter(|_| !needle.is_empty())
            .map(|(index, _)| index + 1)
    }
}
