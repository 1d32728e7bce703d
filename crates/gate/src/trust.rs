//! The files of a project that the user trusts.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use aegis_canon::Digest;
use serde::Deserialize;
use serde_json::json;

use crate::read_file::read_regular;
use crate::write_file::write_private;

/// The version of the list's form.
const VERSION: u32 = 1;

/// The most bytes that the list may have.
const BYTES_MAX: u64 = 16 << 20;

/// The files of a project that the user trusts, by the digest of their bytes.
///
/// A trusted file counts in full; any other may only tighten.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Trust(BTreeSet<Digest>);

/// Why the list of trusted files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It cannot be read or written.
    #[error("the list of trusted files `{}` cannot be read or written", .path.display())]
    Unreadable {
        /// The list.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It is no such list.
    #[error("the list of trusted files `{}` is damaged; remove it and trust the files again", .path.display())]
    Damaged {
        /// The list.
        path: PathBuf,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    v: u32,
    trusted: BTreeSet<Digest>,
}

impl Trust {
    /// Reads the list at `path`; an absent one trusts nothing.
    ///
    /// # Errors
    ///
    /// [`TrustError`] when it is there and cannot be used.
    pub fn load(path: &Path) -> Result<Self, TrustError> {
        let damaged = || TrustError::Damaged {
            path: path.to_path_buf(),
        };
        let bytes = match read_regular(path, BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => {
                return Err(TrustError::Unreadable {
                    path: path.to_path_buf(),
                    source,
                });
            }
        };
        let written: Written = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        if written.v != VERSION {
            return Err(damaged());
        }
        Ok(Self(written.trusted))
    }

    /// Writes the list to `path`, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`TrustError::Unreadable`] when it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TrustError> {
        let unreadable = |source| TrustError::Unreadable {
            path: path.to_path_buf(),
            source,
        };
        let written = json!({"v": VERSION, "trusted": self.0});
        let bytes = serde_json::to_vec_pretty(&written)
            .map_err(|error| unreadable(io::Error::other(error)))?;
        write_private(path, &bytes).map_err(unreadable)
    }

    /// Returns whether the file with these bytes is trusted.
    #[must_use]
    pub fn is_trusted(&self, bytes: &[u8]) -> bool {
        self.0.contains(&Digest::of(bytes))
    }

    /// Returns whether what has this digest is trusted: a file by its bytes, a
    /// policy by its document.
    #[must_use]
    pub fn is_trusted_digest(&self, digest: &Digest) -> bool {
        self.0.contains(digest)
    }

    /// Trusts the file with this digest; returns whether it was not trusted before.
    pub fn add(&mut self, digest: Digest) -> bool {
        self.0.insert(digest)
    }

    /// Trusts the file with this digest no longer; returns whether it was trusted before.
    pub fn remove(&mut self, digest: &Digest) -> bool {
        self.0.remove(digest)
    }

    /// Returns the digests of the trusted files, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Digest> {
        self.0.iter()
    }
}
