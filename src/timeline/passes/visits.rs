//! Questions that one pass over the recording answers, while the session stays where it
//! is.

use crate::replay::{Position, Tick};
use crate::timeline::processes::wire::ask::{Errand, ListVisits, Meanwhile};
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
        let mut list = ListVisits {
            places: places.clone(),
            present: self.here.position,
            limit,
            until: None,
        };
        self.collect();
        let Some(stretches) = self.stretches_of(&Watch::Breaks(places)) else {
            let visited = self.pass(Tick(0), &list, interrupt, progress)?;
            return Ok(Visits::nearest(visited, limit));
        };
        let mut all = Visited::nothing();
        for stretch in stretches {
            list.until = (stretch.end < Tick(u64::MAX)).then_some(stretch.end);
            let visited = self.pass(stretch.start, &list, interrupt, progress)?;
            all = all.and(visited, limit);
        }
        Ok(Visits::nearest(all, limit))
    }

    /// A run through the recording, from a tick or before it, in a copy that is dropped
    /// after it.
    pub(in crate::timeline) fn pass<E: Errand + Clone>(
        &mut self,
        from: Tick,
        errand: &E,
        interrupt: &Interrupt,
        progress: &dyn Fn(Pass),
    ) -> Result<E::Answer> {
        let from = match from {
            Tick(0) => Position::START,
            tick => Position::first_of(tick),
        };
        self.recovering(Patience::Long(interrupt), |timeline| {
            let process = timeline.copy_at_or_before(from)?;
            let end = timeline.known_end().map(|end| end.tick);
            let sent = process.send(errand.clone())?;
            let (_, answer) = sent.wait(interrupt, |meanwhile| match meanwhile {
                Meanwhile::Passed(at) => progress(Pass { at, end }),
                Meanwhile::Log(_) => {}
            })?;
            Ok(answer)
        })
    }
}

/// The bytes that places watch.
pub(in crate::timeline) fn changes_among(
    places: &[Place],
) -> impl Iterator<Item = MemoryRange> + '_ {
    let watched = places.iter().filter_map(Place::watched);
    watched.map(|(range, _)| range)
}
