//! Serves a library as a plugin in a separate process: the plugin's side of the protocol.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Write},
    os::fd::AsFd,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use fal_plugin::{
    PluginError,
    process::{FrameReader, MAX_MESSAGE, Message, write_frame},
    wire::{Transport, WireError},
};
use parking_lot::{Condvar, Mutex, RwLock};
use serde_json::value::RawValue;

use crate::{
    error::LoadError,
    library::{Emit, LoadedLibrary},
    timeouts::Timeouts,
};

type Loaded = Result<LoadedLibrary, LoadError>;
type Answer = Result<Vec<u8>, Vec<u8>>;

/// The state that the threads of the server share.
struct Server<I, O> {
    path: Box<Path>,
    input: Mutex<FrameReader<I>>,
    /// Number of threads that wait for a frame or read one.
    idle: AtomicUsize,
    output: Arc<Mutex<O>>,
    library: Mutex<Option<Arc<Loaded>>>,
    stages: RwLock<HashMap<u64, Arc<dyn Transport>>>,
    ended: (Mutex<bool>, Condvar),
}

/// Serves the library at `path` until `input` ends. Calls that still run then end with the process.
/// // The thread that reads a call also answers it, while another thread waits for the next call.
/// So no call waits for another.
fn serve<I: Read + Send + 'static, O: Write + Send + 'static>(path: &Path, input: I, output: O) {
    let server = Arc::new(Server {
        path: path.into(),
        input: Mutex::new(FrameReader::new(input)),
        idle: AtomicUsize::new(0),
        output: Arc::new(Mutex::new(output)),
        library: Mutex::default(),
        stages: RwLock::default(),
        ended: (Mutex::new(false), Condvar::new()),
    });
    server.start_thread();
    let mut ended = server.ended.0.lock();
    server.ended.1.wait_while(&mut ended, |ended| !*ended);
}

/// Serves the library at `path` over standard input and output. It takes both streams for the
/// protocol; what the library prints goes to standard error.
///
/// # Errors
/// If the streams cannot be had.
#[expect(
    clippy::disallowed_methods,
    reason = "a device by its fixed name; the streams are handed on, not printed to"
)]
pub fn serve_library(path: &Path) -> io::Result<()> {
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    serve(path, input, output);
    Ok(())
}

/// The parts of a message that are needed after its frame is dropped.
struct Task {
    id: u64,
    method: String,
    stage_number: Option<u64>,
    stage_name: Option<String>,
    number: Option<u64>,
    body: Vec<u8>,
    attachment: Vec<u8>,
}

impl Task {
    fn of(message: &Message<'_>, attachment: &[u8]) -> Option<Self> {
        let body = message.body.map_or("null", RawValue::get);
        Some(Self {
            id: message.id?,
            method: message.method.as_deref()?.to_owned(),
            stage_number: message.stage_number(),
            stage_name: message.stage_name(),
            number: message.number,
            body: body.as_bytes().to_vec(),
            attachment: attachment.to_vec(),
        })
    }
}

impl<I: Read + Send + 'static, O: Write + Send + 'static> Server<I, O> {
    fn start_thread(self: &Arc<Self>) {
        self.idle.fetch_add(1, Ordering::SeqCst);
        let server = Arc::clone(self);
        thread::spawn(move || server.work());
    }

    fn work(self: &Arc<Self>) {
        loop {
            let Some(task) = self.next_task() else {
                *self.ended.0.lock() = true;
                self.ended.1.notify_all();
                return;
            };
            // This was the last waiting thread. Start another before working, since calls may take
            // long.
            if self.idle.fetch_sub(1, Ordering::SeqCst) == 1 {
                self.start_thread();
            }
            let answer = self.perform(&task);
            self.answer(&task, answer);
            self.idle.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn next_task(&self) -> Option<Task> {
        let mut input = self.input.lock();
        loop {
            // The other side is not a host if it sends no frames, so there is no one to report the
            // error to.
            let (message, attachment) = input.next_message().ok().flatten()?;
            if let Some(task) = Task::of(&message, attachment) {
                return Some(task);
            }
        }
    }

    fn perform(&self, task: &Task) -> Answer {
        match (task.stage_number, task.method.as_str()) {
            (Some(stage), method) => {
                let found = self.stages.read().get(&stage).cloned();
                let missing = || {
                    refusal(
                        "plugin::bad_request",
                        format!("there is no open stage {stage}"),
                    )
                };
                found
                    .ok_or_else(missing)?
                    .call(method, &task.body, &task.attachment)
            }
            (None, "hello") => self.hello(),
            (None, "open") => self.open(task),
            (None, method) => Err(serde_json::to_vec(&WireError::UnknownMethod {
                method: method.to_owned(),
            })
            .unwrap_or_default()),
        }
    }

    fn library(&self) -> Arc<Loaded> {
        let mut library = self.library.lock();
        let load = || Arc::new(LoadedLibrary::load(&self.path, UNLIMITED));
        Arc::clone(library.get_or_insert_with(load))
    }

    fn hello(&self) -> Answer {
        match &*self.library() {
            Ok(library) => Ok(serde_json::to_vec(&library.manifest).unwrap_or_default()),
            Err(error) => {
                let mut refused = PluginError::new("plugin::load", error.to_string());
                refused.help = error.help();
                Err(serde_json::to_vec(&WireError::Plugin { error: refused }).unwrap_or_default())
            }
        }
    }

    fn open(&self, task: &Task) -> Answer {
        let bad = |what: &str| refusal("plugin::bad_request", what.to_owned());
        let number = task
            .number
            .ok_or_else(|| bad("`open` has no number `as`"))?;
        let stage = task
            .stage_name
            .as_deref()
            .ok_or_else(|| bad("`open` names no stage"))?;
        let config =
            std::str::from_utf8(&task.body).map_err(|_| bad("the configuration is not UTF-8"))?;
        let library = self.library();
        let library = library
            .as_ref()
            .as_ref()
            .map_err(|error| refusal("plugin::load", error.to_string()))?;
        let output = Arc::clone(&self.output);
        let emit: Emit = Arc::new(move |event| {
            // Drop an event that is not JSON: it would break the frame, and a lost event must not
            // end a run.
            let Ok(event) = serde_json::from_slice::<&RawValue>(event) else {
                return;
            };
            write(
                &output,
                format!("{{\"event\":{event},\"stage\":{number}}}").as_bytes(),
            );
        });
        let transport = library.open_raw(stage, config, emit, UNLIMITED)?;
        self.stages.write().insert(number, transport);
        Ok(b"null".to_vec())
    }

    /// The error that replaces an answer too long for a frame.
    fn too_large(&self, task: &Task, size: usize) -> Vec<u8> {
        let library = self.library();
        let name = library
            .as_ref()
            .as_ref()
            .map_or("", |library| library.manifest.name.as_str());
        let text = format!(
            "the plugin `{name}` answered `{}` with {size} bytes; a frame takes no more than {MAX_MESSAGE}",
            task.method
        );
        let refusal = refusal("plugin::too_large", text);
        [
            format!("{{\"id\":{},\"error\":", task.id).as_bytes(),
            &refusal,
            b"}",
        ]
        .concat()
    }

    fn answer(&self, task: &Task, answer: Answer) {
        let id = task.id;
        let (key, bytes) = match answer {
            Ok(bytes) => ("ok", bytes),
            Err(bytes) => ("error", bytes),
        };
        let mut message = format!("{{\"id\":{id},\"{key}\":").into_bytes();
        match serde_json::from_slice::<&RawValue>(&bytes) {
            Ok(value) => message.extend_from_slice(value.get().as_bytes()),
            // Send invalid JSON as a string. The host fails to deserialize it and reports the
            // error.
            Err(_) => {
                message = format!("{{\"id\":{id},\"error\":").into_bytes();
                message.extend_from_slice(
                    serde_json::Value::from(String::from_utf8_lossy(&bytes))
                        .to_string()
                        .as_bytes(),
                );
            }
        }
        message.push(b'}');
        if message.len() > MAX_MESSAGE {
            message = self.too_large(task, message.len());
        }
        write(&self.output, &message);
    }
}

/// Calls have no time limit here: the host limits them.
const UNLIMITED: Timeouts = Timeouts {
    call: None,
    session: None,
};

fn refusal(code: &str, message: String) -> Vec<u8> {
    let error = PluginError::new(code, message);
    serde_json::to_vec(&WireError::Plugin { error }).unwrap_or_default()
}

/// Writes a frame. Ignores errors: then the host is gone.
fn write<O: Write>(output: &Mutex<O>, message: &[u8]) {
    let _ = write_frame(&mut *output.lock(), message, b"");
}
