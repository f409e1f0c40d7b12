//! Counting the guest's frames, for the depth profile.
//!
//! Each function notes in a local how many frames its caller has below it. All that
//! changes the number then writes a known one, whatever happened in between: an
//! exception passes by the exits of the frames that it ends.

use super::scan::leaves_elsewhere;
use wasm_encoder::{BlockType, Instruction};
use wasmparser::Operator;

/// Where a function finds the count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depth {
    /// The global of the number of frames.
    pub(super) frames: u32,
    /// The global of the lowest number since the host last asked.
    pub(super) lowest: u32,
    /// The local that holds the number without this function's frame.
    pub(super) outer: u32,
}

impl Depth {
    /// At the function's entry.
    pub(super) fn enter(self) -> [Instruction<'static>; 5] {
        [
            Instruction::GlobalGet(self.frames),
            Instruction::LocalTee(self.outer),
            Instruction::I32Const(1),
            Instruction::I32Add,
            Instruction::GlobalSet(self.frames),
        ]
    }

    /// Where the function is left, its frame still there.
    pub(super) fn leave(self) -> [Instruction<'static>; 9] {
        let outer = Instruction::LocalGet(self.outer);
        [
            outer.clone(),
            Instruction::GlobalSet(self.frames),
            outer.clone(),
            Instruction::GlobalGet(self.lowest),
            Instruction::I32LtU,
            Instruction::If(BlockType::Empty),
            outer,
            Instruction::GlobalSet(self.lowest),
            Instruction::End,
        ]
    }

    /// Where a handler of exceptions may go on: the function's frame is the innermost.
    pub(super) fn restore(self) -> Vec<Instruction<'static>> {
        let own = [
            Instruction::LocalGet(self.outer),
            Instruction::I32Const(1),
            Instruction::I32Add,
        ];
        let mut all = own.to_vec();
        all.push(Instruction::GlobalSet(self.frames));
        all.extend(own.clone());
        all.extend([
            Instruction::GlobalGet(self.lowest),
            Instruction::I32LtU,
            Instruction::If(BlockType::Empty),
        ]);
        all.extend(own);
        all.extend([Instruction::GlobalSet(self.lowest), Instruction::End]);
        all
    }
}

/// Whether an instruction ends the function's frame, and no handler of its own can
/// follow. A tail call is counted as a return and a call.
pub(super) fn ends_frame(operator: &Operator<'_>) -> bool {
    let throws = matches!(
        operator,
        Operator::Throw { .. } | Operator::ThrowRef | Operator::Rethrow { .. }
    );
    matches!(operator, Operator::Return) || leaves_elsewhere(operator) && !throws
}

/// Whether a handler may go on after an instruction.
pub(super) fn may_follow_catch(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::End
            | Operator::Loop { .. }
            | Operator::Catch { .. }
            | Operator::CatchAll
            | Operator::Delegate { .. }
    )
}
