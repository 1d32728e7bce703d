//! Files that give power: whoever may write one may be whom it names.
//!
//! Such a file counts only if nobody but this process' own user and root may
//! write it, and one that holds a secret only if nobody else may read it. Nor may
//! anybody else write a folder on the way to it, who could put an older file of
//! the same owners in its place; where names belong to who made them, as in
//! `/tmp`, that is not possible.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use aegis_shell::in_quotes;

use crate::read_file::{open_regular, read_opened};

/// How many links are followed on the way to a file, as the system does.
const LINKS_MAX: usize = 40;

/// The bit by which a name in a folder belongs to who made it.
const STICKY: u32 = 0o1000;

/// Whether a file holds what others must not know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Secrecy {
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
pub fn read_guarded(path: &Path, bytes_max: u64, secrecy: Secrecy) -> Result<Vec<u8>, GuardError> {
    let (file, found) = open_guarded(path, secrecy)?;
    Ok(read_opened(file, &found, bytes_max)?)
}

/// Opens a file that gives power, if it counts: whoever reads what it returns reads
/// the file that was judged.
///
/// # Errors
///
/// Those of [`read_guarded`].
pub fn open_guarded(path: &Path, secrecy: Secrecy) -> Result<(File, Metadata), GuardError> {
    let (file, found) = open_regular(path)?;
    check(path, &found, secrecy)?;
    check_way(path)?;
    Ok((file, found))
}

/// Checks every folder in which a name is looked up on the way to `path`, and every
/// link that leads there.
fn check_way(path: &Path) -> Result<(), GuardError> {
    let names = |path: &Path| -> Vec<OsString> {
        path.components()
            .map(|part| part.as_os_str().to_owned())
            .collect()
    };
    let mut left: VecDeque<OsString> = names(&std::path::absolute(path)?).into();
    let (mut here, mut links) = (PathBuf::new(), 0);
    while let Some(name) = left.pop_front() {
        match Path::new(&name).components().next() {
            Some(Component::RootDir) => here = PathBuf::from("/"),
            Some(Component::ParentDir) => {
                here.pop();
            }
            Some(Component::Normal(_)) => {
                let folder = fs::metadata(&here)?;
                check_step(&here, folder.uid(), folder.mode() & 0o7777)?;
                let next = here.join(&name);
                let found = fs::symlink_metadata(&next)?;
                if !found.is_symlink() {
                    here = next;
                    continue;
                }
                // Nobody writes a link; its owner can put another one there.
                check_step(&next, found.uid(), 0)?;
                links += 1;
                if links > LINKS_MAX {
                    return Err(io::Error::other("too many links lead to it").into());
                }
                for name in names(&fs::read_link(&next)?).into_iter().rev() {
                    left.push_front(name);
                }
            }
            Some(Component::CurDir | Component::Prefix(_)) | None => {}
        }
    }
    Ok(())
}

fn check_step(step: &Path, owner: u32, mode: u32) -> Result<(), GuardError> {
    let own = rustix::process::geteuid().as_raw();
    let shared = if mode & STICKY == 0 { mode } else { 0 };
    let name = step.display();
    let quoted = in_quotes(&name.to_string());
    let message = match exposure(owner, shared, own, Secrecy::Open) {
        None => return Ok(()),
        Some(Exposure::Owner(owner)) => format!(
            "`{name}`, which leads to it, belongs to user {owner}, who can put another file in its \
             place; keep it in folders of this user {own} or of root"
        ),
        Some(Exposure::Writable | Exposure::Readable) => format!(
            "others can put another file in its place, because they may write the folder \
             `{name}` (mode {mode:03o}); look at what it says, then run `chmod go-w {quoted}`"
        ),
    };
    Err(GuardError::Exposed(message))
}

fn check(path: &Path, found: &Metadata, secrecy: Secrecy) -> Result<(), GuardError> {
    let own = rustix::process::geteuid().as_raw();
    let (owner, mode) = (found.uid(), found.mode() & 0o7777);
    let Some(exposure) = exposure(owner, mode, own, secrecy) else {
        return Ok(());
    };
    let path = in_quotes(&path.display().to_string());
    let message = match exposure {
        Exposure::Owner(owner) => format!(
            "it belongs to user {owner}, who is neither root nor this user {own}; run this as that \
             user, or look at what it says and then run `chown {own} {path}`"
        ),
        Exposure::Writable => format!(
            "others than its owner may write it (mode {mode:03o}); look at what it says, then \
             run `chmod go-w {path}`"
        ),
        Exposure::Readable => {
            format!("others than its owner may read it (mode {mode:03o}); run `chmod go= {path}`")
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
    fn a_folder_on_the_way_that_others_may_write_gives_their_power_to_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (kept, shared) = (root.join("kept"), root.join("shared"));
        for folder in [&kept, &shared] {
            fs::create_dir(folder).unwrap();
        }
        let (file, link) = (kept.join("file"), shared.join("link"));
        fs::write(&file, "text").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink("../kept/file", &link).unwrap();
        for (mode, counts) in [
            (0o755, true),
            (0o777, false),
            (0o775, false),
            (0o1777, true),
        ] {
            for (folder, path) in [(&kept, &file), (&shared, &link), (&kept, &link)] {
                fs::set_permissions(folder, Permissions::from_mode(mode)).unwrap();
                let read = read_guarded(path, 4, Secrecy::Secret);
                fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
                assert_eq!(
                    read.is_ok(),
                    counts,
                    "{mode:o} {}: {read:?}",
                    path.display()
                );
                if let Err(error) = read {
                    let remedy = format!("run `chmod go-w '{}'`", folder.display());
                    assert!(error.to_string().ends_with(&remedy), "{error}");
                }
            }
        }
    }

    #[test]
    fn what_is_refused_says_what_to_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it's");
        fs::write(&path, "text").unwrap();
        let read = |mode, secrecy| {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            read_guarded(&path, 4, secrecy).map_err(|error| error.to_string())
        };
        assert_eq!(read(0o644, Secrecy::Open).unwrap(), b"text");
        assert_eq!(read(0o600, Secrecy::Secret).unwrap(), b"text");
        let name = format!("'{}/it'\\''s'", folder.path().display());
        let written = read(0o664, Secrecy::Open).unwrap_err();
        assert!(
            written.ends_with(&format!("run `chmod go-w {name}`")),
            "{written}"
        );
        let shown = read(0o644, Secrecy::Secret).unwrap_err();
        assert!(
            shown.ends_with(&format!("run `chmod go= {name}`")),
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
