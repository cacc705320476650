//! The errors of graphs and selections.

use std::error::Error;

use thiserror::Error;

use crate::cycle::Cycle;

/// The nodes do not form a DAG.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DagError {
    /// Nodes wait for each other.
    #[error("{}", describe_cycles(.cycles))]
    Cycle {
        /// A shortest cycle of each strongly connected component, in the direction of its edges.
        cycles: Vec<Cycle>,
    },
    /// Two nodes have the same unique id.
    #[error("two nodes have the unique id '{id}'")]
    Duplicate {
        /// The unique id.
        id: String,
    },
    /// A Python model or an edge names a node that does not exist.
    #[error("no node has the unique id '{id}'{}", needed(.needed_by))]
    UnknownNode {
        /// The unique id.
        id: String,
        /// File or node that names it.
        needed_by: Option<String>,
    },
}

fn describe_cycles(cycles: &[Cycle]) -> String {
    let list: Vec<String> = cycles.iter().map(ToString::to_string).collect();
    match list.as_slice() {
        [one] => format!("found a cycle: {one}"),
        many => format!("found {} cycles:\n  {}", many.len(), many.join("\n  ")),
    }
}

fn needed(who: &Option<String>) -> String {
    who.as_deref()
        .map(|who| format!(" (needed by {who})"))
        .unwrap_or_default()
}

/// A selection that cannot be understood. Each variant holds the offending expression as the user wrote it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SelectError {
    /// The expression is not valid syntax of a selector.
    #[error("'{expression}' is not a selector: {reason}")]
    Syntax {
        /// The expression.
        expression: String,
        /// What is wrong.
        reason: String,
    },
    /// The method does not exist, as in `tga:nightly`.
    #[error("'{method}' is not a selection method, in '{expression}'{}", did_you_mean(.nearest))]
    UnknownMethod {
        /// The expression.
        expression: String,
        /// The method.
        method: String,
        /// The method with the most similar name.
        nearest: Option<String>,
    },
    /// The method has no such value, as in `test_type:sometimes`.
    #[error(
        "'{value}' is no value for the selection method '{method}', in '{expression}': expected {expected}"
    )]
    Value {
        /// The expression.
        expression: String,
        /// The method.
        method: &'static str,
        /// The value.
        value: String,
        /// The valid values.
        expected: &'static str,
    },
    /// A selector that `selectors.yml` does not define.
    #[error("no selector is called '{name}' in selectors.yml{}", did_you_mean(.nearest))]
    UnknownSelector {
        /// The name.
        name: String,
        /// The selector with the most similar name.
        nearest: Option<String>,
    },
    /// A definition in `selectors.yml` that cannot be understood.
    #[error("selector '{selector}' in selectors.yml: {reason}")]
    Definition {
        /// Name of the selector.
        selector: String,
        /// What is wrong.
        reason: String,
    },
    /// A resource type for `--resource-type` that does not exist.
    #[error("'{name}' is not a resource type{}", did_you_mean(.nearest))]
    UnknownResourceType {
        /// The name.
        name: String,
        /// The type with the most similar name.
        nearest: Option<String>,
    },
    /// A method that the backend answers (`state`, `result`, ...) failed.
    #[error("selecting '{expression}' failed")]
    External {
        /// The expression.
        expression: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest
        .as_deref()
        .map(|name| format!("; did you mean '{name}'?"))
        .unwrap_or_default()
}
