//! The one door to the Debug Adapter Protocol.
//!
//! Message types come from the `dap` crate where it has them as they are, and nothing
//! outside this folder names that crate. Those that it lacks or misspells are generated from
//! the protocol's schema, with those that hold one (`generated`). Requests beyond the
//! protocol are in [`custom`] and [`custom_system`], arguments that are taken with less than the protocol asks for
//! in `lenient`. Frames, envelope and codec are our own, because a debugger must outlive a
//! message that the crate's reader would give up on.

pub mod codec;
pub mod command;
pub mod custom;
pub mod custom_system;
pub mod envelope;
pub mod framing;
#[rustfmt::skip]
mod generated;
mod lenient;

pub use codec::Malformed;
pub use envelope::{Event, Incoming, Refusal, Request};
pub use framing::FrameError;
pub use generated::*;
pub use lenient::{ClientFeatures, DataBreakpointInfoArguments, MotionArguments};

pub use dap::requests::{
    CancelArguments, CompletionsArguments, DisassembleArguments, EvaluateArguments, GotoArguments,
    ModulesArguments, ReadMemoryArguments, ScopesArguments, SetDataBreakpointsArguments,
    SetExceptionBreakpointsArguments, SetFunctionBreakpointsArguments,
    SetInstructionBreakpointsArguments, StepInTargetsArguments, VariablesArguments,
};
pub use dap::responses::{
    BreakpointLocationsResponse, CompletionsResponse, DataBreakpointInfoResponse,
    ExceptionInfoResponse, GotoTargetsResponse, ModulesResponse, ReadMemoryResponse,
    SourceResponse, ThreadsResponse,
};
pub use dap::types::{
    BreakpointLocation, CompletionItem, CompletionItemType, DataBreakpointAccessType,
    EvaluateArgumentsContext, ExceptionBreakMode, GotoTarget, Module, ModuleId,
    SteppingGranularity, Thread, ValueFormat, VariablesArgumentsFilter,
};
