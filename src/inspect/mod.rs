//! Look: what a stopped program holds, at source level, at the level of hostcalls
//! and at core level.

mod builtin_call;
mod cpp;
pub mod divergence;
mod expression;
mod flat;
mod handle_builtin;
mod handle_entry;
pub mod handle_history;
mod handle_meaning;
mod handle_owed;
mod handle_problem;
mod handle_step;
pub mod handles;
pub mod hostcalls;
pub mod lift;
mod lift_bits;
mod lift_text;
mod lifted;
mod place;
pub mod predicate;
mod rust;
mod scalar;
mod summary;
mod value;
pub mod variables;
mod walk;
pub mod wave;
mod zig;

pub use expression::{ExpressionError, evaluate_path};
pub use handle_meaning::Meaning;
pub use handle_problem::{Finding, Problem};
pub use lift_text::Text;
pub use place::{FrameState, Unavailable};
