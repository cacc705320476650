//! on-run-start and on-run-end once a run, where dbt runs them in every call.
//!
//! dbt has no flag that leaves the hooks out. So a run of several calls uses a copy of the project
//! (`copied`), in whose dbt_project.yml each hook is inside a condition on an environment variable
//! that each call sets. While dbt parses (`not execute`) the hooks are whole, so that dbt finds what
//! they refer to, and its partial parsing does not depend on the variable.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Component, Path, PathBuf},
};

use fal_files::Root;
use fal_plugin::payload::BeginRequest;
use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::{
    plan::{Ids, Plan},
    settings::Settings,
};

/// Environment variable of a call: the kinds of hooks that it runs.
pub(super) const VARIABLE: &str = "FAL_HOST_RUN_HOOKS";
const START: &str = "on-run-start";
const END: &str = "on-run-end";
/// An ephemeral model for calls that run nothing but hooks: dbt runs none without a node.
pub(super) const MODEL: &str = "fal_host_run_hooks";
/// No configuration of the project applies to it.
const MODEL_SQL: &str =
    "{{ config(materialized='ephemeral', enabled=true, contract={'enforced': false}) }}\nselect 1 as nothing\n";
/// Before on-run-start dbt makes the schemas of what it runs, which here is nothing.
const MAKE_SCHEMA: &str = "{% if execute and 'alone' in env_var('FAL_HOST_RUN_HOOKS', '') %}\
    {% do adapter.create_schema(api.Relation.create(database=target.database, schema=target.schema)) %}{% endif %}";
/// Keys of dbt_project.yml that name folders.
const FOLDERS: &[&str] = &[
    "analysis-paths",
    "asset-paths",
    "docs-paths",
    "function-paths",
    "macro-paths",
    "model-paths",
    "seed-paths",
    "snapshot-paths",
    "test-paths",
];
/// The largest dbt_project.yml, in bytes.
const LARGEST: u64 = 16 << 20;

/// Kinds of hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinds {
    pub(super) start: bool,
    pub(super) end: bool,
}

impl Kinds {
    /// Returns the value of the variable for a call.
    pub(super) fn words(self) -> &'static str {
        match (self.start, self.end) {
            (true, true) => "on-run-start on-run-end",
            (true, false) => START,
            (false, true) => END,
            (false, false) => "none",
        }
    }

    /// Returns whether the hook with this unique id is one of them.
    pub(super) fn has(self, unique_id: &str) -> bool {
        (self.start && is_start(unique_id)) || (self.end && unique_id.contains(END))
    }
}

/// Returns whether this is the unique id of a hook of on-run-start.
pub(super) fn is_start(unique_id: &str) -> bool {
    unique_id.contains(START)
}

/// The hooks of a run, in a copy of its project.
pub(super) struct RunHooks {
    copy: PathBuf,
    /// The path of the model of calls without nodes, below the copy.
    model: PathBuf,
    /// The kinds that no call has run yet.
    left: Mutex<Kinds>,
}

impl RunHooks {
    /// Puts the hooks of a copied project into conditions.
    ///
    /// # Errors
    /// Says why the hooks cannot be found, or which file cannot be read or written.
    pub(super) fn new(copy: PathBuf, settings: &Settings) -> io::Result<Self> {
        let mut projects = vec![PathBuf::new()];
        let packages = settings.packages();
        match fs::read_dir(copy.join(&packages)) {
            Ok(entries) => {
                for entry in entries {
                    projects.push(Path::new(&packages).join(entry?.file_name()));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let root = Root::open(&copy)?;
        for folder in projects {
            let file = folder.join("dbt_project.yml");
            let path = copy.join(&file);
            if !path.is_file() {
                continue;
            }
            let text = fal_files::read_text(&path, LARGEST)?;
            let conditional = conditional(&text)
                .map_err(|cause| io::Error::other(format!("{}: {cause}", file.display())))?;
            // This replaces the second name of the file in the project, and not its content.
            root.write(&file, conditional.as_bytes())?;
        }
        let model = Path::new(&first_folder(&settings.project)).join(format!("{MODEL}.sql"));
        let left = Mutex::new(Kinds {
            start: true,
            end: true,
        });
        Ok(Self { copy, model, left })
    }

    /// Returns the hooks that a call runs, and counts them as run. `is_last` says that nothing of the
    /// run comes after the call.
    pub(super) fn of_call(&self, is_last: bool) -> Kinds {
        let mut left = self.left.lock();
        let kinds = Kinds {
            start: left.start,
            end: left.end && is_last,
        };
        left.start = false;
        left.end &= !is_last;
        kinds
    }

    /// Returns the hooks that are left at the end of the run, and counts them as run.
    pub(super) fn rest(&self) -> Option<Kinds> {
        let kinds = self.of_call(true);
        (kinds.start || kinds.end).then_some(kinds)
    }

    /// Notes that on-run-start failed in a way that ends the run: dbt then runs no on-run-end.
    pub(super) fn give_up(&self) {
        self.left.lock().end = false;
    }

    /// Returns the hooks of on-run-start, for a separate call.
    pub(super) fn start(&self) -> Kinds {
        self.of_call(false)
    }

    /// Puts the model of calls without nodes into the copy.
    pub(super) fn add_model(&self) -> io::Result<()> {
        let root = Root::open(&self.copy)?;
        root.create_folder(self.model.parent().unwrap_or(Path::new("")))?;
        root.write(&self.model, MODEL_SQL.as_bytes()).map(drop)
    }

    /// Removes it: artifacts must not have it.
    pub(super) fn remove_model(&self) -> io::Result<()> {
        Root::open(&self.copy)?.remove_file(&self.model)
    }
}

/// Returns whether anything may run before the first call of dbt.
pub(super) fn may_come_late(plan: &Plan, begin: &BeginRequest) -> bool {
    let is_first = |node: &String| plan.before(node).next().is_none();
    let has_script = begin.scripts.iter().any(|id| id.contains(".BEFORE."));
    has_script || plan.elsewhere.union(&plan.held).any(is_first)
}

/// Returns whether nothing is left to run after these nodes.
pub(super) fn is_last(
    plan: &Plan,
    begin: &BeginRequest,
    is_done: impl Fn(&String) -> bool,
) -> bool {
    let has_scripts =
        !begin.scripts.is_empty() || !plan.hooked.is_empty() || !plan.followed.is_empty();
    !has_scripts && plan.dbt.union(&plan.elsewhere).all(is_done)
}

/// Returns whether a run may need more than one call of dbt, or something beside it.
pub(super) fn needs_several(plan: &Plan, begin: &BeginRequest) -> bool {
    let sets: [&Ids; 4] = [&plan.elsewhere, &plan.held, &plan.hooked, &plan.followed];
    // A unit test without its model is not in the call of `build`.
    let lone = plan
        .unit_tests
        .values()
        .filter(|model| !plan.dbt.contains(*model));
    !begin.scripts.is_empty()
        || sets.iter().any(|nodes| !nodes.is_empty())
        || (1..plan.dbt.len()).contains(&lone.count())
}

/// Returns whether the copy, which lies elsewhere, has all folders of the project.
pub(super) fn is_whole(settings: &Settings) -> bool {
    let project = &settings.project;
    let named = FOLDERS.iter().filter_map(|key| project.get(*key));
    let mut named = named.flat_map(|value| match value {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect::<Vec<_>>(),
    });
    let is_inside = |path: &str| {
        let mut parts = Path::new(path).components();
        !path.contains("{{")
            && parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    };
    named.all(is_inside) && is_inside(&settings.packages())
}

fn first_folder(project: &Map<String, Value>) -> String {
    let first = project.get("model-paths").and_then(|paths| paths.get(0));
    first.and_then(Value::as_str).unwrap_or("models").to_owned()
}

/// Returns dbt_project.yml with its hooks in conditions. Everything else keeps its text.
fn conditional(text: &str) -> Result<String, String> {
    let project = |text: &str| match serde_saphyr::from_str(text) {
        Ok(Value::Object(content)) => Ok(content),
        Ok(_) => Err("this is no mapping".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let mut wanted = project(text)?;
    let mut made = text.to_owned();
    for (kind, before) in [(START, MAKE_SCHEMA), (END, "")] {
        let hooks = match wanted.get(kind) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(all)) => all.clone(),
            Some(one) => vec![one.clone()],
        };
        let hooks: Option<Vec<String>> = hooks
            .iter()
            .map(|hook| Some(in_condition(kind, before, hook.as_str()?)))
            .collect();
        let hooks = Value::from(hooks.ok_or_else(|| format!("{kind} is no list of texts"))?);
        // JSON is YAML.
        made = with_line(&made, kind, &format!("{kind}: {hooks}\n"));
        wanted.insert(kind.to_owned(), hooks);
    }
    if project(&made)? == wanted {
        Ok(made)
    } else {
        Err("its hooks are not in lines of their own".to_owned())
    }
}

fn in_condition(kind: &str, before: &str, hook: &str) -> String {
    format!("{{% if not execute or '{kind}' in env_var('{VARIABLE}', '{START} {END}') %}}{before}{hook}\n{{% endif %}}")
}

/// Replaces the lines of a key at the top level.
fn with_line(text: &str, key: &str, line: &str) -> String {
    let mut made = String::new();
    let mut is_inside = false;
    for old in text.split_inclusive('\n') {
        let is_key = old
            .trim_start_matches(['"', '\''])
            .strip_prefix(key)
            .is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'));
        // A list may begin below its key without indentation, and end so.
        let goes_on = old.trim().is_empty() || old.starts_with([' ', '\t', '#', '-', ']']);
        if is_key {
            made.push_str(line);
        } else if !is_inside || !goes_on {
            made.push_str(old);
        }
        is_inside = is_key || (is_inside && goes_on);
    }
    made
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LINES: [&str; 6] = [
        "on-run-start: \"{{ log('a: b') }}\"\n",
        "on-run-start: ['a', \"b\"]\n",
        "'on-run-start':\n  - a\n\n  # why\n  - |\n    b\n      -- c\n",
        "on-run-start:\n- a\n- b\n",
        "on-run-start: [\n  a,\n]\n",
        "on-run-start: >\n  a\n  b\n",
    ];

    #[test]
    fn hooks_get_conditions_and_the_rest_keeps_its_text() {
        let rest = [
            "name: shop # mine\n",
            "vars: {day: 2024-01-01, on-run-start: x}\n",
        ];
        for lines in LINES {
            let text = format!("{}{lines}{}on-run-end: x\n", rest[0], rest[1]);
            let made = conditional(&text).unwrap();
            let has_rest = made.starts_with(rest[0]) && made.contains(rest[1]);
            assert!(has_rest, "{made}");
            let of = |text: &str| -> Value { serde_saphyr::from_str(text).unwrap() };
            let hooks = match &of(&text)[START] {
                Value::Array(all) => all.clone(),
                one => vec![one.clone()],
            };
            let wanted: Vec<_> = hooks
                .iter()
                .map(|hook| in_condition(START, MAKE_SCHEMA, hook.as_str().unwrap()))
                .collect();
            assert_eq!(of(&made)[START], json!(wanted), "{made}");
            assert_eq!(of(&made)[END], json!([in_condition(END, "", "x")]));
        }
    }

    #[test]
    fn a_project_whose_hooks_cannot_be_separated_is_refused() {
        for text in [
            "{name: shop, on-run-start: [a]}",
            "on-run-start: &hooks [a]\nvars: {x: *hooks}\n",
            "on-run-start: [{sql: a}]\n",
        ] {
            assert!(conditional(text).is_err(), "{text}");
        }
        assert_eq!(conditional("name: shop\n").unwrap(), "name: shop\n");
    }

    #[test]
    fn each_kind_runs_in_one_call() {
        let hooks = |start, end| RunHooks {
            copy: PathBuf::new(),
            model: PathBuf::new(),
            left: Mutex::new(Kinds { start, end }),
        };
        let run = hooks(true, true);
        let words: Vec<_> = [false, false, true, true]
            .map(|is_last| run.of_call(is_last).words())
            .into();
        assert_eq!(words, [START, "none", END, "none"]);
        assert_eq!(run.rest(), None);
        let run = hooks(true, true);
        assert_eq!(run.start().words(), START);
        run.give_up();
        assert_eq!(run.rest(), None);
        assert_eq!(
            hooks(true, true).rest().unwrap().words(),
            "on-run-start on-run-end"
        );
    }

    #[test]
    fn a_project_with_folders_outside_has_no_whole_copy() {
        let whole = |project: Value| {
            let project = project.as_object().unwrap().clone();
            is_whole(&Settings {
                project,
                ..Settings::default()
            })
        };
        assert!(whole(json!({ "model-paths": ["models", "./more/models"] })));
        assert!(!whole(json!({ "macro-paths": ["../macros"] })));
        assert!(!whole(json!({ "packages-install-path": "/packages" })));
    }

    #[test]
    fn hooks_belong_to_a_call_by_what_comes_around_it() {
        let ids = |names: &[&str]| -> Ids { names.iter().map(|&name| name.to_owned()).collect() };
        let plan = |dbt: &[&str], elsewhere: &[&str]| {
            let plan = Plan {
                dbt: ids(dbt),
                elsewhere: ids(elsewhere),
                ..Plan::default()
            };
            let parents = [("b".to_owned(), vec!["a".to_owned()])];
            plan.in_order_of(&parents.into())
        };
        let begin = BeginRequest::default();
        assert!(!needs_several(&plan(&["a", "b"], &[]), &begin));
        assert!(needs_several(&plan(&["a"], &["b"]), &begin));
        assert!(!may_come_late(&plan(&["a"], &["b"]), &begin));
        assert!(may_come_late(&plan(&["b"], &["a"]), &begin));
        let scripts = vec!["script.b.BEFORE.x.py".to_owned()];
        let scripts = BeginRequest {
            scripts,
            ..BeginRequest::default()
        };
        assert!(may_come_late(&plan(&["a", "b"], &[]), &scripts));
        let plan = plan(&["a"], &["b"]);
        assert!(!is_last(&plan, &begin, |node| node == "a"));
        assert!(is_last(&plan, &begin, |_| true));
        assert!(!is_last(&plan, &scripts, |_| true));
        let unit_tests = [("u".to_owned(), "m".to_owned())];
        let mut lone = Plan {
            dbt: ids(&["u"]),
            unit_tests: unit_tests.into(),
            ..Plan::default()
        };
        assert!(!needs_several(&lone, &begin));
        lone.dbt.insert("a".to_owned());
        assert!(needs_several(&lone, &begin));
    }
}
