//! What came later than a hostcall returned, behind it and where the program is told of it.

use crate::inspect::hostcall::arrivals::{Arrival, Brought};

/// Behind a line of text.
pub(super) fn text(
    line: &str,
    arrival: Option<Arrival>,
    brought: Option<&str>,
    told: &[Brought],
) -> String {
    let later = match (arrival, brought) {
        (Some(arrival), brought) => arrival.text(line, brought),
        (None, Some(taken)) => format!(": {taken}"),
        (None, None) => String::new(),
    };
    let told: String = told.iter().map(Brought::text).collect();
    later + &told
}

/// In the JSON of a hostcall.
pub(super) fn add_to(
    object: &mut serde_json::Value,
    arrival: Option<Arrival>,
    brought: Option<&str>,
    told: &[Brought],
) {
    match (arrival, brought) {
        (Some(arrival), brought) => {
            object["later"] = serde_json::json!({
                "subtask": arrival.subtask,
                "event": arrival.told.map(|told| told.event),
                "result": brought,
                "text": arrival.words(brought),
            });
        }
        (None, Some(taken)) => object["taken"] = taken.into(),
        (None, None) => {}
    }
    if !told.is_empty() {
        let told = told.iter().map(|brought| {
            serde_json::json!({
                "event": brought.event,
                "name": brought.name,
                "inCall": brought.in_call,
                "result": brought.value,
                "text": brought.words(),
            })
        });
        object["told"] = told.collect();
    }
}
