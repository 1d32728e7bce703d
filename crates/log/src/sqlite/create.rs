//! Making a log file, whole from the first moment it can be seen.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::connection::OpenLogError;
use super::schema::{APPLICATION_ID, CREATE, FORMAT};
use crate::log::StoreFault;

/// Makes an empty log at `path`, unless another process was quicker.
///
/// The file is made under a name of its own and linked into place, so that
/// nobody ever opens half a log and only one of several makers wins.
pub(super) fn create(path: &Path) -> Result<(), OpenLogError> {
    let directory = folder_of(path);
    let draft = draft_path(path);
    let made = fill(&draft)
        .and_then(|()| link(&draft, path))
        .and_then(|()| sync_directory(directory).map_err(unavailable));
    // What is left of a failed attempt is of no use to anyone.
    let removed = fs::remove_file(&draft);
    made?;
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unavailable(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Returns a name beside `path` that no other process or thread uses for it.
pub(super) fn draft_path(path: &Path) -> PathBuf {
    let thread = format!("{:?}", std::thread::current().id());
    let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!("-{}-{thread}.draft", std::process::id()));
    folder_of(path).join(name)
}

/// Makes an empty file that only its owner may read, in place of what is there.
pub(super) fn begin_draft(draft: &Path) -> io::Result<()> {
    // What a killed process of the same number left, or a link that somebody put there.
    let _ = fs::remove_file(draft);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(draft).map(|_| ())
}

fn fill(draft: &Path) -> Result<(), OpenLogError> {
    begin_draft(draft).map_err(unavailable)?;
    let connection = Connection::open(draft).map_err(failed)?;
    let header = format!(
        "PRAGMA page_size = 4096; PRAGMA synchronous = OFF; BEGIN IMMEDIATE; {CREATE}
         INSERT INTO store VALUES ('format', {FORMAT}), ('generation', 0), ('folded', 0);
         PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}; COMMIT;
         PRAGMA synchronous = FULL;"
    );
    connection.execute_batch(&header).map_err(failed)?;
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(failed)?;
    if mode != "wal" {
        return Err(OpenLogError::Unavailable(StoreFault::new(
            "the file system does not allow a write-ahead log",
        )));
    }
    // Closing the only connection folds the log back and leaves one file.
    connection.close().map_err(|(_, error)| failed(error))?;
    File::open(draft)
        .and_then(|file| file.sync_all())
        .map_err(unavailable)
}

fn link(draft: &Path, path: &Path) -> Result<(), OpenLogError> {
    match fs::hard_link(draft, path) {
        // Another maker came first; theirs is as good.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked.map_err(unavailable),
    }
}

/// Makes what was named or renamed in `directory` durable.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Returns the folder in which `path` lies.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

fn failed(error: rusqlite::Error) -> OpenLogError {
    OpenLogError::of(error, 0)
}

fn unavailable(error: io::Error) -> OpenLogError {
    let is = |kinds: &[io::ErrorKind]| kinds.contains(&error.kind());
    if is(&[io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded]) {
        OpenLogError::Full
    } else if is(&[io::ErrorKind::ReadOnlyFilesystem]) {
        OpenLogError::ReadOnly
    } else {
        OpenLogError::Unavailable(StoreFault::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_the_place_of_the_draft_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        let log = folder.path().join("log.db");
        std::os::unix::fs::symlink(&elsewhere, draft_path(&log)).unwrap();
        create(&log).unwrap();
        assert!(!elsewhere.exists());
        assert!(log.is_file());
    }
}
