//! Reading files that somebody else may have put there.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

/// Nobody waits for the other end of a pipe, and no terminal becomes that of this
/// process.
const SAFELY: i32 = OFlags::NONBLOCK.union(OFlags::NOCTTY).bits().cast_signed();

/// For whom a file is read.
///
/// A service may read more than those who ask it. What it reads for them must
/// not show them, in a verdict or in an error, what they may not read themselves.
/// That holds for what is in settings and policies. Where paths lead, and which
/// names an archive holds, is looked up for everybody alike.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Reader {
    /// For the owner of this process.
    #[default]
    Own,
    /// For another user.
    User(u32),
    /// For somebody who has no account here.
    Nobody,
}

/// Reads a file or a pipe of at most `bytes_max` bytes.
///
/// # Errors
///
/// That of the system, and [`ErrorKind::FileTooLarge`] when there are more bytes.
pub fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    read_opened(file, &found, bytes_max)
}

/// Reads at most `bytes_max` bytes of what was opened.
pub(crate) fn read_opened(file: File, found: &Metadata, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if found.len() <= bytes_max {
        file.take(bytes_max.saturating_add(1))
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= bytes_max {
            return Ok(bytes);
        }
    }
    let message = format!("the file is larger than {}", size(bytes_max));
    Err(io::Error::new(ErrorKind::FileTooLarge, message))
}

/// Reads a file of at most `bytes_max` bytes, and nothing that could make the reader wait.
///
/// # Errors
///
/// Those of [`read_bounded`], and [`ErrorKind::InvalidInput`] when it is no file.
pub fn read_regular(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let (file, found) = open_regular(path)?;
    read_opened(file, &found, bytes_max)
}

/// Opens a file, and nothing else that a path may name, and says what it is.
///
/// # Errors
///
/// That of the system; [`ErrorKind::InvalidInput`] if it is no file.
pub fn open_regular(path: &Path) -> io::Result<(File, Metadata)> {
    let no_file = || io::Error::new(ErrorKind::InvalidInput, "it is no file");
    // A device may do something as soon as it is opened.
    if !fs::metadata(path)?.is_file() {
        return Err(no_file());
    }
    let mut options = OpenOptions::new();
    let file = match options.read(true).custom_flags(SAFELY).open(path) {
        // Somebody holds a lease on a file, and gives it up for who waits.
        Err(error) if error.kind() == ErrorKind::WouldBlock => open_leased(path)?,
        opened => opened?,
    };
    // Something else may have been put there since.
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(no_file());
    }
    Ok((file, found))
}

/// Opens a file for which its holder of a lease is waited, and nothing else: what is
/// named is held before it is opened, so nothing is exchanged for it meanwhile.
fn open_leased(path: &Path) -> io::Result<File> {
    let flags = OFlags::PATH.bits().cast_signed();
    let named = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    if !named.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no file"));
    }
    File::open(format!("/proc/self/fd/{}", named.as_raw_fd()))
}

/// Reads a file as [`read_regular`] does, if `reader` may read it.
///
/// Their groups are not known here: what only a group may read is not read.
///
/// # Errors
///
/// Those of [`read_regular`], and [`ErrorKind::PermissionDenied`].
pub(crate) fn read_for(reader: Reader, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    if reader == Reader::Own {
        return read_regular(path, bytes_max);
    }
    // What is open cannot be exchanged for something else any more.
    let (file, found) = open_regular(path)?;
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    let real = fs::read_link(&open)?;
    let may = |found: &Metadata, others: u32| {
        Reader::User(found.uid()) == reader || found.mode() & others != 0
    };
    let is_theirs = may(&found, 0o004)
        && real
            .ancestors()
            .skip(1)
            .all(|folder| fs::metadata(folder).is_ok_and(|found| may(&found, 0o001)));
    if is_theirs {
        return read_opened(file, &found, bytes_max);
    }
    let message = "the one who asks may not read it";
    Err(io::Error::new(ErrorKind::PermissionDenied, message))
}

fn size(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mebibytes => format!("{mebibytes} MiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, vec![b'x'; 1024]).unwrap();
        assert_eq!(read_regular(&path, 1024).unwrap().len(), 1024);
        let error = read_regular(&path, 1023).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        fs::write(&path, vec![b'x'; 2 << 20]).unwrap();
        let error = read_regular(&path, 1 << 20).unwrap_err();
        assert_eq!(error.to_string(), "the file is larger than 1 MiB");
    }

    #[test]
    fn for_others_only_what_they_may_read_themselves_is_read() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mode = |name: &str, mode| {
            fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        fs::write(at("file"), "text").unwrap();
        symlink(at("file"), at("link")).unwrap();
        let own = rustix::process::geteuid().as_raw();
        let others = [Reader::User(own + 1), Reader::Nobody];
        for (of_folder, of_file, expected) in [
            (0o755, 0o644, true),
            (0o711, 0o604, true),
            (0o755, 0o640, false),
            (0o700, 0o644, false),
        ] {
            mode("", of_folder);
            mode("file", of_file);
            for name in ["file", "link"] {
                assert!(read_for(Reader::Own, &at(name), 9).is_ok());
                assert!(read_for(Reader::User(own), &at(name), 9).is_ok());
                for reader in others {
                    let read = read_for(reader, &at(name), 9);
                    assert_eq!(read.is_ok(), expected, "{of_folder:o} {of_file:o} {read:?}");
                }
            }
        }
    }

    #[test]
    fn a_device_without_end_is_read_up_to_the_bound_and_never_as_a_file() {
        let endless = Path::new("/dev/zero");
        let error = read_bounded(endless, 64 << 10).unwrap_err();
        assert_eq!(error.to_string(), "the file is larger than 64 KiB");
        let error = read_regular(endless, 64 << 10).unwrap_err();
        assert_eq!(error.to_string(), "it is no file");
    }

    #[test]
    fn a_pipe_that_nobody_writes_to_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let mode = rustix::fs::Mode::RWXU;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let error = read_regular(&path, 1024).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}
