//! Runs an installer so that it never outlives this process.
//! // A shell beside the installer waits for the end of a pipe whose other end only this process
//! holds, and then kills the whole process group. So the installer ends at once when the user
//! interrupts the build, and also when this process ends in any way. The group holds the
//! environment's lock too: while one of its processes writes there, no other build can start.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

use command_fds::{CommandFdExt, FdMapping};
use fal_files::Root;

use crate::{error::EnvironmentError, stop::Stop};

/// Number of the installer's last lines in a message.
const LAST_LINES: usize = 25;
const LIFELINE: i32 = 3;
const LOCK: i32 = 4;

/// Runs "$@". Descriptor 3 reaches its end when fal-host ends; descriptor 4 is the lock.
const GUARD: &str = r#"
"$@" 3<&- &
installer=$!
{ read -r end <&3; kill -s KILL -- "-$$"; } &
guard=$!
wait "$installer"
code=$?
kill -s KILL "$guard"
exit "$code"
"#;

/// Environment variables that would make an installer install elsewhere.
const MISLEADING: [&str; 6] = [
    "VIRTUAL_ENV",
    "PYTHONHOME",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_USER",
    "__PYVENV_LAUNCHER__",
];

/// Runs the steps of one build.
pub(crate) struct Installer<'a> {
    /// Stops the installer.
    pub(crate) stop: &'a Stop,
    /// The lock of the environment.
    pub(crate) lock: &'a File,
    /// The file for its output.
    pub(crate) log: &'a Path,
    /// The project's folder, where installers look for their configuration.
    pub(crate) dir: &'a Path,
}

impl Installer<'_> {
    /// Runs one step to its end; `name` is its short form for messages.
    pub(crate) fn run(&self, name: &str, command: &Command) -> Result<(), EnvironmentError> {
        self.stop.check()?;
        let (log, begin) = self
            .open_log(command)
            .map_err(EnvironmentError::file("written", self.log))?;
        let status = self.guarded(command, &log).map_err(|cause| {
            let program = command.get_program().to_string_lossy().into_owned();
            EnvironmentError::Start { program, cause }
        })?;
        self.stop.check()?;
        if status.success() {
            return Ok(());
        }
        Err(EnvironmentError::Install {
            command: name.to_owned(),
            status: status.to_string(),
            lines: self.last_lines(begin),
            log: self.log.to_owned(),
        })
    }

    fn open_log(&self, command: &Command) -> io::Result<(File, u64)> {
        let (logs, name) = Root::of(self.log)?;
        let mut log = logs.open_file(name)?;
        let words = [command.get_program()]
            .into_iter()
            .chain(command.get_args());
        let line: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        writeln!(log, "$ {}", line.join(" "))?;
        let begin = log.seek(SeekFrom::End(0))?;
        Ok((log, begin))
    }

    fn guarded(&self, command: &Command, log: &File) -> io::Result<ExitStatus> {
        let (theirs, ours) = io::pipe()?;
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", GUARD, "sh"])
            .arg(command.get_program())
            .args(command.get_args());
        shell
            .current_dir(self.dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?);
        shell
            .process_group(0)
            .env("NO_COLOR", "1")
            .env("PIP_NO_INPUT", "1")
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        for name in MISLEADING {
            shell.env_remove(name);
        }
        let mappings = vec![
            FdMapping {
                parent_fd: theirs.into(),
                child_fd: LIFELINE,
            },
            FdMapping {
                parent_fd: self.lock.try_clone()?.into(),
                child_fd: LOCK,
            },
        ];
        shell.fd_mappings(mappings).map_err(io::Error::other)?;
        let mut child = shell.spawn()?;
        // Drop the command: it holds descriptors that only the child may keep open.
        drop(shell);
        let _lifeline = self.stop.hold(ours);
        child.wait()
    }

    fn last_lines(&self, begin: u64) -> Vec<String> {
        let mut text = Vec::new();
        // Ignore errors: the message names the file in any case.
        let _ = fal_files::open(self.log).and_then(|mut log| {
            log.seek(SeekFrom::Start(begin))?;
            log.read_to_end(&mut text)
        });
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty())
            .collect();
        lines[lines.len().saturating_sub(LAST_LINES)..]
            .iter()
            .map(|line| (*line).to_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, thread, time::Instant};

    use super::*;

    struct Place {
        folder: tempfile::TempDir,
        lock: File,
        stop: Stop,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let lock = File::create(folder.path().join("lock")).unwrap();
            Self {
                folder,
                lock,
                stop: Stop::new(),
            }
        }

        fn run(&self, script: &str) -> Result<(), EnvironmentError> {
            let log = self.folder.path().join("log");
            let installer = Installer {
                stop: &self.stop,
                lock: &self.lock,
                log: &log,
                dir: self.folder.path(),
            };
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]);
            installer.run("sh", &command)
        }
    }

    #[test]
    fn a_failure_has_the_last_lines_of_its_step_alone() {
        let place = Place::new();
        place.run("echo first").unwrap();
        let Err(EnvironmentError::Install {
            status, lines, log, ..
        }) = place.run("echo out; echo err >&2; exit 3")
        else {
            panic!()
        };
        assert_eq!(
            (status.as_str(), lines),
            ("exit status: 3", vec!["out".to_owned(), "err".to_owned()])
        );
        assert!(fs::read_to_string(log).unwrap().contains("first\n"));
    }

    /// Kills the whole process group, since processes that the installer started would hold the
    /// lock.
    #[test]
    fn a_stop_ends_the_installer_and_its_children() {
        let place = Place::new();
        place.lock.lock().unwrap();
        let begun = Instant::now();
        let ended = thread::scope(|scope| {
            let run = scope.spawn(|| place.run("sleep 600 & touch begun; wait"));
            while !place.folder.path().join("begun").exists() {
                thread::yield_now();
            }
            place.stop.raise();
            run.join().unwrap()
        });
        assert!(
            matches!(ended, Err(EnvironmentError::Stopped)),
            "{ended:?} after {:?}",
            begun.elapsed()
        );
        let Place { folder, lock, .. } = place;
        drop(lock);
        File::open(folder.path().join("lock"))
            .unwrap()
            .lock()
            .unwrap();
        let place = Place::new();
        place.stop.raise();
        assert!(matches!(
            place.run("touch begun"),
            Err(EnvironmentError::Stopped)
        ));
        assert!(!place.folder.path().join("begun").exists());
    }
}
