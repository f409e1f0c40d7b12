//! What motions meet on their way: a run goes to the next breakpoint, and a step ends at one.
//!
//! Where a step leads is found out first: that takes as long as it takes where no breakpoint
//! is set, however long the calls are that it goes over. What lies between here and there is
//! searched then, if a breakpoint can be there; so the earlier of both is where the step ends,
//! or the later one on the way back.

use super::super::{Interrupt, Result, Timeline, TimelineError};
use super::motion::{Direction, Motion, Stop};
use super::search::{Search, reason_of};
use crate::replay::{Phase, Position, Tick};
use crate::timeline::processes::wire::breaks::Breaks;
use crate::timeline::processes::wire::run::Watch;

impl Timeline {
    /// To the next breakpoint, or the one before; to that end of the recording, if there is
    /// none.
    pub(super) fn reach_breakpoint(
        &mut self,
        direction: Direction,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let breaks = self.breaks(interrupt)?;
        if breaks.are_anywhere() {
            let search = Search::anywhere(Watch::Breaks(breaks));
            return self.search(direction, search, interrupt);
        }
        match direction {
            Direction::Forward => self.reach_end(interrupt).inspect_err(|error| {
                if matches!(error, TimelineError::Interrupted) {
                    self.come_as_far_as_known();
                }
            }),
            Direction::Backward => self.reach_start(),
        }
    }

    /// A step, or to the first breakpoint on its way.
    pub(super) fn step_until_met(
        &mut self,
        motion: &Motion,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let breaks = self.breaks(interrupt)?;
        if !breaks.are_anywhere() {
            return self.attempt(motion, interrupt);
        }
        let begun = self.here.clone();
        let led = self.attempt(motion, interrupt).inspect_err(|_| {
            // Nobody has looked for breakpoints on the way there.
            self.come_to = None;
        })?;
        if !may_meet(&breaks, &begun, &led) {
            return Ok(led);
        }
        let to = led.position;
        let search = Search::anywhere(Watch::Breaks(breaks)).no_farther_than(to);
        let met = match begun.position < to {
            true => self.meet_forward(&begun, &search, interrupt)?,
            false => self.meet_backward(&begun, &search, interrupt)?,
        };
        let Some(met) = met else {
            return Ok(led);
        };
        self.is_cut_short = met.position != to;
        Ok(met)
    }

    fn meet_forward(
        &mut self,
        begun: &Stop,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Option<Stop>> {
        let copy = self.copy_at(begun.position, interrupt)?;
        let ran = self.first_after(copy, search, interrupt)?;
        Ok(match ran.hit {
            Some(_) => Some(self.settle_at(ran)?),
            None => None,
        })
    }

    fn meet_backward(
        &mut self,
        begun: &Stop,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Option<Stop>> {
        let Some(hit) = self.last_before(begun.position, search, interrupt)? else {
            return Ok(None);
        };
        self.seek(hit.at.position, interrupt)?;
        let stop = self.arrived(reason_of(Some(&hit)));
        self.arrive_before_calls(&hit)?;
        self.changes.here = hit.changed;
        Ok(Some(stop))
    }
}

/// Whether a step from one moment to the other may meet a breakpoint: most steps do not leave
/// a few instructions.
fn may_meet(breaks: &Breaks, begun: &Stop, led: &Stop) -> bool {
    let (first, last) = match begun.position <= led.position {
        true => (begun, led),
        false => (led, begun),
    };
    let (from, to) = (first.position, last.position);
    let makes_calls = first.event != last.event || [from.phase, to.phase].contains(&Phase::Calling);
    let at_hostcalls = !(breaks.crossings.is_empty() && breaks.events.is_empty());
    // What changes in a tick may be seen first at the first moment of the next one.
    let ticks = Tick(from.tick.0.saturating_sub(1))..=to.tick;
    let mut changes = breaks.changes.iter();
    let mut code = breaks.code.iter();
    (makes_calls && at_hostcalls)
        || changes.any(|change| change.ticks.are_within(ticks.clone()))
        || code.any(|(_, _, pc)| may_pass(*pc, begun.position, led.position))
}

/// Whether the instruction at `pc`, of whichever module, may come between two moments, the
/// second one included: in the same tick and frame, code runs straight on.
fn may_pass(pc: u32, begun: Position, led: Position) -> bool {
    if begun.tick != led.tick || begun.depth != led.depth {
        return true;
    }
    match begun < led {
        true => begun.pc < pc && pc <= led.pc,
        false => {
            let is_before_begun = pc < begun.pc || (pc == begun.pc && begun.phase != Phase::Before);
            led.pc <= pc && is_before_begun
        }
    }
}
