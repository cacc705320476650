//! Reads the value under the keyword of a model's `meta`, or of a schema file's top level.

use std::path::Path;

use fal_plugin::payload::{GraphNode, Severity};
use serde_json::{Map, Value};

use super::{
    entry::{NodeScripts, ScriptEntry, ScriptOwner},
    place::Place,
};
use fal_plugin::nearest;

use crate::diagnostics::FileDiagnostic;

pub(super) const CODE: &str = "script::invalid";
pub(super) const MODEL_KEYS: [&str; 9] = [
    "scripts",
    "pre-hook",
    "post-hook",
    "pre_hook",
    "post_hook",
    "environment",
    "runner",
    "resources",
    "feature_store",
];
const EXAMPLE: &str = "write `scripts: [a.py]`, or `scripts: {before: [a.py], after: [b.py]}`";
const ENTRY: &str = "write `a.py`, or `{path: a.py, with: {day: 1}, environment: NAME}`";

/// Returns the scripts and hooks of a node of dbt's graph, and the problems with them.
pub fn node_scripts(
    node: &GraphNode,
    keyword: &str,
    root: &Path,
) -> (NodeScripts, Vec<FileDiagnostic>) {
    let Some(value) = under(node, keyword) else {
        return (NodeScripts::default(), Vec::new());
    };
    let owner = ScriptOwner::from_node(node);
    let mut meta = Meta::new(CODE, keyword, Place::new(root, &owner));
    let scripts = meta.read(value, &MODEL_KEYS);
    (scripts, meta.problems)
}

/// Returns the value under the keyword in a node's `config.meta`, or else in its `meta`.
pub(super) fn under<'a>(node: &'a GraphNode, keyword: &str) -> Option<&'a Value> {
    let in_config = node.config.get("meta").and_then(|meta| meta.get(keyword));
    in_config.or_else(|| node.meta.get(keyword))
}

/// Reads one value under the keyword and collects its problems.
pub(super) struct Meta<'a> {
    /// The code of its problems.
    code: &'static str,
    keyword: &'a str,
    place: Place<'a>,
    pub(super) problems: Vec<FileDiagnostic>,
}

impl<'a> Meta<'a> {
    pub(super) fn new(code: &'static str, keyword: &'a str, place: Place<'a>) -> Self {
        Self {
            code,
            keyword,
            place,
            problems: Vec::new(),
        }
    }

    pub(super) fn read(&mut self, value: &Value, known: &[&str]) -> NodeScripts {
        let mut scripts = NodeScripts::default();
        let what = format!("`{}`", self.keyword);
        let Some(keys) = self.mapping(&what, value, EXAMPLE, self.keyword) else {
            return scripts;
        };
        self.warn_of_unknown(&what, keys, known);
        if let Some(value) = keys.get("scripts") {
            self.scripts(value, &mut scripts);
        }
        for (spellings, list) in [
            (["pre-hook", "pre_hook"], &mut scripts.pre_hooks),
            (["post-hook", "post_hook"], &mut scripts.post_hooks),
        ] {
            for key in spellings {
                let value = keys.get(key).filter(|_| known.contains(&key));
                list.extend(value.into_iter().flat_map(|value| self.entries(key, value)));
            }
        }
        if let Some(value) = keys
            .get("environment")
            .filter(|value| !value.is_null() && !value.is_string())
        {
            self.wrong(
                "`environment`",
                value,
                "text",
                "name an environment of fal_project.yml",
                "environment",
            );
        }
        scripts
    }

    fn scripts(&mut self, value: &Value, into: &mut NodeScripts) {
        match value {
            Value::Object(sides) => {
                self.only("`scripts`", sides, &["before", "after"]);
                into.before = sides
                    .get("before")
                    .map(|value| self.entries("before", value))
                    .unwrap_or_default();
                into.after = sides
                    .get("after")
                    .map(|value| self.entries("after", value))
                    .unwrap_or_default();
            }
            Value::Array(_) | Value::Null => into.after = self.entries("scripts", value),
            other => self.wrong(
                "`scripts`",
                other,
                "a list, or a mapping with `before` and `after`",
                EXAMPLE,
                "scripts",
            ),
        }
    }

    /// Reads one entry or a list. `scripts`, `before` and `after` are always lists.
    fn entries(&mut self, key: &str, value: &Value) -> Vec<ScriptEntry> {
        match value {
            Value::Null => Vec::new(),
            Value::Array(items) => items
                .iter()
                .filter_map(|item| self.entry(key, item))
                .collect(),
            one if key.ends_with("hook") => self.entry(key, one).into_iter().collect(),
            other => {
                self.wrong(&format!("`{key}`"), other, "a list", EXAMPLE, key);
                Vec::new()
            }
        }
    }

    fn entry(&mut self, key: &str, value: &Value) -> Option<ScriptEntry> {
        let what = format!("an entry of `{key}`");
        let entry = match value {
            Value::String(path) => ScriptEntry {
                path: path.clone(),
                ..ScriptEntry::default()
            },
            Value::Object(keys) => {
                self.only(&what, keys, &["path", "with", "environment"]);
                self.detailed(&what, keys, key)?
            }
            other => {
                self.wrong(&what, other, "a path or a mapping with `path`", ENTRY, key);
                return None;
            }
        };
        self.check_path(&entry.path, key).then_some(entry)
    }

    fn detailed(
        &mut self,
        what: &str,
        keys: &Map<String, Value>,
        key: &str,
    ) -> Option<ScriptEntry> {
        let arguments = match keys.get("with") {
            None | Some(Value::Null) => Map::new(),
            Some(value) => self
                .mapping(&format!("`with` of {what}"), value, ENTRY, "with")?
                .clone(),
        };
        let path = match keys.get("path") {
            Some(Value::String(path)) => path.clone(),
            Some(other) => {
                self.wrong(&format!("`path` of {what}"), other, "text", ENTRY, "path");
                return None;
            }
            None => {
                self.problem(format!("{what} has no `path`"), ENTRY.to_owned(), key);
                return None;
            }
        };
        let environment = match keys.get("environment") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name.clone()),
            Some(other) => {
                self.wrong(
                    &format!("`environment` of {what}"),
                    other,
                    "text",
                    ENTRY,
                    "environment",
                );
                None
            }
        };
        Some(ScriptEntry {
            path,
            arguments,
            environment,
        })
    }

    fn check_path(&mut self, path: &str, key: &str) -> bool {
        let (message, help) = if path.trim().is_empty() {
            (format!("an entry of `{key}` has an empty path"), ENTRY)
        } else if path.starts_with('/') || Path::new(path).is_absolute() {
            (
                format!("the script `{path}` has an absolute path"),
                "write it relative to the scripts folder: the dbt var `fal-scripts-path`, else the project's folder",
            )
        } else if !path.ends_with(".py") && !path.ends_with(".ipynb") {
            (
                format!("the script `{path}` is neither a `.py` file nor a notebook"),
                "scripts end in `.py` or `.ipynb`",
            )
        } else {
            return true;
        };
        self.problem(
            message,
            help.to_owned(),
            if path.is_empty() { key } else { path },
        );
        false
    }

    pub(super) fn mapping<'v>(
        &mut self,
        what: &str,
        value: &'v Value,
        help: &str,
        needle: &str,
    ) -> Option<&'v Map<String, Value>> {
        match value {
            Value::Object(keys) => return Some(keys),
            Value::Null => {}
            other => self.wrong(what, other, "a mapping", help, needle),
        }
        None
    }

    fn only(&mut self, what: &str, keys: &Map<String, Value>, known: &[&str]) {
        for key in keys.keys().filter(|key| !known.contains(&key.as_str())) {
            let help = nearest(key, known.iter().copied()).map_or_else(
                || format!("known are: {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            self.problem(format!("{what} has no key `{key}`"), help, key);
        }
    }

    /// Warns of unknown keys. They are no errors, because fal ignored them and projects have them.
    fn warn_of_unknown(&mut self, what: &str, keys: &Map<String, Value>, known: &[&str]) {
        let first = self.problems.len();
        self.only(what, keys, known);
        for problem in &mut self.problems[first..] {
            problem.severity = Severity::Warning;
            problem.message.push_str(", so it is ignored");
        }
    }

    pub(super) fn wrong(
        &mut self,
        what: &str,
        value: &Value,
        wanted: &str,
        help: &str,
        needle: &str,
    ) {
        self.problem(
            format!("{what} must be {wanted}, not {}", kind(value)),
            help.to_owned(),
            needle,
        );
    }

    pub(super) fn problem(&mut self, message: String, help: String, needle: &str) {
        let owner = self.place.owner.describe();
        let problem = self
            .place
            .error(self.code, format!("{owner}: {message}"), help, needle);
        self.problems.push(problem);
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{folder, lines, orders};

    fn read(fal: Value) -> NodeScripts {
        let (scripts, problems) = node_scripts(&orders(fal), "fal", Path::new("/nowhere"));
        assert!(problems.is_empty(), "{problems:?}");
        scripts
    }

    fn complaints(fal: Value) -> String {
        lines(&node_scripts(&orders(fal), "fal", Path::new("/nowhere")).1)
    }

    fn paths(entries: &[ScriptEntry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.path.as_str()).collect()
    }

    #[test]
    fn every_form_is_read() {
        let scripts = read(
            json!({"scripts": ["a.py", {"path": "b.ipynb", "with": {"day": 1}, "environment": "ml"}]}),
        );
        assert_eq!(paths(&scripts.after), ["a.py", "b.ipynb"]);
        assert_eq!(scripts.after[1].arguments["day"], 1);
        assert_eq!(scripts.after[1].environment.as_deref(), Some("ml"));
        let scripts = read(
            json!({"scripts": {"before": ["x/a.py"], "after": null}, "pre-hook": "c.py",
            "post_hook": [{"path": "d.py"}, "e.py"], "environment": "ml"}),
        );
        assert_eq!(
            (paths(&scripts.before), paths(&scripts.after)),
            (vec!["x/a.py"], vec![])
        );
        assert_eq!(
            (paths(&scripts.pre_hooks), paths(&scripts.post_hooks)),
            (vec!["c.py"], vec!["d.py", "e.py"])
        );
        assert_eq!(scripts.before[0].file_name(), "a.py");
        assert_eq!(read(json!(null)), NodeScripts::default());
    }

    #[test]
    fn the_keyword_decides_and_plain_meta_counts_too() {
        let mut other = orders(json!({"scripts": ["a.py"]}));
        assert_eq!(
            node_scripts(&other, "acme", Path::new("/")),
            (NodeScripts::default(), Vec::new())
        );
        other.config.clear();
        other.meta = json!({"acme": {"scripts": ["a.py"]}})
            .as_object()
            .cloned()
            .unwrap();
        assert_eq!(
            node_scripts(&other, "acme", Path::new("/")).0.after.len(),
            1
        );
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let fal = json!({
            "script": ["a.py"],
            "scripts": {"befor": [], "after": ["/tmp/a.py", "a.sql", 3, {"with": {}}, {"path": "b.py", "wiht": 1}]},
            "pre-hook": {"path": ["x"]},
            "post-hook": {"path": "c.py", "with": [1]},
            "environment": 3,
        });
        insta::assert_snapshot!(complaints(fal), @r"
        models/schema.yml: the model `orders`: `fal` has no key `script`, so it is ignored (did you mean `scripts`?)
        models/schema.yml: the model `orders`: `scripts` has no key `befor` (did you mean `before`?)
        models/schema.yml: the model `orders`: the script `/tmp/a.py` has an absolute path (write it relative to the scripts folder: the dbt var `fal-scripts-path`, else the project's folder)
        models/schema.yml: the model `orders`: the script `a.sql` is neither a `.py` file nor a notebook (scripts end in `.py` or `.ipynb`)
        models/schema.yml: the model `orders`: an entry of `after` must be a path or a mapping with `path`, not a number (write `a.py`, or `{path: a.py, with: {day: 1}, environment: NAME}`)
        models/schema.yml: the model `orders`: an entry of `after` has no `path` (write `a.py`, or `{path: a.py, with: {day: 1}, environment: NAME}`)
        models/schema.yml: the model `orders`: an entry of `after` has no key `wiht` (did you mean `with`?)
        models/schema.yml: the model `orders`: `path` of an entry of `pre-hook` must be text, not a list (write `a.py`, or `{path: a.py, with: {day: 1}, environment: NAME}`)
        models/schema.yml: the model `orders`: `with` of an entry of `post-hook` must be a mapping, not a list (write `a.py`, or `{path: a.py, with: {day: 1}, environment: NAME}`)
        models/schema.yml: the model `orders`: `environment` must be text, not a number (name an environment of fal_project.yml)
        ");
        insta::assert_snapshot!(complaints(json!(["a.py"])), @"models/schema.yml: the model `orders`: `fal` must be a mapping, not a list (write `scripts: [a.py]`, or `scripts: {before: [a.py], after: [b.py]}`)");
        insta::assert_snapshot!(complaints(json!({"scripts": "a.py"})), @"models/schema.yml: the model `orders`: `scripts` must be a list, or a mapping with `before` and `after`, not text (write `scripts: [a.py]`, or `scripts: {before: [a.py], after: [b.py]}`)");
        insta::assert_snapshot!(complaints(json!({"pre-hook": ""})), @"models/schema.yml: the model `orders`: an entry of `pre-hook` has an empty path (write `a.py`, or `{path: a.py, with: {day: 1}, environment: NAME}`)");
    }

    #[test]
    fn a_complaint_shows_the_line_of_its_model() {
        let text = "models:\n  - name: other\n    script: x\n  - name: orders\n    meta: {fal: {script: [a.py]}}\n";
        let folder = folder(&[("models/schema.yml", text)]);
        let (scripts, problems) =
            node_scripts(&orders(json!({"script": ["a.py"]})), "fal", folder.path());
        assert_eq!(
            (scripts, problems[0].is_error()),
            (NodeScripts::default(), false)
        );
        assert_eq!(problems[0].place().unwrap().1.line, 5);
    }
}
