//! `seek`: to any moment.

use super::{CommandError, ConsoleCommand, Context, Effect, Ran, wrong};
use crate::debuggee::WhichRequest;
use crate::replay::{Position, Tick};
use crate::timeline::travel::motion::{Fraction, Motion};

pub(super) const SEEK: ConsoleCommand = ConsoleCommand {
    words: "seek",
    also: &["goto"],
    arguments: "start|entry|end|EVENT|+N|-N|PERCENT%|tick N|request N|POSITION|MARK",
    about: "go to a moment: an event by its number (or so many on or back), a part of the way, a tick, where a request came in, a position that `when` has told, a mark",
    run: seek,
};

fn seek(context: &mut Context<'_>, arguments: &str) -> Ran {
    let (motion, place) = target(context, arguments)?;
    let say = format!("going to {place}");
    Ok(Effect::Travel { say, motion })
}

/// The motion that a text means, and what to call where it goes.
pub(in crate::dap) fn target(
    context: &mut Context<'_>,
    text: &str,
) -> Result<(Motion, String), CommandError> {
    let text = text.trim();
    let (kind, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    Ok(match (kind, rest) {
        ("", _) => return Err(wrong(format!("where to? {}", SEEK.arguments))),
        ("start", "") => (Motion::Start, "the start".into()),
        ("entry", "") => (Motion::Entry, "the entry".into()),
        ("end", "") => (Motion::End, "the end".into()),
        ("event", number) => event(context, number)?,
        ("tick", number) => {
            let tick = number.replace([',', '_'], "").parse();
            let tick = tick.map_err(|_| wrong(format!("`{number}` is not a tick")))?;
            (Motion::Tick(Tick(tick)), format!("tick {tick}"))
        }
        ("request", number) => request(context, number)?,
        ("percent", number) => percent(number)?,
        ("position", position) => at_position(position)?,
        ("mark", name) => mark(context, name)?,
        (text, "") => bare(context, text)?,
        _ => return Err(unclear(text)),
    })
}

fn unclear(text: &str) -> CommandError {
    wrong(format!(
        "`{text}` is not a moment; write {}",
        SEEK.arguments.replace('|', ", ")
    ))
}

fn bare(context: &Context<'_>, text: &str) -> Result<(Motion, String), CommandError> {
    if context
        .debuggee
        .marks()
        .iter()
        .any(|mark| mark.name == text)
    {
        return mark(context, text);
    }
    if let Some(number) = text.strip_suffix('%') {
        return percent(number);
    }
    if text.contains(':') {
        return at_position(text);
    }
    if let Some(by) = text
        .strip_prefix(['+', '-'])
        .and_then(|n| n.parse::<u64>().ok())
    {
        let here = context.debuggee.here().event;
        let number = match text.starts_with('+') {
            true => here.saturating_add(by),
            false => here.saturating_sub(by),
        };
        let last = context.debuggee.history().events.saturating_sub(1);
        return event(context, &number.min(last).to_string());
    }
    match text.starts_with(|c: char| c.is_ascii_digit()) {
        true => event(context, text),
        false => Err(unclear(text)),
    }
}

fn event(context: &Context<'_>, number: &str) -> Result<(Motion, String), CommandError> {
    let number: u64 = number
        .replace([',', '_'], "")
        .parse()
        .map_err(|_| wrong(format!("`{number}` is not an event number")))?;
    if let Some(why) = context.debuggee.history().without_event(number) {
        return Err(wrong(why));
    }
    Ok((Motion::Event(number), format!("event {number}")))
}

fn request(context: &mut Context<'_>, number: &str) -> Result<(Motion, String), CommandError> {
    let number = number.replace([',', '_'], "").parse();
    let number =
        number.map_err(|_| wrong("write the number of a request; `requests` lists them"))?;
    let (number, motion) = context.debuggee.to_request(WhichRequest::Number(number))?;
    Ok((motion, format!("request {number}")))
}

fn percent(number: &str) -> Result<(Motion, String), CommandError> {
    let part = number.trim().trim_end_matches('%').parse().ok();
    let part = part.and_then(Fraction::percent);
    let part = part.ok_or_else(|| wrong(format!("`{number}` is not between 0 and 100 %")))?;
    Ok((Motion::Fraction(part), format!("{number} % of the way")))
}

fn mark(context: &Context<'_>, name: &str) -> Result<(Motion, String), CommandError> {
    let marks = context.debuggee.marks();
    if marks.iter().any(|mark| mark.name == name) {
        return Ok((Motion::Mark(name.to_owned()), format!("mark {name}")));
    }
    let names: Vec<&str> = marks.iter().map(|mark| mark.name.as_str()).collect();
    Err(wrong(match names.is_empty() {
        true => "there are no marks; set one with `mark NAME`".to_owned(),
        false => format!("there is no mark `{name}`; there are {}", names.join(", ")),
    }))
}

fn at_position(text: &str) -> Result<(Motion, String), CommandError> {
    let position = text.parse::<Position>();
    let position = position.map_err(|error| wrong(error.to_string()))?;
    Ok((Motion::Position(position), position.to_string()))
}
