//! Records as the recorder inside a component writes them into its buffer:
//! what `commit` hands to the sink.
//!
//! A record is a little-endian `u32` header, `kind | crossing << 3`, and a body:
//! for calls and entries the flat arguments, for returns and leaves the flat
//! results, each in its own size without padding; for a write the address (64 bits),
//! the length (32 bits) and the bytes; for a hash eight bytes; for a time what the two
//! words of the host say, eight bytes each; for a resume four bytes.

use crate::component::types::CoreType;
use crate::component::{Component, CrossingId};

/// The kind of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The guest calls out.
    Call = 0,
    /// The call out returns.
    Return = 1,
    /// The guest is called.
    Enter = 2,
    /// The guest returns.
    Leave = 3,
    /// The far side wrote guest memory.
    Write = 4,
    /// The hash of a guest memory at this point.
    Hash = 5,
    /// What the host's clock says; its crossing is the one that logs it, and means nothing.
    Time = 6,
    /// The guest goes on in a call out that has waited: how many the instance made after it.
    Resume = 7,
}

impl Kind {
    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Kind> {
        [
            Kind::Call,
            Kind::Return,
            Kind::Enter,
            Kind::Leave,
            Kind::Write,
            Kind::Hash,
            Kind::Time,
            Kind::Resume,
        ]
        .get(usize::from(number))
        .copied()
    }
}

/// Where records begin in a recorder's buffer. The first word of the buffer is
/// the position of the next record.
pub const RECORDS_START: u32 = 32;

/// Where in a recorder's buffer the host stores, as 64 bits, how many nanoseconds ago the
/// recording began; 0 where no host does.
pub const TIME: u32 = 8;

/// Where it stores, as 64 bits, by how many nanoseconds the host's wall clock is off from what it
/// would say if nobody had set it since the recording began.
pub const SET_BY: u32 = 16;

/// The header of a record.
pub fn header(kind: Kind, crossing: CrossingId) -> u32 {
    kind as u32 | crossing.0 << 3
}

/// The first of these records: what it is, and how many bytes it takes. `None` if
/// it is none of this component's, or not whole.
pub fn measure(component: &Component, records: &[u8]) -> Option<(Kind, CrossingId, usize)> {
    let word = |at: usize| {
        let bytes = records.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    };
    let header = word(0)?;
    let kind = Kind::from_number((header & 7) as u8)?;
    let crossing = component.crossing(CrossingId(header >> 3))?;
    let flat = |types: &[CoreType]| -> usize { types.iter().map(|ty| flat_size(*ty)).sum() };
    let body = match kind {
        Kind::Call | Kind::Enter => flat(&crossing.signature.params),
        Kind::Return | Kind::Leave => flat(&crossing.signature.results),
        Kind::Write => 12 + word(12)? as usize,
        Kind::Hash => 8,
        Kind::Time => 16,
        Kind::Resume => 4,
    };
    let length = 4 + body;
    (length <= records.len()).then_some((kind, crossing.id, length))
}

fn flat_size(ty: CoreType) -> usize {
    match ty {
        CoreType::I32 | CoreType::F32 => 4,
        CoreType::I64 | CoreType::F64 => 8,
    }
}

/// How many of these bytes are whole records.
pub fn whole(component: &Component, records: &[u8]) -> usize {
    let mut at = 0;
    while let Some((_, _, length)) = measure(component, records.get(at..).unwrap_or_default()) {
        at += length;
    }
    at
}

/// The odd constant of the memory hash (2^64 divided by the golden ratio).
pub const HASH_MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// The hash of a linear memory, as recorders compute it: over 64-bit
/// little-endian words, `h = (rotl(h, 29) ^ word) * HASH_MULTIPLIER`.
pub fn memory_hash(memory: &[u8]) -> u64 {
    memory.chunks_exact(8).fold(0u64, |hash, chunk| {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        (hash.rotate_left(29) ^ u64::from_le_bytes(word)).wrapping_mul(HASH_MULTIPLIER)
    })
}
