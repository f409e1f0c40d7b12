//! `info line`, `info symbol`, `info variables`, `info types`: what the debug information
//! has, whatever the program does at the moment.

use super::{ConsoleCommand, Context, Effect, Ran, wrong};
use crate::debuggee::{FunctionView, grouped};

/// Lines: a console is not the place for more.
const SHOWN: usize = 100;

pub(super) const LINE: ConsoleCommand = ConsoleCommand {
    words: "info line",
    also: &[],
    arguments: "FILE:LINE",
    about: "tell which code a line has",
    run: line,
};
pub(super) const SYMBOL: ConsoleCommand = ConsoleCommand {
    words: "info symbol",
    also: &[],
    arguments: "ADDRESS|$pc",
    about: "tell which function has code at this offset in the module, or which variable is at this address",
    run: symbol,
};
pub(super) const VARIABLES: ConsoleCommand = ConsoleCommand {
    words: "info variables",
    also: &["variables"],
    arguments: "[NAME]",
    about: "list the variables outside functions, those with this in their name, or like a pattern with *",
    run: |context, pattern| listed(context.debuggee.globals(pattern), "variable", pattern),
};
pub(super) const TYPES: ConsoleCommand = ConsoleCommand {
    words: "info types",
    also: &["types"],
    arguments: "[NAME]",
    about: "list the types, those with this in their name, or like a pattern with *",
    run: |context, pattern| listed(context.debuggee.types(pattern), "type", pattern),
};

/// As many of the names as a console has a place for, or that there are none.
pub(super) fn listed(found: Vec<FunctionView>, what: &str, pattern: &str) -> Ran {
    if found.is_empty() {
        return Err(wrong(match pattern {
            "" => format!("nothing tells the names of the program's {what}s: build it with -g"),
            name => format!("no {what} is named like {name}"),
        }));
    }
    let mut lines: Vec<String> = found.iter().take(SHOWN).map(told).collect();
    let more = found.len().saturating_sub(SHOWN);
    if more > 0 {
        lines.push(format!("… {} more", grouped(more as u64)));
    }
    Ok(Effect::Say(lines.join("\n")))
}

fn told(view: &FunctionView) -> String {
    match &view.declared {
        Some((source, line)) => format!("{}  {}:{line}", view.name, source.name),
        None => view.name.clone(),
    }
}

fn line(context: &mut Context<'_>, arguments: &str) -> Ran {
    let place = arguments.rsplit_once(':');
    let place = place.and_then(|(file, line)| Some((file, line.trim().parse().ok()?)));
    let Some((file, line)) = place else {
        return Err(wrong("which line? `info line FILE:LINE`"));
    };
    let found = context.debuggee.code_of_line(file.trim(), line);
    match found.is_empty() {
        true => Err(wrong(format!(
            "no code is at line {line} of {file}, or after it"
        ))),
        false => Ok(Effect::Say(found.join("\n"))),
    }
}

fn symbol(context: &mut Context<'_>, arguments: &str) -> Ran {
    if arguments.is_empty() {
        return Err(wrong(
            "what is where? `info symbol ADDRESS`, `info symbol $pc`",
        ));
    }
    let told = context.debuggee.symbol_at(arguments, context.frame)?;
    Ok(Effect::Say(told))
}
