//! Looking for the next place that qualifies, or the last one before now.
//!
//! Moving backward is always the same: choose the stretch from the nearest
//! checkpoint to now, run it forward, remember the last place that qualifies, go
//! there; if there is none, take the stretch before.
//!
//! A search that looks at certain frames only leaves out the time in which none of
//! them ran, both ways: a step over a call that takes minutes replays the end of
//! the call, or its beginning.

use super::super::breakpoints::watch_for;
use super::super::depths::Quiet;
use super::super::motion::{Breakpoint, BreakpointId, Direction, HostcallFilter, Reason, Stop};
use super::super::process::Process;
use super::super::wire::{Hit, StopAt, Watch};
use super::super::{Interrupt, Result, Timeline};
use super::seek::ladder;
use crate::component::ModuleId;
use crate::replay::{Phase, Position, Tick};

/// The first stretch of a search backward reaches to the nearest checkpoint, which
/// may be a step away. Those before it are at least so long, in ticks, and each at
/// least twice as long as the one after it: copying a process takes as long as to
/// replay some tens of thousands of ticks, and the first writes to its pages more.
const FIRST_STRETCH: u64 = 1 << 17;
/// Longer stretches, half a second of replay, would save nothing any more.
const LONGEST_STRETCH: u64 = 1 << 24;

/// Only the checkpoint at the start is before this.
const AFTER_START: Position = Position::first_of(Tick(1));

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
        loop {
            let quiet = self.quiet_after(search.depth, process.at.position.tick);
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
        let mut stretch = 0;
        loop {
            if let Some(quiet) = self.quiet_before(search.depth, until.tick) {
                until = until.min(Position::first_of(quiet.ticks.start));
            }
            let Some(copy) = self.copy_before(until, stretch)? else {
                return Ok(None);
            };
            let from = copy.at.position;
            let leave_at = match stretch {
                // Whoever goes back is likely to go back again.
                0 => ladder(from, until),
                _ => Vec::new(),
            };
            stretch = (stretch * 2).clamp(FIRST_STRETCH, LONGEST_STRETCH);
            let stop = StopAt::LastBefore(if until == bound {
                bound
            } else {
                // The call out at the checkpoint's instruction may be the bound.
                just_after(until).min(bound)
            });
            let ran = self.run(copy, search.watch.clone(), stop, leave_at, interrupt)?;
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

    /// A copy of the nearest checkpoint that is at least `stretch` ticks before a
    /// position, or else of the first one.
    fn copy_before(&mut self, position: Position, stretch: u64) -> Result<Option<Process>> {
        let tick = Tick(position.tick.0.saturating_sub(stretch));
        let far = match stretch {
            0 => position,
            _ => position.min(Position::first_of(tick)),
        };
        let copy = self.pool.fork_checkpoint(|checkpoints| {
            let near_start = checkpoints.before(far).is_none() && position > Position::START;
            checkpoints.before(if near_start {
                position.min(AFTER_START)
            } else {
                far
            })
        })?;
        Ok(copy)
    }

    /// To the next or previous hostcall that a filter lets through.
    pub(super) fn hostcall_step(
        &mut self,
        direction: Direction,
        filter: &HostcallFilter,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        if *filter != HostcallFilter::ANY {
            let breakpoint = Breakpoint::at_hostcalls(BreakpointId(0), filter.clone());
            let watch = watch_for(self.trace.component(), breakpoint);
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

/// A watch for places in code.
pub(super) fn code(code: Vec<(BreakpointId, ModuleId, u32)>) -> Watch {
    Watch::Places {
        code,
        crossings: Vec::new(),
    }
}
