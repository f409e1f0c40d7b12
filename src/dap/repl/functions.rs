//! `functions`: the functions of the guest.

use super::{ConsoleCommand, Context, Effect, Ran, wrong};
use crate::debuggee::{FunctionView, grouped};

/// Lines: a console is no place for more.
const SHOWN: usize = 100;

pub(super) const FUNCTIONS: ConsoleCommand = ConsoleCommand {
    words: "functions",
    also: &["info functions"],
    arguments: "[NAME]",
    about: "list the functions of the program, those with this in their name, or like a pattern with *",
    run: functions,
};

fn functions(context: &mut Context<'_>, arguments: &str) -> Ran {
    let found = context.debuggee.functions(arguments);
    if found.is_empty() {
        return Err(wrong(match arguments {
            "" => "nothing tells the names of the program's functions: build it with -g".to_owned(),
            name => format!("no function is named like {name}"),
        }));
    }
    let mut lines: Vec<String> = found.iter().take(SHOWN).map(line).collect();
    let more = found.len().saturating_sub(SHOWN);
    if more > 0 {
        lines.push(format!("… {} more", grouped(more as u64)));
    }
    Ok(Effect::Say(lines.join("\n")))
}

fn line(function: &FunctionView) -> String {
    match &function.declared {
        Some((source, line)) => format!("{}  {}:{line}", function.name, source.name),
        None => function.name.clone(),
    }
}
