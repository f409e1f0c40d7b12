//! What can be wrong with a module's debug information.

/// Why a question about a module's sources has no answer. Every error belongs
/// to the one thing asked: the rest of the module stays readable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The bytes are not a core module.
    #[error("not a core WebAssembly module: {0}")]
    NotAModule(String),
    /// A DWARF section contradicts itself or the format.
    #[error("the debug information is damaged ({0}); rebuild the guest to get a sound one")]
    Damaged(#[from] gimli::Error),
    /// Tables that overlap or refer to each other without end.
    #[error("the debug information is refused: {0}")]
    Excessive(&'static str),
    /// More than is read: it would take memory and time without end.
    #[error(
        "the debug information is too large: {what} would take more than {} MiB", limit >> 20
    )]
    TooLarge {
        /// What there is too much of: `functions`.
        what: &'static str,
        /// The most that it may take, in bytes.
        limit: usize,
    },
    /// It is not a source map, or its mappings are damaged.
    #[error("the source map is damaged ({0}); build the guest again to get a sound one")]
    SourceMap(String),
    /// A type or an entry that is not there.
    #[error("the debug information refers to an entry that it does not have")]
    DanglingReference,
    /// No function of the debug information contains the place.
    #[error(
        "no debug information covers module offset {pc:#x}; build the guest with `-g` to see its variables"
    )]
    NotCovered {
        /// The place asked for.
        pc: u32,
    },
}
