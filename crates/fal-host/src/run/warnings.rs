//! `--warn-error` for warnings of the host. dbt itself ends at its own.

use std::sync::Arc;

use fal_plugin::payload::{LogLevel, Severity};
use fal_report::{EventKind, Reporter, Reporters, RunEvent};
use parking_lot::Mutex;

use crate::error::HostError;

/// The first warning of the host.
pub(super) struct Warnings(Arc<Mutex<First>>);

#[derive(Default)]
struct First(Option<String>);

impl Warnings {
    /// Listens to these reporters from now on.
    pub(super) fn of(reporters: &Reporters) -> Self {
        let first = Arc::<Mutex<First>>::default();
        reporters.add(Arc::clone(&first));
        Self(first)
    }

    /// Returns an error if there was a warning.
    pub(super) fn none(self) -> Result<(), HostError> {
        match self.0.lock().0.take() {
            Some(message) => Err(HostError::Warning { message }),
            None => Ok(()),
        }
    }
}

impl Reporter for First {
    fn event(&mut self, event: &RunEvent) {
        let message = match &event.kind {
            EventKind::Problem { problem } if problem.diagnostic.severity == Severity::Warning => {
                &problem.diagnostic.message
            }
            // Messages with a name are dbt's.
            EventKind::Log {
                level: LogLevel::Warn,
                name: None,
                message,
                ..
            } => message,
            _ => return,
        };
        self.0.get_or_insert_with(|| message.clone());
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn log(level: LogLevel, name: Option<&str>, message: &str) -> EventKind {
        EventKind::Log {
            level,
            name: name.map(str::to_owned),
            unique_id: None,
            message: message.to_owned(),
        }
    }

    #[test]
    fn the_first_warning_of_the_host_is_an_error() {
        let reporters = Reporters::new();
        let warnings = Warnings::of(&reporters);
        for kind in [
            log(LogLevel::Info, None, "a"),
            log(LogLevel::Warn, Some("Deprecation"), "b"),
            log(LogLevel::Warn, None, "c"),
            log(LogLevel::Warn, None, "d"),
        ] {
            reporters.emit(Timestamp::UNIX_EPOCH, kind);
        }
        let error = warnings.none().unwrap_err();
        assert_eq!(
            error.to_string(),
            "a warning ends the command under `--warn-error`: c"
        );
        assert!(Warnings::of(&reporters).none().is_ok());
    }
}
