//! When bytes of guest memory change.

use super::visits::Pass;
use crate::replay::frames::Frame;
use crate::replay::{Phase, Tick};
use crate::timeline::processes::replayer::writes::write_before;
use crate::timeline::processes::wire::ask::FindChanges;
use crate::timeline::processes::wire::found::{Change, ChangedTicks};
use crate::timeline::travel::motion::{BreakpointId, Direction, MemoryRange, Place, Reason, Stop};
use crate::timeline::{Interrupt, Result, Timeline, TimelineError};
use std::collections::HashMap;
use std::sync::Arc;

/// More bytes than this are not watched: they are compared at each tick.
const MOST_BYTES: u32 = 1 << 20;
/// So many ranges are remembered: each takes 2 MiB at most.
const MOST_KNOWN: usize = 64;

/// When some bytes change in a recording: the ticks in which they do. Which
/// instructions of a tick write them is found out where somebody goes there, and by
/// [`Timeline::visits`] of a [`Place::Change`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    pub(in crate::timeline) found: ChangedTicks,
}

impl Changes {
    /// Ascending. What changes before a tick's first instruction, as it does by
    /// instantiation, is said to be of the tick before.
    pub fn ticks(&self) -> &[Tick] {
        &self.found.listed
    }

    /// Whether there are more: those from [`Changes::unlisted`] on are not listed.
    /// Motions find them nevertheless, but slowly.
    pub fn is_cut(&self) -> bool {
        self.found.unlisted.is_some()
    }

    /// The tick from which on changes are not listed, if there are that many.
    pub fn unlisted(&self) -> Option<Tick> {
        self.found.unlisted
    }
}

/// What is known of changes.
#[derive(Debug, Default)]
pub(in crate::timeline) struct Known {
    by_range: HashMap<MemoryRange, Arc<Changes>>,
    /// Those at the moment where the session stands, if it has come there for them.
    pub(in crate::timeline) here: Vec<Change>,
}

impl Known {
    /// Where to look for changes; everywhere, as long as nothing is known.
    pub(in crate::timeline) fn ticks(&self, range: &MemoryRange) -> ChangedTicks {
        match self.by_range.get(range) {
            Some(changes) => changes.found.clone(),
            None => ChangedTicks::unknown(),
        }
    }
}

/// An answer for other ranges than those that were asked for.
fn not_all() -> TimelineError {
    TimelineError::Confused("not the changes of all bytes that are watched".into())
}

impl Timeline {
    /// When some bytes change, in the whole recording: one pass over it, the first time
    /// they are asked for.
    ///
    /// They are compared at each tick (entry of a function, or iteration of a loop), and
    /// before and after each hostcall. So what changes and is undone between two of
    /// those is not a change. Also, the memory of an instance cannot be seen while its
    /// start function runs: what that writes changes when it is done.
    ///
    /// # Errors
    ///
    /// If there are too many bytes to watch, if interrupted, or if the replayer died.
    pub fn changes(
        &mut self,
        range: MemoryRange,
        interrupt: &Interrupt,
        progress: &dyn Fn(Pass),
    ) -> Result<Arc<Changes>> {
        self.know_changes(&[range], interrupt, progress)?;
        let known = self.changes.by_range.get(&range);
        known.cloned().ok_or_else(not_all)
    }

    /// One pass for all of these ranges that nothing is known of.
    pub(in crate::timeline) fn know_changes(
        &mut self,
        ranges: &[MemoryRange],
        interrupt: &Interrupt,
        progress: &dyn Fn(Pass),
    ) -> Result<()> {
        let mut unknown: Vec<MemoryRange> = Vec::new();
        for range in ranges {
            if range.length > MOST_BYTES {
                return Err(TimelineError::TooLong(*range));
            }
            if !self.changes.by_range.contains_key(range) && !unknown.contains(range) {
                unknown.push(*range);
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        self.need_debug(interrupt, &|_| {})?;
        let found = self.pass(&FindChanges(unknown.clone()), interrupt, progress)?;
        if found.len() != unknown.len() {
            return Err(not_all());
        }
        let by_range = &mut self.changes.by_range;
        if by_range.len() + unknown.len() > MOST_KNOWN {
            by_range.retain(|range, _| ranges.contains(range));
        }
        let found = found.into_iter().map(|found| Arc::new(Changes { found }));
        by_range.extend(unknown.into_iter().zip(found));
        Ok(())
    }

    /// What has changed where the session stands, if it has come there by this
    /// breakpoint, and that is for changes.
    pub fn change_here(&self, id: BreakpointId) -> Option<&Change> {
        let places = self.breakpoints.places_of(id)?;
        places.iter().find_map(|place| match place {
            Place::Change(range) => self.change_of(range),
            _ => None,
        })
    }

    /// How some bytes have changed where the session stands, if it has come there for
    /// that change.
    pub fn change_of(&self, range: &MemoryRange) -> Option<&Change> {
        self.changes.here.iter().find(|c| c.range == *range)
    }

    /// What has changed where the session stands, if it has come there for that.
    pub fn changes_here(&self) -> &[Change] {
        let is_for_change = match &self.here.reason {
            Reason::Breakpoints(ids) => ids.iter().any(|id| self.change_here(*id).is_some()),
            Reason::Arrived => true,
            Reason::Start | Reason::End(_) | Reason::Paused => false,
        };
        match is_for_change {
            true => &self.changes.here,
            false => &[],
        }
    }

    /// The instruction that has written what has changed where the session stands, if it has
    /// come there for that: the one before that of this frame, the innermost one. `None` if it
    /// was somebody else, as a hostcall.
    pub fn writer(&self, frame: &Frame) -> Option<u32> {
        if self.changes_here().is_empty() || self.here.position.phase != Phase::Before {
            return None;
        }
        let code = &self.module(frame.module)?.code;
        let bytes = self.trace.component().module(frame.module)?;
        write_before(bytes, code, frame.pc)
    }

    /// From now on the session is not here for a change, but for what comes next.
    pub fn leave_change(&mut self) -> Stop {
        self.changes.here.clear();
        self.here.reason = Reason::Arrived;
        self.here.clone()
    }

    pub(in crate::timeline) fn no_change(
        &self,
        range: MemoryRange,
        direction: Direction,
    ) -> TimelineError {
        match direction {
            Direction::Backward if self.change_of(&range).is_some() => {
                TimelineError::NotWrittenEarlier(range)
            }
            Direction::Backward => TimelineError::NotWritten(range),
            Direction::Forward => TimelineError::NotWrittenAgain(range),
        }
    }
}
