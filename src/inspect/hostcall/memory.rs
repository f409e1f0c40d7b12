//! The memory of a guest, as those who lift values from it need it.

/// Reads guest memory: so many bytes from an address, or nothing if not all of
/// them are in bounds.
pub type Memory<'a> = dyn Fn(u64, u64) -> Option<Vec<u8>> + 'a;
