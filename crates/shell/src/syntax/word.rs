//! Reads words.

use std::rc::Rc;

use aegis_types::Stream;

use super::reader::{Origin, Parser, Stop, ends_word};
use super::tree::{Piece, RawWord, Script};

impl Parser<'_> {
    /// Reads a word; an empty one if none stands here.
    pub(super) fn word(&mut self) -> Result<RawWord, Stop> {
        self.byte();
        let start = self.position;
        let pieces = self.pieces(Ending::Word)?;
        Ok(RawWord {
            span: self.span_since(start),
            pieces,
        })
    }

    /// Reads pieces up to where `ending` says.
    pub(super) fn pieces(&mut self, ending: Ending) -> Result<Vec<Piece>, Stop> {
        let mut pieces = Vec::new();
        let mut bare = String::new();
        while let Some(byte) = self.byte() {
            if ending.may_go_on(byte) && self.goes_on(byte, &mut bare, &mut pieces)? {
                continue;
            }
            if ending.stops(byte) {
                break;
            }
            match byte {
                b'\\' => {
                    flush(&mut bare, &mut pieces);
                    self.position += 1;
                    let mut escaped = String::new();
                    if self.raw().is_none() {
                        escaped.push('\\');
                    } else {
                        self.push_character(&mut escaped);
                    }
                    pieces.push(Piece::Quoted(escaped));
                }
                b'\'' if ending.has_single_quotes() => {
                    flush(&mut bare, &mut pieces);
                    pieces.push(Piece::Quoted(self.single_quoted()?));
                }
                b'"' => {
                    flush(&mut bare, &mut pieces);
                    self.double_quoted(&mut pieces)?;
                }
                b'$' => {
                    flush(&mut bare, &mut pieces);
                    self.dollar(ending.is_quoted(), &mut pieces)?;
                }
                b'`' => {
                    flush(&mut bare, &mut pieces);
                    self.backquoted(ending.is_quoted(), &mut pieces)?;
                }
                _ => self.push_run(&mut bare, |byte| {
                    matches!(byte, b'\\' | b'\'' | b'"' | b'$' | b'`')
                        || ending.stops(byte)
                        || ending.may_go_on(byte)
                }),
            }
        }
        flush(&mut bare, &mut pieces);
        Ok(pieces)
    }

    /// Reads what continues a word although `byte` usually ends it.
    fn goes_on(
        &mut self,
        byte: u8,
        bare: &mut String,
        pieces: &mut Vec<Piece>,
    ) -> Result<bool, Stop> {
        match byte {
            b'<' | b'>' if self.second() == Some(b'(') => {
                flush(bare, pieces);
                self.position += 1;
                self.byte();
                self.position += 1;
                let script = self.nested(Self::script_to_parenthesis)?;
                pieces.push(Piece::Process {
                    script: Rc::new(script),
                    stream: match byte {
                        b'<' => Stream::Output,
                        _ => Stream::Input,
                    },
                });
                Ok(true)
            }
            b'(' if pieces.is_empty() && opens_array(bare) => {
                flush(bare, pieces);
                self.position += 1;
                let elements = self.nested(Self::array)?;
                pieces.push(Piece::Array(elements.into()));
                Ok(true)
            }
            b'(' if bare.ends_with(['@', '?', '*', '+', '!']) => {
                let sign = bare.pop();
                flush(bare, pieces);
                let start = self.position;
                self.skip_group()?;
                let mut glob = sign.map(String::from).unwrap_or_default();
                glob.push_str(self.since(start));
                pieces.push(Piece::Glob(glob));
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn array(&mut self) -> Result<Vec<RawWord>, Stop> {
        let mut elements = Vec::new();
        loop {
            self.skip_lines()?;
            if self.take(b')') {
                return Ok(elements);
            }
            let word = self.word()?;
            if word.pieces.is_empty() {
                return Err(Stop::Syntax);
            }
            elements.push(word);
        }
    }

    /// Skips `( … )` by counting parentheses.
    fn skip_group(&mut self) -> Result<(), Stop> {
        let mut open = 0_u32;
        while let Some(byte) = self.raw() {
            self.position += 1;
            match byte {
                b'\\' => self.position += 1,
                b'(' => open += 1,
                b')' => open -= 1,
                b'$' | b'`' => return Err(Stop::Syntax),
                _ => {}
            }
            if open == 0 {
                return Ok(());
            }
        }
        Err(Stop::Syntax)
    }

    /// Adds the next character to `text`.
    fn push_character(&mut self, text: &mut String) {
        let start = self.position;
        self.position += 1;
        while self.raw().is_some_and(|byte| (0x80..0xc0).contains(&byte)) {
            self.position += 1;
        }
        text.push_str(self.since(start));
    }

    /// Reads a list up to the parenthesis that closes it.
    pub(super) fn script_to_parenthesis(&mut self) -> Result<Script, Stop> {
        let awaited = self.awaited.len();
        let script = self.script()?;
        self.expect(b')')?;
        // A here-document that starts within must also end within.
        if self.awaited.len() > awaited {
            return Err(Stop::Syntax);
        }
        Ok(script)
    }

    /// Reads the substitution whose opening backquote is next.
    pub(super) fn backquoted(&mut self, quoted: bool, pieces: &mut Vec<Piece>) -> Result<(), Stop> {
        self.position += 1;
        let start = self.position;
        let mut text = String::new();
        let mut is_verbatim = true;
        loop {
            match self.raw().ok_or(Stop::Syntax)? {
                b'`' => break,
                b'\\' => {
                    let escaped = self.raw_at(self.position + 1);
                    let is_escape = matches!(escaped, Some(b'$' | b'`' | b'\\'))
                        || (escaped == Some(b'"') && quoted);
                    is_verbatim &= !is_escape;
                    self.position += usize::from(is_escape);
                    if is_escape {
                        self.push_character(&mut text);
                    } else {
                        self.position += 1;
                        text.push('\\');
                    }
                }
                _ => self.push_run(&mut text, |byte| matches!(byte, b'`' | b'\\')),
            }
        }
        let origin = if is_verbatim {
            self.origin.from(start)
        } else {
            Origin::Whole(self.span_since(start))
        };
        self.position += 1;
        let script = self.inner(&text, origin)?.whole_script()?;
        pieces.push(Piece::Substitution {
            script: Rc::new(script),
            quoted,
        });
        Ok(())
    }
}

/// Where reading of pieces ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ending {
    /// At the end of an unquoted word.
    Word,
    /// At the `}` of an expansion.
    Brace,
    /// At the `]` of a subscript.
    Subscript,
    /// At the `}` of an expansion within double quotes.
    QuotedBrace,
    /// At the `}` of an expansion within double quotes whose operand is a pattern.
    QuotedPattern,
}

impl Ending {
    fn stops(self, byte: u8) -> bool {
        match self {
            Self::Word => ends_word(byte),
            Self::Brace | Self::QuotedBrace | Self::QuotedPattern => byte == b'}',
            Self::Subscript => byte == b']',
        }
    }

    /// Returns whether `byte` may start something that belongs to the word.
    fn may_go_on(self, byte: u8) -> bool {
        match self {
            Self::Word => matches!(byte, b'<' | b'>' | b'('),
            Self::Brace => matches!(byte, b'<' | b'>'),
            Self::Subscript | Self::QuotedBrace | Self::QuotedPattern => false,
        }
    }

    fn has_single_quotes(self) -> bool {
        match self {
            Self::Word | Self::Brace | Self::Subscript | Self::QuotedPattern => true,
            Self::QuotedBrace => false,
        }
    }

    fn is_quoted(self) -> bool {
        match self {
            Self::Word | Self::Brace => false,
            Self::Subscript | Self::QuotedBrace | Self::QuotedPattern => true,
        }
    }
}

/// Returns whether `(` after `text` starts the elements of an array.
fn opens_array(text: &str) -> bool {
    let Some(name) = text.strip_suffix('=') else {
        return false;
    };
    is_name(name.strip_suffix('+').unwrap_or(name))
}

/// Returns whether `text` can name a variable.
pub(crate) fn is_name(text: &str) -> bool {
    !text.starts_with(|first: char| first.is_ascii_digit())
        && !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Moves unquoted text into a piece of its own.
fn flush(bare: &mut String, pieces: &mut Vec<Piece>) {
    if !bare.is_empty() {
        pieces.push(Piece::Bare(std::mem::take(bare)));
    }
}
