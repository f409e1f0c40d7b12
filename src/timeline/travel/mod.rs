//! The motions.

pub(super) mod breakpoints;
pub(super) mod call_targets;
mod into_call;
pub(super) mod lines;
pub mod motion;
pub mod predicates;
mod search;
mod seek;
mod steps;

use super::processes::process::{Process, ProcessError};
use super::processes::wire::{Hit, Moment, ReplayerId, Reply, Request, Run, StopAt, Watch};
use super::{Interrupt, Result, Timeline, TimelineError, confused};
use crate::component::ModuleId;
use crate::replay::{Phase, Position, Tick};
use motion::{Direction, HostcallFilter, Motion, Reason, Step, Stop};
use search::Search;

impl Timeline {
    /// Goes somewhere. If it fails or is interrupted, nothing has moved.
    ///
    /// # Errors
    ///
    /// If interrupted, if the replayer died, or if replay diverges.
    pub fn travel(&mut self, motion: &Motion, interrupt: &Interrupt) -> Result<Stop> {
        self.collect();
        if self.needs_debug(motion) {
            self.need_debug(interrupt, &|_| {})?;
        }
        self.breakpoints.begin_log();
        match self.attempt(motion, interrupt) {
            Err(TimelineError::Died(message)) => {
                tracing::warn!("a replayer died ({message}); trying again with another");
                self.revive()?;
                self.breakpoints.begin_log();
                self.attempt(motion, interrupt)
            }
            // Optimised code has lost count where the guest trapped.
            Err(TimelineError::Optimised(_)) => {
                self.need_debug(interrupt, &|_| {})?;
                self.attempt(motion, interrupt)
            }
            other => other,
        }
    }

    /// Whether a motion can be made in code for debugging only:
    /// [`Timeline::travel`] waits for it, [`Timeline::need_debug`] tells how far it is.
    pub fn needs_debug(&self, motion: &Motion) -> bool {
        match motion {
            Motion::Start | Motion::End | Motion::Event(_) | Motion::Hostcall(..) => false,
            Motion::OverHostcall(_) => false,
            Motion::Entry => self.any_lines(),
            Motion::Position(position) => is_inside(*position),
            Motion::Mark(name) => self.marked(name).is_some_and(is_inside),
            Motion::Continue(_) => self.breakpoints.need_debug(),
            Motion::Tick(_) | Motion::Fraction(_) => true,
            Motion::Instruction(..) | Motion::Line(..) | Motion::IntoCall { .. } => true,
            Motion::LastChange(_) | Motion::NextChange(_) => true,
        }
    }

    fn attempt(&mut self, motion: &Motion, interrupt: &Interrupt) -> Result<Stop> {
        match motion {
            Motion::Start => self.reach_start(),
            Motion::End => self.reach_end(interrupt),
            Motion::Entry => self.reach_entry(interrupt),
            Motion::Event(event) => self.reach_event(*event, interrupt),
            Motion::Tick(tick) => self.reach_tick(*tick, interrupt),
            Motion::Fraction(fraction) => self.reach_fraction(*fraction, interrupt),
            Motion::Position(position) => self.reach_position(*position, interrupt),
            Motion::Mark(name) => {
                let marked = self.marked(name);
                let marked = marked.ok_or_else(|| TimelineError::NoMark(name.clone()))?;
                self.reach_position(marked, interrupt)
            }
            Motion::Continue(direction) => {
                let watch = self.break_watch(interrupt)?;
                self.search(*direction, Search::anywhere(watch), interrupt)
            }
            Motion::Instruction(direction, step) => {
                self.instruction_step(*direction, *step, interrupt)
            }
            Motion::Line(Direction::Forward, Step::Out) => self.step_out(interrupt),
            Motion::Line(Direction::Backward, Step::Out) => self.step_back_out(interrupt),
            Motion::Line(Direction::Forward, step) => {
                self.line_forward(*step == Step::Into, interrupt)
            }
            Motion::Line(Direction::Backward, step) => {
                self.line_back(*step == Step::Into, interrupt)
            }
            Motion::Hostcall(direction, filter) => {
                self.hostcall_step(*direction, filter, interrupt)
            }
            Motion::LastChange(range) => self.reach_change(Direction::Backward, *range, interrupt),
            Motion::NextChange(range) => self.reach_change(Direction::Forward, *range, interrupt),
            Motion::IntoCall { module, pc } => self.step_into_call(*module, *pc, interrupt),
            Motion::OverHostcall(Direction::Forward) => self.over_hostcall(interrupt),
            Motion::OverHostcall(Direction::Backward) => {
                self.hostcall_step(Direction::Backward, &HostcallFilter::ANY, interrupt)
            }
        }
    }

    /// The session stands where the live process does.
    fn arrived(&mut self, reason: Reason) -> Stop {
        self.changes.here.clear();
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
        let mut checkpoints = self.pool.checkpoints();
        checkpoints.set_present(self.live.at.position.tick);
        checkpoints.keep(before);
        drop(checkpoints);
        self.arrived(reason)
    }

    /// Runs a copy until it stands still again.
    pub(super) fn run(
        &mut self,
        mut process: Process,
        watch: Watch,
        stop: StopAt,
        leave_at: Vec<Tick>,
        interrupt: &Interrupt,
    ) -> Result<Ran> {
        let first_id: ReplayerId = self.pool.reserve(leave_at.len() as u64 + 1);
        process.start(&Request::Run(Box::new(Run {
            watch: watch.clone(),
            stop,
            leave_at,
            leave_every: None,
            first_id,
        })))?;
        match self.answer_of(&mut process, interrupt)? {
            Reply::Stopped { at, hit } => Ok(Ran::to(process, at, hit)),
            Reply::Lines { at, hit, depth } => Ok(Ran {
                depth: Some(depth),
                ..Ran::to(process, at, hit)
            }),
            Reply::LastIn { at, tick } => {
                let hit = self.last_in_tick(tick, &watch, interrupt)?;
                Ok(Ran::to(process, at, Some(hit)))
            }
            _ => Err(confused()),
        }
    }

    /// The functions that a process enters until it stops.
    fn entered(
        &mut self,
        mut process: Process,
        stop: StopAt,
        interrupt: &Interrupt,
    ) -> Result<Vec<(ModuleId, u32)>> {
        process.start(&Request::Run(Box::new(Run {
            watch: Watch::Entered,
            stop,
            leave_at: Vec::new(),
            leave_every: None,
            first_id: self.pool.reserve(1),
        })))?;
        match self.answer_of(&mut process, interrupt)? {
            Reply::Entered { functions, .. } => Ok(functions),
            _ => Err(confused()),
        }
    }

    /// Brings a live process to where the session stands, after one has died.
    pub(super) fn revive(&mut self) -> Result<()> {
        let position = self.here.position;
        self.drop_dead();
        if self
            .pool
            .checkpoints()
            .at_or_before(Position::START)
            .is_none()
        {
            let root = self.pool.spawn(self.load.clone())?;
            self.pool.checkpoints().keep(root);
        }
        let copy = self.pool.fork_checkpoint(|c| c.at_or_before(position))?;
        let Some(copy) = copy else {
            return Err(TimelineError::Died("no checkpoint is left".into()));
        };
        let stop = StopAt::Position(position);
        let ran = self.run(copy, Watch::Nothing, stop, Vec::new(), &Interrupt::new())?;
        self.live = ran.process;
        Ok(())
    }

    /// Lets go of checkpoints whose processes are gone.
    fn drop_dead(&mut self) {
        let mut checkpoints = self.pool.checkpoints();
        let positions: Vec<Position> = checkpoints.positions().collect();
        for position in positions {
            let dead = checkpoints
                .at_or_before(position)
                .is_some_and(|p| matches!(p.ask(&Request::Instances), Err(ProcessError::Died(_))));
            if dead {
                checkpoints.remove(position);
            }
        }
    }
}

/// A run that is over.
pub(super) struct Ran {
    /// Stands where the run ended.
    pub(super) process: Process,
    pub(super) hit: Option<Hit>,
    /// For a search backward by line: the deepest of the frames that count which
    /// were there when it began.
    depth: Option<u32>,
}

impl Ran {
    fn to(mut process: Process, at: Moment, hit: Option<Hit>) -> Ran {
        process.at = at;
        Ran {
            process,
            hit,
            depth: None,
        }
    }
}

/// Whether a position is between two crossings, where only code for debugging can
/// stand.
fn is_inside(position: Position) -> bool {
    position.phase == Phase::Before && position != Position::START
}
