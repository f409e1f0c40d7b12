//! What several tests share.

pub mod guest;
pub mod kernels;
