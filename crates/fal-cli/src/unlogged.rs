//! `--disable-logging`: a run without its log. Results, the output of models, problems and errors remain.

use std::io;

use fal_plugin::payload::LogLevel;
use fal_report::{EventKind, Reporter, RunEvent};

/// Passes on what is no log line.
pub(crate) struct Unlogged<R>(pub(crate) R);

impl<R: Reporter> Reporter for Unlogged<R> {
    fn event(&mut self, event: &RunEvent) {
        if !is_log(&event.kind) {
            self.0.event(event);
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.finish()
    }
}

fn is_log(kind: &EventKind) -> bool {
    match kind {
        EventKind::Log { level, .. } => *level != LogLevel::Error,
        EventKind::StubsWritten { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use fal_report::Reporters;
    use jiff::Timestamp;

    use super::*;

    struct Count(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

    impl Reporter for Count {
        fn event(&mut self, event: &RunEvent) {
            let EventKind::Log { message, .. } = &event.kind else {
                return;
            };
            self.0.lock().unwrap().push(message.clone());
        }
    }

    #[test]
    fn errors_pass_and_other_lines_do_not() {
        let seen = std::sync::Arc::default();
        let reporters = Reporters::new();
        reporters.add(Unlogged(Count(std::sync::Arc::clone(&seen))));
        for (level, message) in [
            (LogLevel::Info, "a"),
            (LogLevel::Warn, "b"),
            (LogLevel::Error, "c"),
        ] {
            let kind = EventKind::Log {
                level,
                name: None,
                unique_id: None,
                message: message.to_owned(),
            };
            reporters.emit(Timestamp::UNIX_EPOCH, kind);
        }
        assert_eq!(*seen.lock().unwrap(), ["c"]);
    }
}
