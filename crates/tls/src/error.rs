//! Why the two ends of a stream do not trust each other, in words.

use std::io;

use rustls::{AlertDescription, CertificateError, InvalidMessage};

/// Why a client and a service do not come to speak.
#[derive(Debug, thiserror::Error)]
pub enum SecureError {
    /// The service's certificate leads to nobody who is believed.
    #[error("its certificate is signed by no authority that is trusted here")]
    Untrusted,
    /// The service's certificate is for other names.
    #[error("its certificate is for {}, and not for `{host}`", listed(.names))]
    OtherName {
        /// Under what it was asked.
        host: String,
        /// Under what it may be asked.
        names: Vec<String>,
    },
    /// The service's certificate has ended.
    #[error("its certificate has expired")]
    Expired,
    /// The service's certificate begins later.
    #[error("its certificate does not hold yet; is the clock right?")]
    NotYet,
    /// The service's certificate cannot be used.
    #[error("its certificate cannot be used")]
    Certificate(#[source] rustls::Error),
    /// What answers speaks something else.
    #[error("it speaks no TLS there")]
    Clear,
    /// The service wants a certificate, and the client has none.
    #[error("it wants a certificate of this client")]
    Wanted,
    /// The service does not believe the client's certificate.
    #[error("it does not take the certificate of this client: {}", refused(*.0))]
    Refused(AlertDescription),
    /// The host can stand in no certificate.
    #[error("`{0}` is no name of a host")]
    HostName(String),
    /// They do not understand each other.
    #[error("it does not speak TLS as it should")]
    Broken(#[source] rustls::Error),
}

impl SecureError {
    /// Returns what a client learns from `error`, which came while it spoke to `host`.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what rustls tells beyond this is told in its own words"
    )]
    pub(crate) fn of_client(error: rustls::Error, host: &str) -> Self {
        match error {
            rustls::Error::InvalidCertificate(cause) => Self::of_certificate(cause, host),
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Self::Clear,
            rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => Self::Wanted,
            rustls::Error::AlertReceived(
                alert @ (AlertDescription::UnknownCA
                | AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateUnknown
                | AlertDescription::AccessDenied
                // So is a signature told that is not the authority's.
                | AlertDescription::DecryptError),
            ) => Self::Refused(alert),
            other => Self::Broken(other),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what rustls tells beyond this is told in its own words"
    )]
    fn of_certificate(cause: CertificateError, host: &str) -> Self {
        match cause {
            CertificateError::UnknownIssuer => Self::Untrusted,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYet
            }
            CertificateError::NotValidForName => Self::OtherName {
                host: host.to_owned(),
                names: Vec::new(),
            },
            CertificateError::NotValidForNameContext { presented, .. } => Self::OtherName {
                host: host.to_owned(),
                names: presented.iter().map(|name| plain(name)).collect(),
            },
            other => Self::Certificate(rustls::Error::InvalidCertificate(other)),
        }
    }
}

impl From<SecureError> for io::Error {
    fn from(error: SecureError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Returns a name as it is written: rustls tells its kind as well, `DnsName("a")`.
fn plain(name: &str) -> String {
    let inner = name
        .split_once('(')
        .and_then(|(_, it)| it.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"').to_owned()
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "others".to_owned();
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the others say no more than that it was refused"
)]
const fn refused(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CertificateExpired => "it has expired",
        AlertDescription::UnknownCA => "its authority is not known there",
        AlertDescription::CertificateRevoked => "it was revoked",
        AlertDescription::UnsupportedCertificate => "it is not made for clients",
        _ => "it cannot be verified there",
    }
}
