//! Comparing policies with each other, and with what logs hold.

use super::stage::{Stage, keys};

const SHOP: &str = "aegis: policy/v1
name: shop
default: allow
rules:
  - id: release-by-people
    match: {shell: {program: git, subcommand: push, arguments: \"v[0-9]*\"}}
    verdict: ask
  - id: no-lists
    match: {shell: {program: ls}}
    verdict: deny
  - id: big-orders
    match: {tool: mcp__shop__order, params: {total: {gt: 100}}}
    verdict: ask
";

#[test]
fn a_difference_is_told_in_calls_and_says_what_surely_stays() {
    let stage = Stage::new();
    stage.write("work/old.yaml", SHOP);
    let moved = SHOP.replace("verdict: deny", "verdict: ask");
    stage.write("work/new.yaml", &moved.replace("gt: 100", "gt: 500"));
    stage.write(
        "work/reworded.yaml",
        &SHOP.replace("name: shop", "name: store"),
    );
    stage.write(
        "work/closed.yaml",
        &SHOP.replace("default: allow", "default: ask"),
    );
    let told = [
        stage
            .aegis(&["policy", "diff", "old.yaml", "new.yaml"])
            .exits(1),
        stage
            .aegis(&["policy", "diff", "old.yaml", "reworded.yaml"])
            .exits(0),
        stage
            .aegis(&["policy", "diff", "old.yaml", "closed.yaml"])
            .exits(1),
        stage
            .aegis(&["policy", "diff", "old.yaml", "aegis:nothing"])
            .exits(2),
        stage
            .aegis(&["policy", "diff", "old.yaml", "missing.yaml"])
            .exits(2),
    ];
    stage.shows("policy-diff", &told.iter().collect::<Vec<_>>());
    let json = stage
        .aegis(&["policy", "diff", "--json", "old.yaml", "new.yaml"])
        .exits(1)
        .json();
    assert_eq!(
        keys(&json),
        [
            "added",
            "changes",
            "default",
            "kept",
            "limits",
            "probed",
            "recorded",
            "removed",
            "terms",
            "unchanged",
            "without_witness"
        ]
    );
}

#[test]
fn a_backtest_groups_what_changes_and_counts_questions() {
    let stage = Stage::with_log();
    stage.propose("second", "call-5", "git push origin v1");
    stage.propose("third", "call-6", "git push origin v2");
    stage.write("work/shop.yaml", SHOP);
    let told = [
        stage.aegis(&["policy", "backtest", "shop.yaml"]).exits(1),
        stage
            .aegis(&["policy", "backtest", "shop.yaml", "--session", "third"])
            .exits(0),
        stage.aegis(&["policy", "backtest"]).exits(0),
        stage
            .aegis(&["policy", "backtest", "shop.yaml", "--log", "missing.db"])
            .exits(2),
    ];
    stage.shows("policy-backtest", &told.iter().collect::<Vec<_>>());
    let log = stage.log();
    let log = log.to_str().unwrap_or_default();
    let twice = [
        "policy",
        "backtest",
        "shop.yaml",
        "--json",
        "--log",
        log,
        "--log",
        log,
    ];
    let once = stage.aegis(&twice[..6]).exits(1).json();
    let twice = stage.aegis(&twice).exits(1).json();
    let decided = once["decided"].as_u64().unwrap_or_default();
    assert_eq!(twice["decided"], 2 * decided);
    let over = [
        "policy",
        "diff",
        "aegis:developer",
        "shop.yaml",
        "--json",
        "--log",
        log,
    ];
    let recorded = stage.aegis(&over).exits(1).json();
    assert_eq!(recorded["recorded"]["decided"], decided);
}
