//! `seek`: to any moment.

use super::{ConsoleCommand, Context, Effect, Ran, system};
use crate::debuggee::{MOMENTS, motion_to};

pub(super) const SEEK: ConsoleCommand = ConsoleCommand {
    words: "seek",
    also: &["goto"],
    arguments: MOMENTS,
    about: "go to a moment: an event by its number (or so many on or back), a part of the way, a tick, where a request came in, a position that `when` has told, a mark",
    run: seek,
};

fn seek(context: &mut Context<'_>, arguments: &str) -> Ran {
    // In a system: `NODE:MOMENT`.
    let of_node = arguments
        .split_once(':')
        .and_then(|(name, moment)| Some((system::named(context, name.trim())?, moment)));
    let arguments = match of_node {
        Some((thread, moment)) => {
            context
                .debuggee
                .select(thread, false, context.output, context.interrupt)?;
            moment
        }
        None => arguments,
    };
    let (motion, place) = motion_to(context.debuggee, arguments)?;
    let say = format!("going to {place}");
    Ok(Effect::Travel { say, motion })
}
