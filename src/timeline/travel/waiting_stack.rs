//! Steps on another stack than that which runs: they begin where that goes on next, or, back,
//! where it ran last.

use super::super::{Interrupt, Result, Timeline};
use super::motion::{Direction, Motion, Reason, Stop};
use crate::timeline::processes::wire::ask::Stacks;

impl Timeline {
    /// Goes to where a step on another stack begins; the stop there, if that is all that there is of
    /// it.
    pub(super) fn begin_on_stack(
        &mut self,
        motion: &Motion,
        interrupt: &Interrupt,
    ) -> Result<Option<Stop>> {
        self.on_stack = None;
        let direction = match motion {
            Motion::Line(direction, _)
            | Motion::Instruction(direction, _)
            | Motion::OutOf { direction, .. } => *direction,
            Motion::IntoCall { .. } => Direction::Forward,
            _ => return Ok(None),
        };
        let Some(id) = self.of_stack else {
            return Ok(None);
        };
        let stacks = self.live.ask(Stacks)?;
        let stack = stacks.into_iter().find(|stack| stack.id == id);
        let Some(calling) = stack.filter(|stack| !stack.runs).and_then(|s| s.calling) else {
            return Ok(None);
        };
        let stop = match direction {
            Direction::Forward => self.reach_answer(calling.event, interrupt)?,
            Direction::Backward => self.reach_event(calling.event, interrupt)?,
        };
        Ok(matches!(stop.reason, Reason::End(_)).then_some(stop))
    }
}
