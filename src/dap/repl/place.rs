//! `rr where`: the point in time.

use super::{Effect, Entry, no_arguments};
use crate::dap::debuggee::Debuggee;

pub(super) const ENTRY: Entry = Entry {
    words: "where",
    arguments: "",
    about: "tell the event number and the position, to come back to",
    run,
};

fn run(debuggee: &mut dyn Debuggee, arguments: &str) -> Result<Effect, String> {
    no_arguments(arguments)?;
    let history = debuggee.history();
    let here = debuggee.here();
    let mut text = format!(
        "event {} of {}, position {}",
        here.event, history.events, here.position
    );
    if let Some(end) = history.end {
        text.push_str(&format!(" (the end is {end})"));
    }
    Ok(Effect::Say(text))
}
