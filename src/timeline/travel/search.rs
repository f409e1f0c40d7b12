//! Looking for the next place that qualifies, or the last one before now.
//!
//! Moving backward is always the same: choose the stretch from the nearest
//! checkpoint to now, run it forward, remember the last place that qualifies, go
//! there; if there is none, take the stretch before.
//!
//! A search that looks at certain frames only leaves out the time in which none of
//! them ran, both ways: a step over a call that takes minutes replays the end of
//! the call, or its beginning.

use super::super::depths::Quiet;
use super::super::motion::{Direction, HostcallFilter, Place, Reason, Stop};
use super::super::process::Process;
use super::super::wire::{Hit, StopAt, Watch};
use super::super::{Interrupt, Result, Timeline, TimelineError};
use super::seek::ladder;
use crate::replay::{Phase, Position, Tick};

/// A search backward looks at so many ticks before the present first, then at ever
/// more: most of what people go back to is near, and to run to a tick costs less than
/// to run with breakpoints, some of which are hot. (At random places of an optimised
/// compressor, stepping back by line took 37 ms when the first stretch began at the
/// nearest checkpoint.)
const NEAR: [u64; 4] = [0, 16, 512, 1 << 14];
/// Stretches before those begin at checkpoints, are at least so long, in ticks, and
/// each is at least twice as long as the one after it: copying a process takes as long
/// as to replay some tens of thousands of ticks, and the first writes to its pages
/// more.
const FIRST_STRETCH: u64 = 1 << 17;
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
    watch: Watch,
    /// With more frames on the stack than this, nothing qualifies.
    depth: Option<u32>,
}

impl Search {
    pub(super) fn anywhere(watch: Watch) -> Search {
        Search { watch, depth: None }
    }

    pub(super) fn at_most(depth: u32, watch: Watch) -> Search {
        Search {
            watch,
            depth: (depth < u32::MAX).then_some(depth),
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
}

impl Timeline {
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
        mut process: Process,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let mut leave_at = Vec::new();
        let mut passed = Tick(0);
        loop {
            let from = process.at.position.tick.max(passed);
            let quiet = self.quiet_after(search.depth, from);
            let stop = match &quiet {
                Some(quiet) => StopAt::FirstBefore(quiet.ticks.start),
                None => StopAt::First,
            };
            let watch = search.watch.clone();
            let ran = self.run(process, watch, stop, leave_at, interrupt)?;
            let (stopped, hit) = (ran.process, ran.hit);
            let Some(quiet) = quiet.filter(|_| hit.is_none() && !stopped.at.is_end) else {
                return Ok(self.settle(stopped, reason_of(hit.as_ref())));
            };
            let end = Position::first_of(quiet.ticks.end);
            process = self.pass_over(stopped, &quiet)?;
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
        match self.last_before(self.here.position, search, interrupt)? {
            Some(hit) => {
                self.seek(hit.at.position, interrupt)?;
                Ok(self.arrived(reason_of(Some(&hit))))
            }
            None => self.reach_start(),
        }
    }

    /// The last moment before `bound` that qualifies, stretch by stretch.
    pub(super) fn last_before(
        &mut self,
        bound: Position,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Option<Hit>> {
        let mut search = search.clone();
        let mut until = bound;
        let mut reach = Reach::default();
        loop {
            if let Some(quiet) = self.quiet_before(search.depth, until.tick) {
                until = until.min(Position::first_of(quiet.ticks.start));
                if reach.near_again < SHORT_AGAIN {
                    reach = Reach {
                        near_again: reach.near_again + 1,
                        ..Reach::default()
                    };
                }
            }
            let (ticks, exactly) = reach.next();
            let begin = Tick(until.tick.0.saturating_sub(ticks));
            let copy = self.copy_for_stretch(begin, exactly, until, interrupt)?;
            let from = copy.at.position;
            if from >= until {
                if from == Position::START {
                    return Ok(None);
                }
                continue;
            }
            let stop = StopAt::LastBefore(if until == bound {
                bound
            } else {
                // The call out at the checkpoint's instruction may be the bound.
                just_after(until).min(bound)
            });
            let ran = self.run(copy, search.watch.clone(), stop, Vec::new(), interrupt)?;
            if ran.hit.is_some() {
                return Ok(ran.hit);
            }
            if let Some(depth) = ran.depth {
                search.limit(depth);
            }
            if from == Position::START {
                return Ok(None);
            }
            until = from;
        }
    }

    /// A copy that begins a stretch at a tick: exactly there, or at the nearest
    /// checkpoint; at a later checkpoint before `until`, if there is one.
    fn copy_for_stretch(
        &mut self,
        begin: Tick,
        exactly: bool,
        until: Position,
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
        let later = self.pool.fork_checkpoint(|checkpoints| {
            let checkpoint = checkpoints.before(until)?;
            (checkpoint.at.position >= first).then_some(checkpoint)
        })?;
        match later {
            Some(copy) => Ok(copy),
            None => self.at_tick(begin, interrupt),
        }
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
                Some(event) => self.reach_event(event, interrupt),
                None => self.reach_start(),
            },
        }
    }

    /// To where the hostcall that is being made, or else the next one, has answered.
    pub(super) fn over_hostcall(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        let copy = self.pool.fork(&mut self.live)?;
        let stop = StopAt::Answered(self.here.event);
        let ran = self.run(copy, Watch::Nothing, stop, Vec::new(), interrupt)?;
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
