//! A process that is watched to its end, or ended with all that it started.

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

/// How often it looks whether the process has ended or is to stop.
const TICK: Duration = Duration::from_millis(20);
/// How long it may take to end when it is asked to: fal-host waits for two seconds in all.
const GRACE: Duration = Duration::from_secs(1);

/// How a process ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Code {
        /// Its exit code; 128 and the number of the signal that killed it.
        code: i32,
        /// The last line that it printed.
        last: String,
    },
    /// By us.
    Cancelled,
}

/// Runs a command until it ends or `stop` is set. Every line that it prints goes to `tell`.
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
                // As bytes: what is no UTF-8 must not end the reading, or the script could print no more.
                for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line);
                    tell(line.trim_end_matches('\r'));
                    *last.lock().unwrap_or_else(PoisonError::into_inner) = line.into_owned();
                }
            });
        }
        let ended = wait(&mut child, stop);
        // What it left behind holds the streams open.
        end(&mut child);
        ended
    })?;
    let last = last.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(ended.map_or(Ended::Cancelled, |status| Ended::Code {
        code: code(status),
        last,
    }))
}

/// `None` if it was stopped.
fn wait(child: &mut Child, stop: &AtomicBool) -> io::Result<Option<ExitStatus>> {
    let mut stopped: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(stopped.is_none().then_some(status));
        }
        match stopped {
            // The script ends its model and cleans up behind it, if it is asked to and not killed.
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

/// Starts a new process group, so that Ctrl-C in the terminal reaches fal-host alone, and all of it can be ended at once.
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
    // It may have ended just now.
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
