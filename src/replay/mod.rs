//! Bring a trace to life: wiring, crossings answered from the trace, divergence
//! checks, position.

pub mod position;
pub mod variant;

pub use crate::component::ModuleId;
pub use position::{InstanceId, Phase, Position, Tick};
