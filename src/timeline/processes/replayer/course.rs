//! A run in progress: a search, and from where to where it goes.

use super::here::{Here, Kind};
use super::next::{Next, Places};
use super::seek::{Over, Seek, Touch};
use super::span::Span;
use super::timeline_socket::TimelineSocket;
use crate::replay::{Calling, Position, Tick};
use crate::timeline::processes::wire::ask::{Errand, Meanwhile};
use crate::timeline::processes::wire::found::Reached;
use crate::timeline::travel::motion::LogEntry;
use crate::timeline::travel::predicates::Predicates;
use std::marker::PhantomData;

/// A run in progress, whatever it looks for.
pub(super) trait Running: Send {
    /// The position that it goes to, if it does.
    fn target(&self) -> Option<Position>;

    /// The next tick after `now` at which the clock is to stop.
    fn next_tick(&self, now: Tick) -> Option<Tick>;

    /// In the clock's hook: whether there is nothing to do but to go on to the next tick.
    fn passes(&mut self, here: &mut Here<'_, '_>) -> bool;

    /// Whether who asked wants to know how far it has come.
    fn tells_progress(&self) -> bool;

    /// Whether the run may end where optimised code does not know the tick.
    fn ends_anywhere(&self) -> bool;

    /// Whether a call out has to be looked at.
    fn watches(&self, call: &Calling) -> bool;

    /// Whether the return of a call out has to be looked at.
    fn watches_return(&self, call: &Calling) -> bool;

    /// Looks at where it begins.
    fn look_at_start(&mut self, here: &mut Here<'_, '_>, predicates: &mut dyn Predicates);

    /// The guest has come somewhere.
    fn arrive(&mut self, here: &mut Here<'_, '_>, predicates: &mut dyn Predicates) -> Next;

    /// The guest, or the far side, has written to memory, or a memory has come to be.
    fn touched(&mut self, here: &mut Here<'_, '_>, touch: Touch<'_>);

    /// Takes back what the search has put into the guest.
    fn withdraw(&mut self, here: &mut Here<'_, '_>);

    /// What has been logged and can be told now, if it is so many.
    fn take_log(&mut self, at_least: usize) -> Vec<LogEntry>;

    /// Ends where the guest stands, and answers.
    fn end(self: Box<Self>, at: Reached, timeline: &mut TimelineSocket);
}

/// A run that answers an errand, and where breakpoints must be for it.
pub(super) struct Underway<E> {
    pub(super) run: Box<dyn Running>,
    pub(super) places: Places,
    errand: PhantomData<fn(E)>,
}

impl<E: Errand> Underway<E> {
    /// Begins where the guest stands.
    pub(super) fn begin(
        seek: impl Seek<Errand = E>,
        span: Span,
        here: &mut Here<'_, '_>,
    ) -> Underway<E> {
        let mut seek = seek;
        let mut places = seek.begin(&span, here);
        places.sort_unstable();
        places.dedup();
        Underway {
            run: Box::new(Course { seek, span }),
            places,
            errand: PhantomData,
        }
    }
}

struct Course<S> {
    seek: S,
    span: Span,
}

impl<S: Seek> Running for Course<S> {
    fn target(&self) -> Option<Position> {
        self.span.target()
    }

    fn next_tick(&self, now: Tick) -> Option<Tick> {
        let wanted = [self.span.tick(), self.seek.next_tick(now)];
        let ahead = wanted.into_iter().flatten().filter(|tick| *tick > now);
        ahead.min()
    }

    fn passes(&mut self, here: &mut Here<'_, '_>) -> bool {
        self.seek.passes(here)
    }

    fn tells_progress(&self) -> bool {
        S::TELLS_PROGRESS
    }

    fn ends_anywhere(&self) -> bool {
        S::ENDS_ANYWHERE
    }

    fn watches(&self, call: &Calling) -> bool {
        self.seek.watches(call) || self.span.may_end_at(call)
    }

    fn watches_return(&self, call: &Calling) -> bool {
        self.seek.watches_return() || self.span.may_end_at_return(call)
    }

    fn look_at_start(&mut self, here: &mut Here<'_, '_>, predicates: &mut dyn Predicates) {
        if self.span.bound().is_some() {
            self.seek.look_at_start(&self.span, here, predicates);
        }
    }

    fn arrive(&mut self, here: &mut Here<'_, '_>, predicates: &mut dyn Predicates) -> Next {
        let Some(found) = self.seek.find(here) else {
            return Next::GoOn;
        };
        if let Some(bound) = self.span.bound()
            && here.cmp(bound).is_ge()
        {
            if here.cmp(bound).is_eq() {
                self.seek.come_to_bound(here);
            }
            return Next::Stand;
        }
        if self.span.is_behind(here) {
            return Next::Stand;
        }
        if here.cmp(self.span.start().position).is_gt() && !self.span.is_elsewhere(here) {
            let flow = self.seek.arrive(found, &self.span, here, predicates);
            if flow.is_break() {
                return Next::Stand;
            }
        }
        if let Some(next) = self.span.arrive(here) {
            return next;
        }
        match here.kind {
            Kind::Tick | Kind::Resumed => self.seek.tick(here).into(),
            Kind::Breakpoint => self.seek.at_breakpoint().into(),
            _ => Next::GoOn,
        }
    }

    fn touched(&mut self, here: &mut Here<'_, '_>, touch: Touch<'_>) {
        self.seek.touched(here, touch);
    }

    fn withdraw(&mut self, here: &mut Here<'_, '_>) {
        self.seek.withdraw(here);
    }

    fn take_log(&mut self, at_least: usize) -> Vec<LogEntry> {
        self.seek.take_log(&self.span, at_least)
    }

    fn end(self: Box<Self>, at: Reached, timeline: &mut TimelineSocket) {
        let Over { log, answer } = self.seek.end(&self.span, at);
        if !log.is_empty() {
            timeline.tell(Meanwhile::Log(log));
        }
        timeline.over::<S::Errand>(answer);
    }
}
