//! Look: what a stopped program holds, at source level, at the level of hostcalls
//! and at core level.

pub mod lift;
mod lift_text;
pub mod wave;

pub use lift_text::Text;
