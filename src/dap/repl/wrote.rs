//! `wrote`: who wrote a value.

use super::{ConsoleCommand, Context, Effect, Ran, wrong};
use crate::debuggee::DataMeant;
use crate::timeline::travel::motion::Direction;

pub(super) const WROTE: ConsoleCommand = ConsoleCommand {
    words: "wrote",
    also: &["who wrote", "last write"],
    arguments: "EXPRESSION",
    about: "go back to where this value in memory was written last",
    run: |context, text| to_change(context, text, Direction::Backward),
};
pub(super) const WRITES: ConsoleCommand = ConsoleCommand {
    words: "next write",
    also: &[],
    arguments: "EXPRESSION",
    about: "go on to where this value in memory is written next",
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
        frame: None,
    };
    let data = context.debuggee.data(&meant)?;
    let motion = context.debuggee.to_change(&data.id, direction)?;
    let which = match direction {
        Direction::Backward => "last",
        Direction::Forward => "next",
    };
    let say = format!("going to the {which} write of {}", data.description);
    Ok(Effect::Travel { say, motion })
}
