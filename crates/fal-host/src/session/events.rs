//! What a backend reports while it works.

use std::{collections::HashMap, sync::Arc};

use fal_plugin::{EventSink, payload::Event};
use fal_report::{EventKind, Reporters};
use jiff::Timestamp;
use parking_lot::RwLock;

/// Forwards the events of backends to the reporters, with the names of nodes.
pub(super) struct BackendEvents {
    reporters: Arc<Reporters>,
    names: RwLock<HashMap<String, String>>,
}

impl BackendEvents {
    pub(super) fn new(reporters: &Arc<Reporters>) -> Arc<Self> {
        Arc::new(Self {
            reporters: Arc::clone(reporters),
            names: RwLock::default(),
        })
    }

    /// Adds names by unique id: they head the lines that nodes print.
    pub(super) fn learn(&self, names: impl Iterator<Item = (String, String)>) {
        self.names.write().extend(names);
    }

    fn name_of(&self, unique_id: &str) -> String {
        let names = self.names.read();
        names
            .get(unique_id)
            .map_or(unique_id, String::as_str)
            .to_owned()
    }
}

impl EventSink for BackendEvents {
    fn emit(&self, event: Event) {
        let kind = match event {
            Event::Output {
                unique_id,
                stream,
                line,
            } => {
                let name = self.name_of(&unique_id);
                EventKind::NodeOutput {
                    unique_id,
                    name,
                    stream,
                    line,
                }
            }
            Event::Log {
                level,
                name,
                unique_id,
                message,
            } => EventKind::Log {
                level,
                name,
                unique_id,
                message,
            },
        };
        self.reporters.emit(Timestamp::now(), kind);
    }
}
