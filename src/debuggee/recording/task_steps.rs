//! Steps that stay in one task. Where a task waits, its function returns, and other tasks run on the
//! same stack; when it goes on, its callback is called. For a person that is where a step from its end
//! leads, forward, and where one from the beginning of a callback comes from, back: to where it had
//! returned before.

use super::stack::{GuestPlace, ShownFrame};
use super::task_turns::Turn;
use super::{DebuggeeError, Recording};
use crate::debuggee::Output;
use crate::replay::Position;
use crate::replay::boundary::Open;
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, Motion, Place, Reason, Step, Stop,
};

/// Where a task goes on; nobody sets a breakpoint with this number.
const GOES_ON: BreakpointId = BreakpointId(u32::MAX - 0x67);

/// What wit-bindgen calls what it generates for C around exported functions and callbacks.
pub(super) const GLUE: &str = "__wasm_export_";
/// So many functions that nobody has written are passed.
const MOST: usize = 64;

impl Recording {
    /// A step, and on from where it leaves its task.
    pub(super) fn step_in_task(
        &mut self,
        (direction, step): (Direction, Step),
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        self.forget_stack();
        let Some(turn) = self.turn_here(interrupt)? else {
            return self.step_in_stack((direction, step), output, interrupt);
        };
        let began_in_glue = self.is_in_glue()?;
        let mut stop = self.step_in_turn(&turn, (direction, step), output, interrupt)?;
        for _ in 0..MOST {
            if began_in_glue || stop.reason != Reason::Arrived || interrupt.is_raised() {
                break;
            }
            let turns = self.turns(interrupt)?;
            let serial = self.timeline.turn()?;
            let is_of_runtime =
                serial != turn.serial && turns.task(serial) == turn.task && self.is_in_library();
            if !is_of_runtime && !self.is_in_glue()? {
                break;
            }
            if serial != turn.serial {
                // What it is there for is to call what somebody has written.
                let into = (direction, Step::Into);
                stop = self.step_in_stack(into, output, interrupt)?;
                if direction == Direction::Backward
                    && let Some(depth) = self.depth_of_outermost()?
                {
                    stop = self.out_to(depth, stop, output, interrupt)?;
                }
                continue;
            }
            let leads_on = match direction {
                Direction::Forward => turns.goes_on_after(serial, turn.task),
                Direction::Backward => turns.was_before(serial, turn.task),
            };
            if !leads_on {
                break;
            }
            stop = self.step_in_turn(&turn, (direction, Step::Out), output, interrupt)?;
        }
        Ok(stop)
    }

    fn step_in_turn(
        &mut self,
        turn: &Turn,
        (direction, step): (Direction, Step),
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let begun = self.timeline.here().position;
        match direction {
            Direction::Forward => self.on_in_task(turn, step, begun, output, interrupt),
            Direction::Backward => self.back_in_task(turn, step, begun, output, interrupt),
        }
    }

    /// How deep the outermost function is that somebody has written, if the innermost one is none
    /// that nobody has.
    fn depth_of_outermost(&mut self) -> Result<Option<usize>, DebuggeeError> {
        if self.is_in_glue()? {
            return Ok(None);
        }
        let guests = self.stack()?.iter().map_while(|frame| match frame {
            ShownFrame::Guest(place) => Some(place),
            ShownFrame::Crossing(_) => None,
        });
        let own = guests.filter(|place| !is_glue(place)).last();
        Ok(own.map(|place| place.outside as usize))
    }

    /// Back to the last line of the function at a depth, from where that has called others.
    fn out_to(
        &mut self,
        depth: usize,
        stop: Stop,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let mut stop = stop;
        let mut is_in_line = false;
        for _ in 0..MOST {
            if stop.reason != Reason::Arrived || self.timeline.frames()?.len() <= depth {
                break;
            }
            let out = (Direction::Backward, Step::Out);
            stop = self.step_in_stack(out, output, interrupt)?;
            is_in_line = true;
        }
        match is_in_line {
            true => self.back_to_start_of_line(stop, output, interrupt),
            false => Ok(stop),
        }
    }

    /// From the middle of a line to where that has begun.
    fn back_to_start_of_line(
        &mut self,
        stop: Stop,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let innermost = self.timeline.frames()?.first().copied();
        let is_within = innermost.is_some_and(|frame| {
            let module = self.timeline.module(frame.module);
            let here = frame.pc..frame.pc.saturating_add(1);
            module.is_some_and(|module| module.source.statements(here).is_empty())
        });
        match is_within && stop.reason == Reason::Arrived {
            true => self.step_in_stack((Direction::Backward, Step::Over), output, interrupt),
            false => Ok(stop),
        }
    }

    /// Whether the innermost function is one that nobody has written: what bindings for C put
    /// around it, or without lines.
    fn is_in_glue(&mut self) -> Result<bool, DebuggeeError> {
        Ok(match self.stack()?.first() {
            Some(ShownFrame::Guest(place)) => is_glue(place),
            _ => false,
        })
    }

    fn step_in_stack(
        &mut self,
        (direction, step): (Direction, Step),
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let stop = match (direction, step) {
            (Direction::Forward, Step::Into) => self.step_into_own(output, interrupt),
            (_, Step::Out) => self.step_out_to_own(direction, output, interrupt),
            _ => self.meet(&Motion::Line(direction, step), output, interrupt),
        };
        self.forget_stack();
        stop
    }

    fn on_in_task(
        &mut self,
        turn: &Turn,
        step: Step,
        begun: Position,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let goes_on = self.turns(interrupt)?.goes_on_after(turn.serial, turn.task);
        let places = match goes_on {
            true => self.beginnings_of(turn),
            false => Vec::new(),
        };
        // It may go on farther in than a step over looks.
        let forward = (Direction::Forward, step);
        let mut stop = match places.is_empty() {
            true => self.step_in_stack(forward, output, interrupt)?,
            false => {
                let goes_on = self.looked_for_in(turn, places.clone(), interrupt)?;
                self.passing(goes_on, |recording| {
                    recording.step_in_stack(forward, output, interrupt)
                })?
            }
        };
        if let Reason::Breakpoints(hit) = &mut stop.reason {
            let is_there = hit.contains(&GOES_ON);
            hit.retain(|id| *id != GOES_ON);
            if !hit.is_empty() || !is_there {
                return Ok(stop);
            }
            return self.back_at(stop.position);
        }
        let is_over = matches!(stop.reason, Reason::Arrived | Reason::End(_));
        if !is_over || interrupt.is_raised() || !self.has_left(turn)? {
            return Ok(stop);
        }
        if places.is_empty() {
            // It has ended, and what comes next is another's.
            return match stop.reason {
                Reason::Arrived => {
                    self.meet(&Motion::Continue(Direction::Forward), output, interrupt)
                }
                _ => Ok(stop),
            };
        }
        if matches!(stop.reason, Reason::End(_)) {
            // It had been passed, without lines of its own.
            self.back_at(begun)?;
        }
        self.go_to_task(turn, places, (Direction::Forward, stop), output, interrupt)
    }

    fn back_in_task(
        &mut self,
        turn: &Turn,
        step: Step,
        begun: Position,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let backward = (Direction::Backward, step);
        if !self.turns(interrupt)?.was_before(turn.serial, turn.task) {
            return self.step_in_stack(backward, output, interrupt);
        }
        // It had returned later, perhaps, than what a step looks for had been.
        let ends = self.ends_of(turn);
        let returned = self.looked_for_in(turn, ends.clone(), interrupt)?;
        let mut stop = self.passing(returned, |recording| {
            recording.step_in_stack(backward, output, interrupt)
        })?;
        if let Reason::Breakpoints(hit) = &mut stop.reason {
            let is_there = hit.contains(&GOES_ON);
            hit.retain(|id| *id != GOES_ON);
            if !hit.is_empty() || !is_there {
                return Ok(stop);
            }
            let stop = self.back_at(stop.position)?;
            return self.back_to_end_of_turn(stop, output, interrupt);
        }
        let is_over = matches!(stop.reason, Reason::Arrived | Reason::Start);
        if !is_over || interrupt.is_raised() || !self.has_left(turn)? {
            return Ok(stop);
        }
        self.back_at(begun)?;
        let backward = (Direction::Backward, stop);
        let stop = self.go_to_task(turn, ends, backward, output, interrupt)?;
        self.back_to_end_of_turn(stop, output, interrupt)
    }

    /// Where a task has returned: to the line by which it does.
    fn back_to_end_of_turn(
        &mut self,
        stop: Stop,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        match self.is_in_glue()? {
            true => Ok(stop),
            false => self.back_to_start_of_line(stop, output, interrupt),
        }
    }

    /// Whether the session stands where a turn is over, or has not begun.
    fn has_left(&mut self, turn: &Turn) -> Result<bool, DebuggeeError> {
        let serial = self.timeline.turn()?;
        if serial == turn.serial {
            return Ok(false);
        }
        // Who has called it goes on.
        if serial != 0 && serial < turn.serial && self.entered()?.len() < turn.depth {
            return Ok(false);
        }
        let entered = self.entered()?;
        let same = turn.depth.checked_sub(1).and_then(|at| entered.get(at));
        let is_same = |open: &Open| {
            (open.instance, open.crossing, open.event)
                == (turn.open.instance, turn.open.crossing, turn.open.event)
                && open.args == turn.open.args
        };
        // What it has called runs on top of it.
        let is_around = entered.len() > turn.depth && same.is_some_and(is_same);
        Ok(!is_around)
    }

    /// To where a task goes on, or has returned; if there is none, as without that.
    fn go_to_task(
        &mut self,
        turn: &Turn,
        places: Vec<Place>,
        (direction, otherwise): (Direction, Stop),
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        match self.go_to_places_of(turn, places, direction, output, interrupt)? {
            Some(Ok(())) => {
                let there = self.timeline.here().position;
                self.back_at(there)
            }
            Some(Err(stop)) => Ok(stop),
            None => self.back_at(otherwise.position),
        }
    }

    /// There, elsewhere as something else has stopped it, or nowhere.
    fn go_to_places_of(
        &mut self,
        turn: &Turn,
        places: Vec<Place>,
        direction: Direction,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Option<Result<(), Stop>>, DebuggeeError> {
        let breakpoint = self.looked_for_in(turn, places, interrupt)?;
        let stop = self.passing(breakpoint, |recording| {
            recording.meet(&Motion::Continue(direction), output, interrupt)
        });
        self.forget_stack();
        let mut stop = stop?;
        Ok(match &mut stop.reason {
            Reason::Breakpoints(hit) if hit.as_slice() == [GOES_ON] => Some(Ok(())),
            Reason::Breakpoints(hit) => {
                hit.retain(|id| *id != GOES_ON);
                Some(Err(stop))
            }
            Reason::Paused => Some(Err(stop)),
            Reason::Arrived | Reason::Start | Reason::End(_) => None,
        })
    }

    /// What stops at some places, where this task runs.
    fn looked_for_in(
        &mut self,
        turn: &Turn,
        places: Vec<Place>,
        interrupt: &Interrupt,
    ) -> Result<Breakpoint, DebuggeeError> {
        let condition = format!("$task == {} && $turn != {}", turn.task, turn.serial);
        self.tell_turns(std::iter::once(condition.as_str()), interrupt)?;
        Ok(Breakpoint {
            condition: Some(condition),
            ..Breakpoint::new(GOES_ON, places)
        })
    }
}

fn is_glue(place: &GuestPlace) -> bool {
    place.line.is_none() || place.name().starts_with(GLUE)
}
