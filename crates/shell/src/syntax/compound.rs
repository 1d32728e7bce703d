//! Reads compound commands.

use std::rc::Rc;

use super::reader::{Parser, Stop, ends_word};
use super::tree::{Arm, Kind, RawWord, Script};
use super::word::is_name;

impl Parser<'_> {
    /// Reads a compound command; `None` if a simple one is next.
    pub(super) fn compound(&mut self) -> Result<Option<Kind>, Stop> {
        let kind = match self.byte() {
            Some(b'(') => self.parenthesised()?,
            Some(b'{') if self.take_reserved("{") => {
                let script = self.script()?;
                self.expect_reserved("}")?;
                Kind::Group(script)
            }
            Some(b'[') if self.take_reserved("[[") => self.test()?,
            Some(b'i') if self.take_reserved("if") => self.branches()?,
            Some(b'w') if self.take_reserved("while") => self.repetition(false)?,
            Some(b'u') if self.take_reserved("until") => self.repetition(true)?,
            Some(b'f') if self.take_reserved("for") => self.counting()?,
            Some(b's') if self.take_reserved("select") => self.for_words(true)?,
            Some(b'c') if self.take_reserved("case") => self.case()?,
            Some(b'f') if self.take_reserved("function") => self.function()?,
            Some(b'c') if self.take_reserved("coproc") => self.coprocess()?,
            _ if self.at_closing_word() => return Err(Stop::Syntax),
            _ => return Ok(None),
        };
        Ok(Some(kind))
    }

    fn parenthesised(&mut self) -> Result<Kind, Stop> {
        self.position += 1;
        if self.byte() == Some(b'(') && self.is_arithmetic() {
            return Ok(Kind::Arithmetic(self.arithmetic()?));
        }
        let script = self.script_to_parenthesis()?;
        Ok(Kind::Subshell(script))
    }

    fn test(&mut self) -> Result<Kind, Stop> {
        let mut words = Vec::new();
        loop {
            self.skip_lines()?;
            if self.take_reserved("]]") {
                return Ok(Kind::Test(words));
            }
            let word = self.word()?;
            if word.pieces.is_empty() {
                // Operators and the parentheses of patterns name nothing.
                self.byte().ok_or(Stop::Syntax)?;
                self.position += 1;
            } else {
                words.push(word);
            }
        }
    }

    fn branches(&mut self) -> Result<Kind, Stop> {
        let mut branches = Vec::new();
        let mut otherwise = None;
        loop {
            let test = self.script()?;
            self.expect_reserved("then")?;
            branches.push((test, self.script()?));
            if self.take_reserved("elif") {
                continue;
            }
            if self.take_reserved("else") {
                otherwise = Some(self.script()?);
            }
            self.expect_reserved("fi")?;
            return Ok(Kind::If {
                branches,
                otherwise,
            });
        }
    }

    fn repetition(&mut self, is_until: bool) -> Result<Kind, Stop> {
        let test = self.script()?;
        let body = self.body()?;
        Ok(Kind::Loop {
            test,
            body,
            is_until,
        })
    }

    /// Reads `do … done`, or the braces that may stand instead.
    fn body(&mut self) -> Result<Script, Stop> {
        self.skip_lines()?;
        let (open, close) = if self.byte() == Some(b'{') {
            ("{", "}")
        } else {
            ("do", "done")
        };
        self.expect_reserved(open)?;
        let body = self.script()?;
        self.expect_reserved(close)?;
        Ok(body)
    }

    fn counting(&mut self) -> Result<Kind, Stop> {
        self.skip_blanks();
        if self.byte() != Some(b'(') {
            return self.for_words(false);
        }
        self.position += 1;
        let expression = self.arithmetic()?;
        self.skip_blanks();
        self.take(b';');
        let body = self.body()?;
        Ok(Kind::Count { expression, body })
    }

    fn for_words(&mut self, is_select: bool) -> Result<Kind, Stop> {
        self.skip_blanks();
        let name = self.word()?.text().filter(|name| is_name(name));
        let name = name.ok_or(Stop::Syntax)?;
        self.skip_lines()?;
        let mut words = None;
        if self.take_reserved("in") {
            let listed = words.insert(Vec::new());
            loop {
                self.skip_blanks();
                let word = self.word()?;
                if word.pieces.is_empty() {
                    break;
                }
                listed.push(word);
            }
            if !matches!(self.byte(), Some(b';' | b'\n')) {
                return Err(Stop::Syntax);
            }
        }
        self.skip_blanks();
        self.take(b';');
        let body = self.body()?;
        Ok(Kind::For {
            name,
            words,
            body,
            is_select,
        })
    }

    fn case(&mut self) -> Result<Kind, Stop> {
        self.skip_blanks();
        let subject = self.word()?;
        self.expect_reserved("in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_lines()?;
            if self.take_reserved("esac") {
                return Ok(Kind::Case { subject, arms });
            }
            let patterns = self.patterns()?;
            let body = self.script()?;
            let goes_on = self.take(b';') && self.arm_end()?;
            arms.push(Arm {
                patterns,
                body,
                goes_on,
            });
        }
    }

    fn patterns(&mut self) -> Result<Vec<RawWord>, Stop> {
        self.take(b'(');
        let mut patterns = Vec::new();
        loop {
            self.skip_blanks();
            let word = self.word()?;
            if word.pieces.is_empty() {
                return Err(Stop::Syntax);
            }
            patterns.push(word);
            self.skip_blanks();
            if self.take(b')') {
                return Ok(patterns);
            }
            self.expect(b'|')?;
        }
    }

    /// Skips the rest of `;;`, `;&` or `;;&`; returns whether other parts may run then.
    fn arm_end(&mut self) -> Result<bool, Stop> {
        if self.take(b'&') {
            return Ok(true);
        }
        self.expect(b';')?;
        Ok(self.take(b'&'))
    }

    fn function(&mut self) -> Result<Kind, Stop> {
        self.skip_blanks();
        let name = self.word()?.text().filter(|name| !name.is_empty());
        let name = name.ok_or(Stop::Syntax)?;
        self.skip_blanks();
        if self.byte() == Some(b'(') && self.second() == Some(b')') {
            self.take_sign("()");
        }
        self.skip_lines()?;
        let body = self.command()?;
        Ok(Kind::Function {
            name,
            body: Rc::new(body),
        })
    }

    /// Returns whether a compound command is next.
    fn at_opening_word(&mut self) -> bool {
        if self.byte() == Some(b'(') {
            return true;
        }
        let position = self.position;
        let found = ["{", "[[", "if", "while", "until", "for", "select", "case"]
            .iter()
            .any(|word| self.take_reserved(word));
        self.position = position;
        found
    }

    fn coprocess(&mut self) -> Result<Kind, Stop> {
        self.skip_blanks();
        // A name may stand before a compound command, not before a simple one.
        let position = self.position;
        let name = self.word()?;
        self.skip_blanks();
        let is_named = name.bare().is_some_and(is_name) && self.at_opening_word();
        if !is_named {
            self.position = position;
        }
        if self
            .byte()
            .is_none_or(|byte| ends_word(byte) && byte != b'(')
        {
            return Err(Stop::Syntax);
        }
        let node = self.command()?;
        Ok(Kind::Coprocess(Box::new(node)))
    }
}
