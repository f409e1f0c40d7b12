//! The clock: a core module that counts its own ticks.
//!
//! A tick is counted at each function entry and at each `loop` header, on entry
//! and on each back edge. What is kept is not the tick but the number of ticks
//! that remain until the host wants control: one compare with zero decides, and
//! one global, shared by all core modules of a store, holds all of it. The host
//! arms it with a number of ticks; then `tick = armed at + armed with - remaining`.
//! When it reaches zero the hook is called, before the first instruction of the function
//! or loop body: exactly at that tick, but for [`ClockStyle::Lazy`]. The hook must arm it
//! again. Where it has 32 bits, a distant tick is armed for in pieces.
//!
//! Custom sections are dropped: names and DWARF are read from the original.

mod body;
mod context;
mod depth;
mod encoder;
mod original;
mod recursion;
mod references;
mod scan;
mod style;

pub use style::ClockStyle;

use super::offsets::{OffsetMap, OffsetMapBuilder};
use super::probe::context::Sites;
use super::probe::{Layout, Probe};
use body::Body;
use encoder::Encoder;
use original::Original;
use thiserror::Error;
use wasm_encoder::Module;
use wasm_encoder::reencode::{self, Reencode};
use wasmparser::{Payload, WasmFeatures};

/// The module name of the clock's imports.
pub const IMPORT_MODULE: &str = "rr:clock";
/// The imported function `() -> ()` that is called when no tick remains.
pub const IMPORT_HOOK: &str = "hook";
/// The imported mutable global: how many ticks remain until the hook. An `i32` or an
/// `i64`, see [`ClockStyle`].
pub const IMPORT_REMAINING: &str = "remaining";
/// The imported mutable `i32` global of [`profile`]: how many frames the guest has.
pub const IMPORT_DEPTH: &str = "depth";
/// The imported mutable `i32` global of [`profile`]: how many it had at least since the
/// host last wrote it.
pub const IMPORT_LOWEST: &str = "lowest";
/// Grows whenever the rewrite of some module changes, so that code compiled from
/// an older rewrite is not used.
pub const VERSION: u32 = 9;

/// A core module that keeps the clock.
#[derive(Debug, Clone)]
pub struct Clocked {
    /// The rewritten module, with the clock's imports after all others.
    pub module: Vec<u8>,
    /// Original and rewritten offsets of its instructions.
    pub offsets: OffsetMap,
}

/// Why a core module cannot be given a clock.
#[derive(Debug, Error)]
pub enum ClockError {
    /// Not WebAssembly, or of a proposal that rr-dap does not know.
    #[error(
        "a core module is not valid, or uses a WebAssembly proposal that rr-dap does not \
         support: {0}; check it with `wasm-tools validate`"
    )]
    Invalid(#[from] wasmparser::Error),
    /// An offset or index does not fit in 32 bits.
    #[error("a core module of {bytes} bytes is too large to be given a clock; split it")]
    TooLarge {
        /// Length of the original module.
        bytes: usize,
    },
    /// A function has no room for one local more.
    #[error(
        "a function has as many locals as WebAssembly allows, so its frames cannot be \
         counted; debug it without a depth profile"
    )]
    TooManyLocals,
    /// A section that cannot be written again.
    #[error("a core module cannot be encoded again: {0}; please report this module")]
    Encode(String),
}

impl From<reencode::Error> for ClockError {
    fn from(error: reencode::Error) -> Self {
        match error {
            reencode::Error::ParseError(error) => ClockError::Invalid(error),
            other => ClockError::Encode(other.to_string()),
        }
    }
}

/// Rewrites one core module so that it keeps the clock.
///
/// # Errors
///
/// If the module cannot be read or has what cannot be clocked, or would be too large.
pub fn clock(module: &[u8], style: ClockStyle) -> Result<Clocked, ClockError> {
    rewrite(module, style, Extra::None)
}

/// Rewrites one core module so that it keeps the clock ([`ClockStyle::Cached`]) and
/// counts the frames on the stack, over all modules that share the globals.
///
/// A function counts from before its tick until it returns. A tail call counts as a
/// return and a call, so that the lowest number may be one too low.
///
/// # Errors
///
/// As [`clock`].
pub fn profile(module: &[u8]) -> Result<Clocked, ClockError> {
    rewrite(module, ClockStyle::Cached, Extra::Frames)
}

/// Rewrites one core module so that it keeps the clock, in this style, and has probes.
///
/// # Errors
///
/// As [`clock`].
pub fn probed(module: &[u8], style: ClockStyle, probe: Probe) -> Result<Clocked, ClockError> {
    rewrite(module, style, Extra::Probe(probe))
}

/// The places that count and call in each defined function of a module, as [`probed`] with
/// a probe that keeps contexts has them in this style.
///
/// # Errors
///
/// As [`clock`].
pub fn sites(module: &[u8], style: ClockStyle, probe: Probe) -> Result<Vec<Sites>, ClockError> {
    let extra = Extra::Probe(probe);
    Ok(Original::read(module, extra, style)?.into_sites())
}

/// What a rewrite does besides keeping the clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Extra {
    #[default]
    None,
    /// Counts frames.
    Frames,
    Probe(Probe),
}

/// The probes of a module.
#[derive(Debug, Clone, Copy)]
struct Probes {
    probe: Probe,
    layout: Layout,
}

fn rewrite(module: &[u8], style: ClockStyle, extra: Extra) -> Result<Clocked, ClockError> {
    let too_large = || ClockError::TooLarge {
        bytes: module.len(),
    };
    if u32::try_from(module.len()).is_err() {
        return Err(too_large());
    }
    wasmparser::Validator::new_with_features(accepted_features()).validate_all(module)?;
    let original = Original::read(module, extra, style)?;
    let bodies = original.rewrite_bodies(module, style)?;
    let mut encoder = Encoder::new(&original, &bodies, style);
    let mut rewritten = Module::new();
    encoder.parse_core_module(&mut rewritten, wasmparser::Parser::new(0), module)?;
    let rewritten = rewritten.finish();
    let offsets = locate(&rewritten, &bodies)?.ok_or_else(too_large)?;
    Ok(Clocked {
        module: rewritten,
        offsets,
    })
}

/// What the clock understands. Stack switching and shared-everything threads are
/// left out on purpose: a switch between stacks is not a call, so a cached clock
/// would go wrong, and with several threads there is no one tick.
fn accepted_features() -> WasmFeatures {
    WasmFeatures::default()
        | WasmFeatures::LEGACY_EXCEPTIONS
        | WasmFeatures::WIDE_ARITHMETIC
        | WasmFeatures::CUSTOM_PAGE_SIZES
        | WasmFeatures::COMPACT_IMPORTS
}

/// Finds the bodies in the rewritten module: only there are the sizes of the
/// sections in front of them known. `None` where an offset is too large.
fn locate(rewritten: &[u8], bodies: &[Body]) -> Result<Option<OffsetMap>, ClockError> {
    let mut map = OffsetMapBuilder::default();
    let mut bodies = bodies.iter();
    for payload in wasmparser::Parser::new(0).parse_all(rewritten) {
        if let Payload::CodeSectionEntry(function) = payload?
            && let Some(body) = bodies.next()
        {
            let appended = u32::try_from(function.range().start)
                .ok()
                .and_then(|base| map.append_function(&body.offsets, base));
            if appended.is_none() {
                return Ok(None);
            }
        }
    }
    Ok(Some(map.finish()))
}
