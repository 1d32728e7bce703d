//! Options whose value is text for a shell.
//!
//! A program that runs other code than its own is no special case: the table
//! says where it is given that code, and the code is followed like any other.

use aegis_types::{Word, WordPart};

use crate::escape::escapes;
use crate::option::{self, first_text, shown_text, without_start};
use crate::option_code::{GIT, git_address_text, git_setting_runs};
use crate::quote::in_quotes;
use crate::run::push_text;

/// How a value becomes the text that is run.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// It is the text.
    Whole,
    /// The text follows this start.
    After(&'static str),
    /// The text stands behind this one.
    Behind(&'static str),
    /// A setting of ssh: the text follows a name and `=` or a blank.
    Ssh,
    /// A setting of git: the text follows a name and `=`.
    Git,
    /// A setting of apt: the text follows a name and `=`.
    Apt,
}

/// Text that a program gives to a shell.
#[derive(Clone, Debug)]
pub(crate) struct GivenText {
    /// The text.
    pub(crate) text: Word,
    /// Whether it runs in a folder that only running shows.
    pub(crate) is_elsewhere: bool,
}

impl From<Word> for GivenText {
    fn from(text: Word) -> Self {
        Self {
            text,
            is_elsewhere: false,
        }
    }
}

/// Programs, their options, and what the values of those are.
const OPTIONS: [(&[&str], &[&str], Form); 16] = [
    (
        &["tar", "gtar", "bsdtar"],
        &[
            "to-command",
            "info-script",
            "new-volume-script",
            "use-compress-program",
            "rsh-command",
            "rmt-command",
            "F",
            "I",
        ],
        Form::Whole,
    ),
    (
        &["tar", "gtar"],
        &["checkpoint-action"],
        Form::After("exec="),
    ),
    (&["rsync"], &["e", "rsh", "rsync-path"], Form::Whole),
    (&["ssh", "scp", "sftp"], &["o"], Form::Ssh),
    (&["scp", "sftp"], &["S"], Form::Whole),
    (&["git"], &["c", "config"], Form::Git),
    (
        &["git"],
        &["exec", "extcmd", "open-files-in-pager"],
        Form::Whole,
    ),
    (
        &["git"],
        &[
            "tree-filter",
            "index-filter",
            "msg-filter",
            "env-filter",
            "commit-filter",
            "parent-filter",
            "tag-name-filter",
        ],
        Form::Whole,
    ),
    (&["git"], &["upload-pack", "receive-pack"], Form::Whole),
    (
        &["git"],
        &["sendmail-cmd", "to-cmd", "cc-cmd", "header-cmd"],
        Form::Whole,
    ),
    (&["cargo-watch"], &["x", "exec"], Form::Behind("cargo ")),
    (&["man"], &["P", "pager", "H", "html"], Form::Whole),
    (&["sort", "gsort"], &["compress-program"], Form::Whole),
    (&["split", "gsplit"], &["filter"], Form::Whole),
    (&["zip"], &["unzip-command"], Form::Whole),
    (
        &["apt", "apt-get", "aptitude", "apt-cache"],
        &["o", "option"],
        Form::Apt,
    ),
];

/// Returns the command of `scripts.name=command`, as `npm pkg set` takes it.
fn script_of_package(word: &Word) -> Option<GivenText> {
    let text = first_text(word);
    let value = text.find('=').filter(|_| text.starts_with("scripts."))?;
    Some(without_start(word, value + 1).into())
}

/// Returns the texts for a shell that options of the program `name` give.
///
/// `words` are the program and its arguments.
pub(crate) fn option_texts(name: &str, words: &[Word]) -> Vec<GivenText> {
    let arguments = words.get(1..).unwrap_or_default();
    let mut texts = Vec::new();
    for (programs, options, form) in OPTIONS {
        if programs.contains(&name) {
            let values = values(arguments, options);
            let found = values.iter().filter_map(|value| {
                let text = text_in(value, form)?;
                Some(match form {
                    Form::Git => with_arguments(text, value, arguments),
                    Form::Whole | Form::After(_) | Form::Behind(_) | Form::Ssh | Form::Apt => text,
                })
            });
            texts.extend(found.map(GivenText::from));
        }
    }
    if name == "git" {
        texts.extend(git_text(arguments));
        let addresses = arguments.iter().filter_map(git_address_text);
        texts.extend(addresses.map(GivenText::from));
        // Elsewhere these letters mean other things: `git clean -x`.
        for (subcommand, letter) in [
            ("rebase", "x"),
            ("difftool", "x"),
            ("grep", "O"),
            ("clone", "u"),
        ] {
            let is_named = |word: &Word| word.literal().as_deref() == Some(subcommand);
            if let Some(at) = arguments.iter().position(is_named) {
                let rest = arguments.get(at + 1..).unwrap_or_default();
                texts.extend(values(rest, &[letter]).into_iter().map(GivenText::from));
            }
        }
        let moves = arguments
            .iter()
            .any(|word| first_text(word).starts_with("-C"));
        for text in texts.iter_mut().filter(|_| moves) {
            text.is_elsewhere = true;
        }
    }
    if name == "cargo"
        && let Some(at) = arguments
            .iter()
            .position(|word| first_text(word) == "watch")
    {
        let rest = arguments.get(at + 1..).unwrap_or_default();
        let given = values(rest, &["x", "exec"]);
        let texts_of = given.iter().map(|value| behind("cargo ", value));
        texts.extend(texts_of.map(GivenText::from));
    }
    texts.extend(escapes(name, arguments));
    if matches!(name, "npm" | "pnpm" | "yarn") {
        texts.extend(arguments.iter().filter_map(script_of_package));
    }
    texts
}

/// Returns the values of options, wherever those stand.
fn values(arguments: &[Word], options: &[&str]) -> Vec<Word> {
    let mut values = Vec::new();
    for (index, word) in arguments.iter().enumerate() {
        let text = first_text(word);
        let next = || arguments.get(index + 1).cloned();
        if let Some(long) = text.strip_prefix("--") {
            let (name, is_given) = match long.split_once('=') {
                Some((name, _)) => (name, true),
                None => (long, false),
            };
            if options.contains(&name) && name.len() > 1 {
                values.extend(if is_given {
                    Some(without_start(word, name.len() + 3))
                } else {
                    next()
                });
            }
        } else if let Some(letters) = text.strip_prefix('-') {
            let is_option = |letter: char| {
                let mut names = options.iter();
                names.any(|name| name.len() == 1 && name.starts_with(letter))
            };
            let found = letters
                .char_indices()
                .find(|(_, letter)| is_option(*letter));
            let Some((at, letter)) = found else { continue };
            let rest = without_start(word, 1 + at + letter.len_utf8());
            values.extend(if rest.parts.is_empty() {
                next()
            } else {
                Some(rest)
            });
        }
    }
    values
}

fn text_in(value: &Word, form: Form) -> Option<Word> {
    let text = first_text(value);
    match form {
        Form::Whole => Some(value.clone()),
        Form::After(start) => text
            .starts_with(start)
            .then(|| without_start(value, start.len())),
        Form::Behind(start) => Some(behind(start, value)),
        Form::Ssh => {
            let (name, _) = text.split_once(['=', ' '])?;
            let runs = ["proxycommand", "localcommand", "knownhostscommand"];
            let is_code = runs.contains(&name.trim().to_ascii_lowercase().as_str());
            is_code.then(|| without_start(value, name.len() + 1))
        }
        Form::Git => git_setting(value),
        Form::Apt => {
            let (name, _) = text.split_once('=')?;
            let lower = name.to_ascii_lowercase();
            let runs = ["invoke", "install-pkgs", "auto-detect", "autodetect"];
            let is_code = runs.iter().any(|part| lower.contains(part));
            is_code.then(|| without_start(value, name.len() + 1))
        }
    }
}

/// Returns the text in a setting of git: `name=text`.
fn git_setting(setting: &Word) -> Option<Word> {
    let text = first_text(setting);
    let (name, rest) = text.split_once('=')?;
    let value = without_start(setting, name.len() + 1);
    if !name.to_ascii_lowercase().starts_with("alias.") {
        return git_setting_runs(&shown_text(setting)).then_some(value);
    }
    if rest.starts_with('!') {
        return Some(without_start(&value, 1));
    }
    // Another alias is a subcommand with its arguments.
    Some(behind("git ", &value))
}

/// Returns the text of an alias with the arguments of its use.
fn with_arguments(mut text: Word, setting: &Word, arguments: &[Word]) -> Word {
    let read = option::read(arguments, &GIT);
    let Some((subcommand, rest)) = read.operands.split_first() else {
        return text;
    };
    let name = format!("alias.{}=", first_text(subcommand));
    if first_text(setting).starts_with(&name) {
        for word in rest {
            push_text(&mut text, " ");
            text.parts.extend(quoted(word).parts);
        }
        text.parts = crate::locate::merged(text.parts);
    }
    text
}

/// Returns the text of a value behind `start`.
fn behind(start: &str, value: &Word) -> Word {
    let mut value = value.clone();
    value.parts.insert(0, WordPart::Literal(start.to_owned()));
    value.parts = crate::locate::merged(value.parts);
    value
}

/// Returns the text that a subcommand of git is given as its operands.
fn git_text(arguments: &[Word]) -> Option<GivenText> {
    let position = |name: &str| {
        let mut words = arguments.iter();
        words.position(|word| word.literal().as_deref() == Some(name))
    };
    if let (Some(at), None) = (position("config"), position("--get")) {
        let rest = arguments.get(at + 1..)?;
        let mut operands = rest
            .iter()
            .filter(|word| !first_text(word).starts_with('-'));
        let operands = operands
            .by_ref()
            .skip_while(|word| first_text(word) == "set");
        let [name, value] = operands.take(2).collect::<Vec<_>>().try_into().ok()?;
        let mut setting = name.clone();
        setting.parts.push(WordPart::Literal("=".to_owned()));
        setting.parts.extend(value.parts.iter().cloned());
        setting.parts = crate::locate::merged(setting.parts);
        return git_setting(&setting).map(GivenText::from);
    }
    let runs = [("bisect", "run"), ("submodule", "foreach")];
    let at = runs.iter().find_map(|(subcommand, verb)| {
        let at = position(subcommand)?;
        position(verb).filter(|verb| *verb > at)
    })?;
    let rest = arguments.get(at + 1..)?;
    let text = match rest {
        [] => return None,
        [text] => text.clone(),
        [first, ..] => {
            let quoted: Vec<Word> = rest.iter().map(quoted).collect();
            crate::run::joined(&quoted, first.span)
        }
    };
    Some(GivenText {
        text,
        is_elsewhere: position("foreach").is_some(),
    })
}

/// Returns a word as text that means this one word to a shell.
fn quoted(word: &Word) -> Word {
    let Some(text) = word.literal() else {
        return word.clone();
    };
    let text = in_quotes(&text);
    Word {
        span: word.span,
        parts: vec![WordPart::Literal(text)],
        ..Word::default()
    }
}

#[cfg(test)]
mod tests {
    use aegis_types::Condition;

    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let plan = crate::plan(text);
        let found: Vec<String> = plan
            .commands
            .iter()
            .filter(|command| command.place.condition == Condition::Branch)
            .map(|command| {
                let words = command.program.iter().chain(&command.arguments);
                words.map(shown_text).collect::<Vec<_>>().join(" ")
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn text_in_options_and_variables_is_followed() {
        check("git -c alias.x='!rm y' x", &["rm y"]);
        check("git -c alias.x='rm y' x", &["git rm y"]);
        check("git -ccore.pager='tee y' log", &["tee y"]);
        check("git config core.editor 'rm y'", &["rm y"]);
        check("git bisect run rm y", &["rm y"]);
        check("tar --checkpoint-action=exec='rm y' -cf a b", &["rm y"]);
        check("tar -cIf 'rm y' a", &["f"]);
        check("ssh -o 'ProxyCommand rm y' host", &["rm y"]);
        check("EDITOR='rm y' git commit", &["rm y"]);
        check("env LESSOPEN='|rm y' less z", &["rm y"]);
        check("git bisect run sh -c 'rm y'", &["rm y"]);
    }

    #[test]
    fn other_options_and_variables_are_no_text() {
        check("git -c user.name='rm y' commit", &[]);
        check("git config user.name 'rm y'", &[]);
        check("git config --get core.editor x", &[]);
        check("sqlite3 a <<< '.shell rm y'", &["rm y"]);
        check(r"psql <<< '\! rm y'", &["rm y"]);
        check("less <<< '!rm y'", &[]);
        check("ssh -o User=rm host", &[]);
        check("tar --checkpoint-action=dot -cf a b", &[]);
        check("NAME='rm y' git commit", &[]);
    }
}
