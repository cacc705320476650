//! A text as miette reads it, with columns counted in characters instead of bytes.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// A named text.
pub(crate) struct SourceText<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
}

impl SourceCode for SourceText<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let found = self.text.read_span(span, lines_before, lines_after)?;
        let column = self.column(span.offset());
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.to_owned(),
            found.data(),
            *found.span(),
            found.line(),
            column,
            found.line_count(),
        )))
    }
}

impl SourceText<'_> {
    /// Characters between the start of the line and `offset`.
    fn column(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind(['\n', '\r']).map_or(0, |newline| newline + 1);
        before[line_start..].chars().count()
    }

    /// `start..end` inside the text and between characters, whatever a plugin said.
    pub(crate) fn clamp(&self, start: u32, end: u32) -> SourceSpan {
        // Nothing is drawn behind the last line break: what lies there is marked at the end of the last line.
        let last = self.text.trim_end_matches(['\n', '\r']).len();
        let start = self.floor(start as usize).min(last);
        let end = self.floor(end as usize).max(start);
        (start, end - start).into()
    }

    fn floor(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        (0..=offset).rev().find(|&offset| self.text.is_char_boundary(offset)).unwrap_or(0)
    }
}
