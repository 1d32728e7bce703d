//! Copies of programs under other names.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// How many bytes of the start and of the end of two files are compared.
const COMPARED_BYTES: u64 = 64 << 10;

/// Returns whether a file is a copy of another, as far as length, start and end show.
///
/// Of programs that are not the same one, already the lengths differ.
pub(crate) fn is_copy(path: &Path, original: &Path) -> bool {
    let length = |path: &Path| {
        let found = std::fs::metadata(path).ok()?;
        found.is_file().then_some(found.len())
    };
    let Some(bytes) = length(path).filter(|bytes| *bytes > 0) else {
        return false;
    };
    if length(original) != Some(bytes) {
        return false;
    }
    let last = bytes.saturating_sub(COMPARED_BYTES);
    [0, last].into_iter().all(|start| {
        let part = part_of(path, start);
        part.is_some() && part == part_of(original, start)
    })
}

fn part_of(path: &Path, start: u64) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut bytes = Vec::new();
    file.take(COMPARED_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::is_copy;

    #[test]
    fn a_copy_holds_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let program = vec![7_u8; 200_000];
        let mut other = program.clone();
        *other.last_mut().unwrap() = 8;
        for (name, bytes) in [("program", &program), ("copy", &program), ("other", &other)] {
            fs::write(place(name), bytes).unwrap();
        }
        fs::write(place("longer"), [program, vec![7]].concat()).unwrap();
        assert!(is_copy(&place("copy"), &place("program")));
        assert!(!is_copy(&place("other"), &place("program")));
        assert!(!is_copy(&place("longer"), &place("program")));
        assert!(!is_copy(&place("missing"), &place("program")));
    }
}
