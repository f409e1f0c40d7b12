//! Steps that stay in one future. What runs an asynchronous function returns where that waits,
//! and is called again, by whoever runs futures, when it goes on; others run meanwhile. For a
//! person it is one function that goes on behind its `await`.

use super::stack::ShownFrame;
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
/// Where a future goes on; nobody sets a breakpoint with this number.
const GOES_ON: BreakpointId = BreakpointId(u32::MAX - 0x66);

/// A coroutine that the innermost frame runs, in a function of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Body {
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
type Line = (FileId, u32);

impl Recording {
    /// A step over a line, or out of a function, that stays in the future that runs here, if one
    /// does.
    pub(super) fn step_in_future(
        &mut self,
        (direction, step): (Direction, Step),
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let body = self.body_here()?;
        match (body, direction) {
            (None, _) => self.plain((direction, step), output, interrupt),
            (Some((body, line)), Direction::Forward) => {
                self.forward(body, line, step, output, interrupt)
            }
            (Some((body, _)), Direction::Backward) => self.backward(body, step, output, interrupt),
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
            Step::Over | Step::Into => self.meet(&Motion::Line(direction, step), output, interrupt),
        };
        self.forget_stack();
        stop
    }

    fn forward(
        &mut self,
        body: Body,
        begun: Option<Line>,
        step: Step,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        // The line that it waits in is come to again when it is asked again.
        let (mut waits_in, mut has_gone_on) = (begun, false);
        let mut stop = self.plain((Direction::Forward, step), output, interrupt)?;
        for _ in 0..MOST {
            if stop.reason != Reason::Arrived || interrupt.is_raised() {
                break;
            }
            match self.body_here()? {
                Some((here, line)) if here == body => {
                    let is_again = line == waits_in || line == self.declaration(&body);
                    if !(has_gone_on && is_again) {
                        break;
                    }
                    waits_in = if line == self.declaration(&body) {
                        waits_in
                    } else {
                        line
                    };
                }
                _ => {
                    if self.progress(&body)? != Some(Progress::Suspended) {
                        break;
                    }
                    let left = stop;
                    match self.to_entry(&body, Direction::Forward, output, interrupt)? {
                        Arrival::There => has_gone_on = true,
                        Arrival::Elsewhere(stop) => return Ok(stop),
                        Arrival::Never => return self.back_at(left.position),
                    }
                }
            }
            stop = self.plain((Direction::Forward, step), output, interrupt)?;
        }
        Ok(stop)
    }

    fn backward(
        &mut self,
        body: Body,
        step: Step,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let mut stop = self.plain((Direction::Backward, step), output, interrupt)?;
        for _ in 0..MOST {
            if stop.reason != Reason::Arrived || interrupt.is_raised() {
                break;
            }
            // Where it had not begun, what ran is what was called.
            if self.progress(&body)? != Some(Progress::Suspended) {
                break;
            }
            let here = self.body_here()?.filter(|(here, _)| *here == body);
            if let Some((_, line)) = here
                && line != self.declaration(&body)
            {
                // The first line since it has been asked again is the one that it waits in.
                let candidate = stop.position;
                let before = self.plain((Direction::Backward, step), output, interrupt)?;
                let is_within = before.reason == Reason::Arrived
                    && matches!(self.body_here()?, Some((there, line))
                        if there == body && line != self.declaration(&body));
                if is_within || before.reason != Reason::Arrived {
                    return self.back_at(candidate);
                }
            }
            match self.to_waiting(&body, output, interrupt)? {
                Arrival::There => {}
                Arrival::Elsewhere(stop) => return Ok(stop),
                Arrival::Never => return self.back_at(stop.position),
            }
            if step == Step::Out {
                stop = self.plain((Direction::Backward, step), output, interrupt)?;
                continue;
            }
            // In the middle of the line in which it waits, or at its start.
            let waits = (self.timeline.here().position, self.body_here()?);
            stop = self.plain((Direction::Backward, step), output, interrupt)?;
            if self.body_here()? != waits.1 {
                stop = self.back_at(waits.0)?;
            }
        }
        Ok(stop)
    }

    /// To a place where the session has been.
    fn back_at(&mut self, position: Position) -> Result<Stop, DebuggeeError> {
        let stop = self
            .timeline
            .travel(&Motion::Position(position), &Interrupt::new())?;
        self.forget_stack();
        Ok(stop)
    }

    /// To where a future is asked next, or was asked last, whether it can go on.
    fn to_entry(
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
        self.to_places(body, places, direction, output, interrupt)
    }

    /// Back to the last statement that ran of a future before it was asked again.
    fn to_waiting(
        &mut self,
        body: &Body,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arrival, DebuggeeError> {
        // Its present turn began at the entry.
        match self.to_entry(body, Direction::Backward, output, interrupt)? {
            Arrival::There => {}
            other => return Ok(other),
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
        self.to_places(body, places, Direction::Backward, output, interrupt)
    }

    fn to_places(
        &mut self,
        body: &Body,
        places: Vec<Place>,
        direction: Direction,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arrival, DebuggeeError> {
        let mut all: Vec<Breakpoint> = self.breakpoints.all().cloned().collect();
        all.push(Breakpoint {
            condition: Some(format!(
                "$local{} == {}",
                body.parameter, body.resumed.identity.address
            )),
            ..Breakpoint::new(GOES_ON, places)
        });
        self.timeline.set_breakpoints(all);
        let stop = self.meet(&Motion::Continue(direction), output, interrupt);
        self.apply();
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

    /// Where the source declares what a future runs.
    fn declaration(&self, body: &Body) -> Option<Line> {
        let module = self.timeline.module(body.module)?;
        let declared = module.source.function_at(body.entry)?.declared?;
        Some((declared.file, declared.line))
    }

    /// The coroutine that the innermost frame runs, and its line.
    fn body_here(&mut self) -> Result<Option<(Body, Option<Line>)>, DebuggeeError> {
        let place = match self.stack()?.first() {
            Some(ShownFrame::Guest(place)) if place.index == 0 => place.clone(),
            _ => return Ok(None),
        };
        let (instance, module) = (place.core.instance, place.core.module);
        let found = self.with_frame(&place, |source, site, frame| {
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
        })?;
        let line = place.line.map(|line| (line.file, line.line));
        Ok(found.map(|body| (body, line)))
    }
}

/// Where a search for a future has led.
enum Arrival {
    There,
    /// Something else is met on the way.
    Elsewhere(Stop),
    /// It is not asked any more, or was not before.
    Never,
}
