//! Telling whether the file that was opened is still the one at its path.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::still::beside;
use crate::log::StoreFault;

/// The file at a path and the WAL beside it, as they were when they were opened.
///
/// SQLite goes on with a file that was removed or replaced, and what it writes
/// there goes away with the process.
#[derive(Clone, Debug)]
pub(super) struct HeldFile {
    path: PathBuf,
    found: Option<Stamp>,
    wal_path: PathBuf,
    /// The WAL, which nobody removes in good faith while it is open.
    wal: Option<Stamp>,
    /// Whether there is one as long as the file is open: a writer makes it.
    has_wal: bool,
}

/// What tells a file from another one at its path: its device, and its number there.
type Stamp = (u64, u64);

impl HeldFile {
    /// Looks at what is at `path` now.
    ///
    /// INVARIANT: called before the file is opened. One that is exchanged in
    /// between then counts as another, while afterwards it would be trusted.
    pub(super) fn at(path: &Path) -> Self {
        let wal_path = beside(path, "-wal");
        Self {
            path: path.to_owned(),
            found: look(path),
            wal: look(&wal_path),
            wal_path,
            has_wal: false,
        }
    }

    /// Looks at the WAL that was made when the file was opened, if none was there.
    ///
    /// Whoever opened it to write has made one: if there is none now, it was removed.
    pub(super) fn note_wal(&mut self, is_written: bool) {
        self.wal = self.wal.or_else(|| look(&self.wal_path));
        self.has_wal = is_written || self.wal.is_some();
    }

    /// Checks that what is written to the file or the WAL is found at its path.
    pub(super) fn check(&self) -> Result<(), Fault> {
        check(&self.path, self.found)?;
        if self.has_wal {
            check(&self.wal_path, self.wal)?;
        }
        Ok(())
    }
}

/// Checks that what was `held` is at `path` still.
fn check(path: &Path, held: Option<Stamp>) -> Result<(), Fault> {
    let what = match look(path) {
        Some(found) if held == Some(found) => return Ok(()),
        Some(_) => "replaced",
        None => "removed",
    };
    let path = path.display();
    Err(Fault::Unavailable(StoreFault::new(format!(
        "`{path}` was {what} while it was open: put that file back, or restart the service"
    ))))
}

fn look(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wal_that_a_writer_does_not_find_was_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        fs::write(&path, "").unwrap();
        let mut held = HeldFile::at(&path);
        held.note_wal(false);
        assert!(held.check().is_ok(), "a reader needs none");
        held.note_wal(true);
        assert!(held.check().is_err());
        fs::write(folder.path().join("log.db-wal"), "").unwrap();
        assert!(held.check().is_err(), "it is not the one that was made");
    }
}
