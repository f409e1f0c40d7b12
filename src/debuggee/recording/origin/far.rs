//! What the far side brought: results of calls out, and arguments of calls in.

use super::{Asking, Moment, Recording, Result};
use crate::debuggee::origin::WayEnd;
use crate::debuggee::recording::boundary::CrossingFrame;
use crate::debuggee::recording::calls::ShownCall;
use crate::inspect::Notation;
use crate::inspect::expression::core_text_in;
use crate::inspect::hostcall::call::{self, FlatValue};
use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::hostcall::part::Part;
use crate::inspect::hostcall::wave;
use crate::inspect::hostcall::within::{Within, within};
use crate::replay::boundary::{Open, Way};
use crate::timeline::travel::motion::MemoryRange;
use std::ops::Range;
use std::sync::Arc;

/// How long a value's text may get.
const LONGEST: usize = 200;
/// So many bytes are told.
const SHOWN: usize = 16;

/// A part of what crossed the boundary.
pub(super) struct FarPart {
    /// The WIT path of the function.
    pub(super) name: String,
    pub(super) part: String,
    pub(super) value: Option<String>,
}

impl Recording {
    fn call_of(&mut self, open: &Open) -> Option<Arc<ShownCall>> {
        let frames = self.crossing_frames().ok()?;
        let frame: CrossingFrame = frames.into_iter().rev().find(|frame| {
            frame.open.way == open.way
                && frame.open.event == open.event
                && frame.open.outside == open.outside
        })?;
        self.call(&frame).ok()
    }

    fn crossing_named(&self, open: &Open) -> String {
        let component = self.timeline.trace().component();
        component
            .crossing(open.crossing)
            .map_or_else(String::new, |crossing| crossing.name.to_string())
    }

    /// A call in progress: its WIT path, what it was given, what it answers.
    pub(in crate::debuggee::recording) fn told_call(
        &mut self,
        open: &Open,
    ) -> Option<(String, String, String)> {
        let name = self.crossing_named(open);
        let call = self.call_of(open)?;
        let arguments = call.arguments.iter();
        let arguments =
            arguments.map(|part| format!("{}: {}", part.name, wave::text(&part.value, LONGEST)));
        let arguments: Vec<String> = arguments.collect();
        let answer = call.result().map(|part| wave::text(&part.value, LONGEST));
        Some((name, arguments.join(", "), answer.unwrap_or_default()))
    }

    /// A core argument of a call into the guest that is in progress.
    pub(super) fn argument_of(&mut self, open: &Open, index: usize) -> Result<FarPart> {
        let call = self.call_of(open);
        let flat = call
            .as_ref()
            .and_then(|call| call.flat.0.get(index).cloned());
        let parts: Vec<Part> = call.map_or_else(Vec::new, |call| call.arguments.clone());
        let name = self.crossing_named(open);
        let number = open.args.get(index).copied();
        Ok(flat_part(name, flat, &parts, || {
            let number = number?;
            Some((
                format!("argument {index}"),
                core_text_in(number, Notation::Natural),
            ))
        }))
    }

    /// A core result of a call out that is in progress.
    pub(super) fn result_of(&mut self, open: &Open, index: usize) -> Result<FarPart> {
        let call = self.call_of(open);
        let flat = call
            .as_ref()
            .and_then(|call| call.flat.1.get(index).cloned());
        let result = call.as_ref().and_then(|call| call.result().cloned());
        let parts: Vec<Part> = result.into_iter().collect();
        let name = self.crossing_named(open);
        Ok(flat_part(name, flat, &parts, || {
            Some((format!("result {index}"), String::new()))
        }))
    }

    /// Bytes that the far side had written where the session stands: the result of the call
    /// out that has been answered here, or the arguments of the call in that begins here.
    pub(super) fn brought(
        &mut self,
        range: MemoryRange,
        at: Moment,
        asking: &Asking<'_>,
    ) -> Result<Option<WayEnd>> {
        _ = asking;
        let bytes = range.address..range.address.saturating_add(u64::from(range.length));
        let raw = self.bytes_told(range)?;
        let opens = self.timeline.boundary()?;
        let Some(open) = opens.last().cloned() else {
            return Ok(None);
        };
        let name = self.crossing_named(&open);
        let call = self.call_of(&open);
        let place = self.code_moment(at, None);
        Ok(Some(match open.way {
            Way::Out => {
                let found = call.as_deref().and_then(|call| result_at(call, &bytes));
                let (part, value) = told(found, "memory that it writes");
                WayEnd::Hostcall {
                    at: self.caller_moment(at)?.unwrap_or(place),
                    event: open.event,
                    name,
                    part,
                    value,
                    bytes: raw,
                }
            }
            Way::In => {
                let found = call.as_deref().and_then(|call| argument_at(call, &bytes));
                let (part, value) = told(found, "memory that was written for it");
                WayEnd::Argument {
                    at: self.caller_moment(at)?.unwrap_or(place),
                    name,
                    part,
                    value,
                }
            }
        }))
    }

    /// Some bytes, in hexadecimal.
    fn bytes_told(&mut self, range: MemoryRange) -> Result<Option<String>> {
        let length = range.length.min(SHOWN as u32);
        let read = self
            .timeline
            .memory(range.instance, range.memory, range.address, length)?;
        let hex: Vec<String> = read.iter().map(|byte| format!("{byte:02x}")).collect();
        let more = if range.length as usize > SHOWN {
            " …"
        } else {
            ""
        };
        Ok((!hex.is_empty()).then(|| format!("{}{more}", hex.join(" "))))
    }
}

fn told(found: Option<Within>, otherwise: &str) -> (String, Option<String>) {
    match found {
        Some(found) => {
            let value = found.value.map(|value| wave::text(&value, LONGEST));
            (found.path, value)
        }
        None => (otherwise.to_owned(), None),
    }
}

/// Which part of a call's result some bytes are.
fn result_at(call: &ShownCall, bytes: &Range<u64>) -> Option<Within> {
    let part = call.result()?;
    let area = call::return_area(&call.crossing, &call.frame.open.args);
    let ty = part.ty.as_ref()?;
    let address = area.map(|area| area.address);
    within(
        "result",
        (ty, &part.value),
        address,
        bytes,
        call.crossing.pointer,
    )
}

/// Which part of a call's arguments some bytes are.
fn argument_at(call: &ShownCall, bytes: &Range<u64>) -> Option<Within> {
    call.arguments.iter().find_map(|part| {
        let ty = part.ty.as_ref()?;
        within(
            &part.name,
            (ty, &part.value),
            None,
            bytes,
            call.crossing.pointer,
        )
    })
}

/// A core value of a call: by its name, and, where that is the path of a part, its value.
fn flat_part(
    name: String,
    flat: Option<FlatValue>,
    parts: &[Part],
    otherwise: impl FnOnce() -> Option<(String, String)>,
) -> FarPart {
    let Some(flat) = flat else {
        let (part, value) = otherwise().unwrap_or_default();
        return FarPart {
            name,
            part,
            value: (!value.is_empty()).then_some(value),
        };
    };
    let lifted = lifted_at(parts, &flat.name);
    let value = match lifted {
        Some(value) => wave::text(value, LONGEST),
        None => core_text_in(flat.value, Notation::Natural),
    };
    FarPart {
        name,
        part: flat.name,
        value: Some(value),
    }
}

/// The value at a path of names.
fn lifted_at<'p>(parts: &'p [Part], path: &str) -> Option<&'p Lifted> {
    let mut names = path.split('.');
    let first = names.next()?;
    let mut value = &parts.iter().find(|part| part.name == first)?.value;
    for name in names {
        let children = value.children();
        value = children.into_iter().find(|(known, _)| known == name)?.1;
    }
    Some(value)
}
