//! What an instruction does with values, as far as where they come from goes.

use crate::component::types::CoreValue;
use wasmparser::Operator;

/// What an instruction does with values.
#[derive(Debug, Clone, PartialEq)]
pub enum Does {
    /// Puts a number there that it names.
    Constant(CoreValue),
    /// Puts the value of a local there.
    LocalGet(u32),
    /// Puts a value into a local; `local.tee` leaves it on the stack, too.
    LocalSet(u32),
    /// Puts the value of a global there.
    GlobalGet(u32),
    /// Puts a value into a global.
    GlobalSet(u32),
    /// Reads memory.
    Load {
        /// By its index in the module.
        memory: u32,
        /// Added to the address on the stack.
        offset: u64,
        /// So many bytes.
        bytes: u32,
    },
    /// Writes memory.
    Store(Stores),
    /// Calls a function, the one with this index if it names one.
    Call(Option<u32>),
    /// One of two values, as a third one says.
    Select,
    /// The value as it was, of another width or type: so many of its bytes count.
    Converts {
        /// From the lowest.
        bytes: u32,
    },
    /// Something else, by its name: what it puts there is made of all that it takes.
    Computes(&'static str),
}

/// What a store stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stores {
    /// The value that it takes last, or its lowest bytes.
    Value,
    /// What lies elsewhere in memory, in the memory of this index.
    Copy {
        /// Where it is read.
        from: u32,
    },
    /// The lowest byte of a value, again and again.
    Fill,
    /// Bytes that the module has.
    Data {
        /// The number of the segment.
        segment: u32,
    },
    /// What it makes of what was there and what it takes.
    Computed(&'static str),
}

impl Does {
    pub(super) fn of(operator: &Operator<'_>) -> Does {
        use Operator as O;
        let load = |memarg: &wasmparser::MemArg, bytes| Does::Load {
            memory: memarg.memory,
            offset: memarg.offset,
            bytes,
        };
        let converts = |bytes| Does::Converts { bytes };
        match operator {
            O::I32Const { value } => Does::Constant(CoreValue::I32(*value)),
            O::I64Const { value } => Does::Constant(CoreValue::I64(*value)),
            O::F32Const { value } => Does::Constant(CoreValue::F32(value.bits())),
            O::F64Const { value } => Does::Constant(CoreValue::F64(value.bits())),
            O::V128Const { value } => {
                Does::Constant(CoreValue::V128(u128::from_le_bytes(*value.bytes())))
            }
            O::LocalGet { local_index } => Does::LocalGet(*local_index),
            O::LocalSet { local_index } | O::LocalTee { local_index } => {
                Does::LocalSet(*local_index)
            }
            O::GlobalGet { global_index } => Does::GlobalGet(*global_index),
            O::GlobalSet { global_index } => Does::GlobalSet(*global_index),
            O::I32Load8S { memarg }
            | O::I32Load8U { memarg }
            | O::I64Load8S { memarg }
            | O::I64Load8U { memarg } => load(memarg, 1),
            O::I32Load16S { memarg }
            | O::I32Load16U { memarg }
            | O::I64Load16S { memarg }
            | O::I64Load16U { memarg } => load(memarg, 2),
            O::I32Load { memarg }
            | O::F32Load { memarg }
            | O::I64Load32S { memarg }
            | O::I64Load32U { memarg } => load(memarg, 4),
            O::I64Load { memarg } | O::F64Load { memarg } => load(memarg, 8),
            O::V128Load { memarg } => load(memarg, 16),
            O::I32AtomicLoad8U { memarg } | O::I64AtomicLoad8U { memarg } => load(memarg, 1),
            O::I32AtomicLoad16U { memarg } | O::I64AtomicLoad16U { memarg } => load(memarg, 2),
            O::I32AtomicLoad { memarg } | O::I64AtomicLoad32U { memarg } => load(memarg, 4),
            O::I64AtomicLoad { memarg } => load(memarg, 8),
            O::I32Store { .. }
            | O::I32Store8 { .. }
            | O::I32Store16 { .. }
            | O::I64Store { .. }
            | O::I64Store8 { .. }
            | O::I64Store16 { .. }
            | O::I64Store32 { .. }
            | O::F32Store { .. }
            | O::F64Store { .. }
            | O::V128Store { .. }
            | O::I32AtomicStore { .. }
            | O::I32AtomicStore8 { .. }
            | O::I32AtomicStore16 { .. }
            | O::I64AtomicStore { .. }
            | O::I64AtomicStore8 { .. }
            | O::I64AtomicStore16 { .. }
            | O::I64AtomicStore32 { .. } => Does::Store(Stores::Value),
            O::MemoryCopy { src_mem, .. } => Does::Store(Stores::Copy { from: *src_mem }),
            O::MemoryFill { .. } => Does::Store(Stores::Fill),
            O::MemoryInit { data_index, .. } => Does::Store(Stores::Data {
                segment: *data_index,
            }),
            O::Call { function_index } => Does::Call(Some(*function_index)),
            O::CallIndirect { .. } | O::CallRef { .. } => Does::Call(None),
            O::Select | O::TypedSelect { .. } => Does::Select,
            O::I32Extend8S | O::I64Extend8S => converts(1),
            O::I32Extend16S | O::I64Extend16S => converts(2),
            O::I32WrapI64
            | O::I64ExtendI32S
            | O::I64ExtendI32U
            | O::I64Extend32S
            | O::I32ReinterpretF32
            | O::F32ReinterpretI32 => converts(4),
            O::I64ReinterpretF64 | O::F64ReinterpretI64 => converts(8),
            other => match name_of(other) {
                (name, true) => Does::Store(Stores::Computed(name)),
                (name, false) => Does::Computes(name),
            },
        }
    }
}

/// What an instruction that stores a value adds to the address.
pub(super) fn offset_of(operator: &Operator<'_>) -> Option<u64> {
    use Operator as O;
    match operator {
        O::I32Store { memarg }
        | O::I32Store8 { memarg }
        | O::I32Store16 { memarg }
        | O::I64Store { memarg }
        | O::I64Store8 { memarg }
        | O::I64Store16 { memarg }
        | O::I64Store32 { memarg }
        | O::F32Store { memarg }
        | O::F64Store { memarg }
        | O::V128Store { memarg } => Some(memarg.offset),
        _ => None,
    }
}

/// What an instruction is called, and whether it writes to memory besides.
fn name_of(operator: &Operator<'_>) -> (&'static str, bool) {
    macro_rules! names {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match operator {
                $(Operator::$op $({ $($arg: _),* })? => stringify!($op),)*
                _ => "an instruction",
            }
        }
    }
    let name = wasmparser::for_each_operator!(names);
    let writes = name.contains("AtomicRmw") || name.contains("Store");
    (symbol(name), writes)
}

/// `+` for `I32Add`; other names as they are.
fn symbol(name: &'static str) -> &'static str {
    let bare = ["I32", "I64", "F32", "F64"]
        .iter()
        .find_map(|of| name.strip_prefix(of));
    match bare {
        Some("Add") => "+",
        Some("Sub") => "-",
        Some("Mul") => "*",
        Some("Div" | "DivS" | "DivU") => "/",
        Some("RemS" | "RemU") => "%",
        Some("And") => "&",
        Some("Or") => "|",
        Some("Xor") => "^",
        Some("Shl") => "<<",
        Some("ShrS" | "ShrU") => ">>",
        Some("Eq") => "==",
        Some("Ne") => "!=",
        Some("Lt" | "LtS" | "LtU") => "<",
        Some("Gt" | "GtS" | "GtU") => ">",
        Some("Le" | "LeS" | "LeU") => "<=",
        Some("Ge" | "GeS" | "GeU") => ">=",
        Some("Eqz") => "== 0",
        _ => name,
    }
}
