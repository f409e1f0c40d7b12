//! Instructions that count ticks, and where what remains of them is kept.

use super::{BodyWriter, Keeping};
use crate::instrument::clock::ClockStyle;
use wasm_encoder::{BlockType, Instruction};

impl BodyWriter<'_> {
    /// Counts a tick.
    pub(super) fn tick(&mut self, keeping: Keeping) {
        self.counted(keeping);
        match keeping {
            Keeping::Global => self.insert(&[Instruction::GlobalSet(self.remaining())]),
            Keeping::Local(local) => self.insert(&[Instruction::LocalSet(local)]),
        }
    }

    /// Counts a tick, and calls the hook if none remains.
    pub(super) fn checked_tick(&mut self, keeping: Keeping) {
        let remaining = self.remaining();
        let hook = Instruction::Call(self.original.imported_functions);
        self.insert(&[Instruction::Block(BlockType::Empty)]);
        self.counted(keeping);
        match keeping {
            Keeping::Global => self.insert(&[
                Instruction::GlobalSet(remaining),
                Instruction::GlobalGet(remaining),
            ]),
            Keeping::Local(local) => self.insert(&[Instruction::LocalTee(local)]),
        }
        if self.style != ClockStyle::Shared {
            self.insert(&[Instruction::I64Const(0), Instruction::I64GtS]);
        }
        self.likely_branches.push(self.bytes.len() as u32);
        self.insert(&[Instruction::BrIf(0)]);
        if let Some(context) = &self.context {
            let before = context.before_hook();
            self.insert(&before);
        }
        match keeping {
            Keeping::Global => self.insert(&[hook]),
            Keeping::Local(_) => {
                self.write_back();
                self.insert(&[hook]);
                self.read_again();
            }
        }
        self.insert(&[Instruction::End]);
    }

    /// What remains after one more tick, on the operand stack.
    fn counted(&mut self, keeping: Keeping) {
        let remains = match keeping {
            Keeping::Global => Instruction::GlobalGet(self.remaining()),
            Keeping::Local(local) => Instruction::LocalGet(local),
        };
        self.insert(&[remains]);
        match self.style {
            ClockStyle::Shared => self.insert(&[Instruction::I32Const(-1), Instruction::I32Add]),
            ClockStyle::Cached | ClockStyle::Lazy => {
                self.insert(&[Instruction::I64Const(-1), Instruction::I64Add]);
            }
        }
    }

    /// Gives what remains.
    pub(super) fn remains(&self) -> Instruction<'static> {
        match self.keeping {
            Keeping::Global => Instruction::GlobalGet(self.remaining()),
            Keeping::Local(local) => Instruction::LocalGet(local),
        }
    }

    pub(super) fn write_back(&mut self) {
        if let Keeping::Local(local) = self.keeping {
            self.insert(&[
                Instruction::LocalGet(local),
                Instruction::GlobalSet(self.remaining()),
            ]);
        }
    }

    pub(super) fn read_again(&mut self) {
        if let Keeping::Local(local) = self.keeping {
            self.insert(&[
                Instruction::GlobalGet(self.remaining()),
                Instruction::LocalSet(local),
            ]);
        }
    }

    pub(super) fn remaining(&self) -> u32 {
        self.original.imported_globals
    }
}
