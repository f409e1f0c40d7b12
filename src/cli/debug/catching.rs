//! `catch`: the events that the program can be stopped at, wherever they happen.

use super::breakpoints::Lifetime;
use super::places::{Spot, Wanted};
use super::prompt::{Done, Prompt};
use anyhow::bail;

/// An event to stop at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    /// What `catch` calls it.
    pub(super) word: &'static str,
    /// The server's name of the filter.
    pub(super) filter: &'static str,
    /// What it is called in lists.
    pub(super) title: &'static str,
}

const EVENTS: [Event; 7] = [
    event("trap", "trap", "trap"),
    event("panic", "panic", "panic"),
    event("throw", "throw", "exception"),
    event("hostcall", "hostcall", "hostcall"),
    event("failed", "failedHostcall", "failed hostcall"),
    event("handle-created", "handleCreated", "handle created"),
    event("handle-dropped", "handleDropped", "handle dropped"),
];

impl Event {
    pub(super) fn spot(self) -> Spot {
        Spot::Event {
            filter: self.filter,
            title: self.title,
        }
    }
}

/// What `catch` takes.
pub(super) const WORDS: &[&str] = &EVENTS_WORDS;
const EVENTS_WORDS: [&str; EVENTS.len()] = {
    let mut words = [""; EVENTS.len()];
    let mut at = 0;
    while at < words.len() {
        words[at] = EVENTS[at].word;
        at += 1;
    }
    words
};

const fn event(word: &'static str, filter: &'static str, title: &'static str) -> Event {
    Event {
        word,
        filter,
        title,
    }
}

/// The event that the server has this filter for.
pub(super) fn with_filter(filter: &str) -> Option<Event> {
    EVENTS.into_iter().find(|event| event.filter == filter)
}

pub(super) fn catch(prompt: &mut Prompt, arguments: &str) -> Done {
    let (word, rest) = arguments
        .split_once(char::is_whitespace)
        .unwrap_or((arguments, ""));
    let Some(event) = EVENTS.into_iter().find(|event| event.word == word) else {
        bail!("catch what? {}", WORDS.join(", "));
    };
    let rest = rest.trim();
    let rest = rest.strip_prefix("if ").unwrap_or(rest);
    let wanted = Wanted {
        spot: event.spot(),
        condition: Some(rest.to_owned()).filter(|rest| !rest.is_empty()),
    };
    prompt.add_and_tell(wanted, Lifetime::Kept)
}
