//! What the program throws where the session stands, and where it can throw.

use super::Recording;
use super::breakpoints::{set, state, unverified};
use crate::component::ModuleId;
use crate::debuggee::{BreakpointState, Thrown, When};
use crate::replay::{Throw, list_values};
use crate::timeline::travel::motion::{Breakpoint, BreakpointId, Place};

impl Recording {
    /// Stops wherever something is thrown.
    pub(super) fn break_at_throws(
        &self,
        id: BreakpointId,
        condition: Option<&str>,
    ) -> (Option<Breakpoint>, BreakpointState) {
        let places = self.throw_places();
        if places.is_empty() {
            let nowhere = "no instruction of the program throws an exception of WebAssembly";
            return (None, unverified(id, nowhere.into()));
        }
        let when = When {
            condition: condition.map(str::to_owned),
            hit_condition: None,
        };
        let mut shown = state(id);
        (set(id, places, &when, &mut shown), shown)
    }

    /// The instructions that throw.
    fn throw_places(&self) -> Vec<Place> {
        let modules = (0..).map(ModuleId).zip(self.timeline.modules().iter());
        let places = modules.flat_map(|(module, of)| {
            let throws = of.code.throws().into_iter();
            throws.map(move |pc| Place::Code { module, pc })
        });
        places.collect()
    }

    /// What the innermost frame is about to throw, or has thrown last.
    pub(super) fn thrown_here(&mut self) -> Option<Thrown> {
        if let Some(message) = &self.panicked {
            return Some(Thrown::Panic(message.clone()));
        }
        let frame = *self.timeline.frames().ok()?.first()?;
        let module = self.timeline.module(frame.module)?;
        let tag = match module.code.throw_at(frame.pc)? {
            Throw::Tag(index) => index,
            Throw::Again => return Some(Thrown::Again),
        };
        let items = self.items(frame.module);
        let item = items.tag(tag);
        let carried = item.map_or(0, |item| item.params.len());
        // Optimised code does not show what is on the operand stack.
        let operands = self.timeline.operands(0).ok();
        let payload = operands.and_then(|operands| {
            let first = operands.len().checked_sub(carried)?;
            operands.get(first..).map(list_values)
        });
        let name = item.and_then(|item| item.name.clone());
        Some(Thrown::New {
            tag: name.unwrap_or_else(|| format!("tag {tag}")),
            payload,
        })
    }
}
