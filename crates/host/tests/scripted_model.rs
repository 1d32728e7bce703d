//! The scripted model over a real loopback socket.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use aegis_host::{
    Conversation, Fault, LastResult, Script, ScriptedModel, Source, ToolResult, ToolUse, Turn,
};
use serde_json::{Value, json};

/// Sends one request on a connection of its own and returns the whole answer.
fn exchange(model: &ScriptedModel, method: &str, path: &str, body: &str) -> String {
    let address = model.base_url().replace("http://", "");
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn ask(model: &ScriptedModel, body: &Value) -> (String, Value) {
    let answer = exchange(model, "POST", "/v1/messages?beta=true", &body.to_string());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().to_owned();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

fn question(text: &str) -> Value {
    json!({
        "model": "claude-x",
        "tools": [{"name": "Bash"}, {"name": "Read"}],
        "messages": [{"role": "user", "content": text}],
    })
}

fn answered(source: Source) -> impl Fn(&aegis_host::ModelRequest) -> bool {
    move |request| request.source == source
}

#[test]
fn a_turn_is_answered_as_one_message() {
    let turn = Turn::uses([ToolUse::new("Bash", json!({"command": "ls"}))]);
    let model = ScriptedModel::start(Script::of([turn])).unwrap();
    let (status, message) = ask(&model, &question("go"));
    assert_eq!(status, "200");
    assert_eq!(message["model"], "claude-x");
    assert_eq!(message["content"][0]["input"], json!({"command": "ls"}));
    assert_eq!(message["stop_reason"], "tool_use");
}

#[test]
fn a_stream_carries_the_same_turn() {
    let model = ScriptedModel::start(Script::of([Turn::says("good morning")])).unwrap();
    let mut body = question("go");
    body["stream"] = true.into();
    let answer = exchange(&model, "POST", "/v1/messages", &body.to_string());
    assert!(answer.contains("text/event-stream"), "{answer}");
    assert!(answer.contains("event: message_start\n"), "{answer}");
    assert!(answer.contains(r#""text":"good morning""#), "{answer}");
    assert!(answer.ends_with("0\r\n\r\n"), "{answer}");
}

#[test]
fn a_dropped_stream_ends_in_the_middle() {
    let turn = Turn {
        text: "good morning".to_owned(),
        ..Turn::fails(Fault::Disconnect)
    };
    let model = ScriptedModel::start(Script::of([turn])).unwrap();
    let mut body = question("go");
    body["stream"] = true.into();
    let answer = exchange(&model, "POST", "/v1/messages", &body.to_string());
    assert!(answer.contains("event: message_start\n"), "{answer}");
    assert!(!answer.contains("message_stop"), "{answer}");
    assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
}

#[test]
fn an_error_turn_fails_as_often_as_it_says() {
    let turn = Turn {
        text: "recovered".to_owned(),
        ..Turn::fails(Fault::Http {
            status: 529,
            kind: "overloaded_error".to_owned(),
            message: "busy".to_owned(),
            times: Some(1),
        })
    };
    let model = ScriptedModel::start(Script::of([turn])).unwrap();
    let (status, error) = ask(&model, &question("go"));
    assert_eq!(status, "529");
    assert_eq!(error["error"]["type"], "overloaded_error");
    let (status, message) = ask(&model, &question("go"));
    assert_eq!(status, "200");
    assert_eq!(message["content"][0]["text"], "recovered");
}

#[test]
fn every_request_is_remembered_with_what_answered_it() {
    let turns = [
        Turn::says("one"),
        Turn::says("two").or_when(LastResult::IsError(true), Turn::says("sorry")),
    ];
    let model = ScriptedModel::start(Script::of(turns)).unwrap();
    let mut body = question("go");
    ask(&model, &body);
    let refused = json!({"type": "tool_result", "tool_use_id": "t1", "is_error": true,
        "content": [{"type": "text", "text": "not "}, {"type": "text", "text": "allowed"}]});
    body["messages"] = json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": []},
        {"role": "user", "content": [refused]},
    ]);
    let (_, message) = ask(&model, &body);
    assert_eq!(message["content"][0]["text"], "sorry");

    let requests = model.requests();
    assert_eq!(requests.len(), 2);
    assert!(answered(Source::Turn {
        conversation: 0,
        turn: 1
    })(&requests[1]));
    assert_eq!(requests[1].tools(), ["Bash", "Read"]);
    assert!(requests[1].mentions("allowed"));
    assert!(!requests[0].mentions("allowed"));
    assert_eq!(
        requests[1].tool_results(),
        [ToolResult {
            tool_use_id: "t1".to_owned(),
            is_error: true,
            text: "not \nallowed".to_owned(),
        }]
    );
}

#[test]
fn the_rest_of_the_protocol_answers_too() {
    let model = ScriptedModel::start(Script::default()).unwrap();
    for (method, path, expected) in [
        ("POST", "/v1/messages/count_tokens", "input_tokens"),
        ("GET", "/v1/models?limit=1000", "has_more"),
        ("HEAD", "/", "200"),
        ("GET", "/v2/unknown", "not_found_error"),
    ] {
        let answer = exchange(&model, method, path, "{}");
        assert!(answer.contains(expected), "{method} {path}: {answer}");
    }
    assert!(model.requests().iter().all(answered(Source::Protocol)));
}

#[test]
fn two_uses_of_one_turn_get_different_ids() {
    let turn = Turn::uses([ToolUse::new("Bash", json!({}))]);
    let model = ScriptedModel::start(Script::of([turn])).unwrap();
    let id = || ask(&model, &question("go")).1["content"][0]["id"].clone();
    assert_ne!(id(), id());
}

#[test]
fn one_connection_carries_many_requests_and_ends_with_the_model() {
    let script = Script {
        conversations: vec![Conversation {
            opening: String::new(),
            turns: vec![Turn::says("one")],
        }],
        side_text: "aside".to_owned(),
    };
    let model = ScriptedModel::start(script).unwrap();
    let address = model.base_url().replace("http://", "");
    let mut stream = TcpStream::connect(address).unwrap();
    let mut read = [0; 4096];
    for _ in 0..3 {
        write!(
            stream,
            "POST /v1/messages HTTP/1.1\r\ncontent-length: 2\r\n\r\n{{}}"
        )
        .unwrap();
        let count = stream.read(&mut read).unwrap();
        assert!(String::from_utf8_lossy(&read[..count]).contains("aside"));
    }
    drop(model);
    assert!(matches!(stream.read(&mut read), Ok(0) | Err(_)));
}

#[test]
fn a_stopped_model_frees_its_port() {
    let model = ScriptedModel::start(Script::default()).unwrap();
    let address = model.base_url().replace("http://", "");
    assert!(TcpStream::connect(&address).is_ok());
    drop(model);
    assert!(TcpStream::connect(&address).is_err());
}

#[test]
fn a_model_that_is_dropped_does_not_wait_for_a_late_answer() {
    let late = Turn {
        delay_ms: 600_000,
        ..Turn::says("late")
    };
    let model = ScriptedModel::start(Script::of([late])).unwrap();
    let address = model.base_url().replace("http://", "");
    let mut stream = TcpStream::connect(address).unwrap();
    let body = question("go").to_string();
    let length = body.len();
    write!(
        stream,
        "POST /v1/messages HTTP/1.1\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    while model.requests().is_empty() {
        std::thread::yield_now();
    }
    let start = std::time::Instant::now();
    drop(model);
    assert!(start.elapsed() < Duration::from_secs(60));
}
