//! Move: checkpoints, seek, search forward and backward.

pub mod motion;
