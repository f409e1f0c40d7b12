//! Which call into the guest is meant.

use super::event::Instance;
use crate::component::CrossingId;
use crate::component::types::CoreValue;
use serde::{Deserialize, Serialize};

/// A call into the guest, told from the others of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entered {
    /// Calls out of the guest that were made before.
    pub event: u64,
    /// Whose code is called.
    pub instance: Instance,
    /// What is called.
    pub crossing: CrossingId,
    /// The first core arguments, of wide ones the low halves: they tell two calls apart
    /// between which the guest made none.
    pub arguments: [u32; 3],
}

impl Entered {
    /// A call with these core arguments.
    pub fn new(
        event: u64,
        instance: Instance,
        crossing: CrossingId,
        args: &[CoreValue],
    ) -> Entered {
        let low = |index: usize| match args.get(index) {
            Some(CoreValue::I32(value)) => value.cast_unsigned(),
            Some(CoreValue::I64(value)) => value.cast_unsigned() as u32,
            _ => 0,
        };
        Entered {
            event,
            instance,
            crossing,
            arguments: [low(0), low(1), low(2)],
        }
    }
}
