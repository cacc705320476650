//! The gateway's listener for runners, which the session opens when the first node is lent.

use fal_plugin::{payload::GatewayAccess, PluginError};
use serde::{Deserialize, Serialize};

use super::{
    access::Access,
    certificate::{self, SERVER_NAME},
};
use crate::{error::AskError, run::Run};

/// The listener's address.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    location: String,
    certificate: Option<String>,
    /// Whether only this machine can reach it.
    pub(crate) is_local: bool,
}

#[derive(Serialize)]
struct Listen<'a> {
    host: &'a str,
    port: u16,
    certificate: Option<&'a str>,
    key: Option<&'a str>,
    env_vars: &'a [String],
}

#[derive(Deserialize)]
struct Listening {
    port: u16,
}

impl Listener {
    /// Asks the session to listen.
    pub(crate) fn open(run: &Run, access: &Access) -> Result<Self, AskError> {
        let made = access
            .tls
            .then(certificate::make)
            .transpose()
            .map_err(AskError::Answered)?;
        let certificate = made.as_ref().map(|made| made.certificate.as_str());
        let key = made.as_ref().map(|made| made.key.as_str());
        let (host, port) = (
            access.listen.host.as_str(),
            access.listen.port.unwrap_or_default(),
        );
        let listen = Listen {
            host,
            port,
            certificate,
            key,
            env_vars: &access.env_vars,
        };
        let Listening { port } = run.ask("gateway_listen", &listen)?;
        let scheme = if access.tls { "grpc+tls" } else { "grpc+tcp" };
        Ok(Self {
            location: format!("{scheme}://{}", access.advertise.with_port(port)),
            certificate: certificate.map(str::to_owned),
            is_local: access.advertise.is_loopback(),
        })
    }

    /// Returns the access of one lease, with its token.
    pub(crate) fn access(&self, token: &str) -> GatewayAccess {
        GatewayAccess {
            location: self.location.clone(),
            token: token.to_owned(),
            server_name: self.certificate.is_some().then(|| SERVER_NAME.to_owned()),
            certificate: self.certificate.clone(),
        }
    }
}

/// The outcome of opening the listener. The first one counts for the whole run.
pub(crate) type Outcome = Result<Listener, PluginError>;
