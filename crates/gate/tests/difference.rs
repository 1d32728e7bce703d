//! How two policies differ in what they decide.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::format_push_string,
    missing_docs
)]

use std::sync::Arc;

use aegis_engine::PolicyDifference;
use aegis_gate::{example_request, probe_request};
use aegis_policy::{
    Beside, Compiled, Example, MemorySources, Place, Source, parse, policy_digest, witnesses,
};
use aegis_types::{ActionRequest, State, Verdict};
use serde_json::json;

/// How many pairs of policies are made up.
const PAIRS: usize = 200;

/// How many probes are decided by both policies of a pair, unless
/// `AEGIS_DIFFERENCE_PROBES` says otherwise.
const PROBES: usize = 250;

const MATCHERS: [&str; 20] = [
    "all",
    "{tool: Bash}",
    "{tool: \"mcp__*\"}",
    "{tool: [Read, Grep]}",
    "{action: shell.exec}",
    "{shell: {program: git}}",
    "{shell: {program: git, subcommand: push}}",
    "{shell: {program: git, subcommand: push, flags: [--force]}}",
    "{shell: {program: rm, flags: [-r]}}",
    "{shell: {program: [npm, pnpm], subcommand: [install, test]}}",
    "{shell: {program: curl, arguments: \"https://**\"}}",
    "{path: \"./src/**\"}",
    "{path: {glob: \"~/.ssh/**\", access: read}}",
    "{path: {glob: \"**/*.lock\", access: [write, delete]}}",
    "{host: \"*.example.org\"}",
    "{host: {class: loopback}}",
    "{effect: upload}",
    "{not: {tool: Bash}}",
    "{any: [{tool: Write}, {shell: {program: make}}]}",
    "{params: {count: {gt: 3}}}",
];

const EXTRAS: [&str; 6] = [
    "",
    ", mandatory: true",
    ", unknown: true",
    ", when: {environment: production}",
    ", message: Why",
    ", risk: high",
];

const LINES: [&str; 20] = [
    "ls",
    "git status",
    "git push",
    "git push -f origin main",
    "git push $X",
    "rm -r src",
    "rm src/a.rs",
    "rm -rf $X",
    "npm install",
    "pnpm test",
    "curl https://api.example.org/x",
    "curl http://127.0.0.1:80/",
    "curl -d @src/a https://x.example/",
    "cat ~/.ssh/id_rsa",
    "cat src/main.rs",
    "echo x > Cargo.lock",
    "make",
    "$X",
    "cd src && cargo build",
    "python3 -c 'print(1)'",
];

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        // The multiplier and the step of Knuth's MMIX.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }

    fn rule(&mut self) -> String {
        let verdict = self.one_of(&["allow", "ask", "deny"]);
        let extra = match self.one_of(&EXTRAS) {
            ", mandatory: true" if verdict == "allow" => "",
            extra => extra,
        };
        format!(
            "match: {}, verdict: {verdict}{extra}",
            self.one_of(&MATCHERS)
        )
    }

    /// Returns rules with one or two of them removed, added, moved or changed.
    fn changed(&mut self, rules: &[String]) -> Vec<String> {
        let mut rules = rules.to_vec();
        for _ in 0..=self.below(2) {
            let place = self.below(rules.len());
            match self.below(4) {
                0 if rules.len() > 1 => {
                    rules.remove(place);
                }
                1 => rules.insert(place, self.rule()),
                2 => {
                    let rule = rules.remove(place);
                    let place = self.below(rules.len() + 1);
                    rules.insert(place, rule);
                }
                _ => rules[place] = self.rule(),
            }
        }
        rules
    }

    fn probe(&mut self) -> Example {
        let (tool, params) = match self.below(8) {
            0 => (
                "Read",
                json!({"file_path": self.one_of(&["src/a.rs", "~/.ssh/key"])}),
            ),
            1 => (
                "Write",
                json!({"file_path": self.one_of(&["src/a.rs", "x.lock"]), "content": ""}),
            ),
            2 => ("mcp__shop__buy", json!({"count": self.below(6)})),
            3 => (
                "WebFetch",
                json!({"url": "https://a.example.org/", "prompt": "x"}),
            ),
            _ => {
                let parts = self.below(3) + 1;
                let lines: Vec<&str> = (0..parts).map(|_| self.one_of(&LINES)).collect();
                let join = self.one_of(&[" && ", "; ", " | "]);
                ("Bash", json!({"command": lines.join(join)}))
            }
        };
        Example {
            place: Place::default(),
            tool: Arc::from(tool),
            params: Arc::from(params.to_string()),
        }
    }
}

fn policy(default: &str, rules: &[String]) -> Compiled {
    let mut text = format!("aegis: policy/v1\nname: made-up\ndefault: {default}\nrules:\n");
    for (number, rule) in rules.iter().enumerate() {
        text.push_str(&format!("  - {{id: r{number}, {rule}}}\n"));
    }
    let parsed = parse(
        &Source::new("made-up.yaml", &text),
        &MemorySources::default(),
    );
    let parsed = parsed.unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    Compiled::new(parsed.policy, policy_digest(&parsed.texts))
}

#[test]
fn what_is_called_unchanged_is_and_every_witness_changes() {
    let probes = std::env::var("AEGIS_DIFFERENCE_PROBES");
    let probes = probes.map_or(PROBES, |text| text.parse().unwrap());
    let mut numbers = Numbers(7);
    let pool: Vec<ActionRequest> = (0..1_000)
        .map(|_| example_request(&numbers.probe()))
        .collect();
    let state = State::default();
    let (mut changed, mut unchanged, mut shown) = (0, 0, 0);
    for _ in 0..PAIRS {
        let rules: Vec<String> = (0..6).map(|_| numbers.rule()).collect();
        let default = numbers.one_of(&["allow", "ask", "deny"]);
        let other = match numbers.below(5) {
            0 => numbers.one_of(&["allow", "ask", "deny"]),
            _ => default,
        };
        let (before, after) = (
            policy(default, &rules),
            policy(other, &numbers.changed(&rules)),
        );
        let difference = PolicyDifference::of(&before, &after);
        for _ in 0..probes {
            let request = &pool[numbers.below(pool.len())];
            let may_change = difference.may_change(request, &state);
            let has_changed = difference.decisions(request, &state).is_some();
            assert!(may_change || !has_changed, "{request:?}\n{difference:?}");
            changed += usize::from(has_changed);
            unchanged += usize::from(!may_change);
        }
        let rules = [&before, &after].map(|it| it.policy().rules.iter());
        let beside = Beside::new(rules.into_iter().flatten());
        for rule in difference.removed.iter().chain(&difference.added) {
            for probe in witnesses(rule, &beside) {
                let (request, state) = probe_request(&probe);
                if difference.decisions(&request, &state).is_some() {
                    assert!(difference.may_change(&request, &state), "{probe:?}");
                    shown += 1;
                }
            }
        }
    }
    let probed = PAIRS * probes;
    println!("{probed} probes: {changed} changed, {unchanged} called unchanged; {shown} witnesses");
    // Each of the three happens often enough to mean something.
    assert!(changed > probed / 20 && unchanged > probed / 20 && shown > PAIRS / 2);
}

#[test]
fn equal_rules_in_another_file_are_no_difference() {
    let rules: Vec<String> = MATCHERS
        .iter()
        .map(|it| format!("match: {it}, verdict: ask"))
        .collect();
    let mut reworded = rules.clone();
    reworded[3].push_str(", message: Otherwise said");
    let (before, after) = (policy("allow", &rules), policy("allow", &reworded));
    assert!(PolicyDifference::of(&before, &after).is_empty());
}

#[test]
fn other_terms_of_the_same_rules_are_told_as_loosened_or_tightened() {
    use aegis_engine::{TermsChange, terms_change};
    let said = "match: {shell: {program: git}}";
    let ask = |terms: &str| policy("allow", &[format!("{said}, verdict: ask{terms}")]);
    let usual = ask("");
    for (terms, change) in [
        (
            ", approval: {within: 5s, otherwise: allow}",
            TermsChange::Loosened,
        ),
        (
            ", approval: {within: 10m, approvers: 2}",
            TermsChange::Tightened,
        ),
        (
            ", approval: {within: 1m, otherwise: allow, approvers: 2}",
            TermsChange::Changed,
        ),
        (", risk: high", TermsChange::Tightened),
        (", obligations: {sandbox: offline}", TermsChange::Tightened),
    ] {
        let other = ask(terms);
        let found = PolicyDifference::of(&usual, &other);
        assert!(
            found.differs_in_terms_only() && !found.is_empty(),
            "{terms}"
        );
        let [[before, after]] = found.terms[..] else {
            panic!("{terms}");
        };
        assert_eq!(terms_change(before, after), Some(change), "{terms}");
        let back = match change {
            TermsChange::Loosened => TermsChange::Tightened,
            TermsChange::Tightened => TermsChange::Loosened,
            TermsChange::Changed => TermsChange::Changed,
        };
        assert_eq!(terms_change(after, before), Some(back), "{terms}");
    }
    // The usual terms may be written out.
    let written = ask(", approval: {within: 10m, otherwise: deny, approvers: 1}");
    assert!(PolicyDifference::of(&usual, &written).is_empty());
}

/// Returns the tools and parameters of the calls, among those made of the rules
/// that differ, that become allowed.
fn newly_allowed(before: &str, after: &str) -> Vec<String> {
    let [before, after] = [before, after].map(|rules| {
        let rules: Vec<String> = rules.lines().map(str::to_owned).collect();
        policy("ask", &rules)
    });
    let difference = PolicyDifference::of(&before, &after);
    let rules = [&before, &after].map(|it| it.policy().rules.iter());
    let beside = Beside::new(rules.into_iter().flatten());
    let differing = difference.removed.iter().chain(&difference.added);
    let probes = differing.flat_map(|rule| witnesses(rule, &beside));
    let found = probes.filter(|probe| {
        let (request, state) = probe_request(probe);
        let decisions = difference.decisions(&request, &state);
        decisions.is_some_and(|(_, after)| after.verdict == Verdict::Allow)
    });
    found
        .map(|it| format!("{} {}", it.call.tool, it.call.params))
        .collect()
}

#[test]
fn a_newly_allowed_region_has_a_witness() {
    let shop = "match: {tool: \"mcp__zq__*\"}";
    let dear = "match: {tool: \"mcp__zq__*\", params: {n: {gt: 10}}}, verdict: deny";
    let allowed = |matcher: &str| format!("match: {matcher}, verdict: allow");
    let written = "{tool: Write, path: ./x/**, not: {path: ./x/y/**}, \
                   params: {content: {regex: \"^#!k\"}}}";
    for (before, after, witness) in [
        (
            format!("{dear}\n{shop}, verdict: allow"),
            format!("{dear}, unknown: false\n{shop}, verdict: allow"),
            "mcp__zq__x {}",
        ),
        (
            format!("{dear}\n{shop}, verdict: allow"),
            format!(
                "{}\n{shop}, verdict: allow",
                dear.replace("gt: 10", "gt: 20")
            ),
            "mcp__zq__x {\"n\":20}",
        ),
        (
            format!("{dear}\n"),
            format!("{dear}\n{shop}, verdict: allow"),
            "mcp__zq__x {\"n\":9}",
        ),
        (
            allowed("{shell: {program: ls, arguments: \"only-x*\"}}"),
            allowed("{shell: {program: ls, arguments: \"only-*\"}}"),
            "Bash {\"command\":\"ls only-q7\"}",
        ),
        (
            allowed("{tool: mcp__zq__x}"),
            format!(
                "{}\n{}, when: {{environment: zed}}",
                allowed("{tool: mcp__zq__x}"),
                allowed(written)
            ),
            "Write {\"content\":\"#!k\",\"file_path\":\"./x/x\",\"path\":\"./x/x\"}",
        ),
        (
            allowed("{tool: mcp__zq__x, params: {kind: {one_of: [one]}}}"),
            allowed("{tool: mcp__zq__x, params: {kind: {one_of: [one, two]}}}"),
            "mcp__zq__x {\"kind\":\"two\"}",
        ),
    ] {
        let found = newly_allowed(&before, &after);
        assert!(found.iter().any(|it| it == witness), "{after}: {found:?}");
    }
}
