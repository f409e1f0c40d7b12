//! The rewrites: `record` (wrap crossings), `clock` (count ticks, stop at one) with
//! `probe` (note what is written, and what runs), `sink` (a component that records itself),
//! `prelude` (only what runs first).
//! Each leaves the guest's meaning as it was; `clock` keeps a map from original
//! to rewritten code offsets.

pub mod clock;
pub mod offsets;
pub mod prelude;
pub mod probe;
pub mod record;
pub mod sink;
