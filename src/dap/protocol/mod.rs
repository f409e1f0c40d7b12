//! The one door to the Debug Adapter Protocol.
//!
//! Message types come from the `dap` crate; nothing outside this folder names
//! that crate, so its gaps and slips are put right here once: `spelling` for
//! keys it writes differently from the protocol, [`newer`] for what the protocol
//! has gained since. Frames, envelope and codec are our own, because a debugger
//! must outlive a message that the crate's reader would give up on.

pub mod codec;
pub mod envelope;
pub mod framing;
pub mod newer;
mod spelling;

pub use codec::Malformed;
pub use envelope::{Incoming, Refusal, Request};
pub use framing::FrameError;

pub use dap::events::{
    BreakpointEventBody, ContinuedEventBody, Event, InvalidatedEventBody, OutputEventBody,
    ProcessEventBody, ProgressEndEventBody, ProgressStartEventBody, ProgressUpdateEventBody,
    StoppedEventBody, TerminatedEventBody, ThreadEventBody,
};
pub use dap::requests::{
    BreakpointLocationsArguments, CancelArguments, CompletionsArguments, DisassembleArguments,
    DisconnectArguments, EvaluateArguments, GotoArguments, GotoTargetsArguments, ModulesArguments,
    NextArguments, ReadMemoryArguments, ScopesArguments, SetBreakpointsArguments,
    SetDataBreakpointsArguments, SetExceptionBreakpointsArguments, SetFunctionBreakpointsArguments,
    SetInstructionBreakpointsArguments, SourceArguments, StackTraceArguments, StepBackArguments,
    StepInArguments, StepInTargetsArguments, StepOutArguments, VariablesArguments,
};
pub use dap::responses::{
    BreakpointLocationsResponse, CompletionsResponse, ContinueResponse, DataBreakpointInfoResponse,
    DisassembleResponse, EvaluateResponse, ExceptionInfoResponse, GotoTargetsResponse,
    LoadedSourcesResponse, ModulesResponse, ReadMemoryResponse, ScopesResponse,
    SetBreakpointsResponse, SetExceptionBreakpointsResponse, SourceResponse, StackTraceResponse,
    ThreadsResponse, VariablesResponse,
};
pub use dap::types::{
    Breakpoint, BreakpointEventReason, BreakpointLocation, Capabilities, CompletionItem,
    CompletionItemType, DataBreakpointAccessType, DisassembledInstruction,
    EvaluateArgumentsContext, ExceptionBreakMode, ExceptionBreakpointsFilter, ExceptionDetails,
    GotoTarget, InvalidatedAreas, Module, ModuleId, OutputEventCategory, PresentationHint,
    ProcessEventStartMethod, Scope, ScopePresentationhint, Source, SourceBreakpoint, StackFrame,
    StackFrameFormat, StackFrameModuleid, StackFramePresentationhint, SteppingGranularity,
    StoppedEventReason, Thread, ThreadEventReason, ValueFormat, Variable, VariablePresentationHint,
    VariablePresentationHintAttributes, VariablePresentationHintKind, VariablesArgumentsFilter,
};
