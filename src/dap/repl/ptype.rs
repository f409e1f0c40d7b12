//! `ptype`: what a type is made of.

use super::{ConsoleCommand, Effect, wrong};

pub(super) const PTYPE: ConsoleCommand = ConsoleCommand {
    words: "ptype",
    also: &["whatis"],
    arguments: "EXPRESSION|TYPE",
    about: "tell what the type of a value, or the type of this name, is made of",
    run: |context, arguments| match arguments {
        "" => Err(wrong(
            "the type of what? `ptype EXPRESSION` or `ptype TYPE`",
        )),
        text => Ok(Effect::Say(context.debuggee.declared(text, context.frame)?)),
    },
};
