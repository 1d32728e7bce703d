//! What tells that a file is still the same.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What tells that a file is still the same, without reading it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileStamp {
    path: PathBuf,
    state: Option<(u64, u64, u64, i64, i64, i64, i64)>,
}

impl FileStamp {
    /// Returns the stamp of the file at `path`, which need not be there.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let state = fs::metadata(path).ok().map(|it| {
            (
                it.dev(),
                it.ino(),
                it.size(),
                it.mtime(),
                it.mtime_nsec(),
                it.ctime(),
                it.ctime_nsec(),
            )
        });
        Self {
            path: path.to_path_buf(),
            state,
        }
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
