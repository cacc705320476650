//! A warm Python process from which jobs are forked.

use std::{path::Path, sync::Arc, time::Instant};

use fal_plugin::{payload::LogLevel, EventSink, PluginError};
use serde::Deserialize;
use serde_json::{json, Value};

use super::jobs::{Exit, Jobs, Message};
use crate::{
    channel::{Channel, Listener},
    error::{AskError, StartError, ZYGOTE_DIED},
    process::{log, Launch, Process},
};

/// A warm Python process, from which jobs are forked.
pub(crate) struct Zygote {
    serial: u64,
    process: Arc<Process>,
    channel: Arc<Channel>,
}

impl Zygote {
    /// Starts a zygote. `serial` is unique among the run's zygotes.
    pub(crate) fn start(
        launch: Launch<'_>,
        serial: u64,
        jobs: &Arc<Jobs>,
    ) -> Result<Self, StartError> {
        let events = Arc::clone(&launch.events);
        let (process, channel) = Process::start(launch)?;
        let zygote = Self {
            serial,
            process,
            channel,
        };
        let process = Arc::clone(&zygote.process);
        zygote.channel.listen(Incoming {
            serial,
            process,
            jobs: Arc::clone(jobs),
            events,
        })?;
        Ok(zygote)
    }

    /// Returns the zygote's number, which is unique in the run.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// Returns whether the zygote can still fork.
    pub(crate) fn is_alive(&self) -> bool {
        self.process.is_alive()
    }

    /// Makes the zygote import modules that jobs will need.
    pub(crate) fn preload(&self, modules: &[String]) {
        // Ignore failures: if a module cannot be imported, the model fails with a traceback when it
        // runs.
        drop(self.channel.send("preload", &json!({ "modules": modules })));
    }

    /// Requests a process for `job`. The answer arrives as a message through `jobs`.
    pub(crate) fn fork(&self, job: &str, socket: &Path, jobs: &Arc<Jobs>) {
        let (jobs, name) = (Arc::clone(jobs), job.to_owned());
        self.channel.send_then(
            "fork",
            &json!({ "job": job, "socket": socket }),
            move |outcome| {
                let forked = outcome
                    .map_err(AskError::Lost)
                    .and_then(|reply| reply.read::<Value>());
                jobs.deliver(
                    &name,
                    Message::Forked(forked.map(drop).map_err(PluginError::from)),
                );
            },
        );
    }

    /// Ends a job and all its processes.
    pub(crate) fn kill(&self, job: &str) {
        drop(self.channel.send("kill", &json!({ "job": job })));
    }

    /// Closes the channel: there will be no more jobs, and the zygote exits.
    pub(crate) fn hang_up(&self) {
        self.channel.hang_up();
    }

    /// Kills the zygote and its jobs.
    pub(crate) fn end(&self) {
        self.process.kill();
    }

    /// Waits for the zygote's exit; kills it at `deadline`.
    pub(crate) fn end_by(&self, deadline: Instant) {
        self.process.end_by(deadline);
    }
}

impl Drop for Zygote {
    fn drop(&mut self) {
        self.process.kill();
    }
}

/// Handles the zygote's events.
struct Incoming {
    serial: u64,
    process: Arc<Process>,
    jobs: Arc<Jobs>,
    events: Arc<dyn EventSink>,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum ZygoteEvent {
    Exited {
        job: String,
        #[serde(flatten)]
        exit: Exit,
    },
    #[serde(other)]
    Other,
}

impl Listener for Incoming {
    fn event(&mut self, line: &[u8]) {
        match serde_json::from_slice(line) {
            Ok(ZygoteEvent::Exited { job, exit }) => self.jobs.deliver(&job, Message::Exited(exit)),
            Ok(ZygoteEvent::Other) => {}
            Err(_) => self.malformed(&String::from_utf8_lossy(line)),
        }
    }

    fn malformed(&mut self, line: &str) {
        let message = format!("the process that starts models sent an invalid message: {line}");
        log(&self.events, LogLevel::Warn, message);
    }

    fn ended(&mut self) -> PluginError {
        let error = PluginError::new(ZYGOTE_DIED, self.process.describe_end());
        self.jobs.lose(self.serial, &error);
        error
    }
}
