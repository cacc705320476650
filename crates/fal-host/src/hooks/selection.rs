//! Which scripts and hooks run, and in what order.

use std::collections::HashSet;

use fal_graph::{Criteria, NodeSet};
use fal_plugin::payload::ScriptRole;
use fal_project::{DbtProject, FileDiagnostic};

use super::last_run::LastRun;
use crate::{
    error::HostError,
    scripts::{Attachment, Attachments},
    session::Loaded,
};

/// Which scripts to run, and for which models.
#[derive(Clone, Debug, Default)]
pub struct HooksOptions {
    /// The selection of models.
    pub criteria: Criteria,
    /// `--all`: of all models, whatever the last run did.
    pub all: bool,
    /// `--before`: pre-hooks and before-scripts.
    pub before: bool,
    /// `--globals`: global scripts in spite of a selection.
    pub globals: bool,
    /// `--scripts`: only these scripts, as written in schema files.
    pub scripts: Vec<String>,
}

impl HooksOptions {
    /// Whether the user selects models.
    pub(super) fn selects(&self) -> bool {
        !self.criteria.select.is_empty()
            || !self.criteria.exclude.is_empty()
            || self.criteria.selector.is_some()
    }
}

/// The scripts of one model and role, or global scripts: they run one after the other.
pub(super) type Lane = Vec<Attachment>;

/// What runs: one phase after the other, the lanes of a phase side by side.
#[derive(Debug, Default)]
pub(super) struct SelectedScripts {
    pub(super) phases: Vec<Vec<Lane>>,
    pub(super) warnings: Vec<String>,
    /// Warnings about files.
    pub(super) problems: Vec<FileDiagnostic>,
}

impl SelectedScripts {
    /// Returns all scripts, in order.
    pub(super) fn scripts(&self) -> impl Iterator<Item = &Attachment> {
        self.phases.iter().flatten().flatten()
    }
}

/// What the selection depends on.
pub(super) struct ScriptSelection<'a> {
    pub(super) project: &'a DbtProject,
    pub(super) loaded: &'a Loaded,
    pub(super) options: &'a HooksOptions,
    /// The models that the user selects, if any selection is given.
    pub(super) selected: Option<&'a NodeSet>,
    pub(super) last_run: Option<&'a LastRun>,
}

impl ScriptSelection<'_> {
    pub(super) fn select(&self) -> Result<SelectedScripts, HostError> {
        let models = self.models();
        let (globals, problems) = self.globals()?;
        let lanes = |role| models.iter().map(|model| self.lane(model, role)).collect();
        let phases = if self.options.before {
            vec![
                vec![globals],
                lanes(ScriptRole::PreHook),
                lanes(ScriptRole::Before),
            ]
        } else {
            vec![
                lanes(ScriptRole::After),
                lanes(ScriptRole::PostHook),
                vec![globals],
            ]
        };
        let mut chosen = SelectedScripts {
            phases,
            warnings: Vec::new(),
            problems,
        };
        chosen.warnings = self.warnings(&chosen);
        Ok(chosen)
    }

    fn lane(&self, model: &str, role: ScriptRole) -> Lane {
        self.attachments()
            .of_model(model, role)
            .filter(|one| self.wants(one))
            .cloned()
            .collect()
    }

    fn attachments(&self) -> &Attachments {
        &self.loaded.attachments
    }

    /// Returns the models that the command covers and that have anything attached, parents first.
    fn models(&self) -> Vec<&str> {
        let owners: HashSet<&str> = self
            .attachments()
            .iter()
            .filter_map(|one| one.model.as_deref())
            .collect();
        let has_before = |model: &str| {
            self.attachments()
                .of_model(model, ScriptRole::Before)
                .next()
                .is_some()
        };
        let by_before = self.options.before && self.selected.is_none();
        let meant = self
            .meant()
            .into_iter()
            .filter(|model| owners.contains(model));
        meant
            .filter(|model| !by_before || has_before(model))
            .collect()
    }

    /// Returns the unique ids of the nodes that the command covers, parents first.
    pub(super) fn meant(&self) -> Vec<&str> {
        let dag = &self.loaded.dag;
        let took_part = self
            .last_run
            .map(|run| run.took_part(dag))
            .unwrap_or_default();
        let ordered = dag
            .order()
            .iter()
            .map(|id| (*id, dag.node(*id).unique_id()));
        let meant = ordered.filter(|(id, model)| match self.selected {
            Some(selected) => selected.contains(*id),
            None => self.options.before || self.options.all || took_part.contains(model),
        });
        meant.map(|(_, model)| model).collect()
    }

    /// Returns the global scripts. They run unless the command is narrowed, or with `--globals`.
    fn globals(&self) -> Result<(Lane, Vec<FileDiagnostic>), HostError> {
        let narrowed = self.options.selects() || !self.options.scripts.is_empty();
        if narrowed && !self.options.globals {
            return Ok((Vec::new(), Vec::new()));
        }
        let side = if self.options.before {
            ScriptRole::Before
        } else {
            ScriptRole::After
        };
        let (mut globals, warnings) =
            Attachments::global(self.project, &self.loaded.keyword, side)?;
        globals.retain(|global| self.wants(global));
        Ok((globals, warnings))
    }

    /// Whether `--scripts` includes a script. Hooks always run.
    fn wants(&self, attached: &Attachment) -> bool {
        let scripts = &self.options.scripts;
        scripts.is_empty()
            || attached.role.is_hook()
            || scripts.iter().any(|path| self.is_same(path, attached))
    }

    fn is_same(&self, path: &str, attached: &Attachment) -> bool {
        *path == attached.entry.path || self.project.script_path(path) == attached.file
    }

    fn warnings(&self, chosen: &SelectedScripts) -> Vec<String> {
        let unused = self.options.scripts.iter().filter(|path| {
            !chosen
                .scripts()
                .any(|attached| !attached.role.is_hook() && self.is_same(path, attached))
        });
        let mut warnings: Vec<String> = unused
            .map(|path| format!("`--scripts {path}` matches no script that would run"))
            .collect();
        if chosen.scripts().next().is_none() {
            warnings
                .push("Nothing to do: no model that is meant has such scripts or hooks".to_owned());
        }
        warnings
    }
}

#[cfg(test)]
mod tests;
