//! One table of exit codes, and one form of JSON, for every command.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use super::stage::{Stage, keys};

#[test]
fn the_exit_codes_are_those_of_the_table() {
    let stage = Stage::with_log();
    stage.write("work/broken.yaml", "aegis: policy/v1\nrulez: []\n");
    for (words, expected) in [
        // Done.
        (&["version"][..], 0),
        (&["log", "verify"], 0),
        (&["log", "replay"], 0),
        // The answer is no.
        (&["log", "replay", "--policy", "strict.yaml"], 1),
        // Usage or invalid input.
        (&["approvals", "approve", "apr_1"], 2),
        (&["no-such-command"], 2),
        (&["log", "list", "--limit", "many"], 2),
        (&["log", "list", "--verdict", "maybe"], 2),
        (
            &["policy", "explain", "--command", "ls", "--params", "{}"],
            2,
        ),
        (&["policy", "check", "broken.yaml"], 2),
        (&["policy", "check", "missing.yaml"], 2),
        (&["log", "show", "no-such-request"], 2),
        // The environment.
        (
            &["log", "export", "--output", "no/such/folder/log.jsonl"],
            3,
        ),
    ] {
        stage.write(
            "work/strict.yaml",
            "aegis: policy/v1\nname: strict\ndefault: deny\nrules:\n  \
         - {id: all, match: {tool: Bash}, verdict: deny}\n",
        );
        let told = stage.aegis(words);
        assert_eq!(told.exit, expected, "{}", told.whole());
    }
}

#[test]
fn what_no_service_can_do_is_refused_where_one_is_named() {
    let stage = Stage::with_log();
    let server = [("AEGIS_SERVER", "http://127.0.0.1:1")];
    for words in [
        &["log", "backup", "copy.db"][..],
        &["log", "restore", "copy.db"],
        &["log", "export"],
        &["log", "erase", "--session", "first"],
        &["log", "prune", "--before", "90d", "--dry-run"],
        &["log", "replay"],
    ] {
        let told = stage.aegis_with(words, &server).exits(2);
        assert!(
            told.err.contains("of this machine alone"),
            "{}",
            told.whole()
        );
    }
    stage.aegis(&["log", "backup", "copy.db"]).exits(0);
    // What is named on the command line is meant more than the environment.
    let file = ["log", "verify", "--file", "copy.db"];
    stage.aegis_with(&file, &server).exits(0);
}

#[test]
fn flags_that_would_have_no_effect_are_refused() {
    let stage = Stage::with_log();
    for (words, expected) in [
        (
            &[
                "log",
                "verify",
                "--file",
                "x",
                "--server",
                "http://127.0.0.1:1",
            ][..],
            "no effect beside `--file`",
        ),
        (
            &["log", "list", "--server", "http://127.0.0.1:1", "--ca", "x"],
            "`--ca` has no effect",
        ),
        (&["log", "list", "--ca", "x"], "none is named"),
        (&["log", "list", "--limit", "0"], "1 at least"),
    ] {
        let told = stage.aegis(words).exits(2);
        assert!(told.err.contains(expected), "{}", told.whole());
    }
    let unserved = [
        "log",
        "prune",
        "--before",
        "90d",
        "--server",
        "http://127.0.0.1:1",
    ];
    let told = stage.aegis(&unserved).exits(2);
    assert!(
        told.err.contains("no service does this"),
        "{}",
        told.whole()
    );
    // An empty variable says nothing.
    let empty = [("AEGIS_SERVER", ""), ("AEGIS_TOKEN", "")];
    for words in [
        &["log", "list"][..],
        &["log", "verify"],
        &["approvals", "list"],
    ] {
        stage.aegis_with(words, &empty).exits(0);
    }
    let told = stage.aegis_with(&["log", "list"], &[("AEGIS_SERVER", "ftp:x")]);
    let told = told.exits(2);
    assert!(told.err.contains("`AEGIS_SERVER`"), "{}", told.whole());
    // What is in the environment is for whatever service is asked.
    let told = stage.aegis_with(&["log", "list"], &[("AEGIS_CA", "x")]);
    told.exits(0);
}

#[test]
fn a_file_with_errors_is_the_same_to_every_command() {
    let stage = Stage::new();
    stage.write(
        "work/broken.json",
        r#"{"permissions": {"deny": ["bash", "LS"]}}"#,
    );
    for words in [
        &["policy", "check", "broken.json"][..],
        &["policy", "lint", "broken.json"],
        &["policy", "diff", "aegis:strict", "broken.json"],
        &["policy", "test", "broken.json"],
        &["policy", "explain", "--policy", "broken.json"],
        &["policy", "import", "broken.json"],
        &["policy", "export", "claude-code", "broken.json"],
        &["validate", "broken.json"],
    ] {
        stage.aegis(words).exits(2);
    }
    // Nothing is wrong with what is only of no use here.
    let text = r#"{"permissions": {"deny": ["LS"], "allow": ["Edit(/src/**)"]}}"#;
    stage.write("work/half.json", text);
    stage.aegis(&["policy", "check", "half.json"]).exits(0);
    let told = stage.aegis(&["policy", "import", "half.json"]).exits(1);
    assert!(
        told.err.contains("`Edit(/src/**)` allows nothing here"),
        "{}",
        told.whole()
    );
}

#[test]
fn an_error_in_json_says_what_how_and_what_to_do() {
    let stage = Stage::new();
    for (words, exit) in [
        (&["--json", "log", "verify"][..], 3),
        (&["--json", "policy", "check", "missing.yaml"], 2),
        (&["--json", "trust"], 2),
    ] {
        let told = stage.aegis(words).exits(exit);
        assert_eq!(told.out, "");
        let json = told.json();
        assert_eq!(keys(&json), ["error"]);
        assert_eq!(keys(&json["error"]), ["exit", "message", "remedy"]);
        assert_eq!(json["error"]["exit"], exit);
    }
}

#[test]
fn answers_in_json_keep_their_keys() {
    let stage = Stage::with_log();
    stage.aegis(&["log", "export", "-o", "log.jsonl"]).exits(0);
    for (words, expected) in [
        (
            &["version"][..],
            &["envelope", "policy", "shell", "version"][..],
        ),
        (
            &["init"],
            &["folder", "kept", "languages", "made", "unread"],
        ),
        (&["trust"], &["files"]),
        (&["trust", "--list"], &["trusted"]),
        (&["policy", "check"], &["files"]),
        (&["policy", "show"], &["fault", "policies"]),
        (&["policy", "show", "aegis:developer"], &["name", "text"]),
        (
            &["policy", "explain", "--command", "ls"],
            &["deciding_words", "decision", "policies", "request"],
        ),
        (
            &["policy", "explain", "--log", "call-1"],
            &["deciding_words", "decision", "policies", "request"],
        ),
        (&["log", "list"], &["decisions", "tokens"]),
        (&["log", "list", "--sessions"], &["sessions"]),
        (&["log", "show", "call-1"], &["envelopes"]),
        (
            &["log", "export", "-o", "again.jsonl"],
            &["file", "records"],
        ),
        (
            &["log", "verify"],
            &[
                "chains",
                "documents",
                "erased",
                "fault_count",
                "faults",
                "pruned",
                "records",
                "sealed",
                "sound",
            ],
        ),
        (
            &["log", "replay"],
            &[
                "by_gate",
                "decided",
                "differing",
                "identical",
                "redacted",
                "without_policy",
            ],
        ),
        (&["approvals", "list"], &["approvals"]),
        (&["validate", "log.jsonl"], &["files"]),
        (&["completions", "bash"], &["script", "shell"]),
        (&["man", "pages"], &["pages"]),
        (
            &["uninstall", "claude-code", "--dry-run"],
            &["changes", "difference", "settings"],
        ),
    ] {
        let told = stage.aegis(&[words, &["--json"][..]].concat()).exits(0);
        assert_eq!(keys(&told.json()), expected, "{}", told.line);
        assert_eq!(told.err, "", "{}", told.line);
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure_and_a_reader_gone_away_is_none() {
    let stage = Stage::with_log();
    let program = Path::new(env!("CARGO_BIN_EXE_aegis"));
    for words in [&["version"][..], &["log", "list"], &["log", "export"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = stage.command(program);
        let told = command.args(words).stdout(full).output().unwrap();
        let complaint = String::from_utf8(told.stderr).unwrap();
        assert_eq!(told.status.code(), Some(3), "{words:?}: {complaint}");
        assert!(
            complaint.starts_with("error: cannot write the answer"),
            "{complaint}"
        );

        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = stage.command(program);
        command.args(words).stdout(Stdio::from(writer));
        assert_eq!(command.status().unwrap().code(), Some(0), "{words:?}");
    }
}

#[test]
fn a_file_without_end_is_read_no_further_than_a_file_may_be_long() {
    let stage = Stage::new();
    for words in [
        &["validate", "/dev/zero"][..],
        &["policy", "check", "/dev/zero"],
        &["policy", "test", "/dev/zero"],
        &["policy", "lint", "/dev/zero"],
        &["policy", "import", "/dev/zero"],
        &["trust", "/dev/zero"],
    ] {
        let told = stage.aegis(words).exits(2);
        assert!(
            told.err.contains("the file is larger than 1 MiB"),
            "{}",
            told.whole()
        );
    }
}
