//! Into one of the calls that a line makes.

use super::super::{Interrupt, Result, Timeline, TimelineError};
use super::motion::{Reason, Stop};
use super::search::Search;
use crate::component::ModuleId;
use crate::replay::frames::Frame;
use crate::replay::{Phase, Position};
use crate::timeline::processes::process::Process;
use crate::timeline::processes::wire::ask::Frames;
use crate::timeline::processes::wire::run::{LineWatch, StopAt, Watch};

impl Timeline {
    /// Into what the innermost frame calls at this instruction.
    pub(super) fn step_into_call(
        &mut self,
        module: ModuleId,
        pc: u32,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let here = self.here.position;
        let frames = self.frames()?;
        if !self.is_call_of(frames.first(), module, pc) {
            return Err(TimelineError::NoCall(pc));
        }
        let functions = self.watched_rows(&frames, here.depth);
        let sight = self.sight_of(&frames, here.depth);
        let line = LineWatch::of(here.depth, functions, sight);
        let copy = self.pool.fork(&mut self.live)?;
        let is_at_call =
            |at: Position| at.phase == Phase::Before && (at.depth, at.pc) == (here.depth, pc);
        if is_at_call(here) {
            return self.enter_callee(copy, line, interrupt);
        }
        let watch = Watch::Lines(LineWatch {
            call: Some((here.depth, module, pc)),
            ..line.clone()
        });
        let ran = self.first_after(copy, &Search::at_most(here.depth, watch), interrupt)?;
        match &ran.hit {
            Some(hit) if is_at_call(hit.at.position) => {
                self.enter_callee(ran.process, line, interrupt)
            }
            _ => self.settle_at(ran),
        }
    }

    /// Whether a frame's function has an instruction there.
    fn is_call_of(&self, frame: Option<&Frame>, module: ModuleId, pc: u32) -> bool {
        let Some(frame) = frame.filter(|frame| frame.module == module) else {
            return false;
        };
        let code = self.module(module).map(|module| &module.code);
        code.and_then(|code| code.instructions_around(frame.pc))
            .is_some_and(|instructions| instructions.binary_search(&pc).is_ok())
    }

    /// From right before a call into what it calls.
    fn enter_callee(
        &mut self,
        mut process: Process,
        line: LineWatch,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let event = process.at.event;
        let copy = self.pool.fork(&mut process)?;
        let mut entered = self.run(
            copy,
            Watch::Instructions,
            StopAt::First,
            Vec::new(),
            interrupt,
        )?;
        if entered.process.at.event != event {
            // The call itself is one out of the guest.
            return self.settle_at_hostcall(process, Watch::Nothing, line, interrupt);
        }
        if entered.process.at.is_end {
            return self.settle_at(entered);
        }
        let frames = entered.process.ask(Frames)?;
        let Some(callee) = frames.first() else {
            return self.settle_at(entered);
        };
        let depth = entered.process.at.position.depth;
        if let Some(pc) = self.body_start(callee) {
            if pc == callee.pc {
                return self.settle_at(entered);
            }
            let module = callee.module;
            let watch = Watch::Entry { depth, module, pc };
            let first = StopAt::First;
            let begun = self.run(entered.process, watch, first, Vec::new(), interrupt)?;
            return self.settle_at(begun);
        }
        let caller = frames.get(1).map(|caller| caller.module);
        if caller == Some(callee.module) {
            return self.settle_at(entered);
        }
        // An adapter between two modules: what it is for is the hostcall.
        let watch = Watch::Return {
            depth: depth.saturating_sub(1),
        };
        self.settle_at_hostcall(entered.process, watch, line, interrupt)
    }

    /// To the next hostcall, if there is one before what is watched; else on to where the
    /// line ends.
    fn settle_at_hostcall(
        &mut self,
        process: Process,
        watch: Watch,
        line: LineWatch,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let stop = StopAt::Event(process.at.event);
        let ran = self.run(process, watch, stop, Vec::new(), interrupt)?;
        if ran.hit.is_none() {
            return Ok(self.settle(ran.process, Reason::Arrived));
        }
        let search = Search::at_most(line.depth, Watch::Lines(line));
        self.forward_from(ran.process, &search, interrupt)
    }

    /// Where the first statement of a function that has just been entered is.
    fn body_start(&self, callee: &Frame) -> Option<u32> {
        let starts = self.body_starts.get().get(callee.module.0 as usize)?;
        let start = *starts.get(starts.partition_point(|start| *start < callee.pc))?;
        let code = &self.module(callee.module)?.code;
        (code.function_at(start) == Some(callee.function)).then_some(start)
    }
}
