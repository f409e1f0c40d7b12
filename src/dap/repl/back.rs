//! `rr back …`: the steps backward that the protocol has no request for.

use super::{Effect, Entry, no_arguments};
use crate::timeline::motion::{Direction, Motion, Step};

pub(super) const INTO: Entry = Entry {
    words: "back in",
    arguments: "",
    about: "step back into the call that returned last",
    run: |_, more| step(more, Motion::Line(Direction::Backward, Step::Into)),
};
pub(super) const OUT: Entry = Entry {
    words: "back out",
    arguments: "",
    about: "step back to where this function was called",
    run: |_, more| step(more, Motion::Line(Direction::Backward, Step::Out)),
};
pub(super) const INSTRUCTION: Entry = Entry {
    words: "back instruction",
    arguments: "",
    about: "step back one instruction",
    run: |_, more| step(more, Motion::Instruction(Direction::Backward, Step::Into)),
};

fn step(arguments: &str, motion: Motion) -> Result<Effect, String> {
    no_arguments(arguments)?;
    let say = "stepping back".to_owned();
    Ok(Effect::Travel { say, motion })
}
