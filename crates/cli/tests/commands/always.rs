//! Rules made of what was asked about.

use super::stage::{Stage, keys};

/// What asks about everything but looking, with a comment to keep.
const OWN: &str = "# Mine.
aegis: policy/v1
name: own
default: ask
rules:  # in this order
  # Looking is harmless.
  - id: status
    match: {shell: {program: git, subcommand: status}}
    verdict: allow
";

fn asked(commands: &[&str]) -> Stage {
    let stage = Stage::new();
    stage.write("home/.config/aegis/policy.yaml", OWN);
    for (number, command) in commands.iter().enumerate() {
        stage.propose("first", &format!("call-{}", number + 1), command);
    }
    stage
}

#[test]
fn a_rule_allows_what_was_asked_and_nothing_beside_it() {
    let stage = asked(&[
        "git push origin v1.0",
        "git status && cargo test --workspace > out.txt",
        "git push origin v2.0",
        "git push --force origin v1.0",
    ]);
    let told = [
        stage.aegis(&["policy", "always", "call-1"]).exits(0),
        stage.aegis(&["policy", "always", "call-2"]).exits(0),
        stage
            .aegis(&["policy", "always", "call-1", "--widen", "arguments"])
            .exits(0),
        stage.aegis(&["policy", "always", "call-9"]).exits(2),
    ];
    stage.shows("policy-always", &told.iter().collect::<Vec<_>>());
    assert_eq!(stage.read("home/.config/aegis/policy.yaml"), OWN);
    let json = stage
        .aegis(&["policy", "always", "call-1", "--json"])
        .exits(0)
        .json();
    let expected = [
        "allowed", "examples", "file", "recorded", "rules", "text", "written",
    ];
    assert_eq!(keys(&json), expected);
}

#[test]
fn a_rule_is_written_before_the_others_and_then_decides() {
    let stage = asked(&["git push origin v1.0"]);
    let words = ["policy", "always", "call-1", "--write"];
    let agent = stage.aegis_with(&words, &[("CLAUDECODE", "1")]).exits(1);
    assert_eq!(stage.read("home/.config/aegis/policy.yaml"), OWN);
    let written = stage.aegis(&words).exits(0);
    let twice = stage.aegis(&words).exits(1);
    let text = stage.read("home/.config/aegis/policy.yaml");
    let start = text.find("  - id: always").unwrap();
    let end = text.find("  # Looking").unwrap();
    assert_eq!(format!("{}{}", &text[..start], &text[end..]), OWN);
    let allowed = stage.propose("first", "call-2", "git push origin v1.0");
    assert_eq!(allowed.as_deref(), Some("allow"));
    let forced = stage.propose("first", "call-3", "git push -f origin v1.0");
    assert_ne!(forced.as_deref(), Some("allow"));
    stage.aegis(&["policy", "check"]).exits(0);
    stage.shows("policy-always-written", &[&agent, &written, &twice]);
}

#[test]
fn nothing_is_made_of_what_is_unknown_denied_or_allowed() {
    let stage = asked(&[
        "ls \"$FOLDER\"",
        "git status",
        "python3 -c 'print(1)'",
        "cat < notes",
    ]);
    let told: Vec<_> = ["call-1", "call-2", "call-3", "call-4"]
        .iter()
        .map(|id| stage.aegis(&["policy", "always", id]).exits(1))
        .collect();
    stage.shows("policy-always-refused", &told.iter().collect::<Vec<_>>());
}

#[test]
fn what_the_rule_cannot_change_is_named() {
    let stage = asked(&[]);
    let strict = "  - id: no-tags\n    match: {shell: {program: git, subcommand: push}}\n    \
                  verdict: ask\n    mandatory: true\n";
    stage.write("home/.config/aegis/policy.yaml", &format!("{OWN}{strict}"));
    stage.propose("first", "call-1", "git push origin v1.0");
    let told = stage.aegis(&["policy", "always", "call-1"]).exits(1);
    let firewall = "policies:\n  - name: all\n    match: {tools: [Bash]}\n    action: escalate\n";
    stage.write("work/firewall.yaml", firewall);
    let other = stage
        .aegis(&["policy", "always", "call-1", "--write=firewall.yaml"])
        .exits(2);
    assert_eq!(stage.read("work/firewall.yaml"), firewall);
    stage.shows("policy-always-mandatory", &[&told, &other]);
}
