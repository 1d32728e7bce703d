//! Reading files that somebody else may have put there.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

/// Reads a file or a pipe of at most `bytes_max` bytes.
///
/// # Errors
///
/// That of the system, and [`ErrorKind::FileTooLarge`] when there are more bytes.
pub fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    if file.metadata()?.len() <= bytes_max {
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
    if fs::metadata(path)?.is_file() {
        return read_bounded(path, bytes_max);
    }
    Err(io::Error::new(ErrorKind::InvalidInput, "it is no file"))
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
