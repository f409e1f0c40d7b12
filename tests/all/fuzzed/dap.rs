//! What a client may send: the messages of two sessions, in frames that hold and frames that do not.

use super::{Fuzzing, damaged, doors, pick};
use crate::support::file::Numbers;
use serde_json::{Map, Value, json};
use std::path::Path;

/// The messages that clients sent in the golden sessions.
fn messages() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dap");
    let mut messages = Vec::new();
    for name in ["session.golden.jsonl", "ledger.golden.jsonl"] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        for line in text.lines() {
            let logged: Value = serde_json::from_str(line).unwrap();
            if logged["dir"] == "in" {
                messages.push(logged["msg"].clone());
            }
        }
    }
    messages
}

fn framed(message: &Value, out: &mut Vec<u8>) {
    let body = message.to_string();
    out.extend(format!("Content-Length: {}\r\n\r\n{body}", body.len()).bytes());
}

/// A few messages each, so that damage to one frame is not the end of all others.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let stream = |messages: &[Value]| {
        let mut out = Vec::new();
        messages
            .iter()
            .for_each(|message| framed(message, &mut out));
        out
    };
    messages().chunks(6).map(stream).collect()
}

/// A session whose messages have other values, keys and order, in frames that hold.
fn altered(messages: &[Value], numbers: &mut Numbers) -> Vec<u8> {
    let mut out = Vec::new();
    if numbers.below(4) > 0 {
        framed(&messages[0], &mut out);
    }
    for _ in 0..=numbers.below(8) {
        let mut message = pick(messages, numbers).clone();
        for _ in 0..numbers.below(4) {
            alter(&mut message, numbers);
        }
        framed(&message, &mut out);
    }
    out
}

fn alter(value: &mut Value, numbers: &mut Numbers) {
    let inside = match value {
        Value::Object(fields) if !fields.is_empty() => {
            let nth = numbers.below(fields.len());
            match numbers.below(12) {
                0 => {
                    let name = fields.keys().nth(nth).unwrap().clone();
                    fields.remove(&name);
                    return;
                }
                1 => {
                    fields.insert("newer".into(), strange(numbers));
                    return;
                }
                _ => fields.values_mut().nth(nth),
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            let nth = numbers.below(elements.len());
            if numbers.below(6) == 0 {
                elements.push(elements[nth].clone());
                return;
            }
            elements.get_mut(nth)
        }
        _ => None,
    };
    match inside {
        Some(inside) => alter(inside, numbers),
        None => *value = strange(numbers),
    }
}

fn strange(numbers: &mut Numbers) -> Value {
    match numbers.below(12) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(i64::MAX),
        4 => json!(u64::MAX),
        5 => json!(1.5e300),
        6 => json!(""),
        7 => json!("\u{0}\u{feff}\u{10ffff}\"\\"),
        8 => json!("x".repeat(numbers.below(5000))),
        9 => json!([]),
        10 => Value::Object(Map::new()),
        _ => (0..numbers.below(100)).fold(json!(1), |inside, _| json!([inside])),
    }
}

#[test]
fn sessions_survive_what_clients_send() {
    let fuzzing = Fuzzing {
        name: "dap",
        door: doors::dap,
        count: 25_000,
    };
    let (seeds, messages) = (seeds(), messages());
    assert!(messages.len() > 100);
    let Some(tally) = fuzzing.run(|numbers| match numbers.below(2) {
        0 => damaged(&seeds, numbers),
        _ => altered(&messages, numbers),
    }) else {
        return;
    };
    assert!(tally.refused > tally.all() / 10, "{tally:?}");
    assert!(tally.end > tally.all() / 4, "{tally:?}");
}
