//! Posts events to a server of OpenLineage.

use std::time::Duration;

use serde_json::Value;
use ureq::http::{Request, Uri, header};

use crate::{
    http::{Client, place},
    variables::Variables,
};

/// After so many failures in a row nothing more is tried.
const FAILURES: u32 = 3;

pub(super) struct Sender {
    client: Client,
    uri: Uri,
    /// `OPENLINEAGE_API_KEY`.
    key: Option<header::HeaderValue>,
    failures: u32,
    unsent: u64,
}

impl Sender {
    pub(super) fn new(variables: &Variables, timeout: Duration) -> Result<Self, String> {
        let url = variables.get("OPENLINEAGE_URL").unwrap_or_default();
        let endpoint = variables
            .get("OPENLINEAGE_ENDPOINT")
            .unwrap_or("api/v1/lineage");
        let address = format!(
            "{}/{}",
            url.trim_end_matches('/'),
            endpoint.trim_start_matches('/')
        );
        // The error does not repeat the address, which may hold a secret.
        let uri: Uri = address
            .parse()
            .map_err(|error| format!("OPENLINEAGE_URL is no address: {error}"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err("OPENLINEAGE_URL begins with neither http:// nor https://".to_owned());
        }
        let key = variables.get("OPENLINEAGE_API_KEY").map(|key| {
            let mut value = header::HeaderValue::from_str(&format!("Bearer {key}"))
                .map_err(|_| "OPENLINEAGE_API_KEY holds characters that no key has".to_owned())?;
            value.set_sensitive(true);
            Ok::<_, String>(value)
        });
        Ok(Self {
            client: Client::new(timeout, None)?,
            uri,
            key: key.transpose()?,
            failures: 0,
            unsent: 0,
        })
    }

    pub(super) fn place(&self) -> String {
        place(&self.uri)
    }

    /// Sends one event, unless the server has failed several times in a row.
    pub(super) fn send(&mut self, event: &Value) {
        if self.failures < FAILURES && self.post(event) {
            self.failures = 0;
        } else {
            self.failures = self.failures.saturating_add(1);
            self.unsent += 1;
        }
    }

    fn post(&self, event: &Value) -> bool {
        let mut request = Request::post(&self.uri).header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, key);
        }
        let Ok(request) = request.body(event.to_string().into_bytes()) else {
            return false;
        };
        let sent = self.client.send(request);
        sent.is_ok_and(|response| response.status().is_success())
    }

    /// Returns how many events were not sent, and why.
    pub(super) fn problem(&self) -> Option<String> {
        let why = self.client.failure()?;
        (self.unsent > 0).then(|| format!("{} events are missing: {why}", self.unsent))
    }
}
