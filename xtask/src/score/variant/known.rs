//! What is known of the options of programs.
//!
//! It is shown by markers: each option stands in one of them, and the program
//! itself is run with it, spelled in every way.

use super::line::Line;

/// What is known of the options of a program.
#[derive(Debug)]
pub struct Program {
    /// Its name, with its command if it has several.
    pub name: &'static str,
    /// The options without a value: the letter and the long name, of which one may be missing.
    flags: &'static [(char, &'static str)],
    /// The options with a value.
    valued: &'static [(char, &'static str)],
    /// What it takes beside that.
    pub takes: &'static [Takes],
    /// Commands that show it.
    pub markers: &'static [&'static str],
}

/// What a program may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Takes {
    /// Options behind arguments.
    Last,
    /// `--` before the arguments.
    End,
    /// Long options that are cut short.
    Short,
    /// A long option and its value as one word.
    Equals,
    /// Arguments one at a time as well as together.
    Each,
}

use Takes::{Each, End, Equals, Last, Short};

/// Stands for the letter of an option that has none.
const NONE: char = '\0';

/// The programs.
pub const PROGRAMS: &[Program] = &[
    Program {
        name: "rm",
        flags: &[('r', "recursive"), ('f', "force"), ('v', "verbose")],
        valued: &[],
        takes: &[Last, End, Short, Each],
        markers: &[
            "rm -rf build/old",
            "rm -r -f -v build/empty one",
            "rm --recursive --force --verbose build/empty",
        ],
    },
    Program {
        name: "cp",
        flags: &[
            ('r', "recursive"),
            ('f', "force"),
            ('a', "archive"),
            ('v', "verbose"),
        ],
        valued: &[],
        takes: &[Last, End, Short],
        markers: &[
            "cp -rf build/old copy",
            "cp -a -v build/empty copy",
            "cp --recursive --force --archive --verbose build/empty copy",
        ],
    },
    Program {
        name: "mv",
        flags: &[('f', "force"), ('v', "verbose")],
        valued: &[],
        takes: &[Last, End, Short],
        markers: &[
            "mv -fv one two",
            "mv -f -v one two",
            "mv --force --verbose one two",
        ],
    },
    Program {
        name: "chmod",
        flags: &[('R', "recursive"), ('v', "verbose")],
        valued: &[],
        takes: &[Last, End, Short],
        markers: &[
            "chmod -R -v 700 build/empty",
            "chmod -Rv 700 build/empty",
            "chmod --recursive --verbose 700 build/empty",
        ],
    },
    Program {
        name: "ln",
        flags: &[('s', "symbolic"), ('f', "force"), ('n', "no-dereference")],
        valued: &[],
        takes: &[Last, End, Short],
        markers: &[
            "ln -sfn notes/list.txt one",
            "ln -s -f -n notes/list.txt one",
            "ln --symbolic --force --no-dereference notes/list.txt one",
        ],
    },
    Program {
        name: "shred",
        flags: &[('u', ""), ('z', "zero"), ('f', "force")],
        valued: &[('n', "iterations")],
        takes: &[Last, End, Short, Equals, Each],
        markers: &[
            "shred -uz one two",
            "shred -u -z -f one",
            "shred -u -n 1 one two",
            "shred --iterations 1 -u --zero --force one",
        ],
    },
    Program {
        name: "truncate",
        flags: &[('c', "no-create")],
        valued: &[('s', "size")],
        takes: &[Last, End, Short, Equals, Each],
        markers: &[
            "truncate -c -s 0 one two",
            "truncate --no-create --size 0 one",
        ],
    },
    Program {
        name: "cat",
        flags: &[('n', "number"), ('A', "show-all")],
        valued: &[],
        takes: &[Last, End],
        markers: &[
            "cat -nA one two",
            "cat -n -A one",
            "cat --number --show-all one",
        ],
    },
    Program {
        name: "head",
        flags: &[('q', "quiet")],
        valued: &[('n', "lines"), ('c', "bytes")],
        takes: &[Last, End, Short, Equals],
        markers: &[
            "head -q -n 1 notes/list.txt",
            "head -c 2 notes/list.txt",
            "head --quiet --lines 1 notes/list.txt",
            "head --bytes 2 notes/list.txt",
        ],
    },
    Program {
        name: "grep",
        flags: &[
            ('r', "recursive"),
            ('i', "ignore-case"),
            ('h', "no-filename"),
        ],
        valued: &[('e', "regexp")],
        takes: &[Last, End, Short, Equals],
        markers: &[
            "grep -ri FIRST notes",
            "grep -r -i -h FIRST notes",
            "grep -e first notes/list.txt",
            "grep --recursive --ignore-case --no-filename --regexp FIRST notes",
        ],
    },
    Program {
        name: "base64",
        flags: &[('d', "decode")],
        valued: &[('w', "wrap")],
        takes: &[Last, End, Short, Equals],
        markers: &[
            "base64 -w 0 one",
            "base64 -d -w 0 notes/b64",
            "base64 --decode --wrap 0 notes/b64",
        ],
    },
    Program {
        name: "tar",
        flags: &[
            ('c', "create"),
            ('x', "extract"),
            ('z', "gzip"),
            (NONE, "overwrite"),
            (NONE, "remove-files"),
        ],
        valued: &[('f', "file"), ('C', "directory")],
        takes: &[End, Equals],
        markers: &[
            "tar -cf out.tar notes",
            "tar -czf out.tgz one",
            "tar -c -z -f out.tgz -C notes list.txt",
            "tar -xf notes/in.tar",
            "tar --create --gzip --file out.tgz --directory notes list.txt",
            "tar --extract --overwrite --file notes/in.tar",
            "tar --create --remove-files --file out.tar one",
        ],
    },
    Program {
        name: "curl",
        flags: &[
            ('s', "silent"),
            ('S', "show-error"),
            ('f', "fail"),
            ('L', "location"),
            ('k', "insecure"),
        ],
        valued: &[
            ('d', "data"),
            ('H', "header"),
            ('X', "request"),
            ('o', "output"),
            ('F', "form"),
            ('T', "upload-file"),
            ('A', "user-agent"),
            ('u', "user"),
            ('b', "cookie"),
            (NONE, "data-binary"),
            (NONE, "json"),
        ],
        takes: &[Last, End],
        markers: &[
            "curl -o out localhost",
            "curl -fsSL http://localhost/x",
            "curl -s -S -f -L -k http://localhost/x",
            "curl --silent --show-error --fail --location --insecure http://localhost/x",
            "curl -s -d @one http://localhost/x",
            "curl -s -X PUT -H 'A: 1' -A agent -u a:b -b c=d -d 'e=f g' http://localhost/x",
            "curl -s -T one http://localhost/x",
            "curl -s -F file=@one http://localhost/x",
            "curl -s --data-binary @one --request PUT http://localhost/x",
            "curl -s --json '{}' http://localhost/x",
            "curl -s --data @one --header 'A: 1' --user-agent b --user c:d --cookie e=f http://localhost/x",
            "curl -s --form file=@one --output out http://localhost/x",
            "curl -s --upload-file one http://localhost/x",
        ],
    },
    Program {
        name: "wget",
        flags: &[('q', "quiet")],
        valued: &[
            ('O', "output-document"),
            (NONE, "header"),
            (NONE, "post-data"),
            (NONE, "post-file"),
            (NONE, "method"),
            (NONE, "body-file"),
        ],
        takes: &[Last, End, Short, Equals],
        markers: &[
            "wget -qO- http://localhost/x",
            "wget -q -O out http://localhost/x",
            "wget --quiet --output-document out http://localhost/x",
            "wget -q -O - --header 'A: 1' --post-data b=c http://localhost/x",
            "wget -q -O - --post-file one http://localhost/x",
            "wget -q -O - --method PUT --body-file one http://localhost/x",
        ],
    },
    Program {
        name: "git push",
        flags: &[
            ('q', "quiet"),
            ('f', "force"),
            ('d', "delete"),
            (NONE, "all"),
            (NONE, "mirror"),
            (NONE, "prune"),
            (NONE, "tags"),
            (NONE, "no-verify"),
        ],
        valued: &[],
        takes: &[Last, End],
        markers: &[
            "git push -qf origin main",
            "git push -q -f origin main",
            "git push -q -d origin topic",
            "git push --quiet --force origin main",
            "git push --quiet --delete origin topic",
            "git push -q --mirror origin",
            "git push -q --force --all origin",
            "git push -q --force --prune --all origin",
            "git push -q --tags --no-verify origin",
        ],
    },
    Program {
        name: "git clean",
        flags: &[('f', "force"), ('d', ""), ('x', ""), ('q', "quiet")],
        valued: &[],
        takes: &[Last, End, Short],
        markers: &[
            "git clean -fdx",
            "git clean -f -d -x -q",
            "git clean --force --quiet -d build",
        ],
    },
    Program {
        name: "git reset",
        flags: &[('q', "quiet"), (NONE, "hard")],
        valued: &[],
        takes: &[Last, Short],
        markers: &[
            "git reset -q --hard HEAD~1",
            "git reset --quiet --hard HEAD~1",
        ],
    },
    Program {
        name: "git branch",
        flags: &[('q', "quiet"), ('D', ""), ('d', "delete"), ('f', "force")],
        valued: &[],
        takes: &[Last, End],
        markers: &[
            "git branch -q -D topic",
            "git branch -qD topic",
            "git branch -d -f topic",
            "git branch --quiet --delete --force topic",
        ],
    },
    Program {
        name: "git restore",
        flags: &[('q', "quiet"), ('S', "staged"), ('W', "worktree")],
        valued: &[('s', "source")],
        takes: &[Last, End, Short, Equals],
        markers: &[
            "git restore -q -SW .",
            "git restore -S -W -s HEAD~1 notes",
            "git restore --quiet --staged --worktree --source HEAD~1 notes",
        ],
    },
    Program {
        name: "git log",
        flags: &[(NONE, "oneline")],
        valued: &[('n', "max-count")],
        takes: &[Last, Equals],
        markers: &["git log -n 1", "git log --oneline --max-count 3"],
    },
];

impl Program {
    fn flag(&self, letter: char) -> Option<char> {
        let mut flags = self.flags.iter();
        flags.find(|(flag, _)| *flag == letter).map(|_| letter)
    }

    fn has_long(options: &[(char, &str)], long: &str) -> bool {
        options.iter().any(|(_, name)| *name == long)
    }

    fn has_value(&self, letter: char) -> bool {
        self.valued.iter().any(|(valued, _)| *valued == letter)
    }

    /// Returns the long name of a letter.
    pub fn long(&self, letter: char) -> Option<&'static str> {
        let all = self.flags.iter().chain(self.valued);
        let mut named = all.filter(|(_, name)| !name.is_empty());
        named
            .find(|(other, _)| *other == letter)
            .map(|(_, name)| *name)
    }

    /// Reports whether it takes what not every program takes.
    pub fn takes(&self, what: Takes) -> bool {
        self.takes.contains(&what)
    }
}

/// A word behind the name, or an option and its value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Item<'a> {
    /// Letters, of which the last may have a value.
    Letters(String, Option<Value<'a>>),
    /// A long option, which may be cut short.
    Long(&'a str, Option<Value<'a>>),
    /// The end of the options.
    End,
    /// An argument.
    Argument(&'a str),
}

/// The value of an option, as it is spelled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Value<'a> {
    /// Its text.
    pub text: &'a str,
    /// Whether it stands in one word with the option.
    pub is_joined: bool,
}

impl Value<'_> {
    /// Returns the value in one word with the option, if it means the same there.
    pub fn joined(self) -> Option<Self> {
        let is_joined = true;
        // A tilde is the home folder at the start of a word only.
        let is_tilde = self.text.starts_with('~');
        (!is_tilde).then_some(Self { is_joined, ..self })
    }
}

impl Item<'_> {
    fn is_argument(&self) -> bool {
        match self {
            Self::Argument(_) => true,
            Self::Letters(..) | Self::Long(..) | Self::End => false,
        }
    }

    /// Reports whether this is an option without a value.
    pub fn is_flag(&self) -> bool {
        match self {
            Self::Letters(_, value) | Self::Long(_, value) => value.is_none(),
            Self::Argument(_) | Self::End => false,
        }
    }

    /// Returns it as it is spelled.
    pub fn text(&self) -> String {
        match self {
            Self::Letters(letters, value) => format!("-{letters}{}", behind(*value, "")),
            Self::Long(name, value) => format!("--{name}{}", behind(*value, "=")),
            Self::End => "--".to_owned(),
            Self::Argument(text) => (*text).to_owned(),
        }
    }
}

fn behind(value: Option<Value<'_>>, sign: &str) -> String {
    match value {
        None => String::new(),
        Some(value) if value.is_joined => format!("{sign}{}", value.text),
        Some(value) => format!(" {}", value.text),
    }
}

/// A simple command whose program and options are all known.
pub struct Known<'a> {
    /// The program.
    pub program: &'static Program,
    /// What follows its name.
    pub items: Vec<Item<'a>>,
}

impl<'a> Known<'a> {
    /// Returns what is known of a line; nothing if an option of it is not known.
    pub fn of(line: &Line<'a>) -> Option<Self> {
        let words = line.words()?;
        let named = |program: &&Program| {
            let name: Vec<&str> = program.name.split(' ').collect();
            words.starts_with(&name)
        };
        let program = PROGRAMS.iter().find(named)?;
        let mut items = Vec::new();
        let mut rest = words.into_iter().skip(program.name.split(' ').count());
        while let Some(word) = rest.next() {
            let is_over = items.contains(&Item::End);
            items.push(match word {
                "--" if !is_over => Item::End,
                _ if is_over || word == "-" || !word.starts_with('-') => Item::Argument(word),
                _ => item(program, word, &mut rest)?,
            });
        }
        Some(Self { program, items })
    }

    /// Returns the options and the arguments, if all options stand before all arguments.
    pub fn parted(&self) -> Option<(&[Item<'a>], &[Item<'a>])> {
        let first = self.items.iter().position(Item::is_argument)?;
        let (options, arguments) = self.items.split_at_checked(first)?;
        let has_end = options.contains(&Item::End);
        let is_parted = !has_end && arguments.iter().all(Item::is_argument);
        is_parted.then_some((options, arguments))
    }

    /// Returns the command with other words behind its name.
    pub fn with(&self, items: &[Item<'_>]) -> String {
        let words = items.iter().map(|item| format!(" {}", item.text()));
        format!("{}{}", self.program.name, words.collect::<String>())
    }

    /// Returns the command with each word replaced by others, where `replace` has some.
    pub fn each(&self, replace: impl Fn(&Item<'a>) -> Option<Vec<Item<'a>>>) -> Option<String> {
        let items = self.items.iter();
        let items = items.flat_map(|item| replace(item).unwrap_or_else(|| vec![item.clone()]));
        let items: Vec<Item<'_>> = items.collect();
        (items != self.items).then(|| self.with(&items))
    }
}

/// Reads an option; its value may be the next word.
fn item<'a>(
    program: &Program,
    word: &'a str,
    rest: &mut impl Iterator<Item = &'a str>,
) -> Option<Item<'a>> {
    if let Some(long) = word.strip_prefix("--") {
        if let Some((name, text)) = long.split_once('=') {
            let is_joined = true;
            let is_known = Program::has_long(program.valued, name);
            return is_known.then_some(Item::Long(name, Some(Value { text, is_joined })));
        }
        if Program::has_long(program.flags, long) {
            return Some(Item::Long(long, None));
        }
        let is_known = Program::has_long(program.valued, long);
        let text = rest.next().filter(|_| is_known)?;
        let is_joined = false;
        return Some(Item::Long(long, Some(Value { text, is_joined })));
    }
    let letters = word.strip_prefix('-')?;
    let value_at = letters.find(|letter| program.has_value(letter));
    let end = value_at.map_or(letters.len(), |place| place + 1);
    let (own, joined) = letters.split_at_checked(end)?;
    let flags = own.get(..value_at.unwrap_or(end))?;
    if !flags.chars().all(|letter| program.flag(letter).is_some()) {
        return None;
    }
    let value = match value_at {
        None => None,
        Some(_) if joined.is_empty() => Some(Value {
            text: rest.next()?,
            is_joined: false,
        }),
        Some(_) => Some(Value {
            text: joined,
            is_joined: true,
        }),
    };
    Some(Item::Letters(own.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_of_a_program_stands_in_a_marker_of_it() {
        for program in PROGRAMS {
            let lines = program.markers.iter().map(|marker| Line::new(marker));
            let known = lines.map(|line| Known::of(&line).expect("a marker is known").items);
            let items: Vec<Item<'_>> = known.flatten().collect();
            let has = |letter: char, long: &str| {
                items.iter().any(|item| match item {
                    Item::Letters(letters, _) => letters.contains(letter),
                    Item::Long(name, _) => *name == long,
                    Item::End | Item::Argument(_) => false,
                })
            };
            for (letter, long) in program.flags.iter().chain(program.valued) {
                let name = program.name;
                assert!(*letter == NONE || has(*letter, ""), "{name} -{letter}");
                assert!(long.is_empty() || has(NONE, long), "{name} --{long}");
            }
        }
    }
}
