//! The rewrites: `record` (wrap crossings), `clock` (count ticks, stop at one).
//! Each leaves the guest's meaning as it was.

pub mod record;
