//! What carries out the rules that were written in words.
//!
//! Each is checked against the example that its author gave.

use super::line::{Line, quoted};
use super::{Proof, argument, host, option, structure};

/// What carries out a rule.
pub type Rewrite = fn(&Line<'_>) -> Option<String>;

/// The rules that nothing carries out, each with the reason.
pub const LEFT: &[(&str, &str)] = &[];

/// Returns what carries out the rule of this name, if something does, and how it is shown.
pub fn named(name: &str) -> Option<(Rewrite, Proof)> {
    let in_one_of = |lists: &[&[(&str, Rewrite)]], proof: Proof| {
        let mut all = lists.iter().copied().flatten();
        let found = all.find(|(known, _)| *known == name);
        found.map(|(_, rule)| (*rule, proof))
    };
    let started = [NAMES, ARGUMENTS, LINES, option::STARTED, argument::STARTED];
    let done = [option::DONE, argument::DONE, host::DONE, structure::DONE];
    in_one_of(&started, Proof::Started).or_else(|| in_one_of(&done, Proof::Done))
}

/// Returns a spelling of the first program of a simple command.
fn name(line: &Line<'_>, spell: impl Fn(&str, &str) -> String) -> Option<String> {
    let (program, rest) = line.program().filter(|_| line.is_simple())?;
    Some(spell(program, rest))
}

/// Returns a spelling of a name in two parts: its first letter and the others.
fn parts(line: &Line<'_>, spell: impl Fn(&str, &str, &str) -> String) -> Option<String> {
    name(line, |program, rest| {
        let (head, tail) = program.split_at(1);
        spell(head, tail, rest)
    })
}

/// Returns a spelling of a name in two halves.
fn halves(line: &Line<'_>, spell: impl Fn(&str, &str, &str) -> String) -> Option<String> {
    name(line, |program, rest| {
        let (head, tail) = program.split_at(program.len() / 2);
        spell(head, tail, rest)
    })
}

/// Returns a spelling of the last word, if every character of the line stands for itself.
fn last(line: &Line<'_>, spell: impl Fn(&str, &str) -> String) -> Option<String> {
    let words = line.plain_words()?;
    let (last, before) = words.split_last()?;
    let is_argument = !before.is_empty() && !last.starts_with('-');
    is_argument.then(|| spell(&before.join(" "), last))
}

fn hex(text: &str) -> String {
    Line::new(text).hex("\\x")
}

fn octal(text: &str) -> String {
    Line::new(text).octal("\\")
}

const NAMES: &[(&str, Rewrite)] = &[
    ("name-backslash", |l| name(l, |p, r| format!("\\{p}{r}"))),
    ("name-backslash-inner", |l| {
        parts(l, |a, b, r| {
            let b: String = b.chars().map(|char| format!("\\{char}")).collect();
            format!("{a}{b}{r}")
        })
    }),
    ("name-single-quotes", |l| {
        name(l, |p, r| format!("'{p}'{r}"))
    }),
    ("name-double-quotes", |l| {
        name(l, |p, r| format!("\"{p}\"{r}"))
    }),
    ("name-empty-quotes", |l| {
        parts(l, |a, b, r| format!("{a}''{b}{r}"))
    }),
    ("name-empty-quotes-double", |l| {
        name(l, |p, r| {
            let p: String = p.chars().map(|char| format!("{char}\"\"")).collect();
            format!("\"\"{p}{r}")
        })
    }),
    ("name-ansi-hex", |l| {
        name(l, |p, r| format!("$'{}'{r}", hex(p)))
    }),
    ("name-ansi-octal", |l| {
        name(l, |p, r| format!("$'{}'{r}", octal(p)))
    }),
    ("name-ansi-unicode", |l| {
        name(l, |p, r| format!("$'{}'{r}", Line::new(p).hex("\\u00")))
    }),
    ("name-ansi-part", |l| {
        parts(l, |a, b, r| format!("{a}$'{}'{r}", hex(b)))
    }),
    ("name-locale-quotes", |l| {
        name(l, |p, r| format!("$\"{p}\"{r}"))
    }),
    ("name-quotes-each-second", |l| {
        name(l, |p, r| {
            let letters = p
                .chars()
                .enumerate()
                .map(|(place, letter)| match place % 4 {
                    1 => format!("'{letter}'"),
                    3 => format!("\"{letter}\""),
                    _ => letter.to_string(),
                });
            format!("{}{r}", letters.collect::<String>())
        })
    }),
    ("name-replaced", |l| {
        let (program, rest) = l.program().filter(|_| l.is_simple())?;
        let (head, last) = program.split_at(program.len() - 1);
        let has_sign = program.contains('q');
        (!has_sign).then(|| format!("s={head}q; ${{s/q/{last}}}{rest}"))
    }),
    ("name-relative", |l| {
        let words = l.plain_words()?;
        let is_absolute = |word: &&str| word.starts_with(['-', '/']);
        let are_absolute = words.iter().skip(1).all(is_absolute);
        are_absolute.then(|| format!("(cd /bin && ./{})", l.text))
    }),
    ("name-variable", |l| name(l, |p, r| format!("x={p}; $x{r}"))),
    ("name-variable-braces", |l| {
        name(l, |p, r| format!("x={p}; \"${{x}}\"{r}"))
    }),
    ("name-variable-halves", |l| {
        halves(l, |a, b, r| format!("a1={a} a2={b}; $a1$a2{r}"))
    }),
    ("name-default", |l| {
        name(l, |p, r| format!("${{nothing:-{p}}}{r}"))
    }),
    ("name-alternative", |l| {
        name(l, |p, r| format!("${{HOME:+{p}}}{r}"))
    }),
    ("name-assign-default", |l| {
        name(l, |p, r| format!(": ${{p:={p}}}; $p{r}"))
    }),
    ("name-unset-inside", |l| {
        parts(l, |a, b, r| format!("{a}${{nothing}}{b}{r}"))
    }),
    ("name-unset-positional", |l| {
        parts(l, |a, b, r| format!("{a}${{10}}{b}{r}"))
    }),
    ("name-at-inside", |l| {
        parts(l, |a, b, r| format!("{a}$@{b}{r}"))
    }),
    ("name-substring", |l| {
        name(l, |p, r| format!("s=xx{p}xx; ${{s:2:{}}}{r}", p.len()))
    }),
    ("name-prefix-removed", |l| {
        name(l, |p, r| format!("s=x.{p}; ${{s#*.}}{r}"))
    }),
    ("name-suffix-removed", |l| {
        name(l, |p, r| format!("s={p}.x; ${{s%.*}}{r}"))
    }),
    ("name-lower-case", |l| {
        name(l, |p, r| {
            format!("s={}; ${{s,,}}{r}", p.to_ascii_uppercase())
        })
    }),
    ("name-indirect", |l| {
        name(l, |p, r| format!("q={p}; v=q; ${{!v}}{r}"))
    }),
    ("name-nameref", |l| {
        name(l, |p, r| format!("q={p}; declare -n v=q; $v{r}"))
    }),
    ("name-array", |l| {
        name(l, |p, r| format!("l=(x {p}); ${{l[1]}}{r}"))
    }),
    ("name-associative", |l| {
        name(l, |p, r| format!("declare -A m=([k]={p}); ${{m[k]}}{r}"))
    }),
    ("name-printf-v", |l| {
        parts(l, |a, b, r| format!("printf -v p '%s%s' {a} {b}; $p{r}"))
    }),
    ("name-read", |l| {
        name(l, |p, r| format!("read -r p <<< {p}; $p{r}"))
    }),
    ("name-substitution", |l| {
        name(l, |p, r| format!("$(echo {p}){r}"))
    }),
    ("name-backquotes", |l| {
        name(l, |p, r| format!("`printf {p}`{r}"))
    }),
    ("name-printf-octal", |l| {
        name(l, |p, r| format!("$(printf '{}'){r}", octal(p)))
    }),
    ("name-reversed", |l| {
        name(l, |p, r| {
            format!("$(echo {} | rev){r}", Line::new(p).reversed())
        })
    }),
    ("name-which", |l| {
        name(l, |p, r| format!("$(command -v {p}){r}"))
    }),
    ("name-half-substitution", |l| {
        halves(l, |a, b, r| format!("{a}$(echo {b}){r}"))
    }),
    ("name-absolute", |l| name(l, |p, r| format!("/bin/{p}{r}"))),
    ("name-absolute-usr", |l| {
        name(l, |p, r| format!("/usr/bin/{p}{r}"))
    }),
    ("name-path-dots", |l| {
        name(l, |p, r| format!("/usr/./bin//../bin/{p}{r}"))
    }),
    ("name-path-glob", |l| {
        name(l, |p, r| {
            let (head, last) = p.split_at(p.len() - 1);
            format!("/bin/{head}[{last}]{r}")
        })
    }),
    ("name-path-quoted", |l| {
        parts(l, |a, b, r| format!("/b'i'n/{a}\"{b}\"{r}"))
    }),
    ("name-continuation", |l| {
        parts(l, |a, b, r| format!("{a}\\\n{b}{r}"))
    }),
    ("name-brace-list", |l| {
        let words = l.plain_words().filter(|words| words.len() > 1)?;
        (!l.text.contains(',')).then(|| format!("{{{}}}", words.join(",")))
    }),
    ("name-ifs", |l| Some(l.plain_words()?.join("${IFS}"))),
    ("name-ifs-own", |l| {
        let words = l.plain_words().filter(|_| !l.text.contains(','))?;
        Some(format!("(IFS=,; c={}; $c)", words.join(",")))
    }),
    ("name-command-variable", |l| {
        l.plain_words().map(|_| format!("c=\"{}\"; $c", l.text))
    }),
    ("name-history-like", |l| {
        name(l, |p, r| format!(": {p}; $_{r}"))
    }),
    ("name-positional", |l| {
        name(l, |p, r| format!("set -- {p}; $1{r}"))
    }),
    ("name-getopts-like", |l| {
        name(l, |p, r| format!("for p in {p}; do $p{r}; done"))
    }),
    ("name-brace-letter", |l| {
        let (p, r) = l.program().filter(|_| l.is_simple())?;
        let (head, last) = p.split_at(p.len() - 1);
        let is_letter = last.chars().all(|char| char.is_ascii_lowercase());
        is_letter.then(|| format!("{head}{{{last}..{last}}}{r}"))
    }),
    ("assignment-before", |l| {
        name(l, |p, r| format!("A=1 {p}{r}"))
    }),
    ("redirection-before", |l| {
        name(l, |p, r| format!(">/dev/null {p}{r}"))
    }),
    ("redirection-between", |l| {
        name(l, |p, r| format!("{p} 2>/dev/null{r}"))
    }),
    ("redirection-before-input", |l| {
        name(l, |p, r| format!("</dev/null {p}{r}"))
    }),
];

const ARGUMENTS: &[(&str, Rewrite)] = &[
    ("options-variable", |l| {
        option(l, |p, o, r| format!("o={o}; {p} $o {r}"))
    }),
    ("options-ansi", |l| {
        option(l, |p, o, r| {
            format!("{p} $'\\x2d{}' {r}", o.trim_start_matches('-'))
        })
    }),
    ("options-backslash", |l| {
        option(l, |p, o, r| {
            let (head, tail) = o.split_at(o.len() - 1);
            format!("{p} {head}\\{tail} {r}")
        })
    }),
    ("argument-variable", |l| {
        last(l, |b, w| format!("f={w}; {b} \"$f\""))
    }),
    ("argument-halves", |l| {
        last(l, |b, w| {
            let (head, tail) = w.split_at(w.rfind('/').map_or(w.len() / 2, |slash| slash + 1));
            format!("d={head}; f={tail}; {b} \"$d$f\"")
        })
    }),
    ("argument-ansi-hex", |l| {
        last(l, |b, w| format!("{b} $'{}'", w.replace('/', "\\x2f")))
    }),
    ("argument-substitution", |l| {
        last(l, |b, w| format!("{b} \"$(echo {w})\""))
    }),
    ("argument-base64", |l| {
        last(l, |b, w| {
            format!("{b} \"$(echo {} | base64 -d)\"", Line::new(w).base64())
        })
    }),
    ("argument-default", |l| {
        last(l, |b, w| format!("{b} \"${{nothing:-{w}}}\""))
    }),
    ("argument-array", |l| {
        let (p, r) = l.program().filter(|_| l.is_simple())?;
        let r = r.trim_start_matches(' ');
        (!r.is_empty()).then(|| format!("l=({r}); {p} \"${{l[@]}}\""))
    }),
    ("argument-xargs", |l| {
        last(l, |b, w| format!("echo {w} | xargs {b}"))
    }),
    ("argument-loop", |l| {
        last(l, |b, w| format!("for f in {w}; do {b} \"$f\"; done"))
    }),
    ("argument-while-read", |l| {
        last(l, |b, w| {
            format!("printf '%s\\n' {w} | while read -r f; do {b} \"$f\"; done")
        })
    }),
    ("argument-here-string", |l| {
        last(l, |b, w| format!("read -r f <<< {w}; {b} \"$f\""))
    }),
    ("path-tilde-to-home", |l| home(l, "\"$HOME\"/", "")),
    ("path-home-braces", |l| home(l, "\"${HOME:-/}/", "\"")),
    ("path-pwd", |l| {
        relative(l, |b, w| format!("{b} \"$PWD\"/{w}"))
    }),
    ("path-dot", |l| relative(l, |b, w| format!("{b} ./{w}"))),
    ("path-dots-inside", |l| {
        absolute(l, |b, w| {
            let (top, rest) = w.split_once('/').unwrap_or((w, ""));
            format!("{b} /{top}/./{rest}")
        })
    }),
    ("path-double-slash", |l| {
        absolute(l, |b, w| {
            let (top, rest) = w.split_once('/').unwrap_or((w, ""));
            format!("{b} //{top}///{rest}")
        })
    }),
    ("path-up-and-down", |l| {
        absolute(l, |b, w| format!("{b} /usr/../{w}"))
    }),
    ("path-root-link", |l| {
        absolute(l, |b, w| format!("{b} /proc/self/root/{w}"))
    }),
];

/// Returns a spelling of the first word after the name, an option, with a plain name before.
fn option(line: &Line<'_>, spell: impl Fn(&str, &str, &str) -> String) -> Option<String> {
    let (program, rest) = line.program().filter(|_| line.is_simple())?;
    let (option, rest) = rest.trim_start_matches(' ').split_once(' ')?;
    let letters = option.strip_prefix('-')?;
    let is_plain = !letters.is_empty() && letters.chars().all(|char| char.is_ascii_lowercase());
    // A lone letter may be an escape's.
    is_plain.then(|| spell(program, option, rest))
}

/// Returns a spelling of the home folder in the last word of a simple command.
fn home(line: &Line<'_>, before: &str, after: &str) -> Option<String> {
    let (head, path) = line.text.rsplit_once(" ~/").filter(|_| line.is_simple())?;
    let is_plain = path
        .chars()
        .all(|char| char.is_ascii_alphanumeric() || "_.-/".contains(char));
    (is_plain && !head.contains(['\'', '"'])).then(|| format!("{head} {before}{path}{after}"))
}

/// Returns a spelling of the last word, which is a relative path.
fn relative(line: &Line<'_>, spell: impl Fn(&str, &str) -> String) -> Option<String> {
    let word = line.plain_words()?.pop()?;
    let is_path = word.contains('/') && !word.starts_with(['/', '.']) && !word.contains([':', '=']);
    last(line, spell).filter(|_| is_path)
}

/// Returns a spelling of the last word, which is an absolute path below a folder;
/// it is given without its first slash.
fn absolute(line: &Line<'_>, spell: impl Fn(&str, &str) -> String) -> Option<String> {
    let word = line.plain_words()?.pop()?;
    let path = word.strip_prefix('/')?;
    let is_below = path
        .split_once('/')
        .is_some_and(|(_, rest)| !rest.is_empty());
    is_below.then(|| last(line, |before, _| spell(before, path)))?
}

const LINES: &[(&str, Rewrite)] = &[
    ("tabs", |l| blanks(l, "\t")),
    ("many-blanks", |l| {
        let mut words = unquoted(l)?.split(' ');
        let first = words.next()?;
        let rest: Vec<&str> = words.collect();
        Some(format!("   {first}    {}  ", rest.join("   ")))
    }),
    ("continued-lines", |l| blanks(l, " \\\n  ")),
    ("pipe-across-lines", |l| {
        pipe(l, |a, b| format!("{a} |\n{b}"))
    }),
    ("pipe-to-substitution", |l| {
        pipe(l, |a, b| format!("{b} < <({a})"))
    }),
    ("pipe-to-output-substitution", |l| {
        pipe(l, |a, b| format!("{a} > >({b})"))
    }),
    ("pipe-to-here-string", |l| {
        pipe(l, |a, b| format!("{b} <<< \"$({a})\""))
    }),
    ("pipe-to-file", |l| {
        pipe(l, |a, b| format!("{a} > /tmp/p; {b} < /tmp/p"))
    }),
    ("pipe-with-cat", |l| {
        pipe(l, |a, b| format!("{a} | cat | {b}"))
    }),
    ("pipe-with-tee", |l| {
        pipe(l, |a, b| format!("{a} | tee /dev/null | {b}"))
    }),
    ("redirect-clobber", |l| {
        write(l, |a, _, f| format!("{a} >| {f}"))
    }),
    ("redirect-number", |l| {
        redirect(l, |a, o, f| format!("{a} 1{o} {f}"))
    }),
    ("redirect-tight", |l| {
        redirect(l, |a, o, f| format!("{a}{o}{f}")).filter(|text| !text.contains("0>"))
    }),
    ("redirect-first", |l| {
        redirect(l, |a, o, f| format!("{o} {f} {a}"))
    }),
    ("redirect-tee", |l| {
        to_file(l, |a, o, f| {
            let append = if o == ">>" { "-a " } else { "" };
            format!("{a} | tee {append}{f} > /dev/null")
        })
    }),
    ("redirect-dd", |l| {
        to_file(l, |a, o, f| {
            let append = if o == ">>" {
                " oflag=append conv=notrunc"
            } else {
                ""
            };
            format!("{a} | dd of={f} status=none{append}")
        })
    }),
    ("redirect-exec", |l| {
        redirect(l, |a, o, f| format!("( exec 9{o} {f}; {a} >&9 )"))
    }),
    ("redirect-variable", |l| {
        redirect(l, |a, o, f| format!("o={f}; {a} {o} \"$o\""))
    }),
    ("noise-around", |l| {
        whole(l, |text| format!("ls > /dev/null; {text}; pwd > /dev/null"))
    }),
    ("noise-long", |l| {
        whole(l, |text| format!("{}{text}", "true; ".repeat(4)))
    }),
    ("variable-inside-function", |l| {
        name(l, |p, r| format!("f() {{ local p={p}; $p{r}; }}; f"))
    }),
    ("function-named-like-harmless", |l| {
        name(l, |p, r| format!("ls() {{ command {p}{r}; }}; ls"))
    }),
    ("words-as-bytes", |l| {
        l.text
            .is_ascii()
            .then(|| format!("eval \"$(printf \"{}\")\"", hex(l.text)))
    }),
    ("reassembled-from-parts", |l| {
        let third = l.text.len() / 3;
        let (first, rest) = l.text.split_at_checked(third).filter(|_| l.is_one_line())?;
        let (second, last) = rest.split_at_checked(third)?;
        let [a, b, c] = [first, second, last].map(quoted);
        Some(format!("a={a}; b={b}; c={c}; eval \"$a$b$c\""))
    }),
    ("semicolon-behind", |l| whole(l, |text| format!("{text};"))),
    ("background", |l| whole(l, |text| format!("{text} & wait"))),
    ("time-then-or", |l| {
        whole(l, |text| format!("{text} || exit 1"))
    }),
];

/// Returns a spelling of a line that something can follow.
fn whole(line: &Line<'_>, spell: impl Fn(&str) -> String) -> Option<String> {
    line.can_be_followed().then(|| spell(line.text))
}

/// Returns the text of one line that has no quotes.
fn unquoted<'a>(line: &Line<'a>) -> Option<&'a str> {
    let is_unquoted = line.is_one_line() && !line.text.contains(['\'', '"', '\\', '`']);
    let has_blanks = line.text.contains(' ') && !line.text.contains("  ");
    (is_unquoted && has_blanks && !line.text.starts_with(' ')).then_some(line.text)
}

fn blanks(line: &Line<'_>, blank: &str) -> Option<String> {
    Some(unquoted(line)?.replace(' ', blank))
}

/// Returns a spelling of two simple commands with a pipe between them.
fn pipe(line: &Line<'_>, spell: impl Fn(&str, &str) -> String) -> Option<String> {
    let (left, right) = line.text.split_once(" | ")?;
    let are_simple = Line::new(left).is_simple() && Line::new(right).is_simple();
    are_simple.then(|| spell(left, right))
}

/// Returns a spelling of a command with one redirection of its output at the end.
pub fn redirect<T>(line: &Line<'_>, spell: impl Fn(&str, &str, &str) -> T) -> Option<T> {
    let (head, operator, file) = match line.text.rsplit_once(" >> ") {
        Some((head, file)) => (head, ">>", file),
        None => {
            let (head, file) = line.text.rsplit_once(" > ")?;
            (head, ">", file)
        }
    };
    let is_one_word = !file.contains([
        ' ', '\'', '"', '\\', '&', ';', '|', '<', '>', ')', '`', '\n',
    ]);
    // The words of `echo` and `printf` are words as those of programs are.
    let (first, rest) = head.split_once(' ').unwrap_or((head, ""));
    let head_is_simple = match first {
        "echo" | "printf" => Line::new(&format!("program {rest}")).is_simple(),
        _ => Line::new(head).is_simple(),
    };
    let is_home = !file.starts_with('~') || file.starts_with("~/");
    (is_one_word && is_home && head_is_simple).then(|| spell(head, operator, file))
}

/// Returns a spelling of a redirection to what is a file to every program, not to bash alone.
fn to_file(line: &Line<'_>, spell: impl Fn(&str, &str, &str) -> String) -> Option<String> {
    let is_connection = line.text.contains("/dev/tcp/") || line.text.contains("/dev/udp/");
    redirect(line, spell).filter(|_| !is_connection)
}

/// Returns a spelling of a command that writes its output over a file.
fn write(line: &Line<'_>, spell: impl Fn(&str, &str, &str) -> String) -> Option<String> {
    redirect(line, spell).filter(|_| !line.text.contains(">>"))
}
