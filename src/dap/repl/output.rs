//! `output`: what the program has printed up to this moment.

use super::{ConsoleCommand, Context, Effect, Ran, no_arguments};
use crate::debuggee::{Printed, Stream};
use std::time::Duration;

/// Pieces shown: the last ones, as a console is not the place for more.
const SHOWN: usize = 100;

pub(super) const OUTPUT: ConsoleCommand = ConsoleCommand {
    words: "output",
    also: &[],
    arguments: "",
    about: "show what the program has printed up to here, each piece with the event that wrote it",
    run: output,
};

fn output(context: &mut Context<'_>, arguments: &str) -> Ran {
    no_arguments(arguments)?;
    let here = context.debuggee.here().event;
    let printed = context.debuggee.printed(0..here, Duration::ZERO)?;
    if printed.is_empty() {
        return Ok(Effect::Say("nothing has been printed up to here".into()));
    }
    let left_out = printed.len().saturating_sub(SHOWN);
    let mut lines: Vec<String> = printed.iter().skip(left_out).map(line).collect();
    if left_out > 0 {
        lines.insert(0, format!("… {left_out} pieces before"));
    }
    Ok(Effect::Say(lines.join("\n")))
}

fn line(piece: &Printed) -> String {
    let stream = match piece.stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    };
    let text = String::from_utf8_lossy(&piece.bytes);
    format!(
        "{:>7}  {stream}  {}",
        piece.event,
        text.trim_end_matches('\n')
    )
}
