//! A plugin library that hangs: nothing but the end of this process ends it.

use std::sync::Once;

use fal_host::plugins::{end_all, on_hang};

use crate::{args::GlobalArgs, exit::Ended, output::Output};

/// Ends the command with an error when a library does not answer in time. What was started ends with it: its processes
/// watch their channel to us.
pub(crate) fn end_with(global: &GlobalArgs) {
    let output = Output::new(global);
    on_hang(move |hang| {
        // Several calls may hang at once: one of them is told.
        static TOLD: Once = Once::new();
        TOLD.call_once(|| output.error(hang, Some(&hang.help())));
        end_all();
        leave()
    });
}

#[expect(clippy::exit, reason = "a thread that hangs cannot be ended otherwise")]
fn leave() -> ! {
    std::process::exit(i32::from(Ended::Wrong.code()))
}
