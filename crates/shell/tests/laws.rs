//! What holds for every text, of texts that are made up.

#![allow(clippy::expect_used)]

mod law;

use proptest::prelude::*;

/// Pieces from which texts are made that are nearly well formed.
const PIECES: &str = include_str!("../../../fixtures/shell/pieces.jsonl");

fn texts() -> impl Strategy<Value = String> {
    let pieces: Vec<String> = PIECES
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is a string"))
        .collect();
    prop_oneof![
        prop::collection::vec(prop::sample::select(pieces), 0..40)
            .prop_map(|pieces| pieces.concat()),
        any::<String>(),
        "[ -~\n]{0,80}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_of_plans_hold_for_any_text(text in texts()) {
        law::parser(&text);
    }

    #[test]
    fn the_laws_of_effects_hold_for_any_text(text in texts()) {
        law::all_effects(&text);
    }

    #[test]
    fn quoting_a_word_does_not_change_the_plan(word in "[a-z/.*$~{},\\\\ \"-]{1,12}") {
        law::plan::a_quoted_word_is_literal(&word);
    }
}
