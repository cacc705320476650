//! The count of a whole file, and its problems.

use fal_plugin::payload::{Diagnostic, Label, Severity, Span, WriteCall, WriteCount};

use super::{
    indirect,
    outcome::End,
    paths::{Paths, Site, Sure, UNBOUNDED, either},
    walker::Walker,
};
use crate::{
    context::File,
    kind::script_mark,
    tree::{Kind, NodeId},
};

const SOMETIMES: &str = "write::never_on_some_path";

/// How often a file writes.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) writes: Vec<WriteCall>,
    pub(crate) count: WriteCount,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Counts the calls of a script.
pub(crate) fn count(file: &File<'_, '_>) -> Counted {
    let mut walker = Walker::new(file);
    let flow = walker.block(file.tree.kids(file.tree.root()));
    let ends = either(flow.get(End::Normal), flow.get(End::Exit));
    let any = flow.any().unwrap_or(Paths::ZERO);
    let aliases = indirect::aliases(&walker);
    let indirect_calls = indirect::in_callbacks(&mut walker)
        .saturating_add(aliases.len() as u32)
        .saturating_add(u32::from(indirect::hides_a_call(&walker)));
    let max = any.max.saturating_add(indirect_calls);
    let min = ends
        .map(|ends| ends.min)
        .filter(|min| *min <= max && *min != UNBOUNDED);
    let count = WriteCount {
        min: min.unwrap_or(0),
        max: indirect::bounded(max),
    };
    let writes = writes(&walker);
    let mut diagnostics = verdict(file, &count, any.sure, &writes);
    // A script that always fails has no path without a write to report.
    diagnostics.retain(|it| ends.is_some() || it.code != SOMETIMES);
    diagnostics.extend(aliases.iter().map(|alias| unfollowed(file.span(*alias))));
    Counted {
        writes,
        count,
        diagnostics,
    }
}

fn writes(walker: &Walker<'_, '_, '_>) -> Vec<WriteCall> {
    if walker.writes.is_empty() {
        return Vec::new();
    }
    let file = walker.file;
    let looped = in_loops(file);
    let mut calls: Vec<NodeId> = walker.writes.iter().copied().collect();
    calls.sort_by_key(|id| file.tree.range(*id));
    calls
        .into_iter()
        .map(|id| WriteCall {
            span: file.span(id),
            in_loop: looped[id.index()],
        })
        .collect()
}

/// Returns for each node whether it is in a loop of its function. Parents have larger ids than
/// their children, so one pass from the last node to the first is enough.
fn in_loops(file: &File<'_, '_>) -> Vec<bool> {
    let mut looped = vec![false; file.tree.len()];
    for id in file.tree.ids().rev() {
        let (repeated, inherits) = match file.tree.kind(id) {
            Kind::For { body } => (2..2 + *body as usize, true),
            Kind::While { body } => (0..1 + *body as usize, true),
            Kind::Comprehension { .. } => (0..usize::MAX, true),
            Kind::FunctionDef { .. } | Kind::Lambda => (0..0, false),
            _ => (0..0, true),
        };
        let outer = inherits && looped[id.index()];
        for (place, kid) in file.tree.kids(id).iter().enumerate() {
            looped[kid.index()] = outer || repeated.contains(&place);
        }
    }
    looped
}

fn verdict(
    file: &File<'_, '_>,
    count: &WriteCount,
    sure: Option<Sure>,
    writes: &[WriteCall],
) -> Vec<Diagnostic> {
    let worst = sure.filter(|sure| sure.count > 0);
    if count.max == Some(0) {
        return vec![never(file, writes)];
    }
    let Some(worst) = worst else {
        return Vec::new();
    };
    match (worst.looped, worst.sites) {
        (Some((site, by)), _) => vec![repeated(file, site, by)],
        (None, [Some(first), Some(second)]) => vec![twice(file, first, second)],
        _ if count.min == 0 => vec![sometimes(writes)],
        _ => Vec::new(),
    }
}

fn never(file: &File<'_, '_>, writes: &[WriteCall]) -> Diagnostic {
    let unreached = writes
        .iter()
        .map(|write| label(write.span, "never reached"));
    let labels: Vec<Label> = unreached.collect();
    let mark = || script_mark(file).map_or(file.span(file.tree.root()), |id| file.span(id));
    let labels = if labels.is_empty() {
        vec![label(mark(), "makes this file a model")]
    } else {
        labels
    };
    problem(
        "write::never",
        Severity::Error,
        "this model never calls `write_to_model`".to_owned(),
        labels,
        "call `write_to_model(df)` exactly once, with the data of the model's table",
    )
}

fn sometimes(writes: &[WriteCall]) -> Diagnostic {
    let labels = writes
        .iter()
        .map(|write| label(write.span, "not on every path"))
        .collect();
    problem(
        SOMETIMES,
        Severity::Warning,
        "there is a path through this model that does not call `write_to_model`".to_owned(),
        labels,
        "a run that takes this path fails: call `write_to_model` on every path",
    )
}

fn twice(file: &File<'_, '_>, first: Site, second: Site) -> Diagnostic {
    let same = first.write == second.write;
    let place = |site: Site| file.span(if same { site.via } else { site.write });
    let (one, other) = (place(first), place(second));
    problem(
        "write::twice",
        Severity::Error,
        "`write_to_model` is called twice on one path".to_owned(),
        vec![
            label(other, "the second call"),
            label(one, "the first call"),
        ],
        "a model has one table: join the data and call `write_to_model` once, or make two models",
    )
}

fn repeated(file: &File<'_, '_>, site: Site, by: NodeId) -> Diagnostic {
    let call = file.span(if file.tree.encloses(by, site.write) {
        site.write
    } else {
        site.via
    });
    problem(
        "write::in_loop",
        Severity::Error,
        "`write_to_model` is called in a loop".to_owned(),
        vec![
            label(call, "called in every turn"),
            label(header(file, by), "of this loop"),
        ],
        "collect the data in the loop and call `write_to_model` once behind it",
    )
}

fn unfollowed(span: Span) -> Diagnostic {
    problem(
        "write::not_followed",
        Severity::Warning,
        "`write_to_model` is handed on as a value, so its calls cannot be counted before the run"
            .to_owned(),
        vec![label(span, "not a call")],
        "call `write_to_model(df)` directly; a second call fails during the run",
    )
}

/// Returns the span of the loop's first line.
fn header(file: &File<'_, '_>, id: NodeId) -> Span {
    let (start, _) = file.tree.range(id);
    let line = file.source(id).lines().next().map_or(0, str::len) as u32;
    file.lines.span(start, start + line)
}

fn label(span: Span, text: &str) -> Label {
    Label {
        span,
        text: text.to_owned(),
    }
}

fn problem(
    code: &str,
    severity: Severity,
    message: String,
    labels: Vec<Label>,
    help: &str,
) -> Diagnostic {
    Diagnostic {
        code: code.to_owned(),
        severity,
        message,
        labels,
        help: Some(help.to_owned()),
        cell: None,
    }
}
