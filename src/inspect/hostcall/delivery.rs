//! Results that come late: of asynchronous calls, reads and writes that were not done when they
//! returned.

use super::builtin_call::number;
use super::resolution::Resolution;
use crate::component::{Builtin, CrossingId, CrossingKind, Transmit};
use crate::trace::{Event, EventKind, Instance, Trace, TraceError, Written};

/// Events that a delivery is looked for in.
const MAX_LOOK_AHEAD: usize = 1_000_000;
/// Bytes that are kept of what is written meanwhile.
const MAX_WRITTEN: usize = 64 << 20;

/// How the guest was told that an asynchronous call, a read or a write has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The number of the call out that told, or, for a callback, of the first one that
    /// is made after it was entered.
    pub event: u64,
    /// The crossing: a `waitable-set.wait` or `waitable-set.poll`, a callback, or the
    /// `subtask.cancel` or `stream.cancel-read` that came too late or cancelled it.
    pub told_by: CrossingId,
    /// How it ended.
    pub resolution: Resolution,
    /// What was written into its memory from the call on: address and bytes.
    pub writes: Vec<Written>,
}

/// A call that may tell, until it answers.
struct Asking {
    about: About,
    /// Its number.
    event: u64,
    /// Which it is of the instance's calls out that are looked through.
    number: u32,
}

/// What a call that may tell is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// Any waitable of a set: its index and state are written to this address.
    EventAt(u64),
    /// This waitable: the call answers how it stands.
    Waitable(u32),
}

/// Where the guest is told what became of the call out with this number, which is the
/// subtask `handle` of `instance`, or a read or a write of that end of a stream or future; `None`
/// if it never is, or too far away.
///
/// # Errors
///
/// If the trace is damaged there.
pub fn delivery(
    trace: &Trace,
    event: u64,
    crossing: CrossingId,
    instance: Instance,
    handle: u32,
) -> Result<Option<Delivery>, TraceError> {
    let component = trace.component();
    let mut cursor = trace.events_from(event)?;
    let memory = |id| component.crossing(id).map(|crossing| crossing.memory);
    let mut writes = Vec::new();
    let mut left = MAX_WRITTEN;
    let mut asking: Vec<Asking> = Vec::new();
    let mut payload = None;
    // Calls out of the instance, from here on.
    let mut made = 0_u32;
    for _ in 0..MAX_LOOK_AHEAD {
        let number_now = cursor.event();
        let Some(Event {
            instance: of,
            crossing: id,
            kind,
        }) = cursor.next()?
        else {
            return Ok(None);
        };
        if of != instance {
            continue;
        }
        let Some(what) = component.crossing(id).map(|crossing| &crossing.kind) else {
            continue;
        };
        let asks = match what {
            CrossingKind::Builtin(builtin) => asks(builtin),
            _ => None,
        };
        if let EventKind::Call(_) = kind {
            made = made.wrapping_add(1);
        }
        let (told, at) = match kind {
            EventKind::Resume(after) if asks.is_some() => {
                let goes_on = made.wrapping_sub(after);
                if let Some(at) = asking.iter().rposition(|call| call.number == goes_on) {
                    let resumed = asking.remove(at);
                    asking.push(resumed);
                }
                continue;
            }
            EventKind::Write { address, bytes } => {
                let awaited = asking.last().map(|call| call.about);
                if awaited == Some(About::EventAt(address)) && bytes.len() >= 8 {
                    payload = two_words(&bytes);
                } else if memory(id) == memory(crossing) {
                    left = left.saturating_sub(bytes.len());
                    if left > 0 {
                        writes.push(Written {
                            crossing: id,
                            address,
                            bytes,
                        });
                    }
                }
                continue;
            }
            EventKind::Call(args) if asks.is_some() => {
                let word = |index| number(args.get(index)).unwrap_or(0);
                asking.push(Asking {
                    about: match asks {
                        Some(Asks::Cancels) => About::Waitable(word(0) as u32),
                        _ => About::EventAt(word(1)),
                    },
                    event: number_now,
                    number: made,
                });
                payload = None;
                continue;
            }
            EventKind::Return(results) if asks.is_some() => {
                let call = asking.pop();
                let answer = number(results.first()).map(|answer| answer as u32);
                let (Some(call), Some(answer)) = (call, answer) else {
                    continue;
                };
                let told = match (call.about, payload.take(), what) {
                    (About::EventAt(_), Some((waitable, state)), _) => {
                        Some((waitable, Resolution::of_event(answer, state)))
                    }
                    (About::Waitable(waitable), _, CrossingKind::Builtin(builtin)) => {
                        Some((waitable, Resolution::of_cancelling(builtin, answer)))
                    }
                    _ => None,
                };
                (told, call.event)
            }
            EventKind::Enter(args) if *what == CrossingKind::Callback => {
                let word = |index| number(args.get(index)).map(|word| word as u32);
                let told = match (word(0), word(1), word(2)) {
                    (Some(code), Some(waitable), Some(state)) => {
                        Some((waitable, Resolution::of_event(code, state)))
                    }
                    _ => None,
                };
                (told, number_now)
            }
            _ => continue,
        };
        if let Some((waitable, Some(resolution))) = told
            && waitable == handle
        {
            return Ok(Some(Delivery {
                event: at,
                told_by: id,
                resolution,
                writes,
            }));
        }
    }
    Ok(None)
}

/// How a built-in may tell of an end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// It waits for events.
    Waits,
    /// It ends something.
    Cancels,
}

fn asks(builtin: &Builtin) -> Option<Asks> {
    match builtin {
        Builtin::WaitableSetWait | Builtin::WaitableSetPoll => Some(Asks::Waits),
        Builtin::SubtaskCancel
        | Builtin::Stream(Transmit::CancelRead | Transmit::CancelWrite, _)
        | Builtin::Future(Transmit::CancelRead | Transmit::CancelWrite, _) => Some(Asks::Cancels),
        _ => None,
    }
}

/// The index and the code of an event, as they are written to memory.
pub(super) fn two_words(bytes: &[u8]) -> Option<(u32, u32)> {
    let (first, rest) = bytes.split_first_chunk()?;
    let second = rest.first_chunk()?;
    Some((u32::from_le_bytes(*first), u32::from_le_bytes(*second)))
}
