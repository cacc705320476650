//! Traces by OTLP over HTTP: the run is the root span, a node a span below it, and what a node
//! reports about its time the spans below that.

mod exporter;
mod spans;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use opentelemetry::{Context, KeyValue, propagation::TextMapPropagator, trace::TracerProvider};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use parking_lot::Mutex;

use self::{exporter::Watched, spans::Spans};
use crate::{FLUSH, http::Client, variables::Variables};

/// Where to send. The first of two names holds for traces alone.
const ENDPOINT: &[&str] = &[
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
const PROTOCOL: &[&str] = &[
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
];
const CERTIFICATE: &[&str] = &[
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
];
const TIMEOUT: &[&str] = &[
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
];

/// A command's trace.
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    spans: Arc<Mutex<Spans>>,
    client: Client,
    lost: exporter::Lost,
}

impl Traces {
    /// Starts the trace of a command if the environment says where to send it.
    pub(crate) fn start(variables: &Variables, command: &str) -> Result<Option<Self>, String> {
        let off = variables.is_true("OTEL_SDK_DISABLED")
            || variables.get("OTEL_TRACES_EXPORTER") == Some("none");
        if off || variables.first(ENDPOINT).is_none() {
            return Ok(None);
        }
        let protocol = protocol(variables)?;
        let client = Client::new(timeout(variables), variables.first(CERTIFICATE))?;
        let inner = SpanExporter::builder()
            .with_http()
            .with_http_client(client.clone())
            .with_protocol(protocol)
            .build()
            .map_err(|error| error.to_string())?;
        let (exporter, lost) = Watched::new(inner);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource())
            .build();
        let spans = Spans::new(
            provider.tracer("fal-host"),
            parent(variables),
            command,
            provider.clone(),
        );
        Ok(Some(Self {
            provider,
            spans: Arc::new(Mutex::new(spans)),
            client,
            lost,
        }))
    }

    /// Returns what listens to the run.
    pub(crate) fn reporter(&self) -> Arc<Mutex<Spans>> {
        Arc::clone(&self.spans)
    }

    /// Ends the root span and sends what is left. Returns a warning if not all was sent.
    pub(crate) fn finish(self, error: Option<&str>, deadline: Instant) -> Option<String> {
        self.spans.lock().finish(error);
        let left = deadline.saturating_duration_since(Instant::now());
        let shut = self.provider.shutdown_with_timeout(left);
        let lost = self.lost.count();
        let why = self.client.failure();
        match (lost, shut) {
            (0, Ok(())) => None,
            (0, Err(_)) => Some(format!(
                "OpenTelemetry gets no whole trace: {}",
                why.unwrap_or_else(|| format!(
                    "the collector did not take all spans within {} seconds",
                    FLUSH.as_secs()
                ))
            )),
            (lost, _) => Some(format!(
                "OpenTelemetry gets no whole trace, {lost} spans are missing: {}",
                why.unwrap_or_else(|| "they could not be encoded".to_owned())
            )),
        }
    }
}

fn protocol(variables: &Variables) -> Result<Protocol, String> {
    match variables.first(PROTOCOL) {
        None | Some("http/protobuf") => Ok(Protocol::HttpBinary),
        Some("http/json") => Ok(Protocol::HttpJson),
        Some(other) => Err(format!(
            "fal-host does not speak the protocol `{other}`: set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf, and the \
             endpoint to the collector's port for HTTP, as a rule 4318"
        )),
    }
}

fn timeout(variables: &Variables) -> Duration {
    let given = variables.first(TIMEOUT);
    let millis = given.and_then(|text| text.parse().ok());
    Duration::from_millis(millis.unwrap_or(10_000))
}

/// Describes this program. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` come first.
fn resource() -> Resource {
    let found = Resource::builder().build();
    let named = |key: &'static str| {
        let value = found.get(&key.into())?.to_string();
        (!value.starts_with("unknown_service")).then_some(())
    };
    let defaults = [
        ("service.name", "fal-host"),
        ("service.version", env!("CARGO_PKG_VERSION")),
    ];
    let missing = defaults
        .into_iter()
        .filter(|(key, _)| named(key).is_none())
        .map(|(key, value)| KeyValue::new(key, value));
    Resource::builder().with_attributes(missing).build()
}

/// Returns the span that this command is a part of, by the environment, else an empty context.
fn parent(variables: &Variables) -> Context {
    let carrier: HashMap<String, String> =
        [("traceparent", "TRACEPARENT"), ("tracestate", "TRACESTATE")]
            .into_iter()
            .filter_map(|(key, name)| Some((key.to_owned(), variables.get(name)?.to_owned())))
            .collect();
    TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier)
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceContextExt;

    use super::*;

    #[test]
    fn traces_are_off_unless_there_is_a_place_for_them() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
        for variables in [
            Variables::default(),
            Variables::from([("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]),
            Variables::from([endpoint, ("OTEL_SDK_DISABLED", "TRUE")]),
            Variables::from([endpoint, ("OTEL_TRACES_EXPORTER", "none")]),
        ] {
            assert!(Traces::start(&variables, "run").unwrap().is_none());
        }
        let grpc = Variables::from([endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
        let error = Traces::start(&grpc, "run").err().unwrap();
        assert!(
            error.contains("set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf"),
            "{error}"
        );
    }

    #[test]
    fn the_parent_is_that_of_the_environment() {
        let context = parent(&Variables::from([
            (
                "TRACEPARENT",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ),
            ("TRACESTATE", "acme=1"),
        ]));
        let span = context.span().span_context().clone();
        assert_eq!(span.span_id().to_string(), "b7ad6b7169203331");
        assert_eq!(span.trace_state().header(), "acme=1");
        assert!(span.is_sampled() && span.is_remote());
        let wrong = parent(&Variables::from([("TRACEPARENT", "00-nonsense-01")]));
        assert!(!wrong.span().span_context().is_valid());
    }
}
