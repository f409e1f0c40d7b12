//! Through calls: from a parameter to the argument, from a result to what was returned.

use super::{Activation, Asking, Held, Moment, Next, Recording, Result, Sought};
use crate::component::flow::{Flow, Source};
use crate::debuggee::origin::{CopiedHow, WayEnd};
use crate::replay::boundary::Way as Crossing;
use crate::replay::{Phase, Position, Tick};
use crate::timeline::travel::motion::{Direction, Motion, Step};

impl Recording {
    /// What a local holds since its function has begun.
    pub(super) fn begun_with(
        &mut self,
        (flow, of): (&Flow, Activation),
        local: u32,
        at: Moment,
        sought: &Sought,
        asking: &mut Asking<'_>,
    ) -> Result<Next> {
        if local >= flow.params() {
            return Ok(Next::End(WayEnd::Constant {
                at: self.code_moment(at, Some((of, at.position.pc))),
                value: "0, as a local that nothing was put into".to_owned(),
            }));
        }
        self.stand_at(at.position, asking)?;
        let outside = of.depth.saturating_sub(1);
        let mut open = self.timeline.boundary()?.into_iter().rev();
        let entered = open.find(|open| open.outside == outside);
        if let Some(entered) = entered.filter(|open| open.way == Crossing::In) {
            let part = self.argument_of(&entered, local as usize)?;
            return Ok(Next::End(WayEnd::Argument {
                at: self.code_moment(at, Some((of, at.position.pc))),
                name: part.name,
                part: part.part,
                value: part.value,
            }));
        }
        let frames = self.timeline.frames()?;
        let index = (frames.len() as u32).checked_sub(outside);
        let caller = index.filter(|_| outside > 0);
        let caller = caller.and_then(|index| frames.get(index as usize)).copied();
        let Some(frame) = caller else {
            let why = "its function was called by nobody: it is a start function";
            return Ok(Next::End(self.unknown(sought, why)));
        };
        let caller = Activation::new(&frame, outside);
        // Right before a function begins, its caller calls it: entries count as ticks.
        let call = Moment {
            position: Position {
                tick: Tick(at.position.tick.0.saturating_sub(1)),
                depth: outside,
                pc: frame.pc,
                phase: Phase::Before,
            },
            event: at.event,
        };
        let calling = self.flow_of(caller)?;
        let source = calling.takes(frame.pc).get(local as usize).copied();
        let is_there = self.stand_at(call.position, asking);
        let (Some(source), Ok(())) = (source, is_there) else {
            let why = "its function took the place of another, which called it last of all \
                       (a tail call), and those are not followed";
            return Ok(Next::End(self.unknown(sought, why)));
        };
        let given = CopiedHow::Given {
            to: self.function_named(of),
            parameter: self.parameter_name(of, at.position.pc, (local, flow.params())),
        };
        let told = self.copied(call, caller, given);
        Ok(Next::Copy(
            Sought {
                held: Held::Operand(caller, source),
                at: call,
                bytes: sought.bytes,
            },
            vec![told],
        ))
    }

    /// What a call has put on the stack.
    pub(super) fn returned_by(
        &mut self,
        (flow, of): (&Flow, Activation),
        (pc, result, call): (u32, u32, Moment),
        sought: &Sought,
        asking: &mut Asking<'_>,
    ) -> Result<Next> {
        let next = flow.bytes_of(pc).map_or(pc, |bytes| bytes.end);
        let before = sought.at;
        let is_here = before.position.depth == of.depth && before.position.pc == next;
        let after = match is_here {
            true => Some(before),
            false => self.when(flow, of, next, before, asking)?,
        };
        let Some(after) = after.filter(|after| after.position > call.position) else {
            let why = "where the call that made it returned is not found in the recording";
            return Ok(Next::End(self.unknown(sought, why)));
        };
        self.stand_at(after.position, asking)?;
        let back = Motion::Instruction(Direction::Backward, Step::Into);
        let mut last = self.go(&back, asking)?;
        if last.position == call.position {
            // No code of the guest has run in between: it is a call out.
            last.position.phase = Phase::Calling;
            self.stand_at(last.position, asking)?;
        }
        let open = self.timeline.boundary()?;
        let out = open
            .iter()
            .rposition(|open| open.way == Crossing::Out && open.outside == of.depth);
        if let Some(index) = out.filter(|_| last.position > call.position) {
            let open = open.get(index).cloned();
            if let Some(open) = open {
                let part = self.result_of(&open, result as usize)?;
                return Ok(Next::End(WayEnd::Hostcall {
                    at: self.code_moment(call, Some((of, pc))),
                    event: open.event,
                    name: part.name,
                    part: part.part,
                    value: part.value,
                    bytes: None,
                }));
            }
        }
        let frame = self.timeline.frames()?.first().copied();
        let callee = frame.filter(|_| last.position.depth == of.depth + 1);
        let Some(frame) = callee else {
            let why = "what returned it is not found in the recording";
            return Ok(Next::End(self.unknown(sought, why)));
        };
        let callee = Activation::new(&frame, last.position.depth);
        let returning = self.flow_of(callee)?;
        let source = returning.returns(last.position.pc);
        let source = source.and_then(|sources| sources.get(result as usize));
        let told = self.copied(call, of, CopiedHow::Returned(self.function_named(callee)));
        Ok(Next::Copy(
            Sought {
                held: Held::Operand(callee, source.copied().unwrap_or(Source::Unknown)),
                at: last,
                bytes: sought.bytes,
            },
            vec![told],
        ))
    }
}
