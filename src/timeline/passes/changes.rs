//! When bytes of guest memory change.

use super::visits::Pass;
use crate::replay::frames::Frame;
use crate::replay::survey::joined;
use crate::replay::{Phase, Position, Tick};
use crate::timeline::processes::replayer::writes::write_before;
use crate::timeline::processes::wire::ask::{FindChanges, Meanwhile};
use crate::timeline::processes::wire::breaks::ChangeWatch;
use crate::timeline::processes::wire::found::{Change, ChangedTicks};
use crate::timeline::travel::motion::{
    BreakpointId, Direction, MemoryRange, Place, Reason, Stop, Writes,
};
use crate::timeline::{Interrupt, Result, Timeline, TimelineError};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// More bytes than this are not watched: they are compared where one stops.
const MOST_BYTES: u32 = 1 << 24;
/// So many ranges are remembered: each takes 4 MiB at most.
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

/// What is known of the changes of some bytes.
#[derive(Debug, Clone)]
struct Looked {
    changes: Arc<Changes>,
    /// Where they may have been written, too, but nobody has looked; half open, ascending.
    open: Vec<Range<Tick>>,
}

/// What is known of changes.
#[derive(Debug, Default)]
pub(in crate::timeline) struct Known {
    by_range: HashMap<MemoryRange, Looked>,
    /// Those at the moment where the session stands, if it has come there for them.
    pub(in crate::timeline) here: Vec<Change>,
    /// If it has gone back to the last change: in how many ticks since the same was written
    /// once more, and the last of these.
    pub(in crate::timeline) again: Option<(usize, Tick)>,
}

impl Known {
    /// Nothing is known any more of what is written after the moment at which the recording ended
    /// when this was found out.
    pub(in crate::timeline) fn forget(&mut self) {
        self.by_range.clear();
    }

    /// Where to look for writes; everywhere, as long as nothing is known.
    pub(in crate::timeline) fn watch(
        &self,
        index: usize,
        range: MemoryRange,
        writes: Writes,
    ) -> ChangeWatch {
        let found = self.by_range.get(&range).map(|known| &known.changes.found);
        let ticks = match (found, writes) {
            (None, _) => ChangedTicks::unknown(),
            (Some(found), Writes::Changing) => found.clone(),
            (Some(found), Writes::All) => found.all_written(),
        };
        ChangeWatch {
            index,
            range,
            writes,
            ticks,
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
    /// Each store is looked at, and all that hostcalls write; one that leaves the bytes as
    /// they were is not a change. The memory of an instance cannot be seen while its start
    /// function runs: what that writes changes when it is done.
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
        known.map(|known| known.changes.clone()).ok_or_else(not_all)
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
            let known = self.changes.by_range.get(range);
            let is_known = known.is_some_and(|known| known.open.is_empty());
            if !is_known && !unknown.contains(range) {
                unknown.push(*range);
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let open: Vec<_> = unknown.iter().flat_map(|r| self.open_of(r)).collect();
        let found = self.find_changes(&unknown, joined(open), interrupt, progress)?;
        if self.changes.by_range.len() + unknown.len() > MOST_KNOWN {
            let by_range = &mut self.changes.by_range;
            by_range.retain(|range, _| ranges.contains(range));
        }
        for (range, found) in unknown.into_iter().zip(found) {
            self.note_changes(range, found, Vec::new());
        }
        Ok(())
    }

    /// Where some bytes may have been written and nobody has looked.
    fn open_of(&mut self, range: &MemoryRange) -> Vec<Range<Tick>> {
        if let Some(known) = self.changes.by_range.get(range) {
            return known.open.clone();
        }
        match self.survey() {
            Some(survey) => {
                let end = range.address.saturating_add(u64::from(range.length));
                survey.written(range.instance, range.memory, range.address..end)
            }
            None => vec![Tick(0)..Tick(u64::MAX)],
        }
    }

    /// The newest stretch that begins before a tick where some bytes may have been written
    /// and nobody has looked.
    pub(in crate::timeline) fn begin_to_know(
        &mut self,
        range: MemoryRange,
        before: Tick,
    ) -> Result<Option<Range<Tick>>> {
        if range.length > MOST_BYTES {
            return Err(TimelineError::TooLong(range));
        }
        if !self.changes.by_range.contains_key(&range) {
            let open = self.open_of(&range);
            if self.changes.by_range.len() >= MOST_KNOWN {
                self.changes.by_range.clear();
            }
            self.note_changes(range, ChangedTicks::default(), open);
        }
        let known = self.changes.by_range.get(&range);
        let mut open = known.iter().flat_map(|known| known.open.iter().rev());
        Ok(open.find(|open| open.start <= before).cloned())
    }

    /// Looks at such a stretch, and at those before it: so many in all.
    pub(in crate::timeline) fn know_more(
        &mut self,
        range: MemoryRange,
        stretch: &Range<Tick>,
        most: usize,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let mut open = self.open_of(&range);
        let end = open.partition_point(|open| open.start <= stretch.start);
        let looked: Vec<_> = open.drain(end.saturating_sub(most)..end).collect();
        let found = self.find_changes(&[range], looked, interrupt, &|_| {})?;
        let found = found.into_iter().next().ok_or_else(not_all)?;
        self.note_changes(range, found, open);
        Ok(())
    }

    fn note_changes(&mut self, range: MemoryRange, found: ChangedTicks, open: Vec<Range<Tick>>) {
        let known = self.changes.by_range.remove(&range);
        let known = known.map(|known| known.changes.found.clone());
        let found = found.and(known.unwrap_or_default());
        let changes = Arc::new(Changes { found });
        self.changes
            .by_range
            .insert(range, Looked { changes, open });
    }

    /// Runs through these stretches with stores told of: as many at a time as there are
    /// processors.
    fn find_changes(
        &mut self,
        ranges: &[MemoryRange],
        stretches: Vec<Range<Tick>>,
        interrupt: &Interrupt,
        progress: &dyn Fn(Pass),
    ) -> Result<Vec<ChangedTicks>> {
        self.collect();
        let mut may_die = true;
        loop {
            match self.find_changes_once(ranges, &stretches, interrupt, progress) {
                Err(TimelineError::Died(_) | TimelineError::Confused(_)) if may_die => {
                    may_die = false;
                    self.forget_watching();
                }
                done => return done,
            }
        }
    }

    fn find_changes_once(
        &mut self,
        ranges: &[MemoryRange],
        stretches: &[Range<Tick>],
        interrupt: &Interrupt,
        progress: &dyn Fn(Pass),
    ) -> Result<Vec<ChangedTicks>> {
        let mut found = vec![ChangedTicks::default(); ranges.len()];
        let end = self.known_end().map(|end| end.tick);
        let at_once = self.at_once();
        let mut pieces = self.watched_pieces(stretches).into_iter().rev().peekable();
        while pieces.peek().is_some() {
            let mut sent = Vec::new();
            for piece in pieces.by_ref().take(at_once) {
                let from = match piece.start {
                    Tick(0) => Position::START,
                    tick => Position::first_of(tick),
                };
                let process = self.watching_at_or_before(from, interrupt)?;
                sent.push(process.send(FindChanges {
                    ranges: ranges.to_vec(),
                    until: (piece.end < Tick(u64::MAX)).then_some(piece.end),
                    leave: self.leave_watching(),
                })?);
            }
            for sent in sent {
                let (_, more) = sent.wait(interrupt, |meanwhile| match meanwhile {
                    Meanwhile::Passed(at) => progress(Pass { at, end }),
                    Meanwhile::Log(_) => {}
                })?;
                if more.len() != found.len() {
                    return Err(not_all());
                }
                let pairs = found.into_iter().zip(more);
                found = pairs.map(|(found, more)| found.and(more)).collect();
            }
        }
        Ok(found)
    }

    /// Stretches, cut where there are checkpoints that one can begin at. Those that one comes to
    /// from the same checkpoint are one piece: one runs through all of them to get to the last.
    fn watched_pieces(&mut self, stretches: &[Range<Tick>]) -> Vec<Range<Tick>> {
        let checkpoints: Vec<Tick> = {
            let kept = self.pool.watching();
            kept.positions().map(|position| position.tick).collect()
        };
        let before = |tick: Tick| checkpoints.iter().filter(|at| **at <= tick).count();
        let mut pieces: Vec<Range<Tick>> = Vec::new();
        for stretch in stretches {
            let mut begin = stretch.start;
            let within = checkpoints.iter().filter(|tick| stretch.contains(tick));
            for tick in within.copied().chain([stretch.end]) {
                if begin >= tick {
                    continue;
                }
                match pieces.last_mut() {
                    Some(piece) if before(piece.start) == before(begin) => piece.end = tick,
                    _ => pieces.push(begin..tick),
                }
                begin = tick;
            }
        }
        pieces
    }

    /// What has changed where the session stands, if it has come there by this
    /// breakpoint, and that is for changes.
    pub fn change_here(&self, id: BreakpointId) -> Option<&Change> {
        let places = self.breakpoints.places_of(id)?;
        let mut watched = places.iter().filter_map(Place::watched);
        watched.find_map(|(range, _)| self.change_of(&range))
    }

    /// How some bytes have changed where the session stands, if it has come there for
    /// that change.
    pub fn change_of(&self, range: &MemoryRange) -> Option<&Change> {
        self.changes.here.iter().find(|c| c.range == *range)
    }

    /// If the session has gone back to the last change of some bytes: in how many ticks, from
    /// there to where it was, what they held was written once more, and the last of these.
    pub fn written_again(&self) -> Option<(usize, Tick)> {
        self.changes.again
    }

    /// In how many ticks the same was written to some bytes, of what is known: after a tick,
    /// and before that of a position, or in that, too, if all of it has run.
    pub(in crate::timeline) fn same_between(
        &self,
        range: &MemoryRange,
        after: Tick,
        before: Position,
    ) -> Option<(usize, Tick)> {
        let known = self.changes.by_range.get(range)?;
        let is_end = before.phase == Phase::End;
        let end = Tick(before.tick.0 + u64::from(is_end));
        let same = known.changes.found.same.iter();
        let between: Vec<Tick> = same
            .copied()
            .filter(|tick| after < *tick && *tick < end)
            .collect();
        Some((between.len(), *between.last()?))
    }

    /// What has changed where the session stands, if it has come there for that.
    pub fn changes_here(&self) -> &[Change] {
        if self.looks_elsewhere() {
            return &[];
        }
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

    /// The session is here for these changes, which have just been made: it has come to where
    /// they were found.
    pub fn stand_for(&mut self, changes: Vec<Change>) {
        self.changes.here = changes;
    }

    /// From now on the session is not here for a change, but for what comes next.
    pub fn leave_change(&mut self) -> Stop {
        self.changes.here.clear();
        self.here.reason = Reason::Arrived;
        self.here.clone()
    }

    pub(in crate::timeline) fn no_write(
        &self,
        range: MemoryRange,
        writes: Writes,
        direction: Direction,
    ) -> TimelineError {
        match direction {
            Direction::Backward if self.change_of(&range).is_some() => {
                TimelineError::NotWrittenEarlier(range)
            }
            Direction::Backward => TimelineError::NotWritten(range),
            Direction::Forward => match writes {
                Writes::Changing => TimelineError::NotWrittenAgain(range),
                Writes::All => TimelineError::NoMoreWrites(range),
            },
        }
    }
}
