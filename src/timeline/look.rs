//! What the guest has where the session stands. Looking changes nothing.

use super::processes::wire::{CrossingInProgress, Reply, Request};
use super::{Result, Timeline, confused};
use crate::component::ModuleId;
use crate::component::types::CoreValue;
use crate::replay::InstanceId;
use crate::replay::boundary::Open;
use crate::replay::frames::Frame;
use crate::replay::tables::Element;
use crate::trace::CallEnd;

impl Timeline {
    /// The guest's frames here, innermost first, over all activations.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn frames(&mut self) -> Result<Vec<Frame>> {
        match self.ask(&Request::Frames)? {
            Reply::Frames(frames) => Ok(frames),
            _ => Err(confused()),
        }
    }

    /// The locals of a frame, by its index in [`Timeline::frames`].
    ///
    /// # Errors
    ///
    /// If the replayer has died, or if the guest runs optimised and is not yet
    /// compiled for debugging; it will be.
    pub fn locals(&mut self, frame: usize) -> Result<Vec<CoreValue>> {
        let frame = frame as u32;
        self.values(&Request::Locals { frame })
    }

    /// The operand stack of a frame, bottom first.
    ///
    /// # Errors
    ///
    /// As for [`Timeline::locals`].
    pub fn operands(&mut self, frame: usize) -> Result<Vec<CoreValue>> {
        let frame = frame as u32;
        self.values(&Request::Operands { frame })
    }

    /// The globals of a core instance.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn globals(&mut self, instance: InstanceId) -> Result<Vec<CoreValue>> {
        self.values(&Request::Globals { instance })
    }

    /// Bytes of a memory: fewer than asked for where it ends.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn memory(
        &mut self,
        instance: InstanceId,
        memory: u32,
        address: u64,
        length: u32,
    ) -> Result<Vec<u8>> {
        let request = Request::Memory {
            instance,
            memory,
            address,
            length,
        };
        match self.ask(&request)? {
            Reply::Bytes(bytes) => Ok(bytes),
            _ => Err(confused()),
        }
    }

    /// The outgoing crossing that the guest is in, if it is in one.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn crossing(&mut self) -> Result<Option<CrossingInProgress>> {
        match self.ask(&Request::Crossing)? {
            Reply::Crossing(crossing) => Ok(crossing.map(|c| *c)),
            _ => Err(confused()),
        }
    }

    /// Bytes of the memory that the crossing in progress reads and writes.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn crossing_memory(&mut self, address: u64, length: u32) -> Result<Vec<u8>> {
        match self.ask(&Request::CrossingMemory { address, length })? {
            Reply::Bytes(bytes) => Ok(bytes),
            _ => Err(confused()),
        }
    }

    /// The core instances made so far: module and component instance, by
    /// [`InstanceId`].
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn instances(&mut self) -> Result<Vec<(ModuleId, u32)>> {
        match self.ask(&Request::Instances)? {
            Reply::Instances(instances) => Ok(instances),
            _ => Err(confused()),
        }
    }

    fn values(&mut self, request: &Request) -> Result<Vec<CoreValue>> {
        match self.ask(request)? {
            Reply::Values(values) => Ok(values),
            _ => Err(confused()),
        }
    }

    /// The crossings in progress, outermost first, with where they are among
    /// [`Timeline::frames`].
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn boundary(&mut self) -> Result<Vec<Open>> {
        match self.ask(&Request::Boundary)? {
            Reply::Boundary(open) => Ok(open),
            _ => Err(confused()),
        }
    }

    /// What the recording says that a call into the guest will return, by its number among
    /// those in progress, from 0 for the outermost.
    ///
    /// # Errors
    ///
    /// If the replayer has died, or the recording is damaged there.
    pub fn leaving(&mut self, entered: u32) -> Result<CallEnd> {
        match self.ask(&Request::Leaving { entered })? {
            Reply::Leaving(leaving) => Ok(leaving),
            _ => Err(confused()),
        }
    }

    /// The sizes of an instance's memories in bytes.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn memories(&mut self, instance: InstanceId) -> Result<Vec<u64>> {
        match self.ask(&Request::Memories { instance })? {
            Reply::Sizes(sizes) => Ok(sizes),
            _ => Err(confused()),
        }
    }

    /// The sizes of an instance's tables.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn tables(&mut self, instance: InstanceId) -> Result<Vec<u64>> {
        match self.ask(&Request::Tables { instance })? {
            Reply::Sizes(sizes) => Ok(sizes),
            _ => Err(confused()),
        }
    }

    /// Elements of a table: fewer than asked for where it ends.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn table(
        &mut self,
        instance: InstanceId,
        table: u32,
        from: u64,
        count: u32,
    ) -> Result<Vec<Element>> {
        let request = Request::Table {
            instance,
            table,
            from,
            count,
        };
        match self.ask(&request)? {
            Reply::Elements(elements) => Ok(elements),
            _ => Err(confused()),
        }
    }
}
