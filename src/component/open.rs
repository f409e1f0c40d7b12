//! From what a person has (a component, a WASI 0.1 module, text) to a component
//! binary.

use super::adapter_maximum;
use super::adapter_room::{self, GoError};
use std::borrow::Cow;
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
    /// It is a file of another sort.
    #[error("{path} is {what}; give a component, a WASI 0.1 module or .wat")]
    Other {
        /// The program's file.
        path: PathBuf,
        /// What it is, and what it is for.
        what: &'static str,
    },
    /// It is a recording.
    #[error(
        "{path} is a recording, not a program: `rr-dap debug {path}` debugs it, \
         `rr-dap replay {path}` prints what it printed"
    )]
    Recording {
        /// The file.
        path: PathBuf,
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
    let other = |what| OpenError::Other {
        path: path.to_owned(),
        what,
    };
    if path.is_dir() {
        return Err(other("a directory"));
    }
    let bytes = std::fs::read(path).map_err(|source| OpenError::Read {
        path: path.to_owned(),
        source,
    })?;
    if bytes.starts_with(b"RRTRACE\n") {
        return Err(OpenError::Recording {
            path: path.to_owned(),
        });
    }
    if let Some(what) = other_sort(path, &bytes) {
        return Err(other(what));
    }
    let assembled = match wat::parse_bytes(&bytes) {
        // Megabytes that need not be copied.
        Ok(Cow::Borrowed(_)) => None,
        Ok(Cow::Owned(binary)) => Some(binary),
        Err(e) => {
            return Err(OpenError::Text {
                path: path.to_owned(),
                message: e.to_string(),
            });
        }
    };
    let bytes = assembled.unwrap_or(bytes);
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

/// What a file is that cannot be a program for WebAssembly.
fn other_sort(path: &Path, bytes: &[u8]) -> Option<&'static str> {
    let is_named = |extension: &str| path.extension().is_some_and(|known| known == extension);
    Some(match bytes {
        [] => "empty",
        [0x7f, b'E', b'L', b'F', ..] => "an executable of this machine, not of WebAssembly",
        [0xcf, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] | [b'M', b'Z', ..] => {
            "an executable of another machine, not of WebAssembly"
        }
        [b'#', b'!', ..] => "a script",
        [b'B', b'C', 0xc0, 0xde, ..] => "bitcode of LLVM, which has yet to be linked",
        _ if is_named("wit") => "WIT, which says what components have in common",
        _ => return None,
    })
}

/// What a core module exports that is not a command and has no types for its exports, so that
/// nothing can call it.
pub fn uncallable_exports(path: &Path) -> Option<Vec<String>> {
    let bytes = std::fs::read(path).ok()?;
    let bytes = wat::parse_bytes(&bytes).ok()?;
    if !wasmparser::Parser::is_core_wasm(&bytes) || exports_start(&bytes) {
        return None;
    }
    let mut names = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(&bytes) {
        match payload.ok()? {
            wasmparser::Payload::CustomSection(section)
                if section.name().starts_with("component-type") =>
            {
                return None;
            }
            wasmparser::Payload::ExportSection(exports) => {
                let functions = exports.into_iter().flatten();
                let functions = functions.filter(|e| e.kind == wasmparser::ExternalKind::Func);
                names.extend(functions.map(|export| export.name.to_owned()));
            }
            _ => {}
        }
    }
    Some(names)
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
