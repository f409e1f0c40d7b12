//! A crossing in progress, lifted: what it was given, and what it answers.

use super::Recording;
use super::arrived::Arrived;
use super::awaited::Part as Lacking;
use super::boundary::CrossingFrame;
use super::guest_memory::GuestMemory;
use crate::component::status::CopyAnswer;
use crate::component::types::CoreValue;
use crate::component::{Builtin, Crossing, Transmit};
use crate::debuggee::DebuggeeError;
use crate::inspect::handles::table::HandleTable;
use crate::inspect::hostcall::builtin_call::number;
use crate::inspect::hostcall::call::{self, FlatValue, Leaves};
use crate::inspect::hostcall::delivery::{self, Delivery};
use crate::inspect::hostcall::lift::{Lifted, Lifter};
use crate::inspect::hostcall::part::Part;
use crate::inspect::hostcall::resolution::Resolution;
use crate::inspect::hostcall::unanswered::Unanswered;
use crate::inspect::past::chronicle::Until;
use crate::replay::Phase;
use crate::replay::boundary::Way;
use crate::trace::{CallEnd, Recorded, Written};
use std::sync::Arc;

fn failed(error: impl std::fmt::Display) -> DebuggeeError {
    DebuggeeError::Other(error.to_string())
}

/// A crossing in progress, lifted.
#[derive(Debug, Clone)]
pub(super) struct ShownCall {
    pub(super) frame: CrossingFrame,
    pub(super) crossing: Crossing,
    pub(super) arguments: Vec<Part>,
    pub(super) outcome: Outcome,
    /// What will have been written when it returns, where it has not yet.
    pub(super) writes: Vec<Written>,
    pub(super) flat: (Vec<FlatValue>, Vec<FlatValue>),
    /// What the program is told of by it.
    pub(super) arrived: Option<Arrived>,
    /// The tables of its instance at its beginning and at its return: what its handles
    /// stand for.
    pub(super) handles: [Handles; 2],
}

/// What a value of a call is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Arguments,
    Result,
    /// What the program is told of by the call.
    Arrived,
}

/// What the handles of a call stand for, at one of its ends.
#[derive(Debug, Clone)]
pub(super) enum Handles {
    /// There are none, or they are numbers, as nothing tells.
    Unknown,
    /// The table at this event is not known yet.
    Awaited(u64),
    Known(HandleTable),
}

impl Handles {
    pub(super) fn table(&self) -> Option<&HandleTable> {
        match self {
            Handles::Known(table) => Some(table),
            Handles::Unknown | Handles::Awaited(_) => None,
        }
    }
}

/// What becomes of it.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    Returned(Option<Part>),
    WillReturn(Option<Part>),
    /// The result will be at this address, where the guest has yet to write it.
    WillWrite {
        address: u64,
        ty: String,
    },
    /// An asynchronous call, a read or a write that returns before its result is there.
    Late {
        status: Part,
        result: Option<Part>,
        delivery: Option<Delivery>,
    },
    Never(Unanswered),
    Far,
}

impl Outcome {
    pub(super) fn title(&self) -> &'static str {
        match self {
            Outcome::Returned(_) => "Result (returned)",
            Outcome::WillReturn(_) | Outcome::WillWrite { .. } => "Result (what will be returned)",
            Outcome::Late { .. } => "Result (comes later)",
            Outcome::Never(Unanswered::Waits) => "Result (none: waits when the run ends)",
            Outcome::Never(Unanswered::Ended) => "Result (none: the run ends before it)",
            Outcome::Never(_) => "Result (the recording ends before it)",
            Outcome::Far => "Result (too many events ahead to tell)",
        }
    }
}

impl Recording {
    /// The crossing in progress of this frame, lifted; kept while the program stands
    /// still.
    pub(super) fn call(&mut self, frame: &CrossingFrame) -> Result<Arc<ShownCall>, DebuggeeError> {
        let mut call = match self.calls.get(&frame.index) {
            Some(known) => known.clone(),
            None => Arc::new(self.lift_call(frame)?),
        };
        if call.awaits_tables() {
            self.find_tables(Arc::make_mut(&mut call));
        }
        self.calls.insert(frame.index, call.clone());
        Ok(call)
    }

    fn lift_call(&mut self, frame: &CrossingFrame) -> Result<ShownCall, DebuggeeError> {
        let component = self.timeline.trace().component().clone();
        let crossing = component
            .crossing(frame.open.crossing)
            .ok_or_else(|| failed("the component has no such crossing"))?;
        let mut call = match frame.open.way {
            Way::Out => self.lift_call_out(frame, crossing)?,
            Way::In => self.lift_call_in(frame, crossing)?,
        };
        call.arrived = self.arrived(frame)?;
        call.handles = self.has_handles(&call)?;
        Ok(call)
    }

    fn lift_call_out(
        &mut self,
        frame: &CrossingFrame,
        crossing: &Crossing,
    ) -> Result<ShownCall, DebuggeeError> {
        let trace = self.timeline.trace().clone();
        let component = trace.component().clone();
        let open = &frame.open;
        let recorded = trace.answer_to(open.event).map_err(failed)?;
        let has_returned = self.timeline.phase() == Phase::Answered
            && self.timeline.boundary()?.len() == frame.index + 1;
        let (results, writes) = match &recorded {
            Recorded::Answered(answered) => (answered.results.clone(), answered.writes.clone()),
            Recorded::Missing | Recorded::Far => Default::default(),
        };
        let memory = GuestMemory::new(&mut self.timeline, open.memory);
        let now = |address, length| memory.read(address, length);
        let after = |address, length| match has_returned {
            true => memory.read(address, length),
            false => memory.read_after(&writes, address, length),
        };
        let arguments = call::arguments(
            &component,
            &Lifter::new(&now, crossing.encoding, crossing.pointer),
            crossing,
            &open.args,
        );
        let lifter = Lifter::new(&after, crossing.encoding, crossing.pointer);
        let result = || call::answer(&lifter, crossing, &open.args, &results);
        let outcome = match recorded {
            Recorded::Missing => Outcome::Never(Unanswered::of(trace.outcome(), crossing)),
            Recorded::Far => Outcome::Far,
            Recorded::Answered(_) => match result() {
                Some(status) if awaited(crossing, &status, &open.args).is_some() => {
                    let Some(handle) = awaited(crossing, &status, &open.args) else {
                        return Err(failed("a result is none"));
                    };
                    let (event, instance) = (open.event, open.instance);
                    let told = delivery::delivery(&trace, event, crossing.id, instance, handle);
                    let delivery = told.map_err(failed)?;
                    let result = delivery.as_ref().and_then(|delivery| {
                        let late =
                            |address, length| memory.read_after(&delivery.writes, address, length);
                        let lifter = Lifter::new(&late, crossing.encoding, crossing.pointer);
                        late_result(&lifter, crossing, &open.args, delivery)
                    });
                    Outcome::Late {
                        status,
                        result,
                        delivery,
                    }
                }
                result if has_returned => Outcome::Returned(result),
                result => Outcome::WillReturn(result),
            },
        };
        memory.vouch_for(())?;
        Ok(ShownCall {
            frame: frame.clone(),
            crossing: crossing.clone(),
            arguments,
            outcome,
            flat: call::flat(crossing, &open.args, &results),
            writes: if has_returned { Vec::new() } else { writes },
            arrived: None,
            handles: [Handles::Unknown, Handles::Unknown],
        })
    }

    fn lift_call_in(
        &mut self,
        frame: &CrossingFrame,
        crossing: &Crossing,
    ) -> Result<ShownCall, DebuggeeError> {
        let component = self.timeline.trace().component().clone();
        let open = &frame.open;
        let around = self.timeline.boundary()?;
        let around = around.iter().take(frame.index);
        let entered = around.filter(|open| open.way == Way::In).count();
        let leaving = self.timeline.leaving(entered as u32)?;
        let unanswered = Unanswered::of(self.timeline.trace().outcome(), crossing);
        let memory = GuestMemory::new(&mut self.timeline, open.memory);
        let now = |address, length| memory.read(address, length);
        let lifter = Lifter::new(&now, crossing.encoding, crossing.pointer);
        let arguments = call::arguments(&component, &lifter, crossing, &open.args);
        let (outcome, results) = match leaving {
            CallEnd::Never => (Outcome::Never(unanswered), Vec::new()),
            CallEnd::Far => (Outcome::Far, Vec::new()),
            CallEnd::Returns(results) => {
                let outcome = match call::leaves(&lifter, crossing, &results) {
                    Leaves::Nothing => Outcome::WillReturn(None),
                    Leaves::Value(part) => Outcome::WillReturn(Some(part)),
                    Leaves::Unwritten { address, ty } => Outcome::WillWrite {
                        address,
                        ty: ty.to_string(),
                    },
                };
                (outcome, results)
            }
        };
        memory.vouch_for(())?;
        Ok(ShownCall {
            frame: frame.clone(),
            crossing: crossing.clone(),
            arguments,
            outcome,
            writes: Vec::new(),
            flat: call::flat(crossing, &open.args, &results),
            arrived: None,
            handles: [Handles::Unknown, Handles::Unknown],
        })
    }

    /// Where to look for what the handles of a call stand for, if it passes any: at its
    /// beginning and at its return.
    fn has_handles(&mut self, call: &ShownCall) -> Result<[Handles; 2], DebuggeeError> {
        let open = &call.frame.open;
        let result = call.result();
        let has = |parts: &mut dyn Iterator<Item = &Part>| {
            let mut found = false;
            parts.for_each(|part| part.value.for_each_handle(&mut |_| found = true));
            found
        };
        let arrived = call.arrived.as_ref().and_then(|came| came.part.as_ref());
        let (at_beginning, at_return) = match open.way {
            Way::In => (arrived, None),
            Way::Out => (None, arrived),
        };
        let begins = has(&mut call.arguments.iter().chain(at_beginning)).then_some(open.event);
        let returns = match (&call.outcome, has(&mut result.into_iter().chain(at_return))) {
            (Outcome::Late { delivery, .. }, true) => delivery.as_ref().map(|d| d.event + 1),
            (_, true) if open.way == Way::Out => {
                let answer = self.timeline.trace().answer_to(open.event);
                match answer.map_err(failed)? {
                    Recorded::Answered(answered) => Some(answered.events),
                    Recorded::Missing | Recorded::Far => None,
                }
            }
            _ => None,
        };
        Ok([begins, returns].map(|event| event.map_or(Handles::Unknown, Handles::Awaited)))
    }

    /// Fills in the tables that are known by now.
    fn find_tables(&mut self, call: &mut ShownCall) {
        let instance = call.frame.open.instance;
        for handles in &mut call.handles {
            let Handles::Awaited(event) = *handles else {
                continue;
            };
            let until = Until::Call(event);
            let tables = self.ask_chronicle(until, Lacking::Values, |chronicle| {
                chronicle.handles_at(event, false)
            });
            *handles = match tables {
                Ok(tables) => {
                    let mut tables = tables.into_iter();
                    let own = tables.find(|(of, _)| *of == instance);
                    own.map_or(Handles::Unknown, |(_, table)| Handles::Known(table))
                }
                Err(DebuggeeError::NotYet) => Handles::Awaited(event),
                Err(_) => Handles::Unknown,
            };
        }
    }
}

/// The handle by which the guest is told of the end of a call out, if what it has answered is
/// that it is not done.
fn awaited(crossing: &Crossing, status: &Part, args: &[CoreValue]) -> Option<u32> {
    if let Lifted::Pending(subtask) = &status.value {
        return Some(subtask.handle);
    }
    match crossing.builtin() {
        Some(
            Builtin::Stream(Transmit::Read | Transmit::Write, _)
            | Builtin::Future(Transmit::Read | Transmit::Write, _),
        ) if status.value == Lifted::Enum(CopyAnswer::Blocked.name().to_owned()) => {
            number(args.first()).map(|handle| handle as u32)
        }
        _ => None,
    }
}

/// The result that came late, from the memory that it was written to.
pub(super) fn late_result(
    lifter: &Lifter<'_>,
    crossing: &Crossing,
    args: &[CoreValue],
    delivery: &Delivery,
) -> Option<Part> {
    let value = delivery.resolution.brought(lifter, crossing, args)?;
    let (value, ty) = match delivery.resolution {
        Resolution::Call(_) => (value, crossing.function.as_ref()?.result.clone()),
        // As it would have been answered at once.
        Resolution::Copy(copy) => (
            Lifted::Variant(copy.name().to_owned(), Some(Box::new(value))),
            None,
        ),
    };
    Some(Part::new("result", value, ty))
}

impl ShownCall {
    fn awaits_tables(&self) -> bool {
        let mut handles = self.handles.iter();
        handles.any(|handles| matches!(handles, Handles::Awaited(_)))
    }

    /// The result, if it is known and there is one.
    pub(super) fn result(&self) -> Option<&Part> {
        match &self.outcome {
            Outcome::Returned(result) | Outcome::WillReturn(result) => result.as_ref(),
            Outcome::Late { result, status, .. } => result.as_ref().or(Some(status)),
            Outcome::WillWrite { .. } | Outcome::Never(_) | Outcome::Far => None,
        }
    }

    /// Text and lists of arguments are in the guest's memory, which it may have written
    /// to since it was called.
    pub(super) fn arguments_title(&self) -> &'static str {
        let in_memory =
            !call::blocks_read(&self.crossing, &self.frame.open.args, &self.arguments).is_empty();
        match (self.frame.open.way, in_memory) {
            (Way::In, true) => "Arguments (in memory as it is now)",
            _ => "Arguments",
        }
    }

    pub(super) fn writes_of(&self, of: Of) -> &[Written] {
        match &self.outcome {
            _ if of == Of::Arguments => &[],
            Outcome::Late {
                delivery: Some(delivery),
                ..
            } => &delivery.writes,
            _ => &self.writes,
        }
    }

    pub(super) fn has_no(&self, name: &str) -> DebuggeeError {
        let mut there: Vec<&str> = self.arguments.iter().map(|part| &*part.name).collect();
        if self.result().is_some() {
            there.push("result");
        }
        let came = self.arrived.as_ref().and_then(|came| came.part.as_ref());
        there.extend(came.map(|part| &*part.name));
        failed(format!(
            "{} has no `{name}` here; it has {}",
            self.frame.title,
            match there.is_empty() {
                true => "no values".to_owned(),
                false => there.join(", "),
            }
        ))
    }
}
