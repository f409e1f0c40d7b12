//! Looking for the ticks in which bytes change: they are compared at each tick and each
//! hostcall.

use super::{Over, Seek};
use crate::replay::{Calling, Tick};
use crate::timeline::processes::replayer::here::{Here, Kind};
use crate::timeline::processes::replayer::next::Places;
use crate::timeline::processes::replayer::span::Span;
use crate::timeline::processes::replayer::watched::Watched;
use crate::timeline::processes::wire::ask::FindChanges;
use crate::timeline::processes::wire::found::{ChangedTicks, Reached};
use crate::timeline::travel::predicates::{Predicates, Stopped};
use std::ops::ControlFlow;

/// So many ticks are listed for a range: a counter changes in each.
const MOST_TICKS: usize = 1 << 18;
/// So many ticks in which nothing has changed are passed before a run does more than to
/// look at the bytes.
const PASSED_AT_ONCE: u32 = 1 << 10;

/// The ticks in which ranges of bytes have been found to change.
pub(in super::super) struct Changes {
    ranges: Vec<(Watched, ChangedTicks)>,
    passed: u32,
}

impl Changes {
    pub(in super::super) fn new(find: FindChanges) -> Changes {
        let ranges = find.0.into_iter();
        Changes {
            ranges: ranges
                .map(|range| (Watched::new(range), ChangedTicks::default()))
                .collect(),
            passed: 0,
        }
    }
}

impl Seek for Changes {
    type Errand = FindChanges;
    type Found = ();

    const TELLS_PROGRESS: bool = true;

    fn begin(&mut self, _span: &Span, _here: &mut Here<'_, '_>) -> Places {
        Places::new()
    }

    fn next_tick(&self, now: Tick) -> Option<Tick> {
        Some(Tick(now.0 + 1))
    }

    fn passes(&mut self, here: &mut Here<'_, '_>) -> bool {
        self.passed += 1;
        if self.passed >= PASSED_AT_ONCE {
            self.passed = 0;
            return false;
        }
        let (store, modules) = (&mut *here.store, here.modules);
        let mut ranges = self.ranges.iter_mut();
        !ranges.any(|(bytes, _)| bytes.differs(store, modules))
    }

    fn watches(&self, _call: &Calling) -> bool {
        true
    }

    fn watches_return(&self) -> bool {
        true
    }

    fn find(&mut self, _here: &mut Here<'_, '_>) -> Option<()> {
        Some(())
    }

    /// Notes what has changed; there is no more to note when each list is full.
    fn arrive(
        &mut self,
        (): (),
        _span: &Span,
        here: &mut Here<'_, '_>,
        _predicates: &mut dyn Predicates,
    ) -> ControlFlow<()> {
        let now = here.tick();
        // What has changed by the first moment of a tick is of the tick before.
        let tick = match here.kind {
            Kind::Tick => Tick(now.0.saturating_sub(1)),
            _ => now,
        };
        let listing = self.ranges.iter_mut();
        for (bytes, ticks) in listing.filter(|(_, ticks)| ticks.unlisted.is_none()) {
            let change = bytes.look(here.store, here.modules);
            if change.is_none() || ticks.listed.last() == Some(&tick) {
                continue;
            }
            if ticks.listed.len() < MOST_TICKS {
                ticks.listed.push(tick);
            } else {
                ticks.unlisted = Some(tick);
            }
        }
        let mut ranges = self.ranges.iter();
        match ranges.all(|(_, ticks)| ticks.unlisted.is_some()) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn end(self, _span: &Span, _at: Reached) -> Over<Vec<ChangedTicks>> {
        let ranges = self.ranges.into_iter();
        Over::quietly(ranges.map(|(_, ticks)| ticks).collect())
    }
}
