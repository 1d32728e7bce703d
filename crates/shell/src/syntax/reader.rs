//! Walks over the bytes of a text.

use aegis_types::Span;

use super::document::Awaited;

/// How deeply constructs may stand within each other.
pub(crate) const DEPTH_MAX: u32 = 64;

/// Why reading stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stop {
    /// The text is not well formed.
    Syntax,
    /// It is nested too deeply.
    TooComplex,
}

/// How places of a text map to places of the text that was given first.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// The text is a part of the first one, from this byte on.
    Offset(u32),
    /// The text was made from this part of the first one.
    Whole(Span),
}

impl Origin {
    /// Returns the place in the first text of a place in this one.
    pub(crate) fn span(self, start: usize, end: usize) -> Span {
        match self {
            Self::Whole(span) => span,
            Self::Offset(offset) => Span {
                start: offset.saturating_add(u32::try_from(start).unwrap_or(u32::MAX)),
                end: offset.saturating_add(u32::try_from(end).unwrap_or(u32::MAX)),
            },
        }
    }

    /// Returns the origin of the part of this text that starts at `start`.
    pub(crate) fn from(self, start: usize) -> Self {
        match self {
            Self::Whole(span) => Self::Whole(span),
            Self::Offset(offset) => {
                Self::Offset(offset.saturating_add(u32::try_from(start).unwrap_or(u32::MAX)))
            }
        }
    }
}

/// Reads one text.
pub(crate) struct Parser<'t> {
    pub(super) text: &'t str,
    pub(super) position: usize,
    pub(super) origin: Origin,
    pub(super) awaited: Vec<Awaited>,
    depth: u32,
}

impl<'t> Parser<'t> {
    /// Starts at the beginning of `text`, which is nested `depth` deep.
    pub(crate) fn new(text: &'t str, origin: Origin, depth: u32) -> Self {
        Self {
            text,
            position: 0,
            origin,
            awaited: Vec::new(),
            depth,
        }
    }

    /// Returns the byte at which reading stands.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Reads something nested one deeper.
    pub(super) fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        if self.depth >= DEPTH_MAX {
            return Err(Stop::TooComplex);
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Returns a reader of a text that was made from the one being read.
    pub(super) fn inner<'s>(&self, text: &'s str, origin: Origin) -> Result<Parser<'s>, Stop> {
        if self.depth >= DEPTH_MAX {
            return Err(Stop::TooComplex);
        }
        Ok(Parser::new(text, origin, self.depth + 1))
    }

    /// Returns the byte at `position`.
    pub(super) fn raw_at(&self, position: usize) -> Option<u8> {
        self.text.as_bytes().get(position).copied()
    }

    /// Returns the next byte, a continued line not skipped.
    pub(super) fn raw(&self) -> Option<u8> {
        self.raw_at(self.position)
    }

    /// Returns the next byte after any continued lines.
    pub(super) fn byte(&mut self) -> Option<u8> {
        loop {
            let byte = self.raw()?;
            if byte != b'\\' || self.raw_at(self.position + 1) != Some(b'\n') {
                return Some(byte);
            }
            self.position += 2;
        }
    }

    /// Returns the byte after the next one.
    pub(super) fn second(&mut self) -> Option<u8> {
        self.byte()?;
        let position = self.position;
        self.position += 1;
        let second = self.byte();
        self.position = position;
        second
    }

    /// Skips `byte` if it is next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.byte() == Some(byte);
        if found {
            self.position += 1;
        }
        found
    }

    /// Skips `sign` if it is next.
    pub(super) fn take_sign(&mut self, sign: &str) -> bool {
        let position = self.position;
        let found = sign.bytes().all(|byte| self.take(byte));
        if !found {
            self.position = position;
        }
        found
    }

    /// Requires `byte` next.
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Stop> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(Stop::Syntax)
        }
    }

    /// Returns the text from `start` to where reading stands.
    pub(super) fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.position).unwrap_or_default()
    }

    /// Returns the place from `start` to where reading stands.
    pub(super) fn span_since(&self, start: usize) -> Span {
        self.origin.span(start, self.position)
    }

    /// Skips blanks and a comment.
    pub(super) fn skip_blanks(&mut self) {
        while let Some(byte) = self.byte() {
            match byte {
                b' ' | b'\t' => self.position += 1,
                b'#' => self.skip_to_line_end(),
                _ => return,
            }
        }
    }

    fn skip_to_line_end(&mut self) {
        while self.raw().is_some_and(|byte| byte != b'\n') {
            self.position += 1;
        }
    }

    /// Skips blanks, comments and ends of lines, with the here-documents that wait there.
    pub(super) fn skip_lines(&mut self) -> Result<(), Stop> {
        loop {
            self.skip_blanks();
            if self.byte() != Some(b'\n') {
                return Ok(());
            }
            self.end_line()?;
        }
    }

    /// Skips the end of a line, and reads the here-documents that wait for it.
    pub(super) fn end_line(&mut self) -> Result<(), Stop> {
        self.position += 1;
        if self.awaited.is_empty() {
            return Ok(());
        }
        self.read_documents()
    }
}

/// Returns whether `byte` ends an unquoted word.
pub(super) fn ends_word(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')'
    )
}
