//! The kind of a file: a script, a model as dbt defines it, or neither.

use fal_plugin::payload::{Diagnostic, FileKind, Label, Severity};

use crate::{
    context::{File, Meaning},
    names::HostName,
    tree::{Kind, NodeId},
};

/// Returns the kind, with an error if the file is both.
pub(crate) fn kind(file: &File<'_, '_>) -> (FileKind, Option<Diagnostic>) {
    match (script_mark(file), dbt_model(file)) {
        (Some(mark), Some(model)) => (FileKind::Script, Some(both(file, mark, model))),
        (Some(_), None) => (FileKind::Script, None),
        (None, Some(_)) => (FileKind::DbtNative, None),
        (None, None) => (FileKind::Helper, None),
    }
}

/// Returns the first call of one of the host's names, or use of `write_to_model` as a value.
pub(crate) fn script_mark(file: &File<'_, '_>) -> Option<NodeId> {
    file.uses.iter().find_map(|it| {
        let value = (it.host_name == HostName::WriteToModel).then_some(it.name);
        file.call_of(it.name)
            .or(value)
            .filter(|_| file.meaning_of(it.name) == Meaning::Host)
    })
}

/// Finds `def model(dbt, session)` at module level; the second parameter may have any name.
fn dbt_model(file: &File<'_, '_>) -> Option<NodeId> {
    file.tree.kids(file.tree.root()).iter().copied().find(|id| {
        let Kind::FunctionDef {
            name: "model",
            is_async: false,
            ..
        } = file.tree.kind(*id)
        else {
            return false;
        };
        let arguments = file.tree.kids(*id)[0];
        let first = file.tree.kids(arguments).first();
        let is_dbt = first.is_some_and(|first| matches!(file.tree.kind(*first), Kind::Arg("dbt")));
        is_dbt
            && matches!(
                file.tree.kind(arguments),
                Kind::Arguments { positional: 2, .. }
            )
    })
}

fn both(file: &File<'_, '_>, mark: NodeId, model: NodeId) -> Diagnostic {
    let label = |id, text: &str| Label {
        span: file.span(id),
        text: text.to_owned(),
    };
    let mut head = label(model, "makes it a model as dbt defines it");
    // Marks only the first line of the function.
    let first_line = file.source(model).lines().next().map_or(0, str::len) as u32;
    head.span = file
        .lines
        .span(head.span.start, head.span.start + first_line);
    Diagnostic {
        code: "model::both_kinds".to_owned(),
        severity: Severity::Error,
        message: "this file is both a script and a model as dbt defines it".to_owned(),
        labels: vec![label(mark, "makes it a script"), head],
        help: Some(
            "in `def model(dbt, session)` use `dbt.ref` and return the DataFrame, or drop the function".to_owned(),
        ),
        cell: None,
    }
}
