//! Weaknesses of the capability runtime that ours does not have, by the row of its
//! reference: what command lines and addresses mean, whatever they look like.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod machine;

use machine::misjudged;
use serde_json::{Value, json};

/// Checks that a rule is about each line of `matches` and about none of `misses`.
#[track_caller]
fn lines(rule: &Value, verdict: &str, matches: &[&str], misses: &[&str]) {
    let calls = |lines: &[&str]| -> Vec<Value> {
        let call = |line: &&str| json!(["Bash", {"command": line}]);
        lines.iter().map(call).collect()
    };
    check(rule, verdict, &calls(matches), &calls(misses));
}

/// Checks that a rule is about each address of `matches` and about none of `misses`.
#[track_caller]
fn addresses(rule: &Value, verdict: &str, matches: &[&str], misses: &[&str]) {
    let calls = |urls: &[&str]| -> Vec<Value> {
        let call = |url: &&str| {
            let line = format!("curl '{url}'");
            [
                json!(["WebFetch", {"url": url}]),
                json!(["Bash", {"command": line}]),
            ]
        };
        urls.iter().flat_map(call).collect()
    };
    check(rule, verdict, &calls(matches), &calls(misses));
}

#[track_caller]
fn check(rule: &Value, verdict: &str, matches: &[Value], misses: &[Value]) {
    let wrong = misjudged(&json!({
        "match": rule, "verdict": verdict, "matches": matches, "misses": misses,
    }));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn weakness_14_1_7_the_order_of_words_and_the_options_between_them_do_not_matter() {
    lines(
        &json!({"shell": {"program": "git", "subcommand": "push", "flags": "--force"}}),
        "deny",
        &[
            "git push --force origin main",
            "git push origin main --force",
            "git push origin main -f",
            "git push -uf origin main",
            "git push --forc origin main",
            "git push origin +main",
            "git push origin +refs/heads/main:refs/heads/main",
            "git -C . push -f",
            "git -c color.ui=always --no-pager push origin --force",
            "git --git-dir=.git push --set-upstream --force origin main",
            "git  \t push   --force",
        ],
        &[
            "git push origin main",
            "git push -u origin feature-f",
            "git commit -m 'push --force'",
            "git fetch --force",
            "echo git push --force",
        ],
    );
    // Short options are options, and no letters within other words.
    lines(
        &json!({"shell": {"program": "sed", "flags": "-i"}}),
        "deny",
        &[
            "sed -i s/a/b/ x",
            "sed -ni p x",
            "sed --in-place=.old s/a/b/ x",
        ],
        &["sed -n 's/-i/b/p' x", "sed s/x/-i/ a"],
    );
}

#[test]
fn weakness_14_1_8_what_bash_expands_is_expanded_before_a_rule_looks() {
    lines(
        &json!({"path": "**/.env"}),
        "deny",
        &[
            "cat .en*",
            "cat .e?v",
            "cat .[e]nv",
            "cat \\.env",
            "cat .{env,example}",
            "cat .e''nv",
            "cat $'.\\x65nv'",
            "A=1 B=2 cat .env",
            "! cat .env",
            "x=.env; cat \"$x\"",
            "cat < .env",
            "cat ~+/.env",
            "true\ncat .env # harmless",
        ],
        &["cat src/main.rs", "ls # .env", "echo '$(cat .env)'"],
    );
    // Lines of parts that are allowed one by one need nothing more.
    lines(
        &json!({"shell": {"program": ["cat", "grep", "head", "true", "wc", "for", "echo"]}}),
        "allow",
        &[
            "cat README.md | grep -n a | head -3",
            "true && cat README.md > /dev/null 2>&1; head README.md",
            "for f in README.md src/main.rs; do wc -l \"$f\"; done",
            "cat <<E | wc -l\na & b; c\nE",
            "echo 'a; b | c > d & `e`'",
        ],
        &[
            "cat README.md | sh",
            "cat $(touch x)",
            "head README.md & touch x",
            "'ca't README.md; touch x",
            "echo a\rtouch x; $x",
        ],
    );
}

#[test]
fn weakness_14_1_10_every_special_address_is_known_and_scheme_and_port_count() {
    addresses(
        &json!({"not": {"host": {"class": ["global", "name"]}}}),
        "deny",
        &[
            "http://0.0.0.0/",
            "http://0.1.2.3/",
            "http://[::]/",
            "http://127.9.9.9/",
            "http://[::1]/",
            "http://10.1.1.1/",
            "http://172.31.255.255/",
            "http://192.168.0.1/",
            "http://169.254.169.254/",
            "http://100.127.255.255/",
            "http://192.0.0.8/",
            "http://198.19.0.1/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://[ff02::1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[::ffff:10.0.0.1]/",
            "http://017700000001/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://127.1/",
        ],
        &[
            "http://8.8.8.8/",
            "http://172.32.0.1/",
            "http://100.128.0.1/",
            "http://[2606:4700::1111]/",
            "http://example.org/",
        ],
    );
    addresses(
        &json!({"host": {"name": "api.example.org", "scheme": "https", "port": 443}}),
        "allow",
        &["https://api.example.org/v1", "https://API.example.org:443/"],
        &[
            "http://api.example.org/",
            "https://api.example.org:8443/",
            "https://api.example.org.evil.example/",
            "https://api.example.org@evil.example/",
        ],
    );
}

#[test]
fn weakness_7_a_search_is_about_the_folder_it_looks_through() {
    check(
        &json!({"path": {"glob": ["./src", "./src/**"], "access": "read"}}),
        "allow",
        &[
            json!(["Grep", {"pattern": "main", "path": "src"}]),
            json!(["Glob", {"pattern": "*.rs", "path": "src"}]),
            json!(["Bash", {"command": "grep -r main src"}]),
        ],
        &[
            json!(["Grep", {"pattern": "main"}]),
            json!(["Glob", {"pattern": "../**/*", "path": "src"}]),
            json!(["Glob", {"pattern": "/etc/*", "path": "src"}]),
            json!(["Bash", {"command": "grep -r main src ."}]),
        ],
    );
    check(
        &json!({"path": ["**/secrets", "**/secrets/**"]}),
        "deny",
        &[
            json!(["Grep", {"pattern": "key", "path": "secrets/prod"}]),
            json!(["Glob", {"pattern": "secrets/*"}]),
            json!(["NotebookEdit", {"notebook_path": "secrets/a.ipynb", "new_source": ""}]),
        ],
        &[json!(["Grep", {"pattern": "secrets/", "path": "src"}])],
    );
}
