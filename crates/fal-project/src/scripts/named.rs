//! Files that schema files name as scripts. Such a file among the models is not a model, whatever
//! it calls.
//!
//! Stubs are made before dbt reads a schema file, so this module reads the paths under `scripts`,
//! `pre-hook` and `post-hook`, for any keyword, in schema files and dbt_project.yml (`+meta`). It
//! does not see paths made by Jinja, nor those in a SQL file's `config()`.

use std::collections::HashSet;

use rayon::prelude::*;
use serde_json::Value;

use crate::config::{
    DbtProject,
    yaml::{self, Kind, Node},
};

const KEYS: [&str; 5] = ["scripts", "pre-hook", "post-hook", "pre_hook", "post_hook"];

/// Returns all files that the schema files name as scripts. All paths are below the project.
pub(crate) fn named_scripts(project: &DbtProject, schemas: &[String]) -> HashSet<String> {
    let named = schemas
        .par_iter()
        .with_min_len(16)
        .flat_map_iter(|schema| paths_in_file(project, schema));
    let mut named: HashSet<String> = named.collect();
    named.extend(paths_in_file(project, "dbt_project.yml"));
    named
}

fn paths_in_file(project: &DbtProject, schema: &str) -> Vec<String> {
    let text =
        fal_files::read_text(&project.root.join(schema), fal_files::TEXT).unwrap_or_default();
    let mut paths = Vec::new();
    if speaks_of_scripts(&text)
        // dbt reports invalid YAML itself.
        && let Ok(tree) = yaml::parse(schema, &text)
    {
        search(&tree, &mut paths);
    }
    paths.iter().map(|path| project.script_path(path)).collect()
}

/// Whether the text may list scripts. Most schema files do not and need not be parsed.
fn speaks_of_scripts(text: &str) -> bool {
    (text.contains(".py") || text.contains(".ipynb"))
        && (text.contains("scripts") || text.contains("hook"))
}

fn search(node: &Node, paths: &mut Vec<String>) {
    match &node.kind {
        Kind::Map(entries) => {
            for (key, _, value) in entries {
                if KEYS.contains(&key.as_str()) {
                    gather(value, paths)
                } else {
                    search(value, paths)
                }
            }
        }
        Kind::List(items) => items.iter().for_each(|item| search(item, paths)),
        Kind::Null | Kind::Scalar(_) => {}
    }
}

/// Collects the paths of a path, a mapping with a path, a list of these, or a mapping of such
/// lists.
fn gather(node: &Node, paths: &mut Vec<String>) {
    match &node.kind {
        Kind::Scalar(Value::String(path)) if path.ends_with(".py") || path.ends_with(".ipynb") => {
            paths.push(path.clone());
        }
        Kind::List(items) => items.iter().for_each(|item| gather(item, paths)),
        Kind::Map(entries) => {
            let known = entries
                .iter()
                .filter(|(key, ..)| matches!(key.as_str(), "path" | "before" | "after"));
            known.for_each(|(_, _, value)| gather(value, paths));
        }
        Kind::Null | Kind::Scalar(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_spelling_is_seen_and_nothing_else() {
        let text = "
fal: {scripts: {before: [models/g.py]}}
models:
  - name: a
    meta: {fal: {scripts: [models/a.py, ./models/x/../b.ipynb]}}
    config:
      pre-hook: 'select 1 -- not.py; '
      meta:
        acme:
          pre-hook: models/c.py
          post_hook: [{path: models/d.py, with: {path: models/not.py}}]
  - name: e
    description: scripts such as models/not_either.py
";
        let (folder, mut project) = crate::testing::project(&[("s.yml", text)]);
        let sorted = |project: &DbtProject| {
            let mut named: Vec<_> = named_scripts(project, &["s.yml".to_owned()])
                .into_iter()
                .collect();
            named.sort();
            named
        };
        assert_eq!(
            sorted(&project),
            [
                "models/a.py",
                "models/b.ipynb",
                "models/c.py",
                "models/d.py",
                "models/g.py"
            ]
        );
        fs::write(
            folder.path().join("dbt_project.yml"),
            "models: {+meta: {fal: {scripts: [models/all.py]}}}",
        )
        .unwrap();
        assert_eq!(sorted(&project)[1], "models/all.py");
        project.fal_scripts_path = "fal".into();
        assert_eq!(sorted(&project)[0], "fal/models/a.py");
    }
}
