//! What the permission rules of an agent's host become.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use aegis_policy::{
    Matcher, MemorySources, Policy, ProblemCode, Problems, Rule, Source, Spelling,
    export_permissions, import_permissions, parse,
};
use aegis_types::{Access, Verdict};
use serde_json::json;

fn parsed(permissions: &serde_json::Value) -> Result<Policy, Vec<ProblemCode>> {
    let text = json!({"permissions": permissions}).to_string();
    parse(
        &Source::new("settings.json", &text),
        &MemorySources::default(),
    )
    .map(|parsed| parsed.policy)
    .map_err(|Problems(problems, _)| problems.iter().map(|it| it.code).collect())
}

fn rule(list: &str, text: &str) -> Rule {
    parsed(&json!({list: [text]})).unwrap().rules.remove(0)
}

fn lines(list: &str, text: &str) -> Vec<String> {
    let rule = rule(list, text);
    let globs = rule.matcher.shell.iter().flat_map(|it| &it.line);
    globs.map(|it| it.as_str().to_owned()).collect()
}

fn paths(list: &str, text: &str) -> Vec<String> {
    let rule = rule(list, text);
    let globs = rule.matcher.path.iter().flat_map(|it| &it.glob);
    globs.map(|it| it.as_str().to_owned()).collect()
}

fn tools(list: &str, text: &str) -> Vec<String> {
    let globs = rule(list, text).matcher.tool;
    globs.iter().map(|it| it.as_str().to_owned()).collect()
}

fn refused(list: &str, text: &str) {
    let codes = parsed(&json!({list: [text]})).unwrap_err();
    assert_eq!(codes, [ProblemCode::UnknownValue], "{text}");
}

#[test]
fn denials_are_asked_first_and_nothing_is_the_default() {
    let policy = parsed(&json!({"allow": ["Bash"], "ask": ["Read"], "deny": ["LS", "Grep"]}));
    let policy = policy.unwrap();
    assert_eq!(policy.spelling, Spelling::Permissions);
    assert_eq!(policy.default, None);
    let rules = policy.rules.iter();
    let rules: Vec<_> = rules.map(|it| (it.id.as_str(), it.verdict)).collect();
    assert_eq!(
        rules,
        [
            ("deny-1", Verdict::Deny),
            ("deny-2", Verdict::Deny),
            ("ask-1", Verdict::Ask),
            ("allow-1", Verdict::Allow)
        ]
    );
}

#[test]
fn a_command_may_end_where_the_host_lets_it() {
    for list in ["deny", "allow"] {
        assert_eq!(lines(list, "Bash(npm test)"), ["npm test"]);
        assert_eq!(lines(list, "Bash(git push:*)"), ["git push", "git push *"]);
        assert_eq!(lines(list, "Bash(ls *)"), ["ls", "ls *"]);
        assert_eq!(lines(list, "Bash(ls*)"), ["ls*"]);
        assert_eq!(lines(list, "Bash(ls [a]?)"), [r"ls \[a\]\?"]);
    }
    assert_eq!(
        lines("deny", "Bash(git * main *)"),
        ["git * main", "git * main *"]
    );
    assert_eq!(lines("allow", "Bash(git * main *)"), ["git * main *"]);
}

#[test]
fn a_restriction_is_about_every_tool_that_does_the_same() {
    assert_eq!(tools("deny", "Bash(rm:*)"), ["Bash", "Monitor"]);
    assert_eq!(tools("allow", "Bash(rm:*)"), ["Bash"]);
    assert_eq!(
        tools("deny", "Edit"),
        ["Edit", "MultiEdit", "Write", "NotebookEdit"]
    );
    assert_eq!(tools("allow", "Edit"), ["Edit"]);
    assert_eq!(tools("deny", "Read(./.env)"), [""; 0]);
    assert_eq!(tools("ask", "mcp__s"), ["mcp__s__*"]);
    assert_eq!(tools("allow", "mcp__s__*"), ["mcp__s__*"]);
    assert_eq!(tools("allow", "Task(x)"), ["Agent"]);
    for every in ["Bash", "Bash(*)", "Bash()"] {
        assert_eq!(rule("allow", every).matcher, rule("allow", "Bash").matcher);
    }
}

#[test]
fn paths_begin_where_the_host_says() {
    assert_eq!(paths("allow", "Read(//srv/**)"), ["/srv/**"]);
    assert_eq!(paths("allow", "Read(~/notes.md)"), ["~/notes.md"]);
    assert_eq!(paths("allow", "Read(./src/**)"), ["./src/**"]);
    assert_eq!(paths("allow", "Read(./src/*.rs)"), ["./src/*.rs"]);
    assert_eq!(paths("allow", "Read(src/)"), ["./**/src/**"]);
    assert_eq!(paths("allow", "Read(.env)"), ["./**/.env"]);
    assert_eq!(paths("allow", "Read(./.env)"), ["./**/.env"]);
    assert_eq!(paths("allow", "Read(**)"), ["./**"]);
}

#[test]
fn a_restriction_on_a_path_holds_in_it_and_wherever_the_session_began() {
    assert_eq!(paths("deny", "Read(./.env)"), ["**/.env", "**/.env/**"]);
    assert_eq!(paths("deny", "Edit(/src/**)"), ["**/src/**"]);
    assert_eq!(paths("ask", "Edit(a/b)"), ["**/a/b", "**/a/b/**"]);
    assert_eq!(paths("deny", "Read(**/x)"), ["**/x", "**/x/**"]);
    assert_eq!(
        paths("deny", "Read(/a{b}.rs)"),
        [r"**/a\{b\}.rs", r"**/a\{b\}.rs/**"]
    );
    let access = |text: &str| rule("deny", text).matcher.path[0].access;
    assert_eq!(access("Read(x)"), Access::READ);
    assert_eq!(access("Edit(x)"), Access::WRITE.or(Access::DELETE));
    assert_eq!(access("Write(x)"), access("Edit(x)"));
}

#[test]
fn what_the_host_heeds_only_in_a_restriction_allows_nothing() {
    for text in [
        "Agent(model:opus)",
        "Write(docs/**)",
        "mcp__*",
        "mcp__mail__send(to:x)",
        "Bash(cd * && make *)",
    ] {
        refused("allow", text);
        assert!(parsed(&json!({"deny": [text]})).is_ok(), "{text}");
    }
}

#[test]
fn an_allow_leaves_out_what_the_host_asks_about_whatever_its_rules_say() {
    let hidden = |text: &str| {
        let rule = rule("allow", text);
        let not = rule
            .matcher
            .not
            .map(|it| it.path[0].glob[0].as_str().to_owned());
        (not, rule.unknown)
    };
    let some = |glob: &str| Some(glob.to_owned());
    assert_eq!(hidden("Edit(docs/)"), (some("./**/.*"), false));
    assert_eq!(hidden("Edit(~/notes/*)"), (some("~/**/.*"), false));
    assert_eq!(hidden("Edit(//srv/**)"), (some("/**/.*"), false));
    assert_eq!(hidden("Edit"), (some("**/.*"), false));
    assert_eq!(hidden("Bash"), (some("**/.*"), true));
    assert_eq!(hidden("Bash(ls *)"), (None, false));
    assert_eq!(hidden("Read(docs/)"), (None, false));
    assert!(rule("deny", "Edit").matcher.not.is_none());
}

#[test]
fn an_allow_that_begins_where_nothing_is_known_of_allows_nothing() {
    let text = json!({"permissions": {"allow": ["Edit(/src/**)", "WebSearch"]}}).to_string();
    let source = Source::new("settings.json", &text);
    let parsed = parse(&source, &MemorySources::default()).unwrap();
    let ids: Vec<&str> = parsed
        .policy
        .rules
        .iter()
        .map(|it| it.id.as_str())
        .collect();
    assert_eq!(ids, ["allow-2"]);
    let codes: Vec<ProblemCode> = parsed.warnings.iter().map(|it| it.code).collect();
    assert_eq!(codes, [ProblemCode::NoEffect]);
}

#[test]
fn an_export_tells_where_the_host_asks_in_another_order() {
    let text = "aegis: policy/v1\nname: a\ndefault: none\nrules:\n\
        - {id: see, match: {tool: WebSearch}, verdict: allow}\n\
        - {id: web, match: {tool: Skill}, verdict: ask}\n\
        - {id: keys, match: {tool: WebSearch}, verdict: ask}\n";
    let policy = parse(&Source::new("a.yaml", text), &MemorySources::default());
    let exported = export_permissions(&policy.unwrap().policy);
    let told: Vec<(&str, bool)> = exported
        .left_out
        .iter()
        .map(|it| (it.rule.as_str(), it.why.contains("it stands before `keys`")))
        .collect();
    assert_eq!(told, [("see", true)]);
}

#[test]
fn a_form_that_means_nothing_is_refused() {
    for text in [
        "bash",
        "Bash(rm",
        "WebSearch(x)",
        "WebFetch(x)",
        "Read(!x)",
        "Read(../x)",
        "a b",
        "(x)",
        "mcp__s__t(x)",
        "Bash(:*)",
    ] {
        refused("deny", text);
    }
    assert_eq!(
        parsed(&json!({"alow": ["Bash"]})).unwrap_err(),
        [ProblemCode::UnknownKey]
    );
    assert_eq!(
        parsed(&json!({"allow": []})).unwrap_err(),
        [ProblemCode::Nothing]
    );
    assert_eq!(
        parsed(&json!({"allow": "Bash"})).unwrap_err(),
        [ProblemCode::WrongType]
    );
}

fn valid() -> Source {
    let text = include_str!("../../../fixtures/policy/valid/permissions.json");
    Source::new("permissions.json", text)
}

fn meaning(source: &Source) -> Vec<(Matcher, Verdict)> {
    let parsed = parse(source, &MemorySources::default()).unwrap();
    let rules = parsed.policy.rules.into_iter();
    rules.map(|it| (it.matcher, it.verdict)).collect()
}

#[test]
fn an_imported_policy_means_what_the_permissions_mean() {
    let imported = import_permissions(&valid()).unwrap();
    assert!(imported.left_out.is_empty());
    let native = Source::new("permissions.yaml", &imported.text);
    assert_eq!(meaning(&native), meaning(&valid()));
    insta::assert_snapshot!(imported.text);
}

#[test]
fn an_import_copies_nothing_that_stands_beside_a_rule() {
    let text =
        r#"{"env": {"MY_TOKEN": "s3cr3t"}, "permissions": {"deny": ["Bash(npm:*)", "Read(./x)"]}}"#;
    let imported = import_permissions(&Source::new("settings.json", text)).unwrap();
    assert!(!imported.text.contains("s3cr3t"), "{}", imported.text);
    for entry in [r#"  "Bash(npm:*)""#, r#"  "Read(./x)""#] {
        assert!(imported.text.contains(entry), "{}", imported.text);
    }
}

#[test]
fn what_cannot_be_imported_is_told_and_the_rest_is_imported() {
    let text = r#"{"permissions": {"deny": ["bash", "LS"], "defaultMode": "plan"}}"#;
    let imported = import_permissions(&Source::new("settings.json", text)).unwrap();
    let codes: Vec<_> = imported.left_out.iter().map(|it| it.code).collect();
    assert_eq!(codes, [ProblemCode::UnknownValue, ProblemCode::NoEffect]);
    assert!(imported.text.contains("id: deny-2"), "{}", imported.text);
    for text in [
        "{\"hooks\": {}}",
        "aegis: policy/v1\nname: a\ndefault: ask\n",
        "",
    ] {
        assert!(
            import_permissions(&Source::new("x", text)).is_err(),
            "{text}"
        );
    }
}

#[test]
fn what_is_imported_is_exported_again() {
    let imported = import_permissions(&valid()).unwrap();
    let native = Source::new("permissions.yaml", &imported.text);
    let policy = parse(&native, &MemorySources::default()).unwrap().policy;
    let exported = export_permissions(&policy);
    assert_eq!(exported.left_out, []);
    let again = json!({"permissions": exported.permissions}).to_string();
    assert_eq!(
        meaning(&Source::new("again.json", &again)),
        meaning(&valid())
    );
    insta::assert_json_snapshot!(exported.permissions);
}

#[test]
fn an_export_allows_no_more_and_tells_what_it_denies_less() {
    let text = "aegis: policy/v1\nname: a\ndefault: deny\nrules:\n\
        - {id: look, match: {tool: [Read, Grep]}, verdict: allow}\n\
        - {id: push, match: {shell: {program: git, subcommand: push}}, verdict: deny}\n\
        - {id: web, match: {tool: WebSearch}, verdict: allow}\n\
        - {id: late, match: {tool: LS}, when: {environment: production}, verdict: ask}\n";
    let policy = parse(&Source::new("a.yaml", text), &MemorySources::default());
    let exported = export_permissions(&policy.unwrap().policy);
    assert_eq!(
        exported.permissions,
        json!({"deny": ["Bash(git push *)"], "ask": [], "allow": ["Read", "Grep"]})
    );
    let rules: Vec<&str> = exported
        .left_out
        .iter()
        .map(|it| it.rule.as_str())
        .collect();
    assert_eq!(rules, ["push", "web", "late", "default"]);
}

#[test]
fn an_allow_that_a_lost_denial_may_narrow_is_not_imported() {
    let imported = |permissions: serde_json::Value| {
        let text = json!({"permissions": permissions}).to_string();
        import_permissions(&Source::new("settings.json", &text)).unwrap()
    };
    let lost = json!({
        "deny": ["PowerShell(Remove-*)", "Bash(rm:*)"],
        "allow": ["PowerShell", "Bash(ls)"],
    });
    let found = imported(lost);
    assert!(!found.text.contains("PowerShell"), "{}", found.text);
    assert!(found.text.contains("line: [\"ls\"]"), "{}", found.text);
    assert_eq!(found.left_out.len(), 2);
    // Of one that names no tool, nobody can tell what it narrows.
    let nameless = imported(json!({"deny": ["(x)", "LS"], "allow": ["Bash", "WebFetch"]}));
    assert!(
        !nameless.text.contains("verdict: allow"),
        "{}",
        nameless.text
    );
    // An allow that is lost narrows nothing.
    let allows = imported(json!({"allow": ["PowerShell(Get-*)", "PowerShell"]}));
    assert!(allows.text.contains("PowerShell"), "{}", allows.text);
    assert_eq!(allows.left_out.len(), 1);
}
