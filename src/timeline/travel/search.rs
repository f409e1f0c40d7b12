//! Looking for the next place that qualifies, or the last one before now.
//!
//! Moving backward is always the same: choose the stretch from the nearest
//! checkpoint to now, run it forward, remember the last place that qualifies, go
//! there; if there is none, take the stretch before.
//!
//! A search that looks at certain frames only leaves out the time in which none of
//! them ran, both ways: a step over a call that takes minutes replays the end of
//! the call, or its beginning.

use super::super::{Interrupt, Result, Timeline, TimelineError};
use super::Ran;
use super::candidates::Candidates;
use super::motion::{Direction, HostcallFilter, MemoryRange, Place, Reason, Stop, Writes};
use super::pausing::ComeTo;
use super::seek::ladder;
use crate::component::ModuleId;
use crate::replay::{Phase, Position, Tick};
use crate::timeline::ahead::depths::Quiet;
use crate::timeline::ahead::outer;
use crate::timeline::processes::process::Process;
use crate::timeline::processes::wire::found::Hit;
use crate::timeline::processes::wire::run::{LineWatch, StopAt, Watch};
use std::sync::Arc;

/// A search backward looks at so many ticks before the present first, then at ever
/// more: most of what people go back to is near, and to run to a tick costs less than
/// to run with breakpoints, some of which are hot. (At random places of an optimised
/// compressor, stepping back by line took 37 ms when the first stretch began at the
/// nearest checkpoint.) They begin just there, since checkpoints may be a million ticks
/// apart, and as many visits take seconds.
const NEAR: [u64; 6] = [0, 16, 512, 1 << 14, 1 << 17, 1 << 20];
/// If all that is to be searched is no longer than this, in ticks, it is one stretch.
const NEAR_ENOUGH: u64 = 512;
/// Stretches before those begin at checkpoints, are at least so long, in ticks, and
/// each is at least twice as long as the one after it: copying a process takes as long
/// as to replay some tens of thousands of ticks, and the first writes to its pages
/// more.
const FIRST_STRETCH: u64 = 1 << 21;
/// Longer stretches, half a second of replay, would save nothing any more.
const LONGEST_STRETCH: u64 = 1 << 24;
/// Before time that is left out, stretches are short again, as often as this. A frame
/// that runs a little between calls, again and again, and comes to no other line, is
/// searched in long stretches after that: short ones would each be run to from the
/// nearest checkpoint.
const SHORT_AGAIN: u32 = 8;

/// How far back the stretches of a search reach.
#[derive(Debug, Default)]
struct Reach {
    stretches: usize,
    ticks: u64,
    /// How often the stretches began to be short again.
    near_again: u32,
}

impl Reach {
    /// The length of the next stretch, in ticks, and whether it begins just there.
    fn next(&mut self) -> (u64, bool) {
        let near = NEAR.get(self.stretches).copied();
        self.ticks = match near {
            Some(ticks) => ticks,
            None => (self.ticks * 2).clamp(FIRST_STRETCH, LONGEST_STRETCH),
        };
        self.stretches += 1;
        (self.ticks, near.is_some())
    }
}

/// What is looked for.
#[derive(Clone)]
pub(super) struct Search {
    pub(super) watch: Watch,
    /// With more frames on the stack than this, nothing qualifies.
    depth: Option<u32>,
    /// Nothing qualifies in other ticks than these, if anything is known of that.
    pub(super) candidates: Option<Arc<Candidates>>,
    /// Of these places one is visited where something qualifies; none, if that is not known.
    places: Arc<[(ModuleId, u32)]>,
    /// Nothing qualifies beyond this moment, in the direction of the search.
    farthest: Option<Position>,
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
    fn limit(&mut self, depth: u32) {
        if let (Some(known), Watch::Lines(lines)) = (&mut self.depth, &mut self.watch) {
            *known = depth.min(*known);
            lines.depth = *known;
        }
    }

    /// What is watched in a stretch: what may begin at the bound of the search, does so in
    /// the last stretch only.
    fn watch_in(&self, is_last: bool) -> Watch {
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
    fn is_over(&self) -> bool {
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
    fn left_out_after(&mut self, search: &Search, from: Tick) -> Option<Quiet> {
        match &search.candidates {
            Some(candidates) => candidates.none_after(from, self.known_end().map(|end| end.tick)),
            None => self.quiet_after(search.depth, &search.places, from),
        }
    }

    /// A stretch until a tick that a search can leave out.
    fn left_out_before(&mut self, search: &Search, until: Tick) -> Option<Quiet> {
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

    /// Runs forward from here to the first moment that qualifies, or the end.
    pub(super) fn forward(&mut self, search: &Search, interrupt: &Interrupt) -> Result<Stop> {
        if self.live.at.is_end {
            return Ok(self.arrived(Reason::Arrived));
        }
        let process = self.pool.fork(&mut self.live)?;
        self.forward_from(process, search, interrupt)
    }

    /// The same, from where a process stands.
    pub(super) fn forward_from(
        &mut self,
        process: Process,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let ran = self.first_after(process, search, interrupt)?;
        self.settle_at(ran)
    }

    /// The session stands where a run has ended.
    pub(super) fn settle_at(&mut self, ran: Ran) -> Result<Stop> {
        let stop = self.settle(ran.process, reason_of(ran.hit.as_ref()));
        if let Some(hit) = ran.hit {
            self.arrive_before_calls(&hit)?;
            self.changes.here = hit.changed;
        }
        Ok(stop)
    }

    /// A process that stands at the first moment that qualifies, or at the end.
    pub(super) fn first_after(
        &mut self,
        mut process: Process,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Ran> {
        let mut search = search.clone();
        let mut leave_at = Vec::new();
        let mut passed = Tick(0);
        let mut awaits = true;
        let mut piece = FIRST_STRETCH;
        loop {
            self.look_for_candidates(&mut search);
            let from = process.at.position.tick.max(passed);
            let last = search.farthest;
            let quiet = self.left_out_after(&search, from);
            let quiet = quiet.filter(|q| last.is_none_or(|last| q.ticks.start <= last.tick));
            let (stop, is_piece) = match (&quiet, last) {
                (Some(quiet), _) => (StopAt::FirstBefore(quiet.ticks.start), false),
                (None, Some(last)) => (StopAt::FirstUntil(last), false),
                (None, None) if awaits && self.awaits_candidates(&search) => {
                    (StopAt::FirstBefore(Tick(from.0 + piece)), true)
                }
                (None, None) => (StopAt::First, false),
            };
            let again = match is_piece {
                true => Some(self.pool.fork(&mut process)?),
                false => None,
            };
            let watch = search.watch.clone();
            let mut ran = self.run_on(process, watch, stop, leave_at, interrupt)?;
            let is_over = ran.hit.is_some() || ran.process.at.is_end;
            if let Some(again) = again.filter(|_| !is_over) {
                // It stands before an instruction at which nobody has looked.
                awaits = !self.stands_at_place(&mut ran.process, &search)?;
                process = if awaits { ran.process } else { again };
                piece = (piece * 2).min(LONGEST_STRETCH);
                leave_at = Vec::new();
                continue;
            }
            let Some(quiet) = quiet.filter(|_| !is_over) else {
                return Ok(ran);
            };
            if last.is_some_and(|last| last.tick < quiet.ticks.end) {
                return Ok(ran);
            }
            let end = Position::first_of(quiet.ticks.end);
            process = self.pass_over(ran.process, &quiet)?;
            passed = quiet.ticks.end;
            leave_at = ladder(process.at.position, end);
        }
    }

    /// A process as near as possible to the end of a stretch that can be left out.
    fn pass_over(&mut self, process: Process, quiet: &Quiet) -> Result<Process> {
        let end = Position::first_of(quiet.ticks.end);
        let farther = self.pool.fork_checkpoint(|checkpoints| {
            let checkpoint = checkpoints.at_or_before(end)?;
            (checkpoint.at.position > process.at.position).then_some(checkpoint)
        })?;
        Ok(farther.unwrap_or(process))
    }

    /// Goes back to the last moment that qualifies, or the start.
    pub(super) fn backward(&mut self, search: &Search, interrupt: &Interrupt) -> Result<Stop> {
        self.backward_from(self.here.position, search, interrupt)
    }

    /// The same, where nothing qualifies from a moment on.
    pub(super) fn backward_from(
        &mut self,
        until: Position,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let bound = self.here.position;
        match self.last_before_from(bound, until, search, interrupt)? {
            Some(hit) => self.come_back_to(&hit, interrupt),
            None => self.reach_start(),
        }
    }

    /// Goes to what has been found.
    pub(super) fn come_back_to(&mut self, hit: &Hit, interrupt: &Interrupt) -> Result<Stop> {
        self.seek(hit.at.position, interrupt)?;
        let stop = self.arrived(reason_of(Some(hit)));
        self.arrive_before_calls(hit)?;
        self.changes.here = hit.changed.clone();
        Ok(stop)
    }

    /// To the next write of some bytes.
    pub(super) fn reach_next_write(
        &mut self,
        range: MemoryRange,
        writes: Writes,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        self.know_changes(&[range], interrupt, &|_| {})?;
        let watch = self.watch_places(vec![writes.place(range)]);
        let search = Search::anywhere(watch);
        let copy = self.pool.fork(&mut self.live)?;
        let ran = self.first_after(copy, &search, interrupt)?;
        let Some(hit) = ran.hit else {
            return Err(self.no_write(range, writes, Direction::Forward));
        };
        let stop = self.settle(ran.process, Reason::Arrived);
        self.changes.here = hit.changed;
        Ok(stop)
    }

    /// To the last one.
    pub(super) fn reach_last_write(
        &mut self,
        range: MemoryRange,
        writes: Writes,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let from = self.here.position;
        let Some(hit) = self.last_write(range, writes, interrupt)? else {
            return Err(self.no_write(range, writes, Direction::Backward));
        };
        self.seek(hit.at.position, interrupt)?;
        let stop = self.arrived(Reason::Arrived);
        self.changes.here = hit.changed;
        self.changes.again = match writes {
            Writes::Changing => self.same_between(&range, stop.position.tick, from),
            Writes::All => None,
        };
        Ok(stop)
    }

    /// The last write of some bytes before here. Where it is known when they may have been
    /// written, the newest of that time is looked at first.
    fn last_write(
        &mut self,
        range: MemoryRange,
        writes: Writes,
        interrupt: &Interrupt,
    ) -> Result<Option<Hit>> {
        loop {
            let here = self.here.position;
            let open = self.begin_to_know(range, here.tick)?;
            let watch = self.watch_places(vec![writes.place(range)]);
            let mut search = Search::anywhere(watch);
            if let Some(open) = &open {
                search = search.no_farther_than(Position::first_of(open.end).min(here));
            }
            let hit = self.last_before(here, &search, interrupt)?;
            match open {
                Some(open) if hit.is_none() => self.know_more(range, open, interrupt)?,
                _ => return Ok(hit),
            }
        }
    }

    /// The last moment before `bound` that qualifies, stretch by stretch.
    pub(super) fn last_before(
        &mut self,
        bound: Position,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Option<Hit>> {
        self.last_before_from(bound, bound, search, interrupt)
    }

    /// The same, where none qualifies from `until` on.
    fn last_before_from(
        &mut self,
        bound: Position,
        until: Position,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Option<Hit>> {
        let mut search = search.clone();
        let first = search.farthest;
        // What has changed can only be told from before.
        let first_tick = first.map_or(0, |first| first.tick.0.saturating_sub(1));
        let mut until = until;
        let mut reach = Reach::default();
        loop {
            self.look_for_candidates(&mut search);
            if until < bound {
                self.come_to = Some(ComeTo::Position(until));
            }
            // The tick of the bound may begin deeper, and yet come to what qualifies.
            let quiet = match reach.stretches {
                0 if until == bound => None,
                _ => self.left_out_before(&search, until.tick),
            };
            if let Some(quiet) = quiet {
                until = until.min(Position::first_of(quiet.ticks.start));
                if reach.near_again < SHORT_AGAIN {
                    reach = Reach {
                        near_again: reach.near_again + 1,
                        ..Reach::default()
                    };
                }
            }
            if first.is_some_and(|first| until < first) {
                return Ok(None);
            }
            let (mut ticks, exactly) = reach.next();
            if until.tick.0.saturating_sub(first_tick) <= NEAR_ENOUGH {
                ticks = NEAR_ENOUGH;
            }
            let begin = Tick(until.tick.0.saturating_sub(ticks).max(first_tick));
            let copy = self.copy_for_stretch(begin, exactly, interrupt)?;
            let from = copy.at.position;
            if from >= until {
                if from == Position::START {
                    return Ok(None);
                }
                continue;
            }
            let is_last = from == Position::START || first.is_some_and(|first| from < first);
            let stop = StopAt::LastBefore(if until == bound {
                bound
            } else {
                // The call out at the checkpoint's instruction may be the bound.
                just_after(until).min(bound)
            });
            let watch = search.watch_in(until == bound);
            let ran = self.run(copy, watch, stop, Vec::new(), interrupt)?;
            if let Some(first) = first.filter(|_| is_last) {
                self.breakpoints.forget_log_before(first);
                return Ok(ran.hit.filter(|hit| hit.at.position >= first));
            }
            if ran.hit.is_some() {
                return Ok(ran.hit);
            }
            if let Some(depth) = ran.depth {
                search.limit(depth);
            }
            if is_last || search.is_over() {
                return Ok(None);
            }
            until = from;
        }
    }

    /// A copy that begins a stretch at a tick: exactly there, or at the nearest checkpoint.
    /// (Later checkpoints do not shorten it: where steps have left many, each would be a
    /// stretch, and the next one longer.)
    fn copy_for_stretch(
        &mut self,
        begin: Tick,
        exactly: bool,
        interrupt: &Interrupt,
    ) -> Result<Process> {
        if begin == Tick(0) {
            return self.copy_at_or_before(Position::START);
        }
        let first = Position::first_of(begin);
        if !exactly {
            let copy = self.pool.fork_checkpoint(|c| c.at_or_before(first))?;
            return copy.ok_or_else(|| TimelineError::Died("no checkpoint is left".into()));
        }
        self.at_tick(begin, interrupt)
    }

    /// To the next or previous hostcall that a filter lets through.
    pub(super) fn hostcall_step(
        &mut self,
        direction: Direction,
        filter: &HostcallFilter,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        if *filter != HostcallFilter::ANY {
            let watch = self.watch_places(vec![Place::Hostcall(filter.clone())]);
            let mut stop = self.search(direction, Search::anywhere(watch), interrupt)?;
            if matches!(stop.reason, Reason::Breakpoints(_)) {
                stop.reason = Reason::Arrived;
                self.here = stop.clone();
            }
            return Ok(stop);
        }
        let phase = self.here.position.phase;
        match direction {
            Direction::Forward => {
                let at_hostcall = phase == Phase::Calling;
                self.reach_event(self.here.event + u64::from(at_hostcall), interrupt)
            }
            Direction::Backward => match self.here.event.checked_sub(1) {
                // It is come to from before, which is not on the way.
                Some(event) => self
                    .reach_event(event, interrupt)
                    .inspect_err(|_| self.come_to = None),
                None => self.reach_start(),
            },
        }
    }

    /// To where the hostcall that is being made, or else the next one, has answered.
    pub(super) fn over_hostcall(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        let copy = self.pool.fork(&mut self.live)?;
        let stop = StopAt::Answered(self.here.event);
        let ran = self.run_on(copy, Watch::Nothing, stop, Vec::new(), interrupt)?;
        Ok(self.settle(ran.process, Reason::Arrived))
    }
}

/// The bound of a stretch that ends at a checkpoint: the checkpoint's own moment
/// belongs to it, since a line start there can only be told from before.
fn just_after(until: Position) -> Position {
    Position {
        pc: until.pc.saturating_add(1),
        phase: Phase::Before,
        ..until
    }
}

pub(super) fn reason_of(hit: Option<&Hit>) -> Reason {
    match hit {
        Some(hit) if !hit.breakpoints.is_empty() => Reason::Breakpoints(hit.breakpoints.clone()),
        _ => Reason::Arrived,
    }
}
