//! The project as dbt parsed it: the graph for the host, and the plan of a run.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use fal_plugin::payload::{BeginRequest, LoadRequest, OpenRequest, RunGraph, SessionInfo};
use serde_json::{json, Map, Value};

use super::{
    arguments,
    manifest::{Manifest, Node},
    materialized::{of_stubs, Materialized},
    places,
    plan::{add_tests, Ids, Parents, Plan},
    schedule::MOST_CALLS,
    settings::Settings,
};

/// What dbt runs, of all resource types.
const RUN_BY_DBT: &[&str] = &["model", "seed", "snapshot", "test", "unit_test"];

/// Adapters of warehouses that serve several processes at once.
const SHARED: &[&str] = &[
    "postgres",
    "redshift",
    "snowflake",
    "bigquery",
    "databricks",
];

/// Python models with these materializations become tables.
const TABLES: &[&str] = &["table", "view", "ephemeral"];

/// A loaded project.
pub(crate) struct Project {
    pub(crate) settings: Settings,
    pub(crate) manifest: Manifest,
    /// Unique ids of the stubs of Python models.
    pub(crate) stubs: Ids,
    /// The materializations of stubs, where a file names one.
    pub(crate) materialized: HashMap<String, Materialized>,
    /// Whether dbt itself runs models that are written in Python on this adapter.
    pub(crate) dbt_runs_python: bool,
}

impl Project {
    pub(crate) fn new(settings: Settings, manifest: Manifest, request: &LoadRequest) -> Self {
        let paths: HashSet<&str> = (request.python_models.iter())
            .filter_map(|model| model.stub_path.as_deref())
            .collect();
        let packages = settings.packages();
        let stubs: Ids = (manifest.members())
            .filter(|node| paths.contains(&*manifest.path(node, &packages)))
            .map(|node| node.unique_id().to_owned())
            .collect();
        let dbt_runs_python = match settings.adapter() {
            "snowflake" | "bigquery" | "databricks" => true,
            // dbt-postgres has no Python models.
            "postgres" => false,
            _ => !is_dbt_2(manifest.metadata("dbt_version")),
        };
        Self {
            materialized: of_stubs(&settings, &manifest, &stubs),
            dbt_runs_python,
            settings,
            manifest,
            stubs,
        }
    }

    /// Returns whether there are hooks of the run, on-run-start or on-run-end.
    pub(crate) fn has_hooks(&self) -> bool {
        let is_hook = |node: &Node| node.resource_type() == "operation";
        self.manifest.members().any(is_hook)
    }

    /// Returns how many calls of dbt may run at a time. Hooks of the run, which each call runs, may
    /// rely on nothing else running.
    pub(crate) fn calls_at_a_time(&self, plan: &Plan) -> usize {
        let allows = SHARED.contains(&self.settings.adapter()) && !self.has_hooks();
        if plan.is_one_call() || !allows {
            return 1;
        }
        let threads = usize::try_from(self.settings.threads()).unwrap_or(MOST_CALLS);
        let calls = threads.clamp(1, MOST_CALLS);
        // Links in the target folder may lead where nothing may be written.
        let can_write =
            calls == 1 || places::make(Path::new(&self.settings.target_path), 1).is_ok();
        if can_write {
            calls
        } else {
            1
        }
    }

    /// Returns the graph as the host sees it.
    pub(crate) fn graph(&self, info: SessionInfo) -> RunGraph {
        let (manifest, settings) = (&self.manifest, &self.settings);
        let text = |name| manifest.metadata(name).to_owned();
        let info = SessionInfo {
            dbt_version: text("dbt_version"),
            adapter: settings.adapter().to_owned(),
            project_name: text("project_name"),
            target_name: settings.target_name.clone(),
            schema: settings.schema().to_owned(),
            threads: settings.threads(),
            target_path: settings.target_path.clone(),
            invocation_id: text("invocation_id"),
            run_results_metadata: self.run_results_metadata(),
            selectors: settings.selectors.clone(),
            disabled: manifest.disabled(&settings.packages()),
            ..info
        };
        let mut nodes: Vec<_> = manifest.members().map(Node::graph_node).collect();
        // Selectors, reports and artifacts see what becomes of a stub.
        for node in &mut nodes {
            let Some(stub) = manifest.node(&node.unique_id) else {
                continue;
            };
            if self.stubs.contains(stub.unique_id()) {
                let wanted = self.materialized.get(stub.unique_id());
                let wanted = wanted.map(|wanted| &*wanted.name);
                let name = wanted.filter(|name| !TABLES.contains(name));
                let name = name.unwrap_or("table").into();
                node.config.insert("materialized".to_owned(), name);
                node.relation_name = Some(manifest.relation(stub));
            }
        }
        RunGraph { info, nodes }
    }

    /// Returns `metadata` of a run_results.json that no call of dbt wrote.
    pub(crate) fn run_results_metadata(&self) -> Map<String, Value> {
        let of_manifest = |name| {
            self.manifest
                .metadata
                .get(name)
                .cloned()
                .unwrap_or_default()
        };
        let env = Some(of_manifest("env")).filter(Value::is_object);
        let metadata = json!({
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",
            "dbt_version": of_manifest("dbt_version"),
            "generated_at": of_manifest("generated_at"),
            "invocation_id": of_manifest("invocation_id"),
            "env": env.unwrap_or_else(|| json!({})),
        });
        metadata.as_object().cloned().unwrap_or_default()
    }

    /// Returns `args` of a run_results.json that no call of dbt wrote.
    pub(crate) fn args(&self, request: &OpenRequest) -> Map<String, Value> {
        let args = json!({
            "which": arguments::command_of(request),
            "vars": request.vars,
            "project_dir": request.project_dir,
        });
        args.as_object().cloned().unwrap_or_default()
    }

    /// Returns the plan for what the host selected.
    pub(crate) fn plan(&self, request: &OpenRequest, begin: &BeginRequest) -> Plan {
        let selected: Vec<&Node> = (begin.selected.iter())
            .filter_map(|unique_id| self.manifest.node(unique_id))
            .collect();
        let ids = |is_wanted: &dyn Fn(&Node) -> bool| -> Ids {
            let wanted = selected.iter().filter(|node| is_wanted(node));
            wanted.map(|node| node.unique_id().to_owned()).collect()
        };
        let is_kind = |node: &Node, kind: &str| node.resource_type() == kind;
        let tests = ids(&|node| is_kind(node, "test"));
        let mut unit_tests = BTreeMap::new();
        let mut parents = match request.command.as_str() {
            "test" => Parents::new(),
            _ => self.parents(),
        };
        if request.command == "build" {
            for node in selected.iter().filter(|node| is_kind(node, "unit_test")) {
                if let Some(model) = node.parents().next() {
                    unit_tests.insert(node.unique_id().to_owned(), model.to_owned());
                    // The order of `build` has it before its model.
                    parents.remove(node.unique_id());
                }
            }
            add_tests(&mut parents, &tests, &unit_tests);
        }
        let is_hosts = |node: &Node| self.is_run_by_host(node);
        let scripts: HashMap<&str, Scripts> = (selected.iter())
            .map(|node| (node.unique_id(), Scripts::of(node, &request.keyword)))
            .collect();
        unit_tests.retain(|test, _| self.manifest.node(test).is_some_and(|test| !is_hosts(test)));
        let plan = Plan {
            dbt: ids(&|node| {
                RUN_BY_DBT.contains(&node.resource_type())
                    && !node.is_ephemeral()
                    && !is_hosts(node)
            }),
            elsewhere: ids(&is_hosts),
            held: ids(&|node| scripts[node.unique_id()].before),
            hooked: ids(&|node| scripts[node.unique_id()].hook_after),
            followed: ids(&|node| scripts[node.unique_id()].script_after),
            tests,
            unit_tests,
            ..Plan::default()
        };
        plan.in_order_of(&parents)
    }

    /// Returns whether the host runs a node itself: it is a Python model or tests one.
    pub(crate) fn is_run_by_host(&self, node: &Node) -> bool {
        if node.resource_type() == "unit_test" {
            let model = node
                .parents()
                .next()
                .and_then(|model| self.manifest.node(model));
            return model
                .is_some_and(|model| self.stubs.contains(model.unique_id()) || model.is_python());
        }
        self.stubs.contains(node.unique_id()) || (node.is_python() && !self.dbt_runs_python)
    }

    /// Returns whether a run needs Python: for a node, a script or a hook.
    pub(crate) fn needs_python(&self, plan: &Plan, begin: &BeginRequest) -> bool {
        let with_scripts = [&plan.elsewhere, &plan.held, &plan.hooked, &plan.followed];
        !begin.scripts.is_empty() || with_scripts.iter().any(|nodes| !nodes.is_empty())
    }

    /// Returns whether a Python model of the run is configured with what the worker may refuse.
    pub(crate) fn may_be_refused(&self, begin: &BeginRequest) -> bool {
        let refusable = [
            "pre-hook",
            "post-hook",
            "incremental_strategy",
            "sql_header",
            "unlogged",
        ];
        let nodes = begin.selected.iter();
        let nodes = nodes.filter_map(|unique_id| self.manifest.node(unique_id));
        let mut models = nodes.filter(|node| self.is_run_by_host(node));
        models.any(|node| {
            let of_stub = self.materialized.get(node.unique_id());
            let name = of_stub.map_or_else(
                || node.config("materialized").unwrap_or("table"),
                |its| its.name.as_str(),
            );
            let is_table = TABLES.contains(&name) && (name != "view" || !node.is_python());
            let is_odd = !is_table && name != "incremental";
            is_odd || refusable.iter().any(|name| node.configures(name))
        })
    }

    fn parents(&self) -> Parents {
        let of = |node: &Node| node.parents().map(str::to_owned).collect();
        let nodes = self.manifest.members();
        nodes
            .map(|node| (node.unique_id().to_owned(), of(node)))
            .collect()
    }
}

/// Returns whether this is the version of a dbt that is written in Rust.
pub(crate) fn is_dbt_2(version: &str) -> bool {
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    major.is_some_and(|major| major >= 2)
}

/// What only the host runs, around a node.
#[derive(Clone, Copy, Default)]
struct Scripts {
    before: bool,
    hook_after: bool,
    script_after: bool,
}

impl Scripts {
    fn of(node: &Node, keyword: &str) -> Self {
        let Some(meta) = node.fal_meta(keyword) else {
            return Self::default();
        };
        let is_set = |value: Option<&Value>| match value {
            Some(Value::Array(all)) => !all.is_empty(),
            None | Some(Value::Null) => false,
            Some(_) => true,
        };
        let any = |when: &str| {
            ["-", "_"]
                .iter()
                .any(|mark| is_set(meta.get(&format!("{when}{mark}hook"))))
        };
        let scripts = meta.get("scripts");
        let (before, after) = match scripts {
            Some(Value::Object(both)) => (both.get("before"), both.get("after")),
            // A plain list is of scripts that come after.
            after => (None, after),
        };
        Self {
            before: is_set(before) || any("pre"),
            hook_after: any("post"),
            script_after: is_set(after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(version: &str, adapter: &str) -> Project {
        let node = |name: &str, language: &str, parents: Value| {
            let unique_id = format!("model.shop.{name}");
            let config = json!({ "materialized": "table" });
            json!({
                "unique_id": unique_id, "name": name, "resource_type": "model", "language": language,
                "config": config, "depends_on": { "nodes": parents },
            })
        };
        let manifest = json!({
            "metadata": { "dbt_version": version, "project_name": "shop" },
            "nodes": {
                "model.shop.a": node("a", "sql", json!([])),
                "model.shop.native": node("native", "python", json!(["model.shop.a"])),
                "model.shop.b": node("b", "sql", json!(["model.shop.native"])),
            },
        });
        let settings = Settings {
            output: Map::from_iter([("type".to_owned(), json!(adapter))]),
            ..Settings::default()
        };
        let manifest = serde_json::from_value(manifest).unwrap();
        Project::new(settings, manifest, &LoadRequest::default())
    }

    #[test]
    fn a_model_that_dbt_refuses_to_run_is_in_no_call() {
        let request: OpenRequest = serde_json::from_value(json!({
            "project_dir": "/p", "command": "run", "execute": true, "state_dir": "/s",
        }))
        .unwrap();
        let all = ["a", "native", "b"].map(|name| format!("model.shop.{name}"));
        let begin = BeginRequest {
            selected: all.to_vec(),
            ..BeginRequest::default()
        };
        for (version, adapter, by_dbt) in [
            ("2.0.0-alpha.4", "duckdb", false),
            ("2.0.0", "postgres", false),
            ("1.11.16", "postgres", false),
            ("1.11.16", "duckdb", true),
            ("2.0.0", "snowflake", true),
        ] {
            let plan = project(version, adapter).plan(&request, &begin);
            let native = "model.shop.native".to_owned();
            assert_eq!(plan.dbt.contains(&native), by_dbt, "{version} on {adapter}");
            assert_eq!(plan.elsewhere.contains(&native), !by_dbt);
            let asked = Ids::from(["model.shop.a".to_owned()]);
            let first = plan.next(&asked, &HashMap::new(), &Ids::new(), &Ids::new());
            let expected = if by_dbt { 3 } else { 1 };
            assert_eq!(first.len(), expected, "{first:?}");
        }
    }
}
