//! Makes scripts from a seed.

use super::family::{FAMILIES, Family};

/// What a script may hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Whatever decides what it starts stands in its text.
    Literal,
    /// What programs write, what is computed and what is read decides as well.
    Mixed,
}

/// A script and where it comes from.
#[derive(Clone, Debug)]
pub struct Case {
    /// The family, or the name of one that was written by hand.
    pub name: String,
    /// What it may hold.
    pub kind: Kind,
    /// The script.
    pub text: String,
}

/// Returns script `number` of the run that starts with `seed`; half of them are literal.
pub fn case(seed: u64, number: usize) -> Case {
    let kind = if number.is_multiple_of(2) {
        Kind::Literal
    } else {
        Kind::Mixed
    };
    let families: Vec<&Family> = FAMILIES
        .iter()
        .filter(|family| kind == Kind::Mixed || family.kind == Kind::Literal)
        .collect();
    let family = families[number / 2 % families.len()];
    let mut maker = Maker::new(
        seed.wrapping_mul(1_000_003).wrapping_add(number as u64),
        kind,
    );
    let mut text = String::new();
    for _ in 0..maker.below(2) {
        text.push_str(&maker.piece());
        text.push('\n');
    }
    text.push_str(&(family.make)(&mut maker));
    for _ in 0..maker.below(3) {
        text.push('\n');
        text.push_str(&maker.piece());
    }
    Case {
        name: family.name.to_owned(),
        kind,
        text,
    }
}

/// Makes pieces of scripts.
pub struct Maker {
    state: u64,
    kind: Kind,
    depth: u32,
    names: u32,
}

impl Maker {
    fn new(seed: u64, kind: Kind) -> Self {
        Self {
            state: seed,
            kind,
            depth: 0,
            names: 0,
        }
    }

    /// Returns the next number of the sequence (splitmix64).
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).unwrap_or_default()
    }

    /// Returns one of `choices`.
    pub fn pick<'c>(&mut self, choices: &[&'c str]) -> &'c str {
        choices[self.below(choices.len())]
    }

    /// Returns the name of a program that does nothing.
    pub fn program(&mut self) -> &'static str {
        self.pick(&[
            "alpha", "beta", "gamma", "delta", "rm", "cp", "touch", "curl",
        ])
    }

    /// Returns a text that may be the argument of a program.
    pub fn value(&mut self) -> String {
        let value = self.pick(&[
            "x",
            "y.txt",
            "-rf",
            "a/b",
            "two words",
            "it's",
            "a\"b",
            "$HOME",
            "*",
            "a;b",
            "--flag=v",
            "\\",
            "~",
            "{p,q}",
            "#no",
            "a  b",
            "`x`",
            "é",
            "!",
            "0",
            "/etc/x",
            "x=1",
            "\t",
            "a\nb",
            "[z]",
            "&&",
            "|",
            "a=b c",
            "",
            "%s",
            "(p)",
            "<in",
            "-",
            "--",
        ]);
        value.to_owned()
    }

    /// Returns a text without anything that a shell would look at.
    pub fn plain(&mut self) -> &'static str {
        self.pick(&[
            "x", "y.txt", "-rf", "a/b", "zed", "--flag=v", "0", "src", "one.txt", "/etc/x", "n1",
        ])
    }

    /// Returns a name that the script does not use yet.
    pub fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    /// Returns `text` written as one word, in one of many ways.
    pub fn spelled(&mut self, text: &str) -> String {
        if text.is_empty() {
            return self.pick(&["''", "\"\"", "$''", "''\"\""]).to_owned();
        }
        let characters: Vec<char> = text.chars().collect();
        let mut word = String::new();
        let mut from = 0;
        while from < characters.len() {
            let length = 1 + self.below(characters.len() - from);
            let chunk: String = characters[from..from + length].iter().collect();
            word.push_str(&self.chunk(&chunk));
            match self.below(12) {
                0 => word.push_str("''"),
                // At the end of a text that is evaluated, bash takes it for a line to come.
                1 if from + length < characters.len() => word.push_str("\\\n"),
                _ => {}
            }
            from += length;
        }
        word
    }

    fn chunk(&mut self, text: &str) -> String {
        match self.below(6) {
            0 if !text.contains('\'') => format!("'{text}'"),
            1 => format!("\"{}\"", in_double_quotes(text)),
            2 => format!("$\"{}\"", in_double_quotes(text)),
            3 => self.escaped(text),
            _ => bare(text),
        }
    }

    fn escaped(&mut self, text: &str) -> String {
        let mut word = "$'".to_owned();
        for character in text.chars() {
            let code = u32::from(character);
            match (self.below(5), character) {
                (0, _) if code < 128 => word.push_str(&format!("\\x{code:02x}")),
                (1, _) if code < 128 => word.push_str(&format!("\\{code:03o}")),
                (2, _) => word.push_str(&format!("\\u{code:04x}")),
                (_, '\'' | '\\') => word.extend(['\\', character]),
                (3, '\n') => word.push_str("\\n"),
                (3, '\t') => word.push_str("\\t"),
                _ => word.push(character),
            }
        }
        word + "'"
    }

    /// Returns a script as one word, as a person would quote it.
    pub fn quoted(&mut self, script: &str) -> String {
        match self.below(4) {
            0 => format!("\"{}\"", in_double_quotes(script)),
            1 => format!("$'{}'", script.replace('\\', "\\\\").replace('\'', "\\'")),
            _ => format!("'{}'", script.replace('\'', "'\\''")),
        }
    }

    /// Returns words: none to three.
    pub fn arguments(&mut self) -> String {
        let mut words = String::new();
        for _ in 0..self.below(4) {
            let value = self.value();
            words.push(' ');
            words.push_str(&self.spelled(&value));
        }
        words
    }

    /// Returns a simple command.
    pub fn simple(&mut self) -> String {
        let program = self.program();
        let program = if self.below(4) == 0 {
            self.spelled(program)
        } else if self.below(8) == 0 {
            format!("/usr/bin/{program}")
        } else {
            program.to_owned()
        };
        program + &self.arguments()
    }

    /// Returns a simple command that holds no quotes and stands in one line.
    pub fn unquoted(&mut self) -> String {
        let mut command = self.program().to_owned();
        for _ in 0..self.below(3) {
            command.push(' ');
            command.push_str(self.plain());
        }
        command
    }

    /// Returns some lines of a script: simple ones when it is deep already.
    pub fn inner(&mut self) -> String {
        if self.depth >= 2 || self.below(3) == 0 {
            return self.simple();
        }
        self.depth += 1;
        let piece = self.piece();
        self.depth -= 1;
        piece
    }

    /// Returns lines for a substitution, without here-documents: bash 5.2 prints
    /// a substitution and reads it again, and loses a semicolon after one, or
    /// after an ampersand that is escaped.
    pub fn substituted(&mut self) -> String {
        loop {
            let inner = self.inner();
            if !inner.contains("<<") && !inner.contains("\\&") {
                return inner;
            }
        }
    }

    /// Returns a piece of any family.
    pub fn piece(&mut self) -> String {
        loop {
            let family = &FAMILIES[self.below(FAMILIES.len())];
            if self.kind == Kind::Mixed || family.kind == Kind::Literal {
                return (family.make)(self);
            }
        }
    }
}

/// Escapes what double quotes leave alone.
fn in_double_quotes(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if matches!(character, '$' | '`' | '"' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Escapes what is not a letter or digit, ends of lines within quotes.
fn bare(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("'\n'"),
            '.' | '/' | '-' | '_' => escaped.push(character),
            _ if character.is_alphanumeric() => escaped.push(character),
            _ => escaped.extend(['\\', character]),
        }
    }
    escaped
}
