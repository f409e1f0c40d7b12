//! What a debuggee shows of itself, and what it is asked for: plain data, in the words of
//! people.

use super::Stream;
use crate::replay::Position;
use crate::timeline::motion::{BreakpointId, Motion};
use std::path::PathBuf;

/// What a stop is called, and more about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopText {
    /// In place of "Paused on breakpoint" and the like.
    pub description: Option<String>,
    /// For example a trap's message.
    pub text: Option<String>,
}

/// A moment with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub name: String,
    pub position: Position,
    pub event: u64,
}

/// A piece of what the program printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    pub stream: Stream,
    /// The hostcall that wrote it.
    pub event: u64,
    pub bytes: Vec<u8>,
    /// Where that hostcall is listed.
    pub place: (SourceRef, SourcePoint),
}

/// The handle table of a component instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceHandles {
    pub instance: u32,
    pub handles: Vec<HandleShown>,
    /// Those that are never dropped, as far as that is known yet.
    pub leaks: Vec<HandleShown>,
}

/// A handle, and what is known of its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandleShown {
    pub index: u32,
    /// `own`, `borrow`, `stream`, …
    pub kind: &'static str,
    pub type_name: String,
    /// What it stands for.
    pub meaning: Option<String>,
    pub rep: Option<u32>,
    /// Such as `lent to 1 call`.
    pub state: Option<String>,
    /// Events with what they did to it, in their order.
    pub life: Vec<(u64, String)>,
}

/// How much there is to travel in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The program's name, for people.
    pub name: String,
    /// The number of outgoing crossings.
    pub events: u64,
    /// Where the recording ends, once something has been there.
    pub end: Option<Position>,
    /// How it ended, in words: "the run exited with status 0".
    pub ending: String,
}

impl History {
    /// How far through the recording a moment is, in percent: by ticks, or by hostcalls
    /// as long as it is not known how many there are.
    pub fn percent(&self, event: u64, position: Position) -> f64 {
        let (part, whole) = match (self.end, self.events) {
            (Some(end), _) => (position.tick.0, end.tick.0),
            (None, events) => (event, events),
        };
        100.0 * part.min(whole) as f64 / whole.max(1) as f64
    }

    /// Where in time a moment is: "event 123 of 4,567 (37 %)". The part of the way is told
    /// once the end is known: until then it would be another measure.
    pub fn moment(&self, event: u64, position: Position) -> String {
        let percent = self.percent(event, position).round();
        let part = match self.end {
            // All of it is the end alone.
            Some(end) if position < end => format!(" ({} %)", percent.min(99.0)),
            Some(_) => " (100 %)".to_owned(),
            None => String::new(),
        };
        match self.events {
            0 => format!("tick {}{part}", grouped(position.tick.0)),
            events => format!("event {} of {}{part}", grouped(event), grouped(events)),
        }
    }
}

/// A number with its thousands set apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// One frame of the stack at a stop, chosen by the debuggee; the same number in
/// the same invocation at another stop where that is cheap (a depth is).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameId(pub u32);

/// Names a group of values: a scope of a frame, or what is inside a value. Its
/// text is the debuggee's own; equal texts at two stops mean the same variable,
/// which keeps it unfolded in an editor while one steps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ValuesRef(pub String);

/// Names a text that is no file: a disassembly, a source kept in the recording.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TextRef(pub String);

/// A slice of frames; `levels` absent means all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub start: usize,
    pub levels: Option<usize>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frames {
    pub frames: Vec<Frame>,
    /// The number of frames on the whole stack.
    pub total: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub id: FrameId,
    pub name: String,
    /// Absent: nothing can be shown but the disassembly.
    pub place: Option<FramePlace>,
    /// An address that `disassemble` understands.
    pub instruction: Option<String>,
    pub module: Option<String>,
    pub presentation: Presentation,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FramePlace {
    pub source: SourceRef,
    pub point: SourcePoint,
}

/// A place in a source: counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourcePoint {
    pub line: u64,
    pub column: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presentation {
    Normal,
    /// Not what one debugs: a library, a shim.
    Subtle,
    /// No frame at all, but a line between frames.
    Label,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceRef {
    pub name: String,
    pub origin: SourceOrigin,
}

/// Where a source's text is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SourceOrigin {
    /// In a file, at the path of the debug information.
    File(String),
    /// Made by the debuggee.
    Generated(TextRef),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    pub content: String,
    pub mime_type: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub name: String,
    pub hint: ScopeHint,
    pub children: Children,
    /// Not to be opened unasked.
    pub expensive: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeHint {
    Arguments,
    Locals,
    Registers,
    ReturnValue,
    None,
}

/// What is inside a value or a scope. Counts let a client fetch pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Children {
    pub values: ValuesRef,
    pub named: Option<u64>,
    pub indexed: Option<u64>,
}

/// Which children: those with names or those with numbers, and how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Page {
    pub filter: Option<ChildKind>,
    pub start: usize,
    /// Absent: all.
    pub count: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildKind {
    Named,
    Indexed,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Format {
    pub hex: bool,
}

/// A value as people see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VariableView {
    pub name: String,
    pub value: String,
    pub type_name: Option<String>,
    pub children: Option<Children>,
    /// An address that `read_memory` understands.
    pub memory: Option<String>,
    /// The bytes that hold it, if they are in memory.
    pub data: Option<DataId>,
    /// An expression that gives this value.
    pub evaluate_name: Option<String>,
    pub kind: ValueKind,
    /// Fetched only when asked for: its one child is the value.
    pub lazy: bool,
    pub declared: Option<(SourceRef, SourcePoint)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ValueKind {
    #[default]
    Data,
    /// Not the program's own: a length, a note such as "optimised out".
    Virtual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvaluateContext {
    Repl,
    Watch,
    Hover,
    /// The value whole, to be copied.
    Clipboard,
    Variables,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceBreakpointRequest {
    pub point: SourcePoint,
    pub when: When,
    /// Print this instead of stopping; expressions stand in braces.
    pub log_message: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionBreakpointRequest {
    pub name: String,
    pub when: When,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstructionBreakpointRequest {
    pub instruction: String,
    pub offset: i64,
    pub when: When,
}

/// Bytes to watch, as a person means them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataMeant {
    /// What is called so inside of a group of values.
    Inside { of: ValuesRef, name: String },
    /// The value of an expression, which must be in memory.
    Expression {
        text: String,
        frame: Option<FrameId>,
    },
    /// So many bytes from an address.
    Memory { reference: String, bytes: u64 },
}

/// Names bytes of a memory: valid as long as the recording is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataId(pub String);

/// Bytes that can be watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    pub id: DataId,
    /// For people.
    pub description: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataBreakpointRequest {
    pub data: DataId,
    pub when: When,
}

/// A moment at which the program is on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineVisit {
    pub motion: Motion,
    pub label: String,
    pub point: SourcePoint,
}

/// A call that can be stepped into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepInTarget {
    pub label: String,
    pub motion: Motion,
}

/// Which passes of a breakpoint count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct When {
    pub condition: Option<String>,
    pub hit_condition: Option<String>,
}

/// The stops that are switched on by name, not by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopFilter {
    /// Where the run ends in a trap.
    Trap,
    /// Every hostcall.
    Hostcall,
    /// Hostcalls that answer an error.
    FailedHostcall,
    /// Hostcalls that make a handle.
    HandleCreated,
    /// Hostcalls that drop a handle.
    HandleDropped,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterRequest {
    pub filter: StopFilter,
    /// A WIT path (a part of it, or with `*`), for handles a resource's; or an
    /// expression.
    pub condition: Option<String>,
}

/// What became of a breakpoint that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakpointState {
    pub id: BreakpointId,
    pub verified: bool,
    /// Where it really is.
    pub point: Option<SourcePoint>,
    /// Why it is not verified, or elsewhere.
    pub message: Option<String>,
    /// The address it stands at, if it is one.
    pub instruction: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleView {
    pub id: String,
    pub name: String,
    pub path: Option<PathBuf>,
    /// "DWARF 4", "names only", …
    pub symbols: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct InstructionView {
    pub address: String,
    pub bytes: Option<String>,
    pub text: String,
    pub symbol: Option<String>,
    pub place: Option<FramePlace>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryView {
    pub address: String,
    pub bytes: Vec<u8>,
    /// How many of those asked for are not there.
    pub unreadable: u64,
}
