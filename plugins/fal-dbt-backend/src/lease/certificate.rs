//! The TLS certificate of one run. Only this run has its key, and the clients of the run trust no
//! other certificate.

use fal_plugin::PluginError;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};

use crate::error;

/// Name that the certificate is for.
pub(crate) const SERVER_NAME: &str = "fal-gateway";

/// The certificate and its key, both in PEM.
pub(crate) struct Certificate {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// Creates a new certificate and key.
pub(crate) fn make() -> Result<Certificate, PluginError> {
    let failed = |cause: rcgen::Error| {
        PluginError::new(
            error::LEASE,
            format!("no certificate can be made for the data gateway: {cause}"),
        )
    };
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::new(vec![SERVER_NAME.to_owned()]).map_err(failed)?;
    params
        .distinguished_name
        .push(DnType::CommonName, SERVER_NAME);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok(Certificate {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_has_its_own() {
        let (one, two) = (make().unwrap(), make().unwrap());
        assert!(
            one.certificate.starts_with("-----BEGIN CERTIFICATE")
                && one.key.contains("PRIVATE KEY")
        );
        assert_ne!(one.certificate, two.certificate);
    }
}
