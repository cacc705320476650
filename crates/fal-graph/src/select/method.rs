//! Names of selection methods.

use super::script;
use fal_plugin::nearest;

use crate::error::SelectError;

/// A selection method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Fqn,
    Tag,
    Group,
    Access,
    Source,
    Path,
    File,
    Package,
    Config,
    Exposure,
    Metric,
    SemanticModel,
    SavedQuery,
    UnitTest,
    TestName,
    TestType,
    ResourceType,
    Version,
    Selector,
    /// A name that begins as ids of scripts do, without a method.
    Script,
    /// A method that the backend answers. Holds its name.
    External(String),
}

const OWN: [(&str, Method); 19] = [
    ("fqn", Method::Fqn),
    ("tag", Method::Tag),
    ("group", Method::Group),
    ("access", Method::Access),
    ("source", Method::Source),
    ("path", Method::Path),
    ("file", Method::File),
    ("package", Method::Package),
    ("config", Method::Config),
    ("exposure", Method::Exposure),
    ("metric", Method::Metric),
    ("semantic_model", Method::SemanticModel),
    ("saved_query", Method::SavedQuery),
    ("unit_test", Method::UnitTest),
    ("test_name", Method::TestName),
    ("test_type", Method::TestType),
    ("resource_type", Method::ResourceType),
    ("version", Method::Version),
    ("selector", Method::Selector),
];

/// Methods that need more than the graph.
const EXTERNAL: [&str; 3] = ["state", "result", "source_status"];

impl Method {
    /// Returns the method called `name`, in the given expression.
    pub(super) fn parse(name: &str, expression: &str) -> Result<Self, SelectError> {
        if let Some((_, method)) = OWN.iter().find(|(own, _)| *own == name) {
            return Ok(method.clone());
        }
        if EXTERNAL.contains(&name) {
            return Ok(Self::External(name.to_owned()));
        }
        Err(SelectError::UnknownMethod {
            expression: expression.to_owned(),
            method: name.to_owned(),
            nearest: nearest(name, OWN.iter().map(|(own, _)| *own).chain(EXTERNAL))
                .map(str::to_owned),
        })
    }

    /// Returns the method of a value without one: a path, a file name, a script, or a name.
    pub(super) fn of_bare(value: &str) -> Self {
        let lower = value.to_lowercase();
        if value.contains('/') || (cfg!(windows) && value.contains('\\')) {
            Self::Path
        } else if [".sql", ".py", ".csv", ".ipynb"]
            .iter()
            .any(|ending| lower.ends_with(ending))
        {
            Self::File
        } else if script::is_id(value) {
            Self::Script
        } else {
            Self::Fqn
        }
    }
}
