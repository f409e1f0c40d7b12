//! Looking for the visits of places that are nearest to the present.

use super::{Over, Seek, Touch};
use crate::replay::{Calling, Position, Tick};
use crate::timeline::processes::replayer::breaks::{Breaks, Found};
use crate::timeline::processes::replayer::here::Here;
use crate::timeline::processes::replayer::next::{Edit, Places};
use crate::timeline::processes::replayer::span::Span;
use crate::timeline::processes::wire::ask::ListVisits;
use crate::timeline::processes::wire::found::{Listed, Reached, Visit, Visited};
use crate::timeline::travel::predicates::Predicates;
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// The visits that a run has passed: the last ones before the present, and the first ones
/// from there on.
pub(in super::super) struct Visits {
    places: Breaks,
    present: Position,
    limit: usize,
    before: VecDeque<Visit>,
    /// Whether some before those were dropped.
    is_cut: bool,
    after: Vec<Visit>,
}

impl Visits {
    pub(in super::super) fn new(list: ListVisits, here: &mut Here<'_, '_>) -> Visits {
        Visits {
            places: Breaks::new(list.places, here.modules),
            present: list.present,
            limit: list.limit,
            before: VecDeque::new(),
            is_cut: false,
            after: Vec::new(),
        }
    }
}

impl Seek for Visits {
    type Errand = ListVisits;
    type Found = Option<Found>;

    const TELLS_PROGRESS: bool = true;

    fn begin(&mut self, _span: &Span, here: &mut Here<'_, '_>) -> Places {
        self.places.begin(here)
    }

    fn next_tick(&self, now: Tick) -> Option<Tick> {
        self.places.next_tick(now)
    }

    fn watches(&self, call: &Calling) -> bool {
        self.places.watches(call)
    }

    fn watches_return(&self) -> bool {
        self.places.watches_return()
    }

    fn find(&mut self, here: &mut Here<'_, '_>) -> Option<Option<Found>> {
        self.places.find(here)
    }

    fn arrive(
        &mut self,
        found: Option<Found>,
        _span: &Span,
        here: &mut Here<'_, '_>,
        _predicates: &mut dyn Predicates,
    ) -> ControlFlow<()> {
        let Some(found) = found else {
            return ControlFlow::Continue(());
        };
        let at = here.moment();
        let visit = Visit {
            position: at.position,
            event: at.event,
            changed: found.changed,
        };
        if at.position >= self.present {
            self.after.push(visit);
            return match self.after.len() > self.limit {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            };
        }
        self.before.push_back(visit);
        if self.before.len() > self.limit {
            self.before.pop_front();
            self.is_cut = true;
        }
        ControlFlow::Continue(())
    }

    fn touched(&mut self, here: &mut Here<'_, '_>, touch: Touch<'_>) {
        if let Touch::Received(received) = touch {
            self.places.received(here, received);
        }
    }

    fn tick(&mut self, here: &mut Here<'_, '_>) -> Edit {
        self.places.tick(here)
    }

    fn end(self, _span: &Span, _at: Reached) -> Over<Visited> {
        let mut after = self.after;
        let is_cut_after = after.len() > self.limit;
        after.truncate(self.limit);
        Over::quietly(Visited {
            before: Listed {
                all: self.before.into(),
                is_cut: self.is_cut,
            },
            after: Listed {
                all: after,
                is_cut: is_cut_after,
            },
        })
    }
}
