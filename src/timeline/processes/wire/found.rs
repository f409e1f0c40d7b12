//! What replayers find, and what is known from it: moments, visits, changes.

use crate::component::ModuleId;
use crate::replay::{Position, Tick};
use crate::timeline::travel::motion::{BreakpointId, MemoryRange};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// A moment that a replayer has come to, as where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reached {
    pub(crate) position: Position,
    /// Outgoing crossings made before this moment (at a hostcall: its number).
    pub(crate) event: u64,
    pub(crate) is_end: bool,
}

impl Reached {
    /// Before any guest code has run.
    pub(crate) const START: Reached = Reached {
        position: Position::START,
        event: 0,
        is_end: false,
    };
}

/// A moment that qualified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hit {
    pub(crate) at: Reached,
    pub(crate) breakpoints: Vec<BreakpointId>,
    /// What has just changed there, of what is watched.
    pub(crate) changed: Vec<Change>,
    /// How many of the calls that are inlined there, and begin there, are still ahead; `None`
    /// for all.
    pub(crate) unbegun: Option<u32>,
}

impl Hit {
    /// Of a watch without breakpoints.
    pub(crate) fn plain(at: Reached) -> Hit {
        Hit {
            at,
            breakpoints: Vec::new(),
            changed: Vec::new(),
            unbegun: None,
        }
    }
}

/// How a run has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunEnd {
    /// Where the process stands.
    pub(crate) at: Reached,
    pub(crate) hit: LastHit,
    /// Of a search for line starts before a bound: the deepest of the frames that count
    /// at the bound which were there when the run began.
    pub(crate) depth: Option<u32>,
}

/// What a run ahead has noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ahead {
    /// Where the process stands.
    pub(crate) at: Reached,
    pub(crate) visits: Vec<PlaceVisits>,
}

/// When an instruction was come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlaceVisits {
    pub(crate) place: (ModuleId, u32),
    /// From this tick on, it was watched.
    pub(crate) since: Tick,
    /// Ascending.
    pub(crate) ticks: Vec<Tick>,
    /// From this one on, it was not any more.
    pub(crate) until: Option<Tick>,
}

/// What a run has found: the first moment that qualified, or the last one before its
/// bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LastHit {
    None,
    Hit(Hit),
    /// Somewhere in this tick, which neither begins nor ends the run: where in it, was not
    /// worth finding out for each that may be the last.
    In(Tick),
}

impl LastHit {
    pub(crate) fn of(hit: Option<Hit>) -> LastHit {
        hit.map_or(LastHit::None, LastHit::Hit)
    }
}

/// A list that may be cut where it has become too long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed<T> {
    pub(crate) all: Vec<T>,
    /// Whether there are more.
    pub(crate) is_cut: bool,
}

/// Visits of one breakpoint that are told; who asks for each tenth visit of a
/// billion gets this many.
pub(crate) const MOST_MARKS: usize = 1 << 18;

/// The visits of a breakpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counted {
    /// Their number, those before among them, unless all that was wanted had been found.
    pub(crate) visits: u64,
    /// Those that its hit condition speaks of.
    pub(crate) marks: Listed<Position>,
}

/// The visits of some places, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Visited {
    /// Those nearest to the present, before it.
    pub(crate) before: Listed<Visit>,
    /// Those nearest to the present, from there on.
    pub(crate) after: Listed<Visit>,
}

impl Visited {
    pub(crate) fn nothing() -> Visited {
        let none = || Listed {
            all: Vec::new(),
            is_cut: false,
        };
        Visited {
            before: none(),
            after: none(),
        }
    }

    /// These and later ones, of which some may be the same; so many on each side.
    pub(crate) fn and(mut self, later: Visited, limit: usize) -> Visited {
        let last = self.before.all.last().map(|visit| visit.position);
        let new = later.before.all.into_iter();
        let new = new.filter(|visit| Some(visit.position) > last);
        self.before.all.extend(new);
        self.before.is_cut |= later.before.is_cut;
        let too_many = self.before.all.len().saturating_sub(limit);
        self.before.is_cut |= too_many > 0;
        self.before.all.drain(..too_many);
        let last = self.after.all.last().map(|visit| visit.position);
        let new = later.after.all.into_iter();
        let new = new.filter(|visit| Some(visit.position) > last);
        self.after.all.extend(new);
        self.after.is_cut |= later.after.is_cut || self.after.all.len() > limit;
        self.after.all.truncate(limit);
        self
    }
}

/// A moment at which a breakpoint would stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// The moment.
    pub position: Position,
    /// As [`Stop::event`](crate::timeline::travel::motion::Stop) has it.
    pub event: u64,
    /// For places that are changes: how the bytes have changed.
    pub changed: Vec<Change>,
}

/// A change of some bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The bytes that were watched; some of them have changed.
    pub range: MemoryRange,
    /// All of them before.
    pub old: Vec<u8>,
    /// All of them now; what is beyond the memory's end is zeros, before and now.
    pub new: Vec<u8>,
}

/// The ticks in which some bytes change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangedTicks {
    /// Ascending. A change that is seen first at the first moment of the tick after is
    /// one of the tick before.
    pub(crate) listed: Vec<Tick>,
    /// From here on, any tick may be one.
    pub(crate) unlisted: Option<Tick>,
    /// Those in which what was there is written once more; the first of them, if there are
    /// many. Ascending.
    pub(crate) same: Vec<Tick>,
    /// From here on, any tick may be one of those.
    pub(crate) same_unlisted: Option<Tick>,
}

impl ChangedTicks {
    /// Any tick may be one.
    pub(crate) fn unknown() -> ChangedTicks {
        ChangedTicks {
            listed: Vec::new(),
            unlisted: Some(Tick(0)),
            same: Vec::new(),
            same_unlisted: Some(Tick(0)),
        }
    }

    /// Those in which the bytes are written, be it with what they held.
    pub(crate) fn all_written(&self) -> ChangedTicks {
        let mut listed = [self.listed.as_slice(), &self.same].concat();
        listed.sort_unstable();
        listed.dedup();
        let unlisted = [self.unlisted, self.same_unlisted];
        ChangedTicks {
            listed,
            unlisted: unlisted.into_iter().flatten().min(),
            ..ChangedTicks::default()
        }
    }

    /// These, and others.
    pub(crate) fn and(mut self, other: ChangedTicks) -> ChangedTicks {
        self.listed.extend(other.listed);
        self.listed.sort_unstable();
        self.listed.dedup();
        self.same.extend(other.same);
        self.same.sort_unstable();
        self.same.dedup();
        let first = |one: Option<Tick>, other| [one, other].into_iter().flatten().min();
        self.unlisted = first(self.unlisted, other.unlisted);
        self.same_unlisted = first(self.same_unlisted, other.same_unlisted);
        self
    }

    /// Whether there is none.
    pub(crate) fn are_none(&self) -> bool {
        self.listed.is_empty() && self.unlisted.is_none()
    }

    /// Whether there may be one among these.
    pub(crate) fn are_within(&self, ticks: RangeInclusive<Tick>) -> bool {
        let first = self.listed.partition_point(|tick| tick < ticks.start());
        let listed = self.listed.get(first).copied();
        let mut known = listed.into_iter().chain(self.unlisted);
        known.any(|tick| tick <= *ticks.end())
    }

    pub(crate) fn contains(&self, tick: Tick) -> bool {
        self.unlisted.is_some_and(|from| tick >= from) || self.listed.binary_search(&tick).is_ok()
    }

    /// The first one after a tick.
    pub(crate) fn next_after(&self, tick: Tick) -> Option<Tick> {
        let next = self.listed.partition_point(|listed| *listed <= tick);
        let unlisted = self.unlisted.map(|from| from.max(Tick(tick.0 + 1)));
        self.listed.get(next).copied().or(unlisted)
    }
}
