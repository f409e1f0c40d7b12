//! Where a debuggee is to stop.

use super::{DebuggeeError, FrameId, SourceOrigin, SourcePoint, SourceRef, ValuesRef};
use crate::timeline::travel::elsewhere::Elsewhere;
use crate::timeline::travel::motion::{BreakpointId, Writes};
use std::ops::RangeInclusive;

/// Has breakpoints.
pub trait Stops {
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
    /// The stops that are meant by their kind: traps, exceptions, hostcalls, handles.
    fn set_exception_filters(&mut self, filters: &[FilterRequest]) -> Vec<BreakpointState>;
    /// On changes of bytes that [`data`](Stops::data) has named.
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
    /// Breakpoints that have found places since they were answered.
    fn take_placed(&mut self) -> Vec<BreakpointState> {
        Vec::new()
    }
    /// How far others had come at each moment of this one, for expressions that speak of them.
    fn set_elsewhere(&mut self, elsewhere: Elsewhere) {
        _ = elsewhere;
    }
    /// Where breakpoints can be, within these lines (both included), sorted.
    ///
    /// # Errors
    ///
    /// If there is no such source.
    fn breakpoint_locations(
        &mut self,
        source: &SourceOrigin,
        lines: RangeInclusive<u64>,
    ) -> Result<Vec<SourcePoint>, DebuggeeError>;
}

/// A breakpoint or log point in a source, as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceBreakpointRequest {
    /// Where it is wanted: it goes to a line with code, at or after this one.
    pub point: SourcePoint,
    /// Which visits stop, or are logged.
    pub when: When,
    /// Print this instead of stopping; expressions stand in braces.
    pub log_message: Option<String>,
}

/// A breakpoint by name, as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionBreakpointRequest {
    /// A function's name, a part of a hostcall's WIT path, or a pattern with `*`.
    pub name: String,
    /// Which visits stop.
    pub when: When,
}

/// A breakpoint on an instruction, as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstructionBreakpointRequest {
    /// An address that `disassemble` understands.
    pub instruction: String,
    /// Bytes from the address to the instruction.
    pub offset: i64,
    /// Which visits stop.
    pub when: When,
}

/// Which passes of a breakpoint count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct When {
    /// An expression that must hold for a visit to count; `None`: all count.
    pub condition: Option<String>,
    /// Which of the visits that count, by ordinal: `5`, `>= 5`, `% 5`.
    pub hit_condition: Option<String>,
}

/// What stops right after a write are described with, whatever led there.
pub const AFTER_WRITE: &str = "Paused after a write";

/// The stops that are switched on by name, not by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopFilter {
    /// Where the run ends in a trap.
    Trap,
    /// Where the program gives up: panics, failed assertions, `abort`.
    Panic,
    /// Where an exception of WebAssembly is thrown.
    Throw,
    /// Every hostcall.
    Hostcall,
    /// Hostcalls that answer an error.
    FailedHostcall,
    /// Hostcalls that make a handle.
    HandleCreated,
    /// Hostcalls that drop a handle.
    HandleDropped,
}

/// A filter that is switched on, as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterRequest {
    /// Which stops.
    pub filter: StopFilter,
    /// A WIT path (a part of it, or with `*`), for handles a resource's; or an
    /// expression.
    pub condition: Option<String>,
}

/// Bytes to watch, as a person means them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataMeant {
    /// What is called so inside of a group of values.
    Inside {
        /// The group.
        of: ValuesRef,
        /// The [`VariableView::name`](super::VariableView::name) of one of its values.
        name: String,
    },
    /// The value of an expression, which must be in memory.
    Expression {
        /// As it is written in a watch.
        text: String,
        /// Where to evaluate it; `None` means the innermost frame.
        frame: Option<FrameId>,
    },
    /// So many bytes from an address.
    Memory {
        /// An address that `read_memory` understands.
        reference: String,
        /// How many from there.
        bytes: u64,
    },
}

/// Names bytes of a memory: valid as long as the recording is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataId(pub String);

/// Bytes that can be watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// What a data breakpoint on them is set with.
    pub id: DataId,
    /// For people.
    pub description: String,
}

/// A breakpoint on changes of bytes, as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataBreakpointRequest {
    /// The bytes.
    pub data: DataId,
    /// Which writes to them count.
    pub writes: Writes,
    /// Which of those stop.
    pub when: When,
}

/// What became of a breakpoint that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakpointState {
    /// The number it has now: setting it again gives it another.
    pub id: BreakpointId,
    /// Whether it can stop anywhere.
    pub verified: bool,
    /// The source that it is in, if it was not asked for by that.
    pub source: Option<SourceRef>,
    /// Where it really is.
    pub point: Option<SourcePoint>,
    /// Why it is not verified; of one by name, which functions are meant, and where.
    pub message: Option<String>,
    /// The address it stands at, if it is one.
    pub instruction: Option<String>,
}
