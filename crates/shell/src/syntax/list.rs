//! Reads lists and pipelines.

use super::reader::{Parser, Stop};
use super::tree::{After, Item, Link, Node, Pipeline, Script};

impl Parser<'_> {
    /// Reads the next items of a whole text, up to a place where no here-document
    /// is waited for; `None` at the end of the text.
    pub(crate) fn batch(&mut self) -> Result<Option<Script>, Stop> {
        let mut script = Script::default();
        loop {
            self.skip_lines()?;
            if self.byte().is_none() {
                self.read_documents()?;
                return Ok(Some(script).filter(|script| !script.items.is_empty()));
            }
            script.items.push(self.item()?);
            if self.awaited.is_empty() {
                return Ok(Some(script));
            }
        }
    }

    /// Reads the whole text as one list.
    pub(super) fn whole_script(mut self) -> Result<Script, Stop> {
        let script = self.script()?;
        self.read_documents()?;
        if self.byte().is_some() {
            return Err(Stop::Syntax);
        }
        Ok(script)
    }

    /// Reads a list up to what closes it, which is left.
    pub(super) fn script(&mut self) -> Result<Script, Stop> {
        let mut items = Vec::new();
        loop {
            self.skip_lines()?;
            match self.byte() {
                None | Some(b')') => break,
                Some(b';') if matches!(self.second(), Some(b';' | b'&')) => break,
                Some(_) => {}
            }
            if self.at_closing_word() {
                break;
            }
            items.push(self.item()?);
        }
        Ok(Script { items })
    }

    pub(super) fn item(&mut self) -> Result<Item, Stop> {
        let mut links = vec![Link {
            after: After::Nothing,
            pipeline: self.pipeline()?,
        }];
        loop {
            self.skip_blanks();
            let after = match (self.byte(), self.second()) {
                (Some(b'&'), Some(b'&')) => After::Success,
                (Some(b'|'), Some(b'|')) => After::Failure,
                _ => break,
            };
            self.take_sign(if after == After::Success { "&&" } else { "||" });
            self.skip_lines()?;
            let pipeline = self.pipeline()?;
            links.push(Link { after, pipeline });
        }
        let background = self.end_item()?;
        Ok(Item { links, background })
    }

    /// Skips what ends an item; returns whether it is `&`.
    fn end_item(&mut self) -> Result<bool, Stop> {
        match self.byte() {
            Some(b'&') => {
                self.position += 1;
                Ok(true)
            }
            Some(b';') if !matches!(self.second(), Some(b';' | b'&')) => {
                self.position += 1;
                Ok(false)
            }
            Some(b'\n') => {
                self.end_line()?;
                Ok(false)
            }
            None | Some(b';' | b')') => Ok(false),
            Some(_) if self.at_closing_word() => Ok(false),
            Some(_) => Err(Stop::Syntax),
        }
    }

    fn pipeline(&mut self) -> Result<Pipeline, Stop> {
        let (mut timed, mut negated) = (false, false);
        let mut has_prefix = false;
        loop {
            self.skip_blanks();
            if self.take_reserved("!") {
                (negated, has_prefix) = (!negated, true);
            } else if self.take_time() {
                (timed, has_prefix) = (true, true);
            } else {
                break;
            }
        }
        if has_prefix && self.ends_pipeline() {
            return Ok(Pipeline {
                members: Vec::new(),
                timed,
                negated,
            });
        }
        let mut members = vec![self.command()?];
        loop {
            self.skip_blanks();
            if self.byte() != Some(b'|') || self.second() == Some(b'|') {
                return Ok(Pipeline {
                    members,
                    timed,
                    negated,
                });
            }
            self.position += 1;
            self.take(b'&');
            self.skip_lines()?;
            members.push(self.command()?);
        }
    }

    /// Takes `time`, unless options that only the program has follow it.
    fn take_time(&mut self) -> bool {
        let position = self.position;
        if !self.take_reserved("time") {
            return false;
        }
        self.skip_blanks();
        if self.byte() == Some(b'-') && !self.take_reserved("-p") {
            self.position = position;
            return false;
        }
        true
    }

    fn ends_pipeline(&mut self) -> bool {
        matches!(self.byte(), None | Some(b';' | b'\n' | b'&' | b')'))
    }

    /// Reads a command, simple or compound, with its redirections.
    pub(super) fn command(&mut self) -> Result<Node, Stop> {
        self.skip_blanks();
        let start = self.position;
        if let Some(kind) = self.nested(Self::compound)? {
            let mut redirections = Vec::new();
            loop {
                self.skip_blanks();
                if !self.redirection(&mut redirections)? {
                    break;
                }
            }
            return Ok(Node {
                span: self.span_since(start),
                kind,
                redirections,
            });
        }
        self.simple()
    }

    /// Takes the reserved word `word`, if it is next and stands alone.
    pub(super) fn take_reserved(&mut self, word: &str) -> bool {
        let position = self.position;
        if self.take_sign(word) && self.byte().is_none_or(super::reader::ends_word) {
            return true;
        }
        self.position = position;
        false
    }

    /// Requires the reserved word `word`.
    pub(super) fn expect_reserved(&mut self, word: &str) -> Result<(), Stop> {
        self.skip_lines()?;
        if self.take_reserved(word) {
            Ok(())
        } else {
            Err(Stop::Syntax)
        }
    }

    /// Returns whether a word is next that closes or continues a compound command.
    pub(super) fn at_closing_word(&mut self) -> bool {
        if !matches!(self.byte(), Some(b'}' | b't' | b'd' | b'f' | b'e')) {
            return false;
        }
        let position = self.position;
        let found = ["}", "then", "do", "done", "fi", "elif", "else", "esac"]
            .iter()
            .any(|word| self.take_reserved(word));
        self.position = position;
        found
    }
}
