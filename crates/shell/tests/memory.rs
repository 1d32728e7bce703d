//! Hostile texts are answered with little memory.
//!
//! A file of its own, because what is measured is the most that the process has held.

#![cfg(target_os = "linux")]

use aegis_shell::{effects, plan};

/// The most that the process may hold, with what a debug build needs of its own.
const MEMORY_KIB_MAX: u64 = 64 * 1024;

/// The length of each text, in bytes.
const BYTES: usize = 64 * 1024;

#[test]
fn states_that_grow_at_each_step_are_bounded() {
    for (name, text) in texts() {
        let plan = plan(&text);
        let _effects = effects(&plan);
        let held = held_kib().expect("the system tells it");
        assert!(held < MEMORY_KIB_MAX, "{name}: {held} KiB");
    }
}

/// Returns texts in which each command adds to what the next one knows.
fn texts() -> Vec<(&'static str, String)> {
    let variables: String = (0..1_500).map(|n| format!("v{n}=a;")).collect();
    let given: String = (0..1_500).map(|n| format!("v{n}=a ")).collect();
    let functions: String = (0..1_500).map(|n| format!("f{n}(){{ a;}};")).collect();
    let long = "a".repeat(30_000);
    [
        ("pushd", "", "pushd a;", ""),
        ("pushd in functions", "f(){ pushd a; };", "f;", ""),
        ("pushd far away", "", "pushd /tmp;cd x;", ""),
        ("dirs", "", "pushd a;dirs;b $OLDPWD ~-;", ""),
        ("a long directory", &format!("cd /{long};"), "a;", ""),
        ("a directory within", &format!("x=/{long};"), "cd $x;a;", ""),
        ("shells that are cleared", &variables, "env -i sh -c a;", ""),
        (
            "variables that are exported",
            &variables,
            "export -f f;",
            "",
        ),
        (
            "variables that are forgotten",
            &variables,
            "eval $x;v1=a;",
            "",
        ),
        (
            "assignments of a function",
            &format!("f(){{ a;a;a;a; }};{given}"),
            "f;",
            "",
        ),
        ("functions in shells", &functions, "sh -c a;", ""),
        (
            "functions exported",
            &functions,
            "export -f f1;bash -c f1;",
            "",
        ),
        ("positional parameters", "", "set -- \"$@\" a;", ""),
        (
            "positional parameters of functions",
            "f(){ f \"$@\" a; };",
            "f a;",
            "",
        ),
        (
            "a group with redirections",
            "{ ",
            "a;",
            &format!("}} {}", ">b ".repeat(9_000)),
        ),
        ("a group with a text", "{ ", "a;", &format!("}} <<< {long}")),
        ("traps", "", "trap 'a;b' EXIT;", ""),
        ("aliases", "", "alias a='b a';a;", ""),
    ]
    .map(|(name, head, piece, tail)| {
        let room = BYTES.saturating_sub(head.len() + tail.len());
        let middle = piece.repeat(room / piece.len());
        (name, format!("{head}{middle}{tail}"))
    })
    .into()
}

/// Returns the most that the process has held.
fn held_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
