//! The runner of a Python model and the resources that it needs: `runner` and `resources` under the
//! keyword.

use std::path::Path;

use fal_plugin::payload::{GraphNode, Resources};
use serde_json::Value;

use super::{
    entry::ScriptOwner,
    meta::{Meta, under},
    place::Place,
    resources::read_resources,
};
use crate::diagnostics::FileDiagnostic;

pub(super) const CODE: &str = "runner::invalid";
const HELP: &str = "name a plugin that is installed here, or `local`";
/// Endings of plugin files, which a runner's name must not have.
const FILES: [&str; 4] = [".so", ".dylib", ".dll", ".fal-plugin"];

/// Where a model runs, according to its `meta`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placement {
    /// The name of the runner; `local` is where dbt runs.
    pub runner: Option<String>,
    /// The resources that it needs.
    pub resources: Resources,
}

/// Returns where a model of dbt's graph wants to run.
///
/// # Errors
/// Returns all errors in these settings.
pub fn node_placement(
    node: &GraphNode,
    keyword: &str,
    root: &Path,
) -> Result<Placement, Vec<FileDiagnostic>> {
    let Some(Value::Object(keys)) = under(node, keyword) else {
        return Ok(Placement::default());
    };
    let owner = ScriptOwner::from_node(node);
    let mut meta = Meta::new(CODE, keyword, Place::new(root, &owner));
    let runner = keys
        .get("runner")
        .and_then(|value| runner(&mut meta, value));
    let resources = keys
        .get("resources")
        .map(|value| read_resources(&mut meta, value))
        .unwrap_or_default();
    if meta.problems.is_empty() {
        Ok(Placement { runner, resources })
    } else {
        Err(meta.problems)
    }
}

/// Makes an error about the runner that a model names.
pub fn placement_problem(
    root: &Path,
    owner: &ScriptOwner,
    code: &str,
    message: String,
    help: String,
    runner: &str,
) -> FileDiagnostic {
    Place::new(root, owner).error(
        code,
        format!("{}: {message}", owner.describe()),
        help,
        runner,
    )
}

/// Reads a runner's name. A path is refused: the schema file may come from an installed package,
/// and a path would load native code.
fn runner(meta: &mut Meta<'_>, value: &Value) -> Option<String> {
    let name = match value {
        Value::Null => return None,
        Value::String(name) => name.trim(),
        other => {
            meta.wrong("`runner`", other, "text", HELP, "runner");
            return None;
        }
    };
    match wrong_name(name) {
        Some((message, help)) => {
            meta.problem(message, help.to_owned(), "runner");
            None
        }
        None => Some(name.to_owned()),
    }
}

/// Whether this cannot be the name of a runner.
pub(crate) fn wrong_runner_name(name: &str) -> bool {
    wrong_name(name).is_some()
}

/// Returns what is wrong with a runner's name in a schema file, and what to do about it.
pub(super) fn wrong_name(name: &str) -> Option<(String, &'static str)> {
    if name.contains(['/', '\\']) || FILES.iter().any(|end| name.ends_with(end)) {
        let message = format!("`runner` must be the name of a plugin, and `{name}` is a path");
        let help = "a schema file may come with a package, so it cannot name code to load: put the path into `routes` of \
                    fal_project.yml, or the plugin's folder into its `plugins: paths`, and name the plugin here";
        return Some((message, help));
    }
    let is_part = |char: char| char.is_alphanumeric() || matches!(char, '-' | '_' | '.');
    let is_name = !name.is_empty() && !name.starts_with('.') && name.chars().all(is_part);
    (!is_name).then(|| (format!("`{name}` is not a valid name for a runner"), HELP))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{folder, lines, orders};

    fn complaints(fal: Value) -> String {
        let problems = node_placement(&orders(fal), "fal", Path::new("/nowhere")).unwrap_err();
        assert!(problems.iter().all(|problem| problem.help.is_some()));
        let codes: Vec<_> = problems
            .iter()
            .map(|problem| problem.code.as_str())
            .collect();
        format!("{} {}", codes.join(" "), lines(&problems))
    }

    #[test]
    fn a_runner_and_resources_are_read_under_the_keyword() {
        let said = json!({"runner": "acme-runner", "resources": {"cpus": 2}, "scripts": ["a.py"]});
        let placement = node_placement(&orders(said.clone()), "fal", Path::new("/")).unwrap();
        assert_eq!(
            (placement.runner.as_deref(), placement.resources.cpus),
            (Some("acme-runner"), Some(2.0))
        );
        assert_eq!(
            node_placement(&orders(said), "acme", Path::new("/")).unwrap(),
            Placement::default()
        );
        assert_eq!(
            node_placement(&orders(json!({"runner": null})), "fal", Path::new("/")).unwrap(),
            Placement::default()
        );
    }

    #[test]
    fn a_runner_is_a_name_and_never_a_path() {
        insta::assert_snapshot!(complaints(json!({"runner": "./evil.so"})), @"runner::invalid models/schema.yml: the model `orders`: `runner` must be the name of a plugin, and `./evil.so` is a path (a schema file may come with a package, so it cannot name code to load: put the path into `routes` of fal_project.yml, or the plugin's folder into its `plugins: paths`, and name the plugin here)");
        insta::assert_snapshot!(complaints(json!({"runner": 3})), @"runner::invalid models/schema.yml: the model `orders`: `runner` must be text, not a number (name a plugin that is installed here, or `local`)");
        insta::assert_snapshot!(complaints(json!({"runner": "a b"})), @"runner::invalid models/schema.yml: the model `orders`: `a b` is not a valid name for a runner (name a plugin that is installed here, or `local`)");
        for path in [
            "../x",
            "libevil.so",
            "C:\\evil",
            "x.fal-plugin",
            "evil.dylib",
            "/abs",
            "",
            "..",
            ".hidden",
        ] {
            assert!(
                node_placement(&orders(json!({"runner": path})), "fal", Path::new("/")).is_err(),
                "{path}"
            );
        }
    }

    #[test]
    fn a_complaint_shows_the_line_of_its_model() {
        let text = "models:\n- name: other\n  meta: {fal: {runner: ok}}\n- name: orders\n  config:\n    meta: {fal: {runner: ./x}}\n";
        let folder = folder(&[("models/schema.yml", text)]);
        let problems =
            node_placement(&orders(json!({"runner": "./x"})), "fal", folder.path()).unwrap_err();
        assert_eq!(problems[0].place().unwrap().1.line, 6);
    }
}
