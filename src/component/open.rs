//! From what a person has (a component, a WASI 0.1 module, text) to a component
//! binary.

use super::adapter_maximum;
use super::adapter_room::{self, GoError};
use std::path::{Path, PathBuf};
use wasi_preview1_component_adapter_provider as adapters;

/// Why a program could not be made into a component.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The program's file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is not a binary, and the text parser refuses it.
    #[error("{path} is neither WebAssembly nor its text format: {message}")]
    Text {
        /// The program's file.
        path: PathBuf,
        /// What the text parser says.
        message: String,
    },
    /// It is of Go, and the WASI 0.1 adapter cannot have a part of its memory.
    #[error("{path} is a core module that cannot be made into a component: {source}")]
    Go {
        /// The program's file.
        path: PathBuf,
        /// What is in the way.
        source: GoError,
    },
    /// The WASI 0.1 adapter could not be put around the core module.
    #[error(
        "{path} is a core module that cannot be made into a component: {message}\n\
         build it for wasm32-wasip2, or make it a component with `wasm-tools component new`"
    )]
    Adapt {
        /// The program's file.
        path: PathBuf,
        /// What `wit-component` says.
        message: String,
    },
}

/// Reads a program and returns it as a component binary: a component as it is,
/// text assembled, a WASI 0.1 core module adapted with the official adapter.
///
/// # Errors
///
/// If the file cannot be read, is not WebAssembly, or is a core module that no
/// adapter fits.
pub fn component_bytes(path: &Path) -> Result<Vec<u8>, OpenError> {
    let bytes = std::fs::read(path).map_err(|source| OpenError::Read {
        path: path.to_owned(),
        source,
    })?;
    let bytes = match wat::parse_bytes(&bytes) {
        Ok(binary) => binary.into_owned(),
        Err(e) => {
            return Err(OpenError::Text {
                path: path.to_owned(),
                message: e.to_string(),
            });
        }
    };
    if wasmparser::Parser::is_core_wasm(&bytes) {
        let of_go = adapter_room::with_room(&bytes).map_err(|source| OpenError::Go {
            path: path.to_owned(),
            source,
        })?;
        let module = of_go.as_deref().unwrap_or(&bytes);
        // A damaged module is refused with the adapter's words.
        let raised = adapter_maximum::raised(module).unwrap_or(None);
        let module = raised.as_deref().unwrap_or(module);
        return adapt(module).map_err(|message| OpenError::Adapt {
            path: path.to_owned(),
            message,
        });
    }
    Ok(bytes)
}

/// Wraps a WASI 0.1 core module. A command exports `_start`; anything else is a
/// reactor.
fn adapt(module: &[u8]) -> Result<Vec<u8>, String> {
    let adapter = if exports_start(module) {
        adapters::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER
    } else {
        adapters::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER
    };
    let mut encoder = wit_component::ComponentEncoder::default()
        .module(module)
        .and_then(|e| e.adapter("wasi_snapshot_preview1", adapter))
        .map_err(|e| format!("{e:#}"))?;
    encoder.encode().map_err(|e| format!("{e:#}"))
}

fn exports_start(module: &[u8]) -> bool {
    wasmparser::Parser::new(0)
        .parse_all(module)
        .filter_map(|payload| match payload {
            Ok(wasmparser::Payload::ExportSection(exports)) => Some(exports),
            _ => None,
        })
        .flatten()
        .any(|export| export.is_ok_and(|e| e.name == "_start"))
}
