//! What crosses the boundary? Values of the component model, lifted from core values and
//! memory; the hostcalls of a recording, and the one that the guest is in.

pub mod arrivals;
pub(super) mod blocks;
pub mod builtin_call;
pub mod call;
pub mod delivery;
pub mod divergence;
mod flat;
mod flat_names;
pub mod hostcalls;
pub mod in_progress;
mod late_results;
pub mod lift;
mod lift_bits;
mod lift_text;
pub(super) mod lifted;
pub mod listing;
mod memory;
pub mod part;
pub mod resolution;
pub(super) mod told;
pub mod unanswered;
pub mod wave;
pub mod within;
