//! Models that the project switches off with `enabled: false`, if its files say so without Jinja.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    config::{
        DbtProject,
        yaml::{self, Kind, Node},
    },
    schemas::{SchemaFile, named},
};

/// The `enabled` settings of dbt_project.yml and of the schema files.
#[derive(Default)]
pub(crate) struct SwitchedOff {
    project: String,
    /// `models` of dbt_project.yml.
    folders: Option<Node>,
    /// Each model's setting in a schema file; `None` if Jinja decides.
    models: HashMap<String, Option<bool>>,
}

impl SwitchedOff {
    pub(crate) fn read(project: &DbtProject, schemas: &[SchemaFile]) -> Self {
        let text = fal_files::read_text(&project.root.join("dbt_project.yml"), fal_files::TEXT)
            .unwrap_or_default();
        let tree = if text.contains("enabled") {
            yaml::parse("dbt_project.yml", &text).ok()
        } else {
            None
        };
        let folders = tree.and_then(|tree| tree.get("models").cloned());
        let mut models = HashMap::new();
        for tree in schemas
            .iter()
            .filter(|schema| schema.text.contains("enabled"))
            .filter_map(SchemaFile::tree)
        {
            for (name, entry) in named(&tree, "models") {
                let said = entry
                    .get("config")
                    .and_then(|config| config.get("enabled"))
                    .and_then(value);
                models.extend(said.map(|said| (name.to_owned(), said)));
            }
        }
        Self {
            project: project.name.clone(),
            folders,
            models,
        }
    }

    /// Whether a model is off, whatever Jinja says. `path` is the model's path for dbt, below its
    /// model path.
    pub(crate) fn has(&self, path: &str, name: &str) -> bool {
        let said = self
            .models
            .get(name)
            .copied()
            .or_else(|| self.folder_setting(path));
        said == Some(Some(false))
    }

    /// Returns the most specific setting of dbt_project.yml.
    fn folder_setting(&self, path: &str) -> Option<Option<bool>> {
        let path = path.rsplit_once('.').map_or(path, |(path, _)| path);
        let mut level = self.folders.as_ref();
        let mut said = None;
        for part in [self.project.as_str()]
            .into_iter()
            .chain(path.split('/'))
            .map(Some)
            .chain([None])
        {
            let Some(here) = level else { break };
            said = here
                .get("+enabled")
                .or_else(|| here.get("enabled"))
                .and_then(value)
                .or(said);
            level = part.and_then(|part| here.get(part));
        }
        said
    }
}

/// Reads a boolean. `Some(None)` is text, which Jinja may turn into one; a mapping is a folder
/// called `enabled`.
fn value(node: &Node) -> Option<Option<bool>> {
    match &node.kind {
        Kind::Scalar(Value::Bool(value)) => Some(Some(*value)),
        Kind::Scalar(_) => Some(None),
        Kind::Null | Kind::List(_) | Kind::Map(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switches(dbt_project: &str, schema: &str) -> SwitchedOff {
        let (_folder, mut project) = crate::testing::project(&[("dbt_project.yml", dbt_project)]);
        project.name = "shop".to_owned();
        SwitchedOff::read(
            &project,
            &[SchemaFile {
                path: "s.yml".to_owned(),
                text: schema.to_owned(),
            }],
        )
    }

    #[test]
    fn the_most_specific_word_counts_and_jinja_is_not_guessed() {
        let off = switches(
            "models:\n  shop:\n    fal:\n      wip: {+enabled: false, kept: {+enabled: true}, maybe: {+enabled: '{{ x }}'}}\n      one: {enabled: false}\n",
            "models:\n- {name: back, config: {enabled: true}}\n- {name: out, config: {enabled: false}}\n- {name: jinja, config: {enabled: '{{ x }}'}}\n",
        );
        let is_off = |path: &str| {
            off.has(
                path,
                path.rsplit('/').next().unwrap().trim_end_matches(".sql"),
            )
        };
        for path in [
            "fal/wip/a.sql",
            "fal/wip/deep/a.sql",
            "fal/one.sql",
            "a/out.sql",
            "fal/wip/out.sql",
        ] {
            assert!(is_off(path), "{path}");
        }
        for path in [
            "fal/a.sql",
            "fal/wip/kept/a.sql",
            "fal/wip/maybe/a.sql",
            "fal/wip/back.sql",
            "wip/a.sql",
            "fal/wip/jinja.sql",
        ] {
            assert!(!is_off(path), "{path}");
        }
    }

    #[test]
    fn a_word_for_all_projects_counts_and_nothing_said_is_on() {
        assert!(switches("models: {+enabled: false}\n", "").has("fal/a.sql", "a"));
        assert!(!switches("name: shop\n", "").has("fal/a.sql", "a"));
    }
}
