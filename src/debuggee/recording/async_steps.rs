//! Steps that stay in one future. What runs an asynchronous function returns where that waits,
//! and is called again, by whoever runs futures, when it goes on; others run meanwhile. For a
//! person it is one function that goes on behind its `await`.

use super::stack::{GuestPlace, ShownFrame};
use super::{DebuggeeError, Recording};
use crate::component::ModuleId;
use crate::component::types::CoreValue;
use crate::debuggee::Output;
use crate::inspect::futures::{self, Progress, Resumed};
use crate::replay::{InstanceId, Position};
use crate::source::FileId;
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, Motion, Place, Reason, Step, Stop,
};

/// So often a future is asked whether it can go on, at one of its `await`s.
const MOST: usize = 100_000;
/// So many frames of what a future has called are looked through.
const MOST_INNER: usize = 64;
/// So often a line begins in one turn of a future, where nothing but that line runs.
const MOST_STARTS: usize = 64;
/// Where a future goes on; nobody sets a breakpoint with this number.
const GOES_ON: BreakpointId = BreakpointId(u32::MAX - 0x66);

/// A coroutine that a frame runs, in a function of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    resumed: Resumed,
    instance: InstanceId,
    module: ModuleId,
    /// The first instruction of the function.
    entry: u32,
    /// The end of the function.
    end: u32,
    /// The parameter that has its address.
    parameter: u32,
}

/// A line of such a function.
pub(super) type Line = (FileId, u32);

impl Recording {
    /// A step over a line, or out of a function, that stays in the future that runs here, if one
    /// does.
    pub(super) fn step_in_future(
        &mut self,
        (direction, step): (Direction, Step),
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        match (self.body_here()?, direction) {
            (Some(begun), Direction::Forward) => self.forward(begun, step, output, interrupt),
            (Some(begun), Direction::Backward) if begun.is_innermost && step != Step::Into => {
                self.backward(begun.body, step, output, interrupt)
            }
            _ => self.step_in_task_into_futures((direction, step), output, interrupt),
        }
    }

    fn step_in_task_into_futures(
        &mut self,
        (direction, step): (Direction, Step),
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        match (direction, step) {
            (Direction::Forward, Step::Into) => self.step_into_futures(output, interrupt),
            (Direction::Backward, Step::Into) => self.step_back_into_futures(output, interrupt),
            _ => self.step_in_task((direction, step), output, interrupt),
        }
    }

    fn plain(
        &mut self,
        (direction, step): (Direction, Step),
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        self.forget_stack();
        let stop = match step {
            Step::Out => self.step_out_to_own(direction, output, interrupt),
            Step::Over => self.meet(&Motion::Line(direction, step), output, interrupt),
            Step::Into => self.step_in_task_into_futures((direction, step), output, interrupt),
        };
        self.forget_stack();
        stop
    }

    fn forward(
        &mut self,
        begun: Here,
        step: Step,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let body = begun.body;
        // The line that it waits in is come to again when it is asked again.
        let mut has_gone_on = false;
        for _ in 0..MOST {
            let before = self.timeline.here().position;
            let mut stop = self.plain_or_asked(&body, step, output, interrupt)?;
            if interrupt.is_raised() {
                return Ok(stop);
            }
            match &mut stop.reason {
                Reason::Breakpoints(hit) => {
                    let is_asked = hit.contains(&GOES_ON);
                    hit.retain(|id| *id != GOES_ON);
                    if !is_asked || !hit.is_empty() {
                        return Ok(stop);
                    }
                    has_gone_on = true;
                    continue;
                }
                Reason::Arrived | Reason::End(_) => {}
                Reason::Paused | Reason::Start => return Ok(stop),
            }
            if matches!(stop.reason, Reason::End(_)) {
                // Nothing of it runs any more: it is over, or never asked again.
                return match self.is_left_waiting(&body, before, output, interrupt)? {
                    Some(left) => Ok(left),
                    None => self.back_at(stop.position),
                };
            }
            match self.body_here()? {
                Some(here) if here.body == body => {
                    let is_again = here.line == begun.line || here.line == self.declaration(&body);
                    if !(has_gone_on && is_again && here.is_innermost) {
                        return Ok(stop);
                    }
                }
                other => {
                    // It has called another one, or has been left.
                    let is_called = other.is_some() && self.runs(&body)?;
                    if is_called || self.progress(&body)? != Some(Progress::Suspended) {
                        return Ok(stop);
                    }
                    match self.go_to_entry(&body, Direction::Forward, output, interrupt)? {
                        Arrival::There => has_gone_on = true,
                        Arrival::Elsewhere(stop) => return Ok(stop),
                        Arrival::Never => {
                            let left = self.is_left_waiting(&body, before, output, interrupt)?;
                            return match left {
                                Some(left) => Ok(left),
                                None => self.back_at(stop.position),
                            };
                        }
                    }
                }
            }
        }
        Ok(self.timeline.here().clone())
    }

    /// A step that ends, at the latest, where a future is asked again whether it can go on: what it
    /// is in may be called from farther in then than the step looks.
    fn plain_or_asked(
        &mut self,
        body: &Body,
        step: Step,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let asked = vec![Place::Code {
            module: body.module,
            pc: body.entry,
        }];
        self.passing(self.looked_for(body, asked), |recording| {
            recording.plain((Direction::Forward, step), output, interrupt)
        })
    }

    /// To where the function of a future has returned, if the future waits then; else stays where
    /// that leads.
    fn is_left_waiting(
        &mut self,
        body: &Body,
        before: Position,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Option<Stop>, DebuggeeError> {
        self.back_at(before)?;
        let runs = self.body_here()?;
        if !runs.is_some_and(|here| here.body == *body && here.is_innermost) {
            return Ok(None);
        }
        let left = self.plain((Direction::Forward, Step::Out), output, interrupt)?;
        let waits = self.progress(body)? == Some(Progress::Suspended);
        Ok(waits.then_some(left))
    }

    /// What stops at some places, where this future runs.
    fn looked_for(&self, body: &Body, places: Vec<Place>) -> Breakpoint {
        Breakpoint {
            condition: Some(format!(
                "$local{} == {}",
                body.parameter, body.resumed.identity.address
            )),
            ..Breakpoint::new(GOES_ON, places)
        }
    }

    fn backward(
        &mut self,
        body: Body,
        step: Step,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let mut before = self.timeline.here().position;
        let declared = self.declaration(&body);
        let was_declared = self.body_here()?.is_some_and(|here| here.line == declared);
        let mut stop = self.plain((Direction::Backward, step), output, interrupt)?;
        for _ in 0..MOST {
            let is_over = matches!(stop.reason, Reason::Arrived | Reason::Start);
            if !is_over || interrupt.is_raised() {
                break;
            }
            let here = self.body_here()?.filter(|here| here.body == body);
            // Where it had not begun, what ran is what was called.
            if self.progress(&body)? != Some(Progress::Suspended) {
                let declared = self.declaration(&body);
                let begins = here.is_some_and(|here| here.is_innermost && here.line == declared);
                if begins && step == Step::Over && !was_declared {
                    // Nobody has written what is there.
                    stop = self.plain((Direction::Backward, step), output, interrupt)?;
                }
                break;
            }
            if let Some(here) = here
                && here.line != self.declaration(&body)
            {
                // The first line since it has been asked again is the one that it waits in.
                let candidate = stop.position;
                let is_first = self.is_first_line(&here, output, interrupt)?;
                let whole = self.back_at(candidate)?;
                if !is_first {
                    return Ok(whole);
                }
            }
            if !self.is_in_turn(&body)? {
                // The step may have passed where it was asked before.
                self.back_at(before)?;
            }
            match self.go_to_waiting(&body, output, interrupt)? {
                Arrival::There => {}
                Arrival::Elsewhere(stop) => return Ok(stop),
                Arrival::Never => return self.back_at(stop.position),
            }
            before = self.timeline.here().position;
            if step == Step::Out {
                stop = self.plain((Direction::Backward, step), output, interrupt)?;
                continue;
            }
            // In the middle of the line in which it waits, or at its start.
            let waits = (self.timeline.here().position, self.body_here()?);
            stop = self.plain((Direction::Backward, step), output, interrupt)?;
            if self.body_here()? == waits.1 {
                // A line may begin several times before it waits.
                let ahead = self.plain((Direction::Forward, step), output, interrupt)?;
                if ahead.reason != Reason::Arrived || ahead.position != waits.0 {
                    stop = self.back_at(stop.position)?;
                } else {
                    stop = ahead;
                }
            } else {
                stop = self.back_at(waits.0)?;
            }
        }
        Ok(stop)
    }

    /// Whether a future has been in no other line since it was asked last; moves back.
    fn is_first_line(
        &mut self,
        here: &Here,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<bool, DebuggeeError> {
        for _ in 0..MOST_STARTS {
            let before = self.plain((Direction::Backward, Step::Over), output, interrupt)?;
            if before.reason != Reason::Arrived {
                return Ok(false);
            }
            match self.body_here()? {
                Some(there) if there.body == here.body => {
                    if there.line == self.declaration(&here.body) {
                        return Ok(true);
                    }
                    if there.line != here.line {
                        return Ok(false);
                    }
                }
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    /// To a place where the session has been.
    pub(super) fn back_at(&mut self, position: Position) -> Result<Stop, DebuggeeError> {
        let stop = self
            .timeline
            .travel(&Motion::Position(position), &Interrupt::new())?;
        self.forget_stack();
        Ok(stop)
    }

    /// To where a future is asked next, or was asked last, whether it can go on.
    fn go_to_entry(
        &mut self,
        body: &Body,
        direction: Direction,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arrival, DebuggeeError> {
        let places = vec![Place::Code {
            module: body.module,
            pc: body.entry,
        }];
        self.go_to_places(body, places, direction, output, interrupt)
    }

    /// Back to the last statement that ran of a future before it was asked again.
    fn go_to_waiting(
        &mut self,
        body: &Body,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arrival, DebuggeeError> {
        // Its present turn began at the entry, if it has one.
        let innermost = self.timeline.frames()?.first().map(|frame| frame.pc);
        if self.is_in_turn(body)? && innermost != Some(body.entry) {
            match self.go_to_entry(body, Direction::Backward, output, interrupt)? {
                Arrival::There => {}
                other => return Ok(other),
            }
        }
        let Some(module) = self.timeline.module(body.module) else {
            return Ok(Arrival::Never);
        };
        let statements = module.source.statements(body.entry..body.end).iter();
        let places = statements.map(|statement| Place::Code {
            module: body.module,
            pc: statement.pc,
        });
        let places = places.collect();
        self.go_to_places(body, places, Direction::Backward, output, interrupt)
    }

    fn go_to_places(
        &mut self,
        body: &Body,
        places: Vec<Place>,
        direction: Direction,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arrival, DebuggeeError> {
        let stop = self.passing(self.looked_for(body, places), |recording| {
            recording.meet(&Motion::Continue(direction), output, interrupt)
        });
        self.forget_stack();
        let mut stop = stop?;
        Ok(match &mut stop.reason {
            Reason::Breakpoints(hit) if hit.as_slice() == [GOES_ON] => Arrival::There,
            Reason::Breakpoints(hit) => {
                hit.retain(|id| *id != GOES_ON);
                Arrival::Elsewhere(stop)
            }
            Reason::Paused => Arrival::Elsewhere(stop),
            Reason::Arrived | Reason::Start | Reason::End(_) => Arrival::Never,
        })
    }

    /// How far a future has come, as memory has it here.
    fn progress(&mut self, body: &Body) -> Result<Option<Progress>, DebuggeeError> {
        let modules = self.timeline.modules().clone();
        let Some(module) = modules.get(body.module.0 as usize) else {
            return Ok(None);
        };
        self.with_memory(body.instance, |memory| {
            body.resumed.progress(&module.source, memory)
        })
    }

    /// Whether a future runs here, in the innermost frame that runs one.
    fn is_in_turn(&mut self, body: &Body) -> Result<bool, DebuggeeError> {
        Ok(self.body_here()?.is_some_and(|here| here.body == *body))
    }

    /// Whether a frame of the stack runs a future.
    fn runs(&mut self, body: &Body) -> Result<bool, DebuggeeError> {
        let stack = self.stack()?.to_vec();
        for frame in stack {
            if let ShownFrame::Guest(place) = frame
                && self.body_of(&place)?.is_some_and(|other| other == *body)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where the source declares what a future runs.
    pub(super) fn declaration(&self, body: &Body) -> Option<Line> {
        let module = self.timeline.module(body.module)?;
        let declared = module.source.function_at(body.entry)?.declared?;
        Some((declared.file, declared.line))
    }

    /// The coroutine that runs here, in the innermost frame that runs one, and the line there.
    pub(super) fn body_here(&mut self) -> Result<Option<Here>, DebuggeeError> {
        let stack = self.stack()?;
        let guests = stack.iter().map(|frame| match frame {
            ShownFrame::Guest(place) => Some(place.clone()),
            ShownFrame::Crossing(_) => None,
        });
        // What is beyond a crossing has been called from elsewhere.
        let inner: Vec<GuestPlace> = guests.map_while(|place| place).take(MOST_INNER).collect();
        for place in inner {
            if let Some(body) = self.body_of(&place)? {
                return Ok(Some(Here {
                    body,
                    line: place.line.map(|line| (line.file, line.line)),
                    is_innermost: place.index == 0,
                }));
            }
        }
        Ok(None)
    }

    /// The coroutine that a frame runs.
    fn body_of(&mut self, place: &GuestPlace) -> Result<Option<Body>, DebuggeeError> {
        // That is what both ways of mangling call what resumes a coroutine.
        if !place.name().contains("closure") && !place.name().contains("async_") {
            return Ok(None);
        }
        let (instance, module) = (place.core.instance, place.core.module);
        self.with_frame(place, |source, site, frame| {
            let Some(resumed) = futures::resumed_by(source, site, frame) else {
                return Ok(None);
            };
            let Some(function) = source.function_at(site.pc) else {
                return Ok(None);
            };
            // Where a function returns in memory, the first parameter is where.
            let is_it = |value: &CoreValue| match value {
                CoreValue::I32(value) => {
                    u64::from(value.cast_unsigned()) == resumed.identity.address
                }
                CoreValue::I64(value) => value.cast_unsigned() == resumed.identity.address,
                _ => false,
            };
            let mut parameters = (0..).zip(frame.locals.iter().take(2));
            let parameter = parameters.find(|(_, value)| is_it(value));
            Ok(parameter.map(|(parameter, _)| Body {
                resumed,
                instance,
                module,
                entry: function.entry_pc,
                end: function.range.end,
                parameter,
            }))
        })
    }
}

/// A coroutine that runs here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Here {
    pub(super) body: Body,
    /// The line that it is in, or calls in.
    pub(super) line: Option<Line>,
    /// Whether nothing that it has called is in progress.
    pub(super) is_innermost: bool,
}

/// Where a search for a future has led.
enum Arrival {
    There,
    /// Something else is met on the way.
    Elsewhere(Stop),
    /// It is not asked any more, or was not before.
    Never,
}
