//! How a service speaks TLS.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};

use crate::read::{Authorities, Credentials};

/// Whether a client must show a certificate.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Demand {
    /// It must.
    #[default]
    Required,
    /// It may; one that is shown must hold all the same.
    Optional,
}

/// Which certificates of clients are believed.
#[derive(Clone, Debug)]
pub struct ClientRule {
    /// Whose.
    pub authorities: Authorities,
    /// Whether there must be one.
    pub demand: Demand,
}

/// Returns how a service speaks that has these credentials.
///
/// Nothing is resumed: a client that comes again is verified again, so what has
/// expired or is believed no more opens nothing.
///
/// # Errors
///
/// What is wrong with the credentials or the authorities.
pub fn server_settings(
    credentials: &Credentials,
    clients: Option<&ClientRule>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(rule) => {
            let roots = Arc::new(rule.authorities.0.clone());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            let verifier = match rule.demand {
                Demand::Required => verifier,
                Demand::Optional => verifier.allow_unauthenticated(),
            };
            let verifier = verifier
                .build()
                .map_err(|error| rustls::Error::General(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = credentials.chain.clone();
    let mut settings = builder.with_single_cert(chain, credentials.key.clone_key())?;
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    settings.session_storage = Arc::new(NoServerSessionStorage {});
    settings.send_tls13_tickets = 0;
    Ok(Arc::new(settings))
}
