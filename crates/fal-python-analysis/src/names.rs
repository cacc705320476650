//! The names that the host puts in scope, and where a file uses them.

use crate::tree::{Context, Kind, NodeId, Tree, breadth_first};

/// A function that the host puts in scope. `context` is not among them, because too many files use
/// that name themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostName {
    Ref,
    Source,
    WriteToModel,
    ExecuteSql,
    /// Another function that makes a file a script and has no other meaning here.
    Other,
}

impl HostName {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "ref" => Self::Ref,
            "source" => Self::Source,
            "write_to_model" => Self::WriteToModel,
            "execute_sql" => Self::ExecuteSql,
            "write_to_source" | "list_models" | "list_models_ids" | "list_sources" => Self::Other,
            _ => return None,
        })
    }
}

/// A place where such a name is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    pub(crate) host_name: HostName,
    pub(crate) name: NodeId,
}

/// Returns all uses, breadth first: calls come in the same order as their names.
pub(crate) fn uses(tree: &Tree<'_>) -> Vec<Use> {
    let found: Vec<Use> = tree.ids().filter_map(|id| use_at(tree, id)).collect();
    // This first look costs less than a walk in order, and most files of a project are not models.
    if found.len() < 2 {
        found
    } else {
        breadth_first(tree)
            .into_iter()
            .filter_map(|id| use_at(tree, id))
            .collect()
    }
}

fn use_at(tree: &Tree<'_>, name: NodeId) -> Option<Use> {
    let Kind::Name(text, Context::Load) = tree.kind(name) else {
        return None;
    };
    HostName::from_name(text).map(|host_name| Use { host_name, name })
}
