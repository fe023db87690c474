//! Encrypted connections to a server whose certificate is known.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Why a connection cannot be encrypted.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read as PEM.
    #[error("{} cannot be read as PEM: {source}", .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// There is no certificate that could be trusted in the file.
    #[error("{} has no certificate that can be trusted in it", .0.display())]
    NoCertificate(PathBuf),
    /// The library refuses.
    #[error("TLS: {0}")]
    Library(#[from] rustls::Error),
}

/// A configuration that trusts the certificates in this PEM file (of the issuer, or the server's own)
/// and no others.
///
/// # Errors
/// When the file cannot be used.
pub fn trusting(certificates: &Path) -> Result<Arc<ClientConfig>, TlsError> {
    let pem = |source| TlsError::Pem { path: certificates.to_owned(), source };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(certificates).map_err(pem)? {
        roots.add(certificate.map_err(pem)?)?;
    }
    if roots.is_empty() {
        return Err(TlsError::NoCertificate(certificates.to_owned()));
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
