//! Reads scripts of sed.

/// What a script does besides turning its input into output.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Act {
    /// Reads this file.
    Read(String),
    /// Writes this file.
    Write(String),
    /// Runs this command line.
    Run(String),
}

/// A script, as far as it was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// What it does, in order.
    pub(crate) acts: Vec<Act>,
    /// Whether all of it was read.
    pub(crate) is_whole: bool,
}

/// Reads a script.
pub(crate) fn read(text: &str) -> Script {
    let mut reader = Reader {
        rest: text,
        acts: Vec::new(),
        replacements: Vec::new(),
    };
    let is_whole = reader.commands().is_some();
    Script {
        acts: reader.acts,
        is_whole,
    }
}

/// The rest of a script.
struct Reader<'t> {
    rest: &'t str,
    acts: Vec<Act>,
    /// What the script puts in place of something, which may become a command.
    replacements: Vec<String>,
}

impl<'t> Reader<'t> {
    /// Reads all commands; `None` where one cannot be read.
    fn commands(&mut self) -> Option<()> {
        loop {
            self.skip(|character| {
                character.is_whitespace() || matches!(character, ';' | '{' | '}')
            });
            if self.rest.is_empty() {
                return Some(());
            }
            self.address()?;
            match self.next()? {
                's' => self.substitution()?,
                'y' => {
                    let delimiter = self.next()?;
                    self.until(delimiter)?;
                    self.until(delimiter)?;
                }
                'e' => {
                    let line = self.line();
                    self.runs(line);
                }
                'r' | 'R' => {
                    let file = self.line().to_owned();
                    self.acts.push(Act::Read(file));
                }
                'w' | 'W' => {
                    let file = self.line().to_owned();
                    self.acts.push(Act::Write(file));
                }
                '#' | 'a' | 'i' | 'c' | ':' | 'b' | 't' | 'T' => {
                    self.skip(|character| character != '\n');
                }
                '{' | '}' | 'd' | 'D' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'p' | 'P' | 'x'
                | 'z' | '=' | 'F' => {}
                'q' | 'Q' | 'l' | 'L' => self.skip(|character| character.is_ascii_digit()),
                _ => return None,
            }
        }
    }

    /// Adds a command line; where there is none, what was replaced is run.
    fn runs(&mut self, line: &str) {
        if line.is_empty() || line.starts_with([';', '}']) {
            let replaced = self.replacements.iter().cloned().map(Act::Run);
            self.acts.extend(replaced);
            if self.replacements.is_empty() {
                self.acts.push(Act::Run(String::new()));
            }
        } else {
            self.acts.push(Act::Run(line.to_owned()));
        }
    }

    fn address(&mut self) -> Option<()> {
        loop {
            self.skip(char::is_whitespace);
            match self.rest.chars().next()? {
                '/' => {
                    self.next();
                    self.until('/')?;
                }
                '\\' => {
                    self.next();
                    let delimiter = self.next()?;
                    self.until(delimiter)?;
                }
                '0'..='9' | '$' | ',' | '~' | '+' | '!' | 'I' | 'M' => {
                    self.next();
                }
                _ => return Some(()),
            }
        }
    }

    fn substitution(&mut self) -> Option<()> {
        let delimiter = self.next()?;
        self.until(delimiter)?;
        let replacement = self.until(delimiter)?.to_owned();
        self.replacements.push(replacement.clone());
        while let Some(flag) = self.rest.chars().next() {
            match flag {
                'g' | 'p' | 'i' | 'I' | 'm' | 'M' | '0'..='9' => {
                    self.next();
                }
                'e' => {
                    self.next();
                    self.acts.push(Act::Run(replacement.clone()));
                }
                'w' => {
                    self.next();
                    let file = self.line().to_owned();
                    self.acts.push(Act::Write(file));
                }
                ';' | '}' | ' ' | '\t' | '\n' | '#' => return Some(()),
                _ => return None,
            }
        }
        Some(())
    }

    /// Reads the rest of the line without blanks around it.
    fn line(&mut self) -> &'t str {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        line.trim()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = self.rest.get(character.len_utf8()..)?;
        Some(character)
    }

    fn skip(&mut self, skips: impl Fn(char) -> bool) {
        self.rest = self.rest.trim_start_matches(skips);
    }

    /// Reads to the next `delimiter` that is not escaped, and over it.
    fn until(&mut self, delimiter: char) -> Option<&'t str> {
        let start = self.rest;
        loop {
            let before = self.rest.len();
            match self.next()? {
                '\\' => {
                    self.next();
                }
                character if character == delimiter => {
                    return start.get(..start.len() - before);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(script: &str, expected: &[Act]) {
        let read = read(script);
        assert!(read.is_whole, "{script}");
        assert_eq!(read.acts, expected, "{script}");
    }

    #[test]
    fn files_and_command_lines_are_told() {
        let run = |line: &str| Act::Run(line.to_owned());
        check("r .env", &[Act::Read(".env".to_owned())]);
        check("1R a b", &[Act::Read("a b".to_owned())]);
        check("/x/w out", &[Act::Write("out".to_owned())]);
        check("s/a/b/gw out", &[Act::Write("out".to_owned())]);
        check("1e id -u", &[run("id -u")]);
        check("1s/.*/cat x/e", &[run("cat x")]);
        check("s/.*/cat x/;e", &[run("cat x")]);
    }

    #[test]
    fn what_only_filters_does_nothing_besides() {
        for script in [
            "s/e x/r y/g",
            "/e x/d",
            "$!N;P;D",
            "y/abc/xyz/",
            "s,/w a,/e b,",
            "5q",
        ] {
            check(script, &[]);
        }
        assert!(!read("s/a").is_whole);
    }
}
