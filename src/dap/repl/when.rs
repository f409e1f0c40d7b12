//! `when`: the point in time.

use super::{ConsoleCommand, Effect, no_arguments};

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
        Ok(Effect::Say(text))
    },
};
