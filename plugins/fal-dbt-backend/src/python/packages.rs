//! Environments for `packages` of dbt-native Python models, which `fal_project.yml` does not
//! define.

use std::collections::{HashMap, HashSet};

use fal_environments::LOCAL;
use fal_plugin::payload::{EnvironmentKind, EnvironmentSpec, GraphNode};
use serde_json::Value;

/// The environments of all models that ask for packages, by the models' unique ids.
#[derive(Debug, Default)]
pub(crate) struct Packages {
    specs: HashMap<String, EnvironmentSpec>,
    /// Models that also name an environment.
    unused: Vec<(String, String)>,
}

impl Packages {
    /// Reads the packages of a project's models. `keyword` is the key of `meta`.
    pub(crate) fn new(nodes: &[GraphNode], keyword: &str) -> Self {
        let mut found = Self::default();
        for node in nodes {
            let Some(spec) = spec(node, keyword) else {
                continue;
            };
            match node.environment(keyword) {
                None => _ = found.specs.insert(node.unique_id.clone(), spec),
                // A model that names `local` explicitly runs there in spite of its packages.
                Some(LOCAL) => {}
                Some(name) => found.unused.push((node.unique_id.clone(), name.to_owned())),
            }
        }
        found
    }

    /// Returns the definition of the environment called `name`.
    pub(crate) fn spec(&self, name: &str) -> Option<&EnvironmentSpec> {
        self.specs.values().find(|spec| spec.name == name)
    }

    /// Returns the name of a model's environment.
    pub(crate) fn name(&self, unique_id: &str) -> Option<&str> {
        self.specs.get(unique_id).map(|spec| spec.name.as_str())
    }

    /// Returns the names of the environments that these nodes need.
    pub(crate) fn names<'a>(&'a self, selected: &'a [String]) -> impl Iterator<Item = &'a str> {
        selected.iter().filter_map(|unique_id| self.name(unique_id))
    }

    /// Returns warnings about these nodes.
    pub(crate) fn warnings<'a>(
        &'a self,
        selected: &'a [String],
    ) -> impl Iterator<Item = String> + 'a {
        let selected: HashSet<_> = selected.iter().collect();
        self.unused.iter().filter(move |(unique_id, _)| selected.contains(unique_id)).map(|(unique_id, name)| {
            format!("{unique_id} runs in its environment `{name}`: its `packages` are not installed besides")
        })
    }
}

fn spec(node: &GraphNode, keyword: &str) -> Option<EnvironmentSpec> {
    if node.language.as_deref() != Some("python") || runs_in_warehouse(node, keyword) {
        return None;
    }
    let packages = node
        .config
        .get("packages")
        .and_then(Value::as_array)
        .filter(|packages| !packages.is_empty())?;
    Some(EnvironmentSpec {
        name: format!("packages of {}", node.unique_id),
        kind: EnvironmentKind::Venv,
        requirements: packages
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        python: node
            .config
            .get("python_version")
            .and_then(Value::as_str)
            .map(str::to_owned),
    })
}

/// Returns whether the warehouse runs the model. Must agree with the session's `engine/native.py`.
fn runs_in_warehouse(node: &GraphNode, keyword: &str) -> bool {
    let place = node
        .fal_meta(keyword)
        .and_then(|fal| fal.get("python"))
        .and_then(Value::as_str);
    place == Some("warehouse")
        || node
            .config
            .get("submission_method")
            .is_some_and(|method| !method.is_null())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(name: &str, config: Value) -> GraphNode {
        serde_json::from_value(json!({
            "unique_id": format!("model.p.{name}"), "name": name, "resource_type": "model", "package_name": "p",
            "original_file_path": "", "language": "python", "config": config,
        }))
        .unwrap()
    }

    #[test]
    fn packages_are_an_environment_unless_one_is_named() {
        let nodes = [
            node(
                "own",
                json!({ "packages": ["a==1", "b"], "python_version": "3.11" }),
            ),
            node("none", json!({ "packages": [] })),
            node(
                "named",
                json!({ "packages": ["a"], "fal_environment": "ml" }),
            ),
            node(
                "local",
                json!({ "packages": ["a"], "meta": { "fal": { "environment": "local" } } }),
            ),
            node(
                "far",
                json!({ "packages": ["a"], "submission_method": "serverless" }),
            ),
            node(
                "far_too",
                json!({ "packages": ["a"], "meta": { "fal": { "python": "warehouse" } } }),
            ),
            GraphNode {
                language: Some("sql".into()),
                ..node("sql", json!({ "packages": ["a"] }))
            },
        ];
        let ids: Vec<_> = nodes.iter().map(|node| node.unique_id.clone()).collect();
        let packages = Packages::new(&nodes, "fal");
        assert_eq!(
            packages.names(&ids).collect::<Vec<_>>(),
            ["packages of model.p.own"]
        );
        let spec = packages.spec("packages of model.p.own").unwrap();
        assert_eq!(
            (spec.requirements.join(" "), spec.python.as_deref()),
            ("a==1 b".into(), Some("3.11"))
        );
        insta::assert_snapshot!(packages.warnings(&ids).collect::<String>(), @"model.p.named runs in its environment `ml`: its `packages` are not installed besides");
        assert_eq!(packages.warnings(&[]).count(), 0);
    }
}
