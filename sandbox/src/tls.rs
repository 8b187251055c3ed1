//! Certificates made at each start: an authority that a test can trust, and a leaf for
//! `discord.com` and loopback. The authority's key never leaves the process.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::error::StartError;

/// What the certificate is valid for.
const NAMES: [&str; 5] = ["discord.com", "gateway.discord.gg", "localhost", "127.0.0.1", "::1"];

/// A TLS server and the authority it is to be trusted by.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// The authority's certificate in PEM.
    pub(crate) authority: String,
}

/// Makes the certificates.
pub(crate) fn make() -> Result<Tls, StartError> {
    let (chain, key, authority) =
        certificates().map_err(|error: rcgen::Error| StartError::Certificate(error.to_string()))?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    // The provider is named because another crate of the process may have brought a second one.
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(vec![chain.der().clone()], key)
        })
        .map_err(|error| StartError::Certificate(error.to_string()))?;
    Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), authority })
}

fn certificates() -> Result<(rcgen::Certificate, KeyPair, String), rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Discord sandbox");
    let authority_key = KeyPair::generate()?;
    let authority = params.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(params, authority_key);
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(NAMES.map(str::to_owned))?.signed_by(&key, &issuer)?;
    Ok((leaf, key, authority))
}
