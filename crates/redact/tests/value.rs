//! Which secrets are found in JSON.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

use std::borrow::Cow;

use aegis_canon::{Key, KeyedDigest};
use aegis_redact::{Redactor, SecretKind};
use serde_json::{Value, json};

fn key() -> Key {
    Key::new(b"a key of the tests").unwrap()
}

fn marker(kind: SecretKind, secret: &str) -> String {
    let digest = KeyedDigest::of(&key(), secret.as_bytes()).to_string();
    format!("[redacted:{kind}:{}]", &digest[..16])
}

fn check(value: Value, expected: Value, count: usize) {
    let redacted = Redactor::new(key()).redact_value(&value);
    assert_eq!(redacted.value.as_ref(), &expected);
    assert_eq!(redacted.count, count);
}

fn check_unchanged(value: Value) {
    let redacted = Redactor::new(key()).redact_value(&value);
    assert!(
        matches!(redacted.value, Cow::Borrowed(_)),
        "{:?}",
        redacted.value
    );
    assert_eq!((redacted.count, redacted.kinds.len()), (0, 0));
}

#[test]
fn values_of_secret_keys_go_whole_in_every_key_case() {
    for name in [
        "password",
        "PASSWORD",
        "Pass-Word",
        "db_password",
        "clientSecret",
        "Client-Secret",
        "CLIENT_SECRET",
        "apiKey",
        "X_API_KEY",
        "x-api-key",
        "accessToken",
        "auth_token",
        "privateKey",
        "connection string",
        "ConnectionString",
        "passwd",
        "pwd",
        "refreshToken",
    ] {
        let value = json!({"a": [{"b": {name: "plain words, 1"}}]});
        let redacted = Redactor::new(key()).redact_value(&value);
        assert_eq!(redacted.count, 1, "{name}");
        let text = redacted.value["a"][0]["b"][name].as_str().unwrap();
        assert!(text.starts_with("[redacted:"), "{name}: {text}");
    }
}

#[test]
fn lists_and_numbers_under_a_secret_key_go_as_well() {
    let password = |secret| marker(SecretKind::Password, secret);
    check(
        json!({"passwords": 1, "password": ["one", "two", ["three"], null, true]}),
        json!({"passwords": 1, "password": [password("one"), password("two"), [password("three")], null, true]}),
        3,
    );
    check(
        json!({"password": 12345678}),
        json!({"password": password("12345678")}),
        1,
    );
}

#[test]
fn names_and_values_apart_belong_together() {
    check(
        json!({"env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "PORT", "value": "80"}]}),
        json!({"env": [
            {"name": "DB_PASSWORD", "value": marker(SecretKind::Password, "hunter2")},
            {"name": "PORT", "value": "80"},
        ]}),
        1,
    );
}

#[test]
fn arguments_after_a_secret_flag_go() {
    let gone = marker(SecretKind::Password, "hunter2");
    check(
        json!({"args": ["login", "--password", "hunter2", "--verbose", "yes"]}),
        json!({"args": ["login", "--password", gone, "--verbose", "yes"]}),
        1,
    );
    check_unchanged(json!(["--password-stdin", "x"]));
}

#[test]
fn strings_and_keys_are_searched_as_text() {
    let token = format!("ghp_{}", "aB3dE5gH7j".repeat(4));
    let gone = marker(SecretKind::GithubToken, &token);
    check(
        json!({"command": format!("echo {token}"), token.as_str(): 1}),
        json!({"command": format!("echo {gone}"), gone.as_str(): 1}),
        2,
    );
}

#[test]
fn json_within_strings_stays_json() {
    let inner = json!({"password": "a \"quoted\" one", "n": [1]}).to_string();
    let value = json!({"$json": inner});
    let redacted = Redactor::new(key()).redact_value(&value);
    assert_eq!(redacted.count, 1);
    let text = redacted.value["$json"].as_str().unwrap();
    let inner: Value = serde_json::from_str(text).unwrap();
    assert_eq!(inner["n"], json!([1]));
}

#[test]
fn schemas_placeholders_and_settings_are_left_alone() {
    check_unchanged(
        json!({"properties": {"password": {"type": "string"}}, "required": ["password"]}),
    );
    check_unchanged(
        json!({"password": "", "secret": null, "token": "${TOKEN}", "api_key": "<key>"}),
    );
    check_unchanged(json!({"password_policy": "strict", "has_password": true, "max_tokens": 4096}));
    check_unchanged(json!({"key": "main", "auth": "none", "nextPageToken": "b2Zmc2V0OjEwMA"}));
    check_unchanged(json!([1, "text", {"path": "/etc/passwd"}]));
}

#[test]
fn what_is_too_deep_to_be_searched_goes_whole() {
    let mut value = json!({"password": "hunter2"});
    for _ in 0..200 {
        value = json!([value]);
    }
    let redacted = Redactor::new(key()).redact_value(&value);
    assert!(redacted.kinds.contains(&SecretKind::Unexamined));
    assert!(!redacted.value.to_string().contains("hunter2"));
}
