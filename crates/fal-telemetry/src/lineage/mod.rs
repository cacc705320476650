//! Run events of OpenLineage, over HTTP, configured by the variables of OpenLineage's own clients. Jobs
//! and datasets have the names that `dbt-ol` gives them.

mod datasets;
mod events;
mod facets;
mod sender;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};

use fal_report::{EventKind, ProjectGraph, Reporter, RunEvent};
use jiff::Timestamp;

use self::{
    datasets::Datasets,
    events::{Events, Parent},
    sender::Sender,
};
use crate::{FLUSH, variables::Variables};

/// Events that may wait to be sent. Of a run that makes them faster than they can be sent, more are
/// lost.
const QUEUE: usize = 4096;
/// How long one event may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What the thread works on.
enum Message {
    Project(Box<Datasets>),
    Event(Box<RunEvent>),
    /// The command is over, with this error if one ended it.
    End(Timestamp, Option<String>),
}

/// The events of one command.
pub(crate) struct Lineage {
    queue: SyncSender<Message>,
    lost: Arc<AtomicUsize>,
    ended: Receiver<Option<String>>,
    place: String,
}

impl Lineage {
    /// Starts the thread that sends, if the environment says where to.
    pub(crate) fn start(variables: &Variables) -> Result<Option<Self>, String> {
        if variables.is_true("OPENLINEAGE_DISABLED") || variables.get("OPENLINEAGE_URL").is_none() {
            return Ok(None);
        }
        let sender = Sender::new(variables, TIMEOUT)?;
        let place = sender.place();
        let namespace = variables.get("OPENLINEAGE_NAMESPACE").unwrap_or("dbt");
        let events = Events::new(
            namespace,
            variables.get("OPENLINEAGE_DBT_JOB_NAME"),
            Parent::from_variables(variables)?,
        );
        let (queue, messages) = mpsc::sync_channel(QUEUE);
        let (end, ended) = mpsc::sync_channel(1);
        thread::Builder::new()
            .name("openlineage".to_owned())
            .spawn(move || {
                // The receiver is gone if the command did not wait for this.
                let _ = end.send(work(&messages, events, sender));
            })
            .map_err(|error| error.to_string())?;
        Ok(Some(Self {
            queue,
            lost: Arc::default(),
            ended,
            place,
        }))
    }

    /// Returns what listens to the run.
    pub(crate) fn reporter(&self) -> Listener {
        Listener {
            queue: self.queue.clone(),
            lost: Arc::clone(&self.lost),
        }
    }

    /// Announces the end of the command.
    pub(crate) fn end(&self, error: Option<&str>) {
        let end = Message::End(Timestamp::now(), error.map(str::to_owned));
        // A full queue has lost events already, and `finish` says so.
        put(&self.queue, &self.lost, end);
    }

    /// Waits until all is sent. Returns a warning if not all was.
    pub(crate) fn finish(self, deadline: Instant) -> Option<String> {
        let left = deadline.saturating_duration_since(Instant::now());
        let problem = match self.ended.recv_timeout(left) {
            Ok(problem) => problem,
            Err(_) => Some(format!(
                "{} did not take all events within {} seconds",
                self.place,
                FLUSH.as_secs()
            )),
        };
        let lost = self.lost.load(Ordering::SeqCst);
        let overflow =
            (lost > 0).then(|| format!("{lost} events came faster than they could be sent"));
        let why = problem.or(overflow)?;
        Some(format!("OpenLineage gets no whole run: {why}"))
    }
}

/// Passes on what the thread needs.
pub(crate) struct Listener {
    queue: SyncSender<Message>,
    lost: Arc<AtomicUsize>,
}

impl Reporter for Listener {
    fn project(&mut self, project: &dyn ProjectGraph) {
        let datasets = Datasets::new(project);
        put(
            &self.queue,
            &self.lost,
            Message::Project(Box::new(datasets)),
        );
    }

    fn event(&mut self, event: &RunEvent) {
        let matters = matches!(
            event.kind,
            EventKind::RunStarted { .. }
                | EventKind::NodeStarted { .. }
                | EventKind::NodeFinished { .. }
                | EventKind::Interrupted { .. }
                | EventKind::RunFinished { .. }
        );
        if matters {
            let event = Message::Event(Box::new(event.clone()));
            put(&self.queue, &self.lost, event);
        }
    }
}

/// Puts a message into the queue without waiting.
fn put(queue: &SyncSender<Message>, lost: &AtomicUsize, message: Message) {
    if queue.try_send(message).is_err() {
        lost.fetch_add(1, Ordering::SeqCst);
    }
}

/// Makes and sends events until the command ends. Returns why some were not sent.
fn work(messages: &Receiver<Message>, mut events: Events, mut sender: Sender) -> Option<String> {
    for message in messages {
        match message {
            Message::Project(datasets) => events.project(*datasets),
            Message::Event(event) => {
                if let Some(event) = events.of(&event) {
                    sender.send(&event);
                }
            }
            Message::End(at, error) => {
                if let Some(event) = events.end(at, error.as_deref()) {
                    sender.send(&event);
                }
                break;
            }
        }
    }
    sender.problem()
}

#[cfg(test)]
mod tests;
