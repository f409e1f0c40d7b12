//! What the program is told of in a crossing that is in progress: the end of something that it had begun,
//! with what came.

use super::Recording;
use super::boundary::CrossingFrame;
use super::calls::late_result;
use super::guest_memory::GuestMemory;
use crate::component::Crossing;
use crate::component::types::CoreValue;
use crate::debuggee::{DebuggeeError, grouped};
use crate::inspect::hostcall::arrivals::{Arrivals, Told};
use crate::inspect::hostcall::builtin_call::number;
use crate::inspect::hostcall::delivery;
use crate::inspect::hostcall::lift::Lifter;
use crate::inspect::hostcall::part::Part;
use crate::replay::InstanceId;
use crate::replay::boundary::Way;
use crate::trace::{Entered, EventKind, Instance, Written};
use std::sync::Arc;

/// In a recording with more hostcalls what came is not looked for by the way: a pass over all of it
/// takes seconds.
const MOST: u64 = 1 << 20;

/// What came.
#[derive(Debug, Clone)]
pub(super) struct Arrived {
    /// The hostcall that began it.
    pub(super) crossing: Crossing,
    /// The value; `None` where that is nothing.
    pub(super) part: Option<Part>,
    /// Which hostcall it was, and how it ended.
    pub(super) how: String,
    /// The memory that the value is in.
    pub(super) memory: Option<(InstanceId, u32)>,
    /// What will have been written there when it is told.
    pub(super) writes: Vec<Written>,
}

/// A hostcall as it was made.
struct Begun {
    event: u64,
    instance: Instance,
    crossing: Crossing,
    args: Vec<CoreValue>,
}

impl Recording {
    /// What the program is told of in a crossing.
    ///
    /// # Errors
    ///
    /// If replayers die, or the recording is damaged.
    pub(super) fn arrived(
        &mut self,
        frame: &CrossingFrame,
    ) -> Result<Option<Arrived>, DebuggeeError> {
        let Some(arrivals) = self.arrivals_by_the_way() else {
            return Ok(None);
        };
        let open = &frame.open;
        let is_told_here = |told: &Told| match open.way {
            Way::Out => told.in_call(),
            Way::In => {
                let entered = Entered::new(open.event, open.instance, open.crossing, &open.args);
                told.callback == Some(entered)
            }
        };
        let mut told = arrivals.told_at(open.event);
        let Some((event, told)) = told.rfind(|(_, told)| is_told_here(told)) else {
            return Ok(None);
        };
        let Some(begun) = self.begun(event) else {
            return Ok(None);
        };
        let Begun { crossing, args, .. } = &begun;
        let subtask = arrivals.of(event).and_then(|arrival| arrival.subtask);
        let handle = subtask.or_else(|| number(args.first()).map(|handle| handle as u32));
        let failed = |error: crate::trace::TraceError| DebuggeeError::other(error.to_string());
        let trace = self.timeline.trace().clone();
        let delivery = delivery::delivery(
            &trace,
            event,
            crossing.id,
            begun.instance,
            handle.unwrap_or_default(),
        );
        let delivery = delivery.map_err(failed)?;
        let place = self.timeline.memory_of(begun.instance, crossing.id)?;
        let memory = GuestMemory::new(&mut self.timeline, place);
        let part = delivery.as_ref().and_then(|delivery| {
            let late = |address, length| memory.read_after(&delivery.writes, address, length);
            let lifter = Lifter::new(&late, crossing.encoding, crossing.pointer);
            late_result(&lifter, crossing, args, delivery)
        });
        memory.vouch_for(())?;
        let name = crossing.name.rsplit('#').next().unwrap_or(&crossing.name);
        let resolution = told.resolution.text(None);
        Ok(Some(Arrived {
            part: part.map(|part| Part {
                name: NAME.to_owned(),
                ..part
            }),
            how: format!("{name} of hostcall {}: {resolution}", grouped(begun.event)),
            memory: place,
            writes: delivery.map_or_else(Vec::new, |delivery| delivery.writes),
            crossing: crossing.clone(),
        }))
    }

    /// What was begun and came to its end later, if that is known, or can be told at once.
    pub(super) fn arrivals_by_the_way(&mut self) -> Option<Arc<Arrivals>> {
        if self.arrivals.is_none() && self.readable().0 <= MOST {
            let arrivals = Arrivals::of_while(self.timeline.trace(), || true);
            self.arrivals = arrivals.map(Arc::new);
        }
        self.arrivals.clone()
    }

    fn begun(&self, event: u64) -> Option<Begun> {
        let trace = self.timeline.trace();
        let call = trace.events_from(event).ok()?.next().ok()??;
        let EventKind::Call(args) = call.kind else {
            return None;
        };
        Some(Begun {
            event,
            instance: call.instance,
            crossing: trace.component().crossing(call.crossing)?.clone(),
            args,
        })
    }
}

/// What the value is called among those of a crossing.
pub(super) const NAME: &str = "arrived";
