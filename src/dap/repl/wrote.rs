//! `wrote`: who wrote a value.

use super::{ConsoleCommand, Context, Effect, Ran, wrong};
use crate::debuggee::{Data, DataMeant};
use crate::timeline::travel::motion::{Direction, Writes};

pub(super) const WROTE: ConsoleCommand = ConsoleCommand {
    words: "wrote",
    also: &["who wrote", "last write"],
    arguments: "[--all] EXPRESSION",
    about: "go back to where this value in memory changed last: who wrote it; with --all, to the last write of any value",
    run: |context, text| to_write(context, text, Direction::Backward),
};
pub(super) const WRITES: ConsoleCommand = ConsoleCommand {
    words: "next write",
    also: &[],
    arguments: "[--all] EXPRESSION",
    about: "go on to where this value in memory changes next; with --all, is written next",
    run: |context, text| to_write(context, text, Direction::Forward),
};

fn to_write(context: &mut Context<'_>, text: &str, direction: Direction) -> Ran {
    let (writes, text) = writes_in(text);
    if text.is_empty() {
        return Err(wrong(
            "write the value that you mean: `wrote total`, `wrote *p`",
        ));
    }
    let meant = DataMeant::Expression {
        text: text.to_owned(),
        frame: context.frame,
    };
    let data = context.debuggee.data(&meant)?;
    let motion = context.debuggee.to_write(&data.id, writes, direction)?;
    let say = going(&data, writes, direction);
    Ok(Effect::Travel { say, motion })
}

/// Which writes are asked for, and the rest.
fn writes_in(text: &str) -> (Writes, &str) {
    match text.strip_prefix("--all") {
        Some(rest) if rest.is_empty() || rest.starts_with(char::is_whitespace) => {
            (Writes::All, rest.trim_start())
        }
        _ => (Writes::Changing, text),
    }
}

/// What is said on the way: changes are gone to. A write of what was there already, such as
/// where the stack frame before had left the same bytes, is told where that leads.
pub(in crate::dap) fn going(data: &Data, writes: Writes, direction: Direction) -> String {
    let of = &data.description;
    match (direction, writes) {
        (Direction::Backward, Writes::Changing) => format!("going to the last change of {of}"),
        (Direction::Backward, Writes::All) => format!("going to the last write of {of}"),
        (Direction::Forward, Writes::Changing) => {
            format!("going to the next change of {of}; writes of the same value are passed over")
        }
        (Direction::Forward, Writes::All) => format!("going to the next write of {of}"),
    }
}
