//! Where each motion must lead.

use super::Oracle;
use rr_dap::replay::Phase;
use rr_dap::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, Fraction, Motion, Place, Reason, Step,
};

/// Where a motion must lead, and why it must end there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    pub index: usize,
    pub reason: Reason,
    /// How many of the inlined calls that begin there must be ahead, where that is known.
    pub ahead: Option<u32>,
}

impl Oracle {
    /// The next moment before an instruction.
    pub fn instruction_after(&self, from: usize) -> Option<usize> {
        (from + 1..self.moments.len()).find(|i| self.moments[*i].position.phase == Phase::Before)
    }

    /// The moment before an instruction before this one; the start is none.
    pub fn instruction_before(&self, from: usize) -> Option<usize> {
        (1..from)
            .rev()
            .find(|i| self.moments[*i].position.phase == Phase::Before)
    }

    fn depth(&self, at: usize) -> u32 {
        self.moments[at].position.depth
    }

    fn is_hostcall(&self, at: usize) -> bool {
        self.moments[at].position.phase == Phase::Calling
    }

    /// The breakpoints that a moment is at.
    pub fn breakpoints_at(&self, at: usize, breakpoints: &[Breakpoint]) -> Vec<BreakpointId> {
        let mut ids: Vec<BreakpointId> = breakpoints
            .iter()
            .filter(|b| b.places.iter().any(|place| self.is_at(at, place)))
            .map(|b| b.id)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn is_at(&self, at: usize, place: &Place) -> bool {
        let moment = &self.moments[at];
        match place {
            Place::Code { module, pc } => {
                moment.position.phase == Phase::Before
                    && moment.position.pc == *pc
                    && moment
                        .frame
                        .is_some_and(|f| self.activations[f].module == *module)
            }
            Place::Hostcall(filter) => moment
                .crossing
                .and_then(|id| self.trace.component().crossing(id))
                .is_some_and(|crossing| crossing.name.contains(filter.path.as_str())),
            #[allow(unreachable_patterns, reason = "there may be other kinds of places")]
            other => panic!("the oracle does not know {other:?}"),
        }
    }

    /// Where a motion leads; `None` for motions that the oracle does not know.
    pub fn arrival(
        &self,
        from: usize,
        ahead: u32,
        motion: &Motion,
        breakpoints: &[Breakpoint],
    ) -> Option<Arrival> {
        use Direction::{Backward, Forward};
        let end = self.last();
        let found = match motion {
            Motion::Start => Some(0),
            Motion::End => Some(end),
            Motion::Event(event) => (0..=end)
                .find(|i| self.is_hostcall(*i) && self.moments[*i].event == *event)
                .or(Some(end)),
            Motion::Position(position) => Some(self.index_of(*position)),
            Motion::Continue(direction) => {
                return Some(self.next_breakpoint(from, *direction, breakpoints));
            }
            Motion::Tick(tick) => (0..=end)
                .find(|i| self.moments[*i].position.tick >= *tick)
                .or(Some(end)),
            Motion::Fraction(Fraction::END) => Some(end),
            Motion::Fraction(fraction) => {
                let tick = fraction.of(self.moments[end].position.tick);
                return self.arrival(from, ahead, &Motion::Tick(tick), breakpoints);
            }
            Motion::Instruction(direction, Step::Over) if self.depth(from) == 0 => {
                let motion = Motion::Instruction(*direction, Step::Into);
                return self.arrival(from, ahead, &motion, breakpoints);
            }
            Motion::Instruction(Forward, Step::Over) => {
                let mut next = self.instruction_after(from);
                while let Some(at) = next
                    && self.depth(at) > self.depth(from)
                {
                    next = self.instruction_after(at);
                }
                next.or(Some(end))
            }
            Motion::Instruction(Backward, Step::Over) => {
                let mut before = self.instruction_before(from);
                while let Some(at) = before
                    && self.depth(at) > self.depth(from)
                {
                    before = self.instruction_before(at);
                }
                before.or(Some(0))
            }
            Motion::Instruction(Forward, Step::Into) => self.instruction_after(from).or(Some(end)),
            Motion::Instruction(Backward, Step::Into) => self.instruction_before(from).or(Some(0)),
            Motion::Hostcall(Forward, _) => {
                let mut after = from + 1..end;
                after.find(|i| self.is_hostcall(*i)).or(Some(end))
            }
            Motion::Hostcall(Backward, _) => {
                let mut before = (0..from).rev();
                before.find(|i| self.is_hostcall(*i)).or(Some(0))
            }
            Motion::Line(direction, step) => {
                let stand = (from, ahead);
                let (found, last) = match (direction, step) {
                    (Forward, Step::Out) => (self.out_forward(stand), end),
                    (Backward, Step::Out) => (self.out_back(stand), 0),
                    (Forward, step) => (self.line_forward(stand, *step == Step::Into), end),
                    (Backward, Step::Over) => (self.line_back_over(stand), 0),
                    (Backward, Step::Into) => (self.line_back_into(stand), 0),
                };
                let (index, ahead) = found.unwrap_or((last, 0));
                let met = self.met(from, index, breakpoints);
                return Some(match met.reason {
                    Reason::Breakpoints(_) => met,
                    _ => Arrival {
                        ahead: Some(ahead),
                        ..met
                    },
                });
            }
            #[allow(unreachable_patterns, reason = "there may be other motions")]
            _ => None,
        };
        found.map(|index| match motion.is_step() {
            true => self.met(from, index, breakpoints),
            false => self.arrived(index, Reason::Arrived),
        })
    }

    /// Where a step ends that leads somewhere: there, or at the first breakpoint on the way.
    fn met(&self, from: usize, to: usize, breakpoints: &[Breakpoint]) -> Arrival {
        let direction = match to > from {
            true => Direction::Forward,
            false => Direction::Backward,
        };
        let next = self.next_breakpoint(from, direction, breakpoints);
        let is_on_the_way = match direction {
            Direction::Forward => next.index <= to,
            Direction::Backward => next.index >= to && to < from,
        };
        match is_on_the_way && matches!(next.reason, Reason::Breakpoints(_)) {
            true => next,
            false => self.arrived(to, Reason::Arrived),
        }
    }

    fn arrived(&self, index: usize, reason: Reason) -> Arrival {
        let reason = match index {
            0 => Reason::Start,
            _ if index == self.last() => Reason::End(self.ending()),
            _ => reason,
        };
        Arrival {
            index,
            reason,
            ahead: None,
        }
    }

    fn next_breakpoint(
        &self,
        from: usize,
        direction: Direction,
        breakpoints: &[Breakpoint],
    ) -> Arrival {
        let hit = |i: &usize| !self.breakpoints_at(*i, breakpoints).is_empty();
        let index = match direction {
            Direction::Forward => (from + 1..self.last()).find(hit).unwrap_or(self.last()),
            Direction::Backward => (1..from).rev().find(hit).unwrap_or(0),
        };
        let ids = self.breakpoints_at(index, breakpoints);
        self.arrived(index, Reason::Breakpoints(ids))
    }
}
