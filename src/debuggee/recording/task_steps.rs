//! Steps that stay in one task. Where a task waits, its function returns, and other tasks run on the
//! same stack; when it goes on, its callback is called. For a person that is where a step from its end
//! leads, forward, and where one from the beginning of a callback comes from, back: to where it had
//! returned before.

use super::stack::{GuestPlace, ShownFrame};
use super::{DebuggeeError, Recording};
use crate::component::{Crossing, CrossingId, CrossingKind, Instance, ModuleId};
use crate::debuggee::Output;
use crate::inspect::tasks::turns;
use crate::replay::Position;
use crate::replay::boundary::{Open, Way};
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, Motion, Place, Reason, Step, Stop,
};
use crate::timeline::travel::turns::Turns;
use std::sync::Arc;

/// Where a task goes on; nobody sets a breakpoint with this number.
const GOES_ON: BreakpointId = BreakpointId(u32::MAX - 0x67);

/// What wit-bindgen calls what it generates for C around exported functions and callbacks.
pub(super) const GLUE: &str = "__wasm_export_";
/// So many instructions of a function without lines are waited for.
const MOST_INSTRUCTIONS: usize = 1 << 10;
/// So many functions that nobody has written are passed.
const MOST: usize = 64;

/// A task's turn: one call of its function, or of its callback.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    /// How many calls into the guest had been made with it.
    serial: u64,
    /// The task's number.
    task: u64,
    instance: Instance,
    /// The exported function, whichever of both is called.
    function: CrossingId,
    /// How many calls into the guest are around it, and itself.
    depth: usize,
    open: Open,
}

impl Recording {
    /// Which task each call into the guest is a part of.
    ///
    /// # Errors
    ///
    /// If interrupted.
    pub(super) fn turns(&mut self, interrupt: &Interrupt) -> Result<Arc<Turns>, DebuggeeError> {
        if let Some(known) = &self.turns {
            return Ok(known.clone());
        }
        let found = turns(self.timeline.trace(), interrupt).ok_or(DebuggeeError::Interrupted)?;
        let found = Arc::new(found);
        self.turns = Some(found.clone());
        Ok(found)
    }

    /// The number of the task whose code runs here, or is in a hostcall; 0 if there is none.
    pub(super) fn task_here(&mut self, interrupt: &Interrupt) -> Result<u64, DebuggeeError> {
        let turns = self.turns(interrupt)?;
        Ok(turns.task(self.timeline.turn()?))
    }

    /// Breakpoints whose conditions or messages speak of tasks are told of them.
    pub(super) fn tell_turns<'t>(
        &mut self,
        mut texts: impl Iterator<Item = &'t str>,
        interrupt: &Interrupt,
    ) -> Result<(), DebuggeeError> {
        if texts.any(Turns::is_meant) {
            let turns = self.turns(interrupt)?;
            self.timeline.set_turns(Turns::clone(&turns));
        }
        Ok(())
    }

    /// The same, of those that are set.
    pub(super) fn tell_turns_to_breakpoints(
        &mut self,
        interrupt: &Interrupt,
    ) -> Result<(), DebuggeeError> {
        let texts = self.breakpoints.all().flat_map(|b| [&b.condition, &b.log]);
        let texts: Vec<String> = texts.flatten().cloned().collect();
        self.tell_turns(texts.iter().map(String::as_str), interrupt)
    }

    /// The turn that runs here, if it is one of a task that may be called back.
    pub(super) fn turn_here(
        &mut self,
        interrupt: &Interrupt,
    ) -> Result<Option<Turn>, DebuggeeError> {
        let component = self.timeline.trace().component().clone();
        let is_callback = |crossing: &Crossing| crossing.kind == CrossingKind::Callback;
        if !component.crossings().iter().any(is_callback) {
            return Ok(None);
        }
        let entered = self.entered()?;
        let Some(open) = entered.last() else {
            return Ok(None);
        };
        let function = match component.crossing(open.crossing) {
            Some(crossing) if is_callback(crossing) => CrossingId(crossing.id.0 + 1),
            Some(crossing)
                if crossing.kind == CrossingKind::Lift
                    && self.callback_of(crossing.id).is_some() =>
            {
                crossing.id
            }
            _ => return Ok(None),
        };
        let serial = self.timeline.turn()?;
        let task = self.turns(interrupt)?.task(serial);
        Ok((task != 0).then(|| Turn {
            serial,
            task,
            instance: open.instance,
            function,
            depth: entered.len(),
            open: open.clone(),
        }))
    }

    /// The callback of an exported function.
    pub(super) fn callback_of(&self, function: CrossingId) -> Option<CrossingId> {
        // Callbacks are numbered right before the functions that they belong to.
        let before = CrossingId(function.0.checked_sub(1)?);
        let component = self.timeline.trace().component();
        let (callback, function) = (component.crossing(before)?, component.crossing(function)?);
        let is_it = callback.kind == CrossingKind::Callback
            && function.kind == CrossingKind::Lift
            && callback.body == function.body;
        is_it.then_some(before)
    }

    /// The calls into the guest that are in progress, outermost first.
    fn entered(&mut self) -> Result<Vec<Open>, DebuggeeError> {
        let open = self.timeline.boundary()?.into_iter();
        Ok(open.filter(|open| open.way == Way::In).collect())
    }

    /// The core function that is called by a call into the guest: its module, and its first
    /// instruction.
    pub(super) fn core_function(
        &self,
        instance: Instance,
        crossing: CrossingId,
    ) -> Option<(ModuleId, u32)> {
        let component = self.timeline.trace().component();
        let (id, name) = component.called(instance, crossing)?;
        let code = &self.timeline.module(id)?.code;
        Some((id, code.entry_of_export(name)?))
    }

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
            true => self.to_start_of_line(stop, output, interrupt),
            false => Ok(stop),
        }
    }

    /// From the middle of a line to where that has begun.
    fn to_start_of_line(
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
            return self.to_end_of_turn(stop, output, interrupt);
        }
        let is_over = matches!(stop.reason, Reason::Arrived | Reason::Start);
        if !is_over || interrupt.is_raised() || !self.has_left(turn)? {
            return Ok(stop);
        }
        self.back_at(begun)?;
        let backward = (Direction::Backward, stop);
        let stop = self.go_to_task(turn, ends, backward, output, interrupt)?;
        self.to_end_of_turn(stop, output, interrupt)
    }

    /// Where a task has returned: to the line by which it does.
    fn to_end_of_turn(
        &mut self,
        stop: Stop,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        match self.is_in_glue()? {
            true => Ok(stop),
            false => self.to_start_of_line(stop, output, interrupt),
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

    /// The functions by which a turn may be taken.
    fn functions_of(&self, turn: &Turn) -> Vec<(ModuleId, u32)> {
        let callback = self.callback_of(turn.function);
        let both = [callback, Some(turn.function)].into_iter().flatten();
        both.filter_map(|crossing| self.core_function(turn.instance, crossing))
            .collect()
    }

    /// Where a callback begins, as a step into it stops.
    fn beginnings_of(&self, turn: &Turn) -> Vec<Place> {
        let callback = self.callback_of(turn.function);
        let called = callback.and_then(|callback| self.core_function(turn.instance, callback));
        let begins = called.map(|(module, entry)| {
            let source = self.timeline.module(module).map(|module| &module.source);
            let pc = source.and_then(|source| Some(source.body_start(source.function_at(entry)?)));
            Place::Code {
                module,
                pc: pc.unwrap_or(entry),
            }
        });
        begins.into_iter().collect()
    }

    /// Where either of both may be when it returns.
    fn ends_of(&self, turn: &Turn) -> Vec<Place> {
        let mut places = Vec::new();
        for (id, entry) in self.functions_of(turn) {
            let Some(module) = self.timeline.module(id) else {
                continue;
            };
            // What has called others ends in the middle of a line.
            let all = module.code.instructions_around(entry).unwrap_or_default();
            let last = all.get(all.len().saturating_sub(MOST_INSTRUCTIONS)..);
            let mut pcs: Vec<u32> = last.unwrap_or_default().to_vec();
            if let Some(function) = module.source.function_at(entry) {
                let statements = module.source.statements(function.range.clone()).iter();
                pcs.extend(statements.map(|statement| statement.pc));
            }
            pcs.sort_unstable();
            pcs.dedup();
            places.extend(pcs.into_iter().map(|pc| Place::Code { module: id, pc }));
        }
        places
    }
}

fn is_glue(place: &GuestPlace) -> bool {
    place.line.is_none() || place.name().starts_with(GLUE)
}
