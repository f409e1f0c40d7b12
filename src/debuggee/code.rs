//! What a debuggee's code is, wherever it stands.

use super::{DebuggeeError, FrameId, Output};
use crate::timeline::Interrupt;
use std::path::PathBuf;

/// Shows its code: sources, functions, modules, instructions.
pub trait Code {
    /// All sources that code comes from, by path ascending.
    ///
    /// # Errors
    ///
    /// If the debuggee does not know its code any more.
    fn sources(&mut self) -> Result<Vec<SourceRef>, DebuggeeError>;
    /// The text of a source that is not a file. That of the hostcalls replays the recording the
    /// first time.
    ///
    /// # Errors
    ///
    /// If there is no such text, or the replay for it fails or is interrupted.
    fn source_text(
        &mut self,
        text: &TextRef,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<SourceText, DebuggeeError>;
    /// The functions of the guest with this in their name, or that fit a pattern with `*`,
    /// by name ascending.
    fn functions(&mut self, pattern: &str) -> Vec<FunctionView>;
    /// The functions that a breakpoint by this name would stop at: that end so, at `::`.
    fn functions_meant(&mut self, name: &str) -> Vec<FunctionView>;
    /// The variables outside functions, in the same way.
    fn globals(&mut self, pattern: &str) -> Vec<FunctionView>;
    /// The WIT paths of what the guest can ask its host for, ascending.
    fn hostcall_paths(&self) -> Vec<String>;
    /// The types that have names, in the same way.
    fn types(&mut self, pattern: &str) -> Vec<FunctionView>;
    /// Which code a line has, or the next one that has some: a line of text for each place.
    fn code_of_line(&mut self, file: &str, line: u64) -> Vec<String>;
    /// The variables that can be seen on a line of a file, or on the next one that has code.
    fn variables_of_line(&mut self, _file: &str, _line: u64) -> Vec<VariableInSource> {
        Vec::new()
    }
    /// What is at an address: code at an offset in the module of a frame, or a variable.
    ///
    /// # Errors
    ///
    /// If the text is not an address, or nothing is there.
    fn symbol_at(&mut self, address: &str, frame: Option<FrameId>)
    -> Result<String, DebuggeeError>;
    /// All core modules, in the order of the component's binary.
    ///
    /// # Errors
    ///
    /// As [`Code::sources`].
    fn modules(&mut self) -> Result<Vec<ModuleView>, DebuggeeError>;
    /// Instructions around an address, exactly `count`, starting `skip`
    /// instructions after it (before, if negative). Where there are none, an
    /// instruction says so.
    ///
    /// # Errors
    ///
    /// If the address is none of its code.
    fn disassemble(
        &mut self,
        at: &str,
        offset: i64,
        skip: i64,
        count: usize,
    ) -> Result<Vec<InstructionView>, DebuggeeError>;
}

/// A source, as people and as the debuggee know it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceRef {
    /// The last part of the path, or a title for a text that is not a file.
    pub name: String,
    /// Where to find its text.
    pub origin: SourceOrigin,
    /// What who looks at it must know: that it has changed, or is not here, and the remedy.
    pub note: Option<String>,
}

/// Where a source's text is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SourceOrigin {
    /// In a file, at the path of the debug information.
    File(String),
    /// Made by the debuggee.
    Generated(TextRef),
}

/// Names a text that is not a file: a disassembly, a source kept in the recording.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TextRef(pub String);

/// The text of a source that is not a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// All of it.
    pub content: String,
    /// `None`: the client decides by the name.
    pub mime_type: Option<String>,
}

/// A place in a source: counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourcePoint {
    /// The first line is 1.
    pub line: u64,
    /// `None` where only the line is known, or meant.
    pub column: Option<u64>,
}

/// Where code comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct FramePlace {
    /// The file, or the text that is shown in its place.
    pub source: SourceRef,
    /// The line and column there.
    pub point: SourcePoint,
}

/// A function of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionView {
    /// As people know it, with its path: `Stack<int>::push`.
    pub name: String,
    /// Where its source declares it, if debug information tells: the source and the line.
    pub declared: Option<(SourceRef, u64)>,
}

/// A variable, as its source declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableInSource {
    /// What the source calls it.
    pub name: String,
    /// The line of its declaration, from 1, if that is known.
    pub declared: Option<u64>,
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
