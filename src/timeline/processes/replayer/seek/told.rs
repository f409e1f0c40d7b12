//! Telling of the visits of a breakpoint: how many there are, the first and the last ones, and
//! which values expressions have at them.

use super::{Over, Seek, Touch};
use crate::replay::{Calling, Tick};
use crate::timeline::processes::replayer::breaks::{Breaks, Found};
use crate::timeline::processes::replayer::here::Here;
use crate::timeline::processes::replayer::next::{Edit, Places};
use crate::timeline::processes::replayer::span::Span;
use crate::timeline::processes::wire::ask::TellVisits;
use crate::timeline::processes::wire::found::Reached;
use crate::timeline::processes::wire::told::{ToldVisit, ToldVisits};
use crate::timeline::travel::motion::LogText;
use crate::timeline::travel::predicates::Predicates;
use std::ops::ControlFlow;

/// The visits that a run has passed.
pub(in super::super) struct Told {
    breaks: Breaks,
    messages: Vec<String>,
    /// How many are told at the beginning, and at the end.
    limits: (usize, usize),
    /// So many at the beginning only count.
    skipped: u64,
    /// After so many visits it is over.
    enough: Option<usize>,
    told: ToldVisits,
}

impl Told {
    pub(in super::super) fn new(tell: TellVisits, here: &mut Here<'_, '_>) -> Told {
        Told {
            breaks: Breaks::new(tell.breaks, here.modules),
            told: ToldVisits::none(tell.messages.len()),
            messages: tell.messages,
            limits: (tell.first, tell.newest),
            skipped: tell.skipped,
            enough: tell.enough,
        }
    }
}

impl Seek for Told {
    type Errand = TellVisits;
    type Found = Option<Found>;

    const TELLS_PROGRESS: bool = true;

    fn begin(&mut self, _span: &Span, here: &mut Here<'_, '_>) -> Places {
        self.breaks.begin(here)
    }

    fn next_tick(&self, now: Tick) -> Option<Tick> {
        self.breaks.next_tick(now)
    }

    fn watches(&self, call: &Calling) -> bool {
        self.breaks.watches(call)
    }

    fn watches_return(&self) -> bool {
        self.breaks.watches_return()
    }

    fn find(&mut self, here: &mut Here<'_, '_>) -> Option<Option<Found>> {
        self.breaks.find(here)
    }

    fn arrive(
        &mut self,
        found: Option<Found>,
        _span: &Span,
        here: &mut Here<'_, '_>,
        predicates: &mut dyn Predicates,
    ) -> ControlFlow<()> {
        let Some(found) = found else {
            return ControlFlow::Continue(());
        };
        let verdict = self.breaks.visit(&found, here, predicates);
        for entry in verdict.log {
            if let LogText::Problem(problem) = entry.text {
                self.told.problem.get_or_insert(problem);
            }
        }
        if verdict.stops.is_empty() {
            return ControlFlow::Continue(());
        }
        if self.told.count < self.skipped {
            self.told.count += 1;
            return ControlFlow::Continue(());
        }
        let messages = self.messages.iter();
        let texts: Vec<String> = messages
            .map(|message| predicates.message(message, here))
            .collect();
        let at = here.moment();
        let visit = ToldVisit {
            number: self.told.count + 1,
            position: at.position,
            event: at.event,
            changed: found.changed,
            texts,
        };
        self.told.add(visit, self.limits);
        match self.enough {
            Some(enough) if self.told.count >= enough as u64 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn touched(&mut self, here: &mut Here<'_, '_>, touch: Touch<'_>) {
        if let Touch::Received(received) = touch {
            self.breaks.received(here, received);
        }
    }

    fn tick(&mut self, here: &mut Here<'_, '_>) -> Edit {
        self.breaks.tick(here)
    }

    fn end(self, _span: &Span, _at: Reached) -> Over<ToldVisits> {
        Over::quietly(self.told)
    }
}
