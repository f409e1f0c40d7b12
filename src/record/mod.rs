//! Run a component on Wasmtime with WASI and write a trace, or give a host that
//! runs it the means to.

#[cfg(feature = "debugger")]
mod carried;
mod chaos;
mod clock;
mod compiling;
mod dials;
mod entry;
mod error;
mod exports;
mod held;
mod host;
mod interrupt;
pub mod keep;
mod parking;
mod pooling;
mod recorder;
pub mod serving;
mod shared;
pub mod shelf;
mod sink;
mod switches;
mod tail;
mod tails;
mod target;
mod wasi;
mod writing;

pub use dials::Dials;
pub use entry::EntryError;
pub use error::RecorderError;
pub use interrupt::{Lifeline, finish_on_signals, take_file_limits_as_errors, when_told_to_end};
pub use recorder::Recorder;
pub use sink::add_to_linker;
pub use switches::{SwitchError, Switches};
pub use wasi::{Preopen, WasiOptions};

use crate::component::Component;
use crate::instrument::record::{Options, RecordError, Seed};
use crate::trace::{CarriedSource, Metadata, Outcome, scarce};
use entry::{Answer, EntryPoint};
use host::{Host, Run};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{Component as Compiled, InstancePre};
use wasmtime::{Config, Engine, Store, ThrownException, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

/// Why a run could not be recorded. A guest that traps or exits is not among
/// these: that is an [`Outcome`].
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The component cannot be rewritten.
    #[error(transparent)]
    Instrument(#[from] RecordError),
    /// The trace cannot be begun or completed.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    /// A directory of [`WasiOptions::dirs`] that the host cannot open.
    #[error("cannot open the directory {path} for the guest: {message}")]
    Directory {
        /// On the host.
        path: PathBuf,
        /// What the system says.
        message: String,
    },
    /// Compiling, linking or making the host's threads failed: what was met, in words.
    #[error("the component could not be started: {0}")]
    Start(String),
    /// The linker has nothing of that name, or of another type.
    #[error("nothing answers the component's import {import} ({reason}){remedy}")]
    Import {
        /// Its name: `wasi:http/types@0.2.3`.
        import: String,
        /// What Wasmtime says is missing or differs.
        reason: String,
        /// What to do, as the end of the message: `; open it with -S http`.
        remedy: &'static str,
    },
    /// There is no command, or the call does not fit.
    #[error(transparent)]
    Entry(#[from] EntryError),
}

/// What a finished recording holds.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// How the run ended, as the recording says it.
    pub outcome: Outcome,
    /// Outgoing crossings recorded.
    pub events: u64,
    /// How many of those are of the component model's built-ins that only keep its books.
    pub builtins: u64,
    /// Size of the trace file in bytes.
    pub bytes: u64,
    /// From the making of the recorder to the last byte of the trace: without
    /// compilation.
    pub elapsed: Duration,
    /// The run trapped in the adapter that makes a WASI 0.1 module a component: the module
    /// may run without it.
    pub trapped_in_adapter: bool,
}

impl Recorded {
    /// What was recorded, for people: `52 hostcalls`, `52 hostcalls and 310 built-ins`.
    pub fn calls_text(&self) -> String {
        let hostcalls = self.events.saturating_sub(self.builtins);
        match self.builtins {
            0 => format!("{hostcalls} hostcalls"),
            builtins => format!("{hostcalls} hostcalls and {builtins} built-ins"),
        }
    }
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
    record(component, None, options, output, force, started)
}

/// Calls an exported function, `f(1, "two")` with arguments in WAVE, and records
/// the call into a new file. Functions of an exported instance are spelled
/// `ns:package/interface@1.0.0#f(…)`; the function's bare name does where only one
/// has it.
///
/// # Errors
///
/// As [`run`]; and if there is no such function, or the arguments do not fit it.
pub fn invoke(
    component: Arc<Component>,
    call: &str,
    options: &WasiOptions,
    output: &Path,
    force: bool,
    started: impl FnOnce(&Recorder),
) -> Result<Recorded, RunError> {
    record(component, Some(call), options, output, force, started)
}

fn record(
    component: Arc<Component>,
    call: Option<&str>,
    options: &WasiOptions,
    output: &Path,
    force: bool,
    started: impl FnOnce(&Recorder),
) -> Result<Recorded, RunError> {
    shared::expect_other_threads();
    room_for(THREADS)?;
    let engine = engine()?;
    let instrumented = Options {
        handles: options.dials.handles.map(|_| Seed::OfHost),
        chaos: options.dials.chaos.map(|_| Seed::OfHost),
        ..Options::default()
    };
    let ready = compiling::ready(&engine, &component, instrumented)?;
    let compiled = &ready.compiled;
    // All that can be wrong with the program or the options is found before
    // there is a file.
    let entry = match call {
        Some(call) => EntryPoint::call(&engine, compiled, call)?,
        None => EntryPoint::command(&engine, compiled)?,
    };
    let wasi = options.context(true)?;
    let linked = link(&engine, compiled, options)?;
    let runtime = runtime()?;
    let metadata = metadata(options, call, ready.sources(options));
    let recorder = Recorder::begin(output, force, component.clone(), &ready.program, &metadata)?;
    started(&recorder);
    let mut store = Store::new(&engine, Host::new(wasi, Run::of(&recorder)));
    options.dials.make_room(&mut store, &component);
    // Wasmtime panics on some of what its validator lets pass, such as strings that
    // a host returns into a 64-bit memory. The store is not used after that.
    let run = AssertUnwindSafe(|| {
        let run = recorder.clocked(entry.run(&linked, &mut store));
        runtime.block_on(run)
    });
    let mut is_in_adapter = false;
    let outcome = match catch_unwind(run) {
        Ok(Ok(Answer { success, result })) => Outcome::Returned { success, result },
        Ok(Err(error)) => {
            is_in_adapter = ended_in_adapter(&error);
            outcome_of(&error)
        }
        Err(_) => Outcome::HostError("Wasmtime panicked; it cannot run this component".into()),
    };
    let recorded = recorder.finish(outcome);
    if matches!(recorded, Err(RecorderError::Finished)) {
        interrupt::wait_if_ending();
    }
    drop(store);
    // A guest may leave host tasks behind that wait for what never comes, such as
    // a read of standard input.
    runtime.shutdown_background();
    let mut recorded = recorded?;
    recorded.trapped_in_adapter = is_in_adapter;
    Ok(recorded)
}

/// The host's two, the writer's, the clock's and that of the signals.
const THREADS: usize = 5;

/// What compiles, and what serves the guest, panics where it cannot start threads.
fn room_for(threads: usize) -> Result<(), RunError> {
    scarce::threads(threads).map_err(|error| {
        let remedy = scarce::remedy(&error);
        RunError::Start(format!("no threads for it: {error}{remedy}"))
    })
}

/// What the host's side of WASI runs on: the guest has this thread, its
/// input and output are served by another.
fn runtime() -> Result<tokio::runtime::Runtime, RunError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| RunError::Start(format!("no threads for input and output: {e}")))
}

/// Finds an answer for each import of the component.
fn link(
    engine: &Engine,
    compiled: &Compiled,
    WasiOptions {
        switches, dials, ..
    }: &WasiOptions,
) -> Result<InstancePre<Host>, RunError> {
    let linker = host::linker(engine, switches, *dials).map_err(start_error)?;
    linker.instantiate_pre(compiled).map_err(|error| {
        let message = format!("{error:#}");
        let ty = compiled.component_type();
        let unanswered = ty
            .imports(engine)
            .map(|(name, _)| name)
            .find(|name| message.contains(&format!("`{name}`")));
        match unanswered {
            Some(import) => RunError::Import {
                import: import.to_owned(),
                reason: error.root_cause().to_string(),
                remedy: host::remedy(import, switches),
            },
            None => RunError::Start(message),
        }
    })
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

/// Allows the guest all that Wasmtime has of the component model and that can be
/// recorded.
pub fn everything(config: &mut Config) {
    config
        .wasm_component_model_async(true)
        .wasm_component_model_more_async_builtins(true)
        .wasm_component_model_async_stackful(true)
        .wasm_component_model_threading(true)
        .wasm_component_model_error_context(true)
        .wasm_component_model_fixed_length_lists(true)
        .wasm_component_model_gc(true)
        .wasm_component_model_implements(true)
        .wasm_component_model_map(true)
        .wasm_component_model_memory64(true)
        .wasm_memory64(true);
}

/// The engine recordings are made with.
fn engine() -> Result<Engine, RunError> {
    let mut config = Config::new();
    deterministic(&mut config);
    everything(&mut config);
    Engine::new(&config).map_err(start_error)
}

fn metadata(options: &WasiOptions, call: Option<&str>, sources: Vec<CarriedSource>) -> Metadata {
    let started = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs());
    Metadata {
        program: options.program.clone(),
        args: options.args.clone(),
        env: match options.redact_env {
            true => names_only(&options.env),
            false => options.env.clone(),
        },
        env_redacted: options.redact_env,
        dirs: options
            .dirs
            .iter()
            .map(|d| format!("{}::{}", d.host.display(), d.guest))
            .collect(),
        invoke: call.map(str::to_owned),
        switches: options.switches.spelled(),
        recorder: concat!("rr-dap ", env!("CARGO_PKG_VERSION"), ", wasmtime 48").into(),
        engine: [
            ("nan-canonicalization", "true"),
            ("relaxed-simd-deterministic", "true"),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect(),
        started,
        started_nanos: 0,
        instance: 0,
        sources,
        handles: options.dials.handles,
        chaos: options.dials.chaos,
    }
}

fn names_only(env: &[(String, String)]) -> Vec<(String, String)> {
    let names = env.iter().map(|(name, _)| name.clone());
    names.map(|name| (name, String::new())).collect()
}

/// Whether the innermost code of the guest was the adapter's.
fn ended_in_adapter(error: &wasmtime::Error) -> bool {
    let backtrace = error.downcast_ref::<WasmBacktrace>();
    let innermost = backtrace.and_then(|backtrace| backtrace.frames().first());
    let is_adapter = |module: &wasmtime::Module| {
        // What only adapters have: the allocator that `wit-component` asks for, and the
        // module that is adapted among the imports.
        module
            .exports()
            .any(|export| export.name() == "cabi_import_realloc")
            || module
                .imports()
                .any(|import| import.module() == "__main_module__")
    };
    error.is::<Trap>() && innermost.is_some_and(|frame| is_adapter(frame.module()))
}

fn outcome_of(error: &wasmtime::Error) -> Outcome {
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return Outcome::Exited(exit.0);
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return Outcome::Trapped(trap.to_string());
    }
    // Where one component calls another, Wasmtime makes a trap of it; where the host calls,
    // it leaves that to the host.
    if error.is::<ThrownException>() {
        return Outcome::Trapped(Trap::UncaughtException.to_string());
    }
    Outcome::HostError(format!("{:#}", error.root_cause()))
}
