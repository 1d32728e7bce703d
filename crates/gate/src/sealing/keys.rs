//! The keys of sealed payloads: a file for each session, a line for each key.
//!
//! A line is added in one write, and a key is destroyed by zeros in its place,
//! so that processes that add and destroy at the same time do not disturb each other.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use aegis_canon::Digest;
use aegis_types::{ChainId, SessionId};

use crate::own_files::refuse_link;
use crate::places::Places;
use crate::write_file::make_private_folder;

/// How many bytes a name and a key have; both are written in hexadecimal.
const NAME_BYTES: usize = 16;
const KEY_BYTES: usize = 32;

/// What stands in the place of a key that was destroyed.
const DESTROYED: [u8; KEY_BYTES] = [0; KEY_BYTES];

/// When a key is written through to the disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Syncs {
    /// Whenever the system sees fit.
    Never,
    /// Before it is used.
    Each,
}

/// What is known of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PayloadKey {
    /// The key.
    Known([u8; KEY_BYTES]),
    /// It was destroyed.
    Destroyed,
    /// It is not here.
    Missing,
}

/// The folder of the keys of sealed payloads.
#[derive(Clone, Debug)]
pub struct PayloadKeys {
    folder: PathBuf,
}

impl PayloadKeys {
    /// Returns the keys at `places`, whether or not there are any.
    #[must_use]
    pub fn of(places: &Places) -> Self {
        Self::at(places.payload_keys.clone())
    }

    pub(super) const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Makes a key for one payload of `chain`, and returns it with its name.
    pub(super) fn make(
        &self,
        chain: &ChainId,
        syncs: Syncs,
    ) -> io::Result<(String, [u8; KEY_BYTES])> {
        let mut name = [0; NAME_BYTES];
        let mut key = [0; KEY_BYTES];
        for bytes in [&mut name[..], &mut key[..]] {
            getrandom::fill(bytes).map_err(io::Error::other)?;
        }
        let name = hex(&name);
        make_private_folder(&self.folder)?;
        let path = self.file(chain);
        refuse_link(&path)?;
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(format!("{name} {}\n", hex(&key)).as_bytes())?;
        match syncs {
            Syncs::Never => {}
            Syncs::Each => {
                file.sync_all()?;
                File::open(&self.folder)?.sync_all()?;
            }
        }
        Ok((name, key))
    }

    /// Looks for a key.
    pub(super) fn find(&self, chain: &ChainId, name: &str) -> io::Result<PayloadKey> {
        let lines = self.lines(chain)?;
        let found = lines.iter().find(|line| line.name == name);
        Ok(match found {
            None => PayloadKey::Missing,
            Some(line) if line.key == DESTROYED => PayloadKey::Destroyed,
            Some(line) => PayloadKey::Known(line.key),
        })
    }

    /// Returns the names of the keys of `chain` that were not destroyed.
    pub(crate) fn known(&self, chain: &ChainId) -> io::Result<BTreeSet<String>> {
        let lines = self.lines(chain)?.into_iter();
        let known = lines.filter(|line| line.key != DESTROYED);
        Ok(known.map(|line| line.name).collect())
    }

    /// Overwrites the keys called `names`, and returns how many there were.
    pub(crate) fn destroy(&self, chain: &ChainId, names: &BTreeSet<&str>) -> io::Result<u64> {
        let lines = self.lines(chain)?;
        let doomed: Vec<&Line> = lines
            .iter()
            .filter(|line| line.key != DESTROYED && names.contains(line.name.as_str()))
            .collect();
        if doomed.is_empty() {
            return Ok(0);
        }
        let file = OpenOptions::new().write(true).open(self.file(chain))?;
        for line in &doomed {
            file.write_all_at(hex(&DESTROYED).as_bytes(), line.key_at)?;
        }
        file.sync_all()?;
        Ok(doomed.len() as u64)
    }

    fn file(&self, chain: &ChainId) -> PathBuf {
        let session = chain.session().map_or("", SessionId::as_str);
        let name = format!("{}\n{session}", chain.tenant());
        self.folder
            .join(format!("{}.v1", Digest::of(name.as_bytes())))
    }

    fn lines(&self, chain: &ChainId) -> io::Result<Vec<Line>> {
        let text = match fs::read(self.file(chain)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            read => read?,
        };
        let mut lines = Vec::new();
        let mut end = 0_u64;
        for text in text.split_inclusive(|byte| *byte == b'\n') {
            end += text.len() as u64;
            lines.extend(Line::read(text, end));
        }
        Ok(lines)
    }
}

struct Line {
    name: String,
    key: [u8; KEY_BYTES],
    /// Where the key begins in the file.
    key_at: u64,
}

impl Line {
    /// Reads the line that ends `text`, which ends at `end` of the file.
    ///
    /// A write that was cut leaves a beginning, on which the next line follows.
    fn read(text: &[u8], end: u64) -> Option<Self> {
        let text = text.strip_suffix(b"\n")?;
        let (rest, key) = text.split_at_checked(text.len().checked_sub(2 * KEY_BYTES)?)?;
        let rest = rest.strip_suffix(b" ")?;
        let (_, name) = rest.split_at_checked(rest.len().checked_sub(2 * NAME_BYTES)?)?;
        let key: Digest = std::str::from_utf8(key).ok()?.parse().ok()?;
        Some(Self {
            name: std::str::from_utf8(name).ok()?.to_owned(),
            key: *key.as_bytes(),
            key_at: end.checked_sub(2 * KEY_BYTES as u64 + 1)?,
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn chain(session: &str) -> ChainId {
        ChainId::Session {
            tenant: "acme".parse().unwrap(),
            session: session.parse().unwrap(),
        }
    }

    #[test]
    fn a_key_is_found_until_it_is_destroyed_and_its_bytes_are_gone_then() {
        let folder = tempfile::tempdir().unwrap();
        let keys = PayloadKeys::at(folder.path().join("payloads"));
        let one = chain("one");
        let (first, key) = keys.make(&one, Syncs::Never).unwrap();
        let (second, other) = keys.make(&one, Syncs::Never).unwrap();
        let file = keys.file(&one);
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(keys.find(&one, &first).unwrap(), PayloadKey::Known(key));
        assert_eq!(
            keys.find(&chain("two"), &first).unwrap(),
            PayloadKey::Missing
        );
        assert_eq!(keys.destroy(&one, &[first.as_str()].into()).unwrap(), 1);
        assert_eq!(keys.destroy(&one, &[first.as_str()].into()).unwrap(), 0);
        assert_eq!(keys.find(&one, &first).unwrap(), PayloadKey::Destroyed);
        assert_eq!(keys.find(&one, &second).unwrap(), PayloadKey::Known(other));
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains(&hex(&key)) && text.contains(&hex(&other)));
    }

    #[test]
    fn a_line_that_was_cut_costs_no_other_key() {
        let folder = tempfile::tempdir().unwrap();
        let keys = PayloadKeys::at(folder.path().join("payloads"));
        let one = chain("one");
        let (first, key) = keys.make(&one, Syncs::Never).unwrap();
        let mut file = OpenOptions::new()
            .append(true)
            .open(keys.file(&one))
            .unwrap();
        file.write_all(b"0123456789abcdef0123456789abcdef 00ff")
            .unwrap();
        let (second, other) = keys.make(&one, Syncs::Never).unwrap();
        assert_eq!(keys.find(&one, &first).unwrap(), PayloadKey::Known(key));
        assert_eq!(keys.find(&one, &second).unwrap(), PayloadKey::Known(other));
        keys.destroy(&one, &[second.as_str()].into()).unwrap();
        assert_eq!(keys.find(&one, &second).unwrap(), PayloadKey::Destroyed);
        assert_eq!(keys.find(&one, &first).unwrap(), PayloadKey::Known(key));
    }
}
