//! Sources, and what is in them.

use super::TextRef;

/// A source, as people and as the debuggee know it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceRef {
    /// The last part of the path, or a title for a text that is no file.
    pub name: String,
    /// Where to find its text.
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

/// The text of a source that is no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// All of it.
    pub content: String,
    /// `None`: the client decides by the name.
    pub mime_type: Option<String>,
}

/// A function of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionView {
    /// As people know it, with its path: `Stack<int>::push`.
    pub name: String,
    /// Where its source declares it, if debug information tells: the source and the line.
    pub declared: Option<(SourceRef, u64)>,
}
