//! The plan of each text in `fixtures/shell/plans.jsonl`, and what the
//! commands of each text in `fixtures/shell/touched.jsonl` touch.
//!
//! A case is a line. Commands are written as [`show`] writes them.
#![allow(clippy::expect_used, clippy::indexing_slicing)]

mod show;

use serde_json::{Value, json};

const PLANS: &str = include_str!("../../../fixtures/shell/plans.jsonl");
const TOUCHED: &str = include_str!("../../../fixtures/shell/touched.jsonl");

fn check(cases: &str, derive: impl Fn(&str) -> Value) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in cases.lines().filter(|line| !line.is_empty()) {
        let expected: Value = serde_json::from_str(line).expect("each line is JSON");
        let text = expected["text"].as_str().expect("each case has a text");
        let found = derive(text);
        if found != expected {
            wrong.push(format!("expected {expected}\n   found {found}"));
        }
        count += 1;
    }
    assert!(count > 0);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn plans_list_what_texts_would_run() {
    check(PLANS, |text| {
        let plan = aegis_shell::plan(text);
        let mut found = json!({"text": text, "commands": show::commands(&plan)});
        if !plan.unknowns.is_empty() {
            found["unknowns"] = show::unknowns(&plan).into();
        }
        found
    });
}

#[test]
fn commands_touch_the_files_their_words_name() {
    check(TOUCHED, |text| {
        let plan = aegis_shell::plan(text);
        let touched: Vec<String> = plan
            .commands
            .iter()
            .flat_map(|command| {
                aegis_shell::touched(command)
                    .iter()
                    .map(|touched| show::touched(command, touched))
                    .collect::<Vec<_>>()
            })
            .collect();
        json!({"text": text, "touched": touched})
    });
}
