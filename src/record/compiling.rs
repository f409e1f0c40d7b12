//! The instrumented component, compiled: once for all recordings of a program.
//!
//! Rewriting it, compiling that, and compressing the component for the beginning of the
//! recording depend on the component and on rr-dap alone, so what comes of them is kept. No
//! recording fails because something cannot be kept.

#[cfg(feature = "debugger")]
use super::carried::{OwnSource, carried_sources, own_sources};
use super::{RunError, THREADS, WasiOptions, room_for, start_error};
use crate::cache::{CacheDir, CacheError, Entry, Key};
use crate::component::Component;
use crate::instrument::record::{Options, instrument_with};
use crate::trace::{CarriedSource, HeldProgram, PackedComponent};
use std::io;
use std::num::NonZeroUsize;
use std::slice;
use std::time::SystemTime;
use wasmtime::Engine;
use wasmtime::component::Component as Compiled;

/// What a recording of a component needs of it.
pub(super) struct Ready {
    pub(super) compiled: Compiled,
    /// For the beginning of the recording.
    pub(super) program: HeldProgram,
    #[cfg(feature = "debugger")]
    own: Vec<OwnSource>,
}

impl Ready {
    fn new(compiled: Compiled, notes: &[u8]) -> Option<Ready> {
        let (length, rest) = notes.split_first_chunk()?;
        let (own, packed) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        #[cfg(not(feature = "debugger"))]
        let _ = own;
        Some(Ready {
            compiled,
            program: HeldProgram::Whole(PackedComponent::again(packed.to_vec())),
            #[cfg(feature = "debugger")]
            own: serde_json::from_slice(own).ok()?,
        })
    }

    /// The sources that the recording carries along.
    pub(super) fn sources(&self, options: &WasiOptions) -> Vec<CarriedSource> {
        #[cfg(feature = "debugger")]
        if let Some(folders) = &options.sources_beside {
            return carried_sources(&self.own, folders);
        }
        #[cfg(not(feature = "debugger"))]
        let _ = options;
        Vec::new()
    }
}

/// What [`Ready`] has besides the code.
fn notes(component: &Component) -> io::Result<Vec<u8>> {
    #[cfg(feature = "debugger")]
    let own = serde_json::to_vec(&own_sources(component))?;
    #[cfg(not(feature = "debugger"))]
    let own = Vec::new();
    let length = u32::try_from(own.len()).map_err(io::Error::other)?;
    let packed = PackedComponent::new(component)?.into_bytes();
    Ok([&length.to_le_bytes(), &own[..], &packed].concat())
}

/// Why there is nothing in the cache, nor will be.
enum Without {
    Cache(CacheError),
    Run(RunError),
}

impl From<CacheError> for Without {
    fn from(error: CacheError) -> Self {
        Without::Cache(error)
    }
}

/// Rewrites and compiles a component for recording, or finds it done.
pub(super) fn ready(
    engine: &Engine,
    component: &Component,
    options: Options,
) -> Result<Ready, RunError> {
    match kept(engine, component, options) {
        Ok(Some(ready)) => return Ok(ready),
        Ok(None) => {}
        Err(Without::Run(error)) => return Err(error),
        Err(Without::Cache(error)) => {
            tracing::warn!("the program is compiled at each recording of it: {error}");
        }
    }
    let Entry { code, notes } = made(engine, component, options)?;
    // SAFETY: this engine has just made them.
    let compiled = unsafe { Compiled::deserialize(engine, code) };
    let ready = Ready::new(compiled.map_err(start_error)?, &notes);
    ready.ok_or_else(|| RunError::Start("its sources have no names".into()))
}

/// `None` where it has gone again, or nobody could tell whether it is out of date.
fn kept(
    engine: &Engine,
    component: &Component,
    options: Options,
) -> Result<Option<Ready>, Without> {
    let Some(build) = this_build(options) else {
        return Ok(None);
    };
    let cache = CacheDir::open_default()?;
    let key = Key::new(component.bytes(), &build, 0, engine);
    let mut is_new = false;
    let kept = cache.get_or_insert(&key, || {
        is_new = true;
        made(engine, component, options).map_err(Without::Run)
    })?;
    if is_new {
        cache.evict(slice::from_ref(&key));
    }
    // SAFETY: what a cache has kept was checked against its checksum, in a directory that only
    // this user can write to, and is replaced only by renaming; or it is in memory.
    let compiled = unsafe { Compiled::deserialize_file(engine, &kept.code) };
    let compiled = compiled.ok();
    Ok(compiled.and_then(|compiled| Ready::new(compiled, &kept.notes)))
}

/// Which executable this is. The rewrite is part of it, and has no version of its own that
/// somebody could forget to raise.
fn this_build(options: Options) -> Option<String> {
    let path = std::env::current_exe().ok()?;
    let file = path.metadata().ok()?;
    let since = file.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH);
    let version = env!("CARGO_PKG_VERSION");
    let (path, length) = (path.display(), file.len());
    Some(format!(
        "record {version} {length} {:?} {path} {options:?}",
        since.ok()?
    ))
}

fn made(engine: &Engine, component: &Component, options: Options) -> Result<Entry, RunError> {
    let instrumented = instrument_with(component, options)?;
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    room_for(cores + THREADS)?;
    Ok(Entry {
        code: compiled(engine, component, &instrumented)?,
        notes: notes(component).map_err(|error| RunError::Start(error.to_string()))?,
    })
}

/// Compiles what a component was rewritten to. What Wasmtime refuses in that it refuses in
/// the component as it was given, too, and there its offsets are those of the file.
fn compiled(engine: &Engine, given: &Component, rewritten: &[u8]) -> Result<Vec<u8>, RunError> {
    engine.precompile_component(rewritten).map_err(|error| {
        let in_given = Compiled::new(engine, given.bytes()).err();
        start_error(in_given.unwrap_or(error))
    })
}
