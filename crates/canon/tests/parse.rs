//! What is read as JSON, what is refused, and what is tagged.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use aegis_canon::{
    DEPTH_MAX, ParseJsonErrorKind as Kind, TAGGING_DEPTH_MAX, canonical, check_i_json, is_tagged,
    parse, parse_tagging, to_source,
};
use serde_json::{Value, json};

fn check(text: &str, expected: Value) {
    assert_eq!(parse(text.as_bytes()), Ok(expected.clone()), "{text}");
    let tagged = parse_tagging(text.as_bytes()).unwrap();
    assert_eq!((tagged.value, tagged.tags), (expected, 0), "{text}");
}

fn check_refused(bytes: &[u8], kind: Kind, offset: usize) {
    let error = parse(bytes).unwrap_err();
    assert_eq!((error.kind, error.offset), (kind, offset));
}

fn check_tagged(text: &str, expected: Value, tags: usize) {
    parse(text.as_bytes()).unwrap_err();
    let tagged = parse_tagging(text.as_bytes()).unwrap();
    assert_eq!((&tagged.value, tagged.tags), (&expected, tags), "{text}");
    assert_eq!(parse(&canonical(&tagged.value)).as_ref(), Ok(&expected));
    let source = to_source(&tagged.value);
    assert_eq!(parse_tagging(source.as_bytes()), Ok(tagged), "{source}");
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

#[test]
fn values_of_each_kind_are_read() {
    check(" null ", json!(null));
    check("[true,\n\tfalse]\r\n", json!([true, false]));
    check("{}", json!({}));
    check("[ ]", json!([]));
    check(r#"{"a":{"b":[1,"x"]}}"#, json!({"a": {"b": [1, "x"]}}));
    check(
        r#""\"\\\/\b\f\n\r\t\u00e9""#,
        json!("\"\\/\u{8}\u{c}\n\r\té"),
    );
    check(r#""a\ud83d\uDE00b""#, json!("a😀b"));
    check("-12.5e-1", json!(-1.25));
}

#[test]
fn numbers_of_equal_value_are_equal() {
    check("1.0", json!(1));
    check("10e-1", json!(1));
    check("-0", json!(0));
    check("-0.0", json!(0));
    check("1e-400", json!(0));
    check("9007199254740991", json!(9_007_199_254_740_991_i64));
    check("-9007199254740991.0", json!(-9_007_199_254_740_991_i64));
    check("1e21", json!(1e21));
}

#[test]
fn the_same_key_in_two_objects_is_no_duplicate() {
    check(
        r#"[{"a":1},{"a":{"a":2}}]"#,
        json!([{"a": 1}, {"a": {"a": 2}}]),
    );
}

#[test]
fn duplicate_keys_are_refused_after_unescaping() {
    let key = "ab".to_owned();
    check_refused(
        r#"{"ab":1, "\u0061b":2}"#.as_bytes(),
        Kind::DuplicateKey { key },
        9,
    );
}

#[test]
fn numbers_that_other_readers_would_round_are_refused() {
    for text in [
        "9007199254740992",
        "-9007199254740992",
        "123456789012345678901234567890",
        "9007199254740993.0",
        "1e20",
    ] {
        check_refused(text.as_bytes(), Kind::IntegerTooLarge, 0);
    }
    check_refused(b"[1e400]", Kind::NumberTooLarge, 1);
    check_refused(b"[-1e400]", Kind::NumberTooLarge, 1);
}

#[test]
fn halves_of_surrogate_pairs_are_refused() {
    check_refused(br#""a\ud800""#, Kind::LoneSurrogate, 2);
    check_refused(br#""\udc00""#, Kind::LoneSurrogate, 1);
    check_refused(br#""\ud800\u0041""#, Kind::LoneSurrogate, 1);
    check_refused(br#""\ud800\ud800\udc00""#, Kind::LoneSurrogate, 1);
    check_refused(br#"{"\ud800":1}"#, Kind::LoneSurrogate, 2);
}

#[test]
fn what_is_not_json_is_refused_by_both() {
    for (bytes, kind, offset) in [
        (&b""[..], Kind::UnexpectedEnd, 0),
        (b" ", Kind::UnexpectedEnd, 1),
        (b"[1", Kind::UnexpectedEnd, 2),
        (b"[1,]", Kind::Unexpected { found: ']' }, 3),
        (b"[,1]", Kind::Unexpected { found: ',' }, 1),
        (b"{,}", Kind::Unexpected { found: ',' }, 1),
        (b"{\"a\":1,}", Kind::Unexpected { found: '}' }, 7),
        (b"{1:1}", Kind::Unexpected { found: '1' }, 1),
        (b"[1 2]", Kind::Unexpected { found: '2' }, 3),
        (b"[1}", Kind::Unexpected { found: '}' }, 2),
        (b"01", Kind::TrailingText, 1),
        (b"1 x", Kind::TrailingText, 2),
        (b"-", Kind::UnexpectedEnd, 1),
        (b"1.", Kind::UnexpectedEnd, 2),
        (b"1.e1", Kind::Unexpected { found: 'e' }, 2),
        (b"1e+", Kind::UnexpectedEnd, 3),
        (b"+1", Kind::Unexpected { found: '+' }, 0),
        (b".5", Kind::Unexpected { found: '.' }, 0),
        (b"NaN", Kind::Unexpected { found: 'N' }, 0),
        (b"nul", Kind::UnexpectedEnd, 3),
        (b"True", Kind::Unexpected { found: 'T' }, 0),
        (b"'a'", Kind::Unexpected { found: '\'' }, 0),
        (b"\"a", Kind::UnexpectedEnd, 2),
        (b"\"\\", Kind::UnexpectedEnd, 2),
        (b"\"\\x\"", Kind::InvalidEscape, 2),
        (b"\"\\u12G4\"", Kind::InvalidEscape, 5),
        (b"\"\\u12", Kind::UnexpectedEnd, 5),
        (b"\"\\ud800\\u12G4\"", Kind::InvalidEscape, 11),
        (b"\"a\nb\"", Kind::ControlCharacter, 2),
        (b"\"\\n\n\"", Kind::ControlCharacter, 3),
        (b"\xef\xbb\xbf1", Kind::ByteOrderMark, 0),
        (b"[\"\xff\"]", Kind::NotUtf8, 2),
        (
            "[\u{a0}1]".as_bytes(),
            Kind::Unexpected { found: '\u{a0}' },
            1,
        ),
        (b"/* */1", Kind::Unexpected { found: '/' }, 0),
    ] {
        let tagging = parse_tagging(bytes).unwrap_err();
        assert_eq!((&tagging.kind, tagging.offset), (&kind, offset));
        check_refused(bytes, kind, offset);
    }
}

#[test]
fn errors_count_lines_and_characters_from_one() {
    let error = parse("{\"é\": 1,\n \"ü\" 2}".as_bytes()).unwrap_err();
    assert_eq!((error.line, error.column, error.offset), (2, 6, 16));
    assert_eq!(error.to_string(), "unexpected `2` at line 2, column 6");
    let error = parse(br#"{"k\n":1,"k\n":1}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        r"duplicate key `k\n` at line 1, column 10"
    );
}

#[test]
fn nesting_is_read_to_the_cap_and_no_deeper() {
    let value = parse(nested(DEPTH_MAX).as_bytes()).unwrap();
    assert_eq!(check_i_json(&value), Ok(()));
    assert_eq!(canonical(&value), nested(DEPTH_MAX).as_bytes());
    let objects = r#"{"":"#.repeat(DEPTH_MAX) + "1" + &"}".repeat(DEPTH_MAX);
    parse(objects.as_bytes()).unwrap();
    check_refused(nested(DEPTH_MAX + 1).as_bytes(), Kind::TooDeep, DEPTH_MAX);
    check_refused("[".repeat(1_000_000).as_bytes(), Kind::TooDeep, DEPTH_MAX);
}

#[test]
fn numbers_and_strings_that_are_not_i_json_are_tagged_alone() {
    check_tagged(
        r#"{"id": 12345678901234567890, "n": [1E400, 2], "s": "x\ud800"}"#,
        json!({
            "id": {"$json": "12345678901234567890"},
            "n": [{"$json": "1E400"}, 2],
            "s": {"$json": r#""x\ud800""#},
        }),
        3,
    );
    check_tagged("1.0e20", json!({"$json": "1.0e20"}), 1);
}

#[test]
fn objects_that_are_not_i_json_are_tagged_whole() {
    for object in [
        r#"{"a":1, "\u0061":2}"#,
        r#"{"\ud800": {"b": 12345678901234567890}}"#,
        r#"{"a":{"b": 1e999},"a":{"b":2e999}}"#,
    ] {
        let text = format!(r#"[1, {object} , 1e999]"#);
        let expected = json!([1, {"$json": object}, {"$json": "1e999"}]);
        check_tagged(&text, expected, 2);
    }
}

#[test]
fn what_looks_like_a_tag_is_tagged() {
    for text in [
        r#"{"$json":"1"}"#,
        r#"{"\u0024json":1e999}"#,
        r#"{"$json":"1","a":2}"#,
        r#"{"$json":{"$json":"1"}}"#,
    ] {
        let tagged = parse_tagging(text.as_bytes()).unwrap();
        assert_eq!(tagged.value, json!({"$json": text}));
        assert_eq!(tagged.tags, 1);
        assert!(is_tagged(&tagged.value));
        assert_eq!(to_source(&tagged.value), text);
    }
    check(r#"{"$JSON":"1"}"#, json!({"$JSON": "1"}));
    assert!(!is_tagged(&json!({"$json": 1})));
    assert!(!is_tagged(&json!({"$json": "1", "a": 1})));
}

#[test]
fn nesting_beyond_the_cap_is_tagged_however_deep() {
    let text = nested(TAGGING_DEPTH_MAX);
    assert_eq!(parse_tagging(text.as_bytes()).unwrap().tags, 0);
    for deep in [
        nested(1),
        nested(100_000),
        format!(r#"{{"a":[{{}},1,"\ud800",{}],"b":null}}"#, nested(50)),
    ] {
        let text = format!(
            "{}{deep}{}",
            "[".repeat(TAGGING_DEPTH_MAX),
            "]".repeat(TAGGING_DEPTH_MAX)
        );
        let tagged = parse_tagging(text.as_bytes()).unwrap();
        assert_eq!(tagged.tags, 1);
        assert_eq!(to_source(&tagged.value), text);
        assert_eq!(parse(&canonical(&tagged.value)), Ok(tagged.value));
    }
}

#[test]
fn faults_below_the_cap_are_still_faults() {
    for bad in [
        "[",
        "[,]",
        "[1,]",
        "{,}",
        "{\"a\"}",
        "{\"a\":1,}",
        "{1:1}",
        "[1}",
        "{\"a\":1]",
        "[01]",
        "[\"\n\"]",
    ] {
        let text = format!(
            "{}{bad}{}",
            "[".repeat(TAGGING_DEPTH_MAX + 3),
            "]".repeat(TAGGING_DEPTH_MAX + 3)
        );
        assert!(parse_tagging(text.as_bytes()).is_err(), "{bad}");
    }
}
