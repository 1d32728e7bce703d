//! What tells that a file is still the same.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Device, inode, size, and the times of the last changes in seconds and nanoseconds.
type State = (u64, u64, u64, i64, i64, i64, i64);

/// What tells that a file is still the same, without reading it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileStamp {
    path: PathBuf,
    state: Option<State>,
}

impl FileStamp {
    /// Returns the stamp of the file at `path`, which need not be there.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            state: state_of(path),
        }
    }

    /// Returns whether the file is still the same.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.state == state_of(&self.path)
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What was read from files, with what tells that it would be read the same again.
#[derive(Clone, Debug)]
pub struct Stamped<T> {
    stamps: Vec<FileStamp>,
    value: T,
}

impl<T> Stamped<T> {
    /// Reads `files` by `read`. A file that changes meanwhile shows: the stamps are
    /// those from before.
    ///
    /// # Errors
    ///
    /// Those of `read`.
    pub fn read<'a, E>(
        files: impl IntoIterator<Item = &'a Path>,
        read: impl FnOnce() -> Result<T, E>,
    ) -> Result<Self, E> {
        let stamps = files.into_iter().map(FileStamp::of).collect();
        Ok(Self::new(stamps, read()?))
    }

    /// Returns `value`, which was read after `stamps` were taken.
    #[must_use]
    pub const fn new(stamps: Vec<FileStamp>, value: T) -> Self {
        Self { stamps, value }
    }

    /// Returns whether every file is still the same.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.stamps.iter().all(FileStamp::holds)
    }

    /// Returns what was read.
    #[must_use]
    pub const fn value(&self) -> &T {
        &self.value
    }
}

fn state_of(path: &Path) -> Option<State> {
    let found = fs::metadata(path).ok()?;
    Some((
        found.dev(),
        found.ino(),
        found.size(),
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec(),
    ))
}
