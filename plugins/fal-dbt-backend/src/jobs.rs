//! The jobs under way: who gets what is heard of them.

use std::{
    collections::HashMap,
    os::unix::net::UnixStream,
    sync::{
        mpsc::{self, Receiver, Sender},
        Arc,
    },
};

use fal_plugin::{payload::ErrorFrame, PluginError};
use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What is heard of a job.
pub(crate) enum Message {
    /// The zygote's answer to the request for a fork.
    Forked(Result<(), PluginError>),
    /// The job opened one of its connections.
    Connected(Part, UnixStream),
    /// What came of waiting for the job's answer.
    Answer(Heard),
    /// One of its standard streams ended.
    StreamEnded,
    /// Its processes are gone.
    Exited(Exit),
    /// The process that started it is gone, and so is the job.
    Lost(PluginError),
    /// It must end now.
    Stop(Stop),
}

/// One of the three connections of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// Request and answer.
    Control,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What came of waiting for an answer.
pub(crate) enum Heard {
    /// The answer.
    Answer(Answer),
    /// The connection ended without one.
    Nothing,
    /// It cannot be read; says why.
    Broken(String),
}

/// A job's own account of its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Answer {
    /// Whether it went well.
    pub(crate) ok: bool,
    /// Of a unit test: what the model wrote, for the session.
    #[serde(default)]
    pub(crate) rows: Option<String>,
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

/// Reads the frames that make sense. A leased job on another machine wrote them, and a wrong number
/// in one must not cost the whole answer.
fn well_formed<'de, D: Deserializer<'de>>(frames: D) -> Result<Vec<ErrorFrame>, D::Error> {
    let frames: Vec<Value> = Deserialize::deserialize(frames)?;
    let read = frames.into_iter().map(serde_json::from_value);
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
    /// The user wants it.
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

/// A job's place among the jobs under way, given up when dropped.
pub(crate) struct Ticket {
    /// The job's name, unique in this run.
    pub(crate) job: String,
    /// What is heard of it.
    pub(crate) messages: Receiver<Message>,
    /// For those who listen to its connections.
    pub(crate) sender: Sender<Message>,
    jobs: Arc<Jobs>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.jobs.lock().running.remove(&self.job);
    }
}

impl Jobs {
    /// A new job, to be forked from `zygote`.
    pub(crate) fn open(self: &Arc<Self>, zygote: u64) -> Ticket {
        let (sender, messages) = mpsc::channel();
        let mut state = self.lock();
        state.last += 1;
        let job = format!("j{}", state.last);
        if let Some(stop) = state.stopped.clone() {
            // We hold the receiver.
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

    /// Hands a message to a job; says nothing if the job is over.
    pub(crate) fn deliver(&self, job: &str, message: Message) {
        if let Some(running) = self.lock().running.get(job) {
            let _ = running.sender.send(message);
        }
    }

    /// Stops all jobs, those too that are still to come. The first reason counts.
    pub(crate) fn stop_all(&self, stop: &Stop) {
        let mut state = self.lock();
        state.stopped.get_or_insert_with(|| stop.clone());
        for running in state.running.values() {
            let _ = running.sender.send(Message::Stop(stop.clone()));
        }
    }

    /// Tells the jobs of a zygote that they are gone with it.
    pub(crate) fn lose(&self, zygote: u64, error: &PluginError) {
        for running in self
            .lock()
            .running
            .values()
            .filter(|running| running.zygote == zygote)
        {
            let _ = running.sender.send(Message::Lost(error.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
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
        assert!(!jobs.lock().running.contains_key(&job));
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
