//! Questions that one pass over the recording answers, while the session stays where it
//! is.

use super::pieces::Piece;
use crate::replay::{Position, Tick};
use crate::timeline::processes::wire::ask::{ListVisits, Meanwhile};
use crate::timeline::processes::wire::found::{Listed, Visit, Visited};
use crate::timeline::processes::wire::run::Watch;
use crate::timeline::recovery::Patience;
use crate::timeline::travel::motion::{Breakpoint, BreakpointId, MemoryRange, Place};
use crate::timeline::{Interrupt, Result, Timeline};

/// How far a pass over the recording has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// The tick that it has come to.
    pub at: Tick,
    /// Where the recording ends, if that is known yet.
    pub end: Option<Tick>,
}

impl Pass {
    /// How much of it is done: ticks are nearly proportional to time.
    pub fn percent(&self) -> Option<u8> {
        let end = self.end?.0.max(1);
        u8::try_from(u128::from(self.at.0.min(end)) * 100 / u128::from(end)).ok()
    }
}

/// The visits of some places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visits {
    /// Oldest first.
    pub visits: Vec<Visit>,
    /// Whether there are more before the first of these.
    pub is_cut_before: bool,
    /// Whether there are more after the last of these.
    pub is_cut_after: bool,
}

impl Visits {
    /// Whether there are more: those farthest from the present were left out.
    pub fn is_cut(&self) -> bool {
        self.is_cut_before || self.is_cut_after
    }

    /// The nearest ones, of those before the present and those from there on: half and
    /// half, or more of one if there are few of the other.
    fn nearest(visited: Visited, limit: usize) -> Visits {
        let Listed {
            all: mut visits,
            is_cut: mut is_cut_before,
        } = visited.before;
        let Listed {
            all: mut after,
            is_cut: mut is_cut_after,
        } = visited.after;
        let of_before = (limit / 2).max(limit.saturating_sub(after.len()));
        if visits.len() > of_before {
            visits.drain(..visits.len() - of_before);
            is_cut_before = true;
        }
        let of_after = limit - visits.len();
        if after.len() > of_after {
            after.truncate(of_after);
            is_cut_after = true;
        }
        visits.append(&mut after);
        Visits {
            visits,
            is_cut_before,
            is_cut_after,
        }
    }
}

impl Timeline {
    /// Every visit of some places in the recording, as a breakpoint there would stop; at
    /// most `limit`, those nearest to where the session stands. The session stays there.
    ///
    /// # Errors
    ///
    /// If interrupted, if the replayer died, or if replay diverges.
    pub fn visits(
        &mut self,
        places: Vec<Place>,
        limit: usize,
        interrupt: &Interrupt,
        progress: &dyn Fn(Pass),
    ) -> Result<Visits> {
        let breakpoint = Breakpoint::new(BreakpointId(0), places);
        if breakpoint.needs_debug() || self.is_early() {
            self.need_debug(interrupt, &|_| {})?;
        }
        let ranges: Vec<MemoryRange> = changes_among(&breakpoint.places).collect();
        self.know_changes(&ranges, interrupt, progress)?;
        let places = self.breaks_at(breakpoint.places);
        let present = self.here.position;
        let list = ListVisits {
            places: places.clone(),
            present,
            limit,
            last: None,
        };
        self.collect();
        let watch = Watch::Breaks(places);
        let visited = self.recovering(Patience::Long(interrupt), |timeline| {
            let stretches = timeline.stretches_of(&watch);
            let pieces = timeline.pieces(Position::START, None, stretches.as_deref());
            timeline.list_visits(pieces, &list, interrupt, progress)
        })?;
        Ok(Visits::nearest(visited, limit))
    }

    /// From the present on, and then back from it: until there are enough.
    fn list_visits(
        &mut self,
        pieces: Vec<Piece>,
        list: &ListVisits,
        interrupt: &Interrupt,
        progress: &dyn Fn(Pass),
    ) -> Result<Visited> {
        let (present, limit) = (list.present, list.limit);
        let end = self.known_end().map(|end| end.tick);
        let from_present = pieces.partition_point(|piece| piece.last.is_some_and(|l| l < present));
        let mut passing = Passing::default();
        let mut all = Visited::nothing();
        let errand = |piece: &Piece| ListVisits {
            last: piece.last,
            ..list.clone()
        };
        let after = pieces.iter().skip(from_present);
        self.run_pieces(after.copied(), errand, interrupt, |_, piece, sent| {
            let (_, later) = sent.wait(interrupt, |meanwhile| {
                progress(passing.pass(&piece, &meanwhile, end));
            })?;
            all = std::mem::replace(&mut all, Visited::nothing()).and(later, limit);
            passing.is_done(&piece);
            Ok(all.after.is_cut)
        })?;
        if all.before.is_cut {
            return Ok(all);
        }
        let before = pieces.iter().take(from_present).rev();
        self.run_pieces(before.copied(), errand, interrupt, |_, piece, sent| {
            let (_, earlier) = sent.wait(interrupt, |meanwhile| {
                progress(passing.pass(&piece, &meanwhile, end));
            })?;
            all = earlier.and(std::mem::replace(&mut all, Visited::nothing()), limit);
            passing.is_done(&piece);
            Ok(all.before.is_cut)
        })?;
        Ok(all)
    }
}

/// How many ticks a pass in pieces has looked through.
#[derive(Debug, Default)]
pub(super) struct Passing(u64);

impl Passing {
    pub(super) fn pass(&self, piece: &Piece, meanwhile: &Meanwhile, end: Option<Tick>) -> Pass {
        let within = match meanwhile {
            Meanwhile::Passed(at) => at.0.saturating_sub(piece.begin.tick.0),
            Meanwhile::Log(_) => 0,
        };
        let at = Tick(self.0.saturating_add(within));
        Pass { at, end }
    }

    pub(super) fn is_done(&mut self, piece: &Piece) {
        let last = piece.last.map_or(piece.begin.tick.0, |last| last.tick.0);
        let length = last.saturating_sub(piece.begin.tick.0);
        self.0 = self.0.saturating_add(length);
    }
}

/// The bytes that places watch.
pub(in crate::timeline) fn changes_among(
    places: &[Place],
) -> impl Iterator<Item = MemoryRange> + '_ {
    let watched = places.iter().filter_map(Place::watched);
    watched.map(|(range, _)| range)
}
