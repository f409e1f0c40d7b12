//! Where values are, and their bytes there.

use crate::component::types::CoreValue;
use crate::source::SourceError;
use std::sync::Arc;

/// A frame of a stopped guest, as far as variables need it.
pub trait FrameState {
    /// A local of the frame's function.
    fn local(&self, index: u32) -> Option<CoreValue>;
    /// A value of the frame's operand stack; 0 is the bottom.
    fn operand(&self, index: u32) -> Option<CoreValue>;
    /// A global of the frame's instance.
    fn global(&self, index: u32) -> Option<CoreValue>;
    /// Bytes of the instance's memory; `None` if any of them is outside.
    fn memory(&self, address: u64, length: usize) -> Option<Vec<u8>>;
    /// What a function has just returned to the frame.
    fn returned(&self) -> Option<Returned> {
        None
    }
}

/// A function of the frame's module has just returned to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Returned {
    /// A place in the function.
    pub pc: u32,
    /// Its core result, if it has one.
    pub result: Option<CoreValue>,
    /// Where its value is in memory, if it has been put there.
    pub address: Option<u64>,
}

/// The most bytes that are read for one value.
pub(in crate::inspect) const MOST_BYTES: usize = 1 << 16;

/// Where the bytes of a value are.
#[derive(Debug, Clone)]
pub(in crate::inspect) enum Place {
    /// In memory.
    Memory(u64),
    /// In locals, the operand stack or the debug information: copied here, with
    /// holes where the compiler kept nothing.
    Copied {
        bytes: Arc<[Option<u8>]>,
        start: usize,
    },
}

/// Why the bytes of a value cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The compiler kept no location here, or none for some of the bytes.
    #[error("<optimised out>")]
    OptimisedOut,
    /// The address from which on not all of the bytes are within memory.
    #[error("<memory at {0:#x} cannot be read>")]
    Memory(u64),
    /// `local`, `operand` or `global`, and the index, where the frame has no number.
    #[error("<{0} {1} is not available in this frame>")]
    Core(&'static str, u32),
    /// The size in bytes: more than are read for one value.
    #[error("<too large: {0} bytes>")]
    TooLarge(u64),
    /// The debug information does not tell, or is damaged.
    #[error("<{0}>")]
    Source(#[from] SourceError),
    /// What is in memory cannot be a container of this type.
    #[error("<damaged: {0}>")]
    Damaged(&'static str),
    /// A variable that nothing uses, so that the linker left it out.
    #[error("<left out by the linker>")]
    LeftOut,
    /// DWARF that asks for a register of a machine.
    #[error("<a location of a kind that WebAssembly does not have>")]
    Foreign,
}

impl From<gimli::Error> for Unavailable {
    fn from(error: gimli::Error) -> Self {
        match error {
            // LLVM leaves `DW_OP_plus_uconst` alone where it lost the address to
            // add to.
            gimli::Error::NotEnoughStackItems => Unavailable::OptimisedOut,
            error => Unavailable::Source(error.into()),
        }
    }
}

impl Place {
    pub(in crate::inspect) fn copied(bytes: Vec<u8>) -> Place {
        Place::Copied {
            bytes: bytes.into_iter().map(Some).collect(),
            start: 0,
        }
    }

    /// The place some bytes further on.
    pub(in crate::inspect) fn after(&self, offset: u64) -> Place {
        match self {
            // Addresses of 32-bit memories wrap; those of 64-bit ones cannot be
            // told apart here and never come near the edge.
            Place::Memory(address) => Place::Memory(address.wrapping_add(offset)),
            Place::Copied { bytes, start } => Place::Copied {
                bytes: bytes.clone(),
                start: start.saturating_add(usize::try_from(offset).unwrap_or(usize::MAX)),
            },
        }
    }

    pub(in crate::inspect) fn address(&self) -> Option<u64> {
        match self {
            Place::Memory(address) => Some(*address),
            Place::Copied { .. } => None,
        }
    }

    pub(in crate::inspect) fn read(
        &self,
        length: u64,
        state: &dyn FrameState,
    ) -> Result<Vec<u8>, Unavailable> {
        let length = usize::try_from(length)
            .ok()
            .filter(|&length| length <= MOST_BYTES)
            .ok_or(Unavailable::TooLarge(length))?;
        match self {
            Place::Memory(address) => read_memory(state, *address, length),
            Place::Copied { bytes, start } => {
                let end = start.saturating_add(length);
                let known = bytes.get(*start..end);
                let known = known.and_then(|bytes| bytes.iter().copied().collect());
                known.ok_or(Unavailable::OptimisedOut)
            }
        }
    }

    /// Reads an unsigned number of up to eight bytes.
    pub(in crate::inspect) fn read_number(
        &self,
        length: u64,
        state: &dyn FrameState,
    ) -> Result<u64, Unavailable> {
        let bytes = self.read(length.min(8), state)?;
        Ok(little_endian(&bytes))
    }
}

pub(super) fn read_memory(
    state: &dyn FrameState,
    address: u64,
    length: usize,
) -> Result<Vec<u8>, Unavailable> {
    if length == 0 {
        return Ok(Vec::new());
    }
    let bytes = state.memory(address, length);
    bytes
        .filter(|bytes| bytes.len() == length)
        .ok_or(Unavailable::Memory(address))
}

/// The low 64 bits of a little-endian number.
pub(in crate::inspect) fn little_endian(bytes: &[u8]) -> u64 {
    let low = bytes.iter().take(8).rev();
    low.fold(0, |number, byte| number << 8 | u64::from(*byte))
}
