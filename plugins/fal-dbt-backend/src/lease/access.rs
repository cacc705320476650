//! The configuration `gateway`: where the data gateway listens, and where runners find it.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the data gateway listens for nodes that runners run elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// Address and port on this machine, `127.0.0.1:0` by default. Port 0 takes a free port;
    /// `0.0.0.0` listens on every address.
    pub listen: String,
    /// The address by which runners reach this machine, if it differs: `host` or `host:port`.
    pub advertise: Option<String>,
    /// Whether the connection is encrypted, with a certificate made for each run. It may only be
    /// off on the machine itself.
    pub tls: bool,
    /// Environment variables that `env_var` may return in the Jinja of models on runners; none by
    /// default. Runners can read them.
    pub env_vars: Vec<String>,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            advertise: None,
            tls: true,
            env_vars: Vec::new(),
        }
    }
}

/// A host with an optional port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

impl Place {
    /// Parses `host`, `host:port`, `[::1]:port` or `::1`.
    fn read(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => match rest.split_once(']')? {
                (host, "") => (host, None),
                (host, port) => (host, Some(port.strip_prefix(':')?)),
            },
            None if text.parse::<IpAddr>().is_ok() => (text, None),
            None => text
                .split_once(':')
                .map_or((text, None), |(host, port)| (host, Some(port))),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        let port = port.map(str::parse).transpose().ok()?;
        (!host.is_empty() && host.chars().all(plain)).then(|| Self {
            host: host.to_owned(),
            port,
        })
    }

    fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Returns whether only this machine can reach the host.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.address().is_some_and(|address| address.is_loopback())
    }

    /// Returns the host as an address spells it: IPv6 in brackets.
    pub(crate) fn with_port(&self, port: u16) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        format!(
            "{host}:{}",
            self.port.filter(|port| *port != 0).unwrap_or(port)
        )
    }
}

/// The checked configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) listen: Place,
    pub(crate) advertise: Place,
    pub(crate) tls: bool,
    pub(crate) env_vars: Vec<String>,
}

impl GatewayConfig {
    /// Checks the configuration. The error is a message for the user.
    pub(crate) fn access(&self) -> Result<Access, String> {
        let read = |key: &str, text: &str| {
            Place::read(text)
                .ok_or_else(|| format!("`gateway.{key}: {text}` is no address: `HOST:PORT` is one"))
        };
        let listen = read("listen", &self.listen)?;
        let named = self
            .advertise
            .as_deref()
            .map(|text| read("advertise", text))
            .transpose()?;
        if !self.tls && !listen.is_loopback() {
            return Err(format!(
                "`gateway.tls: false` would send data and secrets in the clear: without TLS the gateway may only listen at 127.0.0.1, not at {}",
                self.listen
            ));
        }
        if named.is_none()
            && listen
                .address()
                .is_some_and(|address| address.is_unspecified())
        {
            return Err(format!(
                "`gateway.listen: {}` is every address of this machine: name the one that runners call in `gateway.advertise`",
                self.listen
            ));
        }
        let advertise = named.unwrap_or_else(|| Place {
            port: None,
            ..listen.clone()
        });
        Ok(Access {
            listen,
            advertise,
            tls: self.tls,
            env_vars: self.env_vars.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(listen: &str, advertise: Option<&str>, tls: bool) -> Result<Access, String> {
        let advertise = advertise.map(str::to_owned);
        GatewayConfig {
            listen: listen.to_owned(),
            advertise,
            tls,
            env_vars: Vec::new(),
        }
        .access()
    }

    #[test]
    fn the_advertised_address_is_the_listening_one_unless_another_is_named() {
        let called = |listen, advertise| {
            let access = access(listen, advertise, true).unwrap();
            access.advertise.with_port(4711)
        };
        assert_eq!(called("127.0.0.1:0", None), "127.0.0.1:4711");
        assert_eq!(called("10.0.0.5:900", None), "10.0.0.5:4711");
        assert_eq!(called("0.0.0.0:0", Some("build7.corp")), "build7.corp:4711");
        assert_eq!(
            called("[::]:0", Some("[2001:db8::1]:443")),
            "[2001:db8::1]:443"
        );
        assert_eq!(called("::1", None), "[::1]:4711");
    }

    #[test]
    fn unusable_addresses_are_reported() {
        insta::assert_snapshot!(access("0.0.0.0:0", None, true).unwrap_err(), @"`gateway.listen: 0.0.0.0:0` is every address of this machine: name the one that runners call in `gateway.advertise`");
        insta::assert_snapshot!(access("10.0.0.5:0", None, false).unwrap_err(), @"`gateway.tls: false` would send data and secrets in the clear: without TLS the gateway may only listen at 127.0.0.1, not at 10.0.0.5:0");
        assert!(
            access("[::1]4711", None, true).is_err(),
            "no colon ahead of the port"
        );
        insta::assert_snapshot!(access("http://x/", None, true).unwrap_err(), @"`gateway.listen: http://x/` is no address: `HOST:PORT` is one");
        assert!(
            access("127.0.0.1:0", Some("build7"), false).is_ok(),
            "a tunnel may end here"
        );
    }
}
