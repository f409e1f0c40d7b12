//! Every request that there is: what it is called, what it is asked with, and what it is
//! answered.

use super::custom::*;
use super::custom_system::*;
use super::*;
use crate::debuggee::launch::{AttachArguments, LaunchArguments};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A request, as a type.
pub trait Command: 'static {
    /// The `command` of its messages.
    const NAME: &'static str;
    /// What it is asked with.
    type Arguments: Arguments;
    /// The body of its response; `()` where that has none.
    type Response: Serialize + 'static;
}

/// What a request is asked with.
pub trait Arguments: Sized {
    /// Reads the arguments of a command; `null` where there are none.
    ///
    /// # Errors
    ///
    /// What is wrong with them, in words.
    fn read(command: &str, given: &Value) -> Result<Self, Refusal>;
}

impl<T: DeserializeOwned> Arguments for T {
    /// Absent arguments are an empty object, as clients leave them out where nothing is
    /// required.
    fn read(command: &str, given: &Value) -> Result<Self, Refusal> {
        let read = match given {
            Value::Null => T::deserialize(Value::Object(Map::new())),
            given => T::deserialize(given),
        };
        read.map_err(|error| {
            Refusal::because(format!(
                "the arguments of `{command}` are not understood: {error}"
            ))
        })
    }
}

/// Arguments that make no difference here: whatever they are, they are not looked at.
#[derive(Debug, Clone, Copy)]
pub struct Unread;

impl Arguments for Unread {
    fn read(_: &str, _: &Value) -> Result<Self, Refusal> {
        Ok(Unread)
    }
}

macro_rules! commands {
    ($($command:ident = $name:literal ($arguments:ty) -> $response:ty;)*) => {$(
        #[doc = concat!("`", $name, "`")]
        #[derive(Debug)]
        pub enum $command {}

        impl Command for $command {
            const NAME: &'static str = $name;
            type Arguments = $arguments;
            type Response = $response;
        }
    )*};
}

// All kinds of breakpoints are answered alike.
commands! {
    Initialize = "initialize" (ClientFeatures) -> DeclaredCapabilities;
    Launch = "launch" (LaunchArguments) -> ();
    Attach = "attach" (AttachArguments) -> ();
    ConfigurationDone = "configurationDone" (Unread) -> ();
    Restart = "restart" (Unread) -> ();
    Terminate = "terminate" (Unread) -> ();
    Disconnect = "disconnect" (Unread) -> ();
    Cancel = "cancel" (CancelArguments) -> ();
    Threads = "threads" (Unread) -> ThreadsResponse;

    SetBreakpoints = "setBreakpoints" (SetBreakpointsArguments) -> SetBreakpointsResponse;
    SetFunctionBreakpoints = "setFunctionBreakpoints" (SetFunctionBreakpointsArguments) -> SetBreakpointsResponse;
    SetInstructionBreakpoints = "setInstructionBreakpoints" (SetInstructionBreakpointsArguments) -> SetBreakpointsResponse;
    SetExceptionBreakpoints = "setExceptionBreakpoints" (SetExceptionBreakpointsArguments) -> SetBreakpointsResponse;
    SetDataBreakpoints = "setDataBreakpoints" (SetDataBreakpointsArguments) -> SetBreakpointsResponse;
    DataBreakpointInfo = "dataBreakpointInfo" (DataBreakpointInfoArguments) -> DataBreakpointInfoResponse;
    BreakpointLocations = "breakpointLocations" (BreakpointLocationsArguments) -> BreakpointLocationsResponse;
    GotoTargets = "gotoTargets" (GotoTargetsArguments) -> GotoTargetsResponse;
    StepInTargets = "stepInTargets" (StepInTargetsArguments) -> StepInTargetsResponse;

    Goto = "goto" (GotoArguments) -> ();
    Continue = "continue" (MotionArguments) -> ContinueResponse;
    ReverseContinue = "reverseContinue" (MotionArguments) -> ();
    Next = "next" (MotionArguments) -> ();
    StepIn = "stepIn" (MotionArguments) -> ();
    StepOut = "stepOut" (MotionArguments) -> ();
    StepBack = "stepBack" (MotionArguments) -> ();
    Pause = "pause" (Unread) -> ();
    ExceptionInfo = "exceptionInfo" (Unread) -> ExceptionInfoResponse;

    StackTrace = "stackTrace" (StackTraceArguments) -> StackTraceResponse;
    Scopes = "scopes" (ScopesArguments) -> ScopesResponse;
    Variables = "variables" (VariablesArguments) -> VariablesResponse;
    Locations = "locations" (LocationsArguments) -> LocationsResponse;
    Evaluate = "evaluate" (EvaluateArguments) -> EvaluateResponse;
    Completions = "completions" (CompletionsArguments) -> CompletionsResponse;
    SourceText = "source" (SourceArguments) -> SourceResponse;
    LoadedSources = "loadedSources" (Unread) -> LoadedSourcesResponse;
    Modules = "modules" (ModulesArguments) -> ModulesResponse;
    Disassemble = "disassemble" (DisassembleArguments) -> DisassembleResponse;
    ReadMemory = "readMemory" (ReadMemoryArguments) -> ReadMemoryResponse;

    SetVariable = "setVariable" (Unread) -> ();
    SetExpression = "setExpression" (Unread) -> ();
    WriteMemory = "writeMemory" (Unread) -> ();

    RrWhen = "rr/when" (Unread) -> WhenResponse;
    RrSeek = "rr/seek" (SeekArguments) -> ();
    RrStep = "rr/step" (StepArguments) -> ();
    RrMark = "rr/mark" (MarkArguments) -> ToldMark;
    RrUnmark = "rr/unmark" (MarkArguments) -> ();
    RrMarks = "rr/marks" (Unread) -> MarksResponse;
    RrHostcalls = "rr/hostcalls" (HostcallsArguments) -> HostcallsResponse;
    RrRequests = "rr/requests" (RequestsArguments) -> RequestsResponse;
    RrResources = "rr/resources" (ResourcesArguments) -> ResourcesResponse;
    RrTasks = "rr/tasks" (TasksArguments) -> TasksResponse;
    RrOutput = "rr/output" (Unread) -> OutputResponse;
    RrTimeline = "rr/timeline" (TimelineArguments) -> TimelineResponse;
    RrFunctions = "rr/functions" (FunctionsArguments) -> FunctionsResponse;
    RrAsk = "rr/ask" (AskArguments) -> AskResponse;
    RrSystem = "rr/system" (SystemArguments) -> SystemResponse;
    RrMessages = "rr/messages" (MessagesArguments) -> MessagesResponse;
    RrFollow = "rr/follow" (FollowArguments) -> ();
    RrGoMessage = "rr/goMessage" (GoMessageArguments) -> ();
    RrWhoWrote = "rr/whoWrote" (WhoWroteArguments) -> ();
}
