//! Moments as they are typed: what `seek` takes.

use super::{Debuggee, DebuggeeError, Output, ThreadId, WhichRequest};
use crate::replay::{Position, Tick};
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Fraction, Motion};

/// What a moment may be written as.
pub const MOMENTS: &str = "start|entry|end|EVENT|+N|-N|PERCENT%|tick N|request N|POSITION|MARK";

fn wrong(message: impl Into<String>) -> DebuggeeError {
    DebuggeeError::other(message)
}

/// The motion that a text means, and what to call where it goes.
///
/// # Errors
///
/// If it is not a moment of this recording: what to write.
pub fn motion_to(
    debuggee: &mut dyn Debuggee,
    text: &str,
) -> Result<(Motion, String), DebuggeeError> {
    let text = text.trim();
    let (kind, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    Ok(match (kind, rest) {
        ("", _) => return Err(wrong(format!("where to? {MOMENTS}"))),
        ("start", "") => (Motion::Start, "the start".into()),
        ("entry", "") => (Motion::Entry, "the entry".into()),
        ("end", "") => (Motion::End, "the end".into()),
        ("event", number) => event(debuggee, number)?,
        ("tick", number) => {
            let tick = number.replace([',', '_'], "").parse();
            let tick = tick.map_err(|_| wrong(format!("`{number}` is not a tick")))?;
            (Motion::Tick(Tick(tick)), format!("tick {tick}"))
        }
        ("request", number) => request(debuggee, number)?,
        ("percent", number) => percent(number)?,
        ("position", position) => at_position(position)?,
        ("mark", name) => mark(debuggee, name)?,
        (text, "") => bare(debuggee, text)?,
        _ => return Err(unclear(text)),
    })
}

/// The same, where a moment of a system may be written `NODE:MOMENT`: that node is moved from now
/// on. A part of the way is of its recording then, and of the order of all otherwise.
///
/// # Errors
///
/// As [`motion_to`], or if the node cannot be opened.
pub fn motion_in(
    debuggee: &mut dyn Debuggee,
    text: &str,
    output: &dyn Output,
    interrupt: &Interrupt,
) -> Result<(Motion, String), DebuggeeError> {
    let of_node = text
        .split_once(':')
        .and_then(|(name, moment)| Some((thread_named(debuggee, name.trim())?, moment)));
    let before = debuggee.thread();
    let Some((thread, moment)) = of_node else {
        debuggee.select(before, false, output, interrupt)?;
        return motion_to(debuggee, text);
    };
    debuggee.select(thread, true, output, interrupt)?;
    let found = motion_to(debuggee, moment);
    if found.is_err() {
        debuggee.select(before, false, output, interrupt)?;
    }
    found
}

/// The node with a name, or a number.
pub fn thread_named(debuggee: &dyn Debuggee, name: &str) -> Option<ThreadId> {
    let threads = debuggee.threads();
    let is_meant = |of: &&super::ThreadView| of.name == name || name.parse() == Ok(of.id.0);
    threads.iter().find(is_meant).map(|thread| thread.id)
}

fn unclear(text: &str) -> DebuggeeError {
    wrong(format!(
        "`{text}` is not a moment; write {}",
        MOMENTS.replace('|', ", ")
    ))
}

fn bare(debuggee: &dyn Debuggee, text: &str) -> Result<(Motion, String), DebuggeeError> {
    if debuggee.marks().iter().any(|mark| mark.name == text) {
        return mark(debuggee, text);
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
        let here = debuggee.here().event;
        let number = match text.starts_with('+') {
            true => here.saturating_add(by),
            false => here.saturating_sub(by),
        };
        let last = debuggee.history().events.saturating_sub(1);
        return event(debuggee, &number.min(last).to_string());
    }
    match text.starts_with(|c: char| c.is_ascii_digit()) {
        true => event(debuggee, text),
        false => Err(unclear(text)),
    }
}

fn event(debuggee: &dyn Debuggee, number: &str) -> Result<(Motion, String), DebuggeeError> {
    let number: u64 = number
        .replace([',', '_'], "")
        .parse()
        .map_err(|_| wrong(format!("`{number}` is not an event number")))?;
    if let Some(why) = debuggee.history().without_event(number) {
        return Err(wrong(why));
    }
    Ok((Motion::Event(number), format!("event {number}")))
}

fn request(debuggee: &mut dyn Debuggee, number: &str) -> Result<(Motion, String), DebuggeeError> {
    let number = number.replace([',', '_'], "").parse();
    let number =
        number.map_err(|_| wrong("write the number of a request; `requests` lists them"))?;
    let (number, motion) = debuggee.to_request(WhichRequest::Number(number))?;
    Ok((motion, format!("request {number}")))
}

fn percent(number: &str) -> Result<(Motion, String), DebuggeeError> {
    let part = number.trim().trim_end_matches('%').parse().ok();
    let part = part.and_then(Fraction::percent);
    let part = part.ok_or_else(|| wrong(format!("`{number}` is not between 0 and 100 %")))?;
    Ok((Motion::Fraction(part), format!("{number} % of the way")))
}

fn mark(debuggee: &dyn Debuggee, name: &str) -> Result<(Motion, String), DebuggeeError> {
    let marks = debuggee.marks();
    if marks.iter().any(|mark| mark.name == name) {
        return Ok((Motion::Mark(name.to_owned()), format!("mark {name}")));
    }
    let names: Vec<&str> = marks.iter().map(|mark| mark.name.as_str()).collect();
    Err(wrong(match names.is_empty() {
        true => "there are no marks; set one with `mark NAME`".to_owned(),
        false => format!("there is no mark `{name}`; there are {}", names.join(", ")),
    }))
}

fn at_position(text: &str) -> Result<(Motion, String), DebuggeeError> {
    let position = text.parse::<Position>();
    let position = position.map_err(|error| wrong(error.to_string()))?;
    Ok((Motion::Position(position), position.to_string()))
}
