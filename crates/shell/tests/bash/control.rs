//! Makes scripts in which control goes its ways: branches, loops, functions, traps.

use super::generate::Maker;

pub fn branches(m: &mut Maker) -> String {
    let (test, then, other) = (m.simple(), m.inner(), m.inner());
    match m.below(5) {
        0 => format!("if {test}\nthen {then}\nfi"),
        1 => format!("if fail; then {then}\nelse {other}\nfi"),
        2 => format!("if fail; then alpha; elif {test}; then {then}\nelse {other}\nfi"),
        3 => format!("if [ -e one.txt ]; then {then}\nfi; [[ a == a ]] && {test}"),
        _ => format!("if ! {test}; then {then}\nelse\n{other}\nfi >/dev/null"),
    }
}

pub fn turns(m: &mut Maker) -> String {
    let name = m.name();
    let program = m.program();
    let inner = m.inner();
    match m.below(6) {
        0 => format!("for {name} in a b 'c d'; do {program} ${name} \"${name}\"; done"),
        1 => format!("for {name} in {program} beta; do ${name} x; done"),
        2 => format!("for {name} in {{1..3}}; do\n{inner}\n{program} ${name}; done"),
        3 => format!("for {name} in x; do {inner}\nbreak; done"),
        4 => format!("for {name} in *.txt; do {program} \"${name}\"; done"),
        _ => format!("set -- p q; for {name}; do {program} ${name}; done; {program} $#"),
    }
}

pub fn repetition(m: &mut Maker) -> String {
    let inner = m.inner();
    let simple = m.simple();
    match m.below(4) {
        0 => format!("while {simple}\ndo {inner}\nbreak; done"),
        1 => format!("until {simple}\ndo {inner}\ndone"),
        2 => format!("while fail; do {inner}\ndone; {simple}"),
        _ => format!("until ! fail; do {simple}\ndone"),
    }
}

pub fn choice(m: &mut Maker) -> String {
    let name = m.name();
    let (one, two) = (m.inner(), m.inner());
    match m.below(3) {
        0 => format!("case x in a|b) {one}\n;; x) {two}\n;; esac"),
        1 => format!("{name}=abc; case ${name} in (a*) {one}\n;& z) {two}\n;; *) alpha;; esac"),
        _ => format!("case \"$HOME\" in /root) {one}\n;;& *) {two}\nesac"),
    }
}

pub fn function(m: &mut Maker) -> String {
    let name = m.name();
    let program = m.program();
    let (inner, plain) = (m.inner(), m.plain());
    match m.below(8) {
        0 => format!("f{name}() {{ {program} $1 \"$@\"; }}; f{name} {plain} 'x y'"),
        1 => format!("function f{name} {{\n{inner}\n}}\nf{name}"),
        2 => format!("f{name}() ( {inner}\n)\nf{name}; f{name} x"),
        3 => format!(
            "f{name}() {{ local {name}={plain}; {program} ${name}; }}; {name}=out; f{name}; {program} ${name}"
        ),
        4 => format!("f{name}() {{ {name}={plain}; }}; f{name}; {program} ${name}"),
        5 => format!("f{name}() {{ shift; {program} $# $*; }}; f{name} a b c"),
        6 => {
            format!("f{name}() {{ {inner}\n}}\ng{name}() {{ f{name}; {program}; }}; g{name} | beta")
        }
        _ => format!(
            "f{name}() {{ {program} ${{1:-none}} ${{2-none}}; }}; f{name}; f{name} '' {plain}"
        ),
    }
}

pub fn shadow(m: &mut Maker) -> String {
    let program = m.program();
    let plain = m.plain();
    match m.below(6) {
        0 => {
            format!("{program}() {{ mv shadowed \"$@\"; }}\n{program} {plain}\nunset -f {program}")
        }
        1 => format!("delta() {{ command delta in \"$@\"; }}; delta {plain}; unset -f delta"),
        2 => format!("{program}() {{ mv; }}; env {program} {plain}; unset -f {program}"),
        3 => format!("echo() {{ alpha \"$@\"; }}; echo {plain}; unset -f echo; echo {plain}"),
        4 => format!(
            "{program}() {{ :; }}; \\{program} {plain}; /usr/bin/{program} y; unset -f {program}"
        ),
        _ => format!("( cd() {{ alpha cd; }}; cd a; {program} )"),
    }
}

pub fn alias(m: &mut Maker) -> String {
    let name = m.name();
    let command = m.unquoted();
    let plain = m.plain();
    match m.below(4) {
        0 => format!("shopt -s expand_aliases\nalias a{name}='{command}'\na{name} {plain}"),
        1 => format!("alias beta='{command}'\nbeta {plain}\nunalias beta"),
        2 => format!(
            "shopt -s expand_aliases\nalias a{name}='{command}'\n\\a{name} {plain}; a{name} | gamma"
        ),
        _ => format!(
            "shopt -s expand_aliases\nalias w{name}='sudo '\nalias a{name}='{command}'\nw{name} a{name}"
        ),
    }
}

pub fn group(m: &mut Maker) -> String {
    let (one, two) = (m.inner(), m.inner());
    match m.below(5) {
        0 => format!("( {one}\n{two}\n)"),
        1 => format!("{{ {one}\n{two}\n}}"),
        2 => format!("( {one}\n) && {{ {two}\n}}"),
        3 => format!("( ( {one}\n) )\n{two}"),
        _ => format!("{{ {one}\n}} | ( {two}\n)"),
    }
}

pub fn coprocess(m: &mut Maker) -> String {
    let inner = m.inner();
    match m.below(3) {
        // Within a substitution bash prints a simple one so that it reads another name.
        0 => format!("coproc {{ {}\n}}\nwait", m.simple()),
        1 => format!("coproc {{ {inner}\n}} </dev/null\nwait"),
        _ => format!("coproc NAME {{ {inner}\n}} </dev/null\nwait"),
    }
}

pub fn trap(m: &mut Maker) -> String {
    let command = m.unquoted();
    let simple = m.simple();
    match m.below(5) {
        0 => format!("trap '{command}' EXIT\n{simple}"),
        1 => format!("( trap '{command}' DEBUG; {simple}; gamma )"),
        2 => format!("trap '{command}' ERR; fail; {simple}; trap - ERR"),
        3 => format!("trap later EXIT; {simple}; later() {{ {command}; }}"),
        _ => format!("( trap -- \"{command}\" 0 INT; {simple} )"),
    }
}

pub fn eval(m: &mut Maker) -> String {
    let inner = m.inner();
    let quoted = m.quoted(&inner);
    let name = m.name();
    let plain = m.plain();
    match m.below(5) {
        0 => format!("eval {quoted}"),
        1 => format!("eval {} \\; {}", m.unquoted(), m.unquoted()),
        2 => format!("{name}={quoted}; eval \"${name}\""),
        3 => format!("eval '{name}={plain}'; {} ${name}", m.program()),
        _ => format!("eval eval {}", m.unquoted()),
    }
}

pub fn exec(m: &mut Maker) -> String {
    match m.below(4) {
        0 => format!("( exec {} )\n{}", m.unquoted(), m.simple()),
        1 => format!("exec 3</dev/null; {}", m.simple()),
        2 => format!("( exec -c env -i PATH=/usr/bin {} )", m.unquoted()),
        _ => format!("bash -c 'exec {}; gamma'", m.unquoted()),
    }
}

pub fn builtin(m: &mut Maker) -> String {
    let command = m.simple();
    match m.below(6) {
        0 => format!("command {command}"),
        1 => format!("command -p {command}"),
        2 => format!("command -v alpha; {command}"),
        3 => "builtin cd a; alpha; builtin cd ..".to_owned(),
        4 => format!("command eval {}", m.unquoted()),
        _ => format!("builtin eval '{}'; command command {command}", m.unquoted()),
    }
}

pub fn source(m: &mut Maker) -> String {
    let file = m.name() + ".sh";
    let (one, two) = (m.unquoted(), m.unquoted());
    match m.below(5) {
        0 => format!("echo '{one}' > {file}; . ./{file}"),
        1 => format!("cat > {file} <<'E'\n{one}\n{two}\nE\nsource {file} x"),
        2 => format!("source /dev/stdin <<'E'\n{one}\nE\n{two}"),
        3 => format!("printf '%s\\n' '{one}' '{two}' | source /dev/stdin"),
        _ => format!("( cd a; echo '{one}' > {file}; . ./{file}; source {file} )"),
    }
}
