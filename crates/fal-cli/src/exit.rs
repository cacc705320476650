//! The exit code, chosen in one place, and the ways out of the process.

use std::{
    os::unix::process::ExitStatusExt,
    panic,
    process::{ExitCode, ExitStatus},
    sync::{
        Once, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use fal_host::RunOutcome;

use crate::output::Output;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All well.
    Well,
    /// A node failed, or a check found something.
    NodeFailed,
    /// The command, the project or a plugin is wrong.
    Wrong,
    /// The user stopped it.
    Interrupted,
    /// As a program ended that did the work.
    Program(u8),
}

impl Ended {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::NodeFailed => 1,
            Self::Wrong => 2,
            Self::Interrupted => 130,
            Self::Program(code) => code,
        }
    }

    /// Ends as a program did; one that a signal ended as a shell reports it.
    pub(crate) fn with_status(status: ExitStatus) -> Self {
        let code = status
            .code()
            .or_else(|| status.signal().map(|signal| 128 + signal));
        Self::Program(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(2))
    }
}

impl From<RunOutcome> for Ended {
    fn from(outcome: RunOutcome) -> Self {
        match outcome {
            RunOutcome::Succeeded => Self::Well,
            RunOutcome::Failed => Self::NodeFailed,
            RunOutcome::Interrupted => Self::Interrupted,
        }
    }
}

/// Whether the program itself chose to end.
static CHOSEN: AtomicBool = AtomicBool::new(false);
/// Where the guard shows its error.
static OUTPUT: OnceLock<Output> = OnceLock::new();

/// A plugin or library ended the process of fal-host.
#[derive(Debug, thiserror::Error)]
#[error("{by} ended the process of fal-host, so the command did not do its work")]
struct EndedFromOutside {
    by: String,
}

/// A panic of this program.
#[derive(Debug, thiserror::Error)]
#[error("fal-host failed at {place}: {message}")]
struct Panicked {
    place: String,
    message: String,
}

/// Runs the program and returns its exit code. An end that the program did not choose, a panic or a
/// library that calls `exit` with whatever code, is [`Ended::Wrong`] with an error.
pub(crate) fn run(
    output: &Output,
    program: impl FnOnce() -> Ended + panic::UnwindSafe,
) -> ExitCode {
    // `run` is called once.
    let _ = OUTPUT.set(output.clone());
    let shown = output.clone();
    panic::set_hook(Box::new(move |panicked| {
        let place = panicked
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let message = panicked.payload_as_str().unwrap_or("no message").to_owned();
        let help = "this is a fault of fal-host: please report it with this message";
        shown.error(
            &Panicked { place, message },
            Some("host::panic"),
            Some(help),
        );
    }));
    guard();
    let ended = panic::catch_unwind(program).unwrap_or(Ended::Wrong);
    CHOSEN.store(true, Ordering::SeqCst);
    ExitCode::from(ended.code())
}

/// Accepts any end of the process from now on, also one by a plugin: the process that started this one
/// judges it.
pub(crate) fn accept_any() {
    CHOSEN.store(true, Ordering::SeqCst);
}

/// Ends the process at once, whatever its threads do: `exit` would wait for a library that hangs while it is loaded.
pub(crate) fn leave(ended: Ended) -> ! {
    // SAFETY: `_exit` ends the process and touches no memory. All that was printed has been flushed.
    #[expect(
        unsafe_code,
        reason = "the only way out that runs no code of a library"
    )]
    unsafe {
        libc::_exit(i32::from(ended.code()))
    }
}

/// From now on a plugin library that does not answer in time ends the command with an error: only
/// the end of this process ends such a library. The processes of plugins watch their channel to this
/// process, and end with it.
pub(crate) fn leave_on_hang(output: &Output) {
    let output = output.clone();
    fal_host::plugins::on_hang(move |hang| {
        // Several calls may hang at once: the error names one of them.
        static SHOWN: Once = Once::new();
        SHOWN.call_once(|| output.error(hang, Some("plugin::timeout"), Some(&hang.help())));
        fal_host::plugins::end_all();
        leave(Ended::Wrong)
    });
}

fn guard() {
    extern "C" fn at_exit() {
        if !CHOSEN.load(Ordering::SeqCst) {
            report_exit();
            fal_host::plugins::end_all();
            leave(Ended::Wrong);
        }
    }
    // SAFETY: the function is `extern "C"`, lives as long as the process, and does not unwind: `report_exit` catches panics. Without
    // the guard, if there is no room for it, an exit of a library goes unnoticed as before.
    #[expect(unsafe_code, reason = "only the C library knows of every call of exit")]
    let _ = unsafe { libc::atexit(at_exit) };
}

/// Names the plugin that ended the process.
fn report_exit() {
    let shown = panic::catch_unwind(|| {
        let plugins = fal_host::plugins::under_way();
        let by = match plugins.as_slice() {
            [] => "a library or plugin".to_owned(),
            plugins => format!("the plugin `{}`", plugins.join("` or `")),
        };
        let help = "plugins that run with `--isolate-plugins` cannot do that; `fal-host plugin list --isolate-plugins` shows \
                    every plugin that was found";
        if let Some(output) = OUTPUT.get() {
            output.error(
                &EndedFromOutside { by },
                Some("plugin::ended_host"),
                Some(help),
            );
        }
    });
    // If reporting panicked, the exit code still says that the command failed.
    drop(shown);
}
