//! What a debuggee shows of itself, and what it is asked for: plain data, in the words of
//! people.

use super::{SourceRef, Stream};
use crate::replay::Position;
use crate::timeline::travel::motion::{BreakpointId, Motion};
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
    /// As the person gave it, or a number.
    pub name: String,
    /// The moment, the same in every replay.
    pub position: Position,
    /// Outgoing crossings made before the moment; at a hostcall, its own number.
    pub event: u64,
}

/// A piece of what the program printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// Where it was printed.
    pub stream: Stream,
    /// The hostcall that wrote it.
    pub event: u64,
    /// As they were written: a piece may end in the middle of a character.
    pub bytes: Vec<u8>,
    /// Where that hostcall is listed.
    pub place: (SourceRef, SourcePoint),
}

/// The handle table of a component instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceHandles {
    /// The component instance, as the recording numbers it.
    pub instance: u32,
    /// Those in the table, by index ascending.
    pub handles: Vec<HandleShown>,
    /// Those that are never dropped, as far as that is known yet.
    pub leaks: Vec<HandleShown>,
}

/// A handle, and what is known of its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandleShown {
    /// Its index in the table: the number that the guest has.
    pub index: u32,
    /// `own`, `borrow`, `stream`, …
    pub kind: &'static str,
    /// The WIT name of its resource; what it is, for a handle to anything else.
    pub type_name: String,
    /// What it stands for.
    pub meaning: Option<String>,
    /// What the guest gave to `resource.new`; `None` if that is not known.
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
    /// How many frames to leave out, from the innermost.
    pub start: usize,
    /// How many to show after those.
    pub levels: Option<usize>,
}

/// A part of the stack.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frames {
    /// Those of the window, innermost first.
    pub frames: Vec<Frame>,
    /// The number of frames on the whole stack.
    pub total: usize,
}

/// A frame of guest code, of a call inlined there, or of a crossing.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// What its scopes are asked for with.
    pub id: FrameId,
    /// The function's name; of a crossing, its WIT path and what more there is to say.
    pub name: String,
    /// Absent: nothing can be shown but the disassembly.
    pub place: Option<FramePlace>,
    /// An address that `disassemble` understands.
    pub instruction: Option<String>,
    /// The [`ModuleView::id`] of its core module; `None` for a crossing.
    pub module: Option<String>,
    /// How much of the person's attention it should get.
    pub presentation: Presentation,
}

/// Where code comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct FramePlace {
    /// The file, or the text that is shown in its place.
    pub source: SourceRef,
    /// The line and column there.
    pub point: SourcePoint,
}

/// A place in a source: counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourcePoint {
    /// The first line is 1.
    pub line: u64,
    /// `None` where only the line is known, or meant.
    pub column: Option<u64>,
}

/// How prominent a frame is: the protocol's `presentationHint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presentation {
    /// Code that one debugs.
    Normal,
    /// Not what one debugs: a library, a shim.
    Subtle,
    /// No frame at all, but a line between frames.
    Label,
}

/// A group of the values of a frame, with a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The title, such as "Locals".
    pub name: String,
    /// Which sort of values they are.
    pub hint: ScopeHint,
    /// What is inside.
    pub children: Children,
    /// Not to be opened unasked.
    pub expensive: bool,
}

/// What is in a scope: the protocol's `presentationHint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeHint {
    /// What a function or a crossing was called with.
    Arguments,
    /// Variables of the source language.
    Locals,
    /// The core level: locals, operands, globals, tables, memories, flat values.
    Registers,
    /// What a crossing returns.
    ReturnValue,
    /// Anything that the protocol has no word for, such as statics.
    None,
}

/// What is inside a value or a scope. Counts let a client fetch pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Children {
    /// What they are asked for with.
    pub values: ValuesRef,
    /// How many have names: fields, variables. `None`: not counted.
    pub named: Option<u64>,
    /// How many have numbers: elements. `None`: not counted.
    pub indexed: Option<u64>,
}

/// Which children: those with names or those with numbers, and how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Page {
    /// Absent: both kinds.
    pub filter: Option<ChildKind>,
    /// How many children to leave out, from the first.
    pub start: usize,
    /// Absent: all.
    pub count: Option<usize>,
}

/// A kind of children, as the protocol tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildKind {
    /// Fields, and the variables of a scope.
    Named,
    /// The elements of a list.
    Indexed,
}

/// How values are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Format {
    /// Whole numbers in hexadecimal.
    pub hex: bool,
}

/// A value as people see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VariableView {
    /// What it is called within its group; the expression, if it is the value of one.
    pub name: String,
    /// The value as text; of what has parts, a summary.
    pub value: String,
    /// In the words of the source language, of WIT or of core WebAssembly.
    pub type_name: Option<String>,
    /// What can be unfolded; `None` if there is nothing inside.
    pub children: Option<Children>,
    /// An address that `read_memory` understands.
    pub memory: Option<String>,
    /// The bytes that hold it, if they are in memory.
    pub data: Option<DataId>,
    /// An expression that gives this value.
    pub evaluate_name: Option<String>,
    /// Whether it is a value of the program's.
    pub kind: ValueKind,
    /// Fetched only when asked for: its one child is the value.
    pub lazy: bool,
    /// Where it is declared, if that is known.
    pub declared: Option<(SourceRef, SourcePoint)>,
}

/// Whether a value is the program's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ValueKind {
    /// It is: something that the guest computed.
    #[default]
    Data,
    /// Not the program's own: a length, a note such as "optimised out".
    Virtual,
}

/// What an expression is evaluated for: the protocol's `context`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvaluateContext {
    /// The console, where the text is no command.
    Repl,
    /// A list of watches, or a context that the protocol does not name.
    Watch,
    /// The mouse rests on it in a source.
    Hover,
    /// The value whole, to be copied.
    Clipboard,
    /// A view of variables.
    Variables,
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

/// Bytes to watch, as a person means them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataMeant {
    /// What is called so inside of a group of values.
    Inside {
        /// The group.
        of: ValuesRef,
        /// The [`VariableView::name`] of one of its values.
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
    /// Which changes stop.
    pub when: When,
}

/// A moment at which the program is on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineVisit {
    /// The way there.
    pub motion: Motion,
    /// For people to choose by: its ordinal, if known, and where in time it is.
    pub label: String,
    /// The line that has code: the one asked for, or the next.
    pub point: SourcePoint,
}

/// A call that can be stepped into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepInTarget {
    /// The callee's name, or its number where it has none.
    pub label: String,
    /// The way into it.
    pub motion: Motion,
}

/// Which passes of a breakpoint count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct When {
    /// An expression that must hold for a visit to count; `None`: all count.
    pub condition: Option<String>,
    /// Which of the visits that count, by ordinal: `5`, `>= 5`, `% 5`.
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

/// A filter that is switched on, as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterRequest {
    /// Which stops.
    pub filter: StopFilter,
    /// A WIT path (a part of it, or with `*`), for handles a resource's; or an
    /// expression.
    pub condition: Option<String>,
}

/// What became of a breakpoint that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakpointState {
    /// The number it has now: setting it again gives it another.
    pub id: BreakpointId,
    /// Whether it can stop anywhere.
    pub verified: bool,
    /// Where it really is.
    pub point: Option<SourcePoint>,
    /// Why it is not verified, or elsewhere.
    pub message: Option<String>,
    /// The address it stands at, if it is one.
    pub instruction: Option<String>,
}

/// A core module, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleView {
    /// Its number in the order of the component's binary, as text.
    pub id: String,
    /// The number in words, with the name that the module has for itself.
    pub name: String,
    /// The module's own file; `None` for one inside of a component.
    pub path: Option<PathBuf>,
    /// "DWARF 4", "names only", …
    pub symbols: Option<String>,
}

/// A line of disassembly.
#[derive(Debug, Clone, PartialEq)]
pub struct InstructionView {
    /// Where it is, so that `disassemble` understands it.
    pub address: String,
    /// Its encoding in hexadecimal; `None` where there is no instruction.
    pub bytes: Option<String>,
    /// The instruction in the text format.
    pub text: String,
    /// The function that it is in.
    pub symbol: Option<String>,
    /// Its line, or else its line in the text of its function.
    pub place: Option<FramePlace>,
}

/// Bytes of a memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryView {
    /// Where the first one is, so that `read_memory` understands it.
    pub address: String,
    /// Those that are there.
    pub bytes: Vec<u8>,
    /// How many of those asked for are not there.
    pub unreadable: u64,
}
