//! Kinds of nodes, for messages, renderings and the routing of work.

use fal_plugin::payload::GraphNode;

/// Kind of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodeKind {
    /// A SQL model.
    Sql,
    /// A Python model: a script with a stub, or dbt's own `def model`.
    Python,
    /// A notebook model.
    Notebook,
    /// A seed.
    Seed,
    /// A snapshot.
    Snapshot,
    /// A source.
    Source,
    /// A data test.
    Test,
    /// A unit test.
    UnitTest,
    /// An exposure.
    Exposure,
    /// A metric, a semantic model or a saved query.
    Semantic,
    /// A script attached to a model.
    Script,
    /// Another kind of dbt's (analysis, operation, function, ...).
    Other,
}

impl NodeKind {
    /// Returns the name of the kind.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::Python => "python",
            Self::Notebook => "notebook",
            Self::Seed => "seed",
            Self::Snapshot => "snapshot",
            Self::Source => "source",
            Self::Test => "test",
            Self::UnitTest => "unit_test",
            Self::Exposure => "exposure",
            Self::Semantic => "semantic",
            Self::Script => "script",
            Self::Other => "other",
        }
    }

    /// Returns the kind of a model by its Python or notebook file.
    pub(crate) fn of_file(file: &str) -> Self {
        if file.to_ascii_lowercase().ends_with(".py") {
            Self::Python
        } else {
            Self::Notebook
        }
    }

    /// Returns the kind of a node as dbt describes it.
    pub(crate) fn of_spec(spec: &GraphNode) -> Self {
        match spec.resource_type.as_str() {
            "model" if spec.language.as_deref() == Some("python") => Self::Python,
            "model" => Self::Sql,
            "seed" => Self::Seed,
            "snapshot" => Self::Snapshot,
            "source" => Self::Source,
            "test" => Self::Test,
            "unit_test" => Self::UnitTest,
            "exposure" => Self::Exposure,
            "metric" | "semantic_model" | "saved_query" => Self::Semantic,
            "script" => Self::Script,
            _ => Self::Other,
        }
    }
}
