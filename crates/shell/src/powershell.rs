//! Reads PowerShell as far as it is plain: which commands it names, and with
//! which words. Whatever holds more than plain commands is said not to be followed.

mod plain;

use aegis_types::{
    Command, Dialect, Directory, Place, Plan, Span, Unknown, UnknownCause, Word, WordPart,
};

use crate::limit::{TEXT_BYTES_MAX, WORDS_MAX};

/// Returns the commands that a PowerShell text names and, unless it is plain, that
/// it is not followed.
///
/// Names and options are in lower case, as PowerShell makes no difference.
#[must_use]
pub fn plan_powershell(text: &str) -> Plan {
    let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let span = Span { start: 0, end };
    let mut plan = Plan {
        dialect: Dialect::Powershell,
        ..Plan::default()
    };
    let cause = if text.len() > TEXT_BYTES_MAX {
        Some(UnknownCause::TooComplex)
    } else {
        let read = statements(text);
        let cause = if read.is_full {
            Some(UnknownCause::TooComplex)
        } else {
            let is_plain = plain::is_plain(text, &read.statements);
            (!is_plain).then(|| UnknownCause::Construct("powershell".to_owned()))
        };
        let commands = read.statements.into_iter().map(|it| it.command);
        plan.commands = commands.collect();
        let started: Vec<Command> = plan.commands.iter().filter_map(started).collect();
        plan.commands.extend(started);
        cause
    };
    plan.unknowns
        .extend(cause.map(|cause| Unknown { span, cause }));
    plan
}

/// The most statements of a text that are read.
const COMMANDS_MAX: usize = 256;

fn command(words: Vec<Word>) -> Command {
    // Words that a pipeline handed on stand in front of the others.
    let start = words.iter().map(|word| word.span.start).min();
    let end = words.iter().map(|word| word.span.end).max();
    let span = Span {
        start: start.unwrap_or_default(),
        end: end.unwrap_or_default(),
    };
    let mut words = words.into_iter();
    Command {
        span,
        program: words.next(),
        arguments: words.collect(),
        assignments: Vec::new(),
        redirections: Vec::new(),
        through: Vec::new(),
        directory: Directory::Start,
        place: Place {
            length: 1,
            ..Place::default()
        },
    }
}

/// Returns the command that another one starts by `Start-Process`.
fn started(starting: &Command) -> Option<Command> {
    let name = starting.program.as_ref()?.literal()?;
    if !matches!(name.as_str(), "start-process" | "saps" | "start") {
        return None;
    }
    let words = starting.arguments.iter();
    let words = words.filter(|word| {
        let text = word.literal().unwrap_or_default();
        !["-filepath", "-argumentlist", "-args", "-wait"].contains(&text.as_str())
    });
    let mut words: Vec<Word> = words.cloned().collect();
    let text = words.first()?.literal()?;
    if let Some(first) = words.first_mut() {
        first.parts = vec![WordPart::Literal(text.to_ascii_lowercase())];
    }
    Some(command(words))
}

/// Commands that act on what a pipeline hands to them, where they name nothing themselves.
const TAKING: [&str; 8] = [
    "remove-item",
    "ri",
    "rm",
    "del",
    "erase",
    "rd",
    "rmdir",
    "clear-content",
];

/// A statement, or a part of a pipeline or of what stands in brackets.
struct Statement {
    command: Command,
    /// Whether what stands before it hands it something.
    is_behind_pipe: bool,
}

/// What is read of a text.
#[derive(Default)]
struct Statements {
    statements: Vec<Statement>,
    /// The words of the statement that is being read.
    words: Vec<Word>,
    /// Whether a pipe stands before these words.
    is_behind_pipe: bool,
    /// How many words there are in all.
    count: usize,
    /// Whether there is more than is read.
    is_full: bool,
}

impl Statements {
    /// Adds a word to the statement that is being read.
    fn push(&mut self, word: &mut String, start: usize, end: usize) {
        let text = std::mem::take(word);
        if text.is_empty() || !self.take(1) {
            return;
        }
        let text = if self.words.is_empty() {
            text.trim_start_matches('.').to_ascii_lowercase()
        } else if text.starts_with('-') {
            text.to_ascii_lowercase()
        } else {
            text
        };
        let place = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
        self.words.push(Word {
            span: Span {
                start: place(start),
                end: place(end),
            },
            parts: parts(text),
            ..Word::default()
        });
    }

    /// Ends the statement that is being read, unless it is blank.
    fn end(&mut self) {
        if self.words.is_empty() {
            return;
        }
        if self.statements.len() == COMMANDS_MAX {
            self.is_full = true;
            return;
        }
        let is_behind_pipe = std::mem::take(&mut self.is_behind_pipe);
        if is_behind_pipe {
            self.hand_on();
        }
        self.statements.push(Statement {
            command: command(std::mem::take(&mut self.words)),
            is_behind_pipe,
        });
    }

    /// Gives the statement what the one before it names, if it acts on that.
    fn hand_on(&mut self) {
        let is_operand = |word: &&Word| word.literal().is_none_or(|text| !text.starts_with('-'));
        let mut words = self.words.iter();
        let name = words.next().and_then(Word::literal).unwrap_or_default();
        if !TAKING.contains(&name.as_str()) || words.any(|word| is_operand(&word)) {
            return;
        }
        let before = self.statements.last().map(|it| &it.command.arguments);
        let operands = before.into_iter().flatten().filter(is_operand);
        let operands: Vec<Word> = operands.cloned().collect();
        // What is handed on and on counts each time.
        if self.take(operands.len()) {
            self.words.extend(operands);
        }
    }

    /// Takes room for words; `false` if that is more than is left.
    fn take(&mut self, words: usize) -> bool {
        let count = self.count + words;
        self.is_full |= count > WORDS_MAX;
        if !self.is_full {
            self.count = count;
        }
        !self.is_full
    }
}

/// Returns the statements of a text, up to what is too many.
fn statements(text: &str) -> Statements {
    let mut read = Statements::default();
    let mut start = 0;
    let mut word = String::new();
    let mut quote = None;
    for (index, character) in text.char_indices() {
        let ends = matches!(
            character,
            ';' | '|' | '&' | '(' | ')' | '{' | '}' | '\n' | '='
        );
        match quote {
            Some(open) if open == character => quote = None,
            None if matches!(character, '\'' | '"') => quote = Some(character),
            None if ends || character.is_whitespace() || character == ',' => {
                // What is assigned to is no command.
                if character == '=' && word.starts_with('$') {
                    word.clear();
                }
                read.push(&mut word, start, index);
                start = index + character.len_utf8();
                if ends {
                    read.end();
                }
                read.is_behind_pipe |= character == '|' && !is_or(text, index);
            }
            Some(_) | None => word.push(character),
        }
        if read.is_full {
            break;
        }
    }
    read.push(&mut word, start, text.len());
    read.end();
    read
}

/// Returns whether the `|` at `index` is half of an `||`.
fn is_or(text: &str, index: usize) -> bool {
    let (before, from) = text.split_at_checked(index).unwrap_or_default();
    before.ends_with('|') || from.starts_with("||")
}

fn parts(text: String) -> Vec<WordPart> {
    let lower = text.to_ascii_lowercase();
    for home in ["~", "$home", "$env:userprofile", "$env:home"] {
        let Some(rest) = lower.strip_prefix(home) else {
            continue;
        };
        let rest = text.get(text.len() - rest.len()..).unwrap_or_default();
        if rest.is_empty() {
            return vec![WordPart::Home(None)];
        }
        if rest.starts_with(['/', '\\']) && !rest.contains('$') {
            let rest = rest.replace('\\', "/");
            return vec![WordPart::Home(None), WordPart::Literal(rest)];
        }
    }
    if text.contains('$') {
        return vec![WordPart::Unknown(UnknownCause::Expansion)];
    }
    vec![WordPart::Literal(text)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let commands = plan_powershell(text).commands;
        let words = |command: &Command| {
            let all = command.program.iter().chain(&command.arguments);
            all.map(crate::written).collect::<Vec<_>>().join(" ")
        };
        commands.iter().map(words).collect()
    }

    #[test]
    fn what_a_pipeline_hands_on_is_named_by_what_removes_it() {
        let removes = shown("Get-ChildItem ~/x -Recurse | Remove-Item -Recurse");
        assert_eq!(
            removes,
            ["get-childitem ~/x -recurse", "remove-item -recurse ~/x"]
        );
        let apart = shown("Get-ChildItem ~/x; Remove-Item -Recurse");
        assert_eq!(apart, ["get-childitem ~/x", "remove-item -recurse"]);
        let named = shown("Get-ChildItem ~/x | Remove-Item y");
        assert_eq!(named, ["get-childitem ~/x", "remove-item y"]);
    }

    #[test]
    fn plain_commands_are_followed_and_nothing_else() {
        for text in [
            "git status",
            "Get-ChildItem src -Recurse",
            "gci src | Select-Object -First 3",
            "npm test; git diff",
            "Write-Output 'hi there'",
            "cargo build && cargo test",
            "Remove-Item -Recurse ./build",
            "Get-ChildItem",
            "Get-Content README.md",
            "Get-ChildItem | Select-Object -First 5",
            "Get-Content x.json | ConvertFrom-Json | Format-List",
            "gci src | Where-Object Name -match x",
            "git commit -m 'why [x]?'",
            "git status || git diff",
        ] {
            assert_eq!(plan_powershell(text).unknowns, [], "{text}");
        }
        for text in [
            "iex 'git status'",
            "& git status",
            "$x",
            "git $x",
            "Remove-`Item x",
            "Get-ChildItem Env:",
            "gci (Get-Location)",
            "cmd /c dir",
            "powershell -c 'git status'",
            "python -c 'print(1)'",
            "type .env",
            "Get-Content .e*",
            "wmic process call create x",
            "cd ..; git status",
            "sudo id",
            "git -c core.pager=./x log",
            "./x.ps1",
            "Invoke-Something x",
            "unheard-of",
            "git log > x",
            "Start-Job {git status}",
            "Write-Output \"$(id)\"",
            "git status --% x",
        ] {
            assert_ne!(plan_powershell(text).unknowns, [], "{text}");
        }
    }

    #[test]
    fn what_a_pipeline_carries_is_not_known() {
        for text in [
            "gci -Force | gc",
            "gci -Force |\ngc",
            "gci -Force\n| gc",
            "'.env' | gc",
            "Write-Output .env | gc",
            "gci -Recurse | Remove-Item -Recurse -Force",
            "gci x | Sort-Object | ri",
            "gc list.txt | ri",
            "git ls-files | ri",
            "gci | Select-String x",
            "git ls-files | git status",
        ] {
            assert_ne!(plan_powershell(text).unknowns, [], "{text}");
        }
    }

    #[test]
    fn words_that_powershell_takes_otherwise_are_not_followed() {
        for text in [
            "Get-Content '.e*'",
            "gc '.en[v]'",
            "gc '.en?'",
            "gc '.e`nv'",
            "Remove-Item -Recurse '*'",
            "rm '.e*'",
            "gc -Path:.env",
            "gc -LiteralPath:../x",
            "gc -LP .env",
            "gc --path .env",
            "Set-Content '-Path' .env",
            "Set-Content a,.env x",
            "gc 'x'.env",
            "gc '.e''nv'",
            "Add-Content '' .env",
            "'git' status",
            ".git status",
            "gc src\\.env",
            "Copy-Item -Path x .env",
            "cp -Destination .env x",
            "Write-Output 'x\u{2019}; git status'",
        ] {
            assert_ne!(plan_powershell(text).unknowns, [], "{text}");
        }
    }

    #[test]
    fn more_than_is_read_is_said() {
        let is_too_complex = |text: &str| {
            let plan = plan_powershell(text);
            let words = plan.commands.iter().map(|it| it.arguments.len() + 1);
            assert!(words.sum::<usize>() <= WORDS_MAX);
            let mut causes = plan.unknowns.iter().map(|it| &it.cause);
            causes.any(|cause| *cause == UnknownCause::TooComplex)
        };
        let fits = "git status\n\n;".repeat(COMMANDS_MAX);
        assert_eq!(plan_powershell(&fits).unknowns, []);
        assert!(is_too_complex(&format!("{fits}ri .env")));
        let words = WORDS_MAX - 2;
        assert!(!is_too_complex(&format!("gci {}", "a ".repeat(words))));
        assert!(is_too_complex(&format!("gci {}", "a ".repeat(words + 2))));
        let handed = |times| format!("gci {}{}", "a ".repeat(1024), "| rm ".repeat(times));
        assert!(!is_too_complex(&handed(2)));
        assert!(is_too_complex(&handed(COMMANDS_MAX / 2)));
    }

    #[test]
    fn a_program_that_is_started_is_a_command() {
        let starts = shown("Start-Process Codex -ArgumentList '--yolo'");
        assert!(starts.contains(&"codex --yolo".to_owned()), "{starts:?}");
        assert_eq!(shown("Stop-Process -Name codex").len(), 1);
    }
}
