//! Move: checkpoints, seek, search forward and backward.

pub mod interrupt;
pub mod motion;
