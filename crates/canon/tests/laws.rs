//! Laws that hold for every value and every text.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use aegis_canon::{
    DEPTH_MAX, canonical, canonical_of, check_i_json, member_text, parse, parse_tagging, to_source,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Text that meets every branch of the writer: escapes, planes, plain runs.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,8}",
        "\\PC{0,12}",
        proptest::collection::vec(any::<char>(), 0..6).prop_map(String::from_iter),
        "[\u{0}-\u{22}\\\\\u{e000}\u{ffff}\u{10000}\u{10ffff}]{0,6}",
    ]
}

/// Numbers as `parse` returns them.
fn number() -> impl Strategy<Value = Value> {
    let doubles = any::<f64>().prop_filter_map("as `parse` returns it", |double| {
        parse(&canonical(&json!(double))).ok()
    });
    let integers = (-(1_i64 << 53) + 1)..(1_i64 << 53);
    prop_oneof![
        (-100_i64..100).prop_map(Value::from),
        integers.prop_map(Value::from),
        doubles,
    ]
}

fn i_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::btree_map(text(), inner, 0..8)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

/// Pieces of JSON in any order: often nearly right, sometimes right.
fn nearly_json() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just(":"),
        Just(" "),
        Just("\n"),
        Just("\"a\""),
        Just("\"$json\""),
        Just("\"\\ud800\""),
        Just("\"\\u00e9\""),
        Just("\""),
        Just("\\"),
        Just("1"),
        Just("-0.5e3"),
        Just("12345678901234567890"),
        Just("1e999"),
        Just("true"),
        Just("null"),
        Just("é"),
        Just("{\"a\":"),
        Just("[1,"),
        Just("\u{0}"),
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// JSON with everything that I-JSON refuses.
fn loose_json() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("\"a\""),
        Just("\"b\""),
        Just("\"\\u0061\""),
        Just("\"$json\""),
        Just("\"\\udfff\"")
    ];
    let leaf = prop_oneof![
        Just("1".to_owned()),
        Just("1.0".to_owned()),
        Just("-98765432109876543210".to_owned()),
        Just("1E+400".to_owned()),
        Just("\"\\ud83d\"".to_owned()),
        Just("\"\\ud83d\\ude00\"".to_owned()),
        Just("null".to_owned()),
    ];
    leaf.prop_recursive(6, 48, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(", "))),
            proptest::collection::vec((key.clone(), inner), 0..4).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(k, v)| format!("{k} :{v}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_read_back(value in i_json()) {
        let bytes = canonical(&value);
        prop_assert_eq!(parse(&bytes), Ok(value.clone()));
        prop_assert_eq!(check_i_json(&value), Ok(()));
        let again = canonical(&parse(&bytes).unwrap());
        prop_assert_eq!(again, bytes);
    }

    #[test]
    fn the_bytes_are_those_of_another_canonicaliser(value in i_json()) {
        let other = serde_json_canonicalizer::to_vec(&value).unwrap();
        prop_assert_eq!(canonical(&value), other);
    }

    #[test]
    fn spelling_does_not_matter(value in i_json()) {
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        prop_assert_eq!(parse(&pretty), Ok(value));
    }

    #[test]
    fn a_value_passes_the_check_exactly_if_it_is_read_back(double in any::<f64>(), integer in any::<i64>()) {
        for value in [json!(double), json!(integer), json!(integer >> 8), json!(integer as f64)] {
            let is_read = parse(&canonical(&value)).is_ok();
            prop_assert_eq!(check_i_json(&value).is_ok(), is_read, "{}", value);
        }
    }

    #[test]
    fn i_json_is_never_tagged(value in i_json()) {
        let bytes = canonical(&value);
        let tagged = parse_tagging(&bytes).unwrap();
        if tagged.tags == 0 {
            prop_assert_eq!(&tagged.value, &value);
        } else {
            // Only a key equal to the tag itself can be the cause.
            let text = String::from_utf8(bytes.clone()).unwrap();
            prop_assert!(text.contains("$json"), "{}", text);
        }
        prop_assert_eq!(to_source(&tagged.value).into_bytes(), bytes);
    }

    #[test]
    fn tagged_values_are_i_json_and_keep_their_source(text in loose_json()) {
        let tagged = parse_tagging(text.as_bytes()).unwrap();
        prop_assert_eq!(check_i_json(&tagged.value), Ok(()));
        prop_assert_eq!(parse(&canonical(&tagged.value)), Ok(tagged.value.clone()));
        prop_assert_eq!(parse(text.as_bytes()).is_err() || text.contains("$json"), tagged.tags > 0);
        let source = to_source(&tagged.value);
        prop_assert_eq!(parse_tagging(source.as_bytes()), Ok(tagged));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        prop_assert_eq!(parse(&bytes).is_ok(), parse_tagging(&bytes).is_ok_and(|t| t.tags == 0));
    }

    #[test]
    fn both_readers_and_serde_agree_on_what_is_json(text in nearly_json()) {
        let tagged = parse_tagging(text.as_bytes());
        let strict = parse(text.as_bytes());
        if let Ok(value) = &strict {
            let other: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(canonical(value), canonical(&other));
        }
        if serde_json::from_str::<Value>(&text).is_ok() {
            prop_assert!(tagged.is_ok(), "{}", text);
        }
        if tagged.is_err() {
            prop_assert!(strict.is_err());
        }
    }

    #[test]
    fn an_error_points_into_the_text(text in nearly_json()) {
        if let Err(error) = parse(text.as_bytes()) {
            let before = text.get(..error.offset).expect("a character boundary");
            let line = before.split('\n').count();
            let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
            prop_assert_eq!((error.line, error.column), (line, column));
        }
    }
}

/// Forms that typed data has and values do not, out of order.
#[derive(serde::Serialize)]
struct Typed {
    zebra: Option<u8>,
    #[serde(rename = "a\u{e4}")]
    umlaut: char,
    variants: Vec<Variant>,
    #[serde(flatten)]
    rest: Value,
    pair: (bool, ()),
    double: f64,
}

#[derive(serde::Serialize)]
enum Variant {
    Unit,
    Newtype(i64),
    Tuple(u8, u8),
    Struct { second: u8, first: u8 },
}

proptest! {
    #[test]
    fn what_is_written_at_once_is_what_is_written_of_the_value(value in i_json()) {
        if let Ok(bytes) = canonical_of(&value, DEPTH_MAX) {
            prop_assert_eq!(&bytes, &canonical(&value));
        }
        let typed = Typed {
            zebra: None,
            umlaut: '"',
            variants: vec![
                Variant::Unit,
                Variant::Newtype(-1),
                Variant::Tuple(1, 2),
                Variant::Struct { second: 2, first: 1 },
            ],
            rest: json!({"nested": value, "b": 1}),
            pair: (true, ()),
            double: 1.0,
        };
        if let Ok(bytes) = canonical_of(&typed, DEPTH_MAX) {
            let value = serde_json::to_value(&typed).unwrap();
            prop_assert_eq!(&bytes, &canonical(&value));
            prop_assert_eq!(parse(&bytes), Ok(parse(&canonical(&value)).unwrap()));
        }
    }

    #[test]
    fn a_member_found_is_the_one_that_is_read(value in i_json(), text in text()) {
        let value = json!({"a": value, "k": text, "z": value});
        let bytes = canonical(&value);
        if let Some(found) = member_text(&bytes, "k") {
            prop_assert_eq!(found, text);
        } else {
            prop_assert!(text.chars().any(|c| c < ' ' || c == '"' || c == '\\'));
        }
    }
}

#[test]
fn most_typed_data_is_written_at_once_and_no_other_than_i_json() {
    let plain = json!({"b": [1, -2, 1.5, null, "\"\u{1}\u{1f600}"], "a": {"\u{e9}": true}});
    assert_eq!(canonical_of(&plain, 2), Ok(canonical(&plain)));
    assert!(canonical_of(&plain, 1).is_err());
    assert_eq!(
        canonical_of(&((1_u64 << 53) - 1), 0),
        Ok(b"9007199254740991".to_vec())
    );
    assert!(canonical_of(&(1_u64 << 53), 0).is_err());
    assert!(canonical_of(&1e20, 0).is_err());
    assert!(canonical_of(&json!({"a\n": 1}), 2).is_err());
    assert!(canonical_of(&json!({"\u{1f600}": 1}), 2).is_err());
    let numbered = std::collections::BTreeMap::from([(1, 2)]);
    assert!(canonical_of(&numbered, 2).is_err());
}
