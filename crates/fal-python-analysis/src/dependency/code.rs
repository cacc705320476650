//! Calls of `ref` and `source` in the code.

use fal_plugin::payload::{Dependency, DependencyKind, DependencyOrigin};

use super::{Found, docstring, loops, reference, sql, value_use};
use crate::{
    context::{File, Meaning},
    evaluate::{Evaluator, Turn, constant},
    names::HostName,
    tree::{Kind, NodeId},
    value::Value,
};

const KINDS: [DependencyKind; 2] = [DependencyKind::Ref, DependencyKind::Source];

/// Returns everything that the file reads, in the order of the stub: the docstring's calls, `ref`
/// calls with literal arguments, `source` calls with literal arguments, and what only evaluation
/// finds.
pub(crate) fn collect(file: &File<'_, '_>) -> Found {
    let mut found = Found::default();
    docstring::add(file, &mut found);
    let calls = KINDS.map(|kind| calls(file, reference::host_name(kind)));
    let mut deeper = Vec::new();
    for (kind, calls) in KINDS.into_iter().zip(&calls) {
        for call in calls {
            if !add_literal(file, *call, kind, &mut found) {
                deeper.push((kind, *call));
            }
        }
    }
    let queries = calls_of_sql(file);
    let conditions: Vec<_> = calls
        .iter()
        .flatten()
        .filter_map(|call| sql::condition(file, *call))
        .collect();
    for kind in KINDS {
        deeper
            .iter()
            .filter(|(of, _)| *of == kind)
            .for_each(|(_, call)| add_deeper(file, *call, kind, &mut found));
        value_use::add(file, kind, &mut found);
        queries
            .iter()
            .chain(&conditions)
            .for_each(|query| sql::add(file, query, kind, &mut found));
    }
    sql::warn_of_unknown(file, &queries, &mut found);
    found.warn_of_unresolved();
    found
}

/// A call of a name that is the host's, or of a parameter that may be.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) id: NodeId,
    /// Whether the name certainly is the host's. Only then is an unknown call worth a warning.
    pub(super) sure: bool,
}

/// Returns the calls by this bare name, breadth first.
fn calls(file: &File<'_, '_>, host_name: HostName) -> Vec<Call> {
    let mentioned = file
        .uses_of(host_name)
        .filter(|(_, meaning)| *meaning != Meaning::Foreign);
    let call = |(name, meaning)| {
        Some(Call {
            id: file.call_of(name)?,
            sure: meaning == Meaning::Host,
        })
    };
    mentioned.filter_map(call).collect()
}

fn calls_of_sql(file: &File<'_, '_>) -> Vec<sql::Query> {
    calls(file, HostName::ExecuteSql)
        .into_iter()
        .filter_map(|call| sql::query(file, call))
        .collect()
}

/// Adds a call if its arguments are all literals, and returns whether they are.
fn add_literal(
    file: &File<'_, '_>,
    Call { id: call, sure }: Call,
    kind: DependencyKind,
    found: &mut Found,
) -> bool {
    let Some((_, args, keywords)) = file.call(call) else {
        return false;
    };
    let literal = |id: &NodeId| constant(file.tree.kind(*id));
    let Some(values) = args.iter().map(literal).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let Some(keywords) = literal_keywords(file, keywords) else {
        return false;
    };
    let made = reference::dependency(
        kind,
        &values,
        &keywords,
        DependencyOrigin::Code,
        file.span(call),
    );
    match made {
        Some(dependency) => found.dependencies.push(dependency),
        None if sure => wrong_arguments(file, call, kind, found),
        None => {}
    }
    true
}

fn wrong_arguments(file: &File<'_, '_>, call: NodeId, kind: DependencyKind, found: &mut Found) {
    let (takes, example) = match kind {
        DependencyKind::Ref => (
            "the name of a model, or a package and a name",
            "ref('model_name')",
        ),
        DependencyKind::Source => (
            "a source and a table",
            "source('source_name', 'table_name')",
        ),
    };
    let message = format!("`{}` takes {takes}, as strings", reference::name(kind));
    found.warn(
        "dependency::arguments",
        message,
        file.span(call),
        "names no relation",
        &format!("as in `{example}`"),
    );
}

/// Returns the keyword arguments whose values are displays of literals, without those that do not
/// concern the relation.
fn literal_keywords<'t>(file: &File<'t, '_>, keywords: &[NodeId]) -> Option<Vec<(&'t str, Value)>> {
    let nothing = Turn::new();
    let mut out = Vec::with_capacity(keywords.len());
    for keyword in keywords {
        let Kind::Keyword(Some(name)) = file.tree.kind(*keyword) else {
            return None;
        };
        if reference::is_of_the_read(name) {
            continue;
        }
        let value = *file.tree.kids(*keyword).first()?;
        let known = is_display(file, value).then(|| Evaluator::new(file, &nothing).value(value));
        out.push((*name, known.flatten()?));
    }
    Some(out)
}

/// Whether an expression is made of literals alone.
fn is_display(file: &File<'_, '_>, id: NodeId) -> bool {
    let kids = file.tree.kids(id);
    match file.tree.kind(id) {
        Kind::List | Kind::Tuple | Kind::Set | Kind::Dict { .. } | Kind::Unary(_) => {
            kids.iter().all(|kid| is_display(file, *kid))
        }
        kind => constant(kind).is_some(),
    }
}

fn add_deeper(file: &File<'_, '_>, call: Call, kind: DependencyKind, found: &mut Found) {
    match resolve(file, call.id, kind) {
        Some(dependencies) => dependencies
            .into_iter()
            .for_each(|dependency| found.add_new(dependency)),
        None if call.sure => found.add_unresolved(kind, file.source(call.id), file.span(call.id)),
        None => {}
    }
}

/// Returns what a call reads in every turn of the loops around it; nothing if one turn is unknown.
fn resolve(file: &File<'_, '_>, call: NodeId, kind: DependencyKind) -> Option<Vec<Dependency>> {
    let (_, args, keywords) = file.call(call)?;
    let names = keywords
        .iter()
        .filter(|keyword| !is_of_the_read(file, **keyword));
    let expressions: Vec<NodeId> = args.iter().chain(names).copied().collect();
    let turns = loops::turns(file, call, &expressions);
    turns
        .iter()
        .map(|turn| in_turn(file, call, kind, turn))
        .collect()
}

fn is_of_the_read(file: &File<'_, '_>, keyword: NodeId) -> bool {
    matches!(file.tree.kind(keyword), Kind::Keyword(Some(name)) if reference::is_of_the_read(name))
}

fn in_turn<'t>(
    file: &File<'t, '_>,
    call: NodeId,
    kind: DependencyKind,
    turn: &Turn<'t>,
) -> Option<Dependency> {
    let (_, args, keywords) = file.call(call)?;
    let evaluator = Evaluator::new(file, turn);
    let values = evaluator.elements(args, 0)?;
    let mut named = Vec::new();
    for keyword in keywords {
        let Kind::Keyword(Some(name)) = file.tree.kind(*keyword) else {
            return None;
        };
        if !reference::is_of_the_read(name) {
            named.push((*name, evaluator.value(*file.tree.kids(*keyword).first()?)?));
        }
    }
    let origin = if turn.is_empty() {
        DependencyOrigin::Binding
    } else {
        DependencyOrigin::Loop
    };
    reference::dependency(kind, &values, &named, origin, file.span(call))
}
