//! The styles of the clock.

use wasm_encoder::ValType;

/// Where the clock is kept while a function runs, and where it calls the hook.
///
/// Ticks are the same in all styles. What costs in optimised code is not the counting,
/// which takes a register and one instruction, but the check: a call of the hook, though
/// it is hardly ever made, has the compiler keep in memory whatever lives across it,
/// in tight loops above all. Hints that it is unlikely move it out of the way, but the
/// registers are allotted as if it were not. See `docs/performance.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClockStyle {
    /// In the shared global, an `i32`: exact at every instruction. Each tick is checked.
    ///
    /// For guest debugging, where each value that is pushed is stored and a local
    /// lives in memory as the global does. Few instructions count there.
    Shared,
    /// In a local, in functions where that is cheaper; the global is an `i64`. Exact
    /// wherever other code can look: in the hook, during calls out of the guest, after
    /// returns and exceptions. After a trap the global may be older than the trap, by
    /// the ticks counted since the trapping function last called or was called. Each
    /// tick is checked.
    Cached,
    /// As [`Cached`](Self::Cached), and the hook may come late, at the next check: loops
    /// that call nothing and hold no other loop are not checked, nor are entries of
    /// functions that cannot be entered while they run. Leaf functions that are only
    /// called by name have their entries counted by their callers, so that a call of
    /// one neither writes the clock back nor reads it again.
    ///
    /// For code that is known to end: an endless loop of that kind would not call the
    /// hook. The tick that the hook sees is exact.
    Lazy,
}

impl ClockStyle {
    /// The type of [`IMPORT_REMAINING`](super::IMPORT_REMAINING) in a style.
    ///
    /// A loop that is not checked may count any number of ticks below zero, which takes
    /// 64 bits.
    pub(super) fn remaining_type(self) -> ValType {
        match self {
            ClockStyle::Shared => ValType::I32,
            ClockStyle::Cached | ClockStyle::Lazy => ValType::I64,
        }
    }
}
