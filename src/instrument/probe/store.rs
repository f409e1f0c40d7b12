//! Instructions that write to memory, and what is done around each of them.

use super::{Layout, Probe};
use wasm_encoder::{Instruction, MemArg, ValType};
use wasmparser::Operator;

/// An instruction that writes to memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::instrument) struct Store {
    pub(in crate::instrument) memory: u32,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// So many bytes at an address, which is under `operands` on the stack.
    Fixed {
        offset: u64,
        bytes: u64,
        operands: Operands,
    },
    /// As many bytes as the topmost operand says, at an address under the two.
    Bulk(Bulk),
}

/// What is on the operand stack above the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operands {
    One(ValType),
    Two(ValType),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bulk {
    Fill,
    Copy { from: u32 },
    Init,
}

impl Store {
    /// The store that an instruction is, if it is one.
    pub(in crate::instrument) fn of(operator: &Operator<'_>) -> Option<Store> {
        use Operator as O;
        use ValType::{F32, F64, I32, I64, V128};
        let one = |memarg: &wasmparser::MemArg, ty, bytes| Store {
            memory: memarg.memory,
            kind: Kind::Fixed {
                offset: memarg.offset,
                bytes,
                operands: Operands::One(ty),
            },
        };
        let two = |memarg: &wasmparser::MemArg, ty, bytes| Store {
            memory: memarg.memory,
            kind: Kind::Fixed {
                offset: memarg.offset,
                bytes,
                operands: Operands::Two(ty),
            },
        };
        let store = match operator {
            O::I32Store { memarg } | O::I32AtomicStore { memarg } => one(memarg, I32, 4),
            O::I64Store { memarg } | O::I64AtomicStore { memarg } => one(memarg, I64, 8),
            O::F32Store { memarg } => one(memarg, F32, 4),
            O::F64Store { memarg } => one(memarg, F64, 8),
            O::I32Store8 { memarg } | O::I32AtomicStore8 { memarg } => one(memarg, I32, 1),
            O::I32Store16 { memarg } | O::I32AtomicStore16 { memarg } => one(memarg, I32, 2),
            O::I64Store8 { memarg } | O::I64AtomicStore8 { memarg } => one(memarg, I64, 1),
            O::I64Store16 { memarg } | O::I64AtomicStore16 { memarg } => one(memarg, I64, 2),
            O::I64Store32 { memarg } | O::I64AtomicStore32 { memarg } => one(memarg, I64, 4),
            O::V128Store { memarg } => one(memarg, V128, 16),
            O::V128Store8Lane { memarg, .. } => one(memarg, V128, 1),
            O::V128Store16Lane { memarg, .. } => one(memarg, V128, 2),
            O::V128Store32Lane { memarg, .. } => one(memarg, V128, 4),
            O::V128Store64Lane { memarg, .. } => one(memarg, V128, 8),
            O::I32AtomicRmwAdd { memarg }
            | O::I32AtomicRmwSub { memarg }
            | O::I32AtomicRmwAnd { memarg }
            | O::I32AtomicRmwOr { memarg }
            | O::I32AtomicRmwXor { memarg }
            | O::I32AtomicRmwXchg { memarg } => one(memarg, I32, 4),
            O::I64AtomicRmwAdd { memarg }
            | O::I64AtomicRmwSub { memarg }
            | O::I64AtomicRmwAnd { memarg }
            | O::I64AtomicRmwOr { memarg }
            | O::I64AtomicRmwXor { memarg }
            | O::I64AtomicRmwXchg { memarg } => one(memarg, I64, 8),
            O::I32AtomicRmw8AddU { memarg }
            | O::I32AtomicRmw8SubU { memarg }
            | O::I32AtomicRmw8AndU { memarg }
            | O::I32AtomicRmw8OrU { memarg }
            | O::I32AtomicRmw8XorU { memarg }
            | O::I32AtomicRmw8XchgU { memarg } => one(memarg, I32, 1),
            O::I32AtomicRmw16AddU { memarg }
            | O::I32AtomicRmw16SubU { memarg }
            | O::I32AtomicRmw16AndU { memarg }
            | O::I32AtomicRmw16OrU { memarg }
            | O::I32AtomicRmw16XorU { memarg }
            | O::I32AtomicRmw16XchgU { memarg } => one(memarg, I32, 2),
            O::I64AtomicRmw8AddU { memarg }
            | O::I64AtomicRmw8SubU { memarg }
            | O::I64AtomicRmw8AndU { memarg }
            | O::I64AtomicRmw8OrU { memarg }
            | O::I64AtomicRmw8XorU { memarg }
            | O::I64AtomicRmw8XchgU { memarg } => one(memarg, I64, 1),
            O::I64AtomicRmw16AddU { memarg }
            | O::I64AtomicRmw16SubU { memarg }
            | O::I64AtomicRmw16AndU { memarg }
            | O::I64AtomicRmw16OrU { memarg }
            | O::I64AtomicRmw16XorU { memarg }
            | O::I64AtomicRmw16XchgU { memarg } => one(memarg, I64, 2),
            O::I64AtomicRmw32AddU { memarg }
            | O::I64AtomicRmw32SubU { memarg }
            | O::I64AtomicRmw32AndU { memarg }
            | O::I64AtomicRmw32OrU { memarg }
            | O::I64AtomicRmw32XorU { memarg }
            | O::I64AtomicRmw32XchgU { memarg } => one(memarg, I64, 4),
            O::I32AtomicRmwCmpxchg { memarg } => two(memarg, I32, 4),
            O::I64AtomicRmwCmpxchg { memarg } => two(memarg, I64, 8),
            O::I32AtomicRmw8CmpxchgU { memarg } => two(memarg, I32, 1),
            O::I32AtomicRmw16CmpxchgU { memarg } => two(memarg, I32, 2),
            O::I64AtomicRmw8CmpxchgU { memarg } => two(memarg, I64, 1),
            O::I64AtomicRmw16CmpxchgU { memarg } => two(memarg, I64, 2),
            O::I64AtomicRmw32CmpxchgU { memarg } => two(memarg, I64, 4),
            O::MemoryFill { mem } => Store {
                memory: *mem,
                kind: Kind::Bulk(Bulk::Fill),
            },
            O::MemoryCopy { dst_mem, src_mem } => Store {
                memory: *dst_mem,
                kind: Kind::Bulk(Bulk::Copy { from: *src_mem }),
            },
            O::MemoryInit { mem, .. } => Store {
                memory: *mem,
                kind: Kind::Bulk(Bulk::Init),
            },
            _ => return None,
        };
        Some(store)
    }

    /// The other memory, that it copies from.
    pub(in crate::instrument) fn source(self) -> Option<u32> {
        match self.kind {
            Kind::Bulk(Bulk::Copy { from }) => Some(from),
            _ => None,
        }
    }

    /// The operands, from the address up, by the address type of each memory.
    fn operands(self, address_type: impl Fn(u32) -> ValType) -> Vec<ValType> {
        let to = address_type(self.memory);
        match self.kind {
            Kind::Fixed {
                operands: Operands::One(ty),
                ..
            } => vec![to, ty],
            Kind::Fixed {
                operands: Operands::Two(ty),
                ..
            } => vec![to, ty, ty],
            Kind::Bulk(Bulk::Fill) => vec![to, ValType::I32, to],
            Kind::Bulk(Bulk::Init) => vec![to, ValType::I32, ValType::I32],
            Kind::Bulk(Bulk::Copy { from }) => {
                let from = address_type(from);
                let length = match (to, from) {
                    (ValType::I64, ValType::I64) => ValType::I64,
                    _ => ValType::I32,
                };
                vec![to, from, length]
            }
        }
    }
}

/// The locals that a function is given to put operands aside.
#[derive(Debug, Clone, Default)]
pub(in crate::instrument) struct Temporaries {
    types: Vec<ValType>,
    /// The index of the first.
    first: u32,
}

impl Temporaries {
    /// Sees to it that there are enough for a store.
    pub(in crate::instrument) fn make_room(
        &mut self,
        store: Store,
        address_type: impl Fn(u32) -> ValType,
    ) {
        let operands = store.operands(address_type);
        for (index, ty) in operands.iter().enumerate() {
            let before = operands.iter().take(index).filter(|t| *t == ty).count();
            if self.types.iter().filter(|t| *t == ty).count() <= before {
                self.types.push(*ty);
            }
        }
    }

    pub(in crate::instrument) fn types(&self) -> &[ValType] {
        &self.types
    }

    pub(in crate::instrument) fn begin_at(&mut self, first: u32) {
        self.first = first;
    }

    /// The locals for operands of these types.
    fn locals(&self, operands: &[ValType]) -> Vec<u32> {
        let nth = |index: usize, ty: &ValType| {
            let before = operands.iter().take(index).filter(|t| *t == ty).count();
            let mut of_type = (self.first..).zip(&self.types).filter(|(_, t)| *t == ty);
            of_type.nth(before).map_or(self.first, |(local, _)| local)
        };
        let operands = operands.iter().enumerate();
        operands.map(|(index, ty)| nth(index, ty)).collect()
    }
}

/// Where a store is, and what is known there.
pub(in crate::instrument) struct Place<'a> {
    pub(in crate::instrument) store: Store,
    pub(in crate::instrument) temporaries: &'a Temporaries,
    pub(in crate::instrument) layout: Layout,
    /// The index of the probe memory.
    pub(in crate::instrument) probe_memory: u32,
    pub(in crate::instrument) to: ValType,
    pub(in crate::instrument) from: ValType,
}

impl Place<'_> {
    fn operands(&self) -> Vec<ValType> {
        self.store
            .operands(|memory| match memory == self.store.memory {
                true => self.to,
                false => self.from,
            })
    }

    /// Before the store: notes where it writes, and leaves the operands as they are.
    pub(in crate::instrument) fn before(&self) -> Vec<Instruction<'static>> {
        let locals = self.temporaries.locals(&self.operands());
        let mut all: Vec<Instruction<'static>> = Vec::new();
        let above = locals.get(1..).unwrap_or_default();
        all.extend(
            above
                .iter()
                .rev()
                .map(|local| Instruction::LocalSet(*local)),
        );
        all.extend(locals.first().map(|local| Instruction::LocalTee(*local)));
        all.extend(above.iter().map(|local| Instruction::LocalGet(*local)));
        all
    }

    /// The address that is written to, on the operand stack.
    fn address(&self, plus: u64) -> Vec<Instruction<'static>> {
        let local = self.temporaries.locals(&self.operands()).first().copied();
        let mut all = vec![Instruction::LocalGet(local.unwrap_or_default())];
        if plus != 0 {
            all.extend(match self.to {
                ValType::I64 => [
                    Instruction::I64Const(plus.cast_signed()),
                    Instruction::I64Add,
                ],
                // Of what has been written to, no address is beyond 32 bits.
                _ => [
                    Instruction::I32Const((plus as u32).cast_signed()),
                    Instruction::I32Add,
                ],
            });
        }
        all
    }

    /// The number of the granule that holds the address, as an `i32`.
    fn granule(&self, plus: u64) -> Vec<Instruction<'static>> {
        let bits = self.layout.granule_bits();
        let mut all = self.address(plus);
        match self.to {
            ValType::I64 => {
                let mask = self.layout.granules() as u32 - 1;
                all.extend([
                    Instruction::I64Const(i64::from(bits)),
                    Instruction::I64ShrU,
                    Instruction::I32WrapI64,
                    Instruction::I32Const(mask.cast_signed()),
                    Instruction::I32And,
                ]);
            }
            _ => all.extend([
                Instruction::I32Const(bits.cast_signed()),
                Instruction::I32ShrU,
            ]),
        }
        all
    }

    fn granule_at(&self) -> MemArg {
        MemArg {
            offset: self.layout.of_memory(self.store.memory),
            align: 0,
            memory_index: self.probe_memory,
        }
    }

    fn bound_at(&self, behind: u64) -> MemArg {
        MemArg {
            offset: self.layout.behind_granules() + behind,
            align: 3,
            memory_index: self.probe_memory,
        }
    }

    /// The address and the length, as `i64`s on the operand stack.
    pub(in crate::instrument) fn extent(&self) -> Vec<Instruction<'static>> {
        match self.store.kind {
            Kind::Fixed { offset, bytes, .. } => {
                let mut all = self.address(offset);
                if self.to == ValType::I32 {
                    all.push(Instruction::I64ExtendI32U);
                }
                all.push(Instruction::I64Const(bytes.cast_signed()));
                all
            }
            Kind::Bulk(_) => {
                let mut all = self.wide(0);
                all.extend(self.wide(2));
                all
            }
        }
    }

    /// An operand, made an `i64`.
    fn wide(&self, operand: usize) -> Vec<Instruction<'static>> {
        let operands = self.operands();
        let locals = self.temporaries.locals(&operands);
        let local = locals.get(operand).copied().unwrap_or_default();
        let mut all = vec![Instruction::LocalGet(local)];
        if operands.get(operand) == Some(&ValType::I32) {
            all.push(Instruction::I64ExtendI32U);
        }
        all
    }

    /// After the store: an `i32` on the operand stack that is not zero if the host is to
    /// be called ([`Probe::Watch`]).
    pub(in crate::instrument) fn is_watched(&self) -> Vec<Instruction<'static>> {
        match self.store.kind {
            Kind::Fixed { offset, bytes, .. } => {
                let mut all = self.granule(offset);
                all.push(Instruction::I32Load8U(self.granule_at()));
                if bytes > 8 {
                    all.extend(self.granule(offset + 8));
                    all.push(Instruction::I32Load8U(self.granule_at()));
                    all.push(Instruction::I32Or);
                }
                all
            }
            Kind::Bulk(_) => {
                // address < end and address + length > begin, where there is a length.
                let zero = || Instruction::I32Const(0);
                let mut all = self.wide(0);
                all.extend([
                    zero(),
                    Instruction::I64Load(self.bound_at(8)),
                    Instruction::I64LtU,
                ]);
                all.extend(self.wide(0));
                all.extend(self.wide(2));
                all.extend([
                    Instruction::I64Add,
                    zero(),
                    Instruction::I64Load(self.bound_at(0)),
                    Instruction::I64GtU,
                    Instruction::I32And,
                ]);
                all.extend(self.wide(2));
                all.extend([
                    Instruction::I64Eqz,
                    Instruction::I32Eqz,
                    Instruction::I32And,
                ]);
                all
            }
        }
    }

    /// After the store: marks what it has written ([`Probe::Survey`]).
    pub(in crate::instrument) fn mark(&self) -> Vec<Instruction<'static>> {
        match self.store.kind {
            Kind::Fixed { offset, .. } => {
                let mut all = self.granule(offset);
                all.extend([
                    Instruction::I32Const(1),
                    Instruction::I32Store8(self.granule_at()),
                ]);
                all
            }
            Kind::Bulk(_) => {
                let bits = || Instruction::I64Const(i64::from(self.layout.granule_bits()));
                let last = (1i64 << self.layout.granule_bits()) - 1;
                let of_memory = self.layout.of_memory(self.store.memory).cast_signed();
                // From the granule of the first byte to the one behind that of the last.
                let mut all = self.granule(0);
                all.extend([
                    Instruction::I32Const(of_memory as i32),
                    Instruction::I32Add,
                    Instruction::I32Const(1),
                ]);
                all.extend(self.wide(0));
                all.extend(self.wide(2));
                all.extend([
                    Instruction::I64Add,
                    Instruction::I64Const(last),
                    Instruction::I64Add,
                    bits(),
                    Instruction::I64ShrU,
                ]);
                all.extend(self.wide(0));
                all.extend([
                    bits(),
                    Instruction::I64ShrU,
                    Instruction::I64Sub,
                    Instruction::I32WrapI64,
                    Instruction::MemoryFill(self.probe_memory),
                ]);
                all
            }
        }
    }
}

/// What marks a segment, or counts it.
pub(in crate::instrument) fn note_segment(
    layout: Layout,
    probe: Probe,
    probe_memory: u32,
    segment: u32,
) -> Vec<Instruction<'static>> {
    let at = |align| MemArg {
        offset: layout.of_segment(segment),
        align,
        memory_index: probe_memory,
    };
    let zero = || Instruction::I32Const(0);
    match probe {
        Probe::Watch | Probe::Context | Probe::Heap => Vec::new(),
        Probe::Survey => vec![
            zero(),
            Instruction::I32Const(1),
            Instruction::I32Store8(at(0)),
        ],
        Probe::Count => vec![
            zero(),
            zero(),
            Instruction::I64Load(at(3)),
            Instruction::I64Const(1),
            Instruction::I64Add,
            Instruction::I64Store(at(3)),
        ],
    }
}
