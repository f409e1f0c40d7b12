//! `seek`: to any moment.

use super::{ConsoleCommand, Context, Effect, Ran};
use crate::debuggee::{MOMENTS, motion_in};

pub(super) const SEEK: ConsoleCommand = ConsoleCommand {
    words: "seek",
    also: &["goto"],
    arguments: MOMENTS,
    about: "go to a moment: an event by its number (or so many on or back), a part of the way, a tick, where a request came in, a position that `when` has told, a mark",
    run: seek,
};

fn seek(context: &mut Context<'_>, arguments: &str) -> Ran {
    let (motion, place) = motion_in(
        context.debuggee,
        arguments,
        context.output,
        context.interrupt,
    )?;
    let say = format!("going to {place}");
    Ok(Effect::Travel { say, motion })
}
