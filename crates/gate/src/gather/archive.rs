//! The names that archives hold, read without unpacking anything.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// How many names of one archive are looked at.
pub(crate) const NAMES_MAX: usize = 1 << 16;

/// How large the directory of a zip file is read.
const DIRECTORY_BYTES_MAX: u64 = 16 << 20;

/// The longest name that a tar file may give in a block of its own.
const NAME_BYTES_MAX: u64 = 64 * 1024;

/// The size of a block of a tar file.
const BLOCK: u64 = 512;

/// Returns the names that the archive at `path` holds; `None` if they cannot
/// be told, as when it is compressed.
pub(crate) fn names(path: &Path) -> Option<Vec<String>> {
    let mut file = File::open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut start = [0; 4];
    file.read_exact(&mut start).ok()?;
    if start.starts_with(b"PK") {
        names_of_zip(&mut file)
    } else {
        names_of_tar(&mut file)
    }
}

fn names_of_tar(file: &mut File) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut at = 0;
    loop {
        file.seek(SeekFrom::Start(at)).ok()?;
        let mut header = [0; 512];
        if file.read_exact(&mut header).is_err() {
            // Without the empty blocks at its end it is read all the same.
            return Some(names).filter(|_| at > 0);
        }
        if header.iter().all(|byte| *byte == 0) {
            return Some(names);
        }
        if header.get(257..262)? != b"ustar" || names.len() >= NAMES_MAX {
            return None;
        }
        let size = octal(header.get(124..136)?)?;
        let content = at.checked_add(BLOCK)?;
        match header.get(156)? {
            // A long name, or attributes among which is the name, of the next file.
            b'L' | b'K' | b'x' | b'g' => {
                let mut bytes = Vec::new();
                let length = Some(size).filter(|size| *size <= NAME_BYTES_MAX)?;
                file.take(length).read_to_end(&mut bytes).ok()?;
                names.extend(names_in_attributes(&bytes));
            }
            _ => names.push(name_of(&header)?),
        }
        at = content.checked_add(size.checked_next_multiple_of(BLOCK)?)?;
    }
}

fn name_of(header: &[u8; 512]) -> Option<String> {
    let name = until_zero(header.get(..100)?);
    let prefix = until_zero(header.get(345..500)?);
    // The old form of GNU keeps times where the prefix is.
    let is_posix = header.get(262) == Some(&0);
    Some(if prefix.is_empty() || !is_posix {
        name
    } else {
        format!("{prefix}/{name}")
    })
}

fn names_in_attributes(bytes: &[u8]) -> Vec<String> {
    let text = until_zero(bytes);
    let attributes = text.lines().filter_map(|line| {
        let (_, value) = line.split_once("path=")?;
        Some(value.to_owned())
    });
    let mut names: Vec<String> = attributes.collect();
    names.push(text);
    names
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = until_zero(field);
    u64::from_str_radix(text.trim(), 8).ok()
}

fn until_zero(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

fn names_of_zip(file: &mut File) -> Option<Vec<String>> {
    let length = file.metadata().ok()?.len();
    // The end of the directory is followed by a comment of at most 64 KiB.
    let tail_start = length.saturating_sub(22 + 0xffff);
    let tail = read_at(file, tail_start, length - tail_start)?;
    let end = tail.windows(4).rposition(|bytes| bytes == b"PK\x05\x06")?;
    let end = tail.get(end..)?;
    let count = u16::from_le_bytes(end.get(10..12)?.try_into().ok()?);
    let size = u64::from(word(end, 12)?);
    let start = u64::from(word(end, 16)?);
    if count == u16::MAX || size > DIRECTORY_BYTES_MAX {
        return None;
    }
    let directory = read_at(file, start, size)?;
    let mut names = Vec::new();
    let mut rest = directory.as_slice();
    while !rest.is_empty() {
        if rest.get(..4)? != b"PK\x01\x02" {
            return None;
        }
        let length = |at: usize| -> Option<usize> {
            let bytes = rest.get(at..at + 2)?.try_into().ok()?;
            Some(usize::from(u16::from_le_bytes(bytes)))
        };
        let (name, more) = (length(28)?, length(30)? + length(32)?);
        names.push(String::from_utf8_lossy(rest.get(46..46 + name)?).into_owned());
        rest = rest.get(46 + name + more..)?;
    }
    (names.len() == usize::from(count)).then_some(names)
}

fn read_at(file: &mut File, start: u64, length: u64) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plain_archive_cannot_be_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        for bytes in [&b""[..], b"\x1f\x8b\x08\x00", b"PK\x03\x04", &[7; 2_000]] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(names(&path), None, "{bytes:?}");
        }
        assert_eq!(names(folder.path()), None);
    }

    #[test]
    fn attributes_name_files() {
        let names = names_in_attributes(b"20 path=a/b c\n12 mtime=1\n");
        assert!(names.contains(&"a/b c".to_owned()));
    }
}
