//! Ctrl-C: the first asks the command to end, and makes sure that it does.

use std::{thread, time::Duration};

use fal_host::Interrupt;

use crate::exit::Ended;

/// The command has this long to end by itself. What it started ends with it: its processes watch their channel to us.
const PATIENCE: Duration = Duration::from_millis(1800);

/// Listens to SIGINT and SIGTERM for the rest of the process.
pub(crate) fn listen(interrupt: &Interrupt) {
    let interrupt = interrupt.clone();
    let heard = move || {
        if interrupt.is_raised() {
            leave();
        }
        // Before those who listen: one of them may take its time.
        thread::spawn(|| {
            thread::sleep(PATIENCE);
            leave();
        });
        interrupt.raise();
    };
    // Without a handler the default holds: the process ends at once, and what it started with it.
    let _ = ctrlc::set_handler(heard);
}

#[expect(clippy::exit, reason = "the command did not end by itself")]
fn leave() -> ! {
    fal_host::plugins::end_all();
    std::process::exit(i32::from(Ended::Interrupted.code()))
}
