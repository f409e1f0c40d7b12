//! `hostcalls`: what the program asked of its host.

use super::step::filter;
use super::{CommandError, ConsoleCommand, Context, Effect, Ran, wrong};
use crate::component::NamePattern;
use crate::debuggee::grouped;
use crate::inspect::hostcall::listing::{DIM, Meant, Row};
use crate::timeline::travel::motion::HostcallFilter;
use crate::trace::parse_duration;
use std::time::Duration;

/// Lines around the present: a console is not the place for more.
const SHOWN: usize = 40;

pub(super) const HOSTCALLS: ConsoleCommand = ConsoleCommand {
    words: "hostcalls",
    also: &["events"],
    arguments: "[--builtins] [failed] [slow DURATION] [PATH]",
    about: "list the hostcalls around this moment; only failed ones, those that took long, or those with this in their WIT path; with `--builtins` also the component model's own built-ins",
    run: hostcalls,
};

fn hostcalls(context: &mut Context<'_>, arguments: &str) -> Ran {
    let filter = filter(arguments);
    let (slow, path, failed) = slow(&filter)?;
    let which = Meant {
        path: NamePattern::from(&*path),
        failed,
        slow,
        builtins: filter.builtins,
    };
    let here = context.debuggee.here().event;
    let listing = context
        .debuggee
        .hostcalls(context.output, context.interrupt)?;
    let fitting: Vec<u64> = listing.matching(&which).collect();
    if fitting.is_empty() {
        let all = match which.builtins {
            true => listing.len(),
            false => listing.len() - listing.plumbing(),
        };
        let all = grouped(all as u64);
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

/// Takes `slow DURATION` out of the words, which may come before `failed` or after it.
fn slow(filter: &HostcallFilter) -> Result<(Option<Duration>, String, bool), CommandError> {
    let mut words: Vec<&str> = filter.path.split_whitespace().collect();
    if words.first() != Some(&"slow") {
        return Ok((None, filter.path.clone(), filter.failed));
    }
    let least = words.get(1).copied().unwrap_or_default();
    let least = parse_duration(least).map_err(|_| {
        wrong(format!(
            "`{least}` is no duration; write `slow 50ms` or `slow 1s`"
        ))
    })?;
    words.drain(..2);
    let failed = words.first() == Some(&"failed");
    words.drain(..usize::from(failed));
    Ok((Some(least), words.join(" "), filter.failed || failed))
}

fn line(row: &Row, here: u64) -> String {
    let sign = match (row.event == here, row.has_failed()) {
        (true, _) => '▶',
        (false, true) => '!',
        (false, false) if row.is_plumbing => DIM,
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
