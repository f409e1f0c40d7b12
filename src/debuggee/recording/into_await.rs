//! Steps into an `await`: to the code that is written for the future, in which it begins or goes on.
//! What a call of an asynchronous function runs only makes the future, and what resumes one finds out
//! first where it was: nobody has written either.

use super::stack::ShownFrame;
use super::{DebuggeeError, Recording};
use crate::debuggee::Output;
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Direction, Motion, Reason, Step, Stop};

/// No line makes more futures, or resumes one within so many others.
const MOST: usize = 1000;

/// What is passed on the way into a future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passed {
    /// A call that makes it.
    Making,
    /// What finds out where it was.
    Resuming,
}

impl Recording {
    /// A step into the calls of a line, and into the futures that it awaits.
    pub(super) fn step_into_futures(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let into = (Direction::Forward, Step::Into);
        let mut stop = self.step_in_task(into, output, interrupt)?;
        for _ in 0..MOST {
            if stop.reason != Reason::Arrived || interrupt.is_raised() {
                break;
            }
            match self.passed_here()? {
                None => break,
                Some(Passed::Making) => {
                    let out = (Direction::Forward, Step::Out);
                    stop = self.step_in_task(out, output, interrupt)?;
                    if stop.reason != Reason::Arrived {
                        break;
                    }
                    // On in the line that has it made.
                    stop = self.step_in_task(into, output, interrupt)?;
                }
                Some(Passed::Resuming) => {
                    let begun = self.body_here()?;
                    let at = stop.position;
                    let over = Motion::Line(Direction::Forward, Step::Over);
                    self.forget_stack();
                    stop = self.meet(&over, output, interrupt)?;
                    self.forget_stack();
                    if stop.reason != Reason::Arrived {
                        break;
                    }
                    // All of it may be written in the line that declares it.
                    let here = self.body_here()?;
                    if begun.map(|here| here.body) != here.map(|here| here.body) {
                        return self.back_at(at);
                    }
                    break;
                }
            }
        }
        Ok(stop)
    }

    /// The same, back: from the beginning of a future to the line that awaits it.
    pub(super) fn step_back_into_futures(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let into = (Direction::Backward, Step::Into);
        let mut stop = self.step_in_task(into, output, interrupt)?;
        for _ in 0..MOST {
            if stop.reason != Reason::Arrived
                || interrupt.is_raised()
                || self.passed_here()?.is_none()
            {
                break;
            }
            stop = self.step_in_task(into, output, interrupt)?;
        }
        Ok(stop)
    }

    /// Whether the innermost function is nothing that anybody has written, though it has lines.
    fn passed_here(&mut self) -> Result<Option<Passed>, DebuggeeError> {
        let Some(ShownFrame::Guest(place)) = self.stack()?.first().cloned() else {
            return Ok(None);
        };
        let Some(module) = self.timeline.module(place.core.module) else {
            return Ok(None);
        };
        if place.inlined == 0 && module.source.makes_coroutine(place.core.pc) {
            return Ok(Some(Passed::Making));
        }
        let Some(here) = self.body_here()?.filter(|here| here.is_innermost) else {
            return Ok(None);
        };
        let is_declared = here.line.is_some() && here.line == self.declaration(&here.body);
        Ok(is_declared.then_some(Passed::Resuming))
    }
}
