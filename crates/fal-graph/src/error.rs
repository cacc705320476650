//! What can be wrong with a graph or a selection.

use std::error::Error;

use thiserror::Error;

use crate::cycle::Cycle;

/// The nodes make no DAG.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DagError {
    /// Nodes wait for each other.
    #[error("{}", describe_cycles(.cycles))]
    Cycle {
        /// One cycle for each knot, a shortest one, each as it runs.
        cycles: Vec<Cycle>,
    },
    /// The same unique id twice.
    #[error("two nodes have the unique id '{id}'")]
    Duplicate {
        /// The unique id.
        id: String,
    },
    /// A Python model or an edge names a node that is not there.
    #[error("no node has the unique id '{id}'{}", needed(.needed_by))]
    UnknownNode {
        /// The unique id.
        id: String,
        /// File or node that needs it.
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
    /// Not the syntax of a selector.
    #[error("'{expression}' is not a selector: {reason}")]
    Syntax {
        /// The expression.
        expression: String,
        /// What is wrong.
        reason: String,
    },
    /// `tga:nightly`.
    #[error("'{method}' is not a selection method, in '{expression}'{}", did_you_mean(.nearest))]
    UnknownMethod {
        /// The expression.
        expression: String,
        /// The method.
        method: String,
        /// The method that is spelled most like it.
        nearest: Option<String>,
    },
    /// `test_type:sometimes`.
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
        /// What would be one.
        expected: &'static str,
    },
    /// A selector that `selectors.yml` does not define.
    #[error("no selector is called '{name}' in selectors.yml{}", did_you_mean(.nearest))]
    UnknownSelector {
        /// The name.
        name: String,
        /// The selector that is spelled most like it.
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
        /// The type that is spelled most like it.
        nearest: Option<String>,
    },
    /// A method that someone else answers (`state`, `result`, ...) failed.
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
