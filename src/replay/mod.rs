//! Bring a trace to life: wiring, crossings answered from the trace, divergence
//! checks, position.

mod backtrace;
pub mod boundary;
mod calls;
mod clock;
mod code;
mod compiled;
pub mod contexts;
pub mod counts;
mod debug;
mod divergence;
mod drive;
mod error;
mod frame;
pub mod frames;
mod gauge;
mod guest_stack;
mod instances;
pub mod output;
pub mod passing;
pub mod position;
pub mod probes;
pub mod profile;
mod run;
mod stacks;
mod state;
pub mod survey;
pub mod tables;
mod thrown;
mod trap;
mod values;
pub mod variant;
mod wiring;

pub use crate::component::ModuleId;
pub use calls::{Calling, Entered, Entering};
pub use clock::{Clock, TICKS_AFTER_LAST_EVENT};
pub use code::{Code, CodeError, Landing, Outside, Sort, Throw};
pub use compiled::Compiled;
pub use divergence::{Crossed, Divergence, Passed, Side};
pub use error::{EndOfTrace, ReplayError};
pub use guest_stack::{GuestStack, Split, Whose};
pub use instances::CoreInstance;
pub use position::{InstanceId, Phase, Position, Tick};
pub use run::{Compared, Ended, Replay};
pub use state::{Answer, Checks, DebugMoment, Observer, State};
pub use values::list as list_values;
