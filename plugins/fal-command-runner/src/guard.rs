//! Ends a command whose host is gone.
//!
//! A shell beside the command reads from a pipe that only this process holds. At its end, by whatever means this process ended, the
//! shell ends the command's process group and removes its folder.

use std::{
    io::{self, PipeWriter},
    path::Path,
    process::{Child, Command, Stdio},
};

use rustix::process::Pid;

use crate::process::own_session;

/// $1: the process group; $2: the folder, or nothing.
const SCRIPT: &str = r#"
read -r end
kill -s TERM -- "-$1"
for round in 1 2 3 4 5 6 7 8 9 10; do
    kill -s 0 -- "-$1" || break
    sleep 0.1
done
kill -s KILL -- "-$1"
[ -z "$2" ] || rm -rf -- "$2"
"#;

/// The shell, until it is dismissed.
pub(crate) struct Guard {
    shell: Child,
    _lifeline: PipeWriter,
}

impl Guard {
    /// Watches over a process group.
    pub(crate) fn start(group: Pid, folder: Option<&Path>) -> io::Result<Self> {
        let (reader, lifeline) = io::pipe()?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "sh", &group.as_raw_nonzero().to_string()]);
        command.arg(folder.map(Path::as_os_str).unwrap_or_default());
        command
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/bin:/bin");
        command
            .stdin(reader)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let shell = own_session(&mut command).spawn()?;
        Ok(Self {
            shell,
            _lifeline: lifeline,
        })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // It goes first: the end of its pipe must tell it nothing more.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
