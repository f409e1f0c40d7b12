//! Instructions as text.

use super::{Recording, address};
use crate::component::ModuleId;
use crate::debuggee::{DebuggeeError, InstructionView};
use crate::timeline::Module;

impl Recording {
    pub(super) fn instructions(
        &mut self,
        at: &str,
        offset: i64,
        skip: i64,
        count: usize,
    ) -> Result<Vec<InstructionView>, DebuggeeError> {
        let place = address::parse_code(at, offset).and_then(|(id, pc)| {
            let module = self.timeline.module(id)?;
            Some((id, module, pc, module.code.instructions_around(pc)?))
        });
        let Some((id, module, pc, instructions)) = place else {
            return Ok((0..count).map(|_| nothing(at)).collect());
        };
        let here = instructions.partition_point(|i| *i < pc) as i64;
        // However far away, there are as many as were asked for.
        let farthest = i64::MAX.saturating_sub_unsigned(count as u64);
        let first = here.saturating_add(skip).min(farthest);
        let mut views = Vec::with_capacity(count);
        for i in first..first.saturating_add(count as i64) {
            let pc = usize::try_from(i).ok().and_then(|i| instructions.get(i));
            views.push(match pc {
                Some(pc) => self.instruction(id, module, *pc),
                None => nothing(at),
            });
        }
        Ok(views)
    }

    fn instruction(&self, id: ModuleId, module: &Module, pc: u32) -> InstructionView {
        let bytes = self.timeline.trace().component().module(id);
        let next = module.code.instruction_after(pc).unwrap_or(pc + 1);
        let bytes = bytes.and_then(|bytes| bytes.get(pc as usize..next as usize));
        let bytes = bytes.unwrap_or_default();
        let function = module.code.function_at(pc);
        let listing = function.and_then(|function| self.listing(id, function));
        let text = listing.as_ref().and_then(|listing| listing.instruction(pc));
        let hex: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let symbol = match module.source.function_at(pc) {
            Some(function) => Some(function.name.clone()),
            None => function.map(|function| module.source.shown_name(function)),
        };
        let line = module.source.line_at(pc).filter(|l| l.line != 0);
        InstructionView {
            address: address::code(id, pc),
            bytes: Some(hex.join(" ")),
            text: match (text, listing.is_some()) {
                (Some(text), _) => text.to_owned(),
                // The text format does not write the `end` of a function.
                (None, true) => "end".to_owned(),
                (None, false) => "?".to_owned(),
            },
            symbol,
            place: match line {
                Some(line) => Some(self.place_in_source(id, module, line, function)),
                None => function.and_then(|function| self.place_in_listing(id, function, pc)),
            },
        }
    }
}

/// Where a client asks for instructions beyond the function.
fn nothing(at: &str) -> InstructionView {
    InstructionView {
        address: at.to_owned(),
        bytes: None,
        text: "(no instruction)".into(),
        symbol: None,
        place: None,
    }
}
