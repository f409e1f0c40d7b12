//! The recording rewrite: every crossing of the core boundary is wrapped by a
//! generated core function that logs it.
//!
//! In front of each component body that has core code come an import of the
//! sink (`rr:recorder/sink`), the recorder's memories and the recorder. A wrapper
//! of an outgoing crossing is emitted after the definition, and later uses of
//! that core function are re-pointed to it; a wrapper of an incoming one is
//! emitted before the definition that uses it, and used only there. The guest's
//! core modules are copied byte for byte, so offsets in them stay true.

mod delivery;
mod rewrite;
mod shim;
mod wrapper;

use crate::component::{Component, ParseError};

/// The import through which a recorded component hands out its records.
pub const SINK: &str = "rr:recorder/sink";

/// Where records begin in a recorder's buffer. The first word of the buffer is
/// the position of the next record.
pub const RECORDS_START: u32 = 16;

/// Why a component could not be rewritten.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error(transparent)]
    Component(#[from] ParseError),
    #[error("the component cannot be rewritten for recording: {0}")]
    Rewrite(String),
    #[error("the rewritten component is not valid ({0}); this is a fault of rr-dap")]
    Produced(wasmparser::BinaryReaderError),
}

/// Rewrites a component so that it records itself: an ordinary component that
/// runs on any host that gives it the import [`SINK`].
///
/// # Errors
///
/// If the binary has a construct that the rewrite does not know.
pub fn instrument(component: &Component) -> Result<Vec<u8>, RecordError> {
    let rewritten = rewrite::rewrite(component)?;
    wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
        .validate_all(&rewritten)
        .map_err(RecordError::Produced)?;
    Ok(rewritten)
}
