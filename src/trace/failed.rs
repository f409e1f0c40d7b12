//! Which calls out of the guest answered an error: read off the recording, from its end.

use super::error::TraceError;
use super::event::{Event, EventKind, Instance};
use super::format::UNCOUNTED;
use super::reader::Trace;
use crate::component::CrossingId;
use crate::component::types::CoreValue;
use std::collections::HashMap;

/// Calls that are open at the same time, of those that may answer an error.
const MOST_OPEN: usize = 1 << 12;
/// So many events behind a section, answers to the calls in it are looked for.
const MOST_BEHIND: u64 = 1_000_000;
/// Whether anybody still wants to know is asked after so many events.
const ASK_EVERY: u64 = 4096;

/// A call whose answer is still to come.
struct Open {
    event: u64,
    instance: Instance,
    crossing: CrossingId,
    args: Vec<CoreValue>,
    /// The byte at the return area that tells the case of its result.
    case: Option<u8>,
    /// Whether it may answer an error.
    may_fail: bool,
    /// Which of its instance's calls out it is, of those that were read.
    number: u32,
}

impl Trace {
    /// The last call out whose recorded answer is an error, by its number, of those before
    /// `before`; `None` if none is, or `go_on`, which is asked now and then, ends it.
    ///
    /// # Errors
    ///
    /// If the trace is damaged in what is read: from its end as far as that call.
    pub fn last_failed(
        &self,
        before: u64,
        go_on: impl Fn() -> bool,
    ) -> Result<Option<u64>, TraceError> {
        let sections = self.stored().sections.iter();
        let mut starts: Vec<u64> = sections
            .map(|section| section.first_event)
            .filter(|first| *first != UNCOUNTED && *first < before)
            .collect();
        starts.push(0);
        starts.sort_unstable();
        starts.dedup();
        let mut end = before;
        while let Some(start) = starts.pop() {
            match self.last_failed_in(start, end, &go_on)? {
                Scanned::Found(event) => return Ok(Some(event)),
                Scanned::None => {}
                Scanned::GivenUp => return Ok(None),
            }
            end = start;
        }
        Ok(None)
    }

    /// The last of the calls from `start` on, and before `end`.
    fn last_failed_in(
        &self,
        start: u64,
        end: u64,
        go_on: &impl Fn() -> bool,
    ) -> Result<Scanned, TraceError> {
        let component = self.component();
        let mut cursor = self.events_from(start)?;
        let mut open: Vec<Open> = Vec::new();
        let mut made: HashMap<Instance, u32> = HashMap::new();
        let mut resumed = None;
        let mut failed = None;
        let mut behind = 0;
        for count in 1_u64.. {
            let number = cursor.event();
            if number >= end {
                behind += 1;
                if open.iter().all(|call| call.event >= end) || behind > MOST_BEHIND {
                    break;
                }
            }
            if count.is_multiple_of(ASK_EVERY) && !go_on() {
                return Ok(Scanned::GivenUp);
            }
            let Some(Event {
                instance,
                crossing,
                kind,
            }) = cursor.next()?
            else {
                break;
            };
            match kind {
                EventKind::Call(args) => {
                    let of = component.crossing(crossing);
                    let may_fail = number < end && of.is_some_and(|of| of.may_answer_error());
                    if open.len() >= MOST_OPEN {
                        return Ok(Scanned::GivenUp);
                    }
                    let made = made.entry(instance).or_insert(0_u32);
                    *made = made.wrapping_add(1);
                    open.push(Open {
                        number: *made,
                        event: number,
                        instance,
                        crossing,
                        args: if may_fail { args } else { Vec::new() },
                        case: None,
                        may_fail,
                    });
                }
                EventKind::Write { address, bytes } => {
                    let memory = component.crossing(crossing).map(|of| of.memory);
                    let waiting = open
                        .iter_mut()
                        .filter(|call| call.may_fail && call.instance == instance);
                    for call in waiting {
                        let Some(of) = component.crossing(call.crossing) else {
                            continue;
                        };
                        let at = of.result_address(&call.args);
                        let offset = at.and_then(|at| at.checked_sub(address));
                        let offset = offset.and_then(|offset| usize::try_from(offset).ok());
                        let byte = offset.and_then(|offset| bytes.get(offset));
                        if let Some(byte) = byte.filter(|_| Some(of.memory) == memory) {
                            call.case = Some(*byte);
                        }
                    }
                }
                EventKind::Return(results) => {
                    let is_its =
                        |call: &Open| (call.instance, call.crossing) == (instance, crossing);
                    let last = open
                        .iter()
                        .rposition(is_its)
                        .filter(|at| at + 1 == open.len());
                    // One that was called before is nobody's here. One that has waited while
                    // others went on is told by whether it is said to go on.
                    let Some(call) = resumed.take().or(last).map(|at| open.remove(at)) else {
                        continue;
                    };
                    let answers_error = component
                        .crossing(crossing)
                        .is_some_and(|of| of.answers_error(&results, call.case));
                    if call.may_fail && answers_error {
                        failed = failed.max(Some(call.event));
                    }
                }
                EventKind::Resume(after) => {
                    let made = made.get(&instance).copied().unwrap_or_default();
                    let goes_on = (instance, crossing, made.wrapping_sub(after));
                    let is_it =
                        |call: &Open| (call.instance, call.crossing, call.number) == goes_on;
                    resumed = open.iter().rposition(is_it);
                }
                EventKind::Enter(_) | EventKind::Leave(_) | EventKind::Hash(_) => {}
            }
        }
        Ok(failed.map_or(Scanned::None, Scanned::Found))
    }
}

enum Scanned {
    Found(u64),
    None,
    /// Nobody wants to know any more.
    GivenUp,
}
