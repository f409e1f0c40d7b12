//! How the script moves.

use super::{Demo, LINES, stop, wait_for};
use crate::support::gate::Gate;
use rr_dap::debuggee::*;
use rr_dap::replay::Position;
use rr_dap::timeline::interrupt::Interrupt;
use rr_dap::timeline::travel::motion::*;

impl Travels for Demo {
    fn travel(
        &mut self,
        motion: &Motion,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let waits = self.name == "slow.wasm" && self.lines.is_empty();
        self.wanted.clear();
        let stop = match motion {
            Motion::Continue(_) if waits => {
                wait_for(interrupt, output);
                return Err(DebuggeeError::Interrupted);
            }
            Motion::Line(_, Step::Out) if self.name == "dies.wasm" => {
                return Err(DebuggeeError::Died {
                    message: "signal 9".into(),
                });
            }
            Motion::Line(_, Step::Out) if self.name == "panics-later.wasm" => panic!("scripted"),
            Motion::Start => stop(0, Reason::Arrived),
            Motion::Entry => stop(0, Reason::Arrived),
            Motion::End => stop(LINES.len(), Reason::End(self.ending())),
            Motion::Event(event) => stop(*event as usize * 2, Reason::Arrived),
            Motion::Answered(event) => stop(*event as usize * 2 + 1, Reason::Arrived),
            Motion::Position(position) => stop(position.tick.0 as usize, Reason::Arrived),
            Motion::Tick(tick) => stop(tick.0 as usize, Reason::Arrived),
            Motion::Fraction(_)
            | Motion::Mark(_)
            | Motion::Entered(_)
            | Motion::LastChange(_)
            | Motion::NextChange(_)
            | Motion::LastWrite(_)
            | Motion::NextWrite(_)
            | Motion::IntoCall { .. } => {
                return Err(DebuggeeError::other("the script does not go there"));
            }
            Motion::Continue(direction) => self.search(*direction),
            Motion::Instruction(direction, _)
            | Motion::OutOf { direction, .. }
            | Motion::Line(direction, _)
            | Motion::Hostcall(direction, _)
            | Motion::OverHostcall(direction, _) => self.step(*direction),
        };
        self.here = stop.clone();
        Ok(stop)
    }

    fn preparing(&mut self) -> Option<Preparing> {
        let past = self.past.clone().filter(|_| !self.wanted.is_empty())?;
        (!std::mem::replace(&mut self.is_awaited, true))
            .then(|| -> Preparing { Box::new(move || past.wait()) })
    }

    fn became_known(&mut self) -> BecameKnown {
        let mut known = BecameKnown::default();
        if self.past.as_ref().is_some_and(Gate::is_open) {
            self.is_awaited = false;
            known.values = std::mem::take(&mut self.wanted).contains(&true);
        }
        known
    }

    fn here(&self) -> &Stop {
        &self.here
    }

    fn describe_stop(&mut self) -> StopText {
        StopText::default()
    }

    fn history(&self) -> History {
        History {
            name: self.name.clone(),
            events: 5,
            damage: None,
            end: None,
            ending: "the run exited with status 3".into(),
            is_growing: false,
        }
    }

    fn checkpoints(&mut self) -> Vec<(u64, Position)> {
        vec![(0, Position::START)]
    }

    fn mark(&mut self, name: Option<&str>) -> Mark {
        let mark = Mark {
            name: name.unwrap_or("1").to_owned(),
            position: self.here.position,
            event: self.here.event,
        };
        self.marks.retain(|known| known.name != mark.name);
        self.marks.push(mark.clone());
        mark
    }

    fn unmark(&mut self, name: &str) -> bool {
        let before = self.marks.len();
        self.marks.retain(|mark| mark.name != name);
        self.marks.len() < before
    }

    fn marks(&self) -> Vec<Mark> {
        self.marks.clone()
    }

    fn to_write(&mut self, _: &DataId, _: Writes, _: Direction) -> Result<Motion, DebuggeeError> {
        Ok(Motion::Start)
    }

    fn line_visits(
        &mut self,
        _: &SourceOrigin,
        point: SourcePoint,
        _: &dyn Output,
        _: &Interrupt,
    ) -> Result<Vec<LineVisit>, DebuggeeError> {
        Ok(vec![LineVisit {
            motion: Motion::Start,
            label: "visit 1".into(),
            point,
        }])
    }

    fn step_in_targets(&mut self, _: FrameId) -> Result<Vec<StepInTarget>, DebuggeeError> {
        Ok(Vec::new())
    }
}
