//! The transport to a stage of a plugin's process.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use fal_plugin::{
    manifest::{Manifest, Stage},
    wire::{EventRouter, Transport},
};
use serde_json::Value;

use super::{call::Target, own::Process};
use crate::{error::OpenError, library::OpenStage};

/// The number of the next stage. Numbers are unique across all processes.
static NEXT: AtomicU64 = AtomicU64::new(1);

struct ProcessTransport {
    name: String,
    process: Arc<Process>,
    stage: u64,
}

impl Transport for ProcessTransport {
    fn plugin(&self) -> &str {
        &self.name
    }

    fn call(&self, method: &str, request: &[u8], attachment: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let answer =
            self.process
                .inner()
                .call(&Target::Stage(self.stage), method, request, attachment);
        answer.unwrap_or_else(|error| Err(error.wire(method)))
    }
}

/// Returns the transport to the stage with a number.
pub(crate) fn stage(
    process: &Arc<Process>,
    manifest: &Manifest,
    number: u64,
) -> Arc<dyn Transport> {
    Arc::new(ProcessTransport {
        name: manifest.name.clone(),
        process: Arc::clone(process),
        stage: number,
    })
}

/// Opens a stage of the process.
pub(crate) fn open(
    process: &Arc<Process>,
    manifest: &Manifest,
    stage: Stage,
    config: &Value,
) -> Result<OpenStage, OpenError> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = manifest.name.clone();
    let router = Arc::new(EventRouter::default());
    process.route(number, &router);
    let target = Target::Open(stage.name(), number);
    let answer = process
        .inner()
        .call(&target, "open", config.to_string().as_bytes(), b"");
    match answer.unwrap_or_else(|error| Err(error.wire("open"))) {
        Ok(_) => {
            let transport = self::stage(process, manifest, number);
            Ok(OpenStage { transport, router })
        }
        Err(error) => Err(OpenError::Refused {
            error: crate::library::open_error(&name, &error),
            name,
            stage,
        }),
    }
}
