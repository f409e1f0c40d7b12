//! How a timeline is opened.

use super::ahead::checkpoints::Limits;
use super::{Module, Result, cannot};
use crate::replay::survey::FIRST_LENGTH;
use crate::replay::variant::{CacheDir, Variant};
use std::path::PathBuf;

/// What the guest's code is compiled to first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum First {
    /// For debugging if any of it has lines; optimised otherwise: hostcalls can
    /// be walked at once then, and a large guest takes minutes to compile for
    /// debugging.
    #[default]
    Suitable,
    /// For debugging.
    Debug,
    /// Optimised. It is compiled for debugging when an instruction, a line or a
    /// local is asked for.
    Fast,
}

/// How a timeline is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The rr-dap executable, which is started again as the replayer.
    pub program: PathBuf,
    /// Where compiled code is kept.
    pub cache: CacheDir,
    /// Which variant a session begins in.
    pub first: First,
    /// Whether a background sweep runs ahead and leaves checkpoints.
    pub sweep: bool,
    /// Ticks in a stretch, at first, of what is noted of the whole recording: of what ran and
    /// what was written in each.
    pub stretch: u64,
    /// How much the checkpoints may take.
    pub limits: Limits,
    /// A program of so many bytes of code is compiled as a whole before a session begins, a
    /// larger one while it stands in `main`, if its first variant is the suitable one.
    pub compiled_whole: usize,
}

/// Compiled for debugging in a quarter of a second.
const COMPILED_WHOLE: usize = 128 << 10;

impl Options {
    /// What is best, with this executable as the replayer.
    pub fn new(program: PathBuf, cache: CacheDir) -> Options {
        Options {
            program,
            cache,
            first: First::default(),
            sweep: true,
            stretch: FIRST_LENGTH,
            limits: Limits::of_this_machine(),
            compiled_whole: COMPILED_WHOLE,
        }
    }

    /// The running executable and the default cache.
    ///
    /// # Errors
    ///
    /// If the cache directory cannot be used, or the executable not be found.
    pub fn standard() -> Result<Options> {
        let program = std::env::current_exe();
        let program = program.map_err(cannot("find rr-dap's executable, which replayers run"))?;
        Ok(Options::new(program, CacheDir::open_default()?))
    }

    pub(super) fn first_variant(&self, modules: &[Module]) -> Variant {
        let debug = match self.first {
            First::Suitable => modules.iter().any(|m| m.source.has_lines()),
            First::Debug => true,
            First::Fast => false,
        };
        if debug { Variant::Debug } else { Variant::Fast }
    }
}
