//! (room)
mod cpp;
mod expression;
mod place;
mod rust;
mod scalar;
mod summary;
mod value;
pub mod variables;

pub use expression::{ExpressionError, evaluate_path};
pub use place::{FrameState, Unavailable};
