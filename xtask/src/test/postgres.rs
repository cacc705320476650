//! A PostgreSQL server for the tests that need one.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use crate::{
    error::{Result, XtaskError},
    layout, program,
    venv::{self, Venv},
};

/// The programs of PostgreSQL 18.
const REQUIREMENTS: &str = "tests/postgres-requirements.txt";

/// A server in a temporary folder. It stops when this value is dropped or this process ends,
/// because its standard input ends then.
pub(crate) struct Server {
    keeper: Child,
    address: String,
}

impl Server {
    /// Starts the newest server that the machine has, or PostgreSQL 18 where it has none.
    pub(crate) fn start(venv: &Venv) -> Result<Self> {
        Self::start_with(cluster(venv)?)
    }

    /// Starts the same server, reached by TCP as dbt 2 does.
    pub(crate) fn start_tcp(venv: &Venv) -> Result<Self> {
        let mut command = cluster(venv)?;
        command.arg("--tcp");
        Self::start_with(command)
    }

    /// Starts PostgreSQL 18, reached by TCP.
    pub(crate) fn start_newest() -> Result<Self> {
        let mut command = script(&environment()?);
        command.arg("--tcp");
        Self::start_with(command)
    }

    fn start_with(mut command: Command) -> Result<Self> {
        let shown = program::shown(&command);
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut keeper = started.map_err(|source| XtaskError::Start {
            command: shown.clone(),
            source,
        })?;
        let mut address = String::new();
        if let Some(stdout) = keeper.stdout.take() {
            // An unreadable answer counts as empty.
            let _ = BufReader::new(stdout).read_line(&mut address);
        }
        let mut server = Self {
            keeper,
            address: address.trim_end().to_owned(),
        };
        if server.address.is_empty() {
            let status = server.stop().map_err(|source| XtaskError::Start {
                command: shown.clone(),
                source,
            })?;
            return Err(XtaskError::Failed {
                command: shown,
                status,
                output: String::new(),
            });
        }
        Ok(server)
    }

    /// Returns the address for libpq.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Returns the folder of its socket.
    pub(crate) fn host(&self) -> String {
        host(&self.address)
    }

    fn stop(&mut self) -> std::io::Result<std::process::ExitStatus> {
        drop(self.keeper.stdin.take());
        self.keeper.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing can be done about a server that does not end; its parent process waits a minute
        // for it.
        let _ = self.stop();
    }
}

/// Makes the command by which pytest, too, starts a server when no address is given.
fn script(venv: &Venv) -> Command {
    let mut command = program::program(venv.python(), layout::root());
    command.arg(layout::worker().join("tests/postgres/cluster.py"));
    command
}

/// Makes that command with an environment in which it finds a server's programs.
fn cluster(venv: &Venv) -> Result<Command> {
    if is_installed(venv) {
        return Ok(script(venv));
    }
    Ok(script(&environment()?))
}

/// Whether the machine has a server's programs.
pub(super) fn is_installed(venv: &Venv) -> bool {
    program::works(script(venv).arg("--programs"))
}

/// Makes or updates the environment with the server's programs from PyPI.
fn environment() -> Result<Venv> {
    venv::within(layout::target().join("postgres-venv"), REQUIREMENTS)
}

fn host(address: &str) -> String {
    let host = address
        .split_once('@')
        .and_then(|(_, rest)| rest.split_once(':'));
    host.map_or("", |(host, _)| host).replace("%2F", "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_found_in_an_address() {
        assert_eq!(host("postgresql://fal@%2Ftmp%2Fx:5432/postgres"), "/tmp/x");
    }
}
