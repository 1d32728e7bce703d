//! What a certificate says of its holder.

use std::time::Duration;

use aegis_canon::Digest;
use aegis_types::Timestamp;
use x509_cert::Certificate as Parsed;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, SubjectAltName};
use x509_cert::time::Time;

/// What a certificate says of its holder.
///
/// Nothing of it counts before the chain was verified; this only reads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// The subject, as RFC 4514 writes it: the last part first.
    pub subject: String,
    /// The names of hosts, in lower case.
    pub hosts: Vec<String>,
    /// The addresses of the form `scheme:…`, such as those of SPIFFE.
    pub uris: Vec<String>,
    /// The addresses of mail.
    pub mails: Vec<String>,
    /// Whether its holder may sign certificates of others.
    pub is_authority: bool,
    /// SHA-256 of the whole certificate.
    pub fingerprint: Digest,
    /// From when it holds.
    pub begins_at: Timestamp,
    /// Until when it holds.
    pub ends_at: Timestamp,
}

/// Why bytes are no certificate that can be named.
#[derive(Debug, thiserror::Error)]
#[error("the certificate is damaged")]
pub struct ParseCertificateError(#[from] x509_cert::der::Error);

impl Certificate {
    /// Reads a certificate in its binary form.
    ///
    /// # Errors
    ///
    /// [`ParseCertificateError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseCertificateError> {
        let parsed = Parsed::from_der(bytes)?;
        let inner = parsed.tbs_certificate();
        let validity = inner.validity();
        let mut found = Self {
            subject: inner.subject().to_string(),
            hosts: Vec::new(),
            uris: Vec::new(),
            mails: Vec::new(),
            is_authority: is_authority(&parsed)?,
            fingerprint: Digest::of(bytes),
            begins_at: moment(validity.not_before),
            ends_at: moment(validity.not_after),
        };
        let named = inner.get_extension::<SubjectAltName>()?;
        for name in named.map_or_else(Vec::new, |(_, names)| names.0) {
            match name {
                GeneralName::DnsName(name) => found.hosts.push(name.as_str().to_ascii_lowercase()),
                GeneralName::UniformResourceIdentifier(uri) => {
                    found.uris.push(uri.as_str().to_owned());
                }
                GeneralName::Rfc822Name(mail) => found.mails.push(mail.as_str().to_owned()),
                GeneralName::OtherName(_)
                | GeneralName::DirectoryName(_)
                | GeneralName::EdiPartyName(_)
                | GeneralName::IpAddress(_)
                | GeneralName::RegisteredId(_) => {}
            }
        }
        Ok(found)
    }

    /// Returns whether it holds at `now`.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.begins_at <= now && now <= self.ends_at
    }
}

/// Returns whether the holder may sign certificates: it says so, and no list of
/// what the key is for leaves that out.
fn is_authority(parsed: &Parsed) -> Result<bool, ParseCertificateError> {
    let inner = parsed.tbs_certificate();
    let constraints = inner.get_extension::<BasicConstraints>()?;
    let usage = inner.get_extension::<KeyUsage>()?;
    Ok(constraints.is_some_and(|(_, said)| said.ca)
        && usage.is_none_or(|(_, said)| said.key_cert_sign()))
}

fn moment(time: Time) -> Timestamp {
    let since: Duration = time.to_unix_duration();
    Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
