//! SQL given to `execute_sql`, or to `ref` and `source` as `where`.

use fal_plugin::payload::{DependencyKind, DependencyOrigin, Span};

use super::{
    Found,
    code::Call,
    docstring,
    jinja::{self, JinjaCall},
    loops, reference,
};
use crate::{
    context::File,
    evaluate::Evaluator,
    tree::{Kind, NodeId},
};

/// The SQL of one call.
pub(super) struct Query {
    argument: NodeId,
    /// The text in each turn of the loops around it; `None` if it is unknown.
    texts: Option<Vec<String>>,
    /// Whether the function certainly is the host's.
    sure: bool,
}

/// Returns the SQL of a call of `execute_sql`.
pub(super) fn query(file: &File<'_, '_>, call: Call) -> Option<Query> {
    let (_, args, keywords) = file.call(call.id)?;
    let argument = args
        .first()
        .copied()
        .or_else(|| keyword(file, keywords, &["sql", "query"]))?;
    Some(known(file, call, argument))
}

/// Returns the condition of a call of `ref` or `source`.
pub(super) fn condition(file: &File<'_, '_>, call: Call) -> Option<Query> {
    let (_, _, keywords) = file.call(call.id)?;
    Some(known(
        file,
        call,
        keyword(file, keywords, &[reference::WHERE])?,
    ))
}

fn keyword(file: &File<'_, '_>, keywords: &[NodeId], names: &[&str]) -> Option<NodeId> {
    let named = |keyword: &&NodeId| matches!(file.tree.kind(**keyword), Kind::Keyword(Some(name)) if names.contains(name));
    file.tree
        .kids(*keywords.iter().find(named)?)
        .first()
        .copied()
}

fn known(file: &File<'_, '_>, call: Call, argument: NodeId) -> Query {
    let turns = loops::turns(file, call.id, &[argument]);
    let text = |turn: &_| {
        Evaluator::new(file, turn)
            .lenient()
            .value(argument)?
            .as_str()
            .map(str::to_owned)
    };
    Query {
        argument,
        texts: turns.iter().map(text).collect(),
        sure: call.sure,
    }
}

/// Adds what the Jinja in the SQL reads.
pub(super) fn add(file: &File<'_, '_>, query: &Query, kind: DependencyKind, found: &mut Found) {
    for text in query.texts.iter().flatten() {
        for call in jinja::calls(text)
            .into_iter()
            .filter(|call| call.kind == kind)
        {
            add_call(
                &call,
                query.sure,
                place(file, query.argument, call.text),
                found,
            );
        }
    }
}

fn add_call(call: &JinjaCall<'_>, sure: bool, span: Span, found: &mut Found) {
    let made = call.arguments.as_ref().and_then(|it| {
        let keywords: Vec<_> = it
            .keywords
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        reference::dependency(call.kind, &it.args, &keywords, DependencyOrigin::Sql, span)
    });
    match made {
        Some(dependency) => found.add_new(dependency),
        None if !sure => {}
        None => found.add_unresolved(
            call.kind,
            &call.text.replace(crate::evaluate::UNKNOWN, "..."),
            span,
        ),
    }
}

/// Returns the span of the call within the literal, if its source is unchanged there, or else of
/// the whole argument.
fn place(file: &File<'_, '_>, argument: NodeId, text: &str) -> Span {
    let holder = match file.tree.kind(argument) {
        Kind::Name(name, _) => file.bound_value(name, argument).unwrap_or(argument),
        _ => argument,
    };
    let (start, _) = file.tree.range(holder);
    let source = file.source(holder);
    let found = file
        .spend(1 + source.len() / docstring::SEARCHED_AT_ONCE)
        .and_then(|()| source.find(text));
    match found {
        Some(at) => file
            .lines
            .span(start + at as u32, start + (at + text.len()) as u32),
        None => file.span(argument),
    }
}

/// Makes a warning for SQL of which nothing is known.
pub(super) fn warn_of_unknown(file: &File<'_, '_>, queries: &[Query], found: &mut Found) {
    let declared = found
        .dependencies
        .iter()
        .any(|it| it.origin == DependencyOrigin::Docstring);
    for query in queries
        .iter()
        .filter(|query| query.sure && query.texts.is_none() && !declared)
    {
        found.warn(
            "dependency::unresolved_sql",
            "what this SQL reads is not known before the run".to_owned(),
            file.span(query.argument),
            "not a literal, nor a name bound once to one",
            "name what it reads in the module docstring, in a line such as `- ref('model_name')`",
        );
    }
}
