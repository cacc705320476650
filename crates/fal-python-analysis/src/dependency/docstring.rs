//! The module docstring and the dependencies written in it.

use fal_plugin::payload::{Dependency, DependencyKind, DependencyOrigin, Span};

use super::{Found, literal_call, reference};
use crate::{
    context::File,
    tree::{Kind, NodeId},
};

/// Returns the node of the module docstring and its text.
pub(crate) fn docstring<'t>(file: &File<'t, '_>) -> Option<(NodeId, &'t str)> {
    let first = *file.tree.kids(file.tree.root()).first()?;
    let value = *file.tree.kids(first).first()?;
    match (file.tree.kind(first), file.tree.kind(value)) {
        (Kind::Expr, Kind::Str(text)) => Some((value, text)),
        _ => None,
    }
}

/// Adds the calls of each line as written: `ref` before `source`.
pub(super) fn add(file: &File<'_, '_>, found: &mut Found) {
    let Some((node, text)) = docstring(file) else {
        return;
    };
    let (start, end) = file.tree.range(node);
    let mut cursor = Cursor {
        file,
        source: file.lines.slice(start, end),
        start,
        at: 0,
    };
    for line in lines(text) {
        let found_calls =
            [DependencyKind::Ref, DependencyKind::Source].map(|kind| (kind, calls(line, kind)));
        if found_calls.iter().all(|(_, calls)| calls.is_empty()) {
            continue;
        }
        let offset = cursor.find(line);
        for (kind, calls) in found_calls {
            for (at, call) in calls {
                let place = offset.map_or((start, end), |line| {
                    (line + at as u32, line + (at + call.len()) as u32)
                });
                let span = file.lines.span(place.0, place.1);
                match read(kind, call, span) {
                    Some(dependency) => found.dependencies.push(dependency),
                    None => ignored(found, call, span),
                }
            }
        }
    }
}

fn ignored(found: &mut Found, call: &str, span: Span) {
    found.warn(
        "dependency::docstring",
        format!("`{call}` in the docstring names no relation and is ignored"),
        span,
        "needs literal names",
        "write the names as literals, as in `- ref('model_name')`, or put it in other words",
    );
}

fn read(kind: DependencyKind, call: &str, span: Span) -> Option<Dependency> {
    let open = call.find('(')? + 1;
    let parsed =
        literal_call::parse(&call[open..]).filter(|parsed| open + parsed.len == call.len())?;
    let keywords: Vec<_> = parsed
        .keywords
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    let mut made = reference::dependency(
        kind,
        &parsed.args,
        &keywords,
        DependencyOrigin::Docstring,
        span,
    )?;
    // The stub has the call as it was written, without the keywords that dbt does not know.
    if !parsed
        .keywords
        .iter()
        .any(|(name, _)| reference::is_of_the_read(name))
    {
        call.clone_into(&mut made.text);
    }
    Some(made)
}

/// Returns each `name(...)` up to the next closing parenthesis, with its offset.
fn calls(line: &str, kind: DependencyKind) -> Vec<(usize, &str)> {
    let opening = format!("{}(", reference::name(kind));
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(at) = line[from..].find(&opening).map(|at| from + at) {
        let Some(end) = line[at..].find(')').map(|end| at + end + 1) else {
            break;
        };
        out.push((at, &line[at..end]));
        from = end;
    }
    out
}

/// Splits lines as Python's `str.splitlines` does.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split([
        '\n', '\r', '\x0b', '\x0c', '\x1c', '\x1d', '\x1e', '\u{85}', '\u{2028}', '\u{2029}',
    ])
}

/// The number of bytes that are searched in about the time of one look at a node.
pub(super) const SEARCHED_AT_ONCE: usize = 64;

/// Finds the lines of the docstring's value in its source. Escapes may hide a line; then the whole
/// docstring is the place.
struct Cursor<'f, 't, 'a> {
    file: &'f File<'t, 'a>,
    source: &'t str,
    start: u32,
    at: usize,
}

impl Cursor<'_, '_, '_> {
    fn find(&mut self, line: &str) -> Option<u32> {
        self.file.spend(1)?;
        let rest = self.source.get(self.at..)?;
        let Some(found) = rest.find(line) else {
            self.file.spend(rest.len() / SEARCHED_AT_ONCE)?;
            return None;
        };
        let at = self.at + found;
        self.at = at + line.len();
        Some(self.start + at as u32)
    }
}
