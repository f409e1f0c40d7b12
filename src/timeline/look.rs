//! What the guest has where the session stands, or on a stack that waits there. Looking changes
//! nothing.

use super::interrupt::Interrupt;
use super::processes::wire::ask::{
    Boundary, Crossing, CrossingInProgress, CrossingMemory, Frames, Globals, Instances, Leaving,
    Locals, Memories, Memory, MemoryOf, OnStack, Operands, Question, Table, Tables,
};
use super::recovery::Patience;
use super::travel::motion::MemoryRange;
use super::{Result, Timeline};
use crate::component::types::CoreValue;
use crate::component::{CrossingId, ModuleId};
use crate::replay::InstanceId;
use crate::replay::boundary::Open;
use crate::replay::frames::Frame;
use crate::replay::tables::Element;
use crate::trace::{CallEnd, Instance};

impl Timeline {
    /// Asks the live replayer; if it has died, or cannot tell because it runs optimised
    /// code, brings another to where it stood and asks that.
    pub(super) fn ask<Q: Question + Clone>(&mut self, question: Q) -> Result<Q::Answer> {
        let waits = self.waits_for_code.clone();
        let patience = waits.as_ref().map_or(Patience::Short, Patience::Long);
        self.recovering(patience, |timeline| {
            Ok(timeline.live.ask(question.clone())?)
        })
    }

    /// What ends such a wait, if it does wait: see [`Timeline::wait_for_code`].
    pub fn waits_for_code(&self) -> Option<&Interrupt> {
        self.waits_for_code.as_ref()
    }

    /// From now on, looking at what takes code for debugging waits until that is compiled, or until it is
    /// interrupted; `None`: it does not wait.
    pub fn wait_for_code(&mut self, interrupt: Option<&Interrupt>) {
        self.waits_for_code = interrupt.cloned();
    }

    /// The guest's frames here, innermost first, over all activations.
    ///
    /// # Errors
    ///
    /// If replayers die.
    pub fn frames(&mut self) -> Result<Vec<Frame>> {
        let mut frames = self.ask_stack(Frames)?;
        let own = frames.len() - (self.below()?.frames as usize).min(frames.len());
        frames.truncate(own);
        Ok(frames)
    }

    /// The call into the guest whose frames are the innermost ones here: how many of them had been
    /// made with it; 0 if there is none.
    ///
    /// # Errors
    ///
    /// As for [`Timeline::frames`].
    pub fn turn(&mut self) -> Result<u64> {
        let innermost = self.ask_stack(OnStack)?.pop();
        Ok(innermost.map_or(0, |call| call.serial))
    }

    /// The locals of a frame, by its index in [`Timeline::frames`].
    ///
    /// # Errors
    ///
    /// If replayers die, or if the guest runs optimised and is not yet compiled for
    /// debugging; it will be.
    pub fn locals(&mut self, frame: usize) -> Result<Vec<CoreValue>> {
        let frame = frame as u32;
        self.ask_stack(Locals { frame })
    }

    /// The operand stack of a frame, bottom first.
    ///
    /// # Errors
    ///
    /// As for [`Timeline::locals`].
    pub fn operands(&mut self, frame: usize) -> Result<Vec<CoreValue>> {
        let frame = frame as u32;
        self.ask_stack(Operands { frame })
    }

    /// The globals of a core instance.
    ///
    /// # Errors
    ///
    /// As for [`Timeline::locals`].
    pub fn globals(&mut self, instance: InstanceId) -> Result<Vec<CoreValue>> {
        self.ask(Globals(instance))
    }

    /// Bytes of a memory: fewer than asked for where it ends.
    ///
    /// # Errors
    ///
    /// As for [`Timeline::locals`].
    pub fn memory(
        &mut self,
        instance: InstanceId,
        memory: u32,
        address: u64,
        length: u32,
    ) -> Result<Vec<u8>> {
        self.ask(Memory(MemoryRange {
            instance,
            memory,
            address,
            length,
        }))
    }

    /// The outgoing crossing that the guest is in, if it is in one.
    ///
    /// # Errors
    ///
    /// If replayers die, or the recording is damaged there.
    pub fn crossing(&mut self) -> Result<Option<CrossingInProgress>> {
        self.ask_stack(Crossing)
    }

    /// Bytes of the memory that the crossing in progress reads and writes.
    ///
    /// # Errors
    ///
    /// If replayers die.
    pub fn crossing_memory(&mut self, address: u64, length: u32) -> Result<Vec<u8>> {
        self.ask(CrossingMemory { address, length })
    }

    /// The core instances made so far: module and component instance, by
    /// [`InstanceId`].
    ///
    /// # Errors
    ///
    /// If replayers die.
    pub fn instances(&mut self) -> Result<Vec<(ModuleId, u32)>> {
        self.ask(Instances)
    }

    /// The crossings in progress, outermost first, with where they are among
    /// [`Timeline::frames`].
    ///
    /// # Errors
    ///
    /// If replayers die.
    pub fn boundary(&mut self) -> Result<Vec<Open>> {
        let below = self.below()?;
        let all = self.ask_stack(Boundary)?;
        let own = all.into_iter().skip(below.open);
        Ok(own
            .map(|open| Open {
                outside: open.outside - below.frames.min(open.outside),
                ..open
            })
            .collect())
    }

    /// The memory that a crossing of a component instance reads and writes, and its number in the
    /// core instance that has it; `None` if it has none.
    ///
    /// # Errors
    ///
    /// If replayers die.
    pub fn memory_of(
        &mut self,
        instance: Instance,
        crossing: CrossingId,
    ) -> Result<Option<(InstanceId, u32)>> {
        self.ask(MemoryOf { instance, crossing })
    }

    /// What the recording says that a call into the guest will return, by its number among
    /// those in progress, from 0 for the outermost.
    ///
    /// # Errors
    ///
    /// If replayers die, or the recording is damaged there.
    pub fn leaving(&mut self, entered: u32) -> Result<CallEnd> {
        let entered = entered + self.below()?.entered;
        self.ask_stack(Leaving { entered })
    }

    /// The sizes of an instance's memories in bytes.
    ///
    /// # Errors
    ///
    /// As for [`Timeline::locals`].
    pub fn memories(&mut self, instance: InstanceId) -> Result<Vec<u64>> {
        self.ask(Memories(instance))
    }

    /// The sizes of an instance's tables.
    ///
    /// # Errors
    ///
    /// As for [`Timeline::locals`].
    pub fn tables(&mut self, instance: InstanceId) -> Result<Vec<u64>> {
        self.ask(Tables(instance))
    }

    /// Elements of a table: fewer than asked for where it ends.
    ///
    /// # Errors
    ///
    /// As for [`Timeline::locals`].
    pub fn table(
        &mut self,
        instance: InstanceId,
        table: u32,
        from: u64,
        count: u32,
    ) -> Result<Vec<Element>> {
        self.ask(Table {
            instance,
            table,
            from,
            count,
        })
    }
}
