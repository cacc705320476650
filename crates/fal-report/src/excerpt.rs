//! Excerpts of a problem's source. Long lines are clipped around the labels, and control characters
//! are written out.
//!
//! miette pads lines with spaces by a format width, which ends at 65,535, and it would show a notebook's line of a megabyte
//! whole.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::diagnostic::SourceProblem;
use crate::printed::{is_obeyed, printable, push_printable};

/// Maximum length of a line that is shown in full, in characters.
const LONGEST: usize = 400;
/// Characters shown on both sides of a label's start and end in a line that is longer.
const AROUND: usize = 100;
/// Maximum number of labels shown.
const LABELS: usize = 20;

/// A printable text, with the labels' places in it.
pub(crate) struct Excerpt<'a> {
    name: String,
    text: Cow<'a, str>,
    /// The range in `text` of each label that is shown.
    pub(crate) spans: Vec<SourceSpan>,
    /// Columns of the labels' starts in the file, from 0, by their offsets in `text`.
    columns: BTreeMap<usize, usize>,
}

impl<'a> Excerpt<'a> {
    pub(crate) fn new(problem: &'a SourceProblem) -> Self {
        let source = &problem.source;
        let labels = problem.diagnostic.labels.iter().take(LABELS);
        let ranges: Vec<_> = labels
            .map(|label| clamp(source, label.span.start, label.span.end))
            .collect();
        let points: BTreeSet<usize> = ranges
            .iter()
            .flat_map(|range| ends(source, range))
            .collect();
        let (text, shown) = if must_be_rewritten(source) {
            rewritten(source, &points)
        } else {
            (
                Cow::Borrowed(source.as_str()),
                points.into_iter().map(|point| (point, point)).collect(),
            )
        };
        let span = |range: &Range<usize>| {
            (shown[&range.start], shown[&range.end] - shown[&range.start]).into()
        };
        let column = |range: &Range<usize>| (shown[&range.start], column(source, range.start));
        let (spans, columns) = (
            ranges.iter().map(span).collect(),
            ranges.iter().map(column).collect(),
        );
        Self {
            name: printable(&problem.source_name, false),
            text,
            spans,
            columns,
        }
    }
}

impl SourceCode for Excerpt<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let found = self.text.read_span(span, lines_before, lines_after)?;
        let column = self.columns.get(&span.offset()).copied();
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            found.data(),
            *found.span(),
            found.line(),
            column.unwrap_or_else(|| self::column(&self.text, span.offset())),
            found.line_count(),
        )))
    }
}

/// Returns the number of characters between the start of the line and `offset`.
fn column(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind(['\n', '\r']).map_or(0, |newline| newline + 1);
    before[line_start..].chars().count()
}

/// Returns a valid range within the text, on character boundaries, for any offsets that a plugin
/// reports.
fn clamp(text: &str, start: u32, end: u32) -> Range<usize> {
    // miette draws nothing behind the last line break. Mark a label there at the end of the last
    // line.
    let last = text.trim_end_matches(['\n', '\r']).len();
    let start = floor(text, start as usize).min(last);
    start..floor(text, end as usize).max(start)
}

/// Returns the offsets that must be visible: start, end, and the end of the last line of a label
/// that includes its line break.
fn ends(text: &str, range: &Range<usize>) -> [usize; 3] {
    let marked = text[range.clone()].trim_end_matches(['\n', '\r']);
    [range.start, range.start + marked.len(), range.end]
}

fn floor(text: &str, offset: usize) -> usize {
    let offset = offset.min(text.len());
    (0..=offset)
        .rev()
        .find(|&offset| text.is_char_boundary(offset))
        .unwrap_or(0)
}

fn must_be_rewritten(text: &str) -> bool {
    let text = text.strip_suffix("\r\n").unwrap_or(text);
    let is_odd = |line: &str| line.chars().any(is_obeyed) || line.chars().nth(LONGEST).is_some();
    text.split('\n')
        .any(|line| is_odd(line.strip_suffix('\r').unwrap_or(line)))
}

/// A text with its line breaks as `\n`, and the places of the points in it.
fn rewritten<'a>(source: &str, points: &BTreeSet<usize>) -> (Cow<'a, str>, BTreeMap<usize, usize>) {
    let mut shown = Shown {
        text: String::new(),
        points,
        places: BTreeMap::new(),
    };
    let mut start = 0;
    while start < source.len() {
        let end = source[start..]
            .find(['\n', '\r'])
            .map_or(source.len(), |length| start + length);
        let broken = match &source.as_bytes()[end..] {
            [] => 0,
            [b'\r', b'\n', ..] => 2,
            _ => 1,
        };
        shown.line(source, start..end);
        // A point between or behind the characters of a line break counts as before it, but one that begins the next line.
        (end..end + broken).for_each(|offset| shown.note(offset));
        if broken > 0 {
            shown.text.push('\n');
        }
        start = end + broken;
    }
    shown.note(source.len());
    (Cow::Owned(shown.text), shown.places)
}

struct Shown<'a> {
    text: String,
    points: &'a BTreeSet<usize>,
    places: BTreeMap<usize, usize>,
}

impl Shown<'_> {
    /// Maps a point at `offset` to the next character that is shown.
    fn note(&mut self, offset: usize) {
        if self.points.contains(&offset) {
            self.places.insert(offset, self.text.len());
        }
    }

    fn line(&mut self, source: &str, line: Range<usize>) {
        let mut before = line.start;
        for kept in kept(source, &line, self.points) {
            if kept.start > before {
                self.text.push('…');
            }
            for (offset, char) in source[kept.clone()].char_indices() {
                self.note(kept.start + offset);
                push_printable(&mut self.text, char);
            }
            self.note(kept.end);
            before = kept.end;
        }
        if before < line.end {
            self.text.push('…');
        }
    }
}

/// Returns the parts of a line to show: all of a short line, else the text around the points, or
/// the beginning.
fn kept(source: &str, line: &Range<usize>, points: &BTreeSet<usize>) -> Vec<Range<usize>> {
    let text = &source[line.clone()];
    if text.chars().nth(LONGEST).is_none() {
        return vec![line.clone()];
    }
    let mut parts: Vec<Range<usize>> = Vec::new();
    for point in points.range(line.start..=line.end) {
        let start = source[line.start..*point]
            .char_indices()
            .rev()
            .nth(AROUND - 1);
        let end = source[*point..line.end].char_indices().nth(AROUND);
        let start = start.map_or(line.start, |(offset, _)| line.start + offset);
        let end = end.map_or(line.end, |(offset, _)| point + offset);
        match parts.last_mut().filter(|last| last.end >= start) {
            Some(last) => last.end = end,
            None => parts.push(start..end),
        }
    }
    if parts.is_empty() {
        let end = text
            .char_indices()
            .nth(2 * AROUND)
            .map_or(text.len(), |(offset, _)| offset);
        parts.push(line.start..line.start + end);
    }
    parts
}
