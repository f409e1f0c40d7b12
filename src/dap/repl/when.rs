//! `when`: the point in time.

use super::{ConsoleCommand, Effect, no_arguments};
use crate::debuggee::TimeOfHost;
use crate::trace::duration_text;

pub(super) const WHEN: ConsoleCommand = ConsoleCommand {
    words: "when",
    also: &["where"],
    arguments: "",
    about: "tell the event number and the position, to come back to with `seek`",
    run: |context, arguments| {
        no_arguments(arguments)?;
        let history = context.debuggee.history();
        let here = context.debuggee.here();
        let moment = history.moment(here.event, here.position);
        let mut text = format!("{moment}, position {}", here.position);
        if let Some(end) = history.end {
            text.push_str(&format!(" (the end is {end})"));
        }
        if let Some(name) = context.debuggee.calling() {
            text.push_str(&format!(", in {name}"));
        }
        if let Some(time) = context.debuggee.time() {
            text.push_str(&format!("; {}", time_text(time)));
        }
        Ok(Effect::Say(text))
    },
};

pub(super) const ABSOLUTE_TIME: ConsoleCommand = ConsoleCommand {
    words: "absolute-time",
    also: &["elapsed-time"],
    arguments: "",
    about: "tell what the host's clock said when the program was here",
    run: |context, arguments| {
        no_arguments(arguments)?;
        let time = context.debuggee.time();
        Ok(Effect::Say(time.map_or_else(
            || "this recording does not tell what time it was".to_owned(),
            time_text,
        )))
    },
};

/// `2026-11-29 18:45:12.345 UTC, 52 ms after the recording began`
fn time_text(time: TimeOfHost) -> String {
    let wall = time
        .wall
        .map_or_else(String::new, |wall| format!("{wall}, "));
    let elapsed = duration_text(time.elapsed);
    format!("{wall}{elapsed} after the recording began")
}
