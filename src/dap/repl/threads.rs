//! `threads`, `thread N`: the stacks that the program has at this moment; of a system, its nodes.

use super::{ConsoleCommand, Context, Effect, Ran, no_arguments, system, wrong};
use crate::debuggee::{Frame, ThreadId, Window};

pub(super) const THREADS: ConsoleCommand = ConsoleCommand {
    words: "threads",
    also: &["info threads"],
    arguments: "",
    about: "the stacks that the program has at this moment, that which runs first, and in what the others wait; of a system, its recordings",
    run: threads,
};

pub(super) const THREAD: ConsoleCommand = ConsoleCommand {
    words: "thread",
    also: &[],
    arguments: "N",
    about: "show the frames of another thread; at the prompt of `rr-dap debug`, look at it and step in it",
    run: thread,
};

/// So many frames are shown.
const MOST_FRAMES: usize = 40;

fn threads(context: &mut Context<'_>, rest: &str) -> Ran {
    no_arguments(rest)?;
    let present = context.debuggee.thread();
    let stacks = context.debuggee.stacks()?;
    if stacks.is_empty() && !context.debuggee.threads().is_empty() {
        return system::nodes(context, rest);
    }
    if stacks.is_empty() {
        return Ok(Effect::Say(
            "there is one thread: no task of this program keeps a stack of its own here".to_owned(),
        ));
    }
    let lines = stacks.iter().map(|stack| {
        let mark = if stack.id == present { '*' } else { ' ' };
        format!("{mark} {} {}, {}", stack.id.0, stack.name, stack.moment)
    });
    Ok(Effect::Say(lines.collect::<Vec<_>>().join("\n")))
}

fn thread(context: &mut Context<'_>, rest: &str) -> Ran {
    let stacks = context.debuggee.stacks()?;
    let number = rest.trim().parse().ok().map(ThreadId);
    let meant = stacks.iter().find(|stack| Some(stack.id) == number);
    // Of a system, its nodes come first.
    let nodes = context.debuggee.threads();
    let is_node = meant.is_none_or(|meant| nodes.iter().any(|node| node.id == meant.id));
    if is_node && !nodes.is_empty() {
        return system::node(context, rest);
    }
    let meant = meant.ok_or_else(|| wrong("which one? `threads` lists them with their numbers"))?;
    let window = Window {
        start: 0,
        levels: Some(MOST_FRAMES),
    };
    let interrupt = context.interrupt;
    let found = context.debuggee.frames_of(meant.id, window, interrupt)?;
    let mut lines = vec![format!("{} {}, {}", meant.id.0, meant.name, meant.moment)];
    let shown = found.frames.iter().enumerate();
    lines.extend(shown.map(|(level, frame)| format!(" #{level:<2} {}", told(frame))));
    if let more @ 1.. = found.total.saturating_sub(found.frames.len()) {
        lines.push(format!(" … {more} more"));
    }
    Ok(Effect::Say(lines.join("\n")))
}

/// `nap at worker.c:12`
fn told(frame: &Frame) -> String {
    match &frame.place {
        Some(place) => {
            let (name, line) = (&place.source.name, place.point.line);
            format!("{} at {name}:{line}", frame.name)
        }
        None => frame.name.clone(),
    }
}
