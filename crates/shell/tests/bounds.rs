//! Hostile texts are answered soon, with little, and with the reason.

use std::time::{Duration, Instant};

use aegis_shell::{hints, plan, touched};
use aegis_types::{Plan, UnknownCause};

/// Far above what a debug build needs, far below what growth by squares would.
const LIMIT: Duration = Duration::from_secs(4);

fn timed(text: &str) -> Plan {
    let start = Instant::now();
    let plan = plan(text);
    for command in &plan.commands {
        assert!(touched(command).len() < 20_000);
        assert!(hints(command).len() <= 512);
    }
    let taken = start.elapsed();
    let shown: String = text.chars().take(20).collect();
    assert!(taken < LIMIT, "{shown}… took {taken:?}");
    plan
}

fn is_too_complex(plan: &Plan) -> bool {
    plan.unknowns
        .iter()
        .any(|unknown| unknown.cause == UnknownCause::TooComplex)
}

#[test]
fn deep_nesting_is_too_complex() {
    for piece in [
        "$(", "(", "{ ", "\"$(", "${x:-", "$((", "((", "<(", "if ", "f() { ", "\"${x:-", "$[",
        "a=(",
    ] {
        let text = piece.repeat(20_000);
        let text = text.get(..text.len().min(60_000)).unwrap_or_default();
        let plan = timed(text);
        assert!(!plan.unknowns.is_empty(), "{piece}");
    }
}

#[test]
fn nesting_that_is_not_deep_is_followed() {
    let text = format!("{}rm x{}", "$(".repeat(40), ")".repeat(40));
    let plan = timed(&text);
    assert!(!is_too_complex(&plan));
    assert_eq!(plan.commands.len(), 41);
}

#[test]
fn long_texts_are_too_complex() {
    let plan = timed(&"a".repeat(256 * 1024 + 1));
    assert!(is_too_complex(&plan));
    assert!(!is_too_complex(&timed(&"a".repeat(256 * 1024))));
}

#[test]
fn wide_texts_are_too_complex() {
    for piece in [
        "a;",
        "a\n",
        "a|",
        "a&&",
        "a||",
        "a ",
        "x=1;",
        "$x ",
        "`a` ",
        "$(a) ",
        "cd a;",
        "cd a||",
        "pushd a;",
        "pushd a;popd;",
        "set -- \"$@\" a;",
    ] {
        let text = piece.repeat(64 * 1024 / piece.len() - 1) + "a";
        assert!(is_too_complex(&timed(&text)), "{piece}");
    }
}

#[test]
fn repetition_does_not_cost_squares() {
    for piece in [
        "`",
        "'",
        "\"",
        "\\",
        "<<a ",
        "<<a\n",
        "<<-'b'\n\t",
        "{",
        "{a,",
        "{a,b}",
        "{1..9}",
        "[",
        "*",
        "~",
        "$",
        "${",
        "$x",
        "((a",
        "((a))",
        "$((1))",
        "#",
        "\\\n",
        "x=$x$x;",
        "case x in ",
        "x+=y;",
        "f(){ f; };",
        "if a; then x=1; fi;",
        "while a; do b; done;",
        "alias a=b;",
        "read x;",
        "! ",
        "time ",
        "&&",
        "a>b ",
        "2>&1 ",
        "@(",
        "a[",
        "a[$",
        "]",
        "'\n",
        "\"\\\"",
        "${x/",
        "`\\`",
        "eval ",
        "sh -c ",
        "$'\\",
        "{x,{",
    ] {
        timed(&piece.repeat(64 * 1024 / piece.len()));
    }
}

#[test]
fn copies_of_words_do_not_cost_squares() {
    for (head, piece) in [
        ("find . ", "-exec rm {} \\; "),
        ("", "sudo "),
        ("", "xargs "),
        (
            "IFS=a; x=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; ",
            "${x:1} ",
        ),
    ] {
        let pieces = (64 * 1024 - head.len()) / piece.len();
        let text = format!("{head}{}", piece.repeat(pieces));
        assert!(is_too_complex(&timed(&text)), "{head}{piece}");
    }
}

#[test]
fn values_that_double_are_bounded() {
    let text = format!("a=xxxxxxxx; {} echo $a", "a=$a$a; ".repeat(60));
    assert!(is_too_complex(&timed(&text)));
}

#[test]
fn text_within_text_is_bounded() {
    let mut text = "rm x".to_owned();
    for _ in 0..12 {
        text = format!("eval '{}'", text.replace('\'', "'\\''"));
        if text.len() > 60_000 {
            break;
        }
    }
    timed(&text);
    timed(&"f(){ eval f; f; f; }; f;".repeat(100));
    timed(
        "f(){ g; g; g; }; g(){ h; h; h; }; h(){ i; i; i; }; i(){ j; j; j; }; j(){ k; k; k; }; k(){ l; l; l; }; l(){ m; m; m; }; m(){ n; n; n; }; n(){ o; o; o; }; o(){ x; x; x; }; f",
    );
    let loops = "for a in 1 2 3 4 5 6 7 8; do ".repeat(12) + "x; " + &"done; ".repeat(12);
    assert!(is_too_complex(&timed(&loops)));
    let aliases = (0..200).map(|i| format!("alias a{i}='a{} a{}'; ", i + 1, i + 1));
    timed(&(aliases.collect::<String>() + "a0"));
}

#[test]
fn what_an_operator_makes_of_a_long_value_is_unknown_and_never_dropped() {
    for (length, is_known) in [(20, true), (9_000, false)] {
        let value = "a".repeat(length);
        for operation in ["${x%a}", "${x#a}", "${x//b/c}", "${x^^}", "${x:1}"] {
            let plan = plan(&format!("x={value}; {operation} rm ~"));
            let command = plan.commands.last().expect("the command is listed");
            let program = command.program.as_ref().expect("it has a program");
            assert_eq!(!program.is_unknown(), is_known, "{length} {operation}");
            assert_eq!(command.arguments.len(), 2, "{length} {operation}");
        }
    }
}
