//! Where in the recording a watch may have a hit at all: what is known of that before it is
//! searched.

use super::search::Search;
use crate::replay::survey::joined;
use crate::replay::{Position, Tick};
use crate::timeline::ahead::depths::Quiet;
use crate::timeline::ahead::surveys::Surveys;
use crate::timeline::processes::process::Process;
use crate::timeline::processes::wire::ask::Frames;
use crate::timeline::processes::wire::breaks::{Breaks, Hits};
use crate::timeline::processes::wire::run::Watch;
use crate::timeline::{Result, Timeline};
use std::ops::Range;
use std::sync::Arc;

/// The ticks in which there may be hits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Candidates {
    /// Half open, ascending, and none touches the next.
    ranges: Vec<Range<Tick>>,
}

impl Candidates {
    fn of(ranges: Vec<Range<Tick>>) -> Candidates {
        Candidates {
            ranges: joined(ranges),
        }
    }

    /// Half open, ascending, and none touches the next.
    pub(super) fn ranges(&self) -> &[Range<Tick>] {
        &self.ranges
    }

    /// The first stretch from a tick on, long enough to leave out, without any.
    pub(super) fn none_after(&self, from: Tick, end: Option<Tick>) -> Option<Quiet> {
        let mut from = from;
        let next = self.ranges.partition_point(|range| range.end <= from);
        for range in self.ranges.iter().skip(next) {
            let quiet = Quiet::long_enough(from..range.start);
            if quiet.is_some() {
                return quiet;
            }
            from = from.max(range.end);
        }
        Quiet::long_enough(from..end?)
    }

    /// Where those begin of which the last ones before a tick are.
    pub(super) fn newest_before(&self, until: Tick) -> Option<Tick> {
        let begun = self.ranges.partition_point(|range| range.start < until);
        let newest = begun.checked_sub(1).and_then(|i| self.ranges.get(i))?;
        Some(newest.start)
    }

    /// The stretch that ends at a tick which is none.
    pub(super) fn none_before(&self, until: Tick) -> Option<Quiet> {
        let begun = self.ranges.partition_point(|range| range.start <= until);
        let last = begun.checked_sub(1).and_then(|i| self.ranges.get(i));
        Quiet::long_enough(last.map_or(Tick(0), |last| last.end)..until)
    }
}

impl Timeline {
    /// Where a watch may have hits, if that is known.
    pub(super) fn candidates(&mut self, watch: &Watch) -> Option<Candidates> {
        let Watch::Breaks(breaks) = watch else {
            return None;
        };
        // What is known to be hit is looked for there only.
        let is_known = |hits: &Hits| matches!(hits, Hits::None | Hits::Among(_));
        let mut ranges = self.in_places(&breaks.places_of_those(|hits| !is_known(hits)))?;
        for breakpoint in &breaks.breakpoints {
            if let Hits::Among(marks) = &breakpoint.hits {
                let at = |mark: &Position| {
                    // What has changed there can only be told from before.
                    let tick = mark.tick.0;
                    Tick(tick.saturating_sub(1))..Tick(tick.saturating_add(1))
                };
                ranges.extend(marks.iter().map(at));
            }
        }
        Some(Candidates::of(ranges))
    }

    /// Where some places may be come to.
    fn in_places(&mut self, breaks: &Breaks) -> Option<Vec<Range<Tick>>> {
        let mut ranges = self.in_code(breaks)?;
        ranges.extend(self.at_calls_out(breaks)?);
        for change in &breaks.changes {
            // What changes in a tick may be seen first at the first moment of the next one.
            let listed = change.ticks.listed.iter();
            ranges.extend(listed.map(|tick| *tick..Tick(tick.0.saturating_add(2))));
            let unlisted = change.ticks.unlisted.iter();
            ranges.extend(unlisted.map(|from| *from..Tick(u64::MAX)));
        }
        Some(ranges)
    }

    /// The stretches of ticks in which a watch may have hits, if that is known.
    pub(in crate::timeline) fn stretches_of(&mut self, watch: &Watch) -> Option<Vec<Range<Tick>>> {
        Some(self.candidates(watch)?.ranges)
    }

    /// Finds out where a search may have hits, if that can be told by now.
    pub(super) fn look_for_candidates(&mut self, search: &mut Search) {
        if search.candidates.is_none() {
            search.candidates = self.candidates(&search.watch).map(Arc::new);
        }
    }

    /// Whether that may be known soon.
    pub(super) fn awaits_candidates(&self, search: &Search) -> bool {
        let is_for_code = match &search.watch {
            Watch::Breaks(breaks) => !breaks.code.is_empty(),
            _ => false,
        };
        is_for_code && search.candidates.is_none() && matches!(self.surveys, Surveys::Making(_))
    }

    /// Whether a process stands before an instruction that a search looks for.
    pub(super) fn stands_at_place(&self, process: &mut Process, search: &Search) -> Result<bool> {
        let Watch::Breaks(breaks) = &search.watch else {
            return Ok(false);
        };
        let frames = process.ask(Frames)?;
        let here = frames.first().map(|frame| (frame.module, frame.pc));
        let mut places = breaks.code.iter().map(|(_, module, pc)| (*module, *pc));
        Ok(places.any(|place| Some(place) == here))
    }

    fn in_code(&mut self, breaks: &Breaks) -> Option<Vec<Range<Tick>>> {
        if breaks.code.is_empty() {
            return Some(Vec::new());
        }
        let places = breaks.code.iter().map(|(_, module, pc)| (*module, *pc));
        let places: Vec<_> = places.collect();
        Some(self.survey()?.ran(&places))
    }
}
