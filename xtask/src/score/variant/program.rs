//! Other spellings of the program that a line begins with.

use super::Variant;
use super::line::Line;

/// How a program is spelled: a name, and what stands for the program and before
/// its line, from the program and what follows it.
type Spelling = (&'static str, fn(&str, &str) -> String);

const SPELLINGS: &[Spelling] = &[
    ("empty quotes in the name", |p, rest| {
        let (head, tail) = halves(p);
        format!("{head}''{tail}{rest}")
    }),
    ("each letter behind a backslash", |p, rest| {
        let letters = p.chars().map(|letter| format!("\\{letter}"));
        format!("{}{rest}", letters.collect::<String>())
    }),
    ("mixed quotes", |p, rest| {
        let (head, tail) = halves(p);
        format!("\"{head}\"'{tail}'{rest}")
    }),
    ("escapes in the name", |p, rest| {
        format!("$'{}'{rest}", Line::new(p).hex("\\x"))
    }),
    ("octal escapes in half of the name", |p, rest| {
        let (head, tail) = halves(p);
        format!("{head}$'{}'{rest}", Line::new(tail).octal("\\"))
    }),
    ("an unset variable in the name", |p, rest| {
        let (head, tail) = halves(p);
        format!("{head}${{unset_variable}}{tail}{rest}")
    }),
    ("a continued line in the name", |p, rest| {
        let (head, tail) = halves(p);
        format!("{head}\\\n{tail}{rest}")
    }),
    ("the name in a variable", |p, rest| {
        format!("x={p}; $x{rest}")
    }),
    ("the name in two variables", |p, rest| {
        let (head, tail) = halves(p);
        format!("a={head} b={tail}; $a$b{rest}")
    }),
    ("the name appended to", |p, rest| {
        let (head, tail) = halves(p);
        format!("x={head}; x+={tail}; \"$x\"{rest}")
    }),
    ("the name as a default", |p, rest| {
        format!("${{unset_variable:-{p}}}{rest}")
    }),
    ("the name assigned as a default", |p, rest| {
        format!("${{unset_variable:={p}}}{rest}")
    }),
    ("the name as an alternative", |p, rest| {
        format!("${{PATH:+{p}}}{rest}")
    }),
    ("the name by indirection", |p, rest| {
        format!("x={p}; y=x; ${{!y}}{rest}")
    }),
    ("the name by reference", |p, rest| {
        format!("x={p}; declare -n y=x; $y{rest}")
    }),
    ("the name in an array", |p, rest| {
        format!("a=(x {p}); ${{a[1]}}{rest}")
    }),
    ("the name in an associative array", |p, rest| {
        format!("declare -A a=([k]={p}); ${{a[k]}}{rest}")
    }),
    ("the name made lower", |p, rest| {
        format!("x={}; ${{x,,}}{rest}", p.to_ascii_uppercase())
    }),
    ("the name cut out", |p, rest| {
        format!("x=..{p}..; ${{x:2:{}}}{rest}", p.len())
    }),
    ("the name without a prefix and a suffix", |p, rest| {
        format!("x=no-{p}.exe; x=${{x#no-}}; ${{x%.exe}}{rest}")
    }),
    ("the name by replacing", |p, rest| {
        let (head, tail) = halves(p);
        format!("x={head}_{tail}; ${{x/_/}}{rest}")
    }),
    ("the name substituted", |p, rest| {
        format!("$(echo {p}){rest}")
    }),
    ("the name in backquotes", |p, rest| {
        format!("`printf %s {p}`{rest}")
    }),
    ("the name from octal escapes", |p, rest| {
        format!("$(printf '{}'){rest}", Line::new(p).octal("\\"))
    }),
    ("the name reversed", |p, rest| {
        format!("$(rev <<< {}){rest}", Line::new(p).reversed())
    }),
    ("the name from base64", |p, rest| {
        format!("$(base64 -d <<< {}){rest}", Line::new(p).base64())
    }),
    ("the name read", |p, rest| {
        format!("read -r x <<< {p}; $x{rest}")
    }),
    ("the name by printf", |p, rest| {
        let (head, tail) = halves(p);
        format!("printf -v x %s%s {head} {tail}; $x{rest}")
    }),
    ("the name from a loop", |p, rest| {
        format!("for x in {p}; do break; done; $x{rest}")
    }),
    ("the name as a parameter", |p, rest| {
        format!("set -- {p}; $1{rest}")
    }),
    ("a function that calls its parameters", |p, rest| {
        format!("f() {{ \"$@\"; }}; f {p}{rest}")
    }),
    ("a function with the name's tail", |p, rest| {
        format!("go() {{ {p} \"$@\"; }}; go{rest}")
    }),
    ("an alias of the name", |p, rest| {
        format!("shopt -s expand_aliases\nalias go='{p}'\ngo{rest}")
    }),
    ("a variable before the name", |p, rest| {
        format!("LC_ALL=C TZ=UTC {p}{rest}")
    }),
    ("a redirection before the name", |p, rest| {
        format!("</dev/null {p}{rest}")
    }),
    ("command", |p, rest| format!("command -p -- {p}{rest}")),
    ("env with assignments", |p, rest| {
        format!("env -u LANG A=1 B='2 3' {p}{rest}")
    }),
    ("wrappers in a row", |p, rest| {
        format!("nohup nice -n 3 timeout --signal=KILL 9s {p}{rest}")
    }),
    ("the shell's time", |p, rest| format!("time -p {p}{rest}")),
    ("blanks of all kinds", |p, rest| {
        format!(" \t{p} \t {}", rest.trim_start_matches(' '))
    }),
    ("a comment before it", |p, rest| {
        format!("# nothing\n\n{p}{rest}")
    }),
];

/// Spellings with a path, for programs that lie where they usually do.
const PATHS: &[Spelling] = &[
    ("the path in full", |p, rest| format!("/usr/bin/{p}{rest}")),
    ("the path the long way", |p, rest| {
        format!("/usr/../usr/./bin//{p}{rest}")
    }),
    ("a pattern in the path", |p, rest| {
        let (head, last) = p.split_at(p.len() - 1);
        format!("/usr/b?n/{head}[{last}]{rest}")
    }),
    ("a changed directory", |p, rest| {
        format!("(cd /usr/bin; ./{p}{rest})")
    }),
    ("a hashed name", |p, rest| {
        format!("hash -p /usr/bin/{p} go; go{rest}")
    }),
    ("a link to it", |p, rest| {
        format!("ln -sf /usr/bin/{p} ./go; ./go{rest}")
    }),
];

/// Returns the spellings of the first program.
pub fn variants() -> Vec<Variant> {
    let spelled = SPELLINGS.iter().map(|(name, spell)| {
        Variant::new(name, move |line| {
            let (program, rest) = line.program()?;
            Some(spell(program, rest))
        })
    });
    let paths = PATHS.iter().map(|(name, spell)| {
        Variant::new(name, move |line| {
            let (program, rest) = line.program()?;
            // A relative path would mean another file from another directory.
            let is_local = name.contains("directory") && !is_anywhere(line);
            (!is_local).then(|| spell(program, rest))
        })
    });
    spelled.chain(paths).collect()
}

/// Reports whether the line means the same in every working directory.
fn is_anywhere(line: &Line<'_>) -> bool {
    line.can_be_followed()
        && line.plain_words().is_some_and(|words| {
            let arguments = words.iter().skip(1);
            arguments
                .clone()
                .all(|word| word.starts_with('-') || word.starts_with('/'))
        })
}

/// Returns a name in two parts that are not empty.
fn halves(name: &str) -> (&str, &str) {
    // A program's name is ASCII and longer than a character; see `Line::program`.
    name.split_at_checked(name.len() / 2).unwrap_or((name, ""))
}
