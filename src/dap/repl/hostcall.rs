//! `rr hostcall …`: from hostcall to hostcall.

use super::{Effect, Entry, no_arguments};
use crate::timeline::motion::{Direction, HostcallFilter, Motion};

pub(super) const NEXT: Entry = Entry {
    words: "hostcall next",
    arguments: "",
    about: "go to the next hostcall",
    run: |_, more| to(more, "the next", Direction::Forward),
};
pub(super) const PREVIOUS: Entry = Entry {
    words: "hostcall prev",
    arguments: "",
    about: "go back to the previous hostcall",
    run: |_, more| to(more, "the previous", Direction::Backward),
};

fn to(arguments: &str, which: &str, direction: Direction) -> Result<Effect, String> {
    no_arguments(arguments)?;
    Ok(Effect::Travel {
        say: format!("going to {which} hostcall"),
        motion: Motion::Hostcall(direction, HostcallFilter::ANY),
    })
}
