//! What holds of every text, a policy or not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use aegis_policy::{MemorySources, Paint, Problems, Severity, Source, detect, parse, render};
use proptest::prelude::*;

const SEEDS: [&str; 4] = [
    include_str!("../../../fixtures/policy/valid/native-all.yaml"),
    include_str!("../../../fixtures/policy/valid/firewall-seed.yaml"),
    include_str!("../../../fixtures/policy/valid/action-rules.yaml"),
    include_str!("../../../fixtures/policy/broken/hostile-text.yaml"),
];

/// Parses the text, and checks whatever comes of it.
fn check(text: &str) {
    let _ = detect(text);
    let source = Source::new("policy.yaml", text);
    match parse(&source, &MemorySources::default()) {
        Ok(parsed) => assert!(parsed.policy.default.is_some()),
        Err(Problems(problems, sources)) => {
            assert!(problems.iter().any(|it| it.severity == Severity::Error));
            for problem in &problems {
                let text = &sources.get(usize::from(problem.place.source)).unwrap().text;
                assert!(text.get(problem.span.clone()).is_some(), "{problem:?}");
            }
            let shown = render(&problems, &sources, Paint::Plain);
            assert!(!shown.chars().any(|it| it.is_control() && it != '\n'));
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_a_message(text in ".{0,200}") {
        check(&text);
    }

    #[test]
    fn any_yaml_like_text_is_read_or_refused_with_a_message(
        text in "([a-z]{1,5}: |- |[\\[\\]{},:&*!|>'\"%@`#?-]|  |\n|\t|\r\n|é|猫|aegis: policy/v1\n|rules:|match|~){0,60}"
    ) {
        check(&text);
    }

    #[test]
    fn a_changed_policy_is_read_or_refused_with_a_message(
        seed in 0..SEEDS.len(),
        at in any::<prop::sample::Index>(),
        length in 0..12usize,
        put in "([a-z0-9:{}\\[\\]'\", \n\t-]|é|\u{202e}){0,8}",
    ) {
        let text: Vec<char> = SEEDS[seed].chars().collect();
        let at = at.index(text.len());
        let end = (at + length).min(text.len());
        let changed: String = text[..at].iter().copied().chain(put.chars()).chain(text[end..].iter().copied()).collect();
        check(&changed);
    }
}

#[test]
fn a_key_with_a_tab_in_it_is_shown_with_an_escape() {
    let text = "aegis: policy/v1\nname: a\ndefault: ask\nrules:\n  - {id: a, match: {tool: x}, when: {tier: {\"a\\tb\": 9}}, verdict: ask}\n";
    check(text);
    let Err(Problems(problems, _)) = parse(&Source::new("p", text), &MemorySources::default())
    else {
        panic!("accepted");
    };
    assert!(problems.iter().all(|it| it.message.contains("`a\\tb`")));
}

#[test]
fn text_that_costs_other_readers_dearly_is_refused_soon() {
    let deep = |open: &str, count: usize| open.repeat(count);
    let begun = std::time::Instant::now();
    for text in [
        deep("[", 500_000),
        deep("{a: ", 200_000),
        deep("- ", 400_000),
        deep("? ", 400_000),
        deep("a: &a [*a, *a]\n", 50_000),
        deep("\"", 900_000),
        deep("'\n", 400_000),
        deep("a: b\n", 200_000),
        deep("!!x ", 200_000),
        deep("&a ", 300_000),
        deep("#\n", 500_000),
        deep("|\n", 400_000),
        format!(
            "aegis: policy/v1\nname: a\ndefault: ask\nrules: [{}]\n",
            deep("x,", 300_000)
        ),
        format!(
            "aegis: policy/v1\n{}",
            (0..100_000)
                .map(|it| format!("k{it}: 1\n"))
                .collect::<String>()
        ),
    ] {
        check(&text);
    }
    // Far below what a growth faster than the text would cost.
    assert!(begun.elapsed().as_secs() < 60);
}
