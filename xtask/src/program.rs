//! Runs other programs and prints to the terminal.

use std::{
    env,
    ffi::OsStr,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::{
    error::{Result, XtaskError},
    layout,
};

/// Prints progress on standard error.
pub(crate) fn tell(line: &str) {
    // A closed terminal must not stop the program.
    #[expect(
        clippy::disallowed_methods,
        reason = "xtask shows nothing of a user's project"
    )]
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints a result, on standard output.
pub(crate) fn say(line: &str) {
    #[expect(
        clippy::disallowed_methods,
        reason = "xtask shows nothing of a user's project"
    )]
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Makes a command that runs in `folder`, without the dbt and fal-host settings of the caller's
/// environment.
pub(crate) fn program(name: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(name);
    command
        .current_dir(folder)
        .env_remove("LD_LIBRARY_PATH")
        .env_remove("VIRTUAL_ENV");
    for (name, _) in env::vars_os() {
        if ["DBT_", "FAL_"]
            .iter()
            .any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
        {
            command.env_remove(name);
        }
    }
    command.env("PYTHONUTF8", "1");
    command
}

/// Makes a command of cargo in the root of the repository. `words` are separated by spaces.
pub(crate) fn cargo(words: &str) -> Command {
    let mut command = program(
        env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        layout::root(),
    );
    command.args(words.split(' '));
    command
}

/// Runs a program to its end; it inherits the output streams.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    tell(&format!("\n$ {}", shown(command)));
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|source| start(command, source))?;
    if status.success() {
        return Ok(());
    }
    Err(XtaskError::Failed {
        command: shown(command),
        status,
        output: String::new(),
    })
}

/// Runs a program to its end and returns its output, even if it failed.
pub(crate) fn attempt(command: &mut Command) -> Result<Output> {
    command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| start(command, source))
}

/// Runs a program to its end and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = attempt(command)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let text = [output.stdout, output.stderr].concat();
    let output_text = String::from_utf8_lossy(&text).trim_end().to_owned();
    Err(XtaskError::Failed {
        command: shown(command),
        status: output.status,
        output: output_text,
    })
}

/// Whether a program can be run.
pub(crate) fn works(command: &mut Command) -> bool {
    attempt(command).is_ok_and(|output| output.status.success())
}

fn start(command: &Command, source: std::io::Error) -> XtaskError {
    XtaskError::Start {
        command: shown(command),
        source,
    }
}

/// Returns the command as you would type it, with paths from the root of the repository.
pub(crate) fn shown(command: &Command) -> String {
    let root = format!("{}/", layout::root().display());
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let text = words
        .map(|word| word.to_string_lossy().replace(&root, ""))
        .map(quoted)
        .collect::<Vec<_>>()
        .join(" ");
    match text.strip_prefix(&env::var("CARGO").unwrap_or_default()) {
        Some(rest) if rest.starts_with(' ') && !rest.is_empty() => format!("cargo{rest}"),
        _ => text,
    }
}

fn quoted(word: String) -> String {
    if word.contains(char::is_whitespace) {
        "'…'".to_owned()
    } else {
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_short() {
        let mut command = Command::new(layout::root().join(".venv/bin/python"));
        command.args(["-c", "import a\nprint(a)"]);
        assert_eq!(shown(&command), ".venv/bin/python -c '…'");
    }
}
