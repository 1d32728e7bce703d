//! Reads PowerShell as far as it is plain: which commands it names, and with
//! which words. Whatever holds more than plain commands is said not to be followed.

mod plain;

use aegis_types::{
    Command, Dialect, Directory, Place, Plan, Span, Unknown, UnknownCause, Word, WordPart,
};

use crate::limit::TEXT_BYTES_MAX;

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
        plan.commands = statements(text).into_iter().map(command).collect();
        let started: Vec<Command> = plan.commands.iter().filter_map(started).collect();
        plan.commands.extend(started);
        let is_plain = plain::is_plain(text, &plan.commands);
        (!is_plain).then(|| UnknownCause::Construct("powershell".to_owned()))
    };
    plan.unknowns
        .extend(cause.map(|cause| Unknown { span, cause }));
    plan
}

/// The most commands of a text that are listed.
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

/// Gives the last statement what the one before it names, if it acts on that.
fn hand_on(statements: &mut [Vec<Word>]) {
    let Some((last, before)) = statements.split_last_mut() else {
        return;
    };
    let is_operand = |word: &&Word| word.literal().is_none_or(|text| !text.starts_with('-'));
    let name = last.first().and_then(Word::literal).unwrap_or_default();
    let names_nothing = !last.iter().skip(1).any(|word| is_operand(&word));
    if !TAKING.contains(&name.as_str()) || !names_nothing {
        return;
    }
    if let Some(before) = before.last() {
        last.extend(before.iter().skip(1).filter(is_operand).cloned());
    }
}

/// Returns the words of each statement, and of each part of a pipeline or in brackets.
fn statements(text: &str) -> Vec<Vec<Word>> {
    let mut statements = vec![Vec::new()];
    let mut is_handed_on = false;
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
                if let Some(words) = statements.last_mut() {
                    // What is assigned to is no command.
                    if character == '=' && word.starts_with('$') {
                        word.clear();
                    }
                    push(words, &mut word, start, index);
                }
                start = index + character.len_utf8();
                if ends && std::mem::replace(&mut is_handed_on, character == '|') {
                    hand_on(&mut statements);
                }
                if ends && statements.len() < COMMANDS_MAX {
                    statements.push(Vec::new());
                }
            }
            Some(_) | None => word.push(character),
        }
    }
    if let Some(words) = statements.last_mut() {
        push(words, &mut word, start, text.len());
    }
    if is_handed_on {
        hand_on(&mut statements);
    }
    statements.retain(|words| !words.is_empty());
    statements
}

fn push(words: &mut Vec<Word>, word: &mut String, start: usize, end: usize) {
    let text = std::mem::take(word);
    if text.is_empty() {
        return;
    }
    let is_name = words.is_empty();
    let text = if is_name {
        text.trim_start_matches('.').to_ascii_lowercase()
    } else if text.starts_with('-') {
        text.to_ascii_lowercase()
    } else {
        text
    };
    let place = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
    words.push(Word {
        span: Span {
            start: place(start),
            end: place(end),
        },
        parts: parts(text),
        ..Word::default()
    });
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
    fn a_program_that_is_started_is_a_command() {
        let starts = shown("Start-Process Codex -ArgumentList '--yolo'");
        assert!(starts.contains(&"codex --yolo".to_owned()), "{starts:?}");
        assert_eq!(shown("Stop-Process -Name codex").len(), 1);
    }
}
