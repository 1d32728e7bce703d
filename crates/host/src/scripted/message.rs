//! A turn in the shapes of the Messages API: one message, or a stream of events.

use serde_json::{Value, json};

use super::script::{ToolUse, Turn};

/// The longest text of one delta, in characters.
const DELTA_CHARS: usize = 200;

/// Returns the turn as one whole message.
pub(super) fn whole(turn: &Turn, id: &str, model: &str) -> Value {
    let content = blocks(turn, id).map(|block| block.whole()).collect();
    frame(id, model, content, stop_reason(turn).into())
}

/// Returns the turn as the events of a stream, in order.
pub(super) fn events(turn: &Turn, id: &str, model: &str) -> Vec<Value> {
    let opened = frame(id, model, json!([]), Value::Null);
    let mut events = vec![
        json!({"type": "message_start", "message": opened}),
        json!({"type": "ping"}),
    ];
    for (index, block) in blocks(turn, id).enumerate() {
        let start = block.opened();
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        events.extend(
            block.deltas().into_iter().map(
                |delta| json!({"type": "content_block_delta", "index": index, "delta": delta}),
            ),
        );
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    events.push(json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason(turn), "stop_sequence": null},
        "usage": {"output_tokens": 5},
    }));
    events.push(json!({"type": "message_stop"}));
    events
}

/// Returns an error in the shape of the API.
pub(super) fn error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

fn frame(id: &str, model: &str, content: Value, stop_reason: Value) -> Value {
    json!({
        "id": format!("msg_{id}"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": {
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
        },
    })
}

fn stop_reason(turn: &Turn) -> &'static str {
    if turn.tool_uses.is_empty() {
        "end_turn"
    } else {
        "tool_use"
    }
}

/// Returns the blocks of a turn; a message has at least one.
fn blocks<'a>(turn: &'a Turn, id: &'a str) -> impl Iterator<Item = Block<'a>> {
    let speaks = !turn.text.is_empty() || turn.tool_uses.is_empty();
    let text = speaks.then_some(Block::Text(&turn.text));
    let uses = turn.tool_uses.iter().enumerate();
    text.into_iter().chain(uses.map(move |(place, used)| {
        let made = || format!("toolu_{id}_{place}");
        Block::Use(used.id.clone().unwrap_or_else(made), used)
    }))
}

/// A block of a message.
enum Block<'a> {
    Text(&'a str),
    Use(String, &'a ToolUse),
}

impl Block<'_> {
    fn whole(&self) -> Value {
        match self {
            Self::Text(text) => text_block(text),
            Self::Use(id, used) => use_block(id, &used.name, &used.input),
        }
    }

    /// Returns the block as a stream opens it, before any delta.
    fn opened(&self) -> Value {
        match self {
            Self::Text(_) => text_block(""),
            Self::Use(id, used) => use_block(id, &used.name, &json!({})),
        }
    }

    /// Returns the deltas that fill the block.
    fn deltas(&self) -> Vec<Value> {
        match self {
            Self::Text(text) => text
                .chars()
                .collect::<Vec<_>>()
                .chunks(DELTA_CHARS)
                .map(|part| json!({"type": "text_delta", "text": part.iter().collect::<String>()}))
                .collect(),
            Self::Use(_, used) => {
                vec![json!({"type": "input_json_delta", "partial_json": used.input.to_string()})]
            }
        }
    }
}

fn text_block(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn use_block(id: &str, name: &str, input: &Value) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "input": input})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn() -> Turn {
        let mut turn = Turn::uses([
            ToolUse::new("Bash", json!({"command": "ls"})),
            ToolUse::new("Read", json!({"file_path": "a"})).with_id("toolu_fixed"),
        ]);
        turn.text = "é".repeat(250);
        turn
    }

    #[test]
    fn a_whole_message_holds_the_text_and_every_tool_use() {
        let message = whole(&turn(), "x", "claude");
        assert_eq!(
            message["content"],
            json!([
                {"type": "text", "text": "é".repeat(250)},
                {"type": "tool_use", "id": "toolu_x_0", "name": "Bash", "input": {"command": "ls"}},
                {"type": "tool_use", "id": "toolu_fixed", "name": "Read", "input": {"file_path": "a"}},
            ])
        );
        assert_eq!(message["stop_reason"], "tool_use");
        assert_eq!(
            whole(&Turn::says("hi"), "x", "m")["stop_reason"],
            "end_turn"
        );
    }

    #[test]
    fn the_deltas_of_a_stream_add_up_to_the_message() {
        let events = events(&turn(), "x", "claude");
        let deltas = |kind: &str, key: &str| -> String {
            events
                .iter()
                .filter(|event| event["delta"]["type"] == kind)
                .filter_map(|event| event["delta"][key].as_str())
                .collect()
        };
        assert_eq!(deltas("text_delta", "text"), "é".repeat(250));
        assert_eq!(
            deltas("input_json_delta", "partial_json"),
            r#"{"command":"ls"}{"file_path":"a"}"#
        );
        let kinds: Vec<_> = events.iter().map(|event| event["type"].clone()).collect();
        assert_eq!(kinds[0], "message_start");
        assert_eq!(kinds[kinds.len() - 1], "message_stop");
    }

    #[test]
    fn a_turn_that_says_nothing_still_has_a_block() {
        assert_eq!(
            whole(&Turn::default(), "x", "m")["content"],
            json!([{"type": "text", "text": ""}])
        );
    }
}
