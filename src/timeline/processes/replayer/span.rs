//! From where to where a run goes.

use super::here::{Here, Kind};
use super::next::Next;
use crate::replay::{Calling, Phase, Position, Tick};
use crate::timeline::processes::wire::found::{Hit, Reached};
use crate::timeline::processes::wire::run::{StackWatched, StopAt};
use crate::timeline::travel::predicates::Stopped;
use std::ops::ControlFlow;

/// Where a run has begun, and when it is over.
pub(super) struct Span {
    start: Reached,
    stop: StopAt,
    /// The stack that is looked at: nothing counts while it does not run.
    on_stack: Option<StackWatched>,
}

impl Span {
    pub(super) fn new(start: Reached, stop: StopAt, on_stack: Option<StackWatched>) -> Span {
        Span {
            start,
            stop,
            on_stack,
        }
    }

    /// Whether another stack runs than the one that is looked at, or that is no more, or not yet.
    pub(super) fn is_elsewhere(&self, here: &Here<'_, '_>) -> bool {
        let state = here.store.data();
        let looked_at = self.on_stack.as_ref();
        looked_at.is_some_and(|stack| {
            state.is_elsewhere(&stack.serials, stack.and_called) != Some(false)
        })
    }

    pub(super) fn start(&self) -> Reached {
        self.start
    }

    /// Whether the guest stands at the end of it, or behind, where it begins.
    pub(super) fn is_empty(&self, kind: Kind) -> bool {
        let at = self.start;
        match self.stop {
            StopAt::Position(position) => at.position >= position,
            StopAt::Event(event) => matches!(kind, Kind::Calling(_)) && at.event == event,
            StopAt::Tick(tick) | StopAt::FirstBefore(tick) => at.position.tick >= tick,
            StopAt::LastBefore(bound) | StopAt::FirstUntil(bound) => at.position >= bound,
            StopAt::First | StopAt::Answered(_) | StopAt::End => false,
        }
    }

    /// The position that the run goes to, if it does.
    pub(super) fn target(&self) -> Option<Position> {
        match self.stop {
            StopAt::Position(position) => Some(position),
            _ => None,
        }
    }

    /// The position before which the last hit is wanted, if the run is for that.
    pub(super) fn bound(&self) -> Option<Position> {
        match self.stop {
            StopAt::LastBefore(bound) => Some(bound),
            _ => None,
        }
    }

    /// Whether the guest has come to where no moment counts any more.
    pub(super) fn is_behind(&self, here: &mut Here<'_, '_>) -> bool {
        match self.stop {
            StopAt::FirstUntil(last) => here.cmp(last).is_gt(),
            _ => false,
        }
    }

    /// Whether the run ends at the first hit.
    pub(super) fn is_to_first(&self) -> bool {
        matches!(
            self.stop,
            StopAt::First | StopAt::FirstBefore(_) | StopAt::FirstUntil(_)
        )
    }

    /// Notes a hit of a search that takes hits one by one: whether the run is over.
    pub(super) fn note(&self, noted: &mut Option<Hit>, hit: Hit) -> ControlFlow<()> {
        match self.stop {
            StopAt::First | StopAt::FirstBefore(_) | StopAt::FirstUntil(_) | StopAt::Event(_) => {
                *noted = Some(hit);
                ControlFlow::Break(())
            }
            StopAt::LastBefore(_) => {
                *noted = Some(hit);
                ControlFlow::Continue(())
            }
            StopAt::Position(_) | StopAt::Answered(_) | StopAt::Tick(_) | StopAt::End => {
                ControlFlow::Continue(())
            }
        }
    }

    /// The tick at which the clock is to stop for the end of it.
    pub(super) fn tick(&self) -> Option<Tick> {
        match self.stop {
            StopAt::Position(position) => Some(position.tick),
            StopAt::LastBefore(bound) | StopAt::FirstUntil(bound) => {
                Some(Tick(bound.tick.0.saturating_add(1)))
            }
            StopAt::Tick(tick) | StopAt::FirstBefore(tick) => Some(tick),
            StopAt::First | StopAt::Event(_) | StopAt::Answered(_) | StopAt::End => None,
        }
    }

    /// Whether it may end at a call out.
    pub(super) fn may_end_at(&self, call: &Calling) -> bool {
        match self.stop {
            StopAt::Event(event) => event <= call.event,
            StopAt::Position(position) => position.phase == Phase::Calling,
            _ => false,
        }
    }

    /// Whether it may end at the return of a call out.
    pub(super) fn may_end_at_return(&self, call: &Calling) -> bool {
        match self.stop {
            // Not at that of one that is made in it.
            StopAt::Answered(event) => event == call.event,
            StopAt::Position(position) => position.phase == Phase::Answered,
            _ => false,
        }
    }

    /// What is done at a moment inside of it, if that has to do with where it ends.
    pub(super) fn arrive(&self, here: &mut Here<'_, '_>) -> Option<Next> {
        let is_over = match self.stop {
            StopAt::Event(event) => matches!(here.kind, Kind::Calling(_)) && here.event() >= event,
            StopAt::Tick(tick) | StopAt::FirstBefore(tick) => here.tick() >= tick,
            StopAt::Answered(_) => here.kind == Kind::Answered,
            StopAt::Position(position) => here.cmp(position).is_ge(),
            StopAt::First | StopAt::FirstUntil(_) | StopAt::LastBefore(_) | StopAt::End => false,
        };
        if is_over || here.kind == Kind::End {
            return Some(Next::Stand);
        }
        let target = self.target()?;
        let is_hook = matches!(here.kind, Kind::Tick | Kind::Resumed);
        let is_near = is_hook && here.tick() == target.tick;
        is_near.then_some(Next::Approach(target))
    }
}
