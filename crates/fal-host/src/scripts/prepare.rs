//! Prepares scripts before anything runs: reads their files and checks their environments.

use std::collections::{BTreeSet, HashMap};

use fal_plugin::{
    NotebookParser, PluginError,
    payload::{NodeRequest, NodeWork, PythonWork, ScriptWork},
    wire::NotebookParserClient,
};
use fal_project::{
    FileDiagnostic, LOCAL, ScriptError, ScriptOwner, ScriptReader, unknown_environment,
};

use super::attachments::Attachment;
use crate::{error::HostError, project::Project};

/// Prepares work, gathers what is wrong, and remembers which environments are needed.
pub(crate) struct Preparer<'a> {
    project: &'a Project,
    notebooks: Vec<NotebookParserClient>,
    /// Files that were read, by their path as written: many models may share one.
    read: HashMap<String, PythonWork>,
    environments: BTreeSet<String>,
    problems: Vec<FileDiagnostic>,
    failure: Option<PluginError>,
}

impl<'a> Preparer<'a> {
    pub(crate) fn new(project: &'a Project) -> Result<Self, HostError> {
        let notebooks = project.stages.notebook_parsers()?;
        Ok(Self {
            project,
            notebooks,
            read: HashMap::new(),
            environments: BTreeSet::new(),
            problems: Vec::new(),
            failure: None,
        })
    }

    /// Makes the request for a script. [`finish`](Self::finish) returns what is wrong.
    pub(crate) fn request(&mut self, attached: &Attachment) -> Option<NodeRequest> {
        let path = attached.entry.path.as_str();
        let environment =
            self.environment(&attached.owner, Some(path), attached.environment.as_deref());
        let mut python = self.read(attached)?;
        python.environment = environment;
        let (role, model, arguments) = (
            attached.role,
            attached.model.clone(),
            attached.entry.arguments.clone(),
        );
        let work = NodeWork::Script(ScriptWork {
            python,
            role,
            model,
            arguments,
        });
        Some(NodeRequest::new(attached.id.clone(), work))
    }

    fn read(&mut self, attached: &Attachment) -> Option<PythonWork> {
        if let Some(known) = self.read.get(&attached.entry.path) {
            return Some(known.clone());
        }
        let notebooks = self
            .notebooks
            .iter()
            .map(|parser| parser as &dyn NotebookParser)
            .collect();
        match ScriptReader::new(&self.project.dbt, notebooks).read(&attached.entry, &attached.owner)
        {
            Ok(python) => _ = self.read.insert(attached.entry.path.clone(), python),
            // A broken notebook that several models share shows once; a missing file once for each model.
            Err(ScriptError::File(problem)) if self.problems.contains(&problem) => {}
            Err(ScriptError::File(problem)) => self.problems.push(*problem),
            Err(ScriptError::Plugin(error)) => _ = self.failure.get_or_insert(error),
        }
        self.read.get(&attached.entry.path).cloned()
    }

    /// Returns the environment that code runs in; `None` for that of dbt.
    pub(crate) fn environment(
        &mut self,
        owner: &ScriptOwner,
        user: Option<&str>,
        name: Option<&str>,
    ) -> Option<String> {
        let name = self.checked(owner, user, name)?;
        self.environments.insert(name.clone());
        Some(name)
    }

    /// Returns the environment of code that a runner runs: it must be defined, but is not built here.
    pub(crate) fn foreign_environment(
        &mut self,
        owner: &ScriptOwner,
        name: Option<&str>,
    ) -> Option<String> {
        self.checked(owner, None, name)
    }

    fn checked(
        &mut self,
        owner: &ScriptOwner,
        user: Option<&str>,
        name: Option<&str>,
    ) -> Option<String> {
        let name = name.filter(|name| *name != LOCAL)?;
        let known: Vec<&str> = self
            .project
            .fal
            .environments
            .iter()
            .map(|known| known.name.as_str())
            .collect();
        self.problems.extend(unknown_environment(
            &self.project.dbt.root,
            &known,
            owner,
            user,
            name,
        ));
        Some(name.to_owned())
    }

    /// Returns the environments to build, if nothing is wrong.
    pub(crate) fn finish(self) -> Result<Vec<String>, HostError> {
        match self.failure {
            Some(error) => Err(error.into()),
            None if self.problems.is_empty() => Ok(self.environments.into_iter().collect()),
            None => Err(HostError::Scripts {
                files: self.problems,
            }),
        }
    }
}
