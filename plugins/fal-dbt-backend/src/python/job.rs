//! Runs one job from its fork to its end: sends the request, and waits for the output, the answer
//! and the exit.

use std::{
    io::{BufRead, BufReader, Read, Write},
    mem,
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use fal_plugin::{
    payload::{Event, LineOrigin, ScriptRole, Stream, Timing},
    EventSink,
};
use fal_process::{each_line, Tail, LONGEST};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    job_end::JobEnd,
    jobs::{Answer, Connection, Exit, Jobs, Message, Reply, Stop, Ticket},
    zygote::Zygote,
};

/// How long a job may take to connect: its zygote imports libraries first.
const START: Duration = Duration::from_secs(300);
/// How long a job may live on after its answer, or after the end of the connection over which it
/// would answer.
const EXIT: Duration = Duration::from_secs(10);
/// How long to wait for the end of a job that is being killed.
const KILL: Duration = Duration::from_secs(1);
/// How long the streams of a job may stay open after its exit. If they do, another process holds
/// them.
const DRAIN: Duration = Duration::from_secs(1);
/// How long it may take to pass on the output that was written before the exit.
const FLUSH: Duration = Duration::from_secs(10);
/// Lines of standard error in the message about a crash.
const LAST_LINES: usize = 20;
/// The longest answer, in bytes.
const LONGEST_ANSWER: u64 = 16 << 20;

/// The request to a job.
#[derive(Serialize)]
pub(crate) struct Work<'a> {
    pub(crate) kind: Kind,
    pub(crate) unique_id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) path: &'a str,
    pub(crate) code: &'a str,
    pub(crate) lines: Option<&'a [LineOrigin]>,
    pub(crate) project_dir: &'a str,
    pub(crate) cwd: &'a Path,
    pub(crate) location: &'a str,
    pub(crate) token: &'a str,
    pub(crate) vars: &'a Map<String, Value>,
    pub(crate) target: &'a Value,
    pub(crate) keyword: &'a str,
    pub(crate) scripts_dir: Option<&'a str>,
    /// The script's role and arguments, for jobs of kind `attached`.
    #[serde(flatten)]
    pub(crate) attachment: Option<Attachment<'a>>,
    /// The given rows and the session's other data on the test, for unit tests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unit_test: Option<&'a Value>,
    /// How long it may run, in seconds.
    #[serde(skip)]
    pub(crate) timeout: Option<f64>,
    /// Name of the environment in which it runs. It is not part of the request.
    #[serde(skip)]
    pub(crate) environment: Option<&'a str>,
}

/// The role of a script, the model it belongs to and its arguments.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Attachment<'a> {
    pub(crate) role: ScriptRole,
    pub(crate) model: Option<&'a str>,
    pub(crate) arguments: &'a Map<String, Value>,
}

/// How the code is to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// As a script that writes its model.
    Script,
    /// As dbt defines it: `def model(dbt, session)`.
    Native,
    /// As a script or hook that belongs to a model, or to none.
    Attached,
}

#[derive(Serialize)]
struct Request<'a> {
    job: &'a str,
    #[serde(flatten)]
    work: &'a Work<'a>,
}

/// Runs a job to its end. Returns its end and its steps.
pub(crate) fn run(
    work: &Work<'_>,
    zygote: &Zygote,
    socket: &Path,
    jobs: &Arc<Jobs>,
    events: &Arc<dyn EventSink>,
) -> (JobEnd, Vec<Timing>) {
    let ticket = jobs.open(zygote.serial());
    let request = serde_json::to_vec(&Request {
        job: &ticket.job,
        work,
    })
    .unwrap_or_default();
    zygote.fork(&ticket.job, socket, jobs);
    let stderr = Arc::new(Tail::new(LAST_LINES));
    let mut watch = Watch {
        ticket,
        zygote,
        unique_id: work.unique_id,
        whose: if work.kind == Kind::Attached {
            "script"
        } else {
            "model"
        },
        events,
        request,
        stderr,
        streams: Vec::new(),
        ended_streams: 0,
        answer: None,
        exit: None,
        end: None,
        deadline: None,
        timeout: work.timeout,
        timeout_at: None,
    };
    watch.start_clock();
    watch.run()
}

struct Watch<'a> {
    ticket: Ticket,
    zygote: &'a Zygote,
    unique_id: &'a str,
    /// `model` or `script`, for messages.
    whose: &'static str,
    events: &'a Arc<dyn EventSink>,
    request: Vec<u8>,
    stderr: Arc<Tail>,
    streams: Vec<UnixStream>,
    ended_streams: usize,
    /// `Some(None)`: there will be no answer.
    answer: Option<Option<Answer>>,
    exit: Option<Exit>,
    /// An end that no answer changes.
    end: Option<JobEnd>,
    /// None while the user's code runs without a timeout.
    deadline: Option<(Instant, Late)>,
    /// How long it may run, in seconds.
    timeout: Option<f64>,
    timeout_at: Option<Instant>,
}

/// What is late when the deadline passes.
#[derive(Clone, Copy)]
enum Late {
    Start,
    Answer,
    Exit,
    Streams,
    All,
}

impl Watch<'_> {
    fn start_clock(&mut self) {
        let timeout = self
            .timeout
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        self.timeout_at = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let start = Instant::now() + START;
        self.deadline = match self.timeout_at {
            Some(at) if at < start => Some((at, Late::Answer)),
            _ => Some((start, Late::Start)),
        };
    }

    /// The user's code begins.
    fn connected(&mut self) {
        if let Some((_, Late::Start)) = self.deadline {
            self.deadline = self.timeout_at.map(|at| (at, Late::Answer));
        }
    }

    fn run(&mut self) -> (JobEnd, Vec<Timing>) {
        while !self.is_over() {
            let message = match self.deadline {
                None => self.ticket.messages.recv().ok(),
                Some((at, _)) => self
                    .ticket
                    .messages
                    .recv_timeout(at.saturating_duration_since(Instant::now()))
                    .ok(),
            };
            match message {
                Some(message) => self.hear(message),
                None if self.is_hopeless() => break,
                None => {}
            }
        }
        self.sum_up()
    }

    /// Gone, its streams read to their end, and its answer or the lack of it known.
    fn is_over(&self) -> bool {
        self.exit.is_some() && self.answer.is_some() && self.ended_streams == 2
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Forked(Ok(())) => {}
            Message::Forked(Err(error)) | Message::Lost(error) => {
                self.end
                    .get_or_insert_with(|| JobEnd::lost(self.whose, &error));
                self.gone(Exit {
                    code: None,
                    signal: None,
                });
            }
            Message::Connected(Connection::Control, stream) => {
                self.connected();
                self.converse(stream);
            }
            Message::Connected(Connection::Stdout, stream) => self.relay(stream, Stream::Stdout),
            Message::Connected(Connection::Stderr, stream) => self.relay(stream, Stream::Stderr),
            Message::Answer(reply) => self.answered(reply),
            Message::StreamEnded => self.ended_streams += 1,
            Message::Exited(exit) => self.gone(exit),
            Message::Stop(stop) => self.stop(stop),
        }
    }

    fn answered(&mut self, reply: Reply) {
        let answer = match reply {
            Reply::Answer(answer) => Some(answer),
            Reply::Missing => None,
            Reply::Unreadable(cause) => {
                self.end
                    .get_or_insert_with(|| JobEnd::unreadable(self.whose, &cause));
                None
            }
        };
        self.answer.get_or_insert(answer);
        match (&self.end, self.exit) {
            (_, Some(_)) => {}
            // The job may block for ever on writing the rest of its answer.
            (Some(_), None) => self.kill(),
            (None, None) => self.deadline = Some((Instant::now() + EXIT, Late::Exit)),
        }
    }

    fn gone(&mut self, exit: Exit) {
        self.exit.get_or_insert(exit);
        self.deadline = Some((Instant::now() + DRAIN, Late::Streams));
    }

    fn stop(&mut self, stop: Stop) {
        if self.end.is_none() && self.exit.is_none() {
            self.end = Some(JobEnd::Stopped(stop));
            self.kill();
        }
    }

    fn kill(&mut self) {
        self.zygote.kill(&self.ticket.job);
        self.deadline = Some((Instant::now() + KILL, Late::All));
    }

    /// Handles the end of the deadline. Returns whether there is nothing more to wait for.
    fn is_hopeless(&mut self) -> bool {
        match self.deadline.take() {
            Some((_, Late::Answer)) => {
                self.end = Some(JobEnd::timed_out(
                    self.whose,
                    self.timeout.unwrap_or_default(),
                ));
                self.kill();
            }
            Some((_, Late::Start)) => {
                self.end = Some(JobEnd::never_started(self.whose, START));
                // A zygote that does not fork this job starts no other job either.
                self.zygote.end();
                self.kill();
            }
            Some((_, Late::Exit)) => {
                if let Some(None) = self.answer {
                    self.end = Some(JobEnd::silent(self.whose));
                }
                self.kill();
            }
            Some((_, Late::Streams)) => {
                for stream in &self.streams {
                    // What was written before can still be read.
                    let _ = stream.shutdown(Shutdown::Read);
                }
                let patience = if self.streams.is_empty() {
                    Duration::ZERO
                } else {
                    FLUSH
                };
                self.deadline = Some((Instant::now() + patience, Late::All));
            }
            Some((_, Late::All)) => return true,
            None => {}
        }
        false
    }

    /// Sends the request and waits for the answer in another thread.
    fn converse(&mut self, mut stream: UnixStream) {
        self.streams.extend(stream.try_clone());
        let (sender, request) = (self.ticket.sender.clone(), mem::take(&mut self.request));
        thread::spawn(move || {
            let sent = stream.set_write_timeout(Some(START));
            let sent = sent
                .and_then(|()| stream.write_all(&request))
                .and_then(|()| stream.write_all(b"\n"));
            let reply = if sent.is_ok() {
                read_answer(&stream)
            } else {
                Reply::Missing
            };
            // The receiver is gone if the job was given up.
            let _ = sender.send(Message::Answer(reply));
        });
    }

    /// Passes on the job's output in another thread, at the speed at which the event sink takes it.
    fn relay(&mut self, input: UnixStream, stream: Stream) {
        self.streams.extend(input.try_clone());
        let (sender, events, stderr) = (
            self.ticket.sender.clone(),
            Arc::clone(self.events),
            Arc::clone(&self.stderr),
        );
        let unique_id = self.unique_id.to_owned();
        thread::spawn(move || {
            each_line(input, LONGEST, |line| {
                if stream == Stream::Stderr {
                    stderr.push(&line);
                }
                events.emit(Event::Output {
                    unique_id: unique_id.clone(),
                    stream,
                    line,
                });
            });
            let _ = sender.send(Message::StreamEnded);
        });
    }

    fn sum_up(&mut self) -> (JobEnd, Vec<Timing>) {
        let mut answer = self.answer.take().flatten();
        let steps = answer.as_mut().map(|answer| mem::take(&mut answer.timing));
        (self.end_of(answer), steps.unwrap_or_default())
    }

    fn end_of(&mut self, answer: Option<Answer>) -> JobEnd {
        if let Some(end) = self.end.take() {
            return end;
        }
        match (answer, self.exit) {
            (Some(answer), _) => JobEnd::answered(answer),
            (None, Some(exit)) => JobEnd::crashed(self.whose, exit, &self.stderr),
            (None, None) => {
                JobEnd::Crashed(format!("the {}'s process cannot be ended", self.whose))
            }
        }
    }
}

fn read_answer(stream: &UnixStream) -> Reply {
    let mut line = Vec::new();
    let read = BufReader::new(stream.take(LONGEST_ANSWER)).read_until(b'\n', &mut line);
    match serde_json::from_slice(&line) {
        Ok(answer) => Reply::Answer(answer),
        // It ended in the middle.
        Err(_) if read.is_err() || line.is_empty() => Reply::Missing,
        Err(_) if line.len() as u64 == LONGEST_ANSWER => {
            Reply::Unreadable(format!("it is longer than {} MiB", LONGEST_ANSWER >> 20))
        }
        Err(_) if !line.ends_with(b"\n") => Reply::Missing,
        Err(cause) => Reply::Unreadable(cause.to_string()),
    }
}
