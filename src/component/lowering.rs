//! What the far side may have written into guest memory when guest code begins to run:
//! the canonical ABI's lowering, step by step.
//!
//! All of it is of the component model's `CanonicalABI.md`. `lower_flat_values` puts what
//! is too large to be passed flat into a block that `realloc` hands out, or into the
//! return area; `store` writes a value there, its parts in order. A list (`store_list`)
//! asks for a block of its own and then stores its elements into it, each of which may
//! ask for more: so at any moment of a lowering several blocks are half written, the
//! outer ones with the addresses of the inner ones that are complete.
//!
//! Only strings resize a block, and only the one that they have asked for themselves
//! last, with nothing asked for in between:
//!
//! | lowering | asks for | then writes, and resizes to |
//! | --- | --- | --- |
//! | `store_string_copy` | the exact size | everything |
//! | `store_utf16_to_utf8`, `store_latin1_to_utf8` | one byte a code unit | what fits; the worst case; the rest; the exact size, if that is less |
//! | `store_utf8_to_utf16` | two bytes a byte | everything; the exact size, if that is less |
//! | `store_string_to_latin1_or_utf16` | one byte a code unit | what is Latin-1; two bytes a code unit, if it is not all; everything as UTF-16; the exact size, if that is less |
//! | `store_probably_utf16_to_latin1_or_utf16` | two bytes a code unit | everything as UTF-16; if it is Latin-1 after all, everything as that, at half the size |
//!
//! A `realloc` that moves the block copies what has been written, so that must be there
//! when it is called. Of everything else that is half written it knows nothing, and the
//! far side goes on writing it after it: that is in memory, and complete, when other guest
//! code runs next. A host that lowers in another order still asks a `realloc` for nothing
//! but to keep the contents of the block that it names.
//!
//! What a function lowered with `async` or a read answers later (`copy` of a stream or
//! future, `task.return` of the callee) is written while the guest does not run and
//! another may: the host, other components, or the other end, which may be the guest's own.
//! It is in memory from then on, whether or not the guest has been told.

use super::{Crossing, CrossingKind};

/// Parameters of a `realloc`: what it is called with.
pub mod realloc {
    /// The address of the block to be resized.
    pub const OLD: usize = 0;
    /// Its size in bytes; 0 where a new block is asked for.
    pub const OLD_SIZE: usize = 1;
    /// The size asked for in bytes.
    pub const NEW_SIZE: usize = 3;
}

/// What of the far side's writes guest code may find in memory when a crossing lets it
/// run: when an outgoing one returns, or an incoming one is entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// Nothing that was not there before.
    Nothing,
    /// What has been written into the block that is to be resized. Other blocks are half
    /// written.
    ResizedBlock,
    /// All blocks that were handed out, complete, and what has come of what is owed.
    Everything,
}

impl Crossing {
    /// What may have arrived when this crossing lets guest code run.
    pub fn arrivals(&self) -> Arrivals {
        match &self.kind {
            CrossingKind::Realloc => Arrivals::ResizedBlock,
            // Some of these may be called by a realloc, in the middle of a lowering.
            CrossingKind::Builtin(builtin) if !builtin.lets_others_run() => {
                match self.return_area.is_some() {
                    true => Arrivals::Everything,
                    false => Arrivals::Nothing,
                }
            }
            CrossingKind::Builtin(_)
            | CrossingKind::Lower
            | CrossingKind::Lift
            | CrossingKind::PostReturn
            | CrossingKind::Callback
            | CrossingKind::Destructor
            | CrossingKind::ThreadStart(_) => Arrivals::Everything,
        }
    }
}
