//! Messages to and from one process: requests and their answers by number, and events.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
        Arc,
    },
    thread,
    time::{Duration, Instant},
};

use fal_plugin::PluginError;
use parking_lot::Mutex;
use serde::{de::DeserializeOwned, Deserialize, Serialize};

use crate::error::{AskError, StartError, PROTOCOL};

/// How long an answer may take if neither dbt nor the warehouse has work to do for it.
const ANSWER: Duration = Duration::from_secs(300);
/// How long the other side may go without reading any byte of a message.
const SEND: Duration = Duration::from_secs(60);
/// The longest message, in bytes.
const LONGEST: u64 = 1 << 30;

/// Handles incoming messages that are not answers. The channel's thread calls it, so it must not
/// wait for an answer.
pub(crate) trait Listener: Send + 'static {
    /// An event, as its line of JSON.
    fn event(&mut self, line: &[u8]);
    /// Handles a line that is not a message.
    fn malformed(&mut self, line: &str);
    /// Handles the end of the channel. Returns the error for all pending and later requests.
    fn ended(&mut self) -> PluginError;
}

/// An answer, not yet read.
#[derive(Debug)]
pub(crate) struct Reply(Vec<u8>);

impl Reply {
    /// Deserializes the answer. Unknown fields are ignored, so one answer can be read as two types.
    pub(crate) fn read<R: DeserializeOwned>(&self) -> Result<R, AskError> {
        let broken = |cause: &dyn std::fmt::Display| {
            let text = String::from_utf8_lossy(&self.0[..self.0.len().min(200)]);
            AskError::Answered(PluginError::new(
                PROTOCOL,
                format!("unreadable answer ({cause}): {text}"),
            ))
        };
        let answer: Answer<R> = serde_json::from_slice(&self.0).map_err(|cause| broken(&cause))?;
        match answer {
            Answer {
                error: Some(error), ..
            } => Err(AskError::Answered(error)),
            Answer { ok: Some(ok), .. } => Ok(ok),
            Answer { .. } => Err(broken(&"neither `ok` nor `error`")),
        }
    }
}

type Outcome = Result<Reply, PluginError>;
type Taker = Box<dyn FnOnce(Outcome) + Send>;

/// The supervisor's end of a channel. Any thread may send requests.
pub(crate) struct Channel {
    stream: UnixStream,
    writer: Mutex<UnixStream>,
    state: Mutex<State>,
    next_id: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: HashMap<u64, Waiting>,
    ended: Option<PluginError>,
}

struct Waiting {
    op: &'static str,
    taker: Taker,
}

/// A request under way.
pub(crate) struct Pending {
    op: &'static str,
    outcome: Receiver<Outcome>,
}

impl Pending {
    /// Waits for the answer.
    pub(crate) fn wait<R: DeserializeOwned>(self) -> Result<R, AskError> {
        self.reply()?.read()
    }

    /// Waits for the answer without deserializing it. A request that does the user's work may take
    /// any time; others time out.
    pub(crate) fn reply(self) -> Result<Reply, AskError> {
        let dropped = || PluginError::new(PROTOCOL, "the request was dropped");
        let late = || {
            PluginError::new(
                PROTOCOL,
                format!("no answer to `{}` within {} s", self.op, ANSWER.as_secs()),
            )
        };
        let outcome = if is_users_work(self.op) {
            self.outcome.recv().unwrap_or_else(|_| Err(dropped()))
        } else {
            self.outcome
                .recv_timeout(ANSWER)
                .unwrap_or_else(|error| match error {
                    RecvTimeoutError::Timeout => Err(late()),
                    RecvTimeoutError::Disconnected => Err(dropped()),
                })
        };
        outcome.map_err(AskError::Lost)
    }

    /// Waits for the answer until `deadline`; returns `None` if there is none by then.
    pub(crate) fn wait_until<R: DeserializeOwned>(
        self,
        deadline: Instant,
    ) -> Option<Result<R, AskError>> {
        let outcome = self
            .outcome
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            .ok()?;
        Some(
            outcome
                .map_err(AskError::Lost)
                .and_then(|reply| reply.read()),
        )
    }
}

/// Whether a request makes dbt read the project, run queries or run hooks.
fn is_users_work(op: &str) -> bool {
    !matches!(
        op,
        "select" | "record" | "job_open" | "job_lend" | "gateway_listen"
    )
}

impl Channel {
    /// Creates a channel over the supervisor's end of the socket pair. It reads nothing before
    /// [`listen`](Self::listen).
    pub(crate) fn new(stream: UnixStream) -> Result<Arc<Self>, StartError> {
        let writer = stream.try_clone().map_err(StartError::system("a socket"))?;
        writer
            .set_write_timeout(Some(SEND))
            .map_err(StartError::system("a socket"))?;
        let (state, next_id) = (Mutex::default(), AtomicU64::new(1));
        Ok(Arc::new(Self {
            stream,
            writer: Mutex::new(writer),
            state,
            next_id,
        }))
    }

    /// Starts the thread that reads.
    pub(crate) fn listen(self: &Arc<Self>, mut listener: impl Listener) -> Result<(), StartError> {
        let reader = self
            .stream
            .try_clone()
            .map_err(StartError::system("a socket"))?;
        let channel = Arc::clone(self);
        thread::spawn(move || {
            channel.read_all(reader, &mut listener);
            let error = listener.ended();
            channel.end(&error);
        });
        Ok(())
    }

    fn read_all(&self, reader: UnixStream, listener: &mut impl Listener) {
        let mut reader = BufReader::with_capacity(64 * 1024, reader);
        loop {
            let mut line = Vec::new();
            match reader.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
                Ok(0) => return,
                // Stop reading: the rest of the overlong line would be taken for messages.
                Ok(read) if read as u64 == LONGEST && !line.ends_with(b"\n") => {
                    return listener
                        .malformed(&format!("a message of more than {} MiB", LONGEST >> 20));
                }
                Ok(_) if line.trim_ascii().is_empty() => {}
                Ok(_) => self.dispatch(line, listener),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    fn dispatch(&self, line: Vec<u8>, listener: &mut impl Listener) {
        let head =
            serde_json::from_slice::<Head>(&line).or_else(|error| match answered_id(&line) {
                Some(id) => Ok(Head { id: Some(id) }),
                None => Err(error),
            });
        match head {
            Ok(Head { id: Some(id) }) => {
                let waiting = self.state.lock().waiting.remove(&id);
                // If there is no taker, the request was given up.
                if let Some(waiting) = waiting {
                    (waiting.taker)(Ok(Reply(line)));
                }
            }
            Ok(Head { id: None }) => listener.event(&line),
            Err(_) => listener.malformed(String::from_utf8_lossy(&line).trim_end()),
        }
    }

    /// Sends a request.
    pub(crate) fn send(&self, op: &'static str, body: &impl Serialize) -> Pending {
        let (sender, receiver) = mpsc::channel();
        // The receiver is gone if the request was given up.
        self.send_then(op, body, move |outcome| drop(sender.send(outcome)));
        Pending {
            op,
            outcome: receiver,
        }
    }

    /// Sends a request. `taker` gets the answer in the channel's thread, or in this thread if the
    /// other side is gone.
    pub(crate) fn send_then(
        &self,
        op: &'static str,
        body: &impl Serialize,
        taker: impl FnOnce(Outcome) + Send + 'static,
    ) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut message = match serde_json::to_vec(&Request { id, op, body }) {
            Ok(message) => message,
            Err(cause) => {
                return taker(Err(PluginError::new(
                    PROTOCOL,
                    format!("cannot send `{op}`: {cause}"),
                )))
            }
        };
        message.push(b'\n');
        if let Err(error) = self.expect(
            id,
            Waiting {
                op,
                taker: Box::new(taker),
            },
        ) {
            return (error.1.taker)(Err(error.0));
        }
        let mut writer = self.writer.lock();
        if writer.write_all(&message).is_err() {
            // The reader sees the end too, and answers all pending requests.
            let _ = self.stream.shutdown(Shutdown::Both);
        }
    }

    fn expect(&self, id: u64, waiting: Waiting) -> Result<(), Box<(PluginError, Waiting)>> {
        let mut state = self.state.lock();
        if let Some(error) = state.ended.clone() {
            return Err(Box::new((error, waiting)));
        }
        state.waiting.insert(id, waiting);
        Ok(())
    }

    /// Closes the writing direction: the other side sees that there will be no more requests.
    pub(crate) fn hang_up(&self) {
        // It may be gone already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Answers the pending requests for which `which` is true with `error`.
    pub(crate) fn give_up(&self, which: impl Fn(&str) -> bool, error: &PluginError) {
        let given_up: Vec<_> = self
            .state
            .lock()
            .waiting
            .extract_if(|_, waiting| which(waiting.op))
            .collect();
        for (_, waiting) in given_up {
            (waiting.taker)(Err(error.clone()));
        }
    }

    fn end(&self, error: &PluginError) {
        self.state.lock().ended = Some(error.clone());
        self.give_up(|_| true, error);
    }
}

#[derive(Serialize)]
struct Request<'a, B> {
    id: u64,
    op: &'static str,
    #[serde(flatten)]
    body: &'a B,
}

/// Returns the id of a line that begins as an answer but is not JSON, so that the pending request
/// can fail with an error.
fn answered_id(line: &[u8]) -> Option<u64> {
    let rest = line
        .trim_ascii_start()
        .strip_prefix(b"{")?
        .trim_ascii_start()
        .strip_prefix(b"\"id\"")?;
    let rest = rest
        .trim_ascii_start()
        .strip_prefix(b":")?
        .trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

#[derive(Deserialize)]
struct Head {
    id: Option<u64>,
}

#[derive(Deserialize)]
#[serde(bound = "R: DeserializeOwned")]
struct Answer<R> {
    ok: Option<R>,
    error: Option<PluginError>,
}

#[cfg(test)]
mod tests {
    use serde_json::{json, Value};

    use super::*;

    struct Recorder(mpsc::Sender<String>);

    impl Listener for Recorder {
        fn event(&mut self, line: &[u8]) {
            let _ = self.0.send(format!(
                "event {}",
                String::from_utf8_lossy(line).trim_end()
            ));
        }
        fn malformed(&mut self, line: &str) {
            let _ = self.0.send(format!("malformed {line}"));
        }
        fn ended(&mut self) -> PluginError {
            PluginError::new("test::ended", "gone")
        }
    }

    fn channel() -> (
        Arc<Channel>,
        BufReader<UnixStream>,
        UnixStream,
        Receiver<String>,
    ) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let channel = Channel::new(ours).unwrap();
        let (sender, events) = mpsc::channel();
        channel.listen(Recorder(sender)).unwrap();
        (
            channel,
            BufReader::new(theirs.try_clone().unwrap()),
            theirs,
            events,
        )
    }

    fn next(reader: &mut impl BufRead) -> Value {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn answers_reach_who_asked_in_any_order() {
        let (channel, mut reader, mut peer, _events) = channel();
        let (one, two) = (
            channel.send("run", &json!({"a": 1})),
            channel.send("run", &json!({"a": 2})),
        );
        let ids = [
            next(&mut reader)["id"].clone(),
            next(&mut reader)["id"].clone(),
        ];
        writeln!(peer, "{}", json!({"id": ids[1], "ok": "second"})).unwrap();
        writeln!(
            peer,
            "{}",
            json!({"id": ids[0], "error": {"code": "x::y", "message": "no"}})
        )
        .unwrap();
        assert_eq!(two.wait::<String>().unwrap(), "second");
        assert!(
            matches!(one.wait::<String>(), Err(AskError::Answered(error)) if error.code == "x::y")
        );
    }

    #[test]
    fn events_and_malformed_lines_go_to_the_listener() {
        let (_channel, _reader, mut peer, events) = channel();
        peer.write_all(b"{\"event\": \"log\"}\n\nhello\n").unwrap();
        assert_eq!(events.recv().unwrap(), "event {\"event\": \"log\"}");
        assert_eq!(events.recv().unwrap(), "malformed hello");
    }

    #[test]
    fn the_end_answers_all_who_wait_and_all_who_come_later() {
        let (channel, reader, peer, _events) = channel();
        let waiting = channel.send("run", &json!({}));
        drop((reader, peer));
        assert!(
            matches!(waiting.wait::<Value>(), Err(AskError::Lost(error)) if error.code == "test::ended")
        );
        let later = channel.send("run", &json!({}));
        assert!(
            matches!(later.wait::<Value>(), Err(AskError::Lost(error)) if error.code == "test::ended")
        );
    }

    #[test]
    fn a_broken_answer_reaches_who_asked() {
        let (channel, mut reader, mut peer, _events) = channel();
        for answer in [
            "{\"id\": ID, \"ok\": NaN}",
            "{\"id\":ID,\"ok\":{\"a\": \"cut o",
            "{\"id\": ID",
        ] {
            let asked = channel.send("run", &json!({}));
            let id = next(&mut reader)["id"].to_string();
            writeln!(peer, "{}", answer.replace("ID", &id)).unwrap();
            assert!(
                matches!(asked.wait::<Value>(), Err(AskError::Answered(error)) if error.code == PROTOCOL),
                "{answer}"
            );
        }
    }

    #[test]
    fn some_requests_can_be_given_up() {
        let (channel, mut reader, mut peer, _events) = channel();
        let (run, finish) = (
            channel.send("run", &json!({})),
            channel.send("finish", &json!({})),
        );
        channel.give_up(
            |op| op != "finish",
            &PluginError::new("dbt::interrupted", "interrupted"),
        );
        assert!(
            matches!(run.wait::<Value>(), Err(AskError::Lost(error)) if error.code == "dbt::interrupted")
        );
        let _ = next(&mut reader);
        writeln!(
            peer,
            "{}",
            json!({"id": next(&mut reader)["id"], "ok": true})
        )
        .unwrap();
        assert!(finish.wait::<bool>().unwrap());
    }

    #[test]
    fn an_answer_without_content_is_an_error() {
        let reply = Reply(b"{\"id\": 1}".to_vec());
        assert!(
            matches!(reply.read::<Value>(), Err(AskError::Answered(error)) if error.code == PROTOCOL)
        );
    }
}
