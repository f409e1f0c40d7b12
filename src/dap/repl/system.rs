//! Several recordings as one: whose turn it is, what they said to each other, and the way along a
//! message.

use super::{ConsoleCommand, Context, Effect, Ran, no_arguments, wrong};
use crate::debuggee::{ThreadId, ThreadView};
use crate::timeline::travel::motion::{Direction, Motion};

pub(super) const NODES: ConsoleCommand = ConsoleCommand {
    words: "nodes",
    also: &["info nodes", "info threads"],
    arguments: "[open]",
    about: "the recordings of this system, and where each stands; `open` looks at all of them",
    run: nodes,
};

pub(super) const NODE: ConsoleCommand = ConsoleCommand {
    words: "node",
    also: &["thread"],
    arguments: "NAME|NUMBER",
    about: "look at and move another recording of this system",
    run: node,
};

pub(super) const FOLLOW_BACK: ConsoleCommand = ConsoleCommand {
    words: "follow back",
    also: &["back follow"],
    arguments: "",
    about: "to where the message was sent that was received here, in another recording",
    run: |context, rest| follow(context, rest, Direction::Backward),
};

pub(super) const FOLLOW: ConsoleCommand = ConsoleCommand {
    words: "follow",
    also: &[],
    arguments: "",
    about: "along the message that is sent here, to where it is received in another recording",
    run: |context, rest| follow(context, rest, Direction::Forward),
};

pub(super) const MESSAGES: ConsoleCommand = ConsoleCommand {
    words: "messages",
    also: &[],
    arguments: "[TEXT]",
    about: "messages between the recordings of this system around now, those with TEXT in their line",
    run: messages,
};

fn nodes(context: &mut Context<'_>, rest: &str) -> Ran {
    several(context)?;
    match rest {
        "open" => context
            .debuggee
            .open_all(context.output, context.interrupt)?,
        _ => no_arguments(rest)?,
    }
    let present = context.debuggee.thread();
    let threads = several(context)?;
    let lines = threads.iter().map(|thread| {
        let mark = if thread.id == present { '*' } else { ' ' };
        format!("{mark} {} {}, {}", thread.id.0, thread.name, thread.moment)
    });
    Ok(Effect::Say(lines.collect::<Vec<_>>().join("\n")))
}

/// The nodes; an error where one recording alone is debugged.
fn several(context: &Context<'_>) -> Result<Vec<ThreadView>, super::CommandError> {
    let threads = context.debuggee.threads();
    match threads.is_empty() {
        true => Err(wrong(
            "one recording alone is debugged; several are opened by `rr-dap debug A B` or by \
             `traces`",
        )),
        false => Ok(threads),
    }
}

/// The node with a name, or a number.
pub(super) fn named(context: &Context<'_>, name: &str) -> Option<ThreadId> {
    let threads = context.debuggee.threads();
    let is_meant = |thread: &&ThreadView| thread.name == name || name.parse() == Ok(thread.id.0);
    threads.iter().find(is_meant).map(|thread| thread.id)
}

fn node(context: &mut Context<'_>, rest: &str) -> Ran {
    let threads = several(context)?;
    let Some(thread) = named(context, rest) else {
        let names: Vec<&str> = threads.iter().map(|thread| thread.name.as_str()).collect();
        return Err(wrong(format!(
            "which one? `node NAME`: {}",
            names.join(", ")
        )));
    };
    context
        .debuggee
        .select(thread, false, context.output, context.interrupt)?;
    // It is shown where it stands.
    let motion = Motion::Position(context.debuggee.here().position);
    let name = threads.iter().find(|of| of.id == thread);
    let name = name.map_or("", |of| of.name.as_str());
    Ok(Effect::Travel {
        say: format!("to {name}"),
        motion,
    })
}

fn follow(context: &mut Context<'_>, rest: &str, direction: Direction) -> Ran {
    no_arguments(rest)?;
    several(context)?;
    let motion = context
        .debuggee
        .follow(direction, context.output, context.interrupt)?;
    let say = match direction {
        Direction::Forward => "to where it is received",
        Direction::Backward => "to where it was sent",
    };
    Ok(Effect::Travel {
        say: say.to_owned(),
        motion,
    })
}

fn messages(context: &mut Context<'_>, rest: &str) -> Ran {
    several(context)?;
    let lines = context.debuggee.messages(rest, context.interrupt)?;
    Ok(Effect::Say(match lines.is_empty() {
        true if rest.is_empty() => "these recordings said nothing to each other".to_owned(),
        true => format!("there is no message with {rest} in its line"),
        false => lines.join("\n"),
    }))
}
