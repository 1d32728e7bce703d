//! Laws that hold for every text and every value.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

use std::borrow::Cow;

use aegis_canon::{Key, canonical};
use aegis_redact::Redactor;
use proptest::prelude::*;
use serde_json::{Value, json};

fn redactor() -> Redactor {
    Redactor::new(Key::new(b"a key of the tests").unwrap())
}

fn secret() -> impl Strategy<Value = String> {
    // Letters and digits in turns, so that no word in it means anything.
    "([a-z][0-9][A-Z]){6,10}"
}

fn token() -> impl Strategy<Value = String> {
    let random = |length: usize| {
        proptest::string::string_regex(&format!("([a-z][0-9][A-Z]){{{length}}}")).unwrap()
    };
    prop_oneof![
        random(12).prop_map(|body| format!("ghp_{body}")),
        random(8).prop_map(|body| format!("glpat-{body}")),
        random(30).prop_map(|body| format!("sk-ant-api03-{body}")),
        random(8).prop_map(|body| format!("sk_live_{body}")),
        "([A-Z][0-9]){8}".prop_map(|body| format!("AKIA{body}")),
        random(14).prop_map(|body| format!("eyJhbGciOiJIUzI1NiJ9.eyJ{body}.{body}")),
        random(14).prop_map(|body| format!("xoxb-{body}")),
    ]
}

/// A secret key in any case, with any separators.
fn name() -> impl Strategy<Value = String> {
    let words = prop_oneof![
        Just(&["password"][..]),
        Just(&["client", "secret"][..]),
        Just(&["api", "key"][..]),
        Just(&["x", "api", "key"][..]),
        Just(&["access", "token"][..]),
        Just(&["auth", "token"][..]),
        Just(&["private", "key"][..]),
        Just(&["db", "passwd"][..]),
        Just(&["connection", "string"][..]),
    ];
    let separator = prop_oneof![Just(""), Just("_"), Just("-"), Just(".")];
    (words, separator, 0..3_u8).prop_map(|(words, separator, case)| {
        let words = words.iter().map(|word| match case {
            0 => (*word).to_owned(),
            1 => word.to_uppercase(),
            _ => word[..1].to_uppercase() + &word[1..],
        });
        words.collect::<Vec<_>>().join(separator)
    })
}

/// Puts `value` at some depth of lists and objects.
fn nested(value: Value) -> impl Strategy<Value = Value> {
    proptest::collection::vec(0..3_u8, 0..6).prop_map(move |steps| {
        steps.iter().fold(value.clone(), |value, step| match step {
            0 => json!([1, value, "x"]),
            1 => json!({"settings": value, "other": null}),
            _ => json!({"list": [value]}),
        })
    })
}

/// Pieces that detectors look for, in any order.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("password".to_owned()),
        Just("=".to_owned()),
        Just(": ".to_owned()),
        Just("\"".to_owned()),
        Just("\\\"".to_owned()),
        Just("'".to_owned()),
        Just(" ".to_owned()),
        Just("\n".to_owned()),
        Just("Authorization: Bearer ".to_owned()),
        Just("https://user:".to_owned()),
        Just("@host/".to_owned()),
        Just(" --token ".to_owned()),
        Just("mysql -p".to_owned()),
        Just("curl -u a:".to_owned()),
        Just("-----BEGIN PRIVATE KEY-----\n".to_owned()),
        Just("-----END PRIVATE KEY-----".to_owned()),
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[redacted:password:0123456789abcdef]".to_owned()),
        Just("é".to_owned()),
        Just("$".to_owned()),
        Just("client_secret".to_owned()),
        Just("ab1Q~".to_owned()),
        Just("]".to_owned()),
        Just(",".to_owned()),
        Just("(".to_owned()),
        Just("key".to_owned()),
        secret(),
        token(),
        "[ -~]{1,6}",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_secret_survives_at_any_depth_or_key_case(
        (secret, value) in (name(), secret()).prop_flat_map(|(name, secret)| {
            let value = json!({name: secret.clone()});
            (Just(secret), nested(value))
        })
    ) {
        let redacted = redactor().redact_value(&value);
        let text = redacted.value.to_string();
        prop_assert!(!text.contains(&secret), "{}", text);
        prop_assert_eq!(redacted.count, 1);
        // The same value as text, and as text within JSON.
        let text = value.to_string();
        let redacted = redactor().redact_text(&text);
        prop_assert!(!redacted.value.contains(&secret), "{}", redacted.value);
        let within = json!({"output": text});
        let redacted = redactor().redact_value(&within);
        prop_assert!(!redacted.value.to_string().contains(&secret), "{}", redacted.value);
    }

    #[test]
    fn no_token_survives_between_other_text(token in token(), before in "[ -~]{0,8}\\W?", after in "(\\W[ -~]{0,8})?") {
        // A letter or digit at either side may make it something else.
        let text = format!("{before} {token}{after}");
        let redacted = redactor().redact_text(&text);
        let is_longer = after.starts_with(['-', '_', '.', '=', '+', '/', '~']);
        prop_assert!(is_longer || !redacted.value.contains(&token), "{}", redacted.value);
    }

    #[test]
    fn redacting_again_changes_nothing(text in hostile()) {
        let redactor = redactor();
        let once = redactor.redact_text(&text).value.into_owned();
        let twice = redactor.redact_text(&once);
        prop_assert_eq!(twice.value.as_ref(), once.as_str());
        let value = json!({"password": [text.as_str()], "text": text.as_str(), text.as_str(): 1});
        let once = redactor.redact_value(&value).value.into_owned();
        let twice = redactor.redact_value(&once);
        prop_assert_eq!(twice.value.as_ref(), &once);
    }

    #[test]
    fn what_is_left_at_a_glance_is_left_by_redaction(
        (text, value) in hostile().prop_flat_map(|text| (Just(text.clone()), nested(json!(text)))),
        name in name(),
        flag in prop::option::of(name()),
    ) {
        let redactor = redactor();
        let flag = flag.map(|flag| format!("--{flag}"));
        let values = [
            json!([flag, text]),
            json!({text.as_str(): value}),
            json!({name.as_str(): value}),
            json!({"name": name, "value": text}),
            json!({name.as_str(): [{"a": 1234}, 1234]}),
            value,
        ];
        for value in values {
            if redactor.leaves(&canonical(&value)) {
                prop_assert_eq!(redactor.redact_value(&value).count, 0, "{}", value);
            }
        }
        let plain = json!({"directory": "/home/me", "args": ["-la", "a \"b\""], "n": 1234});
        prop_assert!(redactor.leaves(&canonical(&plain)));
    }

    #[test]
    fn text_of_plain_words_is_unchanged(words in proptest::collection::vec("[a-z]{1,12}", 0..40)) {
        let text = words.join(" ");
        let redacted = redactor().redact_text(&text);
        prop_assert!(matches!(redacted.value, Cow::Borrowed(_)), "{}", redacted.value);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let redacted = redactor().redact_text(&text);
        prop_assert_eq!(redacted.count == 0, redacted.value == text);
    }

    #[test]
    fn all_but_the_secret_is_kept(before in "[a-z ]{0,10}", after in "[a-z ]{0,10}", secret in secret()) {
        let text = format!("{before}\nclient_secret=\"{secret}\" {after}");
        let redacted = redactor().redact_text(&text);
        let start = format!("{before}\nclient_secret=\"[redacted:secret:");
        let end = format!("]\" {after}");
        prop_assert!(redacted.value.starts_with(&start), "{}", redacted.value);
        prop_assert!(redacted.value.ends_with(&end), "{}", redacted.value);
        prop_assert_eq!(redacted.count, 1);
    }
}
