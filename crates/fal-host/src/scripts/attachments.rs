//! All scripts and hooks of a project, from dbt's nodes and the schema files.

use std::collections::{HashMap, HashSet};

use fal_graph::{DagBuilder, Side};
use fal_plugin::payload::{GraphNode, ScriptRole};
use fal_project::{
    DbtProject, FileDiagnostic, ScriptEntry, ScriptOwner, global_scripts, node_scripts,
};
use fal_report::NodeInfo;

use crate::{
    error::HostError,
    faults::{About, Fault},
};

/// dbt's resource types whose nodes make a relation: those can have scripts.
const WITH_SCRIPTS: [&str; 3] = ["model", "seed", "snapshot"];

/// All scripts and hooks, by id and by model.
#[derive(Debug, Default)]
pub(crate) struct Attachments {
    all: Vec<Attachment>,
    by_id: HashMap<String, usize>,
    by_model: HashMap<String, Vec<usize>>,
}

impl Attachments {
    /// Reads what the `meta` of dbt's nodes attaches, and the faults in it. A node with faults gets nothing
    /// attached.
    pub(crate) fn from_nodes(
        project: &DbtProject,
        keyword: &str,
        nodes: &[GraphNode],
    ) -> (Self, Vec<Fault>) {
        let (mut attachments, mut ids, mut faults) = (Self::default(), Ids::default(), Vec::new());
        for node in nodes
            .iter()
            .filter(|node| WITH_SCRIPTS.contains(&node.resource_type.as_str()))
        {
            let (scripts, problems) = node_scripts(node, keyword, &project.root);
            let is_wrong = problems.iter().any(FileDiagnostic::is_error);
            if !problems.is_empty() {
                faults.push(Fault {
                    about: About::Scripts(node.unique_id.clone()),
                    problems,
                });
            }
            let owner = ScriptOwner::from_node(node);
            for (role, entry) in scripts.iter().filter(|_| !is_wrong) {
                let (kind, side) = words(role, role);
                let attached = Attachment {
                    id: ids.give(kind, &label(node), side, entry),
                    role,
                    model: Some(node.unique_id.clone()),
                    owner: owner.clone(),
                    file: project.script_path(&entry.path),
                    environment: entry
                        .environment
                        .as_deref()
                        .or(node.environment(keyword))
                        .map(str::to_owned),
                    entry: entry.clone(),
                };
                attachments.add(attached);
            }
        }
        (attachments, faults)
    }

    /// Returns the global scripts on a side, and warnings about them.
    pub(crate) fn global(
        project: &DbtProject,
        keyword: &str,
        side: ScriptRole,
    ) -> Result<(Vec<Attachment>, Vec<FileDiagnostic>), HostError> {
        let found =
            global_scripts(project, keyword).map_err(|files| HostError::Scripts { files })?;
        let of_side = found.scripts.into_iter().filter(|(role, ..)| *role == side);
        let mut ids = Ids::default();
        let attached = of_side.map(|(_, entry, owner)| Attachment {
            id: ids.give(
                "script",
                "GLOBAL",
                words(ScriptRole::Global, side).1,
                &entry,
            ),
            role: ScriptRole::Global,
            model: None,
            owner,
            file: project.script_path(&entry.path),
            environment: entry.environment.clone(),
            entry,
        });
        Ok((attached.collect(), found.warnings))
    }

    /// Adds the scripts before and after models to a graph.
    pub(crate) fn add_to(&self, builder: &mut DagBuilder) {
        for attached in &self.all {
            let side = match attached.role {
                ScriptRole::Before => Side::Before,
                ScriptRole::After => Side::After,
                ScriptRole::PreHook | ScriptRole::PostHook | ScriptRole::Global => continue,
            };
            if let Some(model) = attached.model.clone() {
                let (id, file) = (attached.id.clone(), attached.file.clone());
                builder.script(fal_graph::AttachedScript {
                    id,
                    model,
                    side,
                    file,
                });
            }
        }
    }

    /// Finds a script or hook by its id.
    pub(crate) fn find(&self, id: &str) -> Option<&Attachment> {
        self.by_id.get(id).map(|at| &self.all[*at])
    }

    /// Returns what a model has in this role, in order.
    pub(crate) fn of_model(
        &self,
        model: &str,
        role: ScriptRole,
    ) -> impl Iterator<Item = &Attachment> {
        let of_model = self
            .by_model
            .get(model)
            .into_iter()
            .flatten()
            .map(|at| &self.all[*at]);
        of_model.filter(move |attached| attached.role == role)
    }

    /// Returns all scripts and hooks.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Attachment> {
        self.all.iter()
    }

    fn add(&mut self, attached: Attachment) {
        let at = self.all.len();
        self.by_id.insert(attached.id.clone(), at);
        if let Some(model) = &attached.model {
            self.by_model.entry(model.clone()).or_default().push(at);
        }
        self.all.push(attached);
    }
}

/// Returns the name of a model in the ids of its scripts: `orders`, `people.v2`.
fn label(node: &GraphNode) -> String {
    match &node.version {
        Some(version) => format!("{}.v{version}", node.name),
        None => node.name.clone(),
    }
}

/// A script or hook of a model, or a global script.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    /// `script.orders.AFTER.tell.py`, `hook.orders.PRE.check.py`, `script.GLOBAL.AFTER.done.py`.
    pub(crate) id: String,
    pub(crate) role: ScriptRole,
    /// Unique id of its model; `None` for a global script.
    pub(crate) model: Option<String>,
    pub(crate) owner: ScriptOwner,
    pub(crate) entry: ScriptEntry,
    /// Its file, below the project.
    pub(crate) file: String,
    /// Name of the environment that it asks for or inherits.
    pub(crate) environment: Option<String>,
}

impl Attachment {
    /// Returns it as reports name it.
    pub(crate) fn info(&self) -> NodeInfo {
        NodeInfo::script(&self.id, &self.file, self.role, self.owner.name.as_deref())
    }
}

/// Makes ids, each once.
#[derive(Default)]
struct Ids(HashSet<String>);

impl Ids {
    /// Makes the id of a script of a model (`GLOBAL` for none) on a side (`BEFORE`, `PRE`, ...). A second
    /// script with the same file name gets its path as written instead.
    fn give(&mut self, kind: &str, model: &str, side: &str, entry: &ScriptEntry) -> String {
        let names = [entry.file_name(), &entry.path]
            .into_iter()
            .map(str::to_owned);
        let more = (2..).map(|number| format!("{}#{number}", entry.path));
        let ids = names
            .chain(more)
            .map(|name| format!("{kind}.{model}.{side}.{name}"));
        let mut new = ids.filter(|id| self.0.insert(id.clone()));
        // The iterator is infinite.
        new.next().unwrap_or_default()
    }
}

/// Returns the words for a role in ids. `side` matters for global scripts only.
fn words(role: ScriptRole, side: ScriptRole) -> (&'static str, &'static str) {
    match (role, side) {
        (ScriptRole::Before, _) | (ScriptRole::Global, ScriptRole::Before) => ("script", "BEFORE"),
        (ScriptRole::After | ScriptRole::Global, _) => ("script", "AFTER"),
        (ScriptRole::PreHook, _) => ("hook", "PRE"),
        (ScriptRole::PostHook, _) => ("hook", "POST"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(name: &str, version: Option<&str>, fal: serde_json::Value) -> GraphNode {
        GraphNode {
            unique_id: format!(
                "model.shop.{name}{}",
                version.map(|v| format!(".v{v}")).unwrap_or_default()
            ),
            name: name.into(),
            resource_type: "model".into(),
            version: version.map(str::to_owned),
            patch_path: Some("shop://models/schema.yml".into()),
            meta: json!({ "fal": fal }).as_object().cloned().unwrap(),
            ..GraphNode::default()
        }
    }

    fn gather(nodes: &[GraphNode]) -> (Attachments, Vec<Fault>) {
        let project = DbtProject {
            root: "/nowhere".into(),
            fal_scripts_path: "py".into(),
            ..DbtProject::default()
        };
        Attachments::from_nodes(&project, "fal", nodes)
    }

    #[test]
    fn ids_and_files_are_as_documented_and_environments_are_inherited() {
        let fal = json!({"scripts": {"before": ["x/load.py"], "after": [{"path": "tell.py", "environment": "local"}]},
            "pre-hook": "check.py", "environment": "ml"});
        let (found, faults) = gather(&[
            node("orders", None, fal.clone()),
            node("people", Some("2"), fal),
        ]);
        assert!(faults.is_empty(), "{faults:?}");
        let line = |one: &Attachment| {
            format!(
                "{} {} {}",
                one.id,
                one.file,
                one.environment.as_deref().unwrap_or_default()
            )
        };
        insta::assert_snapshot!(found.iter().map(line).collect::<Vec<_>>().join("\n"), @r"
        script.orders.BEFORE.load.py py/x/load.py ml
        script.orders.AFTER.tell.py py/tell.py local
        hook.orders.PRE.check.py py/check.py ml
        script.people.v2.BEFORE.load.py py/x/load.py ml
        script.people.v2.AFTER.tell.py py/tell.py local
        hook.people.v2.PRE.check.py py/check.py ml
        ");
        assert_eq!(
            found
                .of_model("model.shop.orders", ScriptRole::PreHook)
                .count(),
            1
        );
        assert_eq!(
            found
                .find("script.orders.AFTER.tell.py")
                .unwrap()
                .info()
                .name,
            "tell.py (after orders)"
        );
    }

    #[test]
    fn all_complaints_come_at_once() {
        let wrong = json!({"scripts": "a.py"});
        let fine = json!({"scripts": ["a.py"], "runtime": "old"});
        let (found, faults) = gather(&[
            node("a", None, wrong.clone()),
            node("b", None, wrong),
            node("c", None, fine),
        ]);
        let about = |fault: &Fault| (fault.about.clone(), fault.problems[0].is_error());
        let scripts = |id: &str| About::Scripts(id.to_owned());
        assert_eq!(
            faults.iter().map(about).collect::<Vec<_>>(),
            [
                (scripts("model.shop.a"), true),
                (scripts("model.shop.b"), true),
                (scripts("model.shop.c"), false)
            ]
        );
        assert_eq!(found.iter().count(), 1, "an unknown key drops nothing");
    }

    #[test]
    fn every_id_is_given_once() {
        let mut ids = Ids::default();
        let mut give = |path: &str| {
            let entry = ScriptEntry {
                path: path.to_owned(),
                ..ScriptEntry::default()
            };
            ids.give("script", "orders", "AFTER", &entry)
        };
        assert_eq!(give("a/tell.py"), "script.orders.AFTER.tell.py");
        assert_eq!(give("b/tell.py"), "script.orders.AFTER.b/tell.py");
        assert_eq!(give("b/tell.py"), "script.orders.AFTER.b/tell.py#2");
        assert_eq!(give("tell.py"), "script.orders.AFTER.tell.py#2");
    }
}
