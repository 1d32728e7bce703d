//! Certificates and keys, from files.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use aegis_types::Timestamp;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::certificate::{Certificate, ParseCertificateError};

/// The most bytes that a file may have: a bundle of every public authority has
/// a quarter of a megabyte.
const BYTES_MAX: u64 = 4 << 20;

/// How an encrypted key begins.
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

/// Why certificates or keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadCredentialsError {
    /// The file cannot be read.
    #[error("`{}` cannot be read", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Others than its owner may read the key.
    #[error("the key `{}` is no secret: its mode is {mode:o}", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file has no certificate.
    #[error("`{}` holds no certificate in PEM", .0.display())]
    NoCertificate(PathBuf),
    /// The file has no key.
    #[error("`{}` holds no private key in PEM", .0.display())]
    NoKey(PathBuf),
    /// The key wants a password.
    #[error("the key `{}` is encrypted, and nobody is there to type its password", .0.display())]
    Encrypted(PathBuf),
    /// A certificate of the file is damaged.
    #[error("the certificate `{}` is damaged", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: ParseCertificateError,
    },
    /// The first certificate of the file does not hold at this moment.
    #[error("the certificate `{}` has expired, or does not hold yet", .0.display())]
    Expired(PathBuf),
    /// A certificate among the authorities may not sign those of others.
    #[error("certificate {number} of `{}`, `{subject}`, is no authority: it may sign no others", .path.display())]
    NoAuthority {
        /// The file.
        path: PathBuf,
        /// Its place in the file, from 1.
        number: usize,
        /// Whose it is.
        subject: String,
    },
    /// Key and certificate do not belong together.
    #[error("the key `{}` is not that of the certificate `{}`", .key.display(), .chain.display())]
    Mismatch {
        /// The file of the certificate.
        chain: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// They cannot be used for another cause.
    #[error("`{}` cannot be used", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: rustls::Error,
    },
}

impl ReadCredentialsError {
    /// Returns that the file `path` cannot be opened or read.
    #[must_use]
    pub fn unread(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_path_buf(),
            source,
        }
    }
}

/// A file as it was opened, with what it is: whoever judges it judges what is read.
pub type Opened = (File, Metadata);

/// A certificate with those that lead to its authority, and its key.
#[derive(Debug)]
pub struct Credentials {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Credentials {
    /// Reads a chain, the holder's certificate first, and its key, which nobody
    /// but its owner may read; where that is root, a group may.
    ///
    /// # Errors
    ///
    /// [`ReadCredentialsError`].
    pub fn read(
        (chain, opened_chain): (&Path, Opened),
        (key, opened_key): (&Path, Opened),
        now: Timestamp,
    ) -> Result<Self, ReadCredentialsError> {
        let certificates = certificates(chain, opened_chain)?;
        let first = certificates
            .first()
            .ok_or_else(|| ReadCredentialsError::NoCertificate(chain.to_path_buf()))?;
        let parsed = Certificate::parse(first);
        let parsed = parsed.map_err(|source| ReadCredentialsError::Damaged {
            path: chain.to_path_buf(),
            source,
        })?;
        if !parsed.holds_at(now) {
            return Err(ReadCredentialsError::Expired(chain.to_path_buf()));
        }
        let found = Self {
            key: private_key(key, opened_key)?,
            chain: certificates,
        };
        let provider = ring::default_provider();
        match CertifiedKey::from_der(found.chain.clone(), found.key.clone_key(), &provider) {
            Ok(_) => Ok(found),
            Err(rustls::Error::InconsistentKeys(_)) => Err(ReadCredentialsError::Mismatch {
                chain: chain.to_path_buf(),
                key: key.to_path_buf(),
            }),
            Err(source) => Err(ReadCredentialsError::Unusable {
                path: key.to_path_buf(),
                source,
            }),
        }
    }
}

/// The authorities whose certificates are believed.
#[derive(Clone, Debug)]
pub struct Authorities(pub(crate) RootCertStore);

impl Authorities {
    /// Reads a bundle of certificates, all of which may sign others: whoever has
    /// the key of one that may not could name themselves anybody.
    ///
    /// # Errors
    ///
    /// [`ReadCredentialsError`].
    pub fn read(path: &Path, opened: Opened) -> Result<Self, ReadCredentialsError> {
        let mut store = RootCertStore::empty();
        for (index, certificate) in certificates(path, opened)?.into_iter().enumerate() {
            let parsed = Certificate::parse(&certificate);
            let parsed = parsed.map_err(|source| ReadCredentialsError::Damaged {
                path: path.to_path_buf(),
                source,
            })?;
            if !parsed.is_authority {
                return Err(ReadCredentialsError::NoAuthority {
                    path: path.to_path_buf(),
                    number: index.saturating_add(1),
                    subject: parsed.subject,
                });
            }
            let added = store.add(certificate);
            added.map_err(|source| ReadCredentialsError::Unusable {
                path: path.to_path_buf(),
                source,
            })?;
        }
        if store.is_empty() {
            return Err(ReadCredentialsError::NoCertificate(path.to_path_buf()));
        }
        Ok(Self(store))
    }
}

fn certificates(
    path: &Path,
    opened: Opened,
) -> Result<Vec<CertificateDer<'static>>, ReadCredentialsError> {
    let bytes = read(path, opened)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    all.map_err(|_| ReadCredentialsError::NoCertificate(path.to_path_buf()))
}

fn private_key(
    path: &Path,
    opened: Opened,
) -> Result<PrivateKeyDer<'static>, ReadCredentialsError> {
    let (_, found) = &opened;
    let mode = found.mode() & 0o777;
    let is_private = mode & 0o077 == 0 || found.uid() == 0 && mode & 0o037 == 0;
    if !is_private {
        return Err(ReadCredentialsError::Exposed {
            path: path.to_path_buf(),
            mode,
        });
    }
    let bytes = read(path, opened)?;
    let key = PrivateKeyDer::from_pem_slice(&bytes);
    key.map_err(
        |_| match String::from_utf8_lossy(&bytes).contains(ENCRYPTED) {
            true => ReadCredentialsError::Encrypted(path.to_path_buf()),
            false => ReadCredentialsError::NoKey(path.to_path_buf()),
        },
    )
}

fn read(path: &Path, (file, found): Opened) -> Result<Vec<u8>, ReadCredentialsError> {
    if found.len() > BYTES_MAX {
        let source = io::Error::new(ErrorKind::FileTooLarge, "it is too large");
        return Err(ReadCredentialsError::unread(path, source));
    }
    let mut bytes = Vec::new();
    let read = file.take(BYTES_MAX).read_to_end(&mut bytes);
    read.map_err(|source| ReadCredentialsError::unread(path, source))?;
    Ok(bytes)
}
