//! Steps by line and by instruction.

use super::super::{Interrupt, Result, Timeline};
use super::lines;
use super::motion::{Direction, Place, Reason, Step, Stop, WithoutLines};
use super::one_frame::InFrame;
use super::search::Search;
use crate::component::ModuleId;
use crate::replay::frames::Frame;
use crate::replay::{Phase, Position, Tick};
use crate::source::OWN;
use crate::timeline::processes::process::Process;
use crate::timeline::processes::wire::ask::{Frames, ListEntered, Waits};
use crate::timeline::processes::wire::rows::{FunctionRows, Sight};
use crate::timeline::processes::wire::run::{LineWatch, OutOf, StepInto, StopAt, Watch};
use std::collections::{BTreeSet, HashSet};

/// How many functions of the stack a line step watches, innermost first; and besides them
/// those where an exception may be caught.
const WATCHED_FRAMES: usize = 16;

/// The instructions of a frame at this depth.
fn within(frame: Frame, depth: u32) -> Search {
    let (module, pc) = (frame.module, frame.pc);
    let watch = Watch::InstructionsWithin { depth, module, pc };
    Search::at_most(depth, watch)
}

fn step_of(into: bool) -> Step {
    if into { Step::Into } else { Step::Over }
}

impl Timeline {
    /// The stack here, and the depth of the innermost frame that has lines.
    fn lined_stack(&mut self) -> Result<(Vec<Frame>, Option<u32>)> {
        let frames = self.frames()?;
        let depth = self.lined_depth(&frames);
        Ok((frames, depth))
    }

    fn lined_depth(&self, frames: &[Frame]) -> Option<u32> {
        // Who has stopped in someone else's function steps in it.
        let is_in_lines = |(index, frame): (usize, &Frame)| match index {
            0 => self.has_any_lines(frame),
            _ => self.has_lines(frame),
        };
        let lined = frames.iter().enumerate().position(is_in_lines)?;
        Some((frames.len() - lined) as u32)
    }

    /// The depth of the innermost frame of the program's own code.
    fn own_depth(&self, frames: &[Frame]) -> Option<u32> {
        let own = frames.iter().position(|frame| self.has_lines(frame))?;
        Some((frames.len() - own) as u32)
    }

    fn has_lines(&self, frame: &Frame) -> bool {
        self.has_any_lines(frame) && !self.is_foreign(frame)
    }

    /// Whether a frame has lines, if they are not someone else's module's.
    fn has_any_lines(&self, frame: &Frame) -> bool {
        if self.stepping.foreign.contains(&frame.module) {
            return false;
        }
        self.module(frame.module)
            .is_some_and(|m| m.source.line_at(frame.pc).is_some_and(|l| l.line != 0))
    }

    /// Whether a frame is of a function that is someone else's.
    fn is_foreign(&self, frame: &Frame) -> bool {
        let module = self.module(frame.module);
        module.is_some_and(|module| self.stepping.is_foreign(frame.module, module, frame.pc))
    }

    /// Whether a line step from here is one by instruction.
    fn steps_instructions(&self, frames: &[Frame], lined: Option<u32>) -> bool {
        self.stepping.without_lines == WithoutLines::Instructions
            && !frames.is_empty()
            && lined != Some(frames.len() as u32)
    }

    /// The line rows of the functions of frames at `depth` and below it.
    pub(super) fn watched_rows(&self, frames: &[Frame], depth: u32) -> Vec<FunctionRows> {
        let skip = (frames.len() as u32).saturating_sub(depth) as usize;
        let mut seen = HashSet::new();
        let mut functions = Vec::new();
        let mut callee_catches = false;
        for (index, frame) in frames.iter().enumerate().skip(skip) {
            let module = self.module(frame.module);
            let catches = module.is_some_and(|module| module.code.catches(frame.pc));
            // What is caught may be the last that a function does.
            let is_left_to = std::mem::replace(&mut callee_catches, catches) || catches;
            if functions.len() >= WATCHED_FRAMES && !is_left_to {
                continue;
            }
            if index > skip && self.is_foreign(frame) {
                continue;
            }
            if !seen.insert((frame.module, frame.function)) {
                continue;
            }
            functions.extend(self.rows_of(frame).map(|rows| rows.as_ref().clone()));
        }
        functions
    }

    pub(super) fn line_forward(&mut self, into: bool, interrupt: &Interrupt) -> Result<Stop> {
        let (frames, depth) = self.lined_stack()?;
        if self.steps_instructions(&frames, depth) {
            return self.instruction_step(Direction::Forward, step_of(into), interrupt);
        }
        let Some(depth) = depth else {
            // No frame has lines: before `main`, or a guest without debug
            // information.
            let watch = match self.any_lines() {
                true => self.watch_places(self.entries()),
                false => Watch::Instructions,
            };
            self.forward(&Search::anywhere(watch), interrupt)?;
            let ahead = self.unbegun;
            let stop = self.arrived(Reason::Arrived);
            self.unbegun = ahead;
            return Ok(stop);
        };
        let functions = self.watched_rows(&frames, depth);
        if !into {
            let sight = self.sight_of(&frames, depth);
            let watch = Watch::Lines(LineWatch::of(depth, functions, sight));
            return self.forward(&Search::at_most(depth, watch), interrupt);
        }
        if let Some(stop) = self.begin_call() {
            return Ok(stop);
        }
        let watch = Watch::Lines(LineWatch {
            into: Some(self.step_into()?),
            ..LineWatch::of(depth, functions, Sight::Everything)
        });
        self.forward(&Search::anywhere(watch), interrupt)
    }

    pub(super) fn line_back(&mut self, into: bool, interrupt: &Interrupt) -> Result<Stop> {
        let (frames, depth) = self.lined_stack()?;
        if self.steps_instructions(&frames, depth) {
            return self.instruction_step(Direction::Backward, step_of(into), interrupt);
        }
        let Some(depth) = depth else {
            return match self.any_lines() {
                true => match self.line_back_from_outside(Self::own_depth, interrupt)? {
                    Some(stop) => Ok(stop),
                    // Nothing is the program's own.
                    None => match self.line_back_from_outside(Self::lined_depth, interrupt)? {
                        Some(stop) => Ok(stop),
                        None => self.reach_start(),
                    },
                },
                false => self.instruction_back(interrupt),
            };
        };
        let out_of = self.out_of_body(&frames, depth);
        if into {
            return match out_of.and_then(|out_of| self.back_before_call(&frames, out_of)) {
                Some(stop) => Ok(stop),
                None => self.line_back_into(out_of, interrupt),
            };
        }
        let (depth, out_of, until) = match self.back_in_frame(&frames, depth, out_of, interrupt)? {
            InFrame::Hit(hit) => return self.come_back_to(&hit, interrupt),
            // What came before is in its callers.
            InFrame::Began => (depth - 1, None, self.here.position),
            InFrame::Earlier(until) => (depth, out_of, until),
        };
        let functions = self.watched_rows(&frames, depth);
        let watch = Watch::Lines(LineWatch {
            out_of,
            ..LineWatch::of(depth, functions, self.sight_of(&frames, depth))
        });
        self.backward_from(until, &Search::at_most(depth, watch), interrupt)
    }

    /// To the last line start of all: looks back ever further, through the functions
    /// that were on the stack then, or have been entered since.
    fn line_back_into(&mut self, out_of: Option<OutOf>, interrupt: &Interrupt) -> Result<Stop> {
        let here = self.here.position;
        let mut back = 0u64;
        loop {
            let tick = here.tick.0.saturating_sub(back);
            let mut process = match tick {
                0 => self.copy_at_or_before(Position::START)?,
                _ => self.at_tick(Tick(tick), interrupt)?,
            };
            if process.at.position < here {
                let functions = self.rows_since(&mut process, here, interrupt)?;
                let watch = Watch::Lines(LineWatch {
                    out_of,
                    ..LineWatch::of(u32::MAX, functions, Sight::Everything)
                });
                let stop = StopAt::LastBefore(here);
                let ran = self.run(process, watch, stop, Vec::new(), interrupt)?;
                if let Some(hit) = ran.hit {
                    let stop = self.reach_position(hit.at.position, interrupt)?;
                    // The last stop at another moment is in the innermost body.
                    if hit.at.position == here {
                        self.unbegun = hit.unbegun.unwrap_or(0);
                    }
                    return Ok(stop);
                }
            }
            if tick == 0 {
                return self.reach_start();
            }
            back = (back * 16).max(1);
        }
    }

    /// The rows of the functions that are on the stack of a process, and of those that
    /// are entered from there until `bound`.
    fn rows_since(
        &mut self,
        process: &mut Process,
        bound: Position,
        interrupt: &Interrupt,
    ) -> Result<Vec<FunctionRows>> {
        let frames = process.ask(Frames)?;
        let mut functions: BTreeSet<(ModuleId, u32)> = BTreeSet::new();
        for frame in &frames {
            let code = self.module(frame.module).map(|module| &module.code);
            let entry = code.and_then(|code| code.entry_of(frame.pc));
            functions.extend(entry.map(|entry| (frame.module, entry)));
        }
        let copy = self.pool.fork(process)?;
        let (_, entered) = self.back(copy.send(ListEntered { before: bound })?, interrupt)?;
        functions.extend(entered);
        let own = functions.into_iter().filter_map(|(id, entry)| {
            let module = self
                .module(id)
                .filter(|module| !self.stepping.is_foreign(id, module, entry))?;
            lines::rows_around(&self.rows, module, id, entry).map(|rows| rows.as_ref().clone())
        });
        Ok(own.collect())
    }

    /// From where no frame has lines (after the last return, in an exit
    /// handler): looks back ever further for a stack that has some, and takes
    /// the last line that those functions ran.
    fn line_back_from_outside(
        &mut self,
        depth_in: impl Fn(&Timeline, &[Frame]) -> Option<u32>,
        interrupt: &Interrupt,
    ) -> Result<Option<Stop>> {
        let here = self.here.position;
        let mut back = 0u64;
        while let Some(tick) = here.tick.0.checked_sub(back).filter(|t| *t > 0) {
            back = (back * 2).max(1);
            let mut process = self.at_tick(Tick(tick), interrupt)?;
            if process.at.position >= here {
                continue;
            }
            let frames = process.ask(Frames)?;
            let Some(depth) = depth_in(self, &frames) else {
                continue;
            };
            self.unbegun = 0;
            let functions = self.watched_rows(&frames, depth);
            let sight = self.sight_of(&frames, depth);
            let watch = Watch::Lines(LineWatch::of(depth, functions, sight));
            let stop = StopAt::LastBefore(here);
            let ran = self.run(process, watch, stop, Vec::new(), interrupt)?;
            if let Some(hit) = ran.hit {
                let stop = self.reach_position(hit.at.position, interrupt)?;
                self.unbegun = hit.unbegun.unwrap_or(0);
                return Ok(Some(stop));
            }
        }
        Ok(None)
    }

    pub(super) fn any_lines(&self) -> bool {
        self.modules.iter().any(|module| module.source.has_lines())
    }

    fn step_into(&self) -> Result<StepInto> {
        Ok(StepInto {
            foreign: self.stepping.foreign.clone(),
            body_starts: self.body_starts.file(&self.pool)?,
        })
    }

    /// The entries of all functions with lines.
    pub(super) fn entries(&self) -> Vec<Place> {
        let starts = self.body_starts.get().iter().enumerate();
        let starts = starts.map(|(i, starts)| (ModuleId(i as u32), starts));
        let own = starts.filter(|(module, _)| !self.stepping.foreign.contains(module));
        own.flat_map(|(module, starts)| {
            starts.iter().map(move |pc| Place::Code { module, pc: *pc })
        })
        .collect()
    }

    /// Just after the return to the caller of the innermost frame with lines.
    pub(super) fn step_out(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        let (frames, depth) = self.lined_stack()?;
        let depth = depth.unwrap_or(frames.len() as u32);
        let caller = self.caller_with_lines(&frames, depth);
        match self.inlined_body(&frames, depth) {
            Some(body) => self.leave_body(depth, caller, body, interrupt),
            None => {
                let index = (frames.len() as u32).saturating_sub(depth) as usize;
                let returning = self.returning(&frames, index)?;
                let stop = self.return_to(caller, interrupt)?;
                self.note_returned(returning, &stop)?;
                Ok(stop)
            }
        }
    }

    /// Out of a frame, whether or not it has lines, or of an inlined body in it: by how many
    /// are inside of each.
    pub(super) fn step_out_of(
        &mut self,
        direction: Direction,
        (inside, body): (u32, u32),
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let frames = self.frames()?;
        let depth = (frames.len() as u32).saturating_sub(inside).max(1);
        let frame = frames.get(inside as usize).copied();
        let body = frame.and_then(|frame| {
            let rows = self.rows_of(&frame)?;
            let innermost = rows.row_around(frame.pc)?.at.body;
            let body = rows.around(innermost).nth(body as usize)?;
            (body != OWN).then_some((frame, rows, body))
        });
        match (direction, body) {
            (Direction::Forward, Some(body)) => {
                let caller = self.caller_with_lines(&frames, depth);
                self.leave_body(depth, caller, body, interrupt)
            }
            (Direction::Forward, None) => {
                let caller = self.caller_with_lines(&frames, depth);
                let returning = self.returning(&frames, inside as usize)?;
                let stop = self.return_to(caller, interrupt)?;
                self.note_returned(returning, &stop)?;
                Ok(stop)
            }
            (Direction::Backward, Some((.., body))) => {
                match self.back_to_inlined_call(&frames, depth, body, interrupt)? {
                    Some(stop) => Ok(stop),
                    None => self.back_to_call_by_own(&frames, depth, interrupt),
                }
            }
            (Direction::Backward, None) => self.back_to_call_by_own(&frames, depth, interrupt),
        }
    }

    /// To where the frame at a depth goes on, or to the end.
    fn return_to(&mut self, depth: Option<u32>, interrupt: &Interrupt) -> Result<Stop> {
        match depth {
            Some(depth) => {
                let search = Search::at_most(depth, Watch::Return { depth });
                self.forward(&search, interrupt)
            }
            None => self.reach_end(interrupt),
        }
    }

    /// The depth of the nearest frame outside `depth` that has lines. Where there is none, a
    /// frame without lines has the nearest one at all; the program's own, such as `main`, has
    /// none: what is around it leads to the end, as it does for the step over its last line.
    fn caller_with_lines(&self, frames: &[Frame], depth: u32) -> Option<u32> {
        let left = (frames.len() as u32).checked_sub(depth)? as usize;
        let outside = left + 1;
        let callers = frames.get(outside..).unwrap_or_default();
        let lined = callers.iter().position(|frame| self.has_lines(frame));
        let is_left_whole = self.stepping.without_lines == WithoutLines::Leave
            && frames.get(left).is_some_and(|frame| self.has_lines(frame));
        let index = lined.or((!callers.is_empty() && !is_left_whole).then_some(0))?;
        Some((frames.len() - outside - index) as u32)
    }

    /// Right before the call that entered the innermost frame with lines.
    pub(super) fn step_back_out(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        let (frames, depth) = self.lined_stack()?;
        let depth = depth.unwrap_or(frames.len() as u32);
        if let Some((.., body)) = self.inlined_body(&frames, depth)
            && let Some(stop) = self.back_to_inlined_call(&frames, depth, body, interrupt)?
        {
            return Ok(stop);
        }
        self.back_to_call_by_own(&frames, depth, interrupt)
    }

    /// Right before the call by which the frame at a depth came to be: in the caller that a
    /// step out leads to, which may have called a library that calls back.
    fn back_to_call_by_own(
        &mut self,
        frames: &[Frame],
        depth: u32,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let caller = self.caller_with_lines(frames, depth);
        let depth = caller.map_or(depth, |caller| caller + 1);
        let index = (frames.len() as u32).saturating_sub(depth) as usize;
        self.back_to_call_of(frames.get(index).copied(), depth, interrupt)
    }

    /// Right before the call that entered a frame, which is at `depth`.
    fn back_to_call_of(
        &mut self,
        frame: Option<Frame>,
        depth: u32,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let entry = frame.and_then(|frame| {
            let pc = self.module(frame.module)?.code.entry_of(frame.pc)?;
            Some((frame.module, pc))
        });
        let Some((module, pc)) = entry else {
            return self.reach_start();
        };
        let here = self.here.position;
        let is_innermost = depth == here.depth;
        let is_entry = is_innermost && here.pc == pc && here.phase == Phase::Before;
        let entered = match is_entry {
            true => Some(here),
            false => {
                let search = Search::anywhere(Watch::Entry { depth, module, pc });
                let bound = self.entered_before(depth);
                let hit = self.last_before(bound, &search, interrupt)?;
                hit.map(|hit| hit.at.position)
            }
        };
        let Some(entered) = entered else {
            return self.reach_start();
        };
        match self.instruction_before(entered, interrupt)? {
            Some(call) => self.reach_position(call, interrupt),
            None => self.reach_start(),
        }
    }

    /// The frame at `depth` was entered before this: when its caller ran last.
    fn entered_before(&mut self, depth: u32) -> Position {
        let here = self.here.position;
        match self.quiet_before(depth.checked_sub(1), &[], here.tick) {
            // Entering it is the first thing in the time without the caller.
            Some(quiet) => here.min(Position::first_of(Tick(quiet.ticks.start.0 + 1))),
            None => here,
        }
    }

    /// By one instruction.
    pub(super) fn instruction_step(
        &mut self,
        direction: Direction,
        step: Step,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let into = Search::anywhere(Watch::Instructions);
        // Where no guest code runs there is nothing to go over.
        let step = match step {
            Step::Over if self.here.position.depth == 0 => Step::Into,
            step => step,
        };
        match (direction, step) {
            (Direction::Forward, Step::Into) => self.forward(&into, interrupt),
            (Direction::Backward, Step::Into) => self.instruction_back(interrupt),
            (Direction::Forward, Step::Over) => self.instruction_over(interrupt),
            (Direction::Backward, Step::Over) => self.instruction_back_over(interrupt),
            (Direction::Forward, Step::Out) => {
                let depth = self.here.position.depth.checked_sub(1);
                self.return_to(depth.filter(|depth| *depth > 0), interrupt)
            }
            (Direction::Backward, Step::Out) => {
                let frame = self.frames()?.first().copied();
                self.back_to_call_of(frame, self.here.position.depth, interrupt)
            }
        }
    }

    /// Where the next instruction is one of a callee, on to where that has returned.
    fn instruction_over(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        if self.live.at.is_end {
            return Ok(self.arrived(Reason::Arrived));
        }
        let depth = self.here.position.depth;
        let copy = self.pool.fork(&mut self.live)?;
        let mut ran = self.run(
            copy,
            Watch::Instructions,
            StopAt::First,
            Vec::new(),
            interrupt,
        )?;
        if let Some(serials) = self.serials_of(depth)
            && ran.process.ask(Waits(serials))?
            && let Some(frame) = self.frames()?.first().copied()
        {
            // Another stack goes on meanwhile: the next instruction of this one is in its frame.
            return self.forward(&within(frame, depth), interrupt);
        }
        if ran.process.at.is_end || ran.process.at.position.depth <= depth {
            return Ok(self.settle(ran.process, Reason::Arrived));
        }
        let search = Search::at_most(depth, Watch::Return { depth });
        self.forward_from(ran.process, &search, interrupt)
    }

    /// Where the instruction before this one is one of a callee, on to the call.
    fn instruction_back_over(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        let here = self.here.position;
        let frame = self.frames()?.first().copied();
        if let Some(frame) = frame.filter(|_| self.on_stack.is_some()) {
            let code = self.module(frame.module).map(|module| &module.code);
            if code.is_some_and(|code| code.entry_of(frame.pc) != Some(frame.pc)) {
                // Whatever ran before on other stacks, in this frame something did.
                return self.backward(&within(frame, here.depth), interrupt);
            }
        }
        match (self.instruction_before(here, interrupt)?, frame) {
            (Some(before), Some(frame)) if before.depth > here.depth => {
                self.backward(&within(frame, here.depth), interrupt)
            }
            (Some(before), _) => self.reach_position(before, interrupt),
            (None, _) => self.reach_start(),
        }
    }

    /// The instruction before this one is in the same tick, or in the one before, or in one not
    /// long before that.
    fn instruction_back(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        match self.instruction_before(self.here.position, interrupt)? {
            Some(position) => self.reach_position(position, interrupt),
            None => self.reach_start(),
        }
    }

    fn instruction_before(
        &mut self,
        here: Position,
        interrupt: &Interrupt,
    ) -> Result<Option<Position>> {
        // In a tick in which another stack goes on, it may do nothing but return.
        let most = if self.trace.keeps_stacks() { 8 } else { 1 };
        for back in 0..=most {
            let Some(tick) = here.tick.0.checked_sub(back).filter(|t| *t > 0) else {
                break;
            };
            let process = self.at_tick(Tick(tick), interrupt)?;
            if process.at.position >= here {
                continue;
            }
            let stop = StopAt::LastBefore(here);
            let ran = self.run(process, Watch::Instructions, stop, Vec::new(), interrupt)?;
            if let Some(hit) = ran.hit {
                return Ok(Some(hit.at.position));
            }
        }
        Ok(None)
    }
}
