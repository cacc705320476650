//! How a node will run: its command, its Python and its time limit.

use std::{path::Path, time::Duration};

use fal_plugin::payload::{Lease, NodeRequest};

use crate::{
    config,
    settings::{Line, Settings},
    template::Missing,
    values::{short_name, Values},
};

/// How long a command may wait for a machine, unless the configuration sets `queue_timeout`.
const QUEUE: Duration = Duration::from_secs(600);

/// The decisions about a node that all of its attempts share.
pub(crate) struct Plan<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) request: &'a NodeRequest,
    pub(crate) lease: &'a Lease,
    pub(crate) line: &'a Line,
    python: &'a str,
}

impl<'a> Plan<'a> {
    /// Plans a node, or returns a message for the user if it cannot run. `python` is the
    /// interpreter to use when the configuration names none.
    pub(crate) fn new(
        settings: &'a Settings,
        request: &'a NodeRequest,
        lease: &'a Lease,
        python: &'a str,
    ) -> Result<Self, String> {
        let named = lease.environment.as_ref().map(|spec| spec.name.as_str());
        let known = named.and_then(|name| settings.config.environments.get(name));
        let line = named
            .and_then(|name| settings.commands.get(name))
            .unwrap_or(&settings.command);
        if let (Some(name), None) = (named, known) {
            if !line.uses("environment") {
                return Err(unknown_environment(name));
            }
        }
        let python = known
            .and_then(|known| known.python.as_deref())
            .or(settings.config.python.as_deref())
            .unwrap_or(python);
        Ok(Self {
            settings,
            request,
            lease,
            line,
            python,
        })
    }

    /// Returns the node's short name.
    pub(crate) fn name(&self) -> &'a str {
        short_name(&self.request.unique_id)
    }

    /// With `bundle: file`, returns the parent folder of the bundles; `Some(None)` is the system's
    /// folder for temporary files.
    pub(crate) fn folder(&self) -> Option<Option<&'a Path>> {
        let folder = self.settings.config.folder.as_deref().map(Path::new);
        (self.settings.config.bundle == config::Bundle::File).then_some(folder)
    }

    /// Returns the values of the placeholders.
    pub(crate) fn values<'b>(
        &'b self,
        job: &'b str,
        files: Option<(&'b Path, &'b Path)>,
    ) -> Values<'b> {
        Values {
            node: &self.request.unique_id,
            name: self.name(),
            job,
            resources: &self.request.resources,
            environment: self
                .lease
                .environment
                .as_ref()
                .map(|spec| spec.name.as_str()),
            python: self.python,
            files,
        }
    }

    /// Returns the time limit of one attempt.
    pub(crate) fn limit(&self) -> Option<Duration> {
        let config = &self.settings.config;
        let queue = config.queue_timeout.map_or(QUEUE, |span| span.0);
        let own = self
            .request
            .resources
            .timeout
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let own = own.map(|own| own.saturating_add(queue));
        let general = config.timeout.map(|span| span.0);
        own.into_iter().chain(general).min()
    }

    /// Returns the custom keys in the node's resources that no placeholder uses.
    pub(crate) fn unused(&self) -> Vec<&'a str> {
        let known = self.settings.custom();
        self.request
            .resources
            .custom
            .keys()
            .map(String::as_str)
            .filter(|key| !known.contains(*key))
            .collect()
    }
}

fn unknown_environment(name: &str) -> String {
    format!(
        "the model asks for the environment `{name}`, and the command runner does not know what that is on its machines\n\
         Name it in the runner's configuration, `environments: {{{name}: {{python: /path/to/python}}}}`, or use `{{environment}}` in its `command`"
    )
}

/// Formats the message about a placeholder that has no value.
pub(crate) fn nothing_for(missing: &Missing) -> String {
    let name = &missing.0;
    let place = match name.to_string().as_str() {
        "environment" => "`environment: ...` in the model's meta".to_owned(),
        "memory_mb" => "`resources: {memory: ...}` in the model's meta".to_owned(),
        "timeout_minutes" => "`resources: {timeout: ...}` in the model's meta".to_owned(),
        text => format!(
            "`resources: {{{}: ...}}` in the model's meta",
            text.trim_start_matches("custom.")
        ),
    };
    format!(
        "the command of the runner needs `{{{name}}}`, and the model does not say it\n\
         Set {place}, or give the placeholder a default, `{{{name}:...}}`, or put its words into a list of their own, which is then left out"
    )
}
