//! Options through which a program that is no shell runs another one.

use aegis_types::Word;

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

pub(crate) fn git_setting_runs(setting: &str) -> bool {
    let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
    let key = key.to_ascii_lowercase();
    if matches!(
        value,
        "" | "cat" | "less" | "true" | "false" | "vi" | "vim" | "nano" | ":"
    ) {
        return false;
    }
    if key.starts_with("alias.") {
        return value.contains('!');
    }
    let section = key.split('.').next().unwrap_or_default();
    let name = key.rsplit('.').next().unwrap_or_default();
    section == "pager"
        || section == "include"
        || matches!(
            name,
            "pager"
                | "editor"
                | "sshcommand"
                | "fsmonitor"
                | "hookspath"
                | "external"
                | "textconv"
                | "helper"
                | "program"
                | "driver"
                | "clean"
                | "smudge"
                | "process"
                | "cmd"
                | "askpass"
                | "gitproxy"
                | "uploadpack"
                | "receivepack"
        )
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
