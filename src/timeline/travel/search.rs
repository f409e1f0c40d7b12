//! What is looked for: the next place that qualifies, or the last one before now.
//!
//! A search that looks at certain frames only leaves out the time in which none of
//! them ran, both ways: a step over a call that takes minutes replays the end of
//! the call, or its beginning. One for breakpoints leaves out the time in which none of their
//! places can have been come to.

use super::super::{Interrupt, Result, Timeline};
use super::candidates::Candidates;
use super::motion::{Direction, Reason, Stop};
use crate::component::ModuleId;
use crate::replay::variant::Variant;
use crate::replay::{Position, Tick};
use crate::timeline::ahead::depths::Quiet;
use crate::timeline::ahead::outer;
use crate::timeline::processes::wire::found::Hit;
use crate::timeline::processes::wire::run::{LineWatch, Watch};
use std::sync::Arc;

/// What is looked for.
#[derive(Clone)]
pub(super) struct Search {
    pub(super) watch: Watch,
    /// With more frames on the stack than this, nothing qualifies.
    pub(super) depth: Option<u32>,
    /// Nothing qualifies in other ticks than these, if anything is known of that.
    pub(super) candidates: Option<Arc<Candidates>>,
    /// Of these places one is visited where something qualifies; none, if that is not known.
    pub(super) places: Arc<[(ModuleId, u32)]>,
    /// Nothing qualifies beyond this moment, in the direction of the search.
    pub(super) farthest: Option<Position>,
}

impl Search {
    pub(super) fn anywhere(watch: Watch) -> Search {
        Search {
            candidates: None,
            watch,
            depth: None,
            places: Arc::default(),
            farthest: None,
        }
    }

    pub(super) fn at_most(depth: u32, watch: Watch) -> Search {
        Search {
            places: outer::places_of(&watch).into(),
            watch,
            depth: (depth < u32::MAX).then_some(depth),
            candidates: None,
            farthest: None,
        }
    }

    pub(super) fn no_farther_than(self, farthest: Position) -> Search {
        Search {
            farthest: Some(farthest),
            ..self
        }
    }

    /// Frames deeper than this have been entered since: what was in their place
    /// before does not count.
    pub(super) fn limit(&mut self, depth: u32) {
        if let (Some(known), Watch::Lines(lines)) = (&mut self.depth, &mut self.watch) {
            *known = depth.min(*known);
            lines.depth = *known;
        }
    }

    /// The same where each frame of the stack is at another depth.
    pub(super) fn at_depths(&self, other: impl Fn(u32) -> u32) -> Search {
        Search {
            depth: self.depth.map(&other),
            watch: self.watch.clone().at_depths(other),
            ..self.clone()
        }
    }

    /// What is watched in a stretch: what may begin at the bound of the search, does so in
    /// the last stretch only.
    pub(super) fn watch_in(&self, is_last: bool) -> Watch {
        let mut watch = self.watch.clone();
        if let (
            Watch::Lines(LineWatch {
                out_of: Some(out_of),
                ..
            }),
            false,
        ) = (&mut watch, is_last)
        {
            out_of.at_bound = false;
        }
        watch
    }

    /// Whether the frame that is looked at had not begun before.
    pub(super) fn is_over(&self) -> bool {
        match &self.watch {
            Watch::Lines(lines) => lines
                .out_of
                .is_some_and(|out_of| out_of.calls_only && out_of.depth > lines.depth),
            _ => false,
        }
    }
}

impl Timeline {
    /// A stretch from a tick on that a search can leave out.
    pub(super) fn left_out_after(&mut self, search: &Search, from: Tick) -> Option<Quiet> {
        match &search.candidates {
            Some(candidates) => candidates.none_after(from, self.known_end().map(|end| end.tick)),
            None => self.quiet_after(search.depth, &search.places, from),
        }
    }

    /// A stretch until a tick that a search can leave out.
    pub(super) fn left_out_before(&mut self, search: &Search, until: Tick) -> Option<Quiet> {
        match &search.candidates {
            Some(candidates) => candidates.none_before(until),
            None => self.quiet_before(search.depth, &search.places, until),
        }
    }

    pub(super) fn search(
        &mut self,
        direction: Direction,
        search: Search,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        match direction {
            Direction::Forward => self.forward(&search, interrupt),
            Direction::Backward => self.backward(&search, interrupt),
        }
    }

    /// Whether parts of what a search goes through may be searched at the same time: what it
    /// finds in one does not depend on another.
    pub(super) fn may_be_cut(&self, search: &Search) -> bool {
        matches!(search.watch, Watch::Breaks(_)) && self.load.variant == Variant::Debug
    }
}

pub(super) fn reason_of(hit: Option<&Hit>) -> Reason {
    match hit {
        Some(hit) if !hit.breakpoints.is_empty() => Reason::Breakpoints(hit.breakpoints.clone()),
        _ => Reason::Arrived,
    }
}
