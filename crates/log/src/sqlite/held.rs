//! Telling whether the file that was opened is still the one at its path.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::fault::Fault;
use crate::log::StoreFault;

/// The file at a path, as it was when it was opened.
///
/// SQLite goes on with a file that was removed or replaced, and what it writes
/// there goes away with the process.
#[derive(Clone, Debug)]
pub(super) struct HeldFile {
    path: PathBuf,
    /// Its device and its number there, if there was one.
    found: Option<(u64, u64)>,
}

impl HeldFile {
    /// Looks at what is at `path` now.
    ///
    /// INVARIANT: called before the file is opened. One that is exchanged in
    /// between then counts as another, while afterwards it would be trusted.
    pub(super) fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            found: look(path),
        }
    }

    /// Checks that what is written to the file is found at its path.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let what = match look(&self.path) {
            Some(found) if self.found == Some(found) => return Ok(()),
            Some(_) => "replaced",
            None => "removed",
        };
        let path = self.path.display();
        Err(Fault::Unavailable(StoreFault::new(format!(
            "`{path}` was {what} while it was open: put that file back, or restart the service"
        ))))
    }
}

fn look(path: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
