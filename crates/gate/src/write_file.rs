//! Writing files that only their owner may read.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::identifier::random_text;
use crate::own_files::refuse_link;

/// Makes `folder` and those above it that are missing; only the owner may enter them.
///
/// A link in its place is refused, even one to a folder.
///
/// # Errors
///
/// When the system refuses, or a link lies in its place.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    refuse_link(folder)?;
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes a file as a whole or not at all; only the owner may read it.
///
/// # Errors
///
/// When the system refuses, or a link lies in its place.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = write_temporary(path, bytes)?;
    let renamed = fs::rename(&temporary, path);
    if renamed.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    renamed
}

/// Writes a file that must not be there yet, as a whole or not at all.
pub(crate) fn write_new_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = write_temporary(path, bytes)?;
    let linked = fs::hard_link(&temporary, path);
    let _ = fs::remove_file(&temporary);
    linked
}

fn write_temporary(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_private_folder(folder)?;
    refuse_link(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let random = random_text().map_err(io::Error::other)?;
    let temporary = folder.join(format!(".{name}.{random}"));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
    match written {
        Ok(()) => Ok(temporary),
        Err(error) => {
            let _ = fs::remove_file(&temporary);
            Err(error)
        }
    }
}

/// Reads a file that only its owner, this user, may write; nothing otherwise.
pub(crate) fn read_owned(path: &Path) -> Option<Vec<u8>> {
    let metadata = fs::symlink_metadata(path).ok()?;
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
    if !metadata.is_file() || !is_ours || metadata.mode() & 0o077 != 0 {
        return None;
    }
    fs::read(path).ok()
}
