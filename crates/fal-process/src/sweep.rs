//! Finds and ends processes that a child left behind, also those that moved to a session of their own.
//!
//! Each child gets a random mark in its environment. All its descendants inherit the mark, whatever they do with groups,
//! sessions and parents. Only Linux lets a process read the environment of another one; elsewhere process groups must do.

use std::{fs, io, path::Path, thread, time::Duration};

use rustix::process::{Pid, Signal, kill_process};

/// How often to look: a process may start others while the list is read.
const ROUNDS: u32 = 50;

/// An environment variable whose value the descendants of a child are found by.
#[derive(Clone, Debug)]
pub struct Mark {
    pub(crate) variable: &'static str,
    pub(crate) value: String,
}

impl Mark {
    /// A mark with a random value.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn random(variable: &'static str) -> io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self {
            variable,
            value: format!("{}.", hex::encode(bytes)),
        })
    }

    /// A mark for one of several children. A sweep for `self` finds those of all children.
    #[must_use]
    pub fn child(&self, number: u64) -> Self {
        Self {
            variable: self.variable,
            value: format!("{}{number}.", self.value),
        }
    }

    /// Returns how the environment of a process that carries this mark, or one derived from it, has it:
    /// `VARIABLE=value`.
    pub fn assignment(&self) -> String {
        format!("{}={}", self.variable, self.value)
    }

    /// Kills all processes that carry this mark or one derived from it, and returns when there is none.
    pub fn sweep(&self) {
        if self.value.is_empty() {
            return;
        }
        let wanted = self.assignment();
        let mut empty = 0;
        for _ in 0..ROUNDS {
            let found = marked(Path::new("/proc"), wanted.as_bytes());
            empty = if found.is_empty() { empty + 1 } else { 0 };
            // In the middle of an exec a process shows no environment: only two empty looks in a row prove that there is none.
            if empty == 2 {
                return;
            }
            for pid in found {
                // It may have ended in the meantime.
                let _ = kill_process(pid, Signal::KILL);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn marked(proc: &Path, wanted: &[u8]) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir(proc) else {
        return Vec::new();
    };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| carries(&proc.join(pid.to_string()).join("environ"), wanted))
        .filter(|pid| pid.unsigned_abs() != std::process::id())
        .filter_map(Pid::from_raw)
        .collect()
}

/// A process that ended but was not waited for has an empty environment.
#[expect(clippy::disallowed_methods, reason = "the kernel's own files")]
fn carries(environ: &Path, wanted: &[u8]) -> bool {
    fs::read(environ).is_ok_and(|environ| {
        environ
            .split(|byte| *byte == 0)
            .any(|variable| variable.starts_with(wanted))
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };

    use super::*;

    const VARIABLE: &str = "FAL_PROCESS_TEST_MARK";

    #[test]
    fn finds_a_process_that_left_its_group_and_parent_by_the_start_of_its_mark() {
        let session = format!("{}-{:?}.", std::process::id(), std::time::Instant::now());
        // Stops once it is what it shall be, so that the test knows when to look; a stopped process can be killed.
        let script = "setsid sh -c 'echo there; kill -STOP $$' & exit 0";
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script])
            .env(VARIABLE, format!("{session}1."))
            .stdout(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        shell.wait().unwrap();
        let mark = |value: &str| Mark {
            variable: VARIABLE,
            value: value.to_owned(),
        };
        mark(&format!("{session}11.")).sweep();
        mark("").sweep();
        let wanted = format!("{VARIABLE}={session}");
        assert_eq!(marked(Path::new("/proc"), wanted.as_bytes()).len(), 1);
        mark(&session).sweep();
        assert!(marked(Path::new("/proc"), wanted.as_bytes()).is_empty());
    }
}
