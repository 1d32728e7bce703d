//! The names that archives hold, read without unpacking anything.
//!
//! Programs read the same bytes in more than one way, and links lead where no
//! name says. An archive that leaves room for either cannot be told.

use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// How many names of one archive are looked at.
pub(crate) const NAMES_MAX: usize = 1 << 16;

/// How long all names of one archive may be together.
const ALL_NAMES_BYTES_MAX: usize = 16 << 20;

/// How large the directory of a zip file is read.
const DIRECTORY_BYTES_MAX: u64 = 16 << 20;

/// The longest name that a tar file may give in a block of its own.
const NAME_BYTES_MAX: u64 = 64 * 1024;

/// The size of a block of a tar file.
const BLOCK: u64 = 512;

/// How much of a compressed archive is unpacked to find its names.
const UNPACKED_BYTES_MAX: u64 = 128 << 20;

/// How files of other formats start; a name in a tar file could start so too.
const OTHER_STARTS: &[&[u8]] = &[
    b"PK", b"BZh", b"LZIP", b"LRZI", b"GRZip", b"Rar!", b"7z", b"!<", b"xar!", b"MSCF", b"0707",
    b"]", b"begin", b"#",
];

/// Which archives a program reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    Tar,
    Zip,
    /// Whichever the file starts as.
    Any,
}

/// The names found so far.
#[derive(Default)]
struct Names {
    names: Vec<String>,
    bytes: usize,
}

impl Names {
    /// Adds a name; `None` if there are too many.
    fn add(&mut self, name: String) -> Option<()> {
        self.bytes += name.len();
        self.names.push(name);
        let is_bounded = self.names.len() <= NAMES_MAX && self.bytes <= ALL_NAMES_BYTES_MAX;
        is_bounded.then_some(())
    }
}

/// Returns the names that the archive at `path` holds; `None` if they cannot
/// be told, as when it is compressed or not of `format`.
pub(crate) fn names(path: &Path, format: Format) -> Option<Vec<String>> {
    // To open what is no file, as a fifo, may take for ever.
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut file = File::open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut start = [0; 8];
    file.read_exact(&mut start).ok()?;
    file.rewind().ok()?;
    if start.starts_with(b"\x1f\x8b") {
        return match format {
            Format::Tar | Format::Any => names_of_compressed(file),
            Format::Zip => None,
        };
    }
    let is_zip = start.starts_with(b"PK\x03\x04");
    match format {
        Format::Zip | Format::Any if is_zip => names_of_zip(&mut file),
        Format::Tar | Format::Any if !is_zip => {
            is_plain(&start).then(|| names_of_tar(&mut file))?
        }
        Format::Tar | Format::Zip | Format::Any => None,
    }
}

/// Returns whether a file that starts so may be a tar file and nothing else.
fn is_plain(start: &[u8]) -> bool {
    start.first().is_some_and(u8::is_ascii_graphic)
        && !OTHER_STARTS.iter().any(|other| start.starts_with(other))
}

/// What is read from its start to its end.
trait Tape: Read {
    /// Goes on by this many bytes.
    fn skip(&mut self, bytes: u64) -> io::Result<()>;
}

impl Tape for File {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let bytes = i64::try_from(bytes).map_err(io::Error::other)?;
        self.seek(SeekFrom::Current(bytes)).map(drop)
    }
}

/// What a file holds that is compressed as by gzip.
struct Unpacked(io::Take<MultiGzDecoder<File>>);

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Tape for Unpacked {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        io::copy(&mut (&mut self.0).take(bytes), &mut io::sink()).map(drop)
    }
}

/// Returns the names in a compressed tar file; `None` also if it goes on
/// beyond what is looked at, or is broken before its end.
fn names_of_compressed(file: File) -> Option<Vec<String>> {
    let again = file.try_clone().ok()?;
    let mut start = [0; 8];
    MultiGzDecoder::new(file).read_exact(&mut start).ok()?;
    let mut file = again;
    file.rewind().ok()?;
    let mut tape = Unpacked(MultiGzDecoder::new(file).take(UNPACKED_BYTES_MAX));
    let names = is_plain(&start).then(|| names_of_tar(&mut tape))??;
    // Whatever follows the end is still checked by the program that unpacks.
    io::copy(&mut tape, &mut io::sink()).ok()?;
    (tape.0.limit() > 0).then_some(names)
}

fn names_of_tar(tape: &mut impl Tape) -> Option<Vec<String>> {
    let mut found = Names::default();
    let mut is_first = true;
    loop {
        let mut header = [0; 512];
        match tape.read_exact(&mut header) {
            Ok(()) => {}
            // Without the empty blocks at its end it is read all the same.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Some(found.names).filter(|_| !is_first);
            }
            Err(_) => return None,
        }
        is_first = false;
        if is_empty(&header) {
            // Some programs go on after a single empty block.
            let is_end = tape.read_exact(&mut header).is_err() || is_empty(&header);
            return is_end.then_some(found.names);
        }
        if header.get(257..262)? != b"ustar" || !is_summed(&header)? {
            return None;
        }
        let size = octal(header.get(124..136)?)?;
        let mut content = size.checked_next_multiple_of(BLOCK)?;
        match header.get(156)? {
            // A long name or link of the next file, or attributes of it or of all files.
            kind @ (b'L' | b'K' | b'x' | b'g') => {
                let mut bytes = Vec::new();
                let length = Some(size).filter(|size| *size <= NAME_BYTES_MAX)?;
                let read = tape.by_ref().take(length).read_to_end(&mut bytes).ok()?;
                content = content.checked_sub(u64::try_from(read).ok()?)?;
                match kind {
                    b'L' => found.add(until_zero(&bytes))?,
                    b'K' => add_link(&until_zero(&bytes), "", &mut found)?,
                    _ => add_attributes(&bytes, &mut found)?,
                }
            }
            b'0' | b'7' | 0 => found.add(name_of(&header)?)?,
            // Programs disagree on whether these have a content.
            kind @ (b'1' | b'2' | b'3' | b'4' | b'5' | b'6') if size == 0 => {
                let name = name_of(&header)?;
                let target = until_zero(header.get(157..257)?);
                match kind {
                    b'1' => add_link(&target, "", &mut found)?,
                    b'2' => add_link(&target, &name, &mut found)?,
                    _ => {}
                }
                found.add(name)?;
            }
            _ => return None,
        }
        tape.skip(content).ok()?;
    }
}

fn is_empty(header: &[u8; 512]) -> bool {
    header.iter().all(|byte| *byte == 0)
}

/// Returns whether the sum in a header is right: where it is not, programs look
/// for the next header wherever it may be.
fn is_summed(header: &[u8; 512]) -> Option<bool> {
    let bytes = header.iter().enumerate();
    let sum: u64 = bytes
        .map(|(index, byte)| match index {
            148..156 => u64::from(b' '),
            _ => u64::from(*byte),
        })
        .sum();
    Some(octal(header.get(148..156)?)? == sum)
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

/// Adds where a link leads from the folder of the file `from`; `None` if it
/// leaves that folder or names what is hidden.
fn add_link(target: &str, from: &str, found: &mut Names) -> Option<()> {
    let mut steps = target.split('/').filter(|step| *step != ".");
    if target.starts_with('/') || steps.any(|step| step.starts_with('.')) {
        return None;
    }
    // The folder that it leads to may be a link as well, to be followed.
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    found.add(format!("./{folder}/{target}"))?;
    found.add(format!("./{folder}/{target}/file"))
}

/// Adds the names among attributes; `None` if there are others that change
/// what a file is called or how long it is.
fn add_attributes(bytes: &[u8], found: &mut Names) -> Option<()> {
    const HARMLESS: &[&str] = &[
        "mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment",
    ];
    let mut rest = bytes;
    while !rest.is_empty() {
        let digits = rest.split(|byte| *byte == b' ').next()?;
        let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let record = rest.get(digits.len() + 1..length)?;
        rest = rest.get(length..)?;
        let record = String::from_utf8_lossy(record.strip_suffix(b"\n")?).into_owned();
        let (key, value) = record.split_once('=')?;
        match key {
            _ if value.contains('\0') => return None,
            "path" => found.add(value.to_owned())?,
            "linkpath" => add_link(value, "", found)?,
            _ if HARMLESS.contains(&key) || key.contains(".xattr.") => {}
            _ if key == "LIBARCHIVE.creationtime" => {}
            _ => return None,
        }
    }
    Some(())
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = until_zero(field);
    let digits = text.trim_matches(' ');
    let is_octal = digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    u64::from_str_radix(digits, 8).ok().filter(|_| is_octal)
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
    let end_at = tail.windows(4).rposition(|bytes| bytes == b"PK\x05\x06")?;
    let end = tail.get(end_at..)?;
    let count = half(end, 10)?;
    let size = u64::from(word(end, 12)?);
    let start = u64::from(word(end, 16)?);
    let end_at = tail_start.checked_add(u64::try_from(end_at).ok()?)?;
    let is_whole = start + size == end_at && end.len() == 22 + half(end, 20)?;
    if !is_whole || count == usize::from(u16::MAX) || size > DIRECTORY_BYTES_MAX {
        return None;
    }
    let directory = read_at(file, start, size)?;
    let mut found = Names::default();
    let mut rest = directory.as_slice();
    let mut first = u32::MAX;
    while !rest.is_empty() {
        let entry_at = word(rest, 42)?;
        // The upper bits tell what kind of file it is: this one is a link.
        let is_link = word(rest, 38)? >> 28 == 0xa;
        if rest.get(..4)? != b"PK\x01\x02" || is_link {
            return None;
        }
        let (name_length, extra) = (half(rest, 28)?, half(rest, 30)?);
        let name = rest.get(46..46 + name_length)?;
        let extra_end = 46 + name_length + extra;
        // A second name may stand among what else is said of a file.
        let says_name = |bytes: &[u8]| bytes.windows(2).any(|id| id == b"up");
        if says_name(rest.get(46 + name_length..extra_end)?) || !starts_entry(file, entry_at, name)?
        {
            return None;
        }
        first = first.min(entry_at);
        found.add(String::from_utf8_lossy(name).into_owned())?;
        rest = rest.get(extra_end + half(rest, 32)?..)?;
    }
    // What stands before the first entry may be read as something else.
    (first == 0 && found.names.len() == count).then_some(found.names)
}

/// Returns whether the entry at `start` has the name that the directory gives it.
fn starts_entry(file: &mut File, start: u32, name: &[u8]) -> Option<bool> {
    let length = 30 + u64::try_from(name.len()).ok()?;
    let entry = read_at(file, u64::from(start), length)?;
    let is_same = half(&entry, 26)? == name.len() && entry.get(30..)? == name;
    Some(entry.starts_with(b"PK\x03\x04") && is_same)
}

fn read_at(file: &mut File, start: u64, length: u64) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn half(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(usize::from(u16::from_le_bytes(bytes)))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8], format: Format) -> Option<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, bytes).unwrap();
        names(&path, format)
    }

    /// Returns a member of an archive of tar without its end.
    fn member(name: &str, kind: u8, target: &str, content: &str) -> Vec<u8> {
        let mut header = vec![0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = kind;
        header[157..157 + target.len()].copy_from_slice(target.as_bytes());
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        header.extend(content.as_bytes());
        header.resize(header.len().next_multiple_of(512), 0);
        header
    }

    fn zip(name: &str, before: &[u8], between: &[u8]) -> Vec<u8> {
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        let mut bytes = before.to_vec();
        let at = u32::try_from(bytes.len()).unwrap();
        bytes.extend(b"PK\x03\x04");
        bytes.extend([0; 22]);
        bytes.extend(length);
        bytes.extend([0, 0]);
        bytes.extend(name.as_bytes());
        let start = u32::try_from(bytes.len()).unwrap();
        bytes.extend(b"PK\x01\x02");
        bytes.extend([0; 24]);
        bytes.extend(length);
        bytes.extend([0; 12]);
        bytes.extend(at.to_le_bytes());
        bytes.extend(name.as_bytes());
        let size = u32::try_from(bytes.len()).unwrap() - start;
        bytes.extend(between);
        bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
        bytes.extend(size.to_le_bytes());
        bytes.extend(start.to_le_bytes());
        bytes.extend([0, 0]);
        bytes
    }

    #[test]
    fn what_is_no_plain_archive_cannot_be_told() {
        for bytes in [&b""[..], b"\x1f\x8b\x08\x00", b"PK\x03\x04", &[7; 2_000]] {
            assert_eq!(told(bytes, Format::Any), None, "{bytes:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(names(folder.path(), Format::Any), None);
    }

    #[test]
    fn a_link_that_leads_out_or_to_what_is_hidden_cannot_be_told() {
        let file = member("z/policy.yaml", b'0', "", "x");
        for kind in [b'1', b'2'] {
            for target in ["/etc", "../a", "a/../b", ".aegis", "a/.b", "./.aegis"] {
                let bytes = [member("z", kind, target, ""), file.clone()].concat();
                assert_eq!(told(&bytes, Format::Tar), None, "{target}");
            }
            let bytes = [member("z", kind, "lib/a.so", ""), file.clone()].concat();
            let names = told(&bytes, Format::Tar).unwrap();
            assert!(names.contains(&"z/policy.yaml".to_owned()), "{names:?}");
            assert!(names.contains(&".//lib/a.so".to_owned()), "{names:?}");
        }
    }

    #[test]
    fn a_file_is_read_only_as_what_the_program_takes_it_for() {
        let (tar, zip) = (member("a", b'0', "", ""), zip("a", b"", b""));
        for format in [Format::Tar, Format::Any] {
            assert_eq!(told(&tar, format), Some(vec!["a".to_owned()]));
        }
        for format in [Format::Zip, Format::Any] {
            assert_eq!(told(&zip, format), Some(vec!["a".to_owned()]));
        }
        assert_eq!(told(&tar, Format::Zip), None);
        assert_eq!(told(&zip, Format::Tar), None);
        let named_like_zip = member("PK", b'0', "", "");
        assert_eq!(told(&named_like_zip, Format::Tar), None);
    }

    #[test]
    fn a_zip_file_with_more_in_it_cannot_be_told() {
        assert_eq!(told(&zip("a", b"", b"more"), Format::Zip), None);
        let local = b"PK\x03\x04";
        assert_eq!(told(&zip("a", local, b""), Format::Zip), None);
    }

    #[test]
    fn a_tar_file_that_may_be_read_otherwise_cannot_be_told() {
        let tar = member("a", b'0', "", "text");
        let mut unsummed = tar.clone();
        unsummed[0] = b'b';
        let hidden = [tar.clone(), vec![0; 512], tar.clone()].concat();
        let sparse = member("p", b'x', "", "22 GNU.sparse.major=1\n");
        let sized = member("p", b'x', "", "10 size=0\n");
        for bytes in [
            unsummed,
            hidden,
            [sparse, tar.clone()].concat(),
            [sized, tar.clone()].concat(),
        ] {
            assert_eq!(told(&bytes, Format::Tar), None);
        }
        assert!(told(&[tar, vec![0; 1024]].concat(), Format::Tar).is_some());
    }

    #[test]
    fn attributes_name_files() {
        let mut found = Names::default();
        let bytes = b"14 path=a/b c\n11 mtime=1\n";
        assert_eq!(add_attributes(bytes, &mut found), Some(()));
        assert_eq!(found.names, ["a/b c"]);
    }

    #[test]
    fn the_names_of_an_archive_are_bounded_together() {
        let mut found = Names::default();
        let name = "a".repeat(ALL_NAMES_BYTES_MAX);
        assert_eq!(found.add(name), Some(()));
        assert_eq!(found.add("a".to_owned()), None);
    }
}
