//! Steps into calls and out of them that pass the bodies of libraries which the compiler has put
//! in place of their calls: they are not functions that a step could leave out.

use super::stack::ShownFrame;
use super::{DebuggeeError, Recording};
use crate::component::{CrossingKind, ModuleId};
use crate::debuggee::Output;
use crate::source::FileId;
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Direction, Motion, Reason, Step, Stop};
use crate::trace::Entered;

/// No line has more calls of a library in it.
const MOST: usize = 1000;

/// A line of the program: of which core frame, from the outside, in which file.
type Line = (u32, ModuleId, FileId, u32);

impl Recording {
    /// A step into the calls of a line: to the next line, or into one that is not a library's.
    pub(super) fn step_into_own(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let begun = self.line_here()?;
        let began_within = self.is_in_inlined_library()?;
        let mut stop = self.step((Direction::Forward, Step::Into), output, interrupt)?;
        if !self.just_my_code || began_within {
            return Ok(stop);
        }
        for _ in 0..MOST {
            if stop.reason != Reason::Arrived || !self.is_in_inlined_library()? {
                break;
            }
            stop = self.step((Direction::Forward, Step::Out), output, interrupt)?;
            if stop.reason != Reason::Arrived {
                break;
            }
            // Where the call was the last of its line, another one begins here; one that the
            // compiler has made of several has no line.
            let here = self.line_here()?;
            if here.is_none() || here == begun {
                stop = self.step((Direction::Forward, Step::Into), output, interrupt)?;
            }
        }
        Ok(stop)
    }

    /// From the beginning of a call of an exported function that a library answers, to the first line of the
    /// program's own, if that comes before the first hostcall.
    pub(super) fn go_into_own(
        &mut self,
        entered: &Entered,
        stop: Stop,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        self.forget_stack();
        let crossing = self.timeline.trace().component().crossing(entered.crossing);
        // Callbacks ask for their storage first.
        let is_function = crossing.is_some_and(|crossing| crossing.kind == CrossingKind::Lift);
        let is_begun = |stop: &Stop| stop.reason == Reason::Arrived && stop.event == entered.event;
        if !is_function || !is_begun(&stop) || !self.is_in_library() {
            return Ok(stop);
        }
        let position = stop.position;
        let stepped = self.step((Direction::Forward, Step::Into), output, interrupt)?;
        if is_begun(&stepped) && !self.is_in_library() {
            return Ok(stepped);
        }
        Ok(self
            .timeline
            .travel(&Motion::Position(position), interrupt)?)
    }

    /// A step out of a function of the program: where a library has called it, to who called
    /// the library.
    pub(super) fn step_out_to_own(
        &mut self,
        direction: Direction,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let began_within = self.is_in_inlined_library()?;
        let mut stop = self.step((direction, Step::Out), output, interrupt)?;
        if !self.just_my_code || began_within {
            return Ok(stop);
        }
        for _ in 0..MOST {
            if stop.reason != Reason::Arrived || !self.is_in_inlined_library()? {
                break;
            }
            stop = self.step((direction, Step::Out), output, interrupt)?;
        }
        Ok(stop)
    }

    fn step(
        &mut self,
        (direction, step): (Direction, Step),
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        self.forget_stack();
        let motion = Motion::Line(direction, step);
        self.meet(&motion, output, interrupt)
    }

    /// The line of the innermost frame of guest code.
    fn line_here(&mut self) -> Result<Option<Line>, DebuggeeError> {
        let innermost = self.stack()?.iter().find_map(|frame| match frame {
            ShownFrame::Guest(place) => Some(place),
            ShownFrame::Crossing(_) => None,
        });
        Ok(innermost.and_then(|place| {
            let line = place.line?;
            Some((place.outside, place.core.module, line.file, line.line))
        }))
    }

    /// Whether the innermost body is an inlined one of a library.
    fn is_in_inlined_library(&mut self) -> Result<bool, DebuggeeError> {
        let stack = self.stack()?;
        let (module, line) = match stack {
            [ShownFrame::Guest(inner), ShownFrame::Guest(outer), ..]
                if inner.index == outer.index =>
            {
                (inner.core.module, inner.line)
            }
            _ => return Ok(false),
        };
        let module = self.timeline.module(module);
        Ok(line
            .zip(module)
            .is_some_and(|(line, module)| self.is_library(module.source.file(line.file))))
    }
}
