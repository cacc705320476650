//! Runs a process until it ends, or ends it with everything that it started.

use std::{
    io::{self, BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicBool, Ordering},
        Mutex, PoisonError,
    },
    thread,
    time::{Duration, Instant},
};

#[cfg(unix)]
use rustix::process::{kill_process_group, Pid, Signal};

/// How often to check whether the process has ended or must stop.
const TICK: Duration = Duration::from_millis(20);
/// How long a process may take to end when it is asked to. fal-host waits for two seconds in total.
const GRACE: Duration = Duration::from_secs(1);

/// How a process ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// The process ended by itself.
    Code {
        /// The exit code, or 128 plus the number of the signal that killed it.
        code: i32,
        /// The last line of its output.
        last: String,
    },
    /// The process was ended because `stop` was set.
    Cancelled,
}

/// Runs a command until it ends or `stop` is set. Passes each line that it prints to `tell`.
pub fn run(
    mut command: Command,
    stop: &AtomicBool,
    tell: &(dyn Fn(&str) + Sync),
) -> io::Result<Ended> {
    own_group(&mut command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let streams = [
        child.stdout.take().map(boxed),
        child.stderr.take().map(boxed),
    ];
    let last = Mutex::new(String::new());
    let ended = thread::scope(|scope| {
        for stream in streams.into_iter().flatten() {
            let last = &last;
            scope.spawn(move || {
                // Read bytes: output that is not UTF-8 must not stop the reader, or the script
                // would block on its next line.
                for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line);
                    tell(line.trim_end_matches('\r'));
                    *last.lock().unwrap_or_else(PoisonError::into_inner) = line.into_owned();
                }
            });
        }
        let ended = wait(&mut child, stop);
        // Processes that it left behind would hold the streams open.
        end(&mut child);
        ended
    })?;
    let last = last.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(ended.map_or(Ended::Cancelled, |status| Ended::Code {
        code: code(status),
        last,
    }))
}

/// Waits for the process. Returns `None` if it was stopped.
fn wait(child: &mut Child, stop: &AtomicBool) -> io::Result<Option<ExitStatus>> {
    let mut stopped: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(stopped.is_none().then_some(status));
        }
        match stopped {
            // Ask the script to end before killing it, so that it can end its model and clean up.
            None if stop.load(Ordering::SeqCst) => {
                ask(child);
                stopped = Some(Instant::now());
            }
            Some(since) if since.elapsed() > GRACE => end(child),
            _ => {}
        }
        thread::sleep(TICK);
    }
}

fn boxed(stream: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(stream)
}

/// Starts a new process group, so that Ctrl-C in the terminal reaches only fal-host, and the whole
/// group can be ended at once.
#[cfg(unix)]
fn own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(unix)]
fn ask(child: &Child) {
    signal(child, Signal::TERM);
}

#[cfg(unix)]
fn end(child: &mut Child) {
    signal(child, Signal::KILL);
}

#[cfg(unix)]
fn signal(child: &Child, signal: Signal) {
    // Ignore errors: the process may have ended just now.
    let _ = kill_process_group(Pid::from_child(child), signal);
}

#[cfg(unix)]
fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;

    status
        .code()
        .or(status.signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
}

#[cfg(not(unix))]
fn own_group(_command: &mut Command) {}

#[cfg(not(unix))]
fn ask(_child: &Child) {}

#[cfg(not(unix))]
fn end(child: &mut Child) {
    let _ = child.kill();
}

#[cfg(not(unix))]
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}
