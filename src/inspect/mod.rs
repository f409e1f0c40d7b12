//! Look: what a stopped program holds, at source level, at the level of hostcalls
//! and at core level.

mod child_count;
pub mod core_level;
pub mod ending;
pub mod expression;
pub mod futures;
pub mod handles;
pub mod hostcall;
pub mod past;
pub mod profile;
pub mod tasks;
pub mod variable;

pub use child_count::ChildCount;
pub use handles::meaning::Meaning;
pub use handles::problem::{Finding, Mismatch, Problem};
pub use hostcall::blocks::Block;
pub use hostcall::lifted::Text;
pub use variable::notation::Notation;
pub use variable::place::{FrameState, Returned, Unavailable};
