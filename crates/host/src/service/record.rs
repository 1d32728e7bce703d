//! What is remembered of a service that was put in place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::PathBuf;

use aegis_canon::Digest;
use serde::{Deserialize, Serialize};

use super::{ServiceError, Tree};

/// The version of the record that is written.
const VERSION: u32 = 1;

/// What was put in place, by paths of the machine.
///
/// Everybody may read it: `aegis doctor` compares with it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceRecord {
    v: u32,
    /// The account of the service.
    pub(crate) user: String,
    /// Whether the account was made for it.
    pub(crate) made_user: bool,
    /// The folders that were made for it.
    pub(crate) folders: BTreeSet<PathBuf>,
    /// The files that were written, and what was in them.
    pub(crate) files: BTreeMap<PathBuf, Digest>,
}

impl ServiceRecord {
    /// Returns the record of a service as `user` of which nothing is there yet.
    pub(super) fn of(user: &str) -> Self {
        Self {
            v: VERSION,
            user: user.to_owned(),
            made_user: false,
            folders: BTreeSet::new(),
            files: BTreeMap::new(),
        }
    }

    /// Reads the record of `tree`; nothing if no service was put in place.
    pub(crate) fn read(tree: &Tree) -> Result<Option<Self>, ServiceError> {
        let path = tree.record();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(ServiceError::System {
                    doing: "read",
                    path,
                    source,
                });
            }
        };
        serde_json::from_slice(&bytes)
            .ok()
            .filter(|record: &Self| record.v == VERSION)
            .map(Some)
            .ok_or(ServiceError::Record(path))
    }

    /// Returns its text.
    pub(super) fn text(&self) -> String {
        // Of text, digests and truth values nothing can fail to be written.
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        format!("{text}\n")
    }
}
