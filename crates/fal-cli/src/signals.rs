//! Ctrl-C: the first one asks the command to end, and ends it if it takes too long.

use std::{
    io,
    mem::MaybeUninit,
    process::{Command, ExitStatus},
    ptr,
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use fal_host::Interrupt;
use parking_lot::{Condvar, Mutex, MutexGuard};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::exit::{self, Ended};

/// How long the command may take to end by itself. Its processes watch their channel to this one, and end
/// with it.
const PATIENCE: Duration = Duration::from_millis(1800);

/// Listens to SIGINT, SIGTERM and SIGHUP for the rest of the process; those that were ignored at its start stay ignored, as
/// `nohup` and a shell's `&` want it.
pub(crate) fn listen(interrupt: &Interrupt) {
    let heeded = [SIGINT, SIGTERM, SIGHUP]
        .into_iter()
        .filter(|signal| !is_ignored(*signal));
    // Without a handler the default holds: the process ends at once, and what it started with it.
    let Ok(mut signals) = Signals::new(heeded) else {
        return;
    };
    let interrupt = interrupt.clone();
    let first = Arc::new(First::default());
    // Wait until both threads run. While a library hangs in its load, the loader's lock is taken: a thread
    // that starts then would hang too, and so would one that uses a channel for the first time.
    let started = Arc::new(Barrier::new(3));
    let (heard, runs) = (Arc::clone(&first), Arc::clone(&started));
    thread::spawn(move || {
        runs.wait();
        heard.wait();
        thread::sleep(PATIENCE);
        leave();
    });
    let runs = Arc::clone(&started);
    thread::spawn(move || {
        runs.wait();
        for _ in signals.forever() {
            if interrupt.is_raised() {
                leave();
            }
            // Before the listeners run: one of them may block.
            first.happened();
            interrupt.raise();
        }
    });
    started.wait();
}

/// Runs a program to its end. Ctrl-C reaches it from the terminal, and other signals are passed on.
pub(crate) fn run(command: &mut Command) -> io::Result<ExitStatus> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let mut child = command.spawn()?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    let handle = signals.handle();
    let passing = thread::spawn(move || {
        for signal in signals.forever().filter(|signal| *signal != SIGINT) {
            // SAFETY: `kill` touches no memory. A signal between the child's end and `close` finds no
            // process of this number: the system does not give it away again so soon.
            #[expect(unsafe_code, reason = "the standard library sends no signals")]
            unsafe {
                libc::kill(pid, signal);
            }
        }
    });
    let status = child.wait();
    handle.close();
    // A thread that only passes on signals does not panic.
    let _ = passing.join();
    status
}

/// Whether there was a signal.
#[derive(Default)]
struct First(Mutex<bool>, Condvar);

impl First {
    fn happened(&self) {
        *self.lock() = true;
        self.1.notify_all();
    }

    fn wait(&self) {
        self.1.wait_while(&mut self.lock(), |happened| !*happened);
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.0.lock()
    }
}

fn leave() -> ! {
    fal_host::plugins::end_all();
    exit::leave(Ended::Interrupted)
}

fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action `sigaction` only writes the present one, all of it, to memory that is large enough.
    #[expect(
        unsafe_code,
        reason = "the standard library does not tell how a signal is handled"
    )]
    unsafe {
        libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}
