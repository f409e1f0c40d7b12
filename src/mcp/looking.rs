//! What is seen at a moment: where that is, the stack, variables, values, hostcalls.

use super::desk::{Call, Open, Refusal};
use super::parameters::Given;
use crate::component::NamePattern;
use crate::debuggee::{
    Children, EvaluateContext, Format, Frame, FrameId, Looks, Page, Past, Presentation, Scope,
    ScopeHint, VariableView, Window, grouped,
};
use crate::inspect::hostcall::listing::Meant;
use std::fmt::Write;

/// What is listed, unless more is wanted, and at most.
const USUAL: usize = 20;
const MOST: usize = 200;
/// Values are cut where they are longer, in characters.
const LONGEST: usize = 300;
/// Parts of a value that are told with it.
const PARTS: usize = 8;

fn limit(given: &Given) -> usize {
    given.limit.unwrap_or(USUAL).clamp(1, MOST)
}

fn after(given: &Given) -> usize {
    usize::try_from(given.after.unwrap_or(0)).unwrap_or(usize::MAX)
}

/// How to go on where there is more.
fn more(told: usize, all: usize) -> String {
    match all.saturating_sub(told) {
        0 => String::new(),
        left => format!("\n… {left} more: after={told}"),
    }
}

/// `at 1234:3:0x1f4, event 12 of 87 (14 %), in apply at ledger.c:48`
pub(super) fn place(open: &mut Open) -> Result<String, Refusal> {
    let debuggee = open.debuggee.as_mut();
    let here = debuggee.here().clone();
    let history = debuggee.history();
    let moment = history.moment(here.event, here.position);
    let mut told = format!("at {}, {moment}", here.position);
    let window = Window {
        start: 0,
        levels: Some(1),
    };
    if let Some(frame) = debuggee.frames(window)?.frames.first() {
        _ = write!(told, ", in {}", frame_told(frame));
    }
    let stop = debuggee.describe_stop();
    for text in [stop.description, stop.text].into_iter().flatten() {
        _ = write!(told, "\n{text}");
    }
    Ok(told)
}

/// What a recording is of.
pub(super) fn summary(open: &mut Open) -> Result<String, Refusal> {
    let history = open.debuggee.history();
    let mut told = format!(
        "{}: {} hostcalls; {}",
        history.name,
        history.count(),
        history.ending
    );
    if let Some(damage) = &history.damage {
        _ = write!(told, "\nThe recording is damaged: {damage}");
    }
    _ = write!(told, "\n{}", place(open)?);
    Ok(told)
}

fn frame_told(frame: &Frame) -> String {
    match &frame.place {
        Some(place) => format!(
            "{} at {}:{}",
            frame.name, place.source.name, place.point.line
        ),
        None => frame.name.clone(),
    }
}

/// The frames of the stack, the innermost one first.
pub(super) fn stack(open: &mut Open, given: &Given) -> Result<String, Refusal> {
    let start = after(given);
    let window = Window {
        start,
        levels: Some(limit(given)),
    };
    let frames = open.debuggee.frames(window)?;
    let lines = frames.frames.iter().enumerate();
    let lines: Vec<String> = lines
        .map(|(number, frame)| format!("#{} {}", start + number, frame_told(frame)))
        .collect();
    let told = start.saturating_add(lines.len());
    if lines.is_empty() {
        return Ok("there is no frame here".to_owned());
    }
    Ok(lines.join("\n") + &more(told, frames.total))
}

/// The arguments and variables of a frame, or what is inside of a value.
pub(super) fn variables(open: &mut Open, given: &Given) -> Result<String, Refusal> {
    let frame = match open.frame(given.frame)? {
        Some(frame) => frame,
        None => own_frame(open)?,
    };
    if let Some(expression) = &given.of {
        let value = value_of(open, expression, frame)?;
        let Some(children) = value.children else {
            return Ok(line(&value));
        };
        return page(open, &children, given);
    }
    let scopes = open.debuggee.scopes(frame)?;
    let names: Vec<&str> = scopes.iter().map(|scope| scope.name.as_str()).collect();
    let names = names.join(", ");
    let is_meant = |scope: &Scope| match &given.scope {
        Some(name) => scope.name.eq_ignore_ascii_case(name),
        None => matches!(scope.hint, ScopeHint::Arguments | ScopeHint::Locals),
    };
    let meant: Vec<Scope> = scopes.into_iter().filter(is_meant).collect();
    if meant.is_empty() {
        return Err(Refusal::because(match &given.scope {
            Some(name) => format!("there is no group `{name}` here, but {names}"),
            None => format!("this frame has no variables; other groups: {names}"),
        }));
    }
    if let [only] = meant.as_slice() {
        return Ok(format!(
            "{}\n{}",
            only.name,
            page(open, &only.children, given)?
        ));
    }
    // Of two groups there are no numbers to go on after.
    let mut told = Vec::new();
    for scope in &meant {
        told.push(format!(
            "{}\n{}",
            scope.name,
            page(open, &scope.children, given)?
        ));
    }
    Ok(told.join("\n"))
}

/// The innermost frame of the program's own code with a source, as others have nothing to show.
fn own_frame(open: &mut Open) -> Result<FrameId, Refusal> {
    let window = Window {
        start: 0,
        levels: Some(MOST),
    };
    let frames = open.debuggee.frames(window)?.frames;
    let is_own = |frame: &&Frame| frame.presentation == Presentation::Normal && has_file(frame);
    let own = frames.iter().find(is_own);
    let own = own.or_else(|| frames.iter().find(|frame| has_file(frame)));
    let frame = own.or(frames.first());
    let frame = frame.ok_or_else(|| Refusal::because("there is no frame here"))?;
    Ok(frame.id)
}

/// Whether a frame is shown in a source, not in a listing of its instructions.
fn has_file(frame: &Frame) -> bool {
    let place = frame.place.as_ref();
    place.is_some_and(|place| !place.source.name.ends_with(".wat"))
}

fn page(open: &mut Open, children: &Children, given: &Given) -> Result<String, Refusal> {
    let (start, count) = (after(given), limit(given));
    let page = Page {
        filter: None,
        start,
        count: Some(count.saturating_add(1)),
    };
    let mut values = Looks::variables(
        open.debuggee.as_mut(),
        &children.values,
        page,
        Format::default(),
    )?;
    let is_cut = values.len() > count;
    values.truncate(count);
    let lines: Vec<String> = values
        .iter()
        .map(|value| format!("  {}", line(value)))
        .collect();
    let told = start.saturating_add(lines.len());
    let counted = [children.named, children.indexed].into_iter().flatten();
    let all = usize::try_from(counted.sum::<u64>()).unwrap_or(usize::MAX);
    let more = match is_cut {
        true => more(told, all.max(told.saturating_add(1))),
        false => String::new(),
    };
    Ok(lines.join("\n") + &more)
}

/// `amount: int16_t = -200`
fn line(value: &VariableView) -> String {
    let text = cut(&value.value);
    match &value.type_name {
        Some(type_name) => format!("{}: {type_name} = {text}", value.name),
        None => format!("{} = {text}", value.name),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn value_of(open: &mut Open, expression: &str, frame: FrameId) -> Result<VariableView, Refusal> {
    let context = EvaluateContext::Watch;
    let value = open
        .debuggee
        .evaluate(expression, Some(frame), context, Format::default())?;
    Ok(value)
}

/// A value, with its first parts.
pub(super) fn evaluate(open: &mut Open, given: &Given) -> Result<String, Refusal> {
    let expression = given.expression.as_deref().unwrap_or_default();
    let frame = open.frame(given.frame)?;
    let context = EvaluateContext::Watch;
    let format = Format::default();
    let value = open.debuggee.evaluate(expression, frame, context, format)?;
    let mut told = line(&value);
    if let Some(children) = &value.children {
        let some = Given {
            limit: Some(PARTS),
            ..Given::default()
        };
        let parts = page(open, children, &some)?;
        let parts = parts.split("\n…").next().unwrap_or_default();
        _ = write!(told, "\n{parts}");
        if parts.lines().count() == PARTS {
            _ = write!(
                told,
                "\n  … all of it: `variables` with of=\"{expression}\""
            );
        }
    }
    Ok(told)
}

/// Hostcalls by their numbers.
pub(super) fn hostcalls(
    open: &mut Open,
    given: &Given,
    call: &Call<'_>,
) -> Result<String, Refusal> {
    let debuggee = open.debuggee.as_mut();
    let listing = Past::hostcalls(debuggee, call.output, call.interrupt)?;
    let which = Meant {
        path: NamePattern::from(given.path.as_deref().unwrap_or_default()),
        failed: given.failed,
        slow: None,
        builtins: given.builtins,
    };
    let fitting: Vec<u64> = listing.matching(&which).collect();
    let from = match given.after {
        Some(after) => fitting.partition_point(|event| *event <= after),
        None => 0,
    };
    let meant = fitting.iter().skip(from).take(limit(given)).copied();
    let meant: Vec<u64> = meant.collect();
    let all = match which.builtins {
        true => listing.len(),
        false => listing.len() - listing.plumbing(),
    };
    let all = grouped(all as u64);
    let Some(last) = meant.last() else {
        return Ok(format!("none of the {all} hostcalls is like that"));
    };
    let rows = debuggee.hostcall_rows(&meant, call.output, call.interrupt)?;
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let sign = if row.has_failed() { '!' } else { ' ' };
            format!(
                "{sign}event {}  {}{}",
                row.event,
                cut(&row.line()),
                row.took_text()
            )
        })
        .collect();
    let left = fitting.len().saturating_sub(from + meant.len());
    let mut told = lines.join("\n");
    if left > 0 {
        _ = write!(told, "\n… {} more: after={last}", grouped(left as u64));
    }
    if let Some(why) = &listing.cut_short {
        _ = write!(told, "\n{why}");
    }
    Ok(told)
}
