//! Choosing the turn that answers a request.

use serde_json::Value;

use super::request::{Source, items, plain_text, tool_results};
use super::script::{Fault, LastResult, Script, Turn};

/// The answer to one request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    /// What answers.
    pub source: Source,
    /// The turn, its text filled in and its alternatives resolved.
    pub turn: Turn,
}

/// Chooses the answer to `body`.
///
/// `earlier` counts the requests that the same turn has answered before; only
/// a fault with a number of times depends on it.
pub(super) fn answer(script: &Script, body: &Value, earlier: impl Fn(Source) -> u32) -> Answer {
    if items(body.get("tools")).is_empty() {
        return said(Source::SideText, &script.side_text);
    }
    let messages = items(body.get("messages"));
    let opening = opening_text(messages);
    let Some((number, conversation)) = script
        .conversations
        .iter()
        .enumerate()
        .find(|(_, conversation)| opening.contains(&conversation.opening))
    else {
        return said(
            Source::NoConversation,
            "No conversation of the script fits.",
        );
    };
    let index = messages
        .iter()
        .filter(|message| role(message) == "assistant")
        .count();
    let Some(turn) = conversation.turns.get(index) else {
        return said(Source::PastTheScript, "The script has no more turns.");
    };
    let source = Source::Turn {
        conversation: number,
        turn: index,
    };
    Answer {
        source,
        turn: resolve(turn, body, earlier(source)),
    }
}

fn said(source: Source, text: &str) -> Answer {
    Answer {
        source,
        turn: Turn::says(text),
    }
}

fn opening_text(messages: &[Value]) -> String {
    messages
        .iter()
        .find(|message| role(message) == "user")
        .map(|message| plain_text(message.get("content")))
        .unwrap_or_default()
}

fn role(message: &Value) -> &str {
    message
        .get("role")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn resolve(turn: &Turn, body: &Value, earlier: u32) -> Turn {
    let last = tool_results(body).pop();
    let chosen = last.as_ref().and_then(|last| {
        turn.alternatives
            .iter()
            .find(|alternative| match &alternative.when {
                LastResult::Contains(text) => last.text.contains(text),
                LastResult::IsError(is_error) => last.is_error == *is_error,
            })
    });
    let mut turn = chosen.map_or(turn, |alternative| &alternative.turn).clone();
    turn.alternatives.clear();
    let result = last.map(|last| last.text).unwrap_or_default();
    turn.text = turn.text.replace("{{last_result}}", &result);
    if let Some(Fault::Http {
        times: Some(times), ..
    }) = turn.fault
        && earlier >= times
    {
        turn.fault = None;
    }
    turn
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::script::ToolUse;
    use super::*;

    fn check(script: &Script, body: &Value, expected: (Source, Turn)) {
        let (source, turn) = expected;
        assert_eq!(answer(script, body, |_| 0), Answer { source, turn });
    }

    fn request(messages: Value) -> Value {
        json!({"tools": [{"name": "Bash"}], "messages": messages})
    }

    fn at(conversation: usize, turn: usize) -> Source {
        Source::Turn { conversation, turn }
    }

    fn result(text: &str, is_error: bool) -> Value {
        json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t", "content": text, "is_error": is_error}]})
    }

    #[test]
    fn the_number_of_assistant_messages_chooses_the_turn() {
        let script = Script::of([Turn::says("one"), Turn::says("two")]);
        let said = json!({"role": "assistant", "content": []});
        let asked = json!({"role": "user", "content": "go"});
        check(
            &script,
            &request(json!([asked])),
            (at(0, 0), Turn::says("one")),
        );
        check(
            &script,
            &request(json!([asked, said, asked])),
            (at(0, 1), Turn::says("two")),
        );
        check(
            &script,
            &request(json!([asked, said, asked, said, asked])),
            (
                Source::PastTheScript,
                Turn::says("The script has no more turns."),
            ),
        );
    }

    #[test]
    fn the_first_conversation_whose_opening_fits_answers() {
        let script = Script::default()
            .with("look at", [Turn::says("looking")])
            .with("main", [Turn::says("working")]);
        let blocks =
            json!([{"type": "text", "text": "note"}, {"type": "text", "text": "main task"}]);
        check(
            &script,
            &request(json!([{"role": "user", "content": blocks}])),
            (at(1, 0), Turn::says("working")),
        );
        check(
            &script,
            &request(json!([{"role": "user", "content": "please look at main"}])),
            (at(0, 0), Turn::says("looking")),
        );
        check(
            &script,
            &request(json!([{"role": "user", "content": "something else"}])),
            (
                Source::NoConversation,
                Turn::says("No conversation of the script fits."),
            ),
        );
    }

    #[test]
    fn a_request_without_tools_gets_the_side_text() {
        let mut script = Script::of([Turn::says("one")]);
        script.side_text = "a title".to_owned();
        let body = json!({"messages": [{"role": "user", "content": "go"}]});
        check(&script, &body, (Source::SideText, Turn::says("a title")));
    }

    #[test]
    fn an_alternative_is_taken_only_when_the_latest_result_fits() {
        let plain = Turn::says("went well: {{last_result}}");
        let turn = plain
            .clone()
            .or_when(
                LastResult::Contains("denied".to_owned()),
                Turn::says("denied"),
            )
            .or_when(LastResult::IsError(true), Turn::says("failed"));
        let script = Script::of([turn]);
        for (message, text) in [
            (result("ok", false), "went well: ok"),
            (result("denied by policy", true), "denied"),
            (result("no such file", true), "failed"),
            (json!({"role": "user", "content": "denied"}), "went well: "),
        ] {
            check(
                &script,
                &request(json!([message])),
                (at(0, 0), Turn::says(text)),
            );
        }
    }

    #[test]
    fn a_fault_with_a_number_of_times_ends() {
        let mut turn = Turn::uses([ToolUse::new("Bash", json!({}))]);
        turn.fault = Some(Fault::Http {
            status: 529,
            kind: "overloaded_error".to_owned(),
            message: "busy".to_owned(),
            times: Some(2),
        });
        let script = Script::of([turn]);
        let body = request(json!([{"role": "user", "content": "go"}]));
        let fails = |earlier| answer(&script, &body, |_| earlier).turn.fault.is_some();
        assert_eq!([fails(0), fails(1), fails(2)], [true, true, false]);
    }
}
