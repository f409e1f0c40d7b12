//! What a session needs of the thing it debugs: a recording one can travel in
//! and look at. Written as traits so that the protocol can be tested with a
//! scripted one.

pub mod launch;
pub mod path_mapping;
pub mod recording;
pub(crate) mod rust_library;
mod sources;
mod views;

pub use sources::*;
pub use views::*;

use crate::debuggee::launch::{AttachArguments, LaunchArguments};
use crate::debuggee::path_mapping::PathMapping;
use crate::inspect::hostcall::listing::Listing;
use crate::replay::Position;
use crate::timeline::interrupt::Interrupt;
use crate::timeline::travel::motion::{Direction, Motion, Stop};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Why something asked of a debuggee was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DebuggeeError {
    /// Nothing has moved.
    #[error("interrupted")]
    Interrupted,
    /// The replayer is dead; the debuggee has another, or will get one.
    #[error("the replayer died: {message}")]
    Died {
        /// What was seen of its end: that its socket closed, or that it never connected.
        message: String,
    },
    /// A message for the person: cause and remedy.
    #[error("{0}")]
    Other(String),
}

impl DebuggeeError {
    /// [`DebuggeeError::Other`] with this message.
    pub fn other(message: impl Into<String>) -> Self {
        DebuggeeError::Other(message.into())
    }
}

/// Which of the guest's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error; while a program is recorded, also what the recorder itself says.
    Stderr,
}

/// Where a debuggee says what happens while something long runs.
pub trait Output: Send + Sync {
    /// The guest has printed.
    fn guest(&self, stream: Stream, bytes: &[u8]);
    /// A line for the person (a log point's text, a warning).
    fn console(&self, line: &str);
    /// How far it is: per cent, where that can be known, and what is being done.
    fn progress(&self, percentage: Option<u8>, message: &str);
}

/// Opens debuggees.
pub trait Launcher: Send + Sync {
    /// Records a program, or opens a recording. Where the interrupt is raised
    /// while recording, the recording may end there and be opened.
    fn launch(
        &self,
        arguments: &LaunchArguments,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Box<dyn Debuggee>, LaunchError>;

    /// Opens the recording that the server was started with.
    fn attach(
        &self,
        arguments: &AttachArguments,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Box<dyn Debuggee>, LaunchError>;

    /// Where sources are, for every session, besides what its client says.
    fn path_mapping(&self) -> PathMapping {
        PathMapping::default()
    }
}

/// Why there is nothing to debug.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The interrupt was raised before there was anything to debug.
    #[error("cancelled")]
    Interrupted,
    /// A message for the person: cause and remedy.
    #[error("{0}")]
    Failed(String),
}

/// Returns when it is done: to be called on a thread of its own.
pub type Preparing = Box<dyn FnOnce() + Send>;

/// A recording, standing at one moment; when opened, at its start.
///
/// Paths are those of the debug information: the session maps them.
pub trait Debuggee: Send {
    /// Moves. On an error the debuggee stands where it stood, as [`here`] says.
    ///
    /// [`here`]: Debuggee::here
    fn travel(
        &mut self,
        motion: &Motion,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError>;

    /// Something that ends when more can be looked at here than now; given out once.
    fn preparing(&mut self) -> Option<Preparing> {
        None
    }

    /// Where it stands, and why it stopped there.
    fn here(&self) -> &Stop;
    /// What a person is told about this stop, in place of the session's words.
    fn describe_stop(&mut self) -> StopText;
    /// How far the recording goes, as far as that is known by now, and how it ended.
    fn history(&self) -> History;

    /// Each of these replaces all breakpoints of its kind (and file) and
    /// answers in the order of the request.
    fn set_source_breakpoints(
        &mut self,
        source: &SourceOrigin,
        breakpoints: &[SourceBreakpointRequest],
    ) -> Vec<BreakpointState>;
    /// By name: functions of the guest, or hostcalls.
    fn set_function_breakpoints(
        &mut self,
        breakpoints: &[FunctionBreakpointRequest],
    ) -> Vec<BreakpointState>;
    /// By address, in the code of core modules.
    fn set_instruction_breakpoints(
        &mut self,
        breakpoints: &[InstructionBreakpointRequest],
    ) -> Vec<BreakpointState>;
    /// The stops that have no place: traps, hostcalls, handles.
    fn set_exception_filters(&mut self, filters: &[FilterRequest]) -> Vec<BreakpointState>;
    /// On changes of bytes that [`data`](Debuggee::data) has named.
    fn set_data_breakpoints(
        &mut self,
        breakpoints: &[DataBreakpointRequest],
    ) -> Vec<BreakpointState>;
    /// The bytes that a person means, to be watched.
    ///
    /// # Errors
    ///
    /// Why they cannot be.
    fn data(&mut self, meant: &DataMeant) -> Result<Data, DebuggeeError>;
    /// The motion to where some bytes were changed last, or will be next.
    fn to_change(&mut self, of: &DataId, direction: Direction) -> Result<Motion, DebuggeeError>;
    /// Every visit of a line in the recording, nearest to the present if there are many.
    fn line_visits(
        &mut self,
        source: &SourceOrigin,
        point: SourcePoint,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Vec<LineVisit>, DebuggeeError>;
    /// The calls that the line of a frame has still to make.
    fn step_in_targets(&mut self, frame: FrameId) -> Result<Vec<StepInTarget>, DebuggeeError>;
    /// Where breakpoints can be, within these lines (both included), sorted.
    fn breakpoint_locations(
        &mut self,
        source: &SourceOrigin,
        lines: std::ops::RangeInclusive<u64>,
    ) -> Result<Vec<SourcePoint>, DebuggeeError>;

    /// Frames from the innermost outward.
    fn frames(&mut self, window: Window) -> Result<Frames, DebuggeeError>;
    /// The groups of values of a frame, in the order in which they are shown.
    fn scopes(&mut self, frame: FrameId) -> Result<Vec<Scope>, DebuggeeError>;
    /// The values of a group, as many as the page asks for.
    fn variables(
        &mut self,
        of: &ValuesRef,
        page: Page,
        format: Format,
    ) -> Result<Vec<VariableView>, DebuggeeError>;
    /// Evaluates without side effects; in no frame: in the innermost.
    fn evaluate(
        &mut self,
        expression: &str,
        frame: Option<FrameId>,
        context: EvaluateContext,
        format: Format,
    ) -> Result<VariableView, DebuggeeError>;
    /// What expressions can name in a frame, or in the innermost one: its variables, and
    /// the names that begin with `$`.
    fn names(&mut self, frame: Option<FrameId>) -> Vec<String>;
    /// What the type of an expression, or the type of this name, is made of: a line for the
    /// type, and one for each of its parts.
    fn declared(&mut self, text: &str, frame: Option<FrameId>) -> Result<String, DebuggeeError>;
    /// The functions of the guest with this in their name, or that fit a pattern with `*`,
    /// by name ascending.
    fn functions(&mut self, pattern: &str) -> Vec<FunctionView>;
    /// The handle tables of all component instances, one child each.
    fn handles(&mut self) -> Result<VariableView, DebuggeeError>;

    /// Remembers this moment; without a name, under the first number that is free.
    fn mark(&mut self, name: Option<&str>) -> Mark;
    /// Forgets a mark; whether there was one.
    fn unmark(&mut self, name: &str) -> bool;
    /// In the order of time.
    fn marks(&self) -> Vec<Mark>;
    /// The WIT name of the hostcall that the guest is in.
    fn calling(&mut self) -> Option<String>;
    /// All hostcalls. The first time this replays the recording.
    fn hostcalls(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arc<Listing>, DebuggeeError>;
    /// What hostcalls with these numbers printed; `None` if it is not known within the
    /// patience.
    fn printed(
        &mut self,
        calls: Range<u64>,
        patience: Option<Duration>,
    ) -> Result<Option<Vec<Printed>>, DebuggeeError>;
    /// Something that ends when it is known what hostcalls before this one printed.
    fn printing(&mut self, until: u64) -> Preparing;
    /// The handle tables with all that is known of each entry; here, or at the end of the
    /// recording.
    fn resources(&mut self, at_end: bool) -> Result<Vec<InstanceHandles>, DebuggeeError>;
    /// Where there are copies of the program to go on from: event and position.
    fn checkpoints(&mut self) -> Vec<(u64, Position)>;

    /// All sources that code comes from, by path ascending.
    fn sources(&mut self) -> Result<Vec<SourceRef>, DebuggeeError>;
    /// The text of a source that is no file. That of the hostcalls replays the recording the
    /// first time.
    fn source_text(
        &mut self,
        text: &TextRef,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<SourceText, DebuggeeError>;
    /// All core modules, in the order of the component's binary.
    fn modules(&mut self) -> Result<Vec<ModuleView>, DebuggeeError>;
    /// Instructions around an address, exactly `count`, starting `skip`
    /// instructions after it (before, if negative). Where there are none, an
    /// instruction says so.
    fn disassemble(
        &mut self,
        at: &str,
        offset: i64,
        skip: i64,
        count: usize,
    ) -> Result<Vec<InstructionView>, DebuggeeError>;
    /// Bytes from `offset` after an address (before, if negative): fewer than `count` where
    /// the memory ends.
    fn read_memory(
        &mut self,
        reference: &str,
        offset: i64,
        count: usize,
    ) -> Result<MemoryView, DebuggeeError>;
}
