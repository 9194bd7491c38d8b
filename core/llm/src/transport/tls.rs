//! Whom we trust: the roots of the web, and the certificates of `ca_file`. There is no switch to trust everybody.

use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

use super::TransportError;

/// Bytes of a file of certificates, at most. All roots of the web are some 250 KiB.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The roots of the web, and those of the file beside them.
pub(super) fn config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TransportError> {
    static USUAL: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    match ca_file {
        None => {
            if let Some(config) = USUAL.get() {
                return Ok(Arc::clone(config));
            }
            let config = of_roots(web())?;
            Ok(Arc::clone(USUAL.get_or_init(|| config)))
        }
        Some(path) => {
            let mut roots = web();
            add(&mut roots, path).map_err(|why| {
                TransportError::Untrusted(format!("the certificates of {}: {why}", path.display()))
            })?;
            of_roots(roots)
        }
    }
}

fn web() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err("the file is too long".to_owned());
    }
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        count += 1;
        let certificate = certificate.map_err(|_| format!("number {count} cannot be read"))?;
        roots.add(certificate).map_err(|error| format!("number {count} cannot be used: {error}"))?;
    }
    if count == 0 { Err("there is none in it (PEM is wanted)".to_owned()) } else { Ok(()) }
}

fn of_roots(roots: RootCertStore) -> Result<Arc<ClientConfig>, TransportError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::Local(format!("TLS: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The name that the certificate must have.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, TransportError> {
    ServerName::try_from(host.trim_end_matches('.').to_owned())
        .map_err(|_| TransportError::Untrusted(format!("no certificate can have the name {host}")))
}

/// Why encryption was not agreed on.
pub(super) fn of_handshake(error: &io::Error) -> TransportError {
    let reason = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match reason {
        Some(rustls::Error::InvalidCertificate(why)) => {
            TransportError::Untrusted(format!("the certificate is not trusted: {why}"))
        }
        Some(rustls::Error::NoCertificatesPresented) => {
            TransportError::Untrusted("the server has no certificate".to_owned())
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            TransportError::Garbage("the server does not speak TLS (perhaps http:// is meant)".to_owned())
        }
        Some(other) => TransportError::Garbage(format!("TLS: {other}")),
        None => {
            TransportError::Closed { sent: false, message: format!("ended while TLS was agreed on: {error}") }
        }
    }
}
