//! Several recordings as one: whose turn it is, what they said to each other, and the way along a
//! message.

use super::{ConsoleCommand, Context, Effect, Ran, no_arguments, wrong};
use crate::debuggee::{MessagesPart, MessagesWanted, ThreadView, thread_named};
use crate::timeline::travel::motion::{Direction, Motion};

pub(super) const NODES: ConsoleCommand = ConsoleCommand {
    words: "nodes",
    also: &["info nodes"],
    arguments: "[open]",
    about: "the recordings of this system, and where each stands; `open` looks at all of them",
    run: nodes,
};

pub(super) const NODE: ConsoleCommand = ConsoleCommand {
    words: "node",
    also: &[],
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

pub(super) fn nodes(context: &mut Context<'_>, rest: &str) -> Ran {
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

pub(super) fn node(context: &mut Context<'_>, rest: &str) -> Ran {
    let threads = several(context)?;
    let Some(thread) = thread_named(context.debuggee, rest) else {
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

/// So many messages before now are listed, and as many after it.
const AROUND: usize = 12;

fn messages(context: &mut Context<'_>, rest: &str) -> Ran {
    several(context)?;
    let wanted = MessagesWanted {
        filter: rest.to_owned(),
        part: MessagesPart::Around { each: AROUND },
    };
    let told = context.debuggee.messages(&wanted, context.interrupt)?;
    if told.rows.is_empty() {
        return Ok(Effect::Say(match rest.is_empty() {
            true => "these recordings said nothing to each other".to_owned(),
            false => format!("there is no message with {rest} in its line"),
        }));
    }
    let mut lines: Vec<String> = Vec::new();
    if told.before > 0 {
        lines.push(format!("  … {} before", told.before));
    }
    let last = told.rows.iter().rfind(|row| row.number <= told.now);
    let last = last.map(|row| row.number);
    for row in &told.rows {
        let mark = if Some(row.number) == last { "=>" } else { "  " };
        lines.push(format!("{mark} {}", row.line));
    }
    let after = told.total.saturating_sub(told.before + told.rows.len());
    if after > 0 {
        lines.push(format!("  … {after} after"));
    }
    lines.extend(told.notes.iter().map(|note| format!("  {note}")));
    Ok(Effect::Say(lines.join("\n")))
}
