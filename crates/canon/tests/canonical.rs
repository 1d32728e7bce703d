//! How values are written, checked and digested.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use aegis_canon::{
    Digest, Hasher, Key, KeyedDigest, NotIJson, ParseDigestError, canonical, check_i_json, parse,
};
use serde_json::{Value, json};

fn check(input: &str, expected: &str) {
    let value = parse(input.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(canonical(&value)).unwrap(), expected);
}

#[test]
fn the_sample_of_rfc_8785_is_written_as_printed_there() {
    check(
        r#"{
          "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
          "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
          "literals": [null, true, false]
        }"#,
        r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#,
    );
}

#[test]
fn keys_are_ordered_by_utf_16_code_units() {
    check(
        r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
            "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",
            "\u00f6":"Latin Small Letter O With Diaeresis"}"#,
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
         \"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\
         \"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}",
    );
}

#[test]
fn doubles_are_written_as_rfc_8785_lists_them() {
    for (bits, expected) in [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    ] {
        let value = json!(f64::from_bits(bits));
        assert_eq!(canonical(&value), expected.as_bytes());
    }
}

#[test]
fn strings_are_escaped_no_more_than_needed() {
    let every_ascii: String = (0..=0x7f_u8).map(char::from).collect();
    let written = String::from_utf8(canonical(&json!(every_ascii))).unwrap();
    let start =
        r#""\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010"#;
    assert!(written.starts_with(start), "{written}");
    assert!(written.contains(r##"\u001f !\"#"##), "{written}");
    assert!(written.contains(r"[\\]"), "{written}");
    assert!(written.ends_with("}~\u{7f}\""), "{written}");
    assert_eq!(
        canonical(&json!("</é\u{2028}")),
        "\"</é\u{2028}\"".as_bytes()
    );
}

#[test]
fn integers_are_written_with_all_their_digits() {
    for integer in [0, 7, 10, 99, 100, 9_007_199_254_740_991, u64::MAX] {
        assert_eq!(canonical(&json!(integer)), integer.to_string().as_bytes());
    }
    for integer in [-1, -10, i64::MIN] {
        assert_eq!(canonical(&json!(integer)), integer.to_string().as_bytes());
    }
}

#[test]
fn empty_containers_and_neighbours_are_written_without_spaces() {
    check("[ [ ] , { } , [ [ ] ] ]", "[[],{},[[]]]");
    check(
        r#"{"a": {}, "b": [], "[": "{"}"#,
        r#"{"[":"{","a":{},"b":[]}"#,
    );
    check(r#"["[", "{", 1]"#, r#"["[","{",1]"#);
}

#[test]
fn deep_values_are_written_without_recursion() {
    let mut value = json!(1);
    for _ in 0..5_000 {
        value = Value::Array(vec![value]);
    }
    assert_eq!(canonical(&value).len(), 10_001);
    assert_eq!(check_i_json(&value), Err(NotIJson::TooDeep));
}

#[test]
fn values_that_would_not_be_read_back_are_named() {
    let pointer = "/a~1b/1/~0".to_owned();
    for number in [
        json!(1_u64 << 53),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e20),
    ] {
        let value = json!({"a/b": [1, {"~": number}]});
        let expected = NotIJson::IntegerTooLarge {
            pointer: pointer.clone(),
        };
        assert_eq!(check_i_json(&value), Err(expected));
        parse(&canonical(&value)).unwrap_err();
    }
    for number in [
        json!((1_i64 << 53) - 1),
        json!(1.0),
        json!(1e21),
        json!(0.5),
    ] {
        assert_eq!(check_i_json(&json!([number])), Ok(()));
        parse(&canonical(&number)).unwrap();
    }
}

#[test]
fn digests_are_those_of_the_standard() {
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(Digest::of(b"abc").to_string(), abc);
    let mut hasher = Hasher::new();
    hasher.update(b"a").update(b"").update(b"bc");
    assert_eq!(hasher.finish(), Digest::of(b"abc"));
    let value = json!({"b": 1.0, "a": []});
    assert_eq!(Digest::of_value(&value), Digest::of(br#"{"a":[],"b":1}"#));
}

#[test]
fn keyed_digests_are_those_of_the_standard() {
    // RFC 4231, test case 1.
    let key = Key::new(&[0x0b; 20]).unwrap();
    let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
    assert_eq!(KeyedDigest::of(&key, b"Hi There").to_string(), expected);
    let other = Key::new(&[0x0c; 20]).unwrap();
    assert_ne!(KeyedDigest::of(&key, b"x"), KeyedDigest::of(&other, b"x"));
    assert_eq!(KeyedDigest::of(&key, b"x"), KeyedDigest::of(&key, b"x"));
}

#[test]
fn keys_are_long_enough_and_never_printed() {
    assert!(Key::new(b"").is_none());
    assert!(Key::new(&[1; 15]).is_none());
    let key = Key::new(&[1; 16]).unwrap();
    assert_eq!(format!("{key:?}"), "Key(..)");
}

#[test]
fn digests_are_read_from_what_they_print_and_nothing_else() {
    let digest = Digest::of(b"abc");
    let text = digest.to_string();
    assert_eq!(text.parse(), Ok(digest));
    assert_eq!(serde_json::to_value(digest).unwrap(), json!(text));
    assert_eq!(
        serde_json::from_value::<Digest>(json!(text)).unwrap(),
        digest
    );
    let keyed = KeyedDigest::from_bytes(*digest.as_bytes());
    assert_eq!(text.parse(), Ok(keyed));
    assert_eq!(
        serde_json::from_value::<KeyedDigest>(json!(keyed)).unwrap(),
        keyed
    );
    for bad in [
        text.to_uppercase(),
        text.replacen('b', "g", 1),
        text.replacen("b", "", 1),
        format!("{text}0"),
        String::new(),
    ] {
        assert_eq!(bad.parse::<Digest>(), Err(ParseDigestError));
        serde_json::from_value::<Digest>(json!(bad)).unwrap_err();
    }
}
