//! The file at a stub's path, and whether fal-host wrote it.

use std::{borrow::Cow, io, path::Path};

use fal_plugin::payload::{StubVerdict, StubVerdictRequest};

use crate::stages::{PluginFailure, STUB_WRITER, Stages};

/// A file as text with `\n` line ends: git may have changed those of a stub.
pub(crate) struct Existing(Option<String>);

impl Existing {
    /// Reads a file. A file that is not UTF-8 has no text and is not a stub.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        Ok(Self(
            String::from_utf8(fal_files::read(path, fal_files::TEXT)?).ok(),
        ))
    }

    /// Returns its text with the line ends that the stub writer wrote.
    pub(crate) fn text(&self) -> Option<Cow<'_, str>> {
        let text = self.0.as_deref()?;
        Some(if text.contains('\r') {
            text.replace("\r\n", "\n").into()
        } else {
            text.into()
        })
    }

    /// Whether this differs from another text only by a SQL formatter's changes: white space and
    /// letter case. The caller has already asked the stub writer, which refuses changes inside
    /// quotes.
    pub(crate) fn is_but_for_layout(&self, other: &str) -> bool {
        fn bare(text: &str) -> impl Iterator<Item = char> + '_ {
            let letters = text.chars().filter(|letter| !letter.is_whitespace());
            letters.map(|letter| {
                if letter == '"' {
                    '\''
                } else {
                    letter.to_ascii_lowercase()
                }
            })
        }
        self.0
            .as_deref()
            .is_some_and(|text| bare(text).eq(bare(other)))
    }

    /// Asks the stub writer whether it is an unedited stub; `below` is the path below the model
    /// path.
    pub(crate) fn verdict(
        &self,
        path: &str,
        below: &str,
        stages: &Stages<'_>,
    ) -> Result<StubVerdict, PluginFailure> {
        let Some(text) = self.text() else {
            return Ok(StubVerdict::Foreign);
        };
        let request = StubVerdictRequest {
            path: below.to_owned(),
            content: text.into_owned(),
        };
        stages
            .stubs
            .judge(&request)
            .map_err(|error| PluginFailure::on(STUB_WRITER, path, error))
    }
}
