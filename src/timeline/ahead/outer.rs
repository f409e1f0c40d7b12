//! When outer functions came to their lines: those that were on the stack while what they
//! call took long. The sweep notes it on its way.
//!
//! The depth profile tells in which stretches none of the frames ran that a search looks at;
//! this tells in which of the others they came to nothing that it looks for.

use crate::component::ModuleId;
use crate::replay::Tick;
use crate::timeline::processes::wire::found::PlaceVisits;
use crate::timeline::processes::wire::run::{LineWatch, Watch};
use std::collections::{BTreeSet, HashMap};

/// The visits that are known.
#[derive(Debug, Default)]
pub(in crate::timeline) struct OuterVisits(HashMap<(ModuleId, u32), PlaceVisits>);

impl OuterVisits {
    pub(super) fn of(visits: Vec<PlaceVisits>) -> OuterVisits {
        OuterVisits(visits.into_iter().map(|v| (v.place, v)).collect())
    }

    /// Where a stretch begins that ends before a tick, in which none of these places was
    /// visited; `None` if that is not known of all of them.
    pub(in crate::timeline) fn none_since(
        &self,
        places: &[(ModuleId, u32)],
        end: Tick,
    ) -> Option<Tick> {
        let mut start = Tick(0);
        for place in places {
            start = start.max(self.0.get(place)?.none_since(end)?);
        }
        (!places.is_empty()).then_some(start)
    }

    /// The first tick from `start` on in which one of these places may be visited, if that
    /// is known of all of them.
    pub(in crate::timeline) fn none_until(
        &self,
        places: &[(ModuleId, u32)],
        start: Tick,
    ) -> Option<Tick> {
        let mut end = Tick(u64::MAX);
        for place in places {
            end = end.min(self.0.get(place)?.none_until(start)?);
        }
        (!places.is_empty()).then_some(end)
    }
}

impl PlaceVisits {
    fn none_since(&self, end: Tick) -> Option<Tick> {
        if self.until.is_some_and(|until| until < end) {
            return None;
        }
        let before = self.ticks.partition_point(|tick| *tick < end);
        let last = before.checked_sub(1).and_then(|i| self.ticks.get(i));
        let start = last.map_or(self.since, |last| Tick(last.0 + 1));
        (start <= end).then_some(start)
    }

    fn none_until(&self, start: Tick) -> Option<Tick> {
        if start < self.since || self.until.is_some_and(|until| until < start) {
            return None;
        }
        let next = self.ticks.partition_point(|tick| *tick < start);
        let next = self.ticks.get(next).copied();
        Some(next.or(self.until).unwrap_or(Tick(u64::MAX)))
    }
}

/// The places of which one is visited where a search for line starts finds one, or where a
/// function is entered that it watches.
pub(in crate::timeline) fn places_of(watch: &Watch) -> Vec<(ModuleId, u32)> {
    let Watch::Lines(
        lines @ LineWatch {
            into: None,
            out_of,
            call,
            ..
        },
    ) = watch
    else {
        return Vec::new();
    };
    let mut places = BTreeSet::new();
    for function in &lines.functions {
        let rows = function.rows.iter();
        let minded = rows.filter(|row| lines.sight.minds(function, row));
        places.extend(minded.map(|row| (function.module, row.pc)));
        places.insert((function.module, function.entry));
        if out_of.is_some() {
            // The call of a body may be behind a branch into the middle of it.
            let landings = function.landings.iter();
            places.extend(landings.map(|pc| (function.module, *pc)));
        }
    }
    places.extend(call.map(|(_, module, pc)| (module, pc)));
    places.into_iter().collect()
}
