//! The dbt session process and the events that it sends.

use std::sync::{Arc, Weak};

use fal_plugin::{
    payload::{Event, LogLevel, Stream},
    PluginError,
};
use serde::Deserialize;

use crate::{
    channel::{Channel, Listener},
    error::{StartError, SESSION_DIED},
    jobs::Stop,
    native_job::{self, NativeJob},
    process::{Launch, Process},
    run::Run,
};

/// The dbt session process.
pub(crate) struct Dbt {
    pub(crate) process: Arc<Process>,
    pub(crate) channel: Arc<Channel>,
}

impl Dbt {
    /// Starts the session process. Its messages are not read before [`listen`](Self::listen).
    pub(crate) fn start(launch: Launch<'_>) -> Result<Self, StartError> {
        let (process, stream) = Process::start(launch)?;
        let channel = Channel::new(stream).inspect_err(|_| process.kill())?;
        Ok(Self { process, channel })
    }

    /// Starts to read the session's messages for `run`.
    pub(crate) fn listen(&self, run: &Arc<Run>) -> Result<(), StartError> {
        let process = Arc::clone(&self.process);
        self.channel.listen(Ear {
            run: Arc::downgrade(run),
            process,
        })
    }
}

impl Drop for Dbt {
    fn drop(&mut self) {
        self.process.kill();
    }
}

/// Handles the session's events. It holds no strong reference to the run, since dropping the run
/// ends the session.
struct Ear {
    run: Weak<Run>,
    process: Arc<Process>,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Heard {
    Log {
        level: LogLevel,
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        unique_id: Option<String>,
        message: String,
    },
    Output {
        unique_id: String,
        lines: Vec<(Stream, String)>,
    },
    PythonJob(NativeJob),
    #[serde(other)]
    Other,
}

impl Listener for Ear {
    fn event(&mut self, line: &[u8]) {
        let Some(run) = self.run.upgrade() else {
            return;
        };
        match serde_json::from_slice(line) {
            Ok(Heard::Log {
                level,
                name,
                unique_id,
                message,
            }) => {
                run.events.emit(Event::Log {
                    level,
                    name,
                    unique_id,
                    message,
                });
            }
            Ok(Heard::Output { unique_id, lines }) => {
                for (stream, line) in lines {
                    run.events.emit(Event::Output {
                        unique_id: unique_id.clone(),
                        stream,
                        line,
                    });
                }
            }
            Ok(Heard::PythonJob(job)) => native_job::start(run, job),
            Ok(Heard::Other) => {}
            Err(_) => self.nonsense(&String::from_utf8_lossy(line)),
        }
    }

    fn nonsense(&mut self, line: &str) {
        if let Some(run) = self.run.upgrade() {
            run.warn(format!("the dbt session sent an invalid message: {line}"));
        }
    }

    fn ended(&mut self) -> PluginError {
        let error = PluginError::new(SESSION_DIED, self.process.epitaph());
        if let Some(run) = self.run.upgrade() {
            run.jobs.stop_all(&Stop::SessionDied(error.clone()));
        }
        error
    }
}
