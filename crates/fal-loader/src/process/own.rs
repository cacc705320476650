//! A running plugin process: the calls that wait for answers, and the end of the process.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    process::ChildStdin,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvError, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use fal_plugin::{PluginError, process::write_frame, wire::EventRouter};
use fal_process::{Group, Tail, ending};
use parking_lot::Mutex;

use super::{
    call::{CallError, Target, message},
    fault::{Fault, ProcessError, Shared},
};
use crate::{
    timeouts::Timeouts,
    watch::{Hang, Overdue, Watch},
};

/// How long a process may take to exit once its standard input is closed.
const GRACE: Duration = Duration::from_secs(2);
/// How long to wait for the last lines of standard error of a process that exited.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// The content of an answer: `ok` or `error`.
pub(super) type Answer = Result<Vec<u8>, Vec<u8>>;

type Reply = Result<Answer, Shared>;

/// The calls that wait for an answer.
#[derive(Default)]
struct Waiting {
    calls: HashMap<u64, SyncSender<Reply>>,
    /// Once set, no further call is answered.
    fault: Option<Shared>,
}

/// The state that the threads around a process share.
pub(super) struct Inner {
    file_name: Arc<str>,
    name: OnceLock<Arc<str>>,
    group: Group,
    stdin: Mutex<Option<ChildStdin>>,
    tail: Arc<Tail>,
    next: AtomicU64,
    waiting: Mutex<Waiting>,
    routers: Mutex<BTreeMap<u64, Arc<EventRouter>>>,
    /// The host is ending the process. From now on nothing that the process does is a fault.
    ending: AtomicBool,
    /// A fault was found. Later faults are its consequences and do not count.
    failed: AtomicBool,
    timeouts: Timeouts,
}

/// A plugin's process. It ends when its last user is dropped.
pub(crate) struct Process(Arc<Inner>);

/// All running plugin processes, so that a command that exits at once can end them too.
static RUNNING: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

/// Kills all plugin processes and their descendants, for a command that exits at once.
pub fn end_all() {
    let running: Vec<_> = RUNNING.lock().iter().filter_map(Weak::upgrade).collect();
    running.iter().for_each(|process| process.group.kill());
}

impl Inner {
    pub(super) fn new(
        file_name: &str,
        group: Group,
        tail: Arc<Tail>,
        timeouts: Timeouts,
    ) -> Arc<Self> {
        let inner = Arc::new(Self {
            file_name: file_name.into(),
            name: OnceLock::new(),
            stdin: Mutex::new(group.stdin()),
            group,
            tail,
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
            routers: Mutex::default(),
            ending: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            timeouts,
        });
        let mut running = RUNNING.lock();
        running.retain(|other| other.strong_count() > 0);
        running.push(Arc::downgrade(&inner));
        inner
    }

    /// The plugin's name, or its file's until the name is known.
    pub(super) fn name(&self) -> &Arc<str> {
        self.name.get().unwrap_or(&self.file_name)
    }

    pub(super) fn set_name(&self, name: &str) {
        // Ignore the result: only `start` sets the name, once.
        let _ = self.name.set(name.into());
    }

    /// Sends an answer to the call that waits for it. Returns false if no call does.
    pub(super) fn answer(&self, id: u64, answer: Answer) -> bool {
        let caller = self.waiting.lock().calls.remove(&id);
        // The receiver exists: a caller waits until it has its answer.
        caller.map(|caller| _ = caller.send(Ok(answer))).is_some()
    }

    pub(super) fn event(&self, stage: u64, event: &[u8]) {
        let router = self.routers.lock().get(&stage).cloned();
        if let Some(router) = router {
            router.route(event);
        }
    }

    /// Records that the process can no longer be used: kills it and fails all waiting calls. The
    /// first fault counts.
    pub(super) fn fail(&self, fault: Fault, patience: Duration) {
        if self.failed.swap(true, Ordering::SeqCst) {
            return;
        }
        self.group.kill();
        self.tail.wait_end(Instant::now() + patience);
        let last_words = self.tail.lines();
        let error = Arc::new(ProcessError {
            plugin: self.name().to_string(),
            fault,
            last_words,
        });
        let mut waiting = self.waiting.lock();
        waiting.fault = Some(Arc::clone(&error));
        waiting
            .calls
            .drain()
            .for_each(|(_, caller)| _ = caller.send(Err(Arc::clone(&error))));
    }

    /// Handles the end of the stream of frames, which is the exit of the process or `why`.
    pub(super) fn stream_ended(&self, why: Option<Fault>) {
        if self.ending.load(Ordering::SeqCst) {
            return self.fail(ended_by_host(), Duration::ZERO);
        }
        if let Some(fault) = why {
            return self.fail(fault, LAST_WORDS);
        }
        let fault = match self.group.end(LAST_WORDS) {
            Some((true, Ok(status))) => Fault::Ended {
                how: ending(status),
            },
            Some((true, Err(error))) => Fault::Ended {
                how: error.to_string(),
            },
            Some((false, _)) => Fault::ClosedOutput,
            // The host began to end the process a moment ago.
            None => ended_by_host(),
        };
        self.fail(fault, LAST_WORDS);
    }

    /// Ends the process in order: closes its standard input, and gives it a moment to exit by
    /// itself.
    fn end(&self, patience: Duration) -> bool {
        self.ending.store(true, Ordering::SeqCst);
        // A blocked writer holds the stream. An orderly end is impossible then.
        let closed = self
            .stdin
            .try_lock()
            .map(|mut stdin| *stdin = None)
            .is_some();
        let patience = if closed { patience } else { Duration::ZERO };
        self.group
            .end(patience)
            .is_none_or(|(by_itself, _)| by_itself)
    }

    /// Calls a method and waits for the answer.
    pub(super) fn call(
        self: &Arc<Self>,
        to: &Target<'_>,
        method: &str,
        request: &[u8],
        attachment: &[u8],
    ) -> Result<Answer, CallError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let message = message(self.name(), id, to, method, request, attachment.len())?;
        let (sender, receiver) = sync_channel(1);
        {
            let mut waiting = self.waiting.lock();
            if let Some(fault) = &waiting.fault {
                return Err(CallError::Process(Arc::clone(fault)));
            }
            waiting.calls.insert(id, sender);
        }
        let watch = Watch::start(
            self.timeouts.of(method),
            self.name(),
            method,
            Arc::downgrade(self),
        );
        let sent = self.send(&message, attachment);
        let reply = if sent.is_ok() {
            receiver.recv()
        } else {
            self.not_heard(&receiver)
        };
        drop(watch);
        match reply {
            Ok(reply) => reply.map_err(CallError::Process),
            Err(_) => Err(CallError::Refused(PluginError::new(
                "plugin::ended",
                format!("no answer: {sent:?}"),
            ))),
        }
    }

    /// Handles a failed write. As a rule the process has exited, and the reader reports how. If it
    /// still runs, it can no longer be used.
    fn not_heard(&self, receiver: &Receiver<Reply>) -> Result<Reply, RecvError> {
        match receiver.recv_timeout(GRACE) {
            Ok(reply) => Ok(reply),
            Err(RecvTimeoutError::Disconnected) => Err(RecvError),
            Err(RecvTimeoutError::Timeout) => {
                self.fail(Fault::ClosedInput, LAST_WORDS);
                receiver.recv()
            }
        }
    }

    fn send(&self, message: &[u8], attachment: &[u8]) -> io::Result<()> {
        let mut stdin = self.stdin.lock();
        let stdin = stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        write_frame(stdin, message, attachment)
    }
}

/// Returns the error of calls that end because the host ends the process.
fn ended_by_host() -> Fault {
    Fault::Ended {
        how: "fal-host ended it".to_owned(),
    }
}

impl Overdue for Inner {
    fn overdue(&self, hang: &Hang) {
        self.fail(
            Fault::TimedOut {
                method: hang.method.clone(),
                after: hang.after,
            },
            Duration::ZERO,
        );
    }
}

impl Process {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self(inner)
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    pub(super) fn route(&self, stage: u64, router: &Arc<EventRouter>) {
        self.0.routers.lock().insert(stage, Arc::clone(router));
    }

    /// Returns the fault of the process, if it can no longer be used.
    pub(crate) fn fault(&self) -> Option<ProcessError> {
        self.0.waiting.lock().fault.as_deref().cloned()
    }

    /// Returns the process id.
    pub(crate) fn id(&self) -> u32 {
        self.0.group.pid().as_raw_nonzero().get().unsigned_abs()
    }

    /// Kills a process that never became usable.
    pub(super) fn end_at_once(&self) {
        self.0.end(Duration::ZERO);
    }

    /// Ends the process. Returns whether it exited by itself in time.
    pub(crate) fn end(&self) -> bool {
        self.0.end(GRACE)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.end(GRACE);
    }
}

#[cfg(all(test, unix))]
mod tests;
