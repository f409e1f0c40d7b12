//! What a recording says of a call that is open: how it ends, and what it is answered.

use super::cursor::Cursor;
use super::error::TraceError;
use super::event::{Event, EventKind, Instance};
use super::nesting::{Depth, Edge, Way};
use super::reader::Trace;
use crate::component::CrossingId;
use crate::component::types::CoreValue;
use serde::{Deserialize, Serialize};

/// Events that the end of a call is searched for in: a call of another component may
/// hold any number of calls of its own.
const MAX_LOOK_AHEAD: usize = 100_000;

/// A call that has not returned where a cursor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenCall {
    /// Whether the guest calls or is called.
    pub way: Way,
    /// The component instance on the guest's side.
    pub instance: Instance,
    /// What is called.
    pub crossing: CrossingId,
    /// How many calls that were made after it have not returned either.
    pub inside: u64,
    /// How many calls out its instance has made after it, if it is one.
    pub after: u32,
}

/// What a recording says of the end of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallEnd {
    /// It returns these flat results.
    Returns(Vec<CoreValue>),
    /// The recording ends before it returns.
    Never,
    /// It returns after so many other events that they were not looked through.
    Far,
}

/// What a recording says of a call out of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// The call returns, and this is what came back.
    Answered(Answered),
    /// The recording ends before the call returns.
    Missing,
    /// It returns after so many other events that they were not looked through.
    Far,
}

/// How a call out of the guest was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Flat results.
    pub results: Vec<CoreValue>,
    /// What the far side wrote into the memory of the crossing, in order.
    pub writes: Vec<Written>,
    /// Outgoing crossings made before it returned, itself included.
    pub events: u64,
}

/// Bytes that the far side wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The crossing that the recording counts them to.
    pub crossing: CrossingId,
    /// Where in the memory of the crossing they begin, in bytes.
    pub address: u64,
    /// What is there when it has written.
    pub bytes: Vec<u8>,
}

impl Trace {
    /// Who makes the call out with this number, and what it calls; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If the trace is damaged there.
    pub fn call_out(&self, event: u64) -> Result<Option<(Instance, CrossingId)>, TraceError> {
        let call = self.events_from(event)?.next()?;
        Ok(call.map(|call| (call.instance, call.crossing)))
    }

    /// The call out that is the last thing in the recording: its number, and what was called.
    pub fn ends_in(&self) -> Option<(u64, CrossingId)> {
        let last = self.hostcalls().ok()?.checked_sub(1)?;
        let mut cursor = self.events_from(last).ok()?;
        let call = cursor.next().ok()??;
        let ends = matches!(cursor.next(), Ok(None));
        ends.then_some((last, call.crossing))
    }

    /// The answer to the call out with this number.
    ///
    /// # Errors
    ///
    /// If the trace is damaged there.
    pub fn answer_to(&self, event: u64) -> Result<Recorded, TraceError> {
        let mut cursor = self.events_from(event)?;
        match cursor.next()? {
            Some(call) => cursor.answer(OpenCall {
                way: Way::Out,
                instance: call.instance,
                crossing: call.crossing,
                inside: 0,
                after: 0,
            }),
            None => Ok(Recorded::Missing),
        }
    }
}

impl Cursor {
    /// Goes on to the end of a call that is open here.
    ///
    /// # Errors
    ///
    /// If the trace is damaged there, or calls do not nest.
    pub fn end_of(&mut self, call: OpenCall) -> Result<CallEnd, TraceError> {
        self.find_end(call, |_| {})
    }

    /// The answer to a call out of the guest that is open here.
    ///
    /// # Errors
    ///
    /// As [`Cursor::end_of`].
    pub fn answer(mut self, call: OpenCall) -> Result<Recorded, TraceError> {
        let component = self.component().clone();
        let memory = |id| component.crossing(id).map(|crossing| crossing.memory);
        let mut writes = Vec::new();
        let end = self.find_end(call, |event| {
            // What lies in another memory does not belong to the answer.
            let is_own =
                event.instance == call.instance && memory(event.crossing) == memory(call.crossing);
            if let EventKind::Write { address, bytes } = event.kind
                && is_own
            {
                writes.push(Written {
                    crossing: event.crossing,
                    address,
                    bytes,
                });
            }
        })?;
        Ok(match end {
            CallEnd::Returns(results) => Recorded::Answered(Answered {
                results,
                writes,
                events: self.event(),
            }),
            CallEnd::Never => Recorded::Missing,
            CallEnd::Far => Recorded::Far,
        })
    }

    fn find_end(
        &mut self,
        call: OpenCall,
        mut before: impl FnMut(Event),
    ) -> Result<CallEnd, TraceError> {
        let mut depth = Depth::new(call.inside);
        let mut after = call.after;
        // Whether another stack runs: the call ends where it is said that it goes on.
        let mut waits = false;
        for _ in 0..MAX_LOOK_AHEAD {
            let Some(event) = self.next()? else {
                return Ok(CallEnd::Never);
            };
            match event.kind {
                EventKind::Call(_) if event.instance == call.instance => {
                    after = after.wrapping_add(1);
                }
                EventKind::Resume(of) => {
                    let goes_on = (event.instance, event.crossing, of);
                    waits = goes_on != (call.instance, call.crossing, after);
                    match (call.way, waits) {
                        (Way::Out, false) => depth = Depth::default(),
                        (Way::Out, true) => {}
                        // Which calls it waits in is not known here.
                        (Way::In, _) => return Ok(CallEnd::Far),
                    }
                    continue;
                }
                _ => {}
            }
            if waits {
                continue;
            }
            let edge = event.kind.edge();
            let ends = edge.is_some_and(|edge| !depth.follow(edge));
            if !ends {
                before(event);
                continue;
            }
            let ended = (edge, event.instance, event.crossing);
            match event.kind {
                EventKind::Return(results) | EventKind::Leave(results)
                    if ended == (Some(Edge::Ends(call.way)), call.instance, call.crossing) =>
                {
                    return Ok(CallEnd::Returns(results));
                }
                _ => return Err(self.not_nested(event.crossing, call.crossing)),
            }
        }
        Ok(CallEnd::Far)
    }

    fn not_nested(&self, returned: CrossingId, waiting: CrossingId) -> TraceError {
        let crossing = |id| self.component().crossing(id);
        let name = |id| crossing(id).map_or("a crossing", |crossing| &crossing.name);
        self.damaged(format!(
            "{} returns before {}, which was called after it",
            name(returned),
            name(waiting)
        ))
    }
}
