//! Spellings that put the whole line somewhere else.

use super::Variant;
use super::line::{Line, quoted};
use super::template::filled;

/// Which lines a template takes.
#[derive(Clone, Copy)]
enum Takes {
    /// Those that something can follow on the same line: the text stands as it is.
    Followed,
    /// Every line: another bash is given the text, or the same one.
    Bash,
    /// Those that `sh` reads as bash does.
    Posix,
    /// Those of one line of printable characters, for bash.
    OneLine,
    /// Those of one line, for `sh`, without what a tool in between treats apart.
    Tame,
}

impl Takes {
    fn takes(self, line: &Line<'_>) -> bool {
        match self {
            Self::Followed => line.can_be_followed(),
            Self::Bash => true,
            Self::Posix => line.is_posix(),
            Self::OneLine => line.is_one_line(),
            Self::Tame => {
                line.is_posix() && line.is_one_line() && !line.text.contains(['\\', '%', '$', '#'])
            }
        }
    }
}

/// The templates: a name, the lines it takes, and the text.
///
/// The placeholders are those of `fixtures/score/variants.md`; `{esc}` is the
/// line as `\x` escapes.
const TEMPLATES: &[(&str, Takes, &str)] = &[
    // The line stands in a compound.
    ("in a case", Takes::Followed, "case x in *) {} ;; esac"),
    (
        "in an until loop",
        Takes::Followed,
        "until false; do {}; break; done",
    ),
    (
        "in an arithmetic for loop",
        Takes::Followed,
        "for ((i=0;i<1;i++)); do {}; done",
    ),
    (
        "in an elif",
        Takes::Followed,
        "if false; then :; elif true; then {}; fi",
    ),
    (
        "as the condition of an if",
        Takes::Followed,
        "if {}; then :; fi",
    ),
    (
        "as the condition of a while",
        Takes::Followed,
        "while {}; false; do :; done",
    ),
    (
        "in a loop that reads",
        Takes::Followed,
        "echo x | while read -r l; do {}; done",
    ),
    (
        "in a subshell within a group",
        Takes::Followed,
        "{ ( {} ) ; }",
    ),
    (
        "after a false and an or",
        Takes::Followed,
        "false && : || { {}; }",
    ),
    (
        "after a test of numbers",
        Takes::Followed,
        "(( 1 )) && { {}; }",
    ),
    ("negated", Takes::Followed, "! { {}; }"),
    ("in a coprocess", Takes::Followed, "coproc { {}; }; wait"),
    (
        "in a function in parentheses",
        Takes::Followed,
        "f() ( {} ); f",
    ),
    (
        "in a function with a loop as body",
        Takes::Followed,
        "f() for i in 1; do {}; done; f",
    ),
    (
        "in a function that a function calls",
        Takes::Followed,
        "f() { g; }; g() { {}; }; f",
    ),
    (
        "in a function of a subshell",
        Takes::Followed,
        "(f() { {}; }; f)",
    ),
    (
        "when a program is not found",
        Takes::Followed,
        "command_not_found_handle() { {}; }; no-such-program-here",
    ),
    // The line stands in a substitution.
    (
        "in a substitution that is a value",
        Takes::Followed,
        "x=$({})",
    ),
    (
        "in a substitution that is exported",
        Takes::Followed,
        "export X=\"$({})\"",
    ),
    (
        "in a default value",
        Takes::Followed,
        ": \"${unset_variable:-$({})}\"",
    ),
    (
        "in a replacement",
        Takes::Followed,
        "x=a; : \"${x/a/$({})}\"",
    ),
    (
        "in arithmetic",
        Takes::Followed,
        ": $(( $({} >/dev/null; echo 1) ))",
    ),
    (
        "in an index",
        Takes::Followed,
        "a=(1); : \"${a[$({} >/dev/null; echo 0)]}\"",
    ),
    ("in a test", Takes::Followed, "[[ -n \"$({})\" ]]"),
    ("in a here-string", Takes::Followed, "cat <<< \"$({})\""),
    ("in a here-document", Takes::Followed, "cat <<E\n$({})\nE"),
    (
        "in a here-document's backquotes",
        Takes::Followed,
        "cat <<E\nx $(  {}  ) y\nE",
    ),
    ("in a process that is read", Takes::Followed, "cat <({})"),
    (
        "in a redirection",
        Takes::Followed,
        ": > /dev/null 2> \"$({} >&2; echo /dev/null)\"",
    ),
    (
        "in a list of a for loop",
        Takes::Followed,
        "for i in $({}); do :; done",
    ),
    ("in an array", Takes::Followed, "a=( $({}) )"),
    // The same shell reads the text again.
    ("eval of a value", Takes::Bash, "c={q}; eval \"$c\""),
    (
        "eval through builtin and command",
        Takes::Bash,
        "command eval {q}",
    ),
    ("eval through builtin", Takes::Bash, "builtin eval -- {q}"),
    ("eval in a quoted name", Takes::Bash, "'e'val {q}"),
    (
        "eval of a word from a loop",
        Takes::Bash,
        "for c in {q}; do eval \"$c\"; done",
    ),
    (
        "eval of a parameter",
        Takes::Bash,
        "set -- {q}; eval \"$1\"",
    ),
    (
        "eval of the parameter of a function",
        Takes::Bash,
        "f() { eval \"$1\"; }; f {q}",
    ),
    (
        "eval of what printf keeps",
        Takes::Bash,
        "printf -v c %s {q}; eval \"$c\"",
    ),
    (
        "eval of what is read",
        Takes::OneLine,
        "IFS= read -r c <<< {q}; eval \"$c\"",
    ),
    (
        "eval of what is read into an array",
        Takes::OneLine,
        "mapfile -t c <<< {q}; eval \"${c[0]}\"",
    ),
    (
        "eval of an array",
        Takes::OneLine,
        "c=({q}); eval \"${c[@]}\"",
    ),
    ("eval of escapes", Takes::Bash, "eval $'{esc}'"),
    (
        "eval of base64",
        Takes::Bash,
        "eval \"$(echo {b64} | base64 -d)\"",
    ),
    (
        "eval of base64 from a value",
        Takes::Bash,
        "c={b64}; eval \"$(base64 --decode <<< \"$c\")\"",
    ),
    (
        "eval of a here-document",
        Takes::Bash,
        "eval \"$(cat <<'E'\n{}\nE\n)\"",
    ),
    ("on exit", Takes::Bash, "trap {q} EXIT"),
    ("on a signal", Takes::Bash, "trap {q} USR1; kill -USR1 $$"),
    ("before a command", Takes::Bash, "trap {q} DEBUG; :"),
    ("when a command fails", Takes::Bash, "trap {q} ERR; false"),
    (
        "source of a process",
        Takes::Bash,
        "source <(printf '%s\\n' {q})",
    ),
    ("dot of standard input", Takes::Bash, ". /dev/stdin <<< {q}"),
    (
        "an alias",
        Takes::OneLine,
        "shopt -s expand_aliases\nalias run={q}\nrun",
    ),
    // Another shell is given the text.
    (
        "bash with options",
        Takes::Bash,
        "bash --norc --noprofile -uc {q}",
    ),
    (
        "bash with options that take a value",
        Takes::Bash,
        "bash -O extglob +O nullglob -c {q}",
    ),
    (
        "bash with an option after the text's",
        Takes::Bash,
        "bash -c -e {q}",
    ),
    (
        "bash by its path",
        Takes::Bash,
        "/usr/bin/env -u NOTHING -- /bin/bash -c {q}",
    ),
    ("bash by a value", Takes::Bash, "s=bash; $s -c {q}"),
    ("bash by quoted pieces", Takes::Bash, "b''a\"s\"h -c {q}"),
    (
        "bash that evaluates its parameter",
        Takes::Bash,
        "bash -c 'eval \"$1\"' _ {q}",
    ),
    (
        "bash that evaluates its name",
        Takes::Bash,
        "bash -c 'eval \"$0\"' {q}",
    ),
    ("bash from standard input", Takes::Bash, "bash -s <<< {q}"),
    (
        "bash from a here-document",
        Takes::Bash,
        "bash <<'E'\n{}\nE",
    ),
    (
        "bash from a numbered input",
        Takes::Bash,
        "bash /dev/fd/7 7<<< {q}",
    ),
    ("bash from a process", Takes::Bash, "bash <(printf %s {q})"),
    (
        "bash that reads a file first",
        Takes::Bash,
        "BASH_ENV=<(printf %s {q}) bash -c :",
    ),
    (
        "bash in bash",
        Takes::Bash,
        "bash -c \"bash -c $(printf %q {q})\"",
    ),
    (
        "sh behind wrappers",
        Takes::Posix,
        "nice -n 5 timeout -k 1 20 stdbuf -oL setsid -w sh -c {q}",
    ),
    (
        "sh behind env that splits",
        Takes::Posix,
        "env -S 'nice -n 1' sh -c {q}",
    ),
    (
        "sh behind find",
        Takes::Posix,
        "find . -maxdepth 0 -exec sh -c {q} \\;",
    ),
    (
        "sh behind find that gathers",
        Takes::Posix,
        "find / -maxdepth 0 -exec sh -c {q} sh '{''}' +",
    ),
    (
        "sh behind xargs",
        Takes::Posix,
        "echo x | xargs -n 1 sh -c {q}",
    ),
    (
        "the text through xargs",
        Takes::Posix,
        "printf '%s\\0' {q} | xargs -0 sh -c",
    ),
    ("sh behind flock", Takes::Posix, "flock ./lock sh -c {q}"),
    (
        "sh behind script",
        Takes::Posix,
        "script -qec {q} /dev/null",
    ),
    (
        "sh at the end of a pipeline",
        Takes::Posix,
        "printf %s {q} | cat | tee /dev/null | sh",
    ),
    (
        "sh from base64 by openssl",
        Takes::Posix,
        "printf '%s\\n' {b64} | openssl base64 -A -d | sh",
    ),
    (
        "bash from hexadecimal",
        Takes::Bash,
        "xxd -r -p <<< {hex} | bash",
    ),
    (
        "bash from octal escapes",
        Takes::Bash,
        "printf '{oct}' | bash",
    ),
    (
        "bash from escapes that echo reads",
        Takes::Bash,
        "echo -e '{esc}' | bash",
    ),
    (
        "bash from what was reversed",
        Takes::OneLine,
        "rev <<< {rev} | bash",
    ),
    (
        "bash from what was rotated",
        Takes::OneLine,
        "tr A-Za-z N-ZA-Mn-za-m <<< {rot13} | bash",
    ),
    (
        "bash from what sed leaves",
        Takes::OneLine,
        "sed 's/^#//' <<< '#'{q} | bash",
    ),
    (
        "bash from what cut leaves",
        Takes::OneLine,
        "echo 'x'{q} | cut -c 2- | bash",
    ),
    (
        "bash from what awk prints",
        Takes::OneLine,
        "awk '{print}' <<< {q} | bash -",
    ),
    // The text is written down first.
    (
        "a script that is written and run",
        Takes::Bash,
        "cat > run.sh <<'E'\n{}\nE\nbash run.sh",
    ),
    (
        "a script that is printed and sourced",
        Takes::Bash,
        "printf '%s\\n' {q} > ./run; . ./run",
    ),
    (
        "a script that tee writes",
        Takes::Bash,
        "tee run.txt <<< {q} >/dev/null && bash < run.txt",
    ),
    (
        "a script that dd writes",
        Takes::Bash,
        "dd of=run.txt status=none <<< {q}; bash ./run.txt",
    ),
    (
        "a script that is appended",
        Takes::Bash,
        ": > r; echo {q} >> r; bash r",
    ),
    (
        "a script that is copied",
        Takes::Bash,
        "echo {q} > r; cp r s; bash s",
    ),
    (
        "a script that standard input becomes",
        Takes::Bash,
        "cp /dev/stdin r <<< {q}; bash ./r",
    ),
    // Another language starts it.
    (
        "make from standard input",
        Takes::Tame,
        "printf 'all:\\n\\t@%s\\n' {q} | make -s -f -",
    ),
    ("sed that executes", Takes::Tame, "echo x | sed '1e '{q}"),
    ("ed", Takes::Tame, "printf '!%s\\n' {q} | ed -s"),
    (
        "tar at a checkpoint",
        Takes::Tame,
        "tar cf t.tar --checkpoint=100 --checkpoint-action=exec={q} /usr/bin/bash",
    ),
];

/// Returns the spellings of templates, and those that need more than a template.
pub fn variants() -> Vec<Variant> {
    let templates = TEMPLATES.iter().map(|(name, takes, template)| {
        Variant::new(name, move |line| {
            takes.takes(line).then(|| filled(template, line))
        })
    });
    templates.chain(LANGUAGES.iter().map(of_language)).collect()
}

/// Programs in other languages that start the line through `sh`: a name, what
/// stands before the program's text, the text around the line, and which
/// characters of the line have a meaning in it.
type Language = (&'static str, &'static str, [&'static str; 2], &'static str);

const LANGUAGES: &[Language] = &[
    (
        "python, os.system",
        "python3 -c",
        ["import os; os.system(\"", "\")"],
        "",
    ),
    (
        "python, subprocess",
        "python3 -c",
        ["import subprocess as s; s.run(\"", "\", shell=True)"],
        "",
    ),
    (
        "python, by other names",
        "python3 -Ic",
        ["getattr(__import__('o'+'s'), 'sys'+'tem')(\"", "\")"],
        "",
    ),
    ("perl, system", "perl -e", ["system(\"", "\")"], "$@"),
    (
        "perl, exec in BEGIN",
        "perl -we",
        ["BEGIN { exec \"", "\" }"],
        "$@",
    ),
    (
        "perl, a pipe",
        "perl -e",
        ["open(F, \"-|\", \"sh\", \"-c\", \"", "\"); print <F>"],
        "$@",
    ),
    ("awk, system", "awk", ["BEGIN { system(\"", "\") }"], ""),
    ("awk, a pipe", "awk", ["BEGIN { \"", "\" | getline }"], ""),
    (
        "awk, a pipe that is written",
        "awk",
        ["BEGIN { print \"", "\" | \"sh\" }"],
        "",
    ),
];

fn of_language((name, before, [head, tail], special): &'static Language) -> Variant {
    Variant::new(name, move |line| {
        let text = format!("{head}{}{tail}", line.escaped(special));
        line.is_posix()
            .then(|| format!("{before} {}", quoted(&text)))
    })
}
