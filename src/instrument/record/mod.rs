//! The recording rewrite: every crossing of the core boundary is wrapped by a
//! generated core function that logs it.
//!
//! In front of each component body that has core code come an import of the
//! sink (`rr:recorder/sink`), the recorder's memories and the recorder. A wrapper
//! of an outgoing crossing is emitted after the definition, and later uses of
//! that core function are re-pointed to it; a wrapper of an incoming one is
//! emitted before the definition that uses it, and used only there. The guest's
//! core modules are copied byte for byte, so offsets in them stay true.

mod chaos;
mod delivery;
mod rewrite;
mod shim;
mod shuffle;
mod wrapper;

use crate::component::{Component, ParseError};

/// The import through which a recorded component hands out its records.
pub const SINK: &str = "rr:recorder/sink";

pub use crate::trace::raw::RECORDS_START;

/// Bytes of a recorder's buffer at first. It is handed over when a quarter of it is
/// full; the rest is for records made where nothing can be handed over.
pub const BUFFER_LENGTH: u32 = shim::BUFFER_CAPACITY * 4;

/// Why a component could not be rewritten.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The binary cannot be parsed as a component that can be recorded.
    #[error(transparent)]
    Component(#[from] ParseError),
    /// It imports [`SINK`] itself, or a component nested in it does.
    #[error(
        "the component is instrumented already (it has an import of {SINK}); \
         take the one that it was made of"
    )]
    Already,
    /// The binary cannot be read or encoded again: what was met, in words.
    #[error("the component cannot be rewritten for recording: {0}")]
    Rewrite(String),
    /// What the validator says of the result.
    #[error("the rewritten component is not valid ({0}); this is a fault of rr-dap")]
    Produced(wasmparser::BinaryReaderError),
}

/// When recorders hand what they have recorded to the sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Commit {
    /// When their buffer is full, and when an exported function returns. A host that
    /// can read recorders' buffers loses nothing by it.
    #[default]
    WhenFull,
    /// When their buffer is full, and where an order between instances would be lost. For hosts
    /// that look into recorders' buffers when an instance ends, and before.
    OnlyWhenFull,
    /// Before and after each call, out of the guest and into it: for hosts that see only
    /// what is handed over. A trap loses nothing but what a `realloc` or a `post-return`
    /// that traps did itself, as nothing can be handed over there.
    EachHostcall,
}

/// Who says by which seed something is random: the same seed makes it the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// The host, by `seed` of [`SINK`]: one component for all seeds.
    OfHost,
    /// This one, whoever runs it.
    Is(u32),
}

/// What a component asks its host a seed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum SeedFor {
    /// The indices of handles.
    Handles = 0,
    /// How much less is read and written than was asked for.
    Chaos = 1,
}

/// How a component is made to record itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// When records are handed over.
    pub commit: Commit,
    /// Give the sink each recorder's whole memory when it registers, for a host to
    /// read. Another component would be given a copy of it; without, what has been
    /// recorded is handed over before the program exits.
    pub shares_buffer: bool,
    /// From which call of a function on its memory is hashed: instances that live for a few
    /// calls would take longer to hash than to run.
    pub hashes_from: u32,
    /// Give its handles indices that are random and, for a long time, not used again: a guest
    /// that mixes them up traps, and any other behaves the same.
    pub handles: Option<Seed>,
    /// Let functions of WASI, and streams, read and write less than was asked for, as much
    /// less as they may.
    pub chaos: Option<Seed>,
}

impl Options {
    fn asks_for_seed(self) -> bool {
        [self.handles, self.chaos].contains(&Some(Seed::OfHost))
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            commit: Commit::WhenFull,
            shares_buffer: true,
            hashes_from: 1,
            handles: None,
            chaos: None,
        }
    }
}

/// Rewrites a component so that it records itself: an ordinary component that
/// runs on any host that gives it the import [`SINK`].
///
/// # Errors
///
/// If the binary has a construct that the rewrite does not know.
pub fn instrument(component: &Component) -> Result<Vec<u8>, RecordError> {
    instrument_with(component, Options::default())
}

/// The same, with options.
///
/// # Errors
///
/// If the binary has a construct that the rewrite does not know.
pub fn instrument_with(component: &Component, options: Options) -> Result<Vec<u8>, RecordError> {
    if imports_sink(component)? {
        return Err(RecordError::Already);
    }
    let rewritten = rewrite::rewrite(component, options)?;
    wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
        .validate_all(&rewritten)
        .map_err(RecordError::Produced)?;
    Ok(rewritten)
}

/// Whether the component, or one nested in it, has the import that a rewrite adds.
fn imports_sink(component: &Component) -> Result<bool, RecordError> {
    let malformed = |e: wasmparser::BinaryReaderError| RecordError::Rewrite(e.to_string());
    for payload in wasmparser::Parser::new(0).parse_all(component.bytes()) {
        if let wasmparser::Payload::ComponentImportSection(section) = payload.map_err(malformed)? {
            for import in section {
                if import.map_err(malformed)?.name.name == SINK {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}
