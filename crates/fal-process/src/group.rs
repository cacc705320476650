//! A child process and its process group.

use std::{
    io::{self, Read},
    os::unix::process::CommandExt,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, setsid, waitid},
};

/// Makes the command the leader of a new process group: Ctrl-C in the terminal does not reach it.
pub fn own_group(command: &mut Command) -> &mut Command {
    command.process_group(0)
}

/// Makes the command the leader of a new session: signals of the terminal do not reach it, and it cannot ask for a password
/// there.
pub fn own_session(command: &mut Command) -> &mut Command {
    #[expect(
        unsafe_code,
        reason = "setsid is one system call, allowed between fork and exec; the standard library has no call for it"
    )]
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(|| setsid().map(drop).map_err(io::Error::from))
    }
}

/// A child that leads a process group. Threads can signal it while another one waits for it.
#[derive(Debug)]
pub struct Group {
    pid: Pid,
    /// Taken by the one thread that waits.
    waiting: Mutex<Option<()>>,
    /// `None` once the child has been reaped: its number may belong to another process from then on.
    child: Mutex<Option<Child>>,
}

impl Group {
    /// Starts a command that [`own_group`] or [`own_session`] prepared.
    ///
    /// # Errors
    /// If the system cannot start it.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = spawn(command)?;
        Ok(Self {
            pid: Pid::from_child(&child),
            waiting: Mutex::new(Some(())),
            child: Mutex::new(Some(child)),
        })
    }

    /// The number of the leader and of the group.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Takes our end of the child's standard input.
    pub fn stdin(&self) -> Option<ChildStdin> {
        self.child.lock().as_mut()?.stdin.take()
    }

    /// Takes our end of the child's standard output.
    pub fn stdout(&self) -> Option<ChildStdout> {
        self.child.lock().as_mut()?.stdout.take()
    }

    /// Takes our end of the child's standard error.
    pub fn stderr(&self) -> Option<ChildStderr> {
        self.child.lock().as_mut()?.stderr.take()
    }

    /// Signals the whole group, unless the leader was reaped.
    pub fn signal(&self, signal: Signal) {
        // The lock keeps the leader from being reaped meanwhile: its number cannot pass to a group that is not ours.
        if self.child.lock().is_some() {
            // A group that is already gone is what was wanted.
            let _ = kill_process_group(self.pid, signal);
        }
    }

    /// Kills the whole group, unless the leader was reaped.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Waits until the leader has ended, kills the rest of the group, and reaps the leader. Calls `ended` before that, while
    /// the group's number is still taken. Returns `None` if another thread waits or has waited.
    pub fn wait(&self, ended: impl FnOnce()) -> Option<io::Result<ExitStatus>> {
        self.waiting.lock().take()?;
        while let Err(Errno::INTR) = waitid(
            WaitId::Pid(self.pid),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        ) {}
        self.reap(true, ended)
    }

    /// Gives the leader time to end by itself, then kills the group and reaps the leader. The flag says whether it ended by
    /// itself. Returns `None` if another thread waits or has waited.
    pub fn end(&self, patience: Duration) -> Option<(bool, io::Result<ExitStatus>)> {
        self.waiting.lock().take()?;
        let until = Instant::now() + patience;
        let mut pause = Duration::from_micros(500);
        let mut ended = self.has_ended();
        while !ended && Instant::now() < until {
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
            ended = self.has_ended();
        }
        Some((ended, self.reap(ended, || {})?))
    }

    /// Whether the leader has ended. It stays a zombie, so its number stays taken.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // What cannot be waited for is gone.
        waitid(WaitId::Pid(self.pid), options).map_or(true, |status| status.is_some())
    }

    /// The order matters: once the leader is reaped, its number, which is also the group's, may belong to another process.
    fn reap(&self, by_itself: bool, ended: impl FnOnce()) -> Option<io::Result<ExitStatus>> {
        let mut child = self.child.lock();
        ended();
        let _ = kill_process_group(self.pid, Signal::KILL);
        let mut leader = child.take()?;
        if !by_itself {
            // It may have left its own group.
            let _ = leader.kill();
        }
        Some(leader.wait())
    }
}

/// A file that was written a moment ago may still be open in a child that another thread is starting right now; the system
/// then refuses to execute it.
fn spawn(command: &mut Command) -> io::Result<Child> {
    for _ in 0..50 {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                thread::sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
    command.spawn()
}

/// Runs a program in a new process group and returns its output.
///
/// # Errors
/// If it cannot be started, or of kind `TimedOut` if it runs longer than `patience`; then it is killed with its children.
pub fn output(command: &mut Command, patience: Duration) -> io::Result<Output> {
    own_group(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let late = || {
        let message = format!("no answer within {} seconds", patience.as_secs_f64());
        io::Error::new(io::ErrorKind::TimedOut, message)
    };
    let until = Instant::now() + patience;
    let group = Group::spawn(command)?;
    let (stdout, stderr) = (read_aside(group.stdout()), read_aside(group.stderr()));
    let Some((true, status)) = group.end(patience) else {
        return Err(late());
    };
    // Something that left the group may hold the streams: they are not read for longer than the program may take.
    let whole = |stream: Receiver<io::Result<Vec<u8>>>| {
        let left = until.saturating_duration_since(Instant::now());
        stream.recv_timeout(left).unwrap_or_else(|_| Err(late()))
    };
    Ok(Output {
        status: status?,
        stdout: whole(stdout)?,
        stderr: whole(stderr)?,
    })
}

fn read_aside(stream: Option<impl Read + Send + 'static>) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stream.map_or(Ok(0), |mut stream| stream.read_to_end(&mut bytes));
        // The receiver is gone once the time is up.
        let _ = sender.send(read.map(|_| bytes));
    });
    receiver
}

#[cfg(test)]
mod tests {
    use std::{fs, io::BufRead, io::BufReader};

    use super::*;

    #[test]
    fn a_program_that_does_not_answer_is_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(format!("sleep 600 & echo $! > {}; wait", pid.display()));
        let error = output(&mut command, Duration::from_millis(500)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        // Killed before it wrote the number, or with the child whose number it wrote.
        if let Ok(Ok(pid)) = fs::read_to_string(pid).map(|pid| pid.trim().parse::<u32>()) {
            let state = || fs::read_to_string(format!("/proc/{pid}/stat"));
            while state().is_ok_and(|stat| !stat.contains(") Z ")) {
                thread::yield_now();
            }
        }
    }

    #[test]
    fn an_answer_is_both_streams_and_the_status() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let answer = output(&mut command, Duration::from_secs(60)).unwrap();
        assert_eq!(
            (answer.stdout, answer.stderr),
            (b"out\n".to_vec(), b"err\n".to_vec())
        );
        assert_eq!(answer.status.code(), Some(3));
    }

    #[test]
    fn a_group_that_has_time_to_end_can_still_be_killed() {
        let mut command = Command::new("/bin/sh");
        own_group(&mut command)
            .args(["-c", "echo ending; exec sleep 1000"])
            .stdout(Stdio::piped());
        let group = Group::spawn(&mut command).unwrap();
        let stdout = group.stdout().unwrap();
        thread::scope(|scope| {
            let end = scope.spawn(|| group.end(Duration::from_secs(60)));
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).unwrap();
            group.kill();
            let (by_itself, _) = end.join().unwrap().unwrap();
            assert!(by_itself, "its time was over before it was killed");
        });
        assert!(group.end(Duration::ZERO).is_none(), "it is reaped once");
    }
}
