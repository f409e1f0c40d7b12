//! Look: what a stopped program holds, at source level, at the level of hostcalls
//! and at core level.

mod blocks;
mod builtin_call;
pub mod call;
pub mod chronicle;
pub mod core_items;
mod cpp;
mod declaration;
pub mod divergence;
pub mod expression;
mod flat;
mod flat_names;
mod handle_builtin;
mod handle_entry;
pub mod handle_history;
mod handle_meaning;
mod handle_owed;
mod handle_problem;
mod handle_step;
pub mod handles;
pub mod hostcalls;
pub mod in_progress;
pub mod late;
pub mod lift;
mod lift_bits;
mod lift_text;
mod lifted;
pub mod listing;
pub mod output;
pub mod part;
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

pub use blocks::Block;
pub use handle_meaning::Meaning;
pub use handle_problem::{Finding, Mismatch, Problem};
pub use lift_text::Text;
pub use place::{FrameState, Unavailable};
