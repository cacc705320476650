//! A plugin library that hangs: only the end of this process ends it.

use std::sync::Once;

use fal_host::plugins::{end_all, on_hang};

use crate::{
    args::GlobalArgs,
    exit::{self, Ended},
    output::Output,
};

/// Ends the command with an error when a library does not answer in time. What was started ends with it: its processes
/// watch their channel to us.
pub(crate) fn end_with(global: &GlobalArgs) {
    let output = Output::new(global);
    on_hang(move |hang| {
        // Several calls may hang at once: the error names one of them.
        static TOLD: Once = Once::new();
        TOLD.call_once(|| output.error(hang, Some(&hang.help())));
        end_all();
        exit::leave(Ended::Wrong)
    });
}
