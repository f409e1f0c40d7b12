//! How a run ended, where nobody wrote it down: whoever takes records outside the
//! process that runs the component, or is killed with it, cannot.

use super::cursor::Cursor;
use super::error::TraceError;
use super::event::{Event, EventKind};
use super::metadata::Outcome;
use super::nesting::Depth;
use super::stored_events::StoredEvents;
use crate::component::types::{CoreValue, ValueType};
use crate::component::{Component, Crossing, CrossingKind};
use std::sync::Arc;

/// What a function lifted with `async`, or its callback, answers when it is done, in the
/// bits of [`CODE`].
pub(crate) const EXIT: i32 = 0;
/// The bits of such an answer that tell what is to be done next; the rest names a waitable set.
pub(crate) const CODE: i32 = 0xf;

/// Infers the outcome from the last events.
///
/// - They end with the return of a lifted function that the outside called: it
///   returned. What comes after, a memory hash and the `post-return`, changes
///   nothing. A function lifted with `async` has returned when it, or its callback,
///   answers that it is done; what it called before that says nothing against it.
/// - They end with a call of the host's exit function: it exited.
/// - Else the recording was cut off. So it was where the last events are damaged;
///   reading them tells.
pub(super) fn infer(stored: &Arc<StoredEvents>) -> Outcome {
    for piece in (0..stored.pieces()).rev() {
        match last_of(stored, piece) {
            Ok(Last::Nothing) => {}
            Ok(Last::Returned { success }) if is_top_level(stored) => {
                return Outcome::Returned {
                    success,
                    result: None,
                };
            }
            Ok(Last::Exit(status)) => return Outcome::Exited(status),
            Ok(Last::Returned { .. } | Last::Other) | Err(_) => return Outcome::CutOff,
        }
    }
    Outcome::CutOff
}

/// The last event that says something about the ending.
enum Last {
    Nothing,
    /// A lifted function returned.
    Returned {
        success: bool,
    },
    Exit(i32),
    Other,
}

fn last_of(stored: &Arc<StoredEvents>, piece: usize) -> Result<Last, TraceError> {
    let mut last = Last::Nothing;
    let mut cursor = Cursor::over(stored, piece);
    while let Some(event) = cursor.next()? {
        if let Some(crossing) = stored.component.crossing(event.crossing) {
            last = after(last, &stored.component, &event, crossing);
        }
    }
    Ok(last)
}

fn after(last: Last, component: &Component, event: &Event, crossing: &Crossing) -> Last {
    match (&event.kind, &crossing.kind) {
        (EventKind::Hash(_), _) | (_, CrossingKind::PostReturn) => last,
        (EventKind::Leave(results), CrossingKind::Lift | CrossingKind::Callback)
            if crossing.is_async || crossing.kind == CrossingKind::Callback =>
        {
            match results.first() {
                Some(CoreValue::I32(answer)) if answer & CODE == EXIT => {
                    Last::Returned { success: true }
                }
                _ => Last::Other,
            }
        }
        (EventKind::Leave(results), CrossingKind::Lift) => Last::Returned {
            success: !is_error(crossing, results),
        },
        (EventKind::Call(args), _) => match component.exit_status(event.instance, crossing, args) {
            Some(status) => Last::Exit(status),
            None => Last::Other,
        },
        _ => Last::Other,
    }
}

/// Whether a lifted function returned the error of a `result` without payloads, as
/// commands do; others have theirs in memory.
fn is_error(crossing: &Crossing, results: &[CoreValue]) -> bool {
    let ty = crossing.function.as_ref().and_then(|f| f.result.as_ref());
    matches!(ty, Some(ValueType::Result(None, None)))
        && matches!(results.first(), Some(CoreValue::I32(1)))
}

/// Whether nothing is in progress after the last event. Only where components call
/// each other the events must be counted to know it.
fn is_top_level(stored: &Arc<StoredEvents>) -> bool {
    stored.component.instances() == 1 || depth(stored).is_ok_and(|depth| depth.open() == 0)
}

/// How many calls are open after the last event.
fn depth(stored: &Arc<StoredEvents>) -> Result<Depth, TraceError> {
    let mut depth = Depth::default();
    let mut cursor = Cursor::new(stored);
    while let Some(event) = cursor.next()? {
        if let Some(edge) = event.kind.edge() {
            // Nothing is open at the beginning; of a forged recording anything may end. How many
            // are open does not depend on which of them ends.
            _ = depth.follow(edge);
        }
    }
    Ok(depth)
}
