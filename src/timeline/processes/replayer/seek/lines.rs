//! Looking for line starts, and for what a step into calls enters.

use super::entering::Entering;
use super::line_tracker::LineTracker;
use super::{Over, Seek, at_instruction};
use crate::replay::Tick;
use crate::timeline::processes::replayer::here::{Here, Kind};
use crate::timeline::processes::replayer::near::frames_of;
use crate::timeline::processes::replayer::next::{Edit, Places};
use crate::timeline::processes::replayer::span::Span;
use crate::timeline::processes::wire::found::{Hit, LastHit, Reached, RunEnd};
use crate::timeline::processes::wire::run::{LineWatch, Run};
use crate::timeline::travel::predicates::Predicates;
use std::ops::ControlFlow;

/// A search for line starts.
pub(in super::super) struct Lines {
    tracker: LineTracker,
    /// For a step into calls.
    entering: Option<Entering>,
    first: Option<Hit>,
}

impl Lines {
    pub(in super::super) fn new(watch: LineWatch, here: &mut Here<'_, '_>) -> Lines {
        Lines {
            entering: watch.into.clone().map(Entering::new),
            tracker: LineTracker::new(watch, &frames_of(here)),
            first: None,
        }
    }
}

impl Seek for Lines {
    type Errand = Run;
    type Found = ();

    fn begin(&mut self, _span: &Span, _here: &mut Here<'_, '_>) -> Places {
        self.tracker.places().collect()
    }

    fn next_tick(&self, now: Tick) -> Option<Tick> {
        let entering = self.entering.as_ref();
        let wants_each = entering.is_some_and(Entering::wants_each_tick);
        wants_each.then_some(Tick(now.0 + 1))
    }

    fn find(&mut self, here: &mut Here<'_, '_>) -> Option<()> {
        at_instruction(here)
    }

    fn come_to_bound(&mut self, here: &mut Here<'_, '_>) {
        // Later, it may be a function that is entered after the bound.
        if let Some((module, pc)) = here.place() {
            let at = here.moment();
            self.tracker.end(module, pc, at);
        }
    }

    fn arrive(
        &mut self,
        (): (),
        span: &Span,
        here: &mut Here<'_, '_>,
        _predicates: &mut dyn Predicates,
    ) -> ControlFlow<()> {
        if here.kind != Kind::Breakpoint {
            return ControlFlow::Continue(());
        }
        let Some((module, pc)) = here.place() else {
            return ControlFlow::Continue(());
        };
        let at = here.moment();
        if !span.is_to_first() {
            self.tracker.pass(module, pc, at);
            return ControlFlow::Continue(());
        }
        match self.tracker.arrive(module, pc, at) {
            Some(hit) => span.note(&mut self.first, hit),
            None => ControlFlow::Continue(()),
        }
    }

    fn tick(&mut self, here: &mut Here<'_, '_>) -> Edit {
        let entering = self.entering.as_mut();
        let Some(entering) = entering.filter(|entering| entering.wants_each_tick()) else {
            return Edit::default();
        };
        let Some((module, pc)) = here.place() else {
            return Edit::default();
        };
        let Some(code) = here.modules.get(module.0 as usize).map(|m| &m.code) else {
            return Edit::default();
        };
        let entry = Some(pc).filter(|pc| code.entry_of(*pc) == Some(*pc));
        let places = entering.tick(code, module, entry).unwrap_or_default();
        self.tracker.begin_at(&places);
        Edit::adding(places)
    }

    fn end(self, span: &Span, at: Reached) -> Over<RunEnd> {
        let (hit, depth) = match span.bound() {
            Some(_) => (self.tracker.last(), Some(self.tracker.depth_before())),
            None => (self.first, None),
        };
        Over::quietly(RunEnd {
            at,
            hit: LastHit::of(hit),
            depth,
        })
    }
}
