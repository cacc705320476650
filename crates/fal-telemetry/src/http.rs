//! The HTTP client: blocking, with the certificates that the system trusts, and the proxies of the
//! environment.

use std::{path::Path, sync::Arc, time::Duration};

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use parking_lot::Mutex;
use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig, parse_pem},
};

/// The largest file of certificates and the largest answer that is read, in bytes.
const LARGEST: u64 = 4 << 20;

/// A client that keeps its first failure.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    agent: Agent,
    failure: Arc<Mutex<Option<String>>>,
}

impl Client {
    /// Creates a client whose requests take at most `timeout`. `certificates`, a file in PEM, are
    /// trusted instead of the system's.
    pub(crate) fn new(timeout: Duration, certificates: Option<&str>) -> Result<Self, String> {
        let roots = match certificates {
            Some(path) => read_certificates(Path::new(path))?,
            None => RootCerts::PlatformVerifier,
        };
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(roots)
            .build();
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            // A redirect would take the headers, which may be secret, to another place.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("fal-host/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        Ok(Self {
            agent: config.into(),
            failure: Arc::default(),
        })
    }

    /// Sends a request. A status other than 2xx is no error here, but a failure that is kept.
    pub(crate) fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, ureq::Error> {
        let place = place(request.uri());
        let sent = self.agent.run(request).and_then(|response| {
            let (parts, mut body) = response.into_parts();
            let body = body.with_config().limit(LARGEST).read_to_vec()?;
            Ok(Response::from_parts(parts, body))
        });
        match &sent {
            Err(error) => self.fail(format!("{place}: {error}")),
            Ok(response) if !response.status().is_success() => {
                self.fail(format!("{place} answered {}", response.status()));
            }
            Ok(_) => {}
        }
        sent
    }

    /// Returns the first failure.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    fn fail(&self, failure: String) {
        self.failure.lock().get_or_insert(failure);
    }
}

#[async_trait::async_trait]
impl HttpClient for Client {
    /// Blocks: the SDK calls it on a thread for that.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.send(request.map(Vec::from))?;
        Ok(response.map(Bytes::from))
    }
}

/// Returns scheme, host and port of an address: the rest of it may hold secrets.
pub(crate) fn place(uri: &ureq::http::Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    let host = uri.host().unwrap_or_default();
    match uri.port() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

fn read_certificates(path: &Path) -> Result<RootCerts, String> {
    let wrong = |cause: String| format!("the certificates {}: {cause}", path.display());
    let pem = fal_files::read(path, LARGEST).map_err(|error| wrong(error.to_string()))?;
    let mut found: Vec<Certificate<'static>> = Vec::new();
    for item in parse_pem(&pem) {
        if let ureq::tls::PemItem::Certificate(one) =
            item.map_err(|error| wrong(error.to_string()))?
        {
            found.push(one);
        }
    }
    if found.is_empty() {
        return Err(wrong("there are none".to_owned()));
    }
    Ok(RootCerts::new_with_certs(&found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_holds_no_secret() {
        let uri = "https://user:secret@collector.example:4318/v1/traces?key=secret";
        assert_eq!(
            place(&uri.parse().unwrap()),
            "https://collector.example:4318"
        );
    }

    #[test]
    fn certificates_are_read_or_named() {
        let error = Client::new(Duration::from_secs(1), Some("/no/such.pem")).unwrap_err();
        assert!(
            error.starts_with("the certificates /no/such.pem: "),
            "{error}"
        );
    }
}
