//! `ptype`, `whatis`: the types of values and functions, and types by their names.

use super::{ConsoleCommand, Context, Effect, Ran, wrong};
use crate::inspect::expression::Telling;

pub(super) const PTYPE: ConsoleCommand = ConsoleCommand {
    words: "ptype",
    also: &[],
    arguments: "EXPRESSION|TYPE|FUNCTION",
    about: "tell what the type of a value, or the type of this name, is made of; of a function, what it takes and returns",
    run: |context, text| told(context, text, Telling::Parts),
};
pub(super) const WHATIS: ConsoleCommand = ConsoleCommand {
    words: "whatis",
    also: &[],
    arguments: "EXPRESSION|TYPE|FUNCTION",
    about: "tell what the type of a value is called",
    run: |context, text| told(context, text, Telling::Name),
};

fn told(context: &mut Context<'_>, text: &str, telling: Telling) -> Ran {
    match text {
        "" => Err(wrong(
            "the type of what? `ptype EXPRESSION`, `ptype TYPE` or `ptype FUNCTION`",
        )),
        text => {
            let told = context.debuggee.declared(text, context.frame, telling)?;
            Ok(Effect::Say(told))
        }
    }
}
