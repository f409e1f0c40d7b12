//! What replay compiles a recorded module to.
//!
//! Every variant runs the same guest code with the same results; they differ in
//! what can be asked of a run and in its speed. Compiled code is kept on disk
//! ([`CacheDir`]), so a recording is compiled once for each variant.

pub use crate::cache::{CacheDir, CacheError};

use crate::cache::{Entry, Kept, Key};
use crate::instrument::clock::{self, ClockError, ClockStyle};
use crate::instrument::offsets::{OffsetMap, OffsetMapError};
use crate::instrument::probe::{Probe, Segments};
use crate::trace::{Outcome, scarce};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use thiserror::Error;
use wasmtime::{Config, Engine, Module, WasmBacktraceDetails};

/// How a recorded module is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Variant {
    /// With guest debugging: stepping, breakpoints, locals and operand stack. The
    /// clock is exact at every instruction.
    Debug,
    /// Optimised, with the clock only, which may stop late. See [`ClockStyle::Lazy`] for
    /// where it is exact. For recordings that end by themselves.
    Fast,
    /// Optimised, with a clock that stops exactly: what [`Fast`](Self::Fast) is for
    /// recordings that only the clock ends.
    Exact,
    /// Optimised, with a clock that stops exactly, and the number of frames: for a
    /// [`DepthProfile`](super::profile::DepthProfile).
    Profile,
    /// Optimised, with probes, and a clock as that of [`Fast`](Self::Fast).
    Probed(Probe),
    /// The same with the clock of [`Exact`](Self::Exact).
    ProbedExactly(Probe),
    /// Optimised, the code as it was recorded: for a replay of the whole
    /// recording that asks for no position. There is no clock to stop it by.
    Plain,
}

impl Variant {
    /// How the clock is kept in this variant, if it is.
    ///
    /// Under guest debugging every local lives in memory, so there a cached
    /// clock gains nothing.
    pub fn clock_style(self) -> Option<ClockStyle> {
        match self {
            Variant::Debug => Some(ClockStyle::Shared),
            Variant::Fast | Variant::Probed(_) => Some(ClockStyle::Lazy),
            Variant::Exact | Variant::Profile | Variant::ProbedExactly(_) => {
                Some(ClockStyle::Cached)
            }
            Variant::Plain => None,
        }
    }

    /// What is noted in this variant, besides the time.
    pub fn probe(self) -> Option<Probe> {
        match self {
            Variant::Probed(probe) | Variant::ProbedExactly(probe) => Some(probe),
            _ => None,
        }
    }

    /// How many functions a module imports more than the original.
    pub(super) fn added_functions(self) -> u32 {
        match (self.clock_style(), self.probe()) {
            (None, _) => 0,
            (Some(_), Some(probe)) => probe.added_functions(),
            (Some(_), None) => 1,
        }
    }

    /// For a replay of a whole recording: without a clock, unless nothing but the
    /// clock ends it.
    pub fn for_whole(outcome: &Outcome) -> Variant {
        if outcome.may_go_on() {
            Variant::Exact
        } else {
            Variant::Plain
        }
    }

    /// The variant that does what this one is asked for in a recording of this outcome.
    pub(super) fn for_outcome(self, outcome: &Outcome) -> Variant {
        match self {
            Variant::Fast if outcome.may_go_on() => Variant::Exact,
            Variant::Probed(probe) if outcome.may_go_on() => Variant::ProbedExactly(probe),
            other => other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Variant::Debug => "debug",
            Variant::Fast => "fast",
            Variant::Exact => "exact",
            Variant::Profile => "profile",
            Variant::Probed(Probe::Watch) => "watch",
            Variant::Probed(Probe::Survey) => "survey",
            Variant::Probed(Probe::Count) => "count",
            Variant::Probed(Probe::Context) => "contexts",
            Variant::Probed(Probe::Heap) => "heap",
            Variant::ProbedExactly(Probe::Watch) => "watch, exact",
            Variant::ProbedExactly(Probe::Survey) => "survey, exact",
            Variant::ProbedExactly(Probe::Count) => "count, exact",
            Variant::ProbedExactly(Probe::Context) => "contexts, exact",
            Variant::ProbedExactly(Probe::Heap) => "heap, exact",
            Variant::Plain => "plain",
        }
    }
}

/// The guest's stack under guest debugging: its frames are about four times
/// larger than plain ones, and plain Wasmtime gives 512 KiB.
const DEBUG_STACK: usize = 8 << 20;
/// The guest's stack in optimised code: the clock's local may cost a few bytes in
/// a frame, and the recorded overflow decides when a run ends, not replay's.
const FAST_STACK: usize = 2 << 20;
/// What host functions and the debug handler have on top of the guest's stack.
const HOST_STACK: usize = 2 << 20;

/// The settings of a variant, for compiling and for replay alike.
///
/// Cranelift's settings stay at their defaults (optimise for speed, backtracking
/// register allocation), under guest debugging too. Measured there, as ratios of
/// compiling CPU, code size and run time to the defaults, on a 0.6 MB and a 0.8 MB
/// code section and four kernels: `OptLevel::None` 0.84 to 0.88, 1.0, and 1.0 to
/// 1.14; `SinglePass` 0.70 to 0.83, 1.2, and 1.4 to 1.6; both together 0.54 to
/// 0.70, 1.2, and 1.5 to 1.9. Code is compiled once and replayed on every seek,
/// so none of these buys enough.
///
/// Guest calls must be made with `call_async`: only then does the guest run on a
/// stack of the size set here. A recording made with a larger stack needs
/// `max_wasm_stack` and `async_stack_size` raised; neither changes compiled code.
pub fn config(variant: Variant) -> Config {
    let mut config = Config::new();
    deterministic(&mut config);
    guest_features(&mut config);
    let stack = match variant {
        Variant::Debug => DEBUG_STACK,
        _ => FAST_STACK,
    };
    config
        .guest_debug(variant == Variant::Debug)
        .max_wasm_stack(stack)
        .async_stack_size(stack + HOST_STACK)
        .generate_address_map(true)
        // No stack has more: a frame takes two words at least.
        .wasm_backtrace_max_frames(NonZeroUsize::new(stack / 16))
        // DWARF is read by rr-dap from the original module.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        // Frames are found by Wasmtime itself; registering unwind tables for a
        // system unwinder would only slow loading down.
        .native_unwind_info(cfg!(windows))
        // Mach ports do not survive a fork.
        .macos_use_mach_ports(false);
    config
}

/// Leaves nothing to the processor or to the engine that recorded.
fn deterministic(config: &mut Config) {
    config
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true);
}

/// Everything that the engine of a recording may have allowed its guest.
fn guest_features(config: &mut Config) {
    config
        .wasm_multi_memory(true)
        .wasm_memory64(true)
        .wasm_tail_call(true)
        .wasm_exceptions(true)
        .wasm_extended_const(true)
        .wasm_function_references(true)
        .wasm_gc(true)
        .wasm_wide_arithmetic(true)
        .wasm_custom_page_sizes(true)
        .wasm_relaxed_simd(true)
        // The clock's hints; the guest's own are dropped with its custom sections.
        .wasm_branch_hinting(true);
}

/// An engine for the process that compiles. It starts threads, if it may, so such a
/// process must not be forked for checkpoints.
///
/// # Errors
///
/// If Wasmtime does not support this machine.
pub fn engine_for_compiling(variant: Variant) -> Result<Engine, VariantError> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let may_start = scarce::threads(cores).is_ok();
    engine(config(variant).parallel_compilation(may_start))
}

/// An engine for the replayer: it starts no threads, and loads what
/// [`engine_for_compiling`] compiled.
///
/// # Errors
///
/// As [`engine_for_compiling`].
pub fn engine_for_replay(variant: Variant) -> Result<Engine, VariantError> {
    engine(config(variant).parallel_compilation(false))
}

fn engine(config: &Config) -> Result<Engine, VariantError> {
    Engine::new(config).map_err(|error| VariantError::Engine(error.into_boxed_dyn_error()))
}

/// A module compiled for replay.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The file of compiled code.
    pub code: PathBuf,
    /// Offsets in the recorded module and in the compiled one's bytes.
    pub offsets: OffsetMap,
    /// The segments of the recorded module, where something is noted of them; else none.
    pub segments: Arc<Segments>,
    /// The file itself, where it is in memory: it is there as long as this is.
    pub unkept: Option<Arc<File>>,
}

impl Prepared {
    fn of(kept: Kept, module: usize) -> Result<Prepared, VariantError> {
        let (offsets, segments) = Notes::parts(&kept.notes);
        let offsets = OffsetMap::from_bytes(offsets);
        let segments = Segments::from_bytes(segments);
        Ok(Prepared {
            code: kept.code,
            offsets: offsets.map_err(|source| VariantError::Offsets { module, source })?,
            segments: Arc::new(segments.map_err(|_| VariantError::Segments { module })?),
            unkept: kept.unkept,
        })
    }

    /// Loads the code into an engine of the same variant.
    ///
    /// # Errors
    ///
    /// If the file is not there any more, or of another engine.
    pub fn load(&self, engine: &Engine) -> Result<Module, VariantError> {
        // Wasmtime's error does not tell why a file cannot be opened.
        File::open(&self.code).map_err(|source| VariantError::Open {
            path: self.code.clone(),
            source,
        })?;
        // SAFETY: the file was written by `prepare`: checked against its checksum, in a
        // directory that only this user can write to (`CacheDir::open`), and replaced
        // only by renaming; or it is in memory, and written before anybody has it.
        let loaded = unsafe { Module::deserialize_file(engine, &self.code) };
        loaded.map_err(|error| VariantError::Load {
            path: self.code.clone(),
            source: error.into_boxed_dyn_error(),
        })
    }
}

/// What is kept beside compiled code, in bytes: how long the offset map is, the map, and the
/// segments. To read these from the module takes as long as to replay a short recording.
struct Notes;

impl Notes {
    fn of(offsets: &OffsetMap, segments: &Segments) -> Vec<u8> {
        let offsets = offsets.to_bytes();
        let length = (offsets.len() as u64).to_le_bytes();
        [&length, offsets.as_slice(), &segments.to_bytes()].concat()
    }

    /// The bytes of the offset map and of the segments.
    fn parts(bytes: &[u8]) -> (&[u8], &[u8]) {
        let (length, rest) = bytes.split_first_chunk().unwrap_or((&[0; 8], &[]));
        let length = u64::from_le_bytes(*length).min(rest.len() as u64);
        rest.split_at(length as usize)
    }
}

/// Why recorded modules cannot be made ready for replay.
#[derive(Debug, Error)]
pub enum VariantError {
    /// There is nowhere for compiled code.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// What is kept beside compiled code does not tell of its instructions.
    #[error("core module {module}: {source}; this is a fault of rr-dap")]
    Offsets {
        /// Its number in the component: its [`ModuleId`](crate::component::ModuleId).
        module: usize,
        /// What is wrong with it.
        source: OffsetMapError,
    },
    /// What is kept beside compiled code does not tell of its segments.
    #[error("core module {module}: its segments cannot be read; this is a fault of rr-dap")]
    Segments {
        /// Its number in the component: its [`ModuleId`](crate::component::ModuleId).
        module: usize,
    },
    /// A module cannot be rewritten to keep the clock.
    #[error("core module {module}: {source}")]
    Clock {
        /// Its number in the component: its [`ModuleId`](crate::component::ModuleId).
        module: usize,
        /// What the rewrite does not accept.
        source: ClockError,
    },
    /// Wasmtime does not compile a module.
    #[error("core module {module} cannot be compiled for replay: {source}")]
    Compile {
        /// Its number in the component: its [`ModuleId`](crate::component::ModuleId).
        module: usize,
        /// Wasmtime's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Wasmtime does not take the variant's settings, or its compiler died.
    #[error("the compiler cannot be set up on this machine: {0}")]
    Engine(Box<dyn std::error::Error + Send + Sync>),
    /// Compiled code is there, and cannot be read, or is there no more.
    #[error("the compiled code in {path} cannot be opened: {source}{}", scarce::remedy(.source))]
    Open {
        /// The file of compiled code.
        path: PathBuf,
        /// Why, in the system's words.
        source: std::io::Error,
    },
    /// Wasmtime does not take compiled code that the cache has.
    #[error("the compiled code in {path} cannot be loaded: {source}; delete the file")]
    Load {
        /// The file of compiled code.
        path: PathBuf,
        /// Wasmtime's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Gives modules a clock and compiles them, or finds them in the cache.
///
/// `progress` hears how many bytes of modules are done, of how many. Two
/// processes may prepare the same modules at once: one compiles, the other waits
/// and finds the code.
///
/// # Errors
///
/// If a module cannot be clocked or compiled, or there is no room for the code.
pub fn prepare(
    cache: &CacheDir,
    modules: &[Arc<[u8]>],
    variant: Variant,
    progress: &dyn Fn(usize, usize),
) -> Result<Vec<Prepared>, VariantError> {
    let engine = engine_for_compiling(variant)?;
    let total = modules.iter().map(|module| module.len()).sum();
    let mut done = 0;
    let mut keys = Vec::with_capacity(modules.len());
    let mut prepared = Vec::with_capacity(modules.len());
    progress(done, total);
    for (index, module) in modules.iter().enumerate() {
        let key = Key::new(module, variant.name(), clock::VERSION, &engine);
        let compile = || compile(&engine, module, variant, index);
        prepared.push(Prepared::of(cache.get_or_insert(&key, compile)?, index)?);
        keys.push(key);
        done += module.len();
        progress(done, total);
    }
    cache.evict(&keys);
    Ok(prepared)
}

/// Finds modules in the cache, if they are there all.
///
/// # Errors
///
/// If Wasmtime does not support this machine.
pub fn find(
    cache: &CacheDir,
    modules: &[Arc<[u8]>],
    variant: Variant,
) -> Result<Option<Vec<Prepared>>, VariantError> {
    let engine = engine_for_compiling(variant)?;
    let found = modules.iter().enumerate().map(|(index, module)| {
        let key = Key::new(module, variant.name(), clock::VERSION, &engine);
        Prepared::of(cache.find(&key)?, index).ok()
    });
    Ok(found.collect())
}

fn compile(
    engine: &Engine,
    module: &[u8],
    variant: Variant,
    index: usize,
) -> Result<Entry, VariantError> {
    let precompile = |module: &[u8]| {
        engine
            .precompile_module(module)
            .map_err(|error| VariantError::Compile {
                module: index,
                source: error.into_boxed_dyn_error(),
            })
    };
    let Some(style) = variant.clock_style() else {
        return Ok(Entry {
            code: precompile(module)?,
            notes: Notes::of(&OffsetMap::identity(module.len()), &Segments::default()),
        });
    };
    let clocked = match (variant, variant.probe()) {
        (_, Some(probe)) => clock::probed(module, style, probe),
        (Variant::Profile, _) => clock::profile(module),
        _ => clock::clock(module, style),
    };
    let clocked = clocked.map_err(|source| VariantError::Clock {
        module: index,
        source,
    })?;
    let has_segments = variant.probe().is_some_and(Probe::is_of_segments);
    let segments = has_segments.then(|| Segments::of_module(module));
    let segments = segments.transpose().unwrap_or_default();
    Ok(Entry {
        code: precompile(&clocked.module)?,
        notes: Notes::of(&clocked.offsets, &segments.unwrap_or_default()),
    })
}
