//! Questions that one pass over the recording answers, while the session stays where it
//! is.

use super::changes::Change;
use crate::replay::{Position, Tick};
use crate::timeline::processes::wire::{Breaks, Reply, Request, Run, StopAt, Watch};
use crate::timeline::travel::motion::{Breakpoint, BreakpointId, MemoryRange, Place};
use crate::timeline::{Interrupt, Result, Timeline, TimelineError, confused};
use serde::{Deserialize, Serialize};

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
    fn nearest(before: (Vec<Visit>, bool), after: (Vec<Visit>, bool), limit: usize) -> Visits {
        let (mut visits, mut is_cut_before) = before;
        let (mut after, mut is_cut_after) = after;
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
        if breakpoint.needs_debug() {
            self.need_debug(interrupt, &|_| {})?;
        }
        let ranges: Vec<MemoryRange> = changes_among(&breakpoint.places).collect();
        self.know_changes(&ranges, interrupt, progress)?;
        let watch = Watch::Visits {
            breaks: self.breaks_of(breakpoint),
            present: self.here.position,
            limit,
        };
        match self.pass(watch, interrupt, progress)? {
            Reply::Visited { before, after } => Ok(Visits::nearest(before, after, limit)),
            _ => Err(confused()),
        }
    }

    fn breaks_of(&self, breakpoint: Breakpoint) -> Breaks {
        match self.watch_places(breakpoint.places) {
            Watch::Breaks(breaks) => breaks,
            _ => Breaks::default(),
        }
    }

    /// A run through the whole recording, in a copy that is dropped after it.
    pub(in crate::timeline) fn pass(
        &mut self,
        watch: Watch,
        interrupt: &Interrupt,
        progress: &dyn Fn(Pass),
    ) -> Result<Reply> {
        self.collect();
        match self.attempt_pass(watch.clone(), interrupt, progress) {
            Err(TimelineError::Died(message)) => {
                tracing::warn!("a replayer died ({message}); trying again with another");
                self.revive()?;
                self.attempt_pass(watch, interrupt, progress)
            }
            // Optimised code has lost count where the guest trapped.
            Err(TimelineError::Optimised(_)) => {
                self.need_debug(interrupt, &|_| {})?;
                self.attempt_pass(watch, interrupt, progress)
            }
            other => other,
        }
    }

    fn attempt_pass(
        &mut self,
        watch: Watch,
        interrupt: &Interrupt,
        progress: &dyn Fn(Pass),
    ) -> Result<Reply> {
        let mut process = self.copy_at_or_before(Position::START)?;
        process.start(&Request::Run(Box::new(Run {
            watch,
            stop: StopAt::End,
            leave_at: Vec::new(),
            leave_every: None,
            first_id: self.pool.reserve(1),
        })))?;
        let end = self.known_end().map(|end| end.tick);
        loop {
            match process.wait(interrupt)? {
                Reply::Passed(at) => progress(Pass { at, end }),
                Reply::Log(_) => {}
                reply => return Ok(reply),
            }
        }
    }
}

/// The ranges of those places that are changes.
pub(in crate::timeline) fn changes_among(
    places: &[Place],
) -> impl Iterator<Item = MemoryRange> + '_ {
    places.iter().filter_map(|place| match place {
        Place::Change(range) => Some(*range),
        _ => None,
    })
}
