//! To places that are known: an event, a tick, a position, an end.

use super::super::{Interrupt, Result, Timeline, TimelineError};
use super::Ran;
use super::motion::{Fraction, Reason, Stop};
use crate::replay::{Position, Tick};
use crate::timeline::processes::process::Process;
use crate::timeline::processes::wire::run::{StopAt, Watch};

/// A stretch is cut in halves toward the present by checkpoints, down to this
/// many ticks: stepping back again then replays next to nothing. Fewer ticks
/// than this replay in the time that a fork takes.
const LADDER_FLOOR: u64 = 4096;

impl Timeline {
    pub(super) fn reach_start(&mut self) -> Result<Stop> {
        let copy = self.copy_at_or_before(Position::START)?;
        Ok(self.settle(copy, Reason::Start))
    }

    pub(super) fn reach_end(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        // The sweep is on its way there: waiting is the quickest.
        self.wait_for_sweep(interrupt)?;
        let copy = self.pool.fork_checkpoint(|c| c.end())?;
        let process = match copy {
            Some(process) => process,
            None => {
                let copy = self.pool.fork(&mut self.live)?;
                self.run_on(copy, Watch::Nothing, StopAt::End, Vec::new(), interrupt)?
                    .process
            }
        };
        Ok(self.settle(process, Reason::Arrived))
    }

    pub(super) fn reach_event(&mut self, event: u64, interrupt: &Interrupt) -> Result<Stop> {
        let process = self.copy_in_call(event, interrupt)?;
        Ok(self.settle(process, Reason::Arrived))
    }

    /// A process that stands in a call out, before its answer.
    pub(in crate::timeline) fn copy_in_call(
        &mut self,
        event: u64,
        interrupt: &Interrupt,
    ) -> Result<Process> {
        let here = self.here.position;
        let live_is_before = self.here.event <= event && !self.live.at.is_end;
        let copy = self.pool.fork_checkpoint(|checkpoints| {
            let checkpoint = checkpoints.before_event(event)?;
            // The present may be nearer than any checkpoint before the event.
            (!live_is_before || checkpoint.at.position > here).then_some(checkpoint)
        })?;
        let copy = match copy {
            Some(copy) => copy,
            None => self.pool.fork(&mut self.live)?,
        };
        let stop = StopAt::Event(event);
        let Ran { process, .. } = self.run_on(copy, Watch::Nothing, stop, Vec::new(), interrupt)?;
        Ok(process)
    }

    pub(super) fn reach_tick(&mut self, tick: Tick, interrupt: &Interrupt) -> Result<Stop> {
        if tick == Tick(0) {
            return self.reach_start();
        }
        let process = self.at_tick(tick, interrupt)?;
        let there = &process.at;
        if there.is_end && there.position.tick < tick {
            return Err(TimelineError::Failed(format!(
                "there is no tick {}: the recording ends in tick {}",
                tick.0, there.position.tick.0
            )));
        }
        Ok(self.settle(process, Reason::Arrived))
    }

    /// By ticks: replay time is nearly proportional to them.
    pub(super) fn reach_fraction(
        &mut self,
        fraction: Fraction,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        if fraction == Fraction::END {
            return self.reach_end(interrupt);
        }
        let end = self.last_tick(interrupt)?;
        self.reach_tick(fraction.of(end), interrupt)
    }

    /// The tick in which the recording ends.
    fn last_tick(&mut self, interrupt: &Interrupt) -> Result<Tick> {
        self.wait_for_sweep(interrupt)?;
        if self.known_end().is_none() {
            let copy = self.pool.fork(&mut self.live)?;
            let stop = StopAt::End;
            let end = self.run(copy, Watch::Nothing, stop, Vec::new(), interrupt)?;
            self.pool.checkpoints().keep(end.process);
        }
        Ok(self.known_end().map_or(Tick(0), |end| end.tick))
    }

    pub(super) fn reach_position(
        &mut self,
        position: Position,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        self.seek(position, interrupt)?;
        Ok(self.arrived(Reason::Arrived))
    }

    pub(in crate::timeline) fn copy_at_or_before(&mut self, position: Position) -> Result<Process> {
        let live = self.live.at.position;
        let nearer = self.pool.fork_checkpoint(|checkpoints| {
            let checkpoint = checkpoints.at_or_before(position)?;
            (live > position || checkpoint.at.position > live).then_some(checkpoint)
        })?;
        match nearer {
            Some(copy) => Ok(copy),
            None if live <= position => Ok(self.pool.fork(&mut self.live)?),
            None => Err(TimelineError::Died("no checkpoint is left".into())),
        }
    }

    /// Goes exactly there.
    pub(super) fn seek(&mut self, position: Position, interrupt: &Interrupt) -> Result<()> {
        if self.live.at.position == position {
            return Ok(());
        }
        let process = self.copy_at(position, interrupt)?;
        self.settle(process, Reason::Arrived);
        Ok(())
    }

    /// A process that stands exactly there.
    pub(in crate::timeline) fn copy_at(
        &mut self,
        position: Position,
        interrupt: &Interrupt,
    ) -> Result<Process> {
        let copy = self.copy_at_or_before(position)?;
        let ladder = ladder(copy.at.position, position);
        let stop = StopAt::Position(position);
        let Ran { process, .. } = self.run(copy, Watch::Nothing, stop, ladder, interrupt)?;
        if process.at.position != position {
            return Err(TimelineError::Failed(format!(
                "there is no moment {position} in this recording; the next one is {}",
                process.at.position
            )));
        }
        Ok(process)
    }

    /// A process that stands at the first moment of a tick, or later if nothing
    /// of that tick can be stood at.
    pub(in crate::timeline) fn at_tick(
        &mut self,
        tick: Tick,
        interrupt: &Interrupt,
    ) -> Result<Process> {
        let first = Position::first_of(tick);
        let copy = self.copy_at_or_before(first)?;
        let ladder = ladder(copy.at.position, first);
        let stop = StopAt::Tick(tick);
        let Ran { process, .. } = self.run(copy, Watch::Nothing, stop, ladder, interrupt)?;
        Ok(process)
    }
}

/// Ticks that halve the way to the present, again and again.
pub(super) fn ladder(from: Position, to: Position) -> Vec<Tick> {
    let mut ticks = Vec::new();
    let mut from = from.tick.0;
    while to.tick.0.saturating_sub(from) > LADDER_FLOOR {
        from += (to.tick.0 - from) / 2;
        ticks.push(Tick(from));
    }
    ticks
}
