//! The jobs under way, and the messages for each.

use std::{
    collections::HashMap,
    os::unix::net::UnixStream,
    sync::{
        mpsc::{self, Receiver, Sender},
        Arc,
    },
};

use fal_plugin::{
    payload::{ErrorFrame, Timing},
    PluginError,
};
use parking_lot::Mutex;
use serde::{de::DeserializeOwned, Deserialize, Deserializer};
use serde_json::Value;

/// A message about a job.
pub(crate) enum Message {
    /// The zygote's answer to the request for a fork.
    Forked(Result<(), PluginError>),
    /// The job opened one of its connections.
    Connected(Connection, UnixStream),
    /// The job's answer, or why there is none.
    Answer(Reply),
    /// One of its standard streams ended.
    StreamEnded,
    /// All processes of the job are gone.
    Exited(Exit),
    /// The process that started it is gone, and so is the job.
    Lost(PluginError),
    /// The job must end now.
    Stop(Stop),
}

/// One of the three connections of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Connection {
    /// Request and answer.
    Control,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The outcome of waiting for an answer.
pub(crate) enum Reply {
    /// The answer.
    Answer(Answer),
    /// The connection ended without one.
    Missing,
    /// The answer cannot be read. Holds the reason.
    Unreadable(String),
}

/// A job's own account of its end.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct Answer {
    /// Whether it went well.
    pub(crate) ok: bool,
    /// The rows that the model of a unit test wrote, for the session.
    #[serde(default)]
    pub(crate) rows: Option<String>,
    /// When its code ran, read and wrote.
    #[serde(default, deserialize_with = "well_formed")]
    pub(crate) timing: Vec<Timing>,
    /// What went wrong.
    #[serde(default)]
    pub(crate) error: Option<JobError>,
}

/// What went wrong in a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(default)]
pub(crate) struct JobError {
    /// `exception`, `no_write`, ...
    pub(crate) kind: String,
    /// One line.
    pub(crate) message: String,
    /// For the user, whole.
    pub(crate) traceback: Option<String>,
    /// Lines of the user's files that the error passed through; the session needs the text only.
    #[serde(skip_serializing, deserialize_with = "well_formed")]
    pub(crate) frames: Vec<ErrorFrame>,
}

/// Reads the entries that make sense. A leased job on another machine wrote them, and a wrong number
/// in one must not cost the whole answer.
fn well_formed<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    entries: D,
) -> Result<Vec<T>, D::Error> {
    let entries: Vec<Value> = Deserialize::deserialize(entries)?;
    let read = entries.into_iter().map(serde_json::from_value);
    Ok(read.filter_map(Result::ok).collect())
}

/// How a job's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Exit {
    /// Exit code, if it ended by itself.
    pub(crate) code: Option<i32>,
    /// Signal that ended it.
    pub(crate) signal: Option<i32>,
}

/// Why a job is stopped from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The user interrupted the run.
    Interrupted,
    /// Without the session there is no data and nowhere to write.
    SessionDied(PluginError),
}

/// All jobs under way.
#[derive(Default)]
pub(crate) struct Jobs {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: u64,
    running: HashMap<String, Running>,
    stopped: Option<Stop>,
}

struct Running {
    zygote: u64,
    sender: Sender<Message>,
}

/// The registration of a job. Dropping it removes the job from the jobs under way.
pub(crate) struct Ticket {
    /// The job's name, unique in this run.
    pub(crate) job: String,
    /// The messages about the job.
    pub(crate) messages: Receiver<Message>,
    /// The sender for the threads that read the job's connections.
    pub(crate) sender: Sender<Message>,
    jobs: Arc<Jobs>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.jobs.state.lock().running.remove(&self.job);
    }
}

impl Jobs {
    /// Registers a new job that will be forked from `zygote`.
    pub(crate) fn open(self: &Arc<Self>, zygote: u64) -> Ticket {
        let (sender, messages) = mpsc::channel();
        let mut state = self.state.lock();
        state.last += 1;
        let job = format!("j{}", state.last);
        if let Some(stop) = state.stopped.clone() {
            // This cannot fail: the receiver is still held here.
            let _ = sender.send(Message::Stop(stop));
        }
        state.running.insert(
            job.clone(),
            Running {
                zygote,
                sender: sender.clone(),
            },
        );
        Ticket {
            job,
            messages,
            sender,
            jobs: Arc::clone(self),
        }
    }

    /// Sends a message to a job; drops it if the job is over.
    pub(crate) fn deliver(&self, job: &str, message: Message) {
        if let Some(running) = self.state.lock().running.get(job) {
            let _ = running.sender.send(message);
        }
    }

    /// Stops all jobs, including those that are opened later. Later jobs get the reason of the
    /// first call.
    pub(crate) fn stop_all(&self, stop: &Stop) {
        let mut state = self.state.lock();
        state.stopped.get_or_insert_with(|| stop.clone());
        for running in state.running.values() {
            let _ = running.sender.send(Message::Stop(stop.clone()));
        }
    }

    /// Ends the jobs of a zygote that died: they died with it.
    pub(crate) fn lose(&self, zygote: u64, error: &PluginError) {
        for running in self
            .state
            .lock()
            .running
            .values()
            .filter(|running| running.zygote == zygote)
        {
            let _ = running.sender.send(Message::Lost(error.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_reach_their_job_only_while_it_runs() {
        let jobs = Arc::new(Jobs::default());
        let (one, two) = (jobs.open(1), jobs.open(2));
        jobs.deliver(&one.job, Message::StreamEnded);
        jobs.lose(2, &PluginError::new("x", "gone"));
        assert!(matches!(one.messages.try_recv(), Ok(Message::StreamEnded)));
        assert!(one.messages.try_recv().is_err());
        assert!(matches!(two.messages.try_recv(), Ok(Message::Lost(_))));
        let job = one.job.clone();
        drop(one);
        assert!(!jobs.state.lock().running.contains_key(&job));
    }

    #[test]
    fn a_stop_reaches_later_jobs_with_its_first_reason() {
        let jobs = Arc::new(Jobs::default());
        jobs.stop_all(&Stop::Interrupted);
        jobs.stop_all(&Stop::SessionDied(PluginError::new("x", "gone")));
        let later = jobs.open(1);
        assert!(matches!(
            later.messages.try_recv(),
            Ok(Message::Stop(Stop::Interrupted))
        ));
    }
}
