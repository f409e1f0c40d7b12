//! Hostcalls as they are in the file: flat values, without the guest's memory.

use super::{Clocked, Events, Failed, Lines, flat, line};
use crate::component::Crossing;
use crate::component::types::CoreValue;
use crate::replay::list_values;
use crate::trace::{Cursor, Depth, Edge, Event, EventKind, HostTime, Trace, TraceError, Way};
use std::time::Duration;

/// A call out and what came of it before anything else was called.
struct Lowered {
    event: u64,
    /// How many calls out it is inside of, of those since the listing began.
    depth: Depth,
    call: Event,
    args: Vec<CoreValue>,
    /// Bytes that the far side wrote into the guest's memory.
    written: u64,
    results: Option<Vec<CoreValue>>,
    called: Option<HostTime>,
    returned: Option<HostTime>,
}

pub(super) fn list(
    events: &Events,
    recording: &str,
    trace: &Trace,
    out: &mut Lines,
) -> Result<(), Failed> {
    let damaged = |error: TraceError| Failed::Recording(error.into());
    let mut cursor = trace.events_from(events.from).map_err(damaged)?;
    let mut left = events.count.unwrap_or(u64::MAX);
    let mut depth = Depth::default();
    while left > 0 {
        let Some(call) = next(&mut cursor, &mut depth).map_err(damaged)? else {
            break;
        };
        let crossing = trace.component().crossing(call.call.crossing);
        let name = crossing.map_or("", |crossing| &*crossing.name);
        let is_plumbing = crossing.is_some_and(Crossing::is_plumbing);
        if !events.means(crossing) {
            continue;
        }
        let clocked = Clocked {
            time: call.called.and_then(|time| trace.wall_time(time)),
            took: took(&call),
        };
        if !events.takes(clocked) {
            continue;
        }
        let line = match events.json {
            true => clocked
                .json(recording, json(name, is_plumbing, &call))
                .to_string(),
            false => {
                let line = clocked.text(events.time, text(name, &call));
                events.painted(crossing, line, out.paint)
            }
        };
        out.write(&line)?;
        left -= 1;
    }
    Ok(())
}

/// The next call out.
fn next(cursor: &mut Cursor, depth: &mut Depth) -> Result<Option<Lowered>, TraceError> {
    loop {
        let event = cursor.event();
        let Some(call) = cursor.next()? else {
            return Ok(None);
        };
        let outside = *depth;
        follow(depth, &call.kind);
        if let EventKind::Call(args) = &call.kind {
            let mut lowered = Lowered {
                event,
                depth: outside,
                args: args.clone(),
                call,
                written: 0,
                results: None,
                called: cursor.time(),
                returned: None,
            };
            answer(cursor, depth, &mut lowered)?;
            return Ok(Some(lowered));
        }
    }
}

/// Counts calls out alone: a call into the guest is not listed.
fn follow(depth: &mut Depth, kind: &EventKind) {
    if let Some(edge @ (Edge::Begins(Way::Out) | Edge::Ends(Way::Out))) = kind.edge() {
        // A call that began before the listing is not counted where it ends.
        _ = depth.follow(edge);
    }
}

/// Takes what belongs to the answer of a call, up to its return or another call out.
fn answer(cursor: &mut Cursor, depth: &mut Depth, call: &mut Lowered) -> Result<(), TraceError> {
    while let Some(next) = cursor.peek()? {
        match &next.kind {
            EventKind::Call(_) => return Ok(()),
            // Another call has its answer first, if it is not this one that goes on.
            EventKind::Resume(after) => {
                let goes_on = (next.instance, next.crossing, *after);
                if goes_on != (call.call.instance, call.call.crossing, 0) {
                    return Ok(());
                }
            }
            EventKind::Return(results) => call.results = Some(results.clone()),
            EventKind::Write { bytes, .. } => call.written += bytes.len() as u64,
            EventKind::Enter(_) | EventKind::Leave(_) | EventKind::Hash(_) => {}
        }
        follow(depth, &next.kind);
        cursor.next()?;
        if call.results.is_some() {
            call.returned = cursor.time();
            return Ok(());
        }
    }
    Ok(())
}

/// How long it took, if it returned before anything else was called.
fn took(call: &Lowered) -> Option<Duration> {
    let (called, returned) = (call.called?.elapsed(), call.returned?.elapsed());
    Some(returned.saturating_sub(called))
}

/// As far as a line is indented for it.
fn depth(call: &Lowered) -> usize {
    usize::try_from(call.depth.open()).unwrap_or(usize::MAX)
}

fn text(name: &str, call: &Lowered) -> String {
    let mut answer = match &call.results {
        Some(results) if results.is_empty() => String::new(),
        Some(results) => format!(" -> {}", list_values(results)),
        None => " …".to_owned(),
    };
    if call.written > 0 {
        answer.push_str(&format!(", {} bytes written", call.written));
    }
    line(
        call.event,
        depth(call),
        name,
        &list_values(&call.args),
        &answer,
    )
}

fn json(name: &str, is_plumbing: bool, call: &Lowered) -> serde_json::Value {
    serde_json::json!({
        "event": call.event,
        "depth": call.depth.open(),
        "instance": call.call.instance,
        "crossing": call.call.crossing,
        "name": name,
        "builtin": is_plumbing,
        "lowered": {
            "arguments": flat(&call.args),
            "results": call.results.as_deref().map(flat),
        },
        "bytesWritten": call.written,
    })
}
