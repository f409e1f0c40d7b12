//! A guest frame as variables see it.

use super::guest_memory::GuestMemory;
use crate::component::types::CoreValue;
use crate::inspect::{FrameState, Returned};
use crate::replay::InstanceId;
use crate::timeline::{self, Timeline, TimelineError};

/// The state of one frame.
pub(super) struct GuestFrame<'a> {
    pub(super) locals: Vec<CoreValue>,
    pub(super) operands: Vec<CoreValue>,
    pub(super) globals: Vec<CoreValue>,
    /// What was just returned to it.
    returned: Option<Returned>,
    memory: GuestMemory<'a>,
}

impl<'a> GuestFrame<'a> {
    /// Reads the frame with this index in [`Timeline::frames`].
    pub(super) fn read(
        timeline: &'a mut Timeline,
        index: usize,
        instance: InstanceId,
    ) -> Result<GuestFrame<'a>, TimelineError> {
        Ok(GuestFrame {
            locals: timeline.locals(index)?,
            operands: timeline.operands(index)?,
            globals: timeline.globals(instance)?,
            returned: match index {
                0 => timeline.returned().map(shown_return),
                _ => None,
            },
            memory: GuestMemory::new(timeline, Some((instance, 0))),
        })
    }

    /// As [`GuestMemory::vouch_for`].
    pub(super) fn vouch_for<T>(self, made: T) -> Result<T, TimelineError> {
        self.memory.vouch_for(made)
    }
}

/// A value that is not a core result is in memory, in room of the caller's.
fn shown_return(returned: &timeline::Returned) -> Returned {
    let address = match returned.address {
        Some(CoreValue::I32(address)) => Some(u64::from(address.cast_unsigned())),
        Some(CoreValue::I64(address)) => Some(address.cast_unsigned()),
        _ => None,
    };
    Returned {
        pc: returned.pc,
        result: returned.result,
        address,
    }
}

impl FrameState for GuestFrame<'_> {
    fn local(&self, index: u32) -> Option<CoreValue> {
        self.locals.get(index as usize).copied()
    }

    fn operand(&self, index: u32) -> Option<CoreValue> {
        self.operands.get(index as usize).copied()
    }

    fn global(&self, index: u32) -> Option<CoreValue> {
        self.globals.get(index as usize).copied()
    }

    fn memory(&self, address: u64, length: usize) -> Option<Vec<u8>> {
        self.memory.read(address, length as u64)
    }

    fn returned(&self) -> Option<Returned> {
        self.returned
    }
}
