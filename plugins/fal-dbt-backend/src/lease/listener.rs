//! The gateway's listener for runners, which the session opens when the first node is lent.

use fal_plugin::payload::GatewayAccess;

use super::{
    access::Access,
    certificate::{self, SERVER_NAME},
};
use crate::{
    engine::{Engine, GatewayListen},
    error::AskError,
};

/// The listener's address.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    location: String,
    certificate: Option<String>,
    /// Whether only this machine can reach it.
    pub(crate) is_local: bool,
}

impl Listener {
    /// Asks the session to listen.
    pub(crate) fn open(engine: &dyn Engine, access: &Access) -> Result<Self, AskError> {
        let made = access
            .tls
            .then(certificate::make)
            .transpose()
            .map_err(AskError::Answered)?;
        let certificate = made.as_ref().map(|made| made.certificate.as_str());
        let key = made.as_ref().map(|made| made.key.as_str());
        let request = GatewayListen {
            host: &access.listen.host,
            port: access.listen.port.unwrap_or_default(),
            certificate,
            key,
            env_vars: &access.env_vars,
        };
        let port = engine.gateway_listen(&request)?;
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
