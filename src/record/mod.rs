//! Run a component on Wasmtime with WASI and write a trace, or give a host that
//! runs it the means to.

mod error;
mod interrupt;
mod recorder;
mod shared;
mod sink;
mod tail;
mod target;
mod wasi;
mod writing;

pub use error::RecorderError;
pub use interrupt::{finish_on_signals, take_file_limits_as_errors};
pub use recorder::Recorder;
pub use sink::add_to_linker;
pub use wasi::{Preopen, WasiOptions};

use crate::component::Component;
use crate::instrument::record::{RecordError, instrument};
use crate::trace::{Metadata, Outcome};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wasi::Host;
use wasmtime::component::{Component as Compiled, Instance, Linker};
use wasmtime::{Config, Engine, Store, Trap};
use wasmtime_wasi::I32Exit;

/// Why a run could not be recorded. A guest that traps or exits is not among
/// these: that is an [`Outcome`].
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Instrument(#[from] RecordError),
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    #[error("cannot open the directory {path} for the guest: {message}")]
    Directory { path: PathBuf, message: String },
    #[error("the component could not be started: {0}")]
    Start(String),
    #[error(
        "the component exports no wasi:cli/run, so there is no command to run; \
         it exports: {0}"
    )]
    NoCommand(String),
}

/// What a finished recording holds.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub outcome: Outcome,
    /// Outgoing crossings recorded.
    pub events: u64,
    /// Size of the trace file in bytes.
    pub bytes: u64,
    /// From the making of the recorder to the last byte of the trace: without
    /// compilation.
    pub elapsed: Duration,
}

/// Runs a command component with WASI and records it into a new file.
///
/// `started` is given the recorder before anything runs.
///
/// # Errors
///
/// If the component cannot be instrumented or started, or the trace cannot be
/// written.
pub fn run(
    component: Arc<Component>,
    options: &WasiOptions,
    output: &Path,
    force: bool,
    started: impl FnOnce(&Recorder),
) -> Result<Recorded, RunError> {
    let instrumented = instrument(&component)?;
    let engine = engine()?;
    let compiled = Compiled::new(&engine, &instrumented).map_err(start_error)?;
    let wasi = options.context()?;
    let mut linker: Linker<Host> = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).map_err(start_error)?;
    add_to_linker(&mut linker, Host::recorder).map_err(start_error)?;
    // All that can be wrong with the program or the options is found before
    // there is a file.
    let interface = command_interface(&engine, &compiled)?;
    linker.instantiate_pre(&compiled).map_err(start_error)?;
    let recorder = match force {
        true => Recorder::overwrite(output, component, &metadata(options))?,
        false => Recorder::create(output, component, &metadata(options))?,
    };
    started(&recorder);
    let mut store = Store::new(&engine, Host::new(wasi, recorder.clone()));
    let ended = call_run(&linker, &compiled, &mut store, &interface);
    let outcome = match ended {
        Ok(success) => Outcome::Returned {
            success,
            result: None,
        },
        Err(error) => outcome_of(&error),
    };
    let recorded = recorder.finish(outcome);
    if matches!(recorded, Err(RecorderError::Finished)) {
        interrupt::wait_if_ending();
    }
    Ok(recorded?)
}

fn start_error(error: wasmtime::Error) -> RunError {
    RunError::Start(format!("{error:#}"))
}

/// Sets what could differ between the engine that records and the one that
/// replays.
pub fn deterministic(config: &mut Config) {
    config
        .wasm_multi_memory(true)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true);
}

/// The engine recordings are made with.
fn engine() -> Result<Engine, RunError> {
    let mut config = Config::new();
    deterministic(&mut config);
    // Instrumented code is the same at each recording of a program: compiling
    // it once is enough. Without a cache directory it is compiled each time.
    if let Ok(cache) = wasmtime::Cache::from_file(None) {
        config.cache(Some(cache));
    }
    Engine::new(&config).map_err(start_error)
}

fn metadata(options: &WasiOptions) -> Metadata {
    let started = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs());
    Metadata {
        program: options.program.clone(),
        args: options.args.clone(),
        env: options.env.clone(),
        dirs: options
            .dirs
            .iter()
            .map(|d| format!("{}::{}", d.host.display(), d.guest))
            .collect(),
        invoke: None,
        recorder: concat!("rr-dap ", env!("CARGO_PKG_VERSION"), ", wasmtime 48").into(),
        engine: [
            ("nan-canonicalization", "true"),
            ("relaxed-simd-deterministic", "true"),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect(),
        started,
    }
}

/// The name under which a command exports its `run`.
fn command_interface(engine: &Engine, compiled: &Compiled) -> Result<String, RunError> {
    let exports: Vec<String> = compiled
        .component_type()
        .exports(engine)
        .map(|(name, _)| name.to_owned())
        .collect();
    exports
        .iter()
        .find(|name| name.starts_with("wasi:cli/run@0.2"))
        .cloned()
        .ok_or_else(|| RunError::NoCommand(exports.join(", ")))
}

fn call_run(
    linker: &Linker<Host>,
    compiled: &Compiled,
    store: &mut Store<Host>,
    interface: &str,
) -> wasmtime::Result<bool> {
    let instance = linker.instantiate(&mut *store, compiled)?;
    run_export(&instance, store, interface)
}

fn run_export(
    instance: &Instance,
    store: &mut Store<Host>,
    interface: &str,
) -> wasmtime::Result<bool> {
    let missing = || wasmtime::Error::msg(format!("{interface} has no function `run`"));
    let index = instance
        .get_export_index(&mut *store, None, interface)
        .ok_or_else(missing)?;
    let index = instance
        .get_export_index(&mut *store, Some(&index), "run")
        .ok_or_else(missing)?;
    let run = instance.get_typed_func::<(), (Result<(), ()>,)>(&mut *store, index)?;
    let (result,) = run.call(&mut *store, ())?;
    Ok(result.is_ok())
}

fn outcome_of(error: &wasmtime::Error) -> Outcome {
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return Outcome::Exited(exit.0);
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return Outcome::Trapped(trap.to_string());
    }
    Outcome::HostError(format!("{:#}", error.root_cause()))
}
