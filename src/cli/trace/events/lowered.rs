//! Hostcalls as they are in the file: flat values, without the guest's memory.

use super::{Events, flat, line};
use crate::component::types::CoreValue;
use crate::replay::list_values;
use crate::trace::{Cursor, Event, EventKind, Trace};
use std::io::{self, Write};

/// A call out and what came of it before anything else was called.
struct Lowered {
    event: u64,
    depth: usize,
    call: Event,
    args: Vec<CoreValue>,
    /// Bytes that the far side wrote into the guest's memory.
    written: u64,
    results: Option<Vec<CoreValue>>,
}

pub(super) fn list(events: &Events, trace: &Trace) -> anyhow::Result<()> {
    let mut cursor = trace.events_from(events.from)?;
    let mut left = events.count.unwrap_or(u64::MAX);
    let mut depth = 0;
    let mut out = io::stdout();
    while left > 0 {
        let Some(call) = next(&mut cursor, &mut depth)? else {
            break;
        };
        let name = trace
            .component()
            .crossing(call.call.crossing)
            .map_or_else(String::new, |crossing| crossing.name.clone());
        if !events.filter.matches(&name) {
            continue;
        }
        let line = match events.json {
            true => json(&name, &call).to_string(),
            false => text(&name, &call),
        };
        writeln!(out, "{line}")?;
        left -= 1;
    }
    Ok(())
}

/// The next call out. How deep it is nested is counted from where listing began.
fn next(cursor: &mut Cursor, depth: &mut usize) -> anyhow::Result<Option<Lowered>> {
    loop {
        let event = cursor.event();
        let Some(call) = cursor.next()? else {
            return Ok(None);
        };
        match &call.kind {
            EventKind::Call(args) => {
                let args = args.clone();
                let mut lowered = Lowered {
                    event,
                    depth: *depth,
                    call,
                    args,
                    written: 0,
                    results: None,
                };
                *depth += 1;
                answer(cursor, depth, &mut lowered)?;
                return Ok(Some(lowered));
            }
            EventKind::Return(_) => *depth = depth.saturating_sub(1),
            _ => {}
        }
    }
}

/// Takes what belongs to the answer of a call, up to its return or another call out.
fn answer(cursor: &mut Cursor, depth: &mut usize, call: &mut Lowered) -> anyhow::Result<()> {
    while let Some(next) = cursor.peek()? {
        match &next.kind {
            EventKind::Call(_) => return Ok(()),
            EventKind::Return(results) => {
                call.results = Some(results.clone());
                *depth = depth.saturating_sub(1);
                cursor.next()?;
                return Ok(());
            }
            EventKind::Write { bytes, .. } => call.written += bytes.len() as u64,
            _ => {}
        }
        cursor.next()?;
    }
    Ok(())
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
        call.depth,
        name,
        &list_values(&call.args),
        &answer,
    )
}

fn json(name: &str, call: &Lowered) -> serde_json::Value {
    serde_json::json!({
        "event": call.event,
        "depth": call.depth,
        "instance": call.call.instance,
        "crossing": call.call.crossing,
        "name": name,
        "lowered": {
            "arguments": flat(&call.args),
            "results": call.results.as_deref().map(flat),
        },
        "bytesWritten": call.written,
    })
}
