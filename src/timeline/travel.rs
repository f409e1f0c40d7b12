//! The motions.
//!
//! Moving backward is always the same: choose the stretch from the nearest
//! checkpoint to now, run it forward, remember the last place that qualifies,
//! go there; if there is none, take the stretch before.

use super::lines;
use super::motion::{Breakpoint, Direction, Motion, Place, Reason, Step, Stop};
use super::process::{Process, ProcessError};
use super::wire::{FunctionRows, Hit, LineWatch, ReplayerId, Reply, Request, Run, StopAt, Watch};
use super::{Interrupt, Result, Timeline, TimelineError, confused};
use crate::component::{Component, Direction as CrossingDirection, ModuleId};
use crate::replay::frames::Frame;
use crate::replay::{Phase, Position, Tick};
use std::collections::HashSet;

/// A stretch is cut in halves toward the present by checkpoints, down to this
/// many ticks: stepping back again then replays next to nothing. Fewer ticks
/// than this replay in the time that a fork takes.
const LADDER_FLOOR: u64 = 4096;
/// How many functions of the stack a line step watches, innermost first.
const WATCHED_FRAMES: usize = 16;

impl Timeline {
    /// Goes somewhere. If it fails or is interrupted, nothing has moved.
    ///
    /// # Errors
    ///
    /// If interrupted, if the replayer died, or if replay diverges.
    pub fn travel(&mut self, motion: &Motion, interrupt: &Interrupt) -> Result<Stop> {
        self.collect();
        match self.attempt(motion, interrupt) {
            Err(TimelineError::Died(message)) => {
                tracing::warn!("a replayer died ({message}); trying again with another");
                self.revive()?;
                self.attempt(motion, interrupt)
            }
            other => other,
        }
    }

    fn attempt(&mut self, motion: &Motion, interrupt: &Interrupt) -> Result<Stop> {
        match motion {
            Motion::Start => self.reach_start(),
            Motion::End => self.reach_end(interrupt),
            Motion::Entry => self.reach_entry(interrupt),
            Motion::Event(event) => self.reach_event(*event, interrupt),
            Motion::Position(position) => {
                self.seek(*position, interrupt)?;
                Ok(self.arrived(Reason::Arrived))
            }
            Motion::Continue(Direction::Forward) => {
                let watch = places(self.trace.component(), &self.breakpoints);
                self.forward(watch, interrupt)
            }
            Motion::Continue(Direction::Backward) => {
                let watch = places(self.trace.component(), &self.breakpoints);
                self.backward(&watch, interrupt)
            }
            Motion::Instruction(Direction::Forward) => self.forward(Watch::Instructions, interrupt),
            Motion::Instruction(Direction::Backward) => self.instruction_back(interrupt),
            Motion::Line(Direction::Forward, Step::Out) => self.step_out(interrupt),
            Motion::Line(Direction::Backward, Step::Out) => self.step_back_out(interrupt),
            Motion::Line(Direction::Forward, step) => {
                self.line_forward(*step == Step::Into, interrupt)
            }
            Motion::Line(Direction::Backward, step) => {
                self.line_back(*step == Step::Into, interrupt)
            }
            Motion::Hostcall(Direction::Forward) => {
                let at_hostcall = self.here.position.phase == Phase::Calling;
                self.reach_event(self.here.event + u64::from(at_hostcall), interrupt)
            }
            Motion::Hostcall(Direction::Backward) => match self.here.event.checked_sub(1) {
                Some(event) => self.reach_event(event, interrupt),
                None => self.reach_start(),
            },
        }
    }

    /// The session stands where the live process does.
    fn arrived(&mut self, reason: Reason) -> Stop {
        let at = self.live.at;
        self.here = Stop {
            position: at.position,
            event: at.event,
            reason: if at.is_end {
                Reason::End(self.ending())
            } else if at.position == Position::START {
                Reason::Start
            } else {
                reason
            },
        };
        self.here.clone()
    }

    /// Makes a process the live one; the one before stays as a checkpoint, so
    /// that going back there costs nothing.
    fn settle(&mut self, process: Process, reason: Reason) -> Stop {
        let before = std::mem::replace(&mut self.live, process);
        let present = self.live.at.position.tick;
        self.checkpoints.keep(before, present);
        self.arrived(reason)
    }

    fn reach_start(&mut self) -> Result<Stop> {
        let copy = self.copy_at_or_before(Position::START)?;
        Ok(self.settle(copy, Reason::Start))
    }

    fn reach_end(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        // The sweep is on its way there: waiting is the quickest.
        self.wait_for_sweep(interrupt)?;
        if let Some(end) = self.checkpoints.end() {
            let copy = self.pool.fork(end)?;
            return Ok(self.settle(copy, Reason::Arrived));
        }
        let copy = self.pool.fork(&mut self.live)?;
        let (process, _) = self.run(copy, Watch::Nothing, StopAt::End, Vec::new(), interrupt)?;
        Ok(self.settle(process, Reason::Arrived))
    }

    fn reach_event(&mut self, event: u64, interrupt: &Interrupt) -> Result<Stop> {
        let live_is_before = self.here.event <= event && !self.live.at.is_end;
        let copy = match self.checkpoints.before_event(event) {
            // The present is nearer than any checkpoint before it.
            Some(checkpoint) if !live_is_before || checkpoint.at.position > self.here.position => {
                self.pool.fork(checkpoint)?
            }
            _ => self.pool.fork(&mut self.live)?,
        };
        let (process, _) = self.run(
            copy,
            Watch::Nothing,
            StopAt::Event(event),
            Vec::new(),
            interrupt,
        )?;
        Ok(self.settle(process, Reason::Arrived))
    }

    /// `main`, or else the first line that runs.
    fn reach_entry(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        let mut code = Vec::new();
        let mut fallback = Vec::new();
        for (i, module) in self.modules.iter().enumerate() {
            let id = ModuleId(i as u32);
            let breakpoint = super::motion::BreakpointId(0);
            for name in ["main", "__main_argc_argv", "__original_main"] {
                for function in module.source.functions_named(name) {
                    let start = module.source.body_start(function);
                    code.push((breakpoint, id, start));
                }
            }
            let starts = self.load.body_starts.get(i);
            fallback.extend(
                starts
                    .iter()
                    .flat_map(|s| s.iter())
                    .map(|pc| (breakpoint, id, *pc)),
            );
        }
        for code in [code, fallback] {
            if code.is_empty() {
                continue;
            }
            let copy = self.copy_at_or_before(Position::START)?;
            let watch = Watch::Places {
                code,
                crossings: Vec::new(),
            };
            let (process, hit) = self.run(copy, watch, StopAt::First, Vec::new(), interrupt)?;
            if hit.is_some() {
                return Ok(self.settle(process, Reason::Arrived));
            }
        }
        // Nothing here has lines: the first instruction.
        let copy = self.copy_at_or_before(Position::START)?;
        let (process, _) = self.run(
            copy,
            Watch::Nothing,
            StopAt::Tick(Tick(1)),
            Vec::new(),
            interrupt,
        )?;
        Ok(self.settle(process, Reason::Arrived))
    }

    fn copy_at_or_before(&mut self, position: Position) -> Result<Process> {
        let live_fits = self.live.at.position <= position;
        match self.checkpoints.at_or_before(position) {
            Some(checkpoint) if !live_fits || checkpoint.at.position > self.live.at.position => {
                Ok(self.pool.fork(checkpoint)?)
            }
            _ if live_fits => Ok(self.pool.fork(&mut self.live)?),
            _ => Err(TimelineError::Died("no checkpoint is left".into())),
        }
    }

    /// Goes exactly there.
    fn seek(&mut self, position: Position, interrupt: &Interrupt) -> Result<()> {
        if self.live.at.position == position {
            return Ok(());
        }
        let copy = self.copy_at_or_before(position)?;
        let ladder = self.ladder(copy.at.position, position);
        let stop = StopAt::Position(position);
        let (process, _) = self.run(copy, Watch::Nothing, stop, ladder, interrupt)?;
        if process.at.position != position {
            return Err(TimelineError::Failed(format!(
                "there is no moment {position} in this recording; the next one is {}",
                process.at.position
            )));
        }
        self.settle(process, Reason::Arrived);
        Ok(())
    }

    /// Ticks that halve the way to the present, again and again.
    fn ladder(&self, from: Position, to: Position) -> Vec<Tick> {
        let mut ticks = Vec::new();
        let mut from = from.tick.0;
        while to.tick.0.saturating_sub(from) > LADDER_FLOOR {
            from += (to.tick.0 - from) / 2;
            ticks.push(Tick(from));
        }
        ticks
    }

    /// Runs a copy until it stands still again.
    fn run(
        &mut self,
        mut process: Process,
        watch: Watch,
        stop: StopAt,
        leave_at: Vec<Tick>,
        interrupt: &Interrupt,
    ) -> Result<(Process, Option<Hit>)> {
        let first_id: ReplayerId = self.pool.reserve(leave_at.len() as u64 + 1);
        process.start(&Request::Run(Box::new(Run {
            watch,
            stop,
            leave_at,
            leave_every: false,
            first_id,
        })))?;
        match process.wait(interrupt, || {})? {
            Reply::Stopped { at, hit } => {
                process.at = at;
                self.collect();
                Ok((process, hit))
            }
            _ => Err(confused()),
        }
    }

    /// Runs forward from here to the first moment that qualifies, or the end.
    fn forward(&mut self, watch: Watch, interrupt: &Interrupt) -> Result<Stop> {
        if self.live.at.is_end {
            return Ok(self.arrived(Reason::Arrived));
        }
        let copy = self.pool.fork(&mut self.live)?;
        let (process, hit) = self.run(copy, watch, StopAt::First, Vec::new(), interrupt)?;
        let reason = reason_of(hit.as_ref());
        Ok(self.settle(process, reason))
    }

    /// Goes back to the last moment that qualifies, or the start.
    fn backward(&mut self, watch: &Watch, interrupt: &Interrupt) -> Result<Stop> {
        match self.last_before(self.here.position, watch, interrupt)? {
            Some(hit) => {
                self.seek(hit.at.position, interrupt)?;
                Ok(self.arrived(reason_of(Some(&hit))))
            }
            None => self.reach_start(),
        }
    }

    /// The last moment before `bound` that qualifies, stretch by stretch.
    fn last_before(
        &mut self,
        bound: Position,
        watch: &Watch,
        interrupt: &Interrupt,
    ) -> Result<Option<Hit>> {
        let mut until = bound;
        loop {
            let Some(checkpoint) = self.checkpoints.before(until) else {
                return Ok(None);
            };
            let from = checkpoint.at.position;
            let copy = self.pool.fork(checkpoint)?;
            let ladder = self.ladder(from, until);
            // Which frames are still there is known only at the bound: those of the
            // checkpoint may have returned since.
            let stop = match watch {
                Watch::Lines(_) => StopAt::LastBefore(bound),
                _ => StopAt::LastBefore(just_after(until, bound)),
            };
            let (_, hit) = self.run(copy, watch.clone(), stop, ladder, interrupt)?;
            if hit.is_some() {
                return Ok(hit);
            }
            if from == Position::START {
                return Ok(None);
            }
            until = from;
        }
    }

    /// The instruction before this one is in the same tick, or in the one before.
    fn instruction_back(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        let here = self.here.position;
        match self.instruction_before(here, interrupt)? {
            Some(position) => {
                self.seek(position, interrupt)?;
                Ok(self.arrived(Reason::Arrived))
            }
            None => self.reach_start(),
        }
    }

    fn instruction_before(
        &mut self,
        here: Position,
        interrupt: &Interrupt,
    ) -> Result<Option<Position>> {
        for back in [0, 1] {
            let Some(tick) = here.tick.0.checked_sub(back).filter(|t| *t > 0) else {
                break;
            };
            let process = self.at_tick(Tick(tick), interrupt)?;
            if process.at.position >= here {
                continue;
            }
            let stop = StopAt::LastBefore(here);
            let (_, hit) = self.run(process, Watch::Instructions, stop, Vec::new(), interrupt)?;
            if let Some(hit) = hit {
                return Ok(Some(hit.at.position));
            }
        }
        Ok(None)
    }

    /// The stack here, and the depth of the innermost frame that has lines.
    fn lined_stack(&mut self) -> Result<(Vec<Frame>, Option<u32>)> {
        let frames = self.frames()?;
        let depth = self.lined_depth(&frames);
        Ok((frames, depth))
    }

    fn lined_depth(&self, frames: &[Frame]) -> Option<u32> {
        let lined = frames.iter().position(|frame| self.has_lines(frame))?;
        Some((frames.len() - lined) as u32)
    }

    fn has_lines(&self, frame: &Frame) -> bool {
        self.module(frame.module)
            .is_some_and(|m| m.source.line_at(frame.pc).is_some_and(|l| l.line != 0))
    }

    /// The line rows of the functions of frames at `depth` and below it.
    fn watched_rows(&self, frames: &[Frame], depth: u32) -> Vec<FunctionRows> {
        let skip = (frames.len() as u32).saturating_sub(depth) as usize;
        let mut seen = HashSet::new();
        let mut functions = Vec::new();
        for frame in frames.iter().skip(skip) {
            if functions.len() >= WATCHED_FRAMES {
                break;
            }
            if !seen.insert((frame.module, frame.function)) {
                continue;
            }
            let rows = self
                .module(frame.module)
                .and_then(|module| lines::rows_around(&self.rows, module, frame.module, frame.pc));
            functions.extend(rows);
        }
        functions
    }

    fn line_forward(&mut self, into: bool, interrupt: &Interrupt) -> Result<Stop> {
        let (frames, depth) = self.lined_stack()?;
        let Some(depth) = depth else {
            // No frame has lines: before `main`, or a guest without debug
            // information.
            let watch = match self.any_lines() {
                true => self.entry_watch(),
                false => Watch::Instructions,
            };
            self.forward(watch, interrupt)?;
            return Ok(self.arrived(Reason::Arrived));
        };
        let watch = Watch::Lines(LineWatch {
            depth,
            functions: self.watched_rows(&frames, depth),
            into,
        });
        self.forward(watch, interrupt)
    }

    fn line_back(&mut self, into: bool, interrupt: &Interrupt) -> Result<Stop> {
        let (frames, depth) = self.lined_stack()?;
        let watch = match (depth, into) {
            (Some(depth), false) => LineWatch {
                depth,
                functions: self.watched_rows(&frames, depth),
                into: false,
            },
            _ if !self.any_lines() => return self.instruction_back(interrupt),
            (None, _) => return self.line_back_from_outside(interrupt),
            // Into callees: any line.
            (Some(_), true) => LineWatch {
                depth: u32::MAX,
                functions: self.all_rows(),
                into: false,
            },
        };
        self.backward(&Watch::Lines(watch), interrupt)
    }

    /// From where no frame has lines (after the last return, in an exit
    /// handler): looks back ever further for a stack that has some, and takes
    /// the last line that those functions ran.
    fn line_back_from_outside(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        let here = self.here.position;
        let mut back = 0u64;
        while let Some(tick) = here.tick.0.checked_sub(back).filter(|t| *t > 0) {
            back = (back * 2).max(1);
            let mut process = self.at_tick(Tick(tick), interrupt)?;
            if process.at.position >= here {
                continue;
            }
            let Reply::Frames(frames) = process.ask(&Request::Frames)? else {
                return Err(confused());
            };
            let Some(depth) = self.lined_depth(&frames) else {
                continue;
            };
            let watch = Watch::Lines(LineWatch {
                depth,
                functions: self.watched_rows(&frames, depth),
                into: false,
            });
            let stop = StopAt::LastBefore(here);
            let (_, hit) = self.run(process, watch, stop, Vec::new(), interrupt)?;
            if let Some(hit) = hit {
                self.seek(hit.at.position, interrupt)?;
                return Ok(self.arrived(Reason::Arrived));
            }
        }
        self.reach_start()
    }

    /// A process that stands at the first moment of a tick, or later if nothing
    /// of that tick can be stood at.
    fn at_tick(&mut self, tick: Tick, interrupt: &Interrupt) -> Result<Process> {
        let first = Position {
            tick,
            depth: u32::MAX,
            pc: 0,
            phase: Phase::Before,
        };
        let copy = self.copy_at_or_before(first)?;
        let ladder = self.ladder(copy.at.position, first);
        let stop = StopAt::Tick(tick);
        let (process, _) = self.run(copy, Watch::Nothing, stop, ladder, interrupt)?;
        Ok(process)
    }

    fn any_lines(&self) -> bool {
        self.load
            .body_starts
            .iter()
            .any(|starts| !starts.is_empty())
    }

    fn all_rows(&self) -> Vec<FunctionRows> {
        let modules = self.modules.iter().enumerate();
        modules
            .flat_map(|(i, module)| lines::all_rows(module, ModuleId(i as u32)))
            .collect()
    }

    /// The entry of any function with lines.
    fn entry_watch(&self) -> Watch {
        let starts = self.load.body_starts.iter().enumerate();
        let code = starts
            .flat_map(|(i, starts)| starts.iter().map(move |pc| (i, *pc)))
            .map(|(i, pc)| (super::motion::BreakpointId(0), ModuleId(i as u32), pc))
            .collect();
        Watch::Places {
            code,
            crossings: Vec::new(),
        }
    }

    /// Just after the return to the caller of the innermost frame with lines.
    fn step_out(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        let (frames, depth) = self.lined_stack()?;
        let depth = depth.unwrap_or(frames.len() as u32);
        let Some(caller) = self.caller_with_lines(&frames, depth) else {
            return self.forward(Watch::Nothing, interrupt);
        };
        let mut stop = self.forward(Watch::Return { depth: caller }, interrupt)?;
        if stop.reason == Reason::Breakpoints(Vec::new()) {
            stop.reason = Reason::Arrived;
        }
        Ok(stop)
    }

    /// The depth of the nearest frame outside `depth` that has lines, or of the
    /// nearest one at all.
    fn caller_with_lines(&self, frames: &[Frame], depth: u32) -> Option<u32> {
        let outside = (frames.len() as u32).checked_sub(depth)? as usize + 1;
        let callers = frames.get(outside..).unwrap_or_default();
        let lined = callers.iter().position(|frame| self.has_lines(frame));
        let index = lined.or((!callers.is_empty()).then_some(0))?;
        Some((frames.len() - outside - index) as u32)
    }

    /// Right before the call that entered the innermost frame with lines.
    fn step_back_out(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        let (frames, depth) = self.lined_stack()?;
        let depth = depth.unwrap_or(frames.len() as u32);
        let index = (frames.len() as u32).saturating_sub(depth) as usize;
        let Some(frame) = frames.get(index) else {
            return self.reach_start();
        };
        let entry = self
            .module(frame.module)
            .and_then(|m| m.code.entry_of(frame.pc));
        let Some(pc) = entry else {
            return self.reach_start();
        };
        let watch = Watch::Entry {
            depth,
            module: frame.module,
            pc,
        };
        let here = self.here.position;
        let is_entry = index == 0 && here.pc == pc && here.phase == Phase::Before;
        let entered = match is_entry {
            true => Some(here),
            false => self
                .last_before(here, &watch, interrupt)?
                .map(|hit| hit.at.position),
        };
        let Some(entered) = entered else {
            return self.reach_start();
        };
        match self.instruction_before(entered, interrupt)? {
            Some(call) => {
                self.seek(call, interrupt)?;
                Ok(self.arrived(Reason::Arrived))
            }
            None => self.reach_start(),
        }
    }

    /// Brings a live process to where the session stands, after one has died.
    pub(super) fn revive(&mut self) -> Result<()> {
        let position = self.here.position;
        self.drop_dead();
        if self.checkpoints.at_or_before(Position::START).is_none() {
            let root = self.pool.spawn(self.load.clone())?;
            self.checkpoints.keep(root, position.tick);
        }
        let Some(checkpoint) = self.checkpoints.at_or_before(position) else {
            return Err(TimelineError::Died("no checkpoint is left".into()));
        };
        let copy = self.pool.fork(checkpoint)?;
        let stop = StopAt::Position(position);
        let (process, _) = self.run(copy, Watch::Nothing, stop, Vec::new(), &Interrupt::new())?;
        self.live = process;
        Ok(())
    }

    /// Lets go of checkpoints whose processes are gone.
    fn drop_dead(&mut self) {
        let positions: Vec<Position> = self.checkpoints.positions().collect();
        for position in positions {
            let dead = self
                .checkpoints
                .at_or_before(position)
                .is_some_and(|p| matches!(p.ask(&Request::Instances), Err(ProcessError::Died(_))));
            if dead {
                self.checkpoints.remove(position);
            }
        }
    }
}

/// The bound of a stretch that ends at a checkpoint: the checkpoint's own moment
/// belongs to it, since a line start there can only be told from before.
fn just_after(until: Position, bound: Position) -> Position {
    if until == bound && until.phase != Phase::Before {
        return until;
    }
    if until == bound {
        return bound;
    }
    let after = Position {
        pc: until.pc.saturating_add(1),
        phase: Phase::Before,
        ..until
    };
    // The call out at the checkpoint's instruction may be the bound.
    after.min(bound)
}

fn reason_of(hit: Option<&Hit>) -> Reason {
    match hit {
        Some(hit) if !hit.breakpoints.is_empty() => Reason::Breakpoints(hit.breakpoints.clone()),
        _ => Reason::Arrived,
    }
}

/// The places of breakpoints as a replayer watches them.
fn places(component: &Component, breakpoints: &[Breakpoint]) -> Watch {
    let mut code = Vec::new();
    let mut crossings = Vec::new();
    for breakpoint in breakpoints {
        for place in &breakpoint.places {
            match place {
                Place::Code { module, pc } => code.push((breakpoint.id, *module, *pc)),
                Place::Hostcall { path } => {
                    let matching = component
                        .crossings()
                        .iter()
                        .filter(|c| c.direction() == CrossingDirection::Outgoing)
                        .filter(|c| c.name.contains(path.as_str()));
                    crossings.extend(matching.map(|c| (breakpoint.id, c.id)));
                }
            }
        }
    }
    Watch::Places { code, crossings }
}
