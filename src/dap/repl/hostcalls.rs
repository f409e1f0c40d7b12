//! `hostcalls`: what the program asked of its host.

use super::step::filter;
use super::{CommandError, ConsoleCommand, Context, Effect, Ran, wrong};
use crate::component::NamePattern;
use crate::debuggee::grouped;
use crate::inspect::hostcall::listing::Row;
use crate::trace::parse_duration;
use std::time::Duration;

/// Lines around the present: a console is not the place for more.
const SHOWN: usize = 40;

pub(super) const HOSTCALLS: ConsoleCommand = ConsoleCommand {
    words: "hostcalls",
    also: &["events"],
    arguments: "[failed] [slow DURATION] [PATH]",
    about: "list the hostcalls around this moment; only failed ones, those that took long, or those with this in their WIT path",
    run: hostcalls,
};

fn hostcalls(context: &mut Context<'_>, arguments: &str) -> Ran {
    let (slow, arguments) = slow(arguments)?;
    let filter = filter(&arguments);
    let here = context.debuggee.here().event;
    let listing = context
        .debuggee
        .hostcalls(context.output, context.interrupt)?;
    let path = NamePattern::from(filter.path.as_str());
    let fitting: Vec<u64> = listing.matching(&path, filter.failed, slow).collect();
    if fitting.is_empty() {
        let all = grouped(listing.len() as u64);
        return Ok(Effect::Say(format!(
            "none of the {all} hostcalls is like that"
        )));
    }
    let before = fitting.partition_point(|event| *event < here);
    let first = before
        .saturating_sub(SHOWN / 2)
        .min(fitting.len().saturating_sub(SHOWN));
    let shown: Vec<u64> = fitting.iter().skip(first).take(SHOWN).copied().collect();
    let shown = context
        .debuggee
        .hostcall_rows(&shown, context.output, context.interrupt)?;
    let mut lines: Vec<String> = shown.iter().map(|row| line(row, here)).collect();
    let after = fitting.len().saturating_sub(first + lines.len());
    if first > 0 {
        lines.insert(0, format!("… {} before", grouped(first as u64)));
    }
    if after > 0 {
        lines.push(format!("… {} after", grouped(after as u64)));
    }
    lines.extend(listing.cut_short.clone());
    Ok(Effect::Say(lines.join("\n")))
}

/// Takes `slow DURATION` out of the words, which may come after `failed`.
fn slow(arguments: &str) -> Result<(Option<Duration>, String), CommandError> {
    let mut words: Vec<&str> = arguments.split_whitespace().collect();
    let at = usize::from(words.first() == Some(&"failed"));
    if words.get(at) != Some(&"slow") {
        return Ok((None, arguments.to_owned()));
    }
    let least = words.get(at + 1).copied().unwrap_or_default();
    let least = parse_duration(least).map_err(|_| {
        wrong(format!(
            "`{least}` is no duration; write `slow 50ms` or `slow 1s`"
        ))
    })?;
    words.drain(at..at + 2);
    Ok((Some(least), words.join(" ")))
}

fn line(row: &Row, here: u64) -> String {
    let sign = match (row.event == here, row.has_failed()) {
        (true, _) => '▶',
        (false, true) => '!',
        (false, false) => ' ',
    };
    let indent = row.depth.min(10) * 2;
    format!(
        "{sign}{:>7}  {:indent$}{}{}",
        row.event,
        "",
        row.line(),
        row.took_text()
    )
}
