//! `wrote`: who wrote a value.

use super::{ConsoleCommand, Context, Effect, Ran, wrong};
use crate::debuggee::{Data, DataMeant};
use crate::timeline::travel::motion::Direction;

pub(super) const WROTE: ConsoleCommand = ConsoleCommand {
    words: "wrote",
    also: &["who wrote", "last write"],
    arguments: "EXPRESSION",
    about: "go back to where this value in memory changed last: who wrote it",
    run: |context, text| to_change(context, text, Direction::Backward),
};
pub(super) const WRITES: ConsoleCommand = ConsoleCommand {
    words: "next write",
    also: &[],
    arguments: "EXPRESSION",
    about: "go on to where this value in memory changes next",
    run: |context, text| to_change(context, text, Direction::Forward),
};

fn to_change(context: &mut Context<'_>, text: &str, direction: Direction) -> Ran {
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
    let motion = context.debuggee.to_change(&data.id, direction)?;
    let say = going(&data, direction);
    Ok(Effect::Travel { say, motion })
}

/// What is said on the way: changes are gone to. A write of what was there already, such as
/// where the stack frame before had left the same bytes, is told where that leads.
pub(in crate::dap) fn going(data: &Data, direction: Direction) -> String {
    match direction {
        Direction::Backward => format!("going to the last change of {}", data.description),
        Direction::Forward => format!(
            "going to the next change of {}; writes of the same value are passed over",
            data.description
        ),
    }
}
