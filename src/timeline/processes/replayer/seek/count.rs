//! Looking for the visits of breakpoints that their hit conditions speak of.

use super::{Over, Seek, Touch};
use crate::replay::{Calling, Tick};
use crate::timeline::processes::replayer::breaks::{Breaks, Found};
use crate::timeline::processes::replayer::here::Here;
use crate::timeline::processes::replayer::next::{Edit, Places};
use crate::timeline::processes::replayer::span::Span;
use crate::timeline::processes::wire::ask::CountVisits;
use crate::timeline::processes::wire::found::{Counted, Reached};
use crate::timeline::travel::predicates::Predicates;
use std::ops::ControlFlow;

/// Counts visits.
pub(in super::super) struct Count(Breaks);

impl Count {
    pub(in super::super) fn new(count: CountVisits, here: &mut Here<'_, '_>) -> Count {
        let mut breaks = Breaks::new(count.breaks, here.modules);
        breaks.count_from(count.before);
        Count(breaks)
    }
}

impl Seek for Count {
    type Errand = CountVisits;
    type Found = Option<Found>;

    fn begin(&mut self, _span: &Span, here: &mut Here<'_, '_>) -> Places {
        self.0.begin(here)
    }

    fn next_tick(&self, now: Tick) -> Option<Tick> {
        self.0.next_tick(now)
    }

    fn watches(&self, call: &Calling) -> bool {
        self.0.watches(call)
    }

    fn watches_return(&self) -> bool {
        self.0.watches_return()
    }

    fn find(&mut self, here: &mut Here<'_, '_>) -> Option<Option<Found>> {
        self.0.find(here)
    }

    fn arrive(
        &mut self,
        found: Option<Found>,
        _span: &Span,
        here: &mut Here<'_, '_>,
        predicates: &mut dyn Predicates,
    ) -> ControlFlow<()> {
        match found.is_some_and(|found| self.0.count(&found, here, predicates)) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn touched(&mut self, here: &mut Here<'_, '_>, touch: Touch<'_>) {
        if let Touch::Received(received) = touch {
            self.0.received(here, received);
        }
    }

    fn tick(&mut self, here: &mut Here<'_, '_>) -> Edit {
        self.0.tick(here)
    }

    fn end(self, _span: &Span, _at: Reached) -> Over<Vec<Counted>> {
        Over::quietly(self.0.into_counted())
    }
}
