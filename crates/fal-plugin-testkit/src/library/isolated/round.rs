//! Runs one child process from its start to its end.

use std::{
    io::{self, BufRead, BufReader, Read},
    net::Shutdown,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::ExitStatusExt},
    },
    process::{Child, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use fal_process::signal_name;

use super::{
    Findings, IsolatedError, Isolation,
    child::{Message, Order, write},
};
use crate::library::LibraryOptions;

/// How long a program may take to start on a busy machine.
const START: Duration = Duration::from_secs(60);

/// How long the child may take to report that a plugin in a separate process did not answer.
const VERDICT: Duration = Duration::from_secs(10);

/// How long a child may take to end the processes that it started.
const PARTING: Duration = Duration::from_secs(1);

/// How a child ended.
pub(super) enum End {
    /// All cases were run.
    Done,
    /// A case exceeded the time limit.
    Hung { case: Option<String> },
    /// The process ended during a case.
    Died { case: Option<String>, how: String },
}

/// A running child.
pub(super) struct Round {
    child: Child,
    messages: Receiver<Message>,
    stdout: Prints,
    stderr: Prints,
    /// The child ends when this end of the channel closes.
    channel: UnixStream,
}

impl Round {
    /// Runs the cases that are not yet done.
    pub(super) fn run(
        options: &LibraryOptions,
        isolation: &Isolation<'_>,
        done: Vec<String>,
        findings: &mut Findings,
    ) -> Result<End, IsolatedError> {
        let timeout = Some(isolation.patience);
        let order = Order {
            options: LibraryOptions {
                timeout,
                ..options.clone()
            },
            done,
        };
        let mut round = Self::start(isolation, &order).map_err(IsolatedError::Start)?;
        let end = round.listen(isolation, findings);
        let status = round.end().map_err(IsolatedError::Start)?;
        Ok(round.heard(end?, status, findings))
    }

    fn start(isolation: &Isolation<'_>, order: &Order) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = (isolation.command)();
        command
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        // Drop the command: it holds a copy of the child's end, which would keep the channel open.
        drop(command);
        let missing = || io::Error::other("a stream of the child is missing");
        let stdout = Prints::listen(child.stdout.take().ok_or_else(missing)?);
        let stderr = Prints::listen(child.stderr.take().ok_or_else(missing)?);
        // Ignore errors: if the child is gone already, its missing messages show it.
        let _ = write(&ours, order);
        Ok(Self {
            child,
            messages: messages(ours.try_clone()?),
            stdout,
            stderr,
            channel: ours,
        })
    }

    fn listen(
        &self,
        isolation: &Isolation<'_>,
        findings: &mut Findings,
    ) -> Result<End, IsolatedError> {
        let mut running = None;
        let mut patience = START.max(isolation.patience);
        loop {
            match self.next(patience, isolation)? {
                Ok(Message::Plan { cases }) => findings.planned(cases),
                Ok(Message::Started { case }) => running = Some(case),
                Ok(Message::Ended { case, outcome }) => {
                    findings.outcomes.insert(case, outcome);
                    running = None;
                }
                Ok(Message::Done { subject }) => {
                    findings.subject = subject;
                    return Ok(End::Done);
                }
                Err(RecvTimeoutError::Timeout) => return Ok(End::Hung { case: running }),
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(End::Died {
                        case: running,
                        how: String::new(),
                    });
                }
            }
            // For a plugin in a separate process, the child itself enforces the time-out. Give it
            // time to report the case.
            patience = isolation.patience
                + if findings.program {
                    VERDICT
                } else {
                    Duration::ZERO
                };
        }
    }

    /// Ends the child. Closing the channel lets it end the plugin's process first. It is killed if
    /// the plugin delays that for too long.
    fn end(&mut self) -> io::Result<ExitStatus> {
        // Ignore errors: the child may be gone already.
        let _ = self.channel.shutdown(Shutdown::Write);
        let until = Instant::now() + PARTING;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.child.kill()?;
        self.child.wait()
    }

    /// Waits for the next message, and checks regularly whether the user interrupted the check.
    fn next(
        &self,
        patience: Duration,
        isolation: &Isolation<'_>,
    ) -> Result<Result<Message, RecvTimeoutError>, IsolatedError> {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self
                .messages
                .recv_timeout(left.min(Duration::from_millis(100)))
            {
                Err(RecvTimeoutError::Timeout) if (isolation.interrupted)() => {
                    return Err(IsolatedError::Interrupted);
                }
                Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
                message => return Ok(message),
            }
        }
    }

    /// Records printed text. If the process died, its standard error describes how it died and does
    /// not count as printed text.
    fn heard(&self, end: End, status: ExitStatus, findings: &mut Findings) -> End {
        let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
        let babble = |text: &str, stream: &'static str| {
            (!text.trim().is_empty()).then(|| (text.to_owned(), stream))
        };
        let mut first = babble(&stdout, "standard output");
        let end = match end {
            End::Died { case, .. } => End::Died {
                case,
                how: how(status, &stderr),
            },
            other => {
                first = first.or_else(|| babble(&stderr, "standard error"));
                other
            }
        };
        findings.printed = findings.printed.take().or(first);
        end
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        // Ignore errors: the check is over.
        let _ = self.end();
    }
}

/// How many bytes of a stream are kept.
const ENOUGH: usize = 4_000;

/// The beginning of a stream. The rest is read and dropped, so that the child never blocks on a
/// full pipe.
struct Prints {
    text: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Prints {
    fn listen(mut stream: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let (sender, ended) = mpsc::channel();
        let kept = Arc::clone(&text);
        thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = ENOUGH.saturating_sub(kept.len()).min(count);
                kept.extend_from_slice(&buffer[..room]);
            }
            let _ = sender.send(());
        });
        Self { text, ended }
    }

    /// Returns the text after the child has ended. Waits at most a second, because a process that
    /// the plugin left behind may keep the stream open.
    fn text(&self) -> String {
        let _ = self.ended.recv_timeout(Duration::from_secs(1));
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text).into_owned()
    }
}

fn messages(channel: UnixStream) -> Receiver<Message> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let lines = BufReader::new(channel).lines().map_while(Result::ok);
        // Skip unreadable lines: the plugin itself wrote them to the channel.
        for message in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
            if sender.send(message).is_err() {
                break;
            }
        }
    });
    receiver
}

fn how(status: ExitStatus, last_words: &str) -> String {
    let how = match (status.signal(), status.code()) {
        (Some(signal), _) => format!("it ended the process by {}", signal_name(signal)),
        (None, code) => format!(
            "it ended the process with exit code {}",
            code.unwrap_or_default()
        ),
    };
    let words: Vec<_> = last_words
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(3)
        .collect();
    if words.is_empty() {
        how
    } else {
        format!("{how}; its last words: {}", words.join(" / "))
    }
}
