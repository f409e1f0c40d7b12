//! Looking for line starts, and for what a step into calls enters.

use super::entering::Entering;
use super::line_tracker::LineTracker;
use super::one_frame::OneFrame;
use super::{Over, Seek, at_instruction};
use crate::component::ModuleId;
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
    /// Where one frame counts, at the bound of the run.
    one_frame: Option<OneFrame>,
    first: Option<Hit>,
}

impl Lines {
    pub(in super::super) fn new(watch: LineWatch, here: &mut Here<'_, '_>) -> Lines {
        let (depth, stands_at) = (watch.depth, watch.in_frame_at);
        let entering = watch.into.clone().map(Entering::new);
        let tracker = LineTracker::new(watch, &frames_of(here));
        let one_frame = stands_at.map(|place| OneFrame::new(depth, place, &tracker, here.modules));
        Lines {
            entering,
            one_frame,
            tracker,
            first: None,
        }
    }
}

impl Seek for Lines {
    type Errand = Run;
    /// At a breakpoint, if one frame counts: its place.
    type Found = Option<(ModuleId, u32)>;

    fn begin(&mut self, _span: &Span, _here: &mut Here<'_, '_>) -> Places {
        match &self.one_frame {
            Some(one_frame) => one_frame.places(),
            None => self.tracker.places().collect(),
        }
    }

    fn next_tick(&self, now: Tick) -> Option<Tick> {
        let entering = self.entering.as_ref();
        let wants_each = entering.is_some_and(Entering::wants_each_tick);
        wants_each.then_some(Tick(now.0 + 1))
    }

    fn find(&mut self, here: &mut Here<'_, '_>) -> Option<Self::Found> {
        match &self.one_frame {
            Some(one_frame) if here.kind == Kind::Breakpoint => one_frame.place(here).map(Some),
            _ => at_instruction(here).map(|()| None),
        }
    }

    fn come_to_bound(&mut self, here: &mut Here<'_, '_>) {
        if let Some(one_frame) = &mut self.one_frame {
            one_frame.come_to_bound(&mut self.tracker, here);
            return;
        }
        // Later, it may be a function that is entered after the bound.
        if let Some((module, pc)) = here.place() {
            let at = here.moment();
            self.tracker.end(module, pc, at);
        }
    }

    fn arrive(
        &mut self,
        found: Self::Found,
        span: &Span,
        here: &mut Here<'_, '_>,
        _predicates: &mut dyn Predicates,
    ) -> ControlFlow<()> {
        if here.kind != Kind::Breakpoint {
            return ControlFlow::Continue(());
        }
        if let Some(one_frame) = &mut self.one_frame {
            if let Some(place) = found {
                one_frame.pass(&mut self.tracker, place, here);
            }
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

    fn end(mut self, span: &Span, at: Reached) -> Over<RunEnd> {
        let (hit, depth) = match (span.bound(), self.one_frame) {
            (Some(bound), Some(one_frame)) => match one_frame.end(&mut self.tracker, bound.tick) {
                Some((hit, depth)) => (hit, Some(depth)),
                None => (None, None),
            },
            (Some(_), None) => (self.tracker.last(), Some(self.tracker.depth_before())),
            (None, _) => (self.first, None),
        };
        Over::quietly(RunEnd {
            at,
            hit: LastHit::of(hit),
            depth,
        })
    }
}
