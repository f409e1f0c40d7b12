//! Looking for the ticks in which bytes change, in optimised code: each store to them is
//! told of, and what the far side writes.

use super::{Over, Seek, Touch};
use crate::replay::Tick;
use crate::timeline::processes::replayer::here::{Here, Kind};
use crate::timeline::processes::replayer::next::Places;
use crate::timeline::processes::replayer::probed::ProbedMemory;
use crate::timeline::processes::replayer::span::Span;
use crate::timeline::processes::replayer::watched::Watched;
use crate::timeline::processes::wire::ask::FindChanges;
use crate::timeline::processes::wire::found::{ChangedTicks, Reached};
use crate::timeline::travel::predicates::{Predicates, Stopped};
use std::ops::ControlFlow;

/// So many ticks are listed for a range: a counter changes in each.
const MOST_TICKS: usize = 1 << 18;
/// And so many in which the same is written once more.
const MOST_SAME: usize = 1 << 18;

/// A range, and the ticks in which it has been found to change.
struct Range {
    bytes: Watched,
    ticks: ChangedTicks,
    memory: ProbedMemory,
}

impl Range {
    /// They have changed in this tick.
    fn note(&mut self, tick: Tick) {
        if self.ticks.unlisted.is_some() || self.ticks.listed.last() == Some(&tick) {
            return;
        }
        if self.ticks.listed.len() < MOST_TICKS {
            self.ticks.listed.push(tick);
        } else {
            self.ticks.unlisted = Some(tick);
        }
    }

    /// What was there has been written in this tick.
    fn note_same(&mut self, tick: Tick) {
        let ticks = &mut self.ticks;
        if ticks.same_unlisted.is_some() || ticks.same.last() == Some(&tick) {
            return;
        }
        if ticks.same.len() < MOST_SAME {
            ticks.same.push(tick);
        } else {
            ticks.same_unlisted = Some(tick);
        }
    }
}

/// The ticks in which ranges of bytes have been found to change, and to be written.
pub(in super::super) struct Changes {
    ranges: Vec<Range>,
}

impl Changes {
    pub(in super::super) fn new(find: FindChanges) -> Changes {
        let ranges = find.ranges.into_iter().map(|range| Range {
            bytes: Watched::new(range),
            ticks: ChangedTicks::default(),
            memory: ProbedMemory::new(range),
        });
        Changes {
            ranges: ranges.collect(),
        }
    }

    /// Compares all of the ranges.
    fn look(&mut self, here: &mut Here<'_, '_>) {
        let now = here.tick();
        for range in &mut self.ranges {
            if range.bytes.look(here.store, here.modules).is_some() {
                range.note(now);
            }
        }
    }
}

impl Seek for Changes {
    type Errand = FindChanges;
    type Found = ();

    const TELLS_PROGRESS: bool = true;
    const ENDS_ANYWHERE: bool = true;

    fn begin(&mut self, span: &Span, here: &mut Here<'_, '_>) -> Places {
        let is_start = span.start() == Reached::START;
        for range in &mut self.ranges {
            range.memory.watch(here);
            if !is_start {
                // What has been until now is not looked for.
                range.bytes.look(here.store, here.modules);
            }
        }
        Places::new()
    }

    fn find(&mut self, here: &mut Here<'_, '_>) -> Option<()> {
        (here.kind != Kind::Breakpoint).then_some(())
    }

    /// There is no more to note when each list is full.
    fn arrive(
        &mut self,
        (): (),
        _span: &Span,
        _here: &mut Here<'_, '_>,
        _predicates: &mut dyn Predicates,
    ) -> ControlFlow<()> {
        // Without any, it is for the checkpoints that are left.
        let mut ranges = self.ranges.iter();
        let are_full = !self.ranges.is_empty() && ranges.all(|r| r.ticks.unlisted.is_some());
        match are_full {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn touched(&mut self, here: &mut Here<'_, '_>, touch: Touch<'_>) {
        match touch {
            Touch::Made => {
                for range in &mut self.ranges {
                    range.memory.watch(here);
                }
                self.look(here);
            }
            Touch::Received(received) => {
                let written = received.address..received.address.saturating_add(received.length);
                let now = here.tick();
                for range in &mut self.ranges {
                    if !range.memory.meets(&written) {
                        continue;
                    }
                    let bytes = &mut range.bytes;
                    if bytes.look(here.store, here.modules).is_some() {
                        range.note(now);
                    } else if bytes.are_in(received.memory, here.store, here.modules) {
                        range.note_same(now);
                    }
                }
            }
            Touch::Stored(stored) => {
                let written = stored.address..stored.address.saturating_add(stored.length);
                let now = here.tick();
                for range in &mut self.ranges {
                    let is_there = range.memory.is_seen_by(stored.instance, stored.memory)
                        && range.memory.meets(&written);
                    if !is_there {
                        continue;
                    }
                    match range.bytes.take_in(here.store, here.modules, &written) {
                        true => range.note(now),
                        false => range.note_same(now),
                    }
                }
            }
        }
    }

    fn withdraw(&mut self, here: &mut Here<'_, '_>) {
        for range in &mut self.ranges {
            range.memory.forget(here);
        }
    }

    fn end(self, _span: &Span, _at: Reached) -> Over<Vec<ChangedTicks>> {
        let ranges = self.ranges.into_iter();
        Over::quietly(ranges.map(|range| range.ticks).collect())
    }
}
