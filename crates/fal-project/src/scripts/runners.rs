//! The runners and resources in schema files, read without dbt, for commands that do not run the
//! project.
//!
//! It does not see values made by Jinja, a model's `config()`, and files of packages.

use std::path::Path;

use serde_json::Value;

use super::{
    entry::ScriptOwner,
    meta::Meta,
    place::Place,
    placement::{CODE, wrong_name},
    resources::read_resources,
};
use crate::{
    config::{
        DbtProject,
        yaml::{self, Kind, Node},
    },
    diagnostics::FileDiagnostic,
};

/// A runner that a schema file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRunner {
    /// The name, as written.
    pub name: String,
    /// The schema file, below the project.
    pub file: String,
    /// Its line.
    pub line: usize,
}

impl NamedRunner {
    /// Makes an error at the name.
    pub fn error(
        &self,
        root: &Path,
        code: &str,
        message: String,
        help: Option<String>,
    ) -> FileDiagnostic {
        let text =
            fal_files::read_text(&root.join(&self.file), fal_files::TEXT).unwrap_or_default();
        let problem =
            FileDiagnostic::error(&self.file, code, message).with_line(&text, self.line, "here");
        FileDiagnostic { help, ..problem }
    }

    /// Returns the problem with the name itself, for example that it is a path.
    pub fn wrong_name(&self, root: &Path) -> Option<FileDiagnostic> {
        let (message, help) = wrong_name(&self.name)?;
        Some(self.error(root, "runner::invalid", message, Some(help.to_owned())))
    }
}

/// The runners and resources of schema files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchemaRunners {
    /// The runners.
    pub named: Vec<NamedRunner>,
    /// Problems with resources.
    pub problems: Vec<FileDiagnostic>,
}

/// Reads the values under the keyword in these schema files (paths below the project) and in
/// dbt_project.yml.
pub fn schema_runners(project: &DbtProject, schemas: &[String], keyword: &str) -> SchemaRunners {
    let mut found = SchemaRunners::default();
    for file in schemas
        .iter()
        .map(String::as_str)
        .chain(["dbt_project.yml"])
    {
        let text =
            fal_files::read_text(&project.root.join(file), fal_files::TEXT).unwrap_or_default();
        if (text.contains("runner") || text.contains("resources"))
            // dbt reports invalid YAML itself.
            && let Ok(tree) = yaml::parse(file, &text)
        {
            Search {
                root: &project.root,
                keyword,
                file,
                found: &mut found,
            }
            .below(&tree, None);
        }
    }
    found
}

struct Search<'a> {
    root: &'a Path,
    keyword: &'a str,
    file: &'a str,
    found: &'a mut SchemaRunners,
}

impl Search<'_> {
    /// Searches below a node. `model` is the name of the nearest mapping that has one.
    fn below(&mut self, node: &Node, model: Option<&str>) {
        if let Kind::List(items) = &node.kind {
            items.iter().for_each(|item| self.below(item, model));
        }
        let name = node.get("name").and_then(|name| match &name.kind {
            Kind::Scalar(Value::String(name)) => Some(name.as_str()),
            _ => None,
        });
        let model = name.or(model);
        for (key, _, value) in node.entries() {
            if key == self.keyword {
                self.runner(value);
                self.resources(value, model);
            }
            self.below(value, model);
        }
    }

    fn runner(&mut self, value: &Node) {
        if let Some(Node {
            line,
            kind: Kind::Scalar(Value::String(name)),
        }) = value.get("runner")
            && !name.contains("{{")
        {
            let (name, file) = (name.trim().to_owned(), self.file.to_owned());
            self.found.named.push(NamedRunner {
                name,
                file,
                line: *line,
            });
        }
    }

    fn resources(&mut self, value: &Node, model: Option<&str>) {
        let (Some(resources), Some(model)) = (value.get("resources").map(Node::json), model) else {
            return;
        };
        if !resources.to_string().contains("{{") {
            let (name, kind) = (Some(model.to_owned()), "model".to_owned());
            let owner = ScriptOwner {
                name,
                kind,
                file: self.file.to_owned(),
            };
            let mut meta = Meta::new(CODE, self.keyword, Place::new(self.root, &owner));
            read_resources(&mut meta, &resources);
            self.found.problems.append(&mut meta.problems);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::project;

    #[test]
    fn names_under_the_keyword_are_found_with_their_lines() {
        let text = "
models:
- name: a
  meta: {fal: {runner: acme}}
- name: b
  config:
    meta:
      fal:
        runner: ./evil.so
      other: {runner: no}
- {name: c, meta: {fal: {runner: '{{ var(\"r\") }}'}}}
";
        let dbt_project = "models: {+meta: {fal: {runner: all}}}\n";
        let (folder, project) = project(&[("s.yml", text), ("dbt_project.yml", dbt_project)]);
        let found = schema_runners(&project, &["s.yml".to_owned()], "fal").named;
        let line = |one: &NamedRunner| format!("{}:{} {}", one.file, one.line, one.name);
        let lines: Vec<_> = found.iter().map(line).collect();
        assert_eq!(
            lines,
            ["s.yml:4 acme", "s.yml:9 ./evil.so", "dbt_project.yml:1 all"]
        );
        assert_eq!(found[0].wrong_name(folder.path()), None);
        let problem = found[1].wrong_name(folder.path()).unwrap();
        assert_eq!(
            (problem.code.as_str(), problem.place().unwrap().1.line),
            ("runner::invalid", 9)
        );
        assert_eq!(
            schema_runners(&project, &["s.yml".to_owned()], "acme"),
            SchemaRunners::default()
        );
    }

    #[test]
    fn bad_resources_are_reported_with_their_model_and_line() {
        let text = "
models:
- {name: a, meta: {fal: {resources: {cpus: 1}}}}
- name: b
  config:
    meta: {fal: {resources: {memory: 4 GBytes, timeout: '{{ var(\"t\") }}'}}}
- name: c
  columns: [{name: x}]
  meta: {fal: {resources: {cpus: many}}}
";
        let (_folder, project) = project(&[("s.yml", text)]);
        let problems = schema_runners(&project, &["s.yml".to_owned()], "fal").problems;
        let messages: Vec<_> = problems
            .iter()
            .map(|one| (one.message.as_str(), one.place().unwrap().1.line))
            .collect();
        assert_eq!(
            messages,
            [("the model `c`: `cpus` of `resources` cannot be `many`", 9)],
            "what Jinja makes is dbt's to say"
        );
    }
}
