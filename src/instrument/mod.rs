//! The rewrites of core modules, each with its map from original to rewritten
//! code offsets.

pub mod clock;
pub mod offsets;
