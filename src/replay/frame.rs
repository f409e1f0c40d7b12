//! A frame of guest code, and what a frame is found with.

use super::code::{Code, Sort};
use super::position::InstanceId;
use crate::component::ModuleId;
use crate::instrument::offsets::OffsetMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wasmtime::Module;

/// A compiled module with what relates it to the original.
#[derive(Debug, Clone)]
pub struct ModuleCode {
    /// The module as it is loaded into the replaying engine.
    pub compiled: Module,
    /// From offsets in the original module to those in the compiled one's bytes, and back.
    pub offsets: Arc<OffsetMap>,
    /// The original module's functions and instructions.
    pub code: Arc<Code>,
}

impl ModuleCode {
    /// How many memories an instance of it has.
    pub fn memories(&self) -> u32 {
        self.code.count(Sort::Memory)
    }
}

/// A frame of guest code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Frame {
    /// The core instance whose function it runs.
    pub instance: InstanceId,
    /// The module of that instance.
    pub module: ModuleId,
    /// Function index in the original module.
    pub function: u32,
    /// Offset in the original module: of the instruction about to run, or, where
    /// the frame has called something, of that call.
    pub pc: u32,
    /// Where the frame goes on: the same, or the instruction after the call.
    pub next: u32,
}

/// What the innermost frame is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Innermost {
    /// It is about to run an instruction.
    Before,
    /// It trapped in one.
    Trapped,
    /// It called out.
    Calling,
}

/// What was asked for is not visible in optimised code: the debug variant shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this can only be seen in code compiled for debugging")]
pub struct NeedsDebug;
