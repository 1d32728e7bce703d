//! Where a page of a list begins: tokens that say nothing to who holds them.

use aegis_api::ProblemKind;

use crate::problem::Refusal;

/// How many entries a page has, unless it is said.
const LIMIT: usize = 100;

/// The most entries that a page has.
const LIMIT_MAX: usize = 1_000;

/// After how many bytes a page is full.
const BYTES_MAX: usize = 8 << 20;

/// The room that is left on a page, in entries and in bytes; its last entry may go
/// beyond.
pub(crate) struct Room {
    entries: usize,
    bytes: usize,
}

impl Room {
    /// Returns the room for `limit` entries.
    pub(crate) const fn of(limit: usize) -> Self {
        Self {
            entries: limit,
            bytes: BYTES_MAX,
        }
    }

    /// Returns whether nothing more has room.
    pub(crate) const fn is_full(&self) -> bool {
        self.entries == 0 || self.bytes == 0
    }

    /// Takes the room of an entry of so many bytes.
    pub(crate) const fn take(&mut self, bytes: usize) {
        self.entries = self.entries.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// Returns how many entries a page has that is asked for with `limit`.
pub(crate) fn limit(asked: Option<u32>) -> Result<usize, Refusal> {
    match asked.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)) {
        None => Ok(LIMIT),
        Some(limit @ 1..=LIMIT_MAX) => Ok(limit),
        Some(_) => Err(Refusal::new(
            ProblemKind::InvalidRequest,
            format!("`limit` is a number from 1 to {LIMIT_MAX}"),
        )),
    }
}

/// Returns the token of a place in the log.
pub(crate) fn place_token(place: u64) -> String {
    format!("p{place:x}")
}

/// Reads the place in the log that a token stands for.
pub(crate) fn place_of(token: &str) -> Result<u64, Refusal> {
    token
        .strip_prefix('p')
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or_else(|| wrong("page_token"))
}

/// Returns the token of a name.
pub(crate) fn name_token(name: &str) -> String {
    format!("n{}", digits_of(name))
}

/// Reads the name that a token stands for.
pub(crate) fn name_of(token: &str) -> Result<String, Refusal> {
    let digits = token.strip_prefix('n');
    digits.and_then(name_in).ok_or_else(|| wrong("page_token"))
}

/// Returns a name as hexadecimal digits, which stand in an address as they are.
pub(crate) fn digits_of(name: &str) -> String {
    name.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the name that stands in such digits.
pub(crate) fn name_in(digits: &str) -> Option<String> {
    let is_digit = |byte: u8| byte.is_ascii_hexdigit();
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(is_digit) {
        return None;
    }
    let pairs = digits.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    String::from_utf8(bytes.collect::<Option<_>>()?).ok()
}

/// Returns the refusal of a token that this service never gave.
pub(crate) fn wrong(field: &str) -> Refusal {
    Refusal::new(
        ProblemKind::InvalidRequest,
        format!("`{field}` is none that this service gave"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_full_with_its_entries_or_its_bytes() {
        let mut room = Room::of(2);
        room.take(0);
        assert!(!room.is_full());
        room.take(0);
        assert!(room.is_full());
        let mut room = Room::of(2);
        room.take(BYTES_MAX + 1);
        assert!(room.is_full() && Room::of(0).is_full());
    }

    #[test]
    fn a_token_reads_back_as_what_it_stands_for() {
        for place in [0, 1, 255, u64::MAX] {
            assert_eq!(place_of(&place_token(place)).unwrap(), place);
        }
        for name in ["s", "a/b:c", "~"] {
            assert_eq!(name_of(&name_token(name)).unwrap(), name);
        }
        for wrong in ["", "p", "p+1", "7", "pz", "p11111111111111111"] {
            assert!(place_of(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "nz", "nzz", "p1", "n6", "n+1", "nff"] {
            assert!(name_of(wrong).is_err(), "{wrong}");
        }
    }
}
