//! The families of scripts: what each makes, and whether its text decides all.

use super::generate::{Kind, Maker};
use super::{control, reach};

/// A family of scripts.
pub struct Family {
    pub name: &'static str,
    /// Whether the text decides everything that is started.
    pub kind: Kind,
    pub make: fn(&mut Maker) -> String,
}

const fn literal(name: &'static str, make: fn(&mut Maker) -> String) -> Family {
    Family {
        name,
        kind: Kind::Literal,
        make,
    }
}

const fn mixed(name: &'static str, make: fn(&mut Maker) -> String) -> Family {
    Family {
        name,
        kind: Kind::Mixed,
        make,
    }
}

/// Every family.
pub const FAMILIES: &[Family] = &[
    literal("quoting", Maker::simple),
    literal("list", list),
    literal("pipeline", pipeline),
    literal("redirection", redirection),
    literal("here-document", document),
    literal("here-document into a shell", shell_document),
    literal("here-string into a shell", shell_string),
    literal("substitution", substitution),
    mixed("process substitution", process),
    literal("variable", variable),
    literal("operator", operator),
    literal("array", array),
    literal("separators", separators),
    literal("braces", braces),
    literal("tilde", tilde),
    literal("pattern", pattern),
    literal("arithmetic", arithmetic),
    literal("if", control::branches),
    literal("for", control::turns),
    literal("loop", control::repetition),
    literal("case", control::choice),
    literal("function", control::function),
    literal("shadow", control::shadow),
    literal("alias", control::alias),
    literal("group", control::group),
    literal("coprocess", control::coprocess),
    literal("trap", control::trap),
    literal("eval", control::eval),
    literal("exec", control::exec),
    literal("command", control::builtin),
    literal("source", control::source),
    literal("wrapper", reach::wrapper),
    literal("xargs", reach::xargs),
    mixed("find", reach::find),
    literal("shell", reach::shell),
    literal("text program", reach::text_program),
    literal("elsewhere", reach::elsewhere),
    literal("git", reach::git),
    literal("runner", reach::runner),
    literal("decoded", reach::decoded),
    literal("start-up variable", reach::start_up),
    literal("search path", reach::search_path),
    literal("directory", reach::directory),
    literal("written and run", reach::written),
    literal("positional", positional),
    mixed("output in a word", output_word),
    mixed("output as code", output_code),
    mixed("variable from outside", outer_variable),
    mixed("computed program", computed_program),
    mixed("loop over output", output_loop),
    mixed("count", count),
    mixed("read", read),
    mixed("select", select),
    mixed("unsure value", unsure),
];

fn list(m: &mut Maker) -> String {
    let mut list = m.inner();
    for _ in 0..=m.below(2) {
        let sign = m.pick(&["\n", "\n", "\n&& ", "\n|| "]).trim_start();
        // Pieces may end in a here-document: what joins them starts a line.
        if sign.is_empty() {
            list = format!("{list}\n{}", m.inner());
        } else {
            list = format!("{} {sign}{}", m.simple(), m.simple());
        }
    }
    match m.below(5) {
        0 => format!("{{ {list}\n}} &\nwait"),
        1 => format!("! {}; {}", m.simple(), m.simple()),
        2 => format!("{} & {}", m.simple(), m.simple()),
        _ => list,
    }
}

fn pipeline(m: &mut Maker) -> String {
    let mut text = m.simple();
    for _ in 0..=m.below(2) {
        let sign = m.pick(&["|", "|&", "|\n"]);
        text = format!("{text} {sign} {}", m.simple());
    }
    match m.below(5) {
        0 => format!("time {text}"),
        1 => format!("! {text}"),
        2 => format!("{{ {}\n}} | {text}", m.inner()),
        _ => text,
    }
}

fn redirection(m: &mut Maker) -> String {
    let command = m.unquoted();
    let sign = m.pick(&[">", ">>", ">|", "&>", "&>>", "2>", "<>", "2>&1 >", ">& "]);
    let file = m.pick(&["out", "'out 2'", "/tmp/o", "\"o\"ut", "/dev/null"]);
    match m.below(6) {
        0 => format!("{sign}{file} {command}"),
        1 => format!("{{ {}\n}} {sign}{file}", m.inner()),
        2 => format!("{command} <one.txt {sign}{file}"),
        3 => format!("exec 3>out; {command} >&3; exec 3>&-"),
        4 => format!("{command} {{fd}}>{file} x"),
        _ => format!("{command} {sign}{file} x"),
    }
}

fn document(m: &mut Maker) -> String {
    let command = m.simple();
    let after = m.simple();
    match m.below(5) {
        0 => format!("{command} <<E\n$(echo {})\nE\n", m.plain()),
        1 => format!("{command} <<'E'\n$( {} )\nE\n{after}", m.unquoted()),
        2 => format!("{command} <<-E && {after}\n\tx `echo beta`\n\tE\n"),
        3 => format!("{command} <<A <<\"B\"\nx\nA\n$(no)\nB\n{after}"),
        _ => format!("{command} <<\\E\nx\\\nE\nE\n{after}"),
    }
}

fn shell_document(m: &mut Maker) -> String {
    let shell = m.pick(&[
        "sh",
        "bash",
        "bash -s",
        "bash -",
        "sudo bash",
        "env -i PATH=/usr/bin bash -s x",
        "zsh",
        "cat | bash",
    ]);
    if m.below(2) == 0 {
        format!("{shell} <<'EOF'\n{}\nEOF\n{}", m.inner(), m.simple())
    } else {
        let name = m.name();
        let word = m.plain();
        format!(
            "{name}={word}\n{shell} <<EOF\n{} ${name} \\$HOME\nEOF\n",
            m.unquoted()
        )
    }
}

fn shell_string(m: &mut Maker) -> String {
    let script = m.inner();
    let quoted = m.quoted(&script);
    let shell = m.pick(&["sh", "bash", "bash -s", "sudo bash"]);
    match m.below(3) {
        0 => format!(
            "echo {quoted} | {shell}",
            quoted = m.quoted("alpha y; beta")
        ),
        1 => format!("{shell} <<<'{}'", m.unquoted()),
        _ => format!("{shell} <<<{quoted}"),
    }
}

fn substitution(m: &mut Maker) -> String {
    let inner = m.substituted();
    let program = m.program();
    match m.below(6) {
        0 => format!(": $( {{ {inner}\n}} >/dev/null )"),
        1 => format!("{program} $(echo {})", m.plain()),
        2 => format!(
            "{program} `echo {}` \"$(printf %s {})\"",
            m.plain(),
            m.plain()
        ),
        3 => format!("{}=$( {{ {inner}\n}} &>/dev/null; echo x )", m.name()),
        4 => format!("$(echo {program}) {}", m.plain()),
        _ => format!("{program} \"$(echo a; echo {})\"", m.plain()),
    }
}

fn process(m: &mut Maker) -> String {
    let inner = m.substituted();
    match m.below(3) {
        0 => format!(": <( {inner}\n)"),
        1 => format!(": > >( {inner}\n)"),
        _ => format!("true < <( {inner}\n)"),
    }
}

fn variable(m: &mut Maker) -> String {
    let name = m.name();
    let value = m.value();
    let value = m.spelled(&value);
    let program = m.program();
    let plain = m.plain();
    match m.below(9) {
        0 => format!("{name}={value}; {program} ${name} x"),
        1 => format!("{name}={value}\n{program} \"${name}\" ${{{name}}}x"),
        2 => format!("{name}={program}; ${name} {plain}"),
        3 => format!("{name}='{program} {plain}'; ${name} y"),
        4 => format!("{name}=a; {name}+={plain}; {program} ${name}"),
        5 => format!("export {name}={plain}; bash -c '{program} ${name}'"),
        6 => format!("{name}={plain}; {name}=other {program} ${name} x"),
        7 => format!("{name}={plain}; unset {name}; {program} ${name} x \"${name}\""),
        _ => format!("declare {name}={value}; readonly {name}; {program} \"${name}\""),
    }
}

fn operator(m: &mut Maker) -> String {
    let name = m.name();
    let program = m.program();
    let value = m.pick(&["path/to/file.tar.gz", "Aa Bb", "", "hello", "x.txt"]);
    let use_ = m.pick(&[
        ":-d",
        "-d",
        ":=d",
        "=d",
        ":+s",
        "+s",
        "#*/",
        "##*/",
        "%.*",
        "%%.*",
        "#path",
        "%gz",
        "/o/0",
        "//o/0",
        "/#p/P",
        "/%z/Z",
        "^",
        "^^",
        ",",
        ",,",
        ":1",
        ":1:2",
        ": -2",
        ":0:1",
        "%/*",
        "##*.",
        "//[aeiou]/_",
        "//?/x",
        "@Q",
        "@U",
        "^^[a-h]",
        "#?",
        "%%[.]*",
        ":2:-1",
        ":-$(echo beta)",
        ":+$(echo beta)",
    ]);
    let unset = m.name();
    match m.below(6) {
        0 => format!(
            "unset {unset}; {program} ${{{unset}:-d}} \"${{{unset}-e}}\" ${{{unset}:=f g}} ${unset}"
        ),
        1 => format!("{name}='{value}'; {program} ${{#{name}}}"),
        2 => format!("{name}={unset}; {unset}='{value}'; {program} \"${{!{name}}}\""),
        3 => format!("{name}='{value}'; {program} ${{{name}{use_}}} y"),
        _ => format!("{name}='{value}'; {program} \"${{{name}{use_}}}\""),
    }
}

fn array(m: &mut Maker) -> String {
    let name = m.name();
    let program = m.program();
    let (one, two) = (m.plain(), m.plain());
    match m.below(8) {
        0 => format!("{name}=({one} {two} 'b c'); {program} \"${{{name}[@]}}\""),
        1 => format!("{name}=({program} {one}); \"${{{name}[@]}}\" {two}"),
        2 => format!(
            "{name}=({one} {two}); {name}+=(z); {program} ${{{name}[1]}} \"${{{name}[*]}}\""
        ),
        3 => format!("{name}=({one} {two} c); {program} ${{#{name}[@]}} ${{{name}[-1]}}"),
        4 => format!("{name}=(a {one} c); {program} \"${{{name}[@]:1}}\" ${{!{name}[@]}}"),
        5 => format!(
            "{name}=(x y); {name}[2]={one}; {name}[0]=; {program} \"${{{name}[2]}}\" \"${{{name}[@]}}\""
        ),
        6 => {
            format!("declare -a {name}=({one} m); {program} ${{{name}[1]}} \"${{{name}[@]/m/n}}\"")
        }
        _ => format!("{name}=(a.x b.x); {program} \"${{{name}[@]%.x}}\" ${{{name}[0]/a/b}}"),
    }
}

fn separators(m: &mut Maker) -> String {
    let name = m.name();
    let program = m.program();
    let plain = m.plain();
    match m.below(6) {
        0 => format!("{program}${{IFS}}{plain}"),
        1 => format!("{name}={program}${{IFS}}{plain}; ${name}"),
        2 => format!("( IFS=:; {name}=a:b::c; {program} ${name} )"),
        3 => format!("( IFS=,; {name}='{program},{plain}'; ${name} )"),
        4 => format!("( IFS=; {name}='a b'; {program} ${name} )"),
        _ => format!("( IFS=/; set -- a b; {program} \"$*\" )"),
    }
}

fn braces(m: &mut Maker) -> String {
    let program = m.program();
    let word = m.pick(&[
        "{a,b}",
        "x{1..3}y",
        "{a,b{c,d}}",
        "{3..1}",
        "{a..e..2}",
        "{01..03}",
        "{a,}",
        "{,a}b",
        "'{a,b}'",
        "{a",
        "a}",
        "{a}",
        "{}",
        "{a,b}{c,d}",
        "\"{a,b}\"",
        "{a,\"b c\"}",
        "{~,x}",
        "{1..5..2}",
        "{-1..1}",
        "\\{a,b}",
        "a{b,c}d\\,e",
        "{a..}",
        "{A..C}",
        "x{,}",
        "{a,b},c",
        "$'{a,b}'",
        "{1..a}",
        "{10..8..-1}",
    ]);
    if m.below(4) == 0 {
        format!("{{{program},{}}}", m.plain())
    } else {
        format!("{program} {word} z")
    }
}

fn tilde(m: &mut Maker) -> String {
    let program = m.program();
    let name = m.name();
    let word = m.pick(&[
        "~", "~/x", "'~'", "\\~/x", "a~", "~/'x y'", "--f=~/x", "x=~/y", "~+", "~/", "\"~/x\"",
        "a:~/b", "~+/x",
    ]);
    match m.below(4) {
        0 => format!("{name}=~/x:~/y; {program} ${name}"),
        1 => format!("( HOME=/tmp/h; {program} {word} $HOME )"),
        _ => format!("{program} {word}"),
    }
}

fn pattern(m: &mut Maker) -> String {
    let program = m.program();
    let name = m.name();
    let word = m.pick(&[
        "*",
        "*.txt",
        "?ne.txt",
        "[ot]*",
        "'*'",
        "nothing*",
        "a/*",
        "\\*",
        "*/",
        "o\"n\"*",
        "[!x]*",
        "no[",
        "/usr/bin/alp*",
    ]);
    match m.below(4) {
        0 => format!(
            "{name}='{}'; {program} ${name} \"${name}\"",
            m.pick(&["*.txt", "x*", "*"])
        ),
        1 => format!("bash -O extglob -c '{program} @(one|two).txt zz*'"),
        _ => format!("{program} {word}"),
    }
}

fn arithmetic(m: &mut Maker) -> String {
    let program = m.program();
    let name = m.name();
    let sum = m.pick(&[
        "1+2", "2*3", "7/2", "7%4", "2**3", "(1+2)*3", "1<2", "3==3", "1?5:6", "-4", "0x10", "010",
        "1,2", "!0", "~0", "1<<4", "2#101", "5&3", "5|2", "5^1", "1&&0", "0||1",
    ]);
    match m.below(6) {
        0 => format!("{program} $(( {sum} ))"),
        1 => format!("{name}=5; {program} $(({name}+1)) $((${name} * 2))"),
        2 => format!("{name}=1; (( {name}+=2 )); {program} ${name}"),
        3 => format!("{name}=1; let {name}=4; {program} ${name}"),
        4 => format!("{program} $[ {sum} ] \"$(( ({sum}) ))\""),
        _ => format!(
            "{name}=2; : $(({name}++)); {program} ${name}; (( {name} > 2 )) && {program} more"
        ),
    }
}

fn positional(m: &mut Maker) -> String {
    let program = m.program();
    match m.below(5) {
        0 => format!("set -- {program} x y; \"$@\""),
        1 => format!("set -- 'a b' c; {program} $* \"$*\" \"$@\" $@z"),
        2 => format!("set -- a b c; shift 2; {program} $1 $#"),
        3 => format!("set -- {program}; $1 x; {program} \"${{@:1}}\" \"${{*}}\""),
        _ => format!("set -- q; f() {{ {program} \"$@\"; }}; f w; {program} \"$@\""),
    }
}

fn output_word(m: &mut Maker) -> String {
    let program = m.program();
    match m.below(5) {
        0 => format!("{program} $(beta)"),
        1 => format!("{program} \"$(beta x | gamma)\" y"),
        2 => format!("{}=$( {}\n); {program} z", m.name(), m.substituted()),
        3 => {
            let name = m.name();
            format!("{name}=$(date +%s); {program} \"x${name}\"")
        }
        _ => format!("{program} <(beta) x; . <(echo {program})"),
    }
}

fn output_code(m: &mut Maker) -> String {
    match m.below(5) {
        0 => "eval \"$(beta)\"".to_owned(),
        1 => "curl x | bash".to_owned(),
        2 => "bash -c \"$(curl x)\"".to_owned(),
        3 => "source <(curl x)".to_owned(),
        _ => format!("bash -c \"{} $(beta)\"", m.program()),
    }
}

fn outer_variable(m: &mut Maker) -> String {
    let program = m.program();
    match m.below(5) {
        0 => format!("{program} $NOT_SET x"),
        1 => format!("{program} \"$NOT_SET\" \"${{USER}}\""),
        2 => format!("{program} ${{NOT_SET:-x}} y"),
        3 => format!("{program} $1 \"$@\" $#"),
        _ => format!("{program} $RANDOM $$ $? \"$!\""),
    }
}

fn computed_program(m: &mut Maker) -> String {
    match m.below(4) {
        0 => "$(beta) x".to_owned(),
        1 => "$NOT_SET alpha x".to_owned(),
        2 => format!("${{NOT_SET:-{}}} x", m.program()),
        _ => "\"$USER\"-x y".to_owned(),
    }
}

fn output_loop(m: &mut Maker) -> String {
    let name = m.name();
    let program = m.program();
    match m.below(3) {
        0 => format!("for {name} in $(seq 2); do {program} ${name}; done"),
        1 => format!("for {name} in $(beta) x; do {program} ${name}; done"),
        _ => format!("ls | while read -r {name}; do {program} \"${name}\"; done"),
    }
}

fn count(m: &mut Maker) -> String {
    let name = m.name();
    let program = m.program();
    match m.below(3) {
        0 => format!("for (({name}=0; {name}<2; {name}++)); do {program} ${name}; done"),
        1 => format!(
            "{name}=0; while [ ${name} -lt 2 ]; do {program} ${name}; {name}=$(({name}+1)); done"
        ),
        _ => format!(
            "{name}=0; until (( {name}++ >= 2 )); do {program} x${name}; done; {program} ${name}"
        ),
    }
}

fn read(m: &mut Maker) -> String {
    let name = m.name();
    let program = m.program();
    match m.below(5) {
        0 => format!("while read {name}; do {program} ${name}; done <<E\none\ntwo\nE\n"),
        1 => format!("read {name} <<<'a b'; {program} ${name}"),
        2 => format!("echo x | {{ read {name}; {program} ${name}; }}"),
        3 => format!("mapfile -t {name} < one.txt; {program} \"${{{name}[@]}}\""),
        _ => format!("IFS=: read {name} w{name} <<<a:b; {program} ${name} $w{name}"),
    }
}

fn select(m: &mut Maker) -> String {
    let name = m.name();
    let program = m.program();
    format!(
        "select {name} in a b; do {program} \"${name}\"; break; done <<<{}",
        1 + m.below(2)
    )
}

fn unsure(m: &mut Maker) -> String {
    let name = m.name();
    let program = m.program();
    let test = m.pick(&["beta", "fail"]);
    match m.below(12) {
        8 => format!("{name}=a; {test} && {name}=b || {name}=c; {program} ${name}"),
        9 => format!(
            "{name}=a; f{name}() {{ {name}=b; {test} && return; {name}=c; }}; f{name}; {program} ${name}"
        ),
        10 => format!(
            "{name}=a; for i in 1 2; do {name}=b; {test} && break; {name}=c; done; {program} ${name}"
        ),
        11 => format!(
            "if {test}; then {name}={program}; else {name}=gamma; fi; ${name} x; trap '${name} y' EXIT; {name}=beta"
        ),
        0 => format!("{name}=a; if beta; then {name}=b; fi; {program} ${name}"),
        1 => format!("{name}=a; fail && {name}=b; {program} ${name}"),
        2 => format!("{name}=a; fail || {name}=b; {program} ${name}"),
        7 => format!("{name}=a; f() {{ {name}=b; }}; beta && f; {program} ${name}"),
        3 => format!("for {name} in x y; do beta && break; done; {program} ${name}"),
        4 => format!("declare -A {name}=([k]=v [l]=m); {program} ${{{name}[k]}}"),
        5 => format!("{name}=x; bash -c '{program} ${name} x'"),
        6 => format!("{name}=x {program} ${name}"),
        _ => format!("{name}={program}; case $USER in u*) {name}=beta;; esac; ${name} x"),
    }
}
