//! What a debuggee holds where it stands.

use super::{DataId, DebuggeeError, FramePlace, SourcePoint, SourceRef, ThreadId};
use crate::inspect::expression::Telling;
use crate::inspect::{ChildCount, Notation};
use crate::timeline::Interrupt;

/// Shows what it holds: frames, values, memory.
pub trait Looks {
    /// From now on what takes code for debugging waits until that is compiled, and what is found out in the
    /// background until that is known, or until it is interrupted; `None`: it is refused as long as that
    /// takes, as people would rather not wait.
    fn wait_for_code(&mut self, interrupt: Option<&Interrupt>) {
        _ = interrupt;
    }
    /// Frames from the innermost outward.
    ///
    /// # Errors
    ///
    /// If it cannot be asked any more: its process has died, and another cannot be started.
    fn frames(&mut self, window: Window) -> Result<Frames, DebuggeeError>;
    /// The same of a thread, which may be another one than that which runs.
    ///
    /// # Errors
    ///
    /// As [`Looks::frames`], or if there is no such thread here, or if interrupted.
    fn frames_of(
        &mut self,
        _thread: ThreadId,
        window: Window,
        _interrupt: &Interrupt,
    ) -> Result<Frames, DebuggeeError> {
        self.frames(window)
    }
    /// The groups of values of a frame, in the order in which they are shown.
    ///
    /// # Errors
    ///
    /// As [`Looks::frames`], or if there is no such frame.
    fn scopes(&mut self, frame: FrameId) -> Result<Vec<Scope>, DebuggeeError>;
    /// The values of a group, as many as the page asks for.
    ///
    /// # Errors
    ///
    /// As [`Looks::frames`], or if the group is not there any more.
    fn variables(
        &mut self,
        of: &ValuesRef,
        page: Page,
        format: Format,
    ) -> Result<Vec<VariableView>, DebuggeeError>;
    /// Evaluates without side effects; in no frame: in the innermost.
    ///
    /// # Errors
    ///
    /// If the expression has no value here: why, in words.
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
    /// What the type of an expression, or the type of this name, is called, or made of: a line
    /// for the type, and one for each of its parts. Of a function, what it takes and returns.
    ///
    /// # Errors
    ///
    /// If there is neither such an expression nor such a type or function.
    fn declared(
        &mut self,
        text: &str,
        frame: Option<FrameId>,
        telling: Telling,
    ) -> Result<String, DebuggeeError>;
    /// Bytes from `offset` after an address (before, if negative): fewer than `count` where
    /// the memory ends.
    ///
    /// # Errors
    ///
    /// As [`Looks::frames`], or if the address is none.
    fn read_memory(
        &mut self,
        reference: &str,
        offset: i64,
        count: usize,
    ) -> Result<MemoryView, DebuggeeError>;
    /// The handle tables of all component instances, one child each.
    ///
    /// # Errors
    ///
    /// If the tables are not known: why, in words.
    fn handles(&mut self) -> Result<VariableView, DebuggeeError>;
    /// What the tasks of programs with futures wait for: lines of text, each with how deep it is
    /// in those before it.
    ///
    /// # Errors
    ///
    /// As [`Looks::frames`].
    fn futures(&mut self) -> Result<Vec<(usize, String)>, DebuggeeError> {
        Ok(Vec::new())
    }
    /// The WIT name of the hostcall that the guest is in.
    fn calling(&mut self) -> Option<String>;
    /// The exception that the program throws where it stands.
    fn thrown(&mut self) -> Option<Thrown> {
        None
    }
}

/// An exception or a panic: about to be thrown, or what has ended the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thrown {
    /// A new one.
    New {
        /// The name of its tag, or `tag 0`.
        tag: String,
        /// What it carries, as the core level has it; `None` if that is not known.
        payload: Option<String>,
    },
    /// One that was caught goes on as it was.
    Again,
    /// It gives up: what it says of why.
    Panic(Option<String>),
}

impl Thrown {
    /// In a sentence.
    pub fn told(&self) -> String {
        match self {
            Thrown::Panic(_) => self.to_string(),
            Thrown::New { .. } | Thrown::Again => format!("throws {self}"),
        }
    }
}

impl std::fmt::Display for Thrown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Thrown::New {
                tag,
                payload: Some(payload),
            } => write!(f, "{tag}({payload})"),
            Thrown::New { tag, payload: None } => f.write_str(tag),
            Thrown::Again => f.write_str("what was caught before"),
            Thrown::Panic(Some(message)) => f.write_str(message),
            Thrown::Panic(None) => f.write_str("the program gives up"),
        }
    }
}

/// A slice of frames; `levels` absent means all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many frames to leave out, from the innermost.
    pub start: usize,
    /// How many to show after those.
    pub levels: Option<usize>,
}

/// One frame of the stack at a stop, chosen by the debuggee; the same number in
/// the same invocation at another stop where that is cheap (a depth is).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameId(pub u32);

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
    /// The [`ModuleView::id`](super::ModuleView::id) of its core module; `None` for a crossing.
    pub module: Option<String>,
    /// How much of the person's attention it should get.
    pub presentation: Presentation,
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

/// Names a group of values: a scope of a frame, or what is inside a value. Its
/// text is the debuggee's own; equal texts at two stops mean the same variable,
/// which keeps it unfolded in an editor while one steps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ValuesRef(pub String);

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

impl Children {
    /// What is asked for with this; `None` if there is nothing inside.
    pub fn counted(values: impl Into<String>, count: ChildCount) -> Option<Children> {
        let (named, indexed) = match count {
            ChildCount::None => return None,
            ChildCount::Named(count) => (Some(count), None),
            ChildCount::Indexed(count) => (None, Some(count)),
        };
        Some(Children {
            values: ValuesRef(values.into()),
            named,
            indexed,
        })
    }
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
    /// Whole numbers, and what is made of them.
    pub notation: Notation,
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
    /// The console, where the text is not a command.
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
