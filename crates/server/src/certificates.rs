//! Whom the certificates of clients name.
//!
//! The file is looked at with every request, so whoever is taken out of it is
//! nobody from then on, on connections that are open as well. While it cannot
//! be read, every certificate names nobody.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aegis_gate::{FileStamp, GuardError, Secrecy, Stamped, read_guarded, with_causes};
use aegis_policy::{CertificateName, NamedPrincipal, Problems, Source, parse_principals_file};
use aegis_tls::Certificate;
use aegis_types::Timestamp;

use crate::identity::{Principal, Proof, Rights, Roles};
use crate::notice::{Gravity, notice};

/// The most bytes that the file may have.
const BYTES_MAX: u64 = 1 << 20;

/// Whom the certificates of clients name, as a file says it.
#[derive(Debug)]
pub struct Certificates {
    path: PathBuf,
    is_json: bool,
    last: Mutex<Option<Stamped<Named>>>,
}

/// The principals, or why there are none while the file cannot be used.
type Named = Result<Arc<Vec<NamedPrincipal>>, String>;

/// Why a file of principals cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenCertificatesError {
    /// It cannot be read, or others may write it.
    #[error("the principals in `{}` cannot be believed", .path.display())]
    Unread {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        #[source]
        source: GuardError,
    },
    /// It is no text.
    #[error("`{}` is no text", .0.display())]
    NoText(PathBuf),
    /// What it says does not hold.
    #[error("{problems}")]
    Wrong {
        /// The file.
        file: Source,
        /// What is wrong with it.
        problems: Problems,
    },
}

/// Why a certificate names nobody.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum NameError {
    /// No entry has one of its names.
    #[error("no entry of the file of principals names this certificate")]
    Unknown,
    /// More than one entry has one of its names.
    #[error("several entries of the file of principals name this certificate")]
    Several,
    /// Its time is over, or has not come.
    #[error("the certificate does not hold any more, or not yet")]
    Expired,
    /// The file cannot be used.
    #[error("the file of principals cannot be used; who runs the service was told why")]
    File,
}

impl Certificates {
    /// Reads those that the file at `path` names; what is told of it later are JSON
    /// objects or lines for people.
    ///
    /// # Errors
    ///
    /// [`OpenCertificatesError`].
    pub fn open(path: PathBuf, is_json: bool) -> Result<Self, OpenCertificatesError> {
        let read = Stamped::read([&*path], || read(&path).map(|read| Ok(Arc::new(read))))?;
        let last = Mutex::new(Some(read));
        Ok(Self {
            path,
            is_json,
            last,
        })
    }

    #[cfg(test)]
    const fn at(path: PathBuf, is_json: bool) -> Self {
        Self {
            path,
            is_json,
            last: Mutex::new(None),
        }
    }

    /// Returns whom `certificate`, which was verified, names at `now`.
    pub(crate) fn principal(
        &self,
        certificate: &Certificate,
        now: Timestamp,
    ) -> Result<Principal, NameError> {
        if !certificate.holds_at(now) {
            return Err(NameError::Expired);
        }
        let principals = self.principals().ok_or(NameError::File)?;
        let mut named = principals
            .iter()
            .filter(|it| has(certificate, &it.certificate));
        let found = named.next().ok_or(NameError::Unknown)?;
        if named.next().is_some() {
            return Err(NameError::Several);
        }
        Ok(Principal {
            name: format!("certificate:{}", found.name),
            tenant: found.tenant.clone(),
            rights: Rights::Of(Roles::of(&found.roles)),
            agents: found.agents.clone(),
            local: None,
            proof: Some(Proof::Certificate(found.name.clone())),
            process: None,
        })
    }

    fn principals(&self) -> Option<Arc<Vec<NamedPrincipal>>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*last
            && let Ok(principals) = known.value()
            && known.holds()
        {
            return Some(Arc::clone(principals));
        }
        // What could not be read is read again, and told of once.
        let stamp = FileStamp::of(&self.path);
        let principals = read(&self.path).map(Arc::new);
        let principals = principals.map_err(|error| with_causes(&error));
        if let Err(cause) = &principals
            && last.as_ref().is_none_or(|last| *last.value() != principals)
        {
            let message = format!("every certificate names nobody: {cause}");
            notice(self.is_json, Gravity::Error, "principals", &message);
        }
        let found = principals.clone().ok();
        *last = Some(Stamped::new(vec![stamp], principals));
        found
    }
}

fn read(path: &Path) -> Result<Vec<NamedPrincipal>, OpenCertificatesError> {
    let bytes = read_guarded(path, BYTES_MAX, Secrecy::Open);
    let bytes = bytes.map_err(|source| OpenCertificatesError::Unread {
        path: path.to_path_buf(),
        source,
    })?;
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| OpenCertificatesError::NoText(path.to_path_buf()))?;
    let file = Source::new(&path.display().to_string(), &text);
    parse_principals_file(&file).map_err(|problems| OpenCertificatesError::Wrong { file, problems })
}

fn has(certificate: &Certificate, name: &CertificateName) -> bool {
    match name {
        CertificateName::Uri(uri) => certificate.uris.contains(uri),
        CertificateName::Host(host) => certificate.hosts.contains(host),
        CertificateName::Mail(mail) => certificate.mails.contains(mail),
        CertificateName::Subject(subject) => certificate.subject == *subject,
        CertificateName::Fingerprint(digest) => certificate.fingerprint == *digest,
    }
}

#[cfg(test)]
mod tests {
    use aegis_canon::Digest;
    use aegis_types::Role;

    use super::*;

    fn certificate() -> Certificate {
        Certificate {
            subject: "CN=ana,O=acme".to_owned(),
            hosts: vec!["build.example".to_owned()],
            uris: vec!["spiffe://acme/ana".to_owned()],
            mails: vec!["ana@acme.example".to_owned()],
            is_authority: false,
            fingerprint: Digest::of(b"ana"),
            begins_at: Timestamp::from_unix_ms(10),
            ends_at: Timestamp::from_unix_ms(20),
        }
    }

    fn named(entries: &str, now: i64) -> Result<Principal, NameError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("principals.yaml");
        let text = format!("aegis: principals/v1\nprincipals: [{entries}]\n");
        std::fs::write(&path, text).unwrap();
        let certificates = Certificates::at(path, false);
        certificates.principal(&certificate(), Timestamp::from_unix_ms(now))
    }

    fn entry(name: &str, by: &str) -> String {
        format!("{{name: {name}, tenant: acme, roles: auditor, {by}}}")
    }

    #[test]
    fn each_name_of_a_certificate_names_its_holder_and_no_other_does() {
        let fingerprint = format!("sha256: '{}'", Digest::of(b"ana"));
        for by in [
            "uri: 'spiffe://acme/ana'",
            "dns: BUILD.example",
            "email: ana@acme.example",
            "subject: 'CN=ana,O=acme'",
            &fingerprint,
        ] {
            let found = named(&entry("ana", by), 15).unwrap();
            assert_eq!(found.recorded_name(), "certificate:ana", "{by}");
            assert_eq!(found.tenant.as_str(), "acme");
            assert!(found.roles().has(Role::Auditor) && !found.roles().has(Role::Agent));
        }
        for by in [
            "uri: 'spiffe://acme/ana/'",
            "dns: example",
            "email: Ana@acme.example",
            "subject: 'CN=ana'",
            "dns: 'CN=ana,O=acme'",
            "uri: ana@acme.example",
        ] {
            assert_eq!(
                named(&entry("ana", by), 15),
                Err(NameError::Unknown),
                "{by}"
            );
        }
    }

    #[test]
    fn a_certificate_that_two_entries_name_is_nobodys() {
        let two = [
            entry("ana", "dns: build.example"),
            entry("builder", "email: ana@acme.example"),
        ];
        assert_eq!(named(&two.join(", "), 15), Err(NameError::Several));
    }

    #[test]
    fn a_certificate_names_nobody_beyond_its_time() {
        let entry = entry("ana", "dns: build.example");
        for (now, holds) in [(9, false), (10, true), (20, true), (21, false)] {
            assert_eq!(named(&entry, now).is_ok(), holds, "{now}");
        }
    }

    #[test]
    fn a_file_that_others_may_write_names_nobody() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("principals.yaml");
        let entry = entry("ana", "dns: build.example");
        let text = format!("aegis: principals/v1\nprincipals: [{entry}]\n");
        std::fs::write(&path, text).unwrap();
        let certificates = Certificates::at(path.clone(), false);
        let named = |mode| {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&path, permissions).unwrap();
            certificates.principal(&certificate(), Timestamp::from_unix_ms(15))
        };
        assert!(named(0o644).is_ok());
        assert_eq!(named(0o666), Err(NameError::File));
        assert!(named(0o600).is_ok());
    }

    #[test]
    fn a_file_that_cannot_be_used_names_nobody() {
        assert_eq!(named("{", 15), Err(NameError::File));
    }
}
