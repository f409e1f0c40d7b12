//! The motions.

mod backward;
pub(super) mod breakpoints;
pub(super) mod call_targets;
pub(super) mod calls_out;
mod candidates;
mod counting;
pub mod elsewhere;
mod entering;
pub(super) mod entry;
mod forward;
mod hostcalls;
mod in_frame;
mod inlined;
mod into_call;
pub(super) mod lines;
mod meeting;
pub mod motion;
mod one_frame;
pub(super) mod pausing;
pub mod predicates;
pub(super) mod returning;
mod search;
mod seek;
mod splits;
mod steps;
pub mod turns;
mod waiting_stack;
mod written;

use super::processes::process::{Process, Sent};
use super::processes::wire::ask::{Ask, Errand, Meanwhile, OnStack};
use super::processes::wire::found::{Hit, LastHit, RunEnd};
use super::processes::wire::run::{Run, StopAt, Watch};
use super::recovery::Patience;
use super::{Interrupt, Result, Timeline, TimelineError};
use crate::replay::{Phase, Position, Tick};
use motion::{Direction, Motion, Reason, Step, Stop, Writes};
use std::time::Instant;

impl Timeline {
    /// Goes somewhere. If it fails or is interrupted, nothing has moved.
    ///
    /// # Errors
    ///
    /// If interrupted, if the replayer died, or if replay diverges.
    pub fn travel(&mut self, motion: &Motion, interrupt: &Interrupt) -> Result<Stop> {
        self.collect();
        self.looked_at = None;
        if self.needs_debug(motion) {
            self.need_debug(interrupt, &|_| {})?;
        }
        let begun = self.standing();
        let arrived = self.recovering(Patience::Long(interrupt), |timeline| {
            timeline.stand_again(&begun)?;
            timeline.breakpoints.begin_log();
            timeline.come_to = None;
            timeline.is_cut_short = false;
            match motion.is_step() {
                true => timeline.step_until_met(motion, interrupt),
                false => timeline.attempt(motion, interrupt),
            }
        });
        let arrived = match arrived {
            Err(TimelineError::Interrupted) if motion.may_end_anywhere() => self.pause(interrupt),
            arrived => arrived,
        };
        if arrived.is_err() {
            self.breakpoints.begin_log();
            self.stand_again(&begun)?;
        }
        self.come_to = None;
        self.start_ahead();
        arrived
    }

    /// The same on another stack than that which runs, by its [`GuestStack::id`]: a step begins where
    /// that goes on next, or, back, where it ran last.
    ///
    /// # Errors
    ///
    /// As [`Timeline::travel`].
    ///
    /// [`GuestStack::id`]: crate::replay::GuestStack::id
    pub fn travel_on(
        &mut self,
        stack: Option<u64>,
        motion: &Motion,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        self.of_stack = stack.filter(|_| self.trace.keeps_stacks());
        let arrived = self.travel(motion, interrupt);
        self.of_stack = None;
        arrived
    }

    /// Whether the last motion was a step that a breakpoint has ended before it was where it
    /// led.
    pub fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }

    /// Whether a motion can be made in code for debugging only:
    /// [`Timeline::travel`] waits for it, [`Timeline::need_debug`] tells how far it is.
    pub fn needs_debug(&self, motion: &Motion) -> bool {
        if self.is_early() {
            return *motion != Motion::Start;
        }
        match motion {
            Motion::Start | Motion::End | Motion::Event(_) | Motion::Answered(_) => false,
            Motion::Entry => self.any_lines(),
            Motion::Position(position) => is_inside(*position),
            Motion::Mark(name) => self.marked(name).is_some_and(is_inside),
            Motion::Continue(_) | Motion::Hostcall(..) | Motion::OverHostcall(..) => {
                self.breakpoints.need_debug()
            }
            Motion::Tick(_) | Motion::Fraction(_) | Motion::Entered(_) => true,
            Motion::Instruction(..) | Motion::Line(..) | Motion::OutOf { .. } => true,
            Motion::IntoCall { .. } => true,
            Motion::LastChange(_) | Motion::NextChange(_) => true,
            Motion::LastWrite(_) | Motion::NextWrite(_) => true,
        }
    }

    fn attempt(&mut self, motion: &Motion, interrupt: &Interrupt) -> Result<Stop> {
        if let Some(stop) = self.begin_on_stack(motion, interrupt)? {
            return Ok(stop);
        }
        self.on_stack = match motion {
            Motion::Line(..) | Motion::OutOf { .. } | Motion::Instruction(..)
                if self.trace.keeps_stacks() =>
            {
                Some(self.live.ask(OnStack)?)
            }
            _ => None,
        };
        match motion {
            Motion::Start => self.reach_start(),
            Motion::End => self.reach_end(interrupt),
            Motion::Entry => self.reach_entry(interrupt),
            Motion::Event(event) => self.reach_event(*event, interrupt),
            Motion::Answered(event) => self.reach_answer(*event, interrupt),
            Motion::Entered(entered) => self.reach_entered(entered, interrupt),
            Motion::Tick(tick) => self.reach_tick(*tick, interrupt),
            Motion::Fraction(fraction) => self.reach_fraction(*fraction, interrupt),
            Motion::Position(position) => self.reach_position(*position, interrupt),
            Motion::Mark(name) => {
                let marked = self.marked(name);
                let marked = marked.ok_or_else(|| TimelineError::NoMark(name.clone()))?;
                self.reach_position(marked, interrupt)
            }
            Motion::Continue(direction) => self.reach_breakpoint(*direction, interrupt),
            Motion::Instruction(direction, step) => {
                let stop = self.instruction_step(*direction, *step, interrupt)?;
                // Each instruction is in its innermost body.
                self.unbegun = 0;
                Ok(stop)
            }
            Motion::OutOf {
                direction,
                frame,
                body,
            } => self.step_out_of(*direction, (*frame, *body), interrupt),
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
            Motion::LastChange(range) => self.reach_last_write(*range, Writes::Changing, interrupt),
            Motion::NextChange(range) => self.reach_next_write(*range, Writes::Changing, interrupt),
            Motion::LastWrite(range) => self.reach_last_write(*range, Writes::All, interrupt),
            Motion::NextWrite(range) => self.reach_next_write(*range, Writes::All, interrupt),
            Motion::IntoCall { module, pc } => self.step_into_call(*module, *pc, interrupt),
            Motion::OverHostcall(Direction::Forward, filter) => {
                self.over_hostcall(filter, interrupt)
            }
            Motion::OverHostcall(Direction::Backward, filter) => {
                self.hostcall_step(Direction::Backward, filter, interrupt)
            }
        }
    }

    /// The session stands where the live process does.
    fn arrived(&mut self, reason: Reason) -> Stop {
        self.changes.here.clear();
        self.changes.again = None;
        self.unbegun = 0;
        self.returned = None;
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
        process: Process,
        watch: Watch,
        stop: StopAt,
        leave_at: Vec<Tick>,
        interrupt: &Interrupt,
    ) -> Result<Ran> {
        let run = Run {
            on_stack: self.on_stack_for(&watch),
            watch: watch.clone(),
            stop,
            leave: self.leave_on_the_way(leave_at),
        };
        let from = process.at.position;
        let began = Instant::now();
        let back = self.back(process.send(run)?, interrupt)?;
        tracing::debug!(took = ?began.elapsed(), "run from {from} to {stop:?}");
        self.ran(back, &watch, interrupt)
    }

    /// Where a run has ended.
    fn ran(
        &mut self,
        (mut process, end): (Process, RunEnd),
        watch: &Watch,
        interrupt: &Interrupt,
    ) -> Result<Ran> {
        let RunEnd { at, hit, depth } = end;
        process.at = at;
        let hit = match hit {
            LastHit::None => None,
            LastHit::Hit(hit) => Some(hit),
            LastHit::In(tick) => Some(self.last_in_tick(tick, watch, interrupt)?),
        };
        Ok(Ran {
            process,
            hit,
            depth,
        })
    }

    /// Waits for a replayer that is on an errand, and keeps what is logged meanwhile.
    pub(in crate::timeline) fn back<E: Errand>(
        &mut self,
        sent: Sent<E>,
        interrupt: &Interrupt,
    ) -> Result<(Process, <E as Ask>::Answer)> {
        Ok(sent.wait(interrupt, |meanwhile| self.hear(meanwhile))?)
    }

    fn hear(&mut self, meanwhile: Meanwhile) {
        match meanwhile {
            Meanwhile::Log(entries) => self.breakpoints.log(entries),
            Meanwhile::Passed(_) => {}
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

/// Whether a position is between two crossings, where only code for debugging can
/// stand.
fn is_inside(position: Position) -> bool {
    position.phase == Phase::Before && position != Position::START
}
