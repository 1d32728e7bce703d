//! The demonstration.

use super::stage::{Stage, keys};

#[test]
fn the_demonstration_ends_as_it_must() {
    let stage = Stage::new();
    let told = stage.aegis(&["demo", "--fast"]).exits(0);
    for sentence in [
        "PROTECTED_RESOURCE",
        "consistent: it agrees with itself",
        "was edited",
        "Everything came as it must.",
    ] {
        assert!(told.err.contains(sentence), "{sentence}: {}", told.whole());
    }
    assert_eq!(told.out, "");
    // Nothing outside of its own folder.
    assert!(!stage.path("home/.local").exists());
}

#[test]
fn the_demonstration_answers_in_json() {
    let stage = Stage::new();
    let told = stage.aegis(&["demo", "--fast", "--json"]).exits(0).json();
    assert_eq!(
        keys(&told),
        [
            "as_expected",
            "consistent",
            "envelopes",
            "records",
            "tampering_found"
        ]
    );
    for key in ["as_expected", "consistent", "tampering_found"] {
        assert_eq!(told[key], true, "{key}");
    }
    assert!(told["envelopes"].is_null());
    let told = stage
        .aegis(&["demo", "--fast", "--envelopes", "--json"])
        .exits(0)
        .json();
    assert!(told["envelopes"].as_array().unwrap().len() > 10);
}
