//! Compiled policies and last good ones, kept beside the log.
//!
//! Neither is a boundary where an agent runs as the same user: who can write
//! these files can write the policy itself. Files that another user could have
//! written are not read.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aegis_canon::Digest;
use aegis_policy::{Compiled, parse_document};

use crate::own_files::{link_among, refuse_link};
use crate::places::Places;
use crate::write_file::{read_owned, write_private};

fn key(path: &Path) -> String {
    Digest::of(path.as_os_str().as_encoded_bytes()).to_string()
}

fn compiled_file(places: &Places, path: &Path) -> PathBuf {
    places.cache.join(format!("{}.policy", key(path)))
}

fn last_good_file(places: &Places, path: &Path) -> PathBuf {
    let name = format!("{}.json", key(path));
    places.cache.join("last-good").join(name)
}

/// Returns the compiled policy kept for the file at `path`.
pub(super) fn compiled(places: &Places, path: &Path) -> Option<Compiled> {
    let bytes = read_owned(&compiled_file(places, path))?;
    Compiled::from_cache(&bytes).ok()
}

/// Keeps a policy that was just found good.
///
/// It is only a matter of speed if that fails; where a last good one is needed
/// later, its absence shows then. Nothing is written through a link.
pub(super) fn keep(places: &Places, path: &Path, compiled: &Compiled, document: &[u8]) {
    if link_among(&places.state).is_some() {
        return;
    }
    let _ = write_private(&compiled_file(places, path), &compiled.to_cache());
    let last_good = last_good_file(places, path);
    if read_owned(&last_good).as_deref() != Some(document) {
        let _ = write_private(&last_good, document);
    }
}

/// Returns the last good policy of the file at `path`.
pub(super) fn last_good(places: &Places, path: &Path) -> Option<(Arc<Compiled>, Arc<[u8]>)> {
    let document = read_owned(&last_good_file(places, path))?;
    let parsed = parse_document(&document).ok()?;
    let compiled = Compiled::new(parsed.policy, Digest::of(&document));
    Some((Arc::new(compiled), Arc::from(document)))
}

/// Forgets the last good policy of the file at `path`.
pub(super) fn forget(places: &Places, path: &Path) -> io::Result<bool> {
    if let Some(link) = link_among(&places.state) {
        refuse_link(&link)?;
    }
    let _ = std::fs::remove_file(compiled_file(places, path));
    match std::fs::remove_file(last_good_file(places, path)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
