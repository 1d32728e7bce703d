//! Options through which a program that is no shell runs another one.

use aegis_types::{Word, WordPart};

use crate::elsewhere::quoted;
use crate::option::{self, Spec, first_text};

/// Returns the argument through which the program `name` runs something that is not followed.
///
/// `words` are the program and its arguments.
pub(crate) fn option_code<'w>(name: &str, words: &'w [Word]) -> Option<&'w Word> {
    let arguments = words.get(1..)?;
    let runs: fn(&str, &str) -> bool = match name {
        "git" => return git_code(arguments),
        "tar" | "gtar" | "bsdtar" => tar_runs,
        "rsync" => rsync_runs,
        _ => return None,
    };
    let mut previous = "";
    arguments.iter().find(|word| {
        let text = first_text(word);
        let found = runs(previous, text);
        previous = text;
        found
    })
}

fn tar_runs(previous: &str, text: &str) -> bool {
    let (option, value) = text.split_once('=').unwrap_or((previous, text));
    match option {
        "--to-command" | "--info-script" | "--new-volume-script" | "-F" => true,
        "--checkpoint-action" => value.contains("exec"),
        "--use-compress-program" | "-I" => !is_compressor(value),
        _ => false,
    }
}

fn is_compressor(value: &str) -> bool {
    let program = value.split_whitespace().next().unwrap_or_default();
    matches!(
        program,
        "gzip" | "pigz" | "bzip2" | "pbzip2" | "lbzip2" | "xz" | "pixz" | "zstd" | "zstdmt" | "lz4"
    )
}

fn rsync_runs(previous: &str, text: &str) -> bool {
    let value = match (previous, text.split_once('=')) {
        (_, Some(("--rsh" | "--rsync-path", value))) => value,
        ("-e" | "--rsh" | "--rsync-path", _) => text,
        _ => return false,
    };
    !matches!(
        value.split_whitespace().next(),
        Some("ssh" | "rsync" | "sudo")
    )
}

/// The options of git before its subcommand.
pub(crate) const GIT: Spec = Spec {
    short: "Cc",
    long: &[
        "git-dir",
        "work-tree",
        "namespace",
        "exec-path",
        "config-env",
    ],
    ends_at_operand: true,
};

/// Settings given with `-c`, and subcommands, through which git runs text.
fn git_code(arguments: &[Word]) -> Option<&Word> {
    let read = option::read(arguments, &GIT);
    let sets = |word: &Word| git_setting_runs(&option::shown_text(word));
    if read.values(&["c", "config-env"]).any(sets) {
        return arguments.first();
    }
    if let Some(at) = arguments
        .iter()
        .position(|word| first_text(word).starts_with("--exec-path="))
    {
        return arguments.get(at);
    }
    let (subcommand, rest) = read.operands.split_first()?;
    let subcommand = subcommand.literal()?;
    let mut rest = rest.iter();
    let found = match subcommand.as_str() {
        "rebase" => rest.find(|word| {
            let text = first_text(word);
            text.starts_with("-x") || text.starts_with("--exec")
        }),
        "bisect" => rest.find(|word| first_text(word) == "run"),
        "submodule" => rest.find(|word| first_text(word) == "foreach"),
        "filter-branch" => rest.next(),
        "clone" | "fetch" | "pull" | "push" | "ls-remote" => rest.find(|word| {
            let text = first_text(word);
            text.starts_with("ext::")
                || text.starts_with("--upload-pack")
                || text.starts_with("--receive-pack")
                || text.starts_with("--exec")
        }),
        _ => None,
    };
    found.copied()
}

/// The last parts of the names of settings whose value git runs.
const RUN: [&str; 26] = [
    "alternaterefscommand",
    "askpass",
    "clean",
    "cmd",
    "command",
    "defaultkeycommand",
    "difffilter",
    "driver",
    "editor",
    "external",
    "fsmonitor",
    "gitproxy",
    "helper",
    "hookspath",
    "packobjectshook",
    "pager",
    "process",
    "program",
    "receivepack",
    "smudge",
    "sshcommand",
    "templatedir",
    "textconv",
    "tool",
    "uploadpack",
    "vcs",
];

/// Returns whether git runs the value of a setting: `name=value`.
pub(crate) fn git_setting_runs(setting: &str) -> bool {
    let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
    let key = key.to_ascii_lowercase();
    if matches!(
        value,
        "" | "cat" | "less" | "true" | "false" | "vi" | "vim" | "nvim" | "nano" | "emacs" | ":"
    ) {
        return false;
    }
    let section = key.split('.').next().unwrap_or_default();
    let name = key.rsplit('.').next().unwrap_or_default();
    match section {
        "alias" => value.contains('!'),
        "submodule" => name == "update" && value.starts_with('!'),
        "pager" | "include" | "includeif" => true,
        "browser" | "man" if name == "path" => true,
        // The tools that git knows by name are its own to start.
        _ if name == "tool" => value.contains('/'),
        _ => RUN.contains(&name),
    }
}

/// Returns whether a setting has git speak to another place than is named, or to
/// one that runs commands.
fn git_setting_leads_elsewhere(setting: &str) -> bool {
    let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
    let key = key.to_ascii_lowercase();
    let name = key.rsplit('.').next().unwrap_or_default();
    match name {
        "insteadof" | "pushinsteadof" => true,
        "allow" => key == "protocol.ext.allow" && value != "never",
        "url" | "pushurl" => value.starts_with("ext::"),
        "proxy" => !value.is_empty(),
        "sslverify" => matches!(value, "false" | "0" | "no" | "off"),
        _ => false,
    }
}

/// Returns the name of a setting that `git config` keeps and that runs something,
/// or leads elsewhere, from then on.
pub(crate) fn git_setting_kept(arguments: &[Word]) -> Option<&Word> {
    let read = option::read(arguments, &GIT);
    let (subcommand, rest) = read.operands.split_first()?;
    let is_plain = |word: &&&Word| !first_text(word).starts_with('-');
    let mut operands = rest
        .iter()
        .filter(is_plain)
        .filter(|word| first_text(word) != "set");
    let asks = |word: &&Word| {
        let text = first_text(word);
        text.starts_with("--get") || text.starts_with("--unset") || text == "--list"
    };
    if first_text(subcommand) != "config" || rest.iter().any(asks) {
        return None;
    }
    // Behind the value there may be one that is replaced.
    let words: Vec<&Word> = operands.by_ref().copied().collect();
    let mut pairs = words.iter().zip(words.iter().skip(1));
    pairs.find_map(|(key, value)| {
        let setting = format!("{}={}", option::shown_text(key), option::shown_text(value));
        let counts = git_setting_runs(&setting)
            || git_setting_leads_elsewhere(&setting)
            || git_alias_hides(&setting);
        counts.then_some(*key)
    })
}

/// Returns whether an alias stands for something that is more than looking, and that
/// its use does not show.
fn git_alias_hides(setting: &str) -> bool {
    const LOOKING: [&str; 8] = [
        "status",
        "log",
        "diff",
        "show",
        "blame",
        "describe",
        "shortlog",
        "branch -v",
    ];
    let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
    let is_alias = key.to_ascii_lowercase().starts_with("alias.");
    let looks = LOOKING
        .iter()
        .filter_map(|it| value.strip_prefix(it))
        .any(|rest| rest.is_empty() || rest.starts_with(' ') && !rest.contains("--output"));
    is_alias && !(looks && !value.contains(['!', '\u{fffd}']) && !value.contains("--ext"))
}

/// Options of git whose value is a folder or a program that it loads or starts.
const LOADING: [&str; 7] = [
    "--exec-path=",
    "--template=",
    "--upload-pack=",
    "--receive-pack=",
    "--exec=",
    "--extcmd=",
    "--open-files-in-pager=",
];

/// Returns the files and folders whose code git is told to load or start.
pub(crate) fn git_files(arguments: &[Word]) -> Vec<Word> {
    let mut files = Vec::new();
    let clones = arguments.iter().any(|word| first_text(word) == "clone");
    for (index, word) in arguments.iter().enumerate() {
        let text = first_text(word);
        let next = || arguments.get(index + 1).cloned();
        files.extend(LOADING.iter().find_map(|option| {
            if text == option.trim_end_matches('=') {
                return next();
            }
            let has_value = text.starts_with(option);
            has_value.then(|| option::without_start(word, option.len()))
        }));
        let setting = match text {
            "-c" | "--config" => next(),
            _ if text.starts_with("-c") => Some(option::without_start(word, 2)),
            _ => None,
        };
        let setting = setting.filter(|it| git_setting_runs(&option::shown_text(it)));
        files.extend(setting.and_then(|setting| {
            let (name, _) = first_text(&setting).split_once('=')?;
            Some(option::without_start(&setting, name.len() + 1))
        }));
        if clones && text == "-u" {
            files.extend(next());
        }
    }
    let is_path = |word: &Word| {
        let text = first_text(word);
        text.starts_with(['/', '.', '~']) && !text.contains(char::is_whitespace)
    };
    files.retain(is_path);
    files
}

/// Returns the command line in an address that git runs: `ext::command`, in
/// which a blank behind `%` stands within a word.
pub(crate) fn git_address_text(word: &Word) -> Option<Word> {
    let command = option::shown_text(word)
        .strip_prefix("ext::")?
        .replace("% ", "\u{1}");
    let words = command.split(' ').map(|text| Word {
        span: word.span,
        parts: vec![WordPart::Literal(text.replace('\u{1}', " "))],
        ..Word::default()
    });
    let words: Vec<String> = words.map(|word| quoted(&word)).collect();
    Some(Word {
        span: word.span,
        parts: vec![WordPart::Literal(words.join(" "))],
        ..Word::default()
    })
}

#[cfg(test)]
mod tests {
    fn runs(text: &str) -> bool {
        let plan = crate::plan(text);
        plan.commands.iter().any(|command| {
            let words: Vec<_> = command
                .program
                .iter()
                .chain(&command.arguments)
                .cloned()
                .collect();
            let name = crate::program::program_name(command).unwrap_or_default();
            super::option_code(&name, &words).is_some()
        })
    }

    #[test]
    fn options_that_run_programs_are_code() {
        for text in [
            "git -c alias.x='!rm -rf y' x",
            "git -c core.sshCommand=evil fetch",
            "git -C a -c core.fsmonitor=./x status",
            "git rebase -x 'make test' main",
            "git bisect run ./x",
            "git clone ext::sh x",
            "tar xf a --to-command=./x",
            "tar cf a --checkpoint=1 --checkpoint-action=exec=sh b",
            "tar -I ./x -cf a b",
            "rsync -e ./x a b",
        ] {
            assert!(runs(text), "{text}");
        }
    }

    #[test]
    fn the_same_options_with_harmless_values_are_not() {
        for text in [
            "git -c core.pager=cat log",
            "git -c user.name=x commit -m y",
            "git -c alias.x=status x",
            "git rebase main",
            "git clone https://x/y",
            "tar xf a",
            "tar -I zstd -xf a",
            "tar --checkpoint-action=dot -cf a b",
            "rsync -e 'ssh -p 22' a b:c",
        ] {
            assert!(!runs(text), "{text}");
        }
    }
}
