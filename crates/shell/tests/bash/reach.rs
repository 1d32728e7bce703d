//! Makes scripts that reach a program through another one, or through a file.

use super::generate::Maker;

pub fn wrapper(m: &mut Maker) -> String {
    let command = m.simple();
    let prefix = m.pick(&[
        "sudo",
        "sudo -u root",
        "sudo -n --",
        "sudo A=b",
        "doas",
        "doas -u root",
        "env",
        "env A=b",
        "env -i PATH=/usr/bin:/bin",
        "env -u A",
        "nohup",
        "nice",
        "nice -n 5",
        "timeout 5",
        "timeout -k 1 5s",
        "timeout --signal=TERM 5",
        "/usr/bin/time",
        "stdbuf -oL",
        "stdbuf -o 0 -e0",
        "setsid",
        "setsid -w",
        "time",
        "time -p",
        "command",
        "sudo env",
        "nice nohup",
        "env timeout 5 nice",
        "busybox",
        "sudo -E",
        "env -S",
        "nice -5",
        "env -C a",
        "sudo -D a",
        "timeout -s KILL 5",
        "env --",
        "sudo time",
        "ionice -c 3",
    ]);
    if prefix == "env -S" {
        return format!("env -S '{}'", m.unquoted());
    }
    format!("{prefix} {command}")
}

pub fn xargs(m: &mut Maker) -> String {
    let command = m.unquoted();
    match m.below(7) {
        0 => format!("echo {} {} | xargs {command}", m.plain(), m.plain()),
        1 => format!("printf '%s\\n' a b | xargs -n 1 {command}"),
        2 => format!("echo one | xargs -I{{}} {command} {{}}"),
        3 => format!("printf 'a\\0b' | xargs -0 {command}"),
        4 => format!("xargs {command} < /dev/null"),
        5 => format!("xargs -r {command} <<<'a b'"),
        _ => format!("echo x | xargs sh -c '{command} \"$@\"' sh"),
    }
}

pub fn find(m: &mut Maker) -> String {
    let command = m.unquoted();
    match m.below(7) {
        0 => format!("find . -name '*.txt' -exec {command} {{}} \\;"),
        1 => format!("find a src -type f -exec {command} {{}} +"),
        2 => format!("find . -maxdepth 1 -execdir {command} {{}} ';'"),
        3 => format!("find . -name one.txt -exec sh -c '{command} \"$1\"' _ {{}} \\;"),
        4 => format!("find . -name '*.txt' -ok {command} {{}} \\;"),
        5 => format!("find . -name one.txt -exec {command} x{{}}y \\; -exec beta {{}} \\;"),
        _ => format!("find . -name '*.txt' -print0 | xargs -0 {command}"),
    }
}

pub fn shell(m: &mut Maker) -> String {
    let inner = m.inner();
    let quoted = m.quoted(&inner);
    let shell = m.pick(&[
        "bash",
        "sh",
        "zsh",
        "/bin/bash",
        "bash --norc",
        "bash -B",
        "bash -o pipefail",
    ]);
    let plain = m.plain();
    let program = m.program();
    match m.below(5) {
        0 => format!("{shell} -c '{program} $1 \"$@\"' name {plain} 'y z'"),
        1 => format!("{shell} -xc {quoted}"),
        2 => format!("{shell} -c '{program} \"$0\"' {plain}"),
        3 => format!("bash -c \"bash -c '{program} {plain}'\""),
        _ => format!("{shell} -c {quoted}"),
    }
}

pub fn text_program(m: &mut Maker) -> String {
    let command = m.unquoted();
    match m.below(9) {
        0 => format!("su -c '{command}'"),
        1 => format!("su root -c '{command}; beta'"),
        2 => format!("su - user -c \"{command}\""),
        3 => format!("script -qc '{command}' /dev/null"),
        4 => format!("watch -n 1 {command}"),
        5 => format!("watch '{command} && beta'"),
        6 => format!("parallel {command} ::: a b"),
        7 => format!("parallel -j 2 '{command} {{}}' ::: a"),
        _ => format!("script -c '{command}'"),
    }
}

pub fn elsewhere(m: &mut Maker) -> String {
    let command = m.unquoted();
    match m.below(7) {
        0 => format!("ssh host {command}"),
        1 => format!("ssh -p 22 user@host '{command}; beta'"),
        2 => format!("docker exec -it box {command}"),
        3 => format!("docker exec box sh -c '{command}'"),
        4 => format!("podman exec -u root box {command}"),
        5 => format!("kubectl exec pod -- {command}"),
        _ => format!("docker run --rm image {command}"),
    }
}

pub fn git(m: &mut Maker) -> String {
    let command = m.unquoted();
    match m.below(4) {
        0 => format!("git -c alias.x='!{command}' x"),
        1 => format!("git -c core.pager='{command}' log"),
        2 => format!("git -c alias.x='!{command}' x y"),
        _ => format!("git commit -m '{command}'"),
    }
}

pub fn runner(m: &mut Maker) -> String {
    let command = m.unquoted();
    match m.below(6) {
        0 => format!("npx {command}"),
        1 => format!("npx -y {command}"),
        2 => format!("uvx {command}"),
        3 => format!("pipx run {command}"),
        4 => format!("npx -c '{command}'"),
        _ => format!("busybox {command}"),
    }
}

pub fn decoded(m: &mut Maker) -> String {
    let command = m.unquoted();
    let backwards: String = command.chars().rev().collect();
    let hexadecimal: String = command.bytes().map(|byte| format!("{byte:02x}")).collect();
    let octal: String = command
        .bytes()
        .map(|byte| format!("\\{byte:03o}"))
        .collect();
    let shell = m.pick(&["sh", "bash", "bash -s", "sudo sh"]);
    let encoded = base64(command.as_bytes());
    match m.below(9) {
        0 => format!("echo {encoded} | base64 -d | {shell}"),
        1 => format!("base64 -d <<<{encoded} | {shell}"),
        2 => format!("bash -c \"$(echo {encoded} | base64 --decode)\""),
        3 => format!("eval \"$(echo {encoded} | base64 -d)\""),
        4 => format!("echo '{backwards}' | rev | {shell}"),
        5 => format!("echo {hexadecimal} | xxd -r -p | {shell}"),
        6 => format!("printf '{octal}' | {shell}"),
        7 => format!(
            "echo -e '{octal}' | sed s/z/z/ | true; echo '{}' | tr A-Z a-z | {shell}",
            command.to_uppercase()
        ),
        _ => format!("echo {encoded} | base64 -d > decoded; bash decoded"),
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut bits = [0; 3];
        bits[..group.len()].copy_from_slice(group);
        let number = u32::from_be_bytes([0, bits[0], bits[1], bits[2]]);
        for position in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * position)) as usize & 63];
            text.push(if position > group.len() {
                '='
            } else {
                char::from(digit)
            });
        }
    }
    text
}

pub fn start_up(m: &mut Maker) -> String {
    let command = m.unquoted();
    let simple = m.simple();
    match m.below(5) {
        0 => format!("PROMPT_COMMAND='{command}'; {simple}"),
        1 => format!("echo '{command}' > start; BASH_ENV=start bash -c 'gamma x'"),
        2 => format!(
            "echo '{command}' > start; export BASH_ENV=./start; bash -c 'gamma x'; unset BASH_ENV"
        ),
        3 => format!("LD_PRELOAD=/tmp/x.so {simple}"),
        _ => format!("export LD_PRELOAD=./x.so; {simple}; unset LD_PRELOAD"),
    }
}

pub fn search_path(m: &mut Maker) -> String {
    let simple = m.simple();
    match m.below(4) {
        0 => format!("PATH=/tmp/t:/usr/bin {simple}"),
        1 => format!("export PATH=/usr/bin:/tmp; {simple}"),
        2 => format!("HOME=/tmp {} ~ $HOME", m.program()),
        _ => format!("( HOME=/tmp; cd; {simple} )"),
    }
}

pub fn directory(m: &mut Maker) -> String {
    let simple = m.simple();
    let folder = m.pick(&[
        "a",
        "a/b",
        "'my dir'",
        "/tmp",
        "~",
        "/work/src",
        "./a/../src",
        "$HOME/x",
        "\"$PWD/a\"",
        "..",
    ]);
    match m.below(9) {
        0 => format!("( cd {folder}; {simple} )"),
        1 => format!("( cd {folder} && {simple} )"),
        2 => format!("cd {folder}; {simple}; cd /work"),
        // What they write would end them where nobody reads it any more.
        3 => {
            format!("( pushd {folder} >/dev/null; {simple}; popd >/dev/null; gamma )")
        }
        4 => format!("cd {folder}; cd -; {simple}; cd /work"),
        5 => format!("cd {folder} || exit; {simple}; cd /work"),
        6 => format!("( cd; {simple} \"$PWD\" \"$OLDPWD\" )"),
        7 => format!("( cd {folder}; bash -c 'alpha \"$PWD\"' )"),
        _ => format!("if cd {folder}; then {simple}; fi; cd /work; {simple}"),
    }
}

pub fn written(m: &mut Maker) -> String {
    let file = m.name() + ".sh";
    let (one, two) = (m.unquoted(), m.unquoted());
    match m.below(7) {
        0 => format!("echo '{one}' > {file}; bash {file}"),
        1 => format!("cat > {file} <<'E'\n{one} $1\n{two}\nE\nbash {file} x y"),
        2 => format!("printf '%s\\n' '{one}' > {file}; echo '{two}' >> {file}; sh ./{file}"),
        3 => format!(
            "cat <<'E' > /tmp/{file}\n#!/bin/bash\n{one}\nE\nchmod +x /tmp/{file}; /tmp/{file}"
        ),
        4 => format!("tee {file} <<'E' >/dev/null\n{one}\nE\nbash < {file}"),
        5 => format!("echo '{one}' | tee {file} >/dev/null; sh {file}"),
        _ => format!("echo '{one}' > {file}; cat {file} | sh"),
    }
}
