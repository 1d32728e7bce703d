//! Opening a file that nobody writes, and leaving nothing beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Returns the name by which SQLite opens a file without a lock, and without
/// making anything beside it.
pub(crate) fn immutable(path: &Path) -> String {
    let mut name = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => name.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => name.push(char::from(*byte)),
            byte => {
                let _ = write!(name, "%{byte:02x}");
            }
        }
    }
    name + "?immutable=1"
}

/// Returns the path of what SQLite keeps beside `path` under this ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Tells whether the WAL beside `path` holds something.
pub(super) fn has_wal(path: &Path) -> bool {
    std::fs::metadata(beside(path, "-wal")).is_ok_and(|found| found.len() > 0)
}
