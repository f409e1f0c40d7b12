//! `end run`: a program that is recorded while it is debugged ends where it is.

use super::{ConsoleCommand, Context, Effect, Ran, no_arguments, wrong};

pub(super) const END_RUN: ConsoleCommand = ConsoleCommand {
    words: "end run",
    also: &[],
    arguments: "",
    about: "end the program that is being recorded, where it is; what it has done can be debugged",
    run: end_run,
};

fn end_run(context: &mut Context<'_>, arguments: &str) -> Ran {
    no_arguments(arguments)?;
    let run = context.debuggee.run().filter(|run| run.goes_on());
    let run = run.ok_or_else(|| wrong("this session has begun no run that still goes on"))?;
    run.end();
    Ok(Effect::Say("the run ends".into()))
}
