//! Files that give power: whoever may write one may be whom it names.
//!
//! Such a file counts only if nobody but the service's own user and root may
//! write it, and one that holds a secret only if nobody else may read it.
//!
//! Only the file is judged, as it was opened, and not the folders that lead to
//! it: whoever may write one of those can take such a file away, or put another
//! file of the same owners in its place.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use aegis_tls::open_file;

/// Whether a file holds what others must not know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Secrecy {
    /// Others may read it.
    Open,
    /// Only its owner may.
    Secret,
}

/// Why a file that gives power is not read.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The system gives no such file.
    #[error(transparent)]
    System(#[from] io::Error),
    /// It is in others' hands, and this says what to do.
    #[error("{0}")]
    Exposed(String),
}

impl From<GuardError> for io::Error {
    fn from(error: GuardError) -> Self {
        match error {
            GuardError::System(error) => error,
            GuardError::Exposed(message) => Self::new(ErrorKind::PermissionDenied, message),
        }
    }
}

/// How a file that gives power is exposed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Exposure {
    Owner(u32),
    Writable,
    Readable,
}

/// Reads a file of at most `bytes_max` bytes that gives power.
///
/// # Errors
///
/// [`GuardError::Exposed`] when others may write it, or read it though it is
/// [`Secrecy::Secret`].
pub(crate) fn read_guarded(
    path: &Path,
    bytes_max: u64,
    secrecy: Secrecy,
) -> Result<Vec<u8>, GuardError> {
    let (file, _) = open(path, secrecy)?;
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        let message = format!("the file is larger than {bytes_max} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, message).into());
    }
    Ok(bytes)
}

/// Opens a file that gives power, if it counts.
pub(crate) fn open(path: &Path, secrecy: Secrecy) -> Result<(File, Metadata), GuardError> {
    let (file, found) = open_file(path)?;
    check(path, &found, secrecy)?;
    Ok((file, found))
}

fn check(path: &Path, found: &Metadata, secrecy: Secrecy) -> Result<(), GuardError> {
    let own = rustix::process::geteuid().as_raw();
    let (owner, mode) = (found.uid(), found.mode() & 0o7777);
    let Some(exposure) = exposure(owner, mode, own, secrecy) else {
        return Ok(());
    };
    let path = path.display();
    let message = match exposure {
        Exposure::Owner(owner) => format!(
            "it belongs to user {owner}, who is neither root nor this user {own}; run this as that \
             user, or look at what it says and then run `chown {own} '{path}'`"
        ),
        Exposure::Writable => format!(
            "others than its owner may write it (mode {mode:03o}); look at what it says, then \
             run `chmod go-w '{path}'`"
        ),
        Exposure::Readable => {
            format!("others than its owner may read it (mode {mode:03o}); run `chmod go= '{path}'`")
        }
    };
    Err(GuardError::Exposed(message))
}

fn exposure(owner: u32, mode: u32, own: u32, secrecy: Secrecy) -> Option<Exposure> {
    if owner != own && owner != 0 {
        return Some(Exposure::Owner(owner));
    }
    if mode & 0o022 != 0 {
        return Some(Exposure::Writable);
    }
    (secrecy == Secrecy::Secret && mode & 0o044 != 0).then_some(Exposure::Readable)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_a_file_of_this_user_or_root_that_nobody_else_writes_counts() {
        let open = |owner, mode| exposure(owner, mode, 500, Secrecy::Open);
        for (owner, mode) in [(500, 0o644), (500, 0o400), (0, 0o644), (0, 0o755)] {
            assert_eq!(open(owner, mode), None, "{owner} {mode:o}");
        }
        assert_eq!(open(501, 0o600), Some(Exposure::Owner(501)));
        for mode in [0o664, 0o646, 0o622] {
            assert_eq!(open(500, mode), Some(Exposure::Writable), "{mode:o}");
        }
        let secret = |mode| exposure(500, mode, 500, Secrecy::Secret);
        assert_eq!(secret(0o600), None);
        for mode in [0o640, 0o604] {
            assert_eq!(secret(mode), Some(Exposure::Readable), "{mode:o}");
        }
    }

    #[test]
    fn what_is_refused_says_what_to_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "text").unwrap();
        let read = |mode, secrecy| {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            read_guarded(&path, 4, secrecy).map_err(|error| error.to_string())
        };
        assert_eq!(read(0o644, Secrecy::Open).unwrap(), b"text");
        assert_eq!(read(0o600, Secrecy::Secret).unwrap(), b"text");
        let name = path.display();
        let written = read(0o664, Secrecy::Open).unwrap_err();
        assert!(
            written.ends_with(&format!("run `chmod go-w '{name}'`")),
            "{written}"
        );
        let shown = read(0o644, Secrecy::Secret).unwrap_err();
        assert!(
            shown.ends_with(&format!("run `chmod go= '{name}'`")),
            "{shown}"
        );
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(read_guarded(&path, 3, Secrecy::Secret).is_err());
    }

    #[test]
    fn a_pipe_is_refused_without_waiting_for_its_other_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
        let refused = read_guarded(&path, 4, Secrecy::Open).unwrap_err();
        assert!(matches!(refused, GuardError::System(_)), "{refused}");
    }
}
