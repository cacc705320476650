//! An exporter that counts the spans it could not send.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};

/// Number of spans that were not sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Lost(Arc<AtomicUsize>);

impl Lost {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
pub(super) struct Watched<E> {
    inner: E,
    lost: Lost,
}

impl<E> Watched<E> {
    pub(super) fn new(inner: E) -> (Self, Lost) {
        let lost = Lost::default();
        let watched = Self {
            inner,
            lost: lost.clone(),
        };
        (watched, lost)
    }
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let exported = self.inner.export(batch).await;
        if exported.is_err() {
            self.lost.0.fetch_add(count, Ordering::SeqCst);
        }
        exported
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.inner.shutdown()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
