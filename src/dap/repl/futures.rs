//! `futures`: what the tasks of a program with futures wait for.

use super::{ConsoleCommand, Effect};

pub(super) const FUTURES: ConsoleCommand = ConsoleCommand {
    words: "futures",
    also: &["info futures"],
    arguments: "",
    about: "show the futures of each task of a Rust program, what waits for what",
    run: |context, _| {
        let lines = context.debuggee.futures()?;
        let line = |(depth, text): (usize, String)| format!("{:1$}{text}", "", 2 * depth);
        Ok(Effect::Say(match lines.is_empty() {
            true => "no task has futures that are known here".to_owned(),
            false => lines.into_iter().map(line).collect::<Vec<_>>().join("\n"),
        }))
    },
};
