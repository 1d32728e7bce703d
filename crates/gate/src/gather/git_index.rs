//! What the index of git says of a file.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::read_file::read_regular;

/// How large an index is read.
const BYTES_MAX: u64 = 64 << 20;

/// The most bytes of the file that says where the folder of git is.
const LINK_BYTES_MAX: u64 = 64 << 10;

/// How git sees a file of its work tree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tracking {
    /// It does not know the file.
    Untracked,
    /// The file is as git last saw it.
    Clean,
    /// The file was changed or removed since.
    Changed,
    /// It cannot be told.
    Unknown,
}

/// Returns the root of the work tree that `folder` lies in.
pub(crate) fn work_tree_of(folder: &Path) -> Option<PathBuf> {
    folder
        .ancestors()
        .find(|above| above.join(".git").exists())
        .map(Path::to_path_buf)
}

/// Returns how git sees `file`, which lies in the work tree `root`.
pub(crate) fn tracking(root: &Path, file: &Path) -> Tracking {
    let Ok(name) = file.strip_prefix(root) else {
        return Tracking::Unknown;
    };
    let Some(index) = read_index(root) else {
        return Tracking::Unknown;
    };
    let name = name.as_os_str().as_encoded_bytes();
    match find(&index, |known| known == name) {
        Some(Some(entry)) => {
            let is_clean =
                fs::symlink_metadata(file).is_ok_and(|metadata| entry.is_seen_in(&metadata));
            if is_clean {
                Tracking::Clean
            } else {
                Tracking::Changed
            }
        }
        Some(None) => Tracking::Untracked,
        None => Tracking::Unknown,
    }
}

/// Returns whether git tracks anything in `folder`, which lies in the work tree
/// `root`; nothing if it cannot be told.
pub(crate) fn tracks_in(root: &Path, folder: &Path) -> Option<bool> {
    let mut start = folder
        .strip_prefix(root)
        .ok()?
        .as_os_str()
        .as_encoded_bytes()
        .to_vec();
    if start.is_empty() {
        return Some(true);
    }
    start.push(b'/');
    let found = find(&read_index(root)?, |known| known.starts_with(&start))?;
    Some(found.is_some())
}

fn read_index(root: &Path) -> Option<Vec<u8>> {
    let git = root.join(".git");
    let folder = if git.is_file() {
        let link = read_regular(&git, LINK_BYTES_MAX).ok()?;
        let text = std::str::from_utf8(&link).ok()?;
        root.join(text.strip_prefix("gitdir:")?.trim())
    } else {
        git
    };
    let path = folder.join("index");
    match fs::metadata(&path) {
        Ok(_) => read_regular(&path, BYTES_MAX).ok(),
        // Without an index nothing is tracked.
        Err(_) => Some(Vec::new()),
    }
}

/// An entry of the index, as far as it is needed.
struct Entry {
    mtime_seconds: u32,
    inode: u32,
    size: u32,
}

impl Entry {
    fn is_seen_in(&self, metadata: &fs::Metadata) -> bool {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the index keeps the low 32 bits"
        )]
        let low = (
            metadata.mtime() as u32,
            metadata.ino() as u32,
            metadata.size() as u32,
        );
        low == (self.mtime_seconds, self.inode, self.size)
    }
}

/// Finds the first entry with a name that is `wanted`; the outer `None` when the index is of another form.
fn find(index: &[u8], wanted: impl Fn(&[u8]) -> bool) -> Option<Option<Entry>> {
    if index.is_empty() {
        return Some(None);
    }
    if index.get(..4)? != b"DIRC" {
        return None;
    }
    let version = word(index, 4)?;
    if !(2..=3).contains(&version) {
        return None;
    }
    let count = word(index, 8)?;
    let mut at = 12;
    for _ in 0..count {
        let flags = u16::from_be_bytes(index.get(at + 60..at + 62)?.try_into().ok()?);
        let start = at + if flags & 0x4000 == 0 { 62 } else { 64 };
        let rest = index.get(start..)?;
        let length = rest.iter().position(|byte| *byte == 0)?;
        if wanted(rest.get(..length)?) {
            return Some(Some(Entry {
                mtime_seconds: word(index, at + 8)?,
                inode: word(index, at + 20)?,
                size: word(index, at + 36)?,
            }));
        }
        // Entries are padded with one to eight zero bytes.
        let whole = start + length - at;
        at += (whole + 8) & !7;
    }
    Some(None)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(names: &[&str], metadata: &fs::Metadata) -> Vec<u8> {
        let mut bytes = b"DIRC".to_vec();
        bytes.extend(2_u32.to_be_bytes());
        bytes.extend(u32::try_from(names.len()).unwrap().to_be_bytes());
        for name in names {
            let start = bytes.len();
            let mut entry = [0_u8; 62];
            entry[8..12].copy_from_slice(&(metadata.mtime() as u32).to_be_bytes());
            entry[20..24].copy_from_slice(&(metadata.ino() as u32).to_be_bytes());
            entry[36..40].copy_from_slice(&(metadata.size() as u32).to_be_bytes());
            bytes.extend(entry);
            bytes.extend(name.as_bytes());
            bytes.push(0);
            while !(bytes.len() - start).is_multiple_of(8) {
                bytes.push(0);
            }
        }
        bytes
    }

    #[test]
    fn the_index_tells_tracked_files_from_others_and_changed_ones_from_clean_ones() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join(".git")).unwrap();
        let file = root.join("b.txt");
        fs::write(&file, "one").unwrap();
        let metadata = fs::symlink_metadata(&file).unwrap();
        let bytes = index(&["a/long/name.txt", "b.txt"], &metadata);
        fs::write(root.join(".git/index"), bytes).unwrap();
        assert_eq!(tracking(root, &file), Tracking::Clean);
        assert_eq!(tracking(root, &root.join("c.txt")), Tracking::Untracked);
        fs::write(&file, "longer").unwrap();
        assert_eq!(tracking(root, &file), Tracking::Changed);
        fs::write(root.join(".git/index"), b"DIRC\0\0\0\x04").unwrap();
        assert_eq!(tracking(root, &file), Tracking::Unknown);
        assert_eq!(work_tree_of(&root.join("x/y")), Some(root.to_path_buf()));
    }
}
