//! Bytes to messages and messages to bytes.

use super::envelope::{Answer, Event, Incoming, Refusal, Request};
use serde::Serialize;
use serde_json::{Value, json};

/// A message whose frame was sound and whose content was not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a message is not understood: {cause}")]
pub struct Malformed {
    /// What is wrong with it, in words.
    pub cause: String,
    /// The sequence number and command to answer, where the message had them.
    pub answer_to: Option<(i64, String)>,
}

/// Decodes one message.
///
/// # Errors
///
/// If it is not a request of the protocol.
pub fn decode(bytes: &[u8]) -> Result<Incoming, Malformed> {
    let message: Value = serde_json::from_slice(bytes).map_err(|error| Malformed {
        cause: format!("it is not JSON: {error}"),
        answer_to: None,
    })?;
    let seq = message
        .get("seq")
        .and_then(Value::as_i64)
        .filter(|seq| *seq > 0);
    let command = message.get("command").and_then(Value::as_str);
    match (message.get("type").and_then(Value::as_str), seq, command) {
        (Some("response"), ..) => Ok(Incoming::Response),
        (Some("request"), Some(seq), Some(command)) => Ok(Incoming::Request(Request {
            seq,
            command: command.to_owned(),
            arguments: message.get("arguments").cloned().unwrap_or(Value::Null),
        })),
        (kind, seq, command) => Err(Malformed {
            cause: match (kind, seq) {
                (Some("request"), None) => "`seq` is not a positive whole number",
                (Some("request"), Some(_)) => "`command` is not a string",
                _ => "`type` is neither \"request\" nor \"response\"",
            }
            .to_owned(),
            answer_to: seq.map(|seq| (seq, command.unwrap_or_default().to_owned())),
        }),
    }
}

/// A response's body as JSON; `null` for one without.
///
/// # Errors
///
/// If the body has what JSON has no word for.
pub fn body<T: Serialize>(body: &T) -> Answer {
    serde_json::to_value(body)
        .map_err(|error| Refusal::because(format!("the answer cannot be written: {error}")))
}

/// A response, ready for its `seq`.
pub fn response(request: &Request, answer: Answer) -> Value {
    let mut message = json!({
        "type": "response",
        "request_seq": request.seq,
        "command": request.command,
        "success": answer.is_ok(),
    });
    match answer {
        Ok(Value::Null) => {}
        Ok(body) => message["body"] = body,
        Err(refusal) => {
            message["message"] = refusal.short().into();
            message["body"] = json!({ "error": error_message(&request.command, &refusal) });
        }
    }
    message
}

/// What editors ask on their own, while the mouse moves or a view unfolds: a
/// failure shows where the answer would, not in a window of its own. So do failures of what views
/// of plugins ask for ([`OF_VIEWS`]): when a session ends, they may still be asking.
const ASKED_UNASKED: [&str; 8] = [
    "breakpointLocations",
    "completions",
    "evaluate",
    "exceptionInfo",
    "scopes",
    "source",
    "stepInTargets",
    "variables",
];

/// Requests of our own that show something, and neither move nor change anything.
const OF_VIEWS: [&str; 11] = [
    "rr/when",
    "rr/marks",
    "rr/hostcalls",
    "rr/requests",
    "rr/resources",
    "rr/tasks",
    "rr/output",
    "rr/timeline",
    "rr/functions",
    "rr/system",
    "rr/messages",
];

/// The structured form of a refusal. Braces would be taken for placeholders,
/// so the text goes in as a variable.
fn error_message(command: &str, refusal: &Refusal) -> Value {
    let id = match refusal {
        Refusal::NotStopped => 1,
        Refusal::Cancelled => 2,
        Refusal::Because(_) => 3,
        Refusal::NotYet => 4,
    };
    json!({
        "id": id,
        "format": "{_message}",
        "variables": { "_message": refusal.to_string() },
        "showUser": matches!(refusal, Refusal::Because(_))
            && !ASKED_UNASKED.contains(&command)
            && !OF_VIEWS.contains(&command),
    })
}

/// An event, ready for its `seq`.
///
/// # Errors
///
/// As [`body`].
pub fn event(event: &Event) -> Result<Value, serde_json::Error> {
    let mut message = serde_json::to_value(event)?;
    message["type"] = "event".into();
    Ok(message)
}
