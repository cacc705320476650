//! The runners that schema files name, read without dbt: for those who look at a project without running it.
//!
//! Names that Jinja makes are not seen, nor those in a model's own `config()`, nor those of packages.

use std::{fs, path::Path};

use serde_json::Value;

use super::placement::wrong_name;
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
    /// An error at the name.
    pub fn error(&self, root: &Path, code: &str, message: String, help: Option<String>) -> FileDiagnostic {
        let text = fs::read_to_string(root.join(&self.file)).unwrap_or_default();
        let problem = FileDiagnostic::error(&self.file, code, message).with_line(&text, self.line, "here");
        FileDiagnostic { help, ..problem }
    }

    /// What is wrong with the name itself: a path, for one.
    pub fn wrong_name(&self, root: &Path) -> Option<FileDiagnostic> {
        let (message, help) = wrong_name(&self.name)?;
        Some(self.error(root, "runner::invalid", message, Some(help.to_owned())))
    }
}

/// The runners under the keyword in these schema files (paths below the project) and in dbt_project.yml.
pub fn named_runners(project: &DbtProject, schemas: &[String], keyword: &str) -> Vec<NamedRunner> {
    let mut found = Vec::new();
    for file in schemas.iter().map(String::as_str).chain(["dbt_project.yml"]) {
        let text = fs::read_to_string(project.root.join(file)).unwrap_or_default();
        if text.contains("runner")
            // What is no YAML, dbt refuses with its own words.
            && let Ok(tree) = yaml::parse(file, &text)
        {
            search(&tree, keyword, file, &mut found);
        }
    }
    found
}

fn search(node: &Node, keyword: &str, file: &str, found: &mut Vec<NamedRunner>) {
    if let Kind::List(items) = &node.kind {
        items.iter().for_each(|item| search(item, keyword, file, found));
    }
    for (key, _, value) in node.entries() {
        let runner = value.get("runner").filter(|_| key == keyword);
        if let Some(Node { line, kind: Kind::Scalar(Value::String(name)) }) = runner
            && !name.contains("{{")
        {
            found.push(NamedRunner { name: name.trim().to_owned(), file: file.to_owned(), line: *line });
        }
        search(value, keyword, file, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("s.yml"), text).unwrap();
        fs::write(folder.path().join("dbt_project.yml"), "models: {+meta: {fal: {runner: all}}}\n").unwrap();
        let project = DbtProject { root: folder.path().to_owned(), ..DbtProject::default() };
        let found = named_runners(&project, &["s.yml".to_owned()], "fal");
        let line = |one: &NamedRunner| format!("{}:{} {}", one.file, one.line, one.name);
        let lines: Vec<_> = found.iter().map(line).collect();
        assert_eq!(lines, ["s.yml:4 acme", "s.yml:9 ./evil.so", "dbt_project.yml:1 all"]);
        assert_eq!(found[0].wrong_name(folder.path()), None);
        let problem = found[1].wrong_name(folder.path()).unwrap();
        assert_eq!((problem.code.as_str(), problem.place().unwrap().1.line), ("runner::invalid", 9));
        assert!(named_runners(&project, &["s.yml".to_owned()], "acme").is_empty());
    }
}
