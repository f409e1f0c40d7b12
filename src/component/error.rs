//! Why a binary cannot be recorded or replayed.

use wasmparser as wp;

/// Why a binary cannot be recorded or replayed.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// wasmparser refuses it; the error has the byte offset.
    #[error("not a valid component: {0}")]
    Invalid(#[from] wp::BinaryReaderError),
    /// The bytes are those of a core module; see [`component_bytes`](super::component_bytes).
    #[error(
        "this is a core module, not a component; \
         make it a component first, or give rr-dap the module's file"
    )]
    CoreModule,
    /// It is valid, but uses something that crossings cannot be recorded with.
    #[error("{construct} (at byte {offset:#x} of the component) cannot be recorded yet")]
    Unsupported {
        /// In words, with the spec's name where it has one: `a shared memory`.
        construct: String,
        /// Bytes from the beginning of the binary to the section that has it, or 0 if not known.
        offset: usize,
    },
    /// An index into this space finds nothing, or what does not fit.
    #[error("the component's {0} index space is inconsistent")]
    Index(&'static str),
    /// More than is read: memory and time would grow with it.
    #[error("the component is too large to be read: it has more than {limit} {what}")]
    TooLarge {
        /// What there is too much of: `components and core modules`.
        what: &'static str,
        /// The most of it that is read.
        limit: usize,
    },
    /// Byte offset of a core module or component that is longer than the one around it.
    #[error("not a valid component: the part at byte {0:#x} reaches beyond the one that holds it")]
    Beyond(usize),
}
