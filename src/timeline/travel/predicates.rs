//! Conditions and log messages, as the timeline knows them: text that somebody
//! else understands.
//!
//! They are evaluated in the replayer, while the guest stands still inside a debug
//! event, without asking the timeline. What they mean is for the rooms below to say:
//! whoever starts the replayer hands in a [`Predicates`].

use super::elsewhere::Elsewhere;
use crate::component::types::CoreValue;
use crate::component::{Component, ModuleId};
use crate::replay::frames::Frame;
use crate::replay::{Answer, Calling, InstanceId, Position, Tick};
use std::sync::Arc;

/// Understands conditions and log messages.
pub trait Predicates {
    /// Whether a condition holds.
    ///
    /// # Errors
    ///
    /// Why it cannot be evaluated.
    fn holds(&mut self, condition: &str, at: &mut dyn Stopped) -> Result<bool, String>;

    /// A message with its expressions replaced by their values.
    fn message(&mut self, template: &str, at: &mut dyn Stopped) -> String;
}

/// A guest that stands still.
pub trait Stopped {
    /// The tick of this moment, which is had at once.
    fn tick(&mut self) -> Tick;
    /// Outgoing crossings made before this moment; at a hostcall, its own number.
    fn event(&mut self) -> u64;
    /// The whole position: its depth takes a walk over the stack.
    fn position(&mut self) -> Position;
    /// The outgoing crossing that the guest is in.
    fn calling(&mut self) -> Option<Calling>;
    /// What that crossing will answer, where the recording tells.
    fn answer(&mut self) -> Option<Answer>;
    /// Bytes of the memory that it reads and writes; `None` if any of them is outside.
    fn crossing_memory(&mut self, address: u64, length: usize) -> Option<Vec<u8>>;
    /// The component that is replayed.
    fn component(&mut self) -> Arc<Component>;
    /// The bytes of an original core module.
    fn module(&mut self, module: ModuleId) -> Option<Arc<[u8]>>;
    /// A frame; 0 is the innermost one, which is had at once: others take a walk.
    fn frame(&mut self, index: usize) -> Option<Frame>;
    /// How many of the inlined calls that begin at this moment in the innermost frame have not
    /// begun for the breakpoint that asks: it stops before them.
    fn ahead(&mut self) -> u32;
    /// How far other recordings had come, where some are debugged with this one.
    fn elsewhere(&mut self) -> Option<Arc<Elsewhere>>;
    /// The number of the task whose code runs, or is in a hostcall; 0 if there is none.
    fn task(&mut self) -> u64;
    /// How many calls into the guest had been made with the innermost one that is in progress; 0
    /// if there is none.
    fn turn(&mut self) -> u64;
    /// A local of a frame.
    fn local(&mut self, frame: usize, index: u32) -> Option<CoreValue>;
    /// A value of a frame's operand stack; 0 is the bottom.
    fn operand(&mut self, frame: usize, index: u32) -> Option<CoreValue>;
    /// A global of a core instance, by its index in the original module; `None` if there is none,
    /// or if it is not visible in optimised code.
    fn global(&mut self, instance: InstanceId, index: u32) -> Option<CoreValue>;
    /// Bytes of a memory; `None` if any of them is outside.
    fn memory(
        &mut self,
        instance: InstanceId,
        memory: u32,
        address: u64,
        length: usize,
    ) -> Option<Vec<u8>>;
}
