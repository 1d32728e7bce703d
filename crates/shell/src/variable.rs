//! Variables of the environment through which programs are given code.
//!
//! One table says how the value of each is read. It does not matter whether the
//! variable is set before a command, by `env`, by `export`, or by a builtin that
//! writes variables.

mod table;

use aegis_types::{Assignment, Redirection, RedirectionKind, Word, WordPart};

use crate::code::path_word;
use crate::elsewhere::quoted;
use crate::option::{first_text, shown_text, without_start};
use crate::option_code::git_setting_runs;
use crate::option_text::GivenText;
use crate::quote::in_quotes;
use crate::run;
use crate::written;
use table::{Taken, Use, use_of};

/// Returns whether the program `name` may set variables with its words.
pub(crate) fn sets(name: &str) -> bool {
    matches!(
        name,
        "declare"
            | "export"
            | "gmake"
            | "local"
            | "make"
            | "printf"
            | "read"
            | "readonly"
            | "typeset"
    )
}

/// Returns every variable that a command sets: before its program, and, where it
/// is a builtin that does so, with its words and what it reads.
pub(crate) fn set_by(
    words: &[Word],
    assignments: &[Assignment],
    redirections: &[Redirection],
) -> Vec<Assignment> {
    let mut set = assignments.to_vec();
    let Some((program, arguments)) = words.split_first() else {
        return set;
    };
    match first_text(program) {
        // What follows is a variable to make, and to what it runs.
        "make" | "gmake" => set.extend(arguments.iter().filter_map(assigned)),
        "export" | "declare" | "typeset" | "local" | "readonly" => {
            set.extend(arguments.iter().filter_map(assigned));
        }
        "printf" => {
            if let [option, name, value, ..] = arguments
                && first_text(option) == "-v"
            {
                set.push(Assignment {
                    name: shown_text(name),
                    value: value.clone(),
                });
            }
        }
        "read" => {
            let mut texts = redirections.iter().rev();
            let text = texts.find(|it| it.kind == RedirectionKind::Text);
            let text = text.and_then(|text| text.target.literal());
            let mut names = arguments.iter().rev();
            let name = names.find(|it| !first_text(it).starts_with('-'));
            if let (Some(text), Some(name)) = (text, name) {
                set.push(Assignment {
                    name: shown_text(name),
                    value: Word {
                        span: name.span,
                        parts: vec![WordPart::Literal(text.trim().to_owned())],
                        ..Word::default()
                    },
                });
            }
        }
        _ => {}
    }
    set
}

fn assigned(word: &Word) -> Option<Assignment> {
    let (name, _) = first_text(word).split_once('=')?;
    Some(Assignment {
        name: name.to_owned(),
        value: without_start(word, name.len() + 1),
    })
}

/// Returns the texts for a shell that variables hold.
pub(crate) fn texts(set: &[Assignment]) -> Vec<GivenText> {
    let each = set.iter().filter_map(|assignment| {
        let value = &assignment.value;
        match use_of(&assignment.name) {
            Some(Use::Shell) => Some(unmarked(value)),
            // A program alone is no more than its name, unless it runs what it is given.
            Some(Use::Program) => {
                let text = first_text(value);
                (text.contains(' ') || runs_others(text)).then(|| value.clone())
            }
            // `() { text; }`
            Some(Use::Function) => {
                let body = first_text(value).find('{')?;
                Some(without_start(value, body))
            }
            Some(Use::After(sign)) => {
                let at = first_text(value).find(sign)?;
                Some(without_start(value, at + sign.len()))
            }
            Some(Use::Words(start)) => {
                Some(behind(start, &without_meaning(&shown_text(value)), value))
            }
            Some(Use::Word(start)) => Some(behind(start, &quoted(value), value)),
            Some(Use::Settings) => {
                let settings = shown_text(value).replace("' '", "' -c '");
                Some(behind("git -c ", &settings, value))
            }
            Some(Use::Options(taken)) => options_with_code(taken, value),
            Some(Use::Loads | Use::Writes) => None,
            None => {
                let number = assignment.name.strip_prefix("GIT_CONFIG_VALUE_")?;
                is_key_of_code(set, number).then(|| unmarked(value))
            }
        }
    });
    each.map(GivenText::from).collect()
}

/// Returns the command line that a program with options from a variable is as good
/// as, where one of them is code.
fn options_with_code(taken: &Taken, value: &Word) -> Option<Word> {
    let text = shown_text(value);
    if !taken.code.iter().any(|code| text.contains(code)) {
        return None;
    }
    let options = if taken.has_quotes {
        without_meaning(&text)
    } else {
        let words: Vec<String> = text.split_whitespace().map(in_quotes).collect();
        words.join(" ")
    };
    Some(behind(taken.start, &options, value))
}

/// Returns whether a program is one that runs what it is given as its arguments.
fn runs_others(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    run::is_prefix(name) || matches!(name, "dzdo" | "run0" | "runuser" | "su")
}

/// Returns a value without the signs with which some say that it is run.
fn unmarked(value: &Word) -> Word {
    let text = first_text(value);
    let marks = text.len() - text.trim_start_matches(['|', '-', '!']).len();
    without_start(value, marks)
}

/// Returns options in which the signs of a shell mean themselves, as to the
/// program that reads them.
fn without_meaning(options: &str) -> String {
    let mut text = String::new();
    for letter in options.chars() {
        if matches!(letter, ';' | '|' | '&' | '$' | '<' | '>' | '(' | ')' | '`') {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

fn behind(start: &str, text: &str, value: &Word) -> Word {
    Word {
        span: value.span,
        parts: vec![WordPart::Literal(format!("{start}{text}"))],
        ..Word::default()
    }
}

/// Returns the texts for a shell that variables hold which `--config-env` names to git.
pub(crate) fn texts_named(words: &[Word], set: &[Assignment]) -> Vec<GivenText> {
    let is_git = words.first().is_some_and(|word| first_text(word) == "git");
    let settings = words.iter().filter(|_| is_git).filter_map(|word| {
        let text = first_text(word).strip_prefix("--config-env=")?;
        let (key, name) = text.rsplit_once('=')?;
        git_setting_runs(&format!("{key}=!x")).then_some(name)
    });
    let values = settings.filter_map(|name| set.iter().rev().find(|it| it.name == name));
    values.map(|it| unmarked(&it.value).into()).collect()
}

fn is_key_of_code(set: &[Assignment], number: &str) -> bool {
    let key = format!("GIT_CONFIG_KEY_{number}");
    set.iter().any(|assignment| {
        assignment.name == key && git_setting_runs(&format!("{}=!x", shown_text(&assignment.value)))
    })
}

/// Returns the files and folders whose code the variables load into programs.
pub(crate) fn loaded(set: &[Assignment]) -> Vec<Word> {
    let mut found = Vec::new();
    for assignment in set {
        let text = written(&assignment.value);
        let used = use_of(&assignment.name);
        if matches!(used, Some(Use::Loads)) && assignment.value.is_stream() {
            found.push(assignment.value.clone());
            continue;
        }
        let paths: Vec<&str> = match used {
            Some(Use::Loads) => text.split([':', ';', ' ']).collect(),
            Some(Use::Shell | Use::Program) if text.contains('/') => {
                text.split(' ').take(1).collect()
            }
            Some(Use::Options(taken)) => files_of_options(&text, taken.files),
            Some(
                Use::Shell
                | Use::Program
                | Use::After(_)
                | Use::Words(_)
                | Use::Word(_)
                | Use::Function
                | Use::Settings
                | Use::Writes,
            )
            | None => Vec::new(),
        };
        // What only running shows is not told.
        let is_told = |path: &&str| !path.is_empty() && !path.contains(['…', '$']);
        found.extend(paths.into_iter().filter(is_told).map(|path| Word {
            span: assignment.value.span,
            ..path_word(path, false)
        }));
    }
    found
}

/// Returns the files and folders that the variables have programs write.
pub(crate) fn written_to(set: &[Assignment]) -> impl Iterator<Item = &Word> {
    let names_path = |it: &&Assignment| {
        // Git takes a number for a descriptor, and needs a whole path.
        !it.name.starts_with("GIT_TRACE") || first_text(&it.value).starts_with(['/', '~'])
    };
    let set = set
        .iter()
        .filter(|it| use_of(&it.name) == Some(Use::Writes));
    set.filter(names_path).map(|it| &it.value)
}

/// Returns the values of `options` in the text that holds options of a program.
fn files_of_options<'t>(text: &'t str, options: &[&str]) -> Vec<&'t str> {
    let mut files = Vec::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let Some(option) = options.iter().find(|option| word.starts_with(**option)) else {
            continue;
        };
        let rest = word.get(option.len()..).unwrap_or_default();
        let file = match rest.strip_prefix('=').unwrap_or(rest) {
            "" => words.next().unwrap_or_default(),
            file => file,
        };
        files.push(file.split(['=', ',']).next().unwrap_or(file));
    }
    files
}

#[cfg(test)]
mod tests {
    use aegis_types::Condition;

    use super::*;

    fn commands(text: &str) -> Vec<String> {
        let plan = crate::plan(text);
        let is_inner = |it: &&aegis_types::Command| it.place.condition == Condition::Branch;
        let found = plan.commands.iter().filter(is_inner);
        found
            .map(|command| {
                let words = command.program.iter().chain(&command.arguments);
                words.map(shown_text).collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    fn loads(text: &str) -> Vec<String> {
        let effects = crate::effects(&crate::plan(text));
        let loads = effects
            .into_iter()
            .filter(|effect| effect.kind == aegis_types::EffectKind::LoadedCode);
        loads
            .filter_map(|effect| match effect.resource {
                aegis_types::EffectResource::Path(path) => Some(path),
                aegis_types::EffectResource::Host(_)
                | aegis_types::EffectResource::Program(_)
                | aegis_types::EffectResource::Named(_)
                | aegis_types::EffectResource::Unknown => None,
            })
            .collect()
    }

    #[test]
    fn text_in_variables_is_followed_however_they_are_set() {
        for text in [
            "EDITOR='rm y' git commit",
            "env EDITOR='rm y' git commit",
            "export EDITOR='rm y'",
            r"export EDI\TOR='rm y'",
            "printf -v EDITOR 'rm y'",
            "read EDITOR <<< 'rm y'",
            "CC='rm y' make",
            "LESS='+!rm y' less z",
            "make CC='rm y'",
            "make --eval='x:;rm y' x",
            r"MAKEFLAGS='--eval=x:;rm\ y' make x",
            "TAR_OPTIONS=\"--checkpoint-action=exec='rm y'\" tar cf a b",
        ] {
            assert!(commands(text).contains(&"rm y".to_owned()), "{text}");
        }
        assert_eq!(
            commands("PIP_INDEX_URL=http://x pip install y"),
            ["pip install --index-url http://x"]
        );
        assert!(commands("CC=clang make").is_empty());
        assert!(commands("NAME='rm y' git commit").is_empty());
    }

    #[test]
    fn files_that_variables_load_are_told() {
        for (text, expected) in [
            ("LD_PRELOAD=/x/y.so ls", "/x/y.so"),
            ("env \"LD_PRE\"LOAD=/x/y.so ls", "/x/y.so"),
            ("printf -v LD_PRELOAD /x/y.so", "/x/y.so"),
            ("PATH=/x:$PATH ls", "/x"),
            ("make SHELL=/x/y", "/x/y"),
            ("NODE_OPTIONS='--require /x/y.js' node a.js", "/x/y.js"),
            ("RUBYOPT=-r/x/y ruby a.rb", "/x/y"),
            (
                "JAVA_TOOL_OPTIONS=-javaagent:/x/y.jar java -version",
                "/x/y.jar",
            ),
        ] {
            assert_eq!(loads(text), [expected], "{text}");
        }
        assert!(loads("NODE_OPTIONS=--max-old-space-size=4096 node a.js").is_empty());
        assert!(loads("RUSTFLAGS='-C target-cpu=native' cargo build").is_empty());
    }
}
