//! Serve a component over HTTP, and write a recording of each of its instances.

use super::host::Served;
use super::{Recorder, RecorderError, RunError, WasiOptions};
use super::{compiling, engine, link, metadata, outcome_of, room_for, shared, start_error};
use crate::component::Component;
use crate::trace::{HeldProgram, Metadata, Outcome, ProgramId, Utc, private};
pub use rr_dap_host::service::{Answer, Bounds, Exchange};
use rr_dap_host::service::{Instances, Service};
use rr_dap_host::{Host, HttpError};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::watch;
use wasmtime::component::Component as Compiled;
use wasmtime::{Engine, Store};

/// Why a component cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It cannot be instrumented, compiled or linked.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It has nothing that could be given a request.
    #[error(
        "the component exports neither wasi:http/incoming-handler@0.2 nor wasi:http/handler@0.3, \
         so there is nothing that could answer a request ({message}); a command is recorded with \
         `rr-dap record`"
    )]
    NoHandler {
        /// What Wasmtime says of it.
        message: String,
    },
    /// The address: another has it, or it is not this machine's.
    #[error("cannot listen on {address}: {message}; give another with --addr")]
    Listen {
        /// As it was given.
        address: SocketAddr,
        /// What the system says.
        message: String,
    },
    /// No connection can be accepted any more.
    #[error("cannot accept connections: {0}")]
    Accept(io::Error),
    /// The directory for recordings.
    #[error("cannot make {path} for recordings: {message}; give another with -o")]
    Directory {
        /// As it was given.
        path: PathBuf,
        /// What the system says.
        message: String,
    },
}

/// How a component is served.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// What its instances are given.
    pub wasi: WasiOptions,
    /// How many requests, and how long.
    pub bounds: Bounds,
    /// Where to listen; port 0 picks one.
    pub address: SocketAddr,
    /// Where recordings go; `None` records nothing.
    pub directory: Option<PathBuf>,
}

/// What is to be known of a service while it runs. Called from many threads.
pub trait Attendant: Send + Sync + 'static {
    /// It listens.
    fn ready(&self, address: SocketAddr);
    /// A request got status 500, as the component had no answer.
    fn failed(&self, exchange: &Exchange, reason: &str);
    /// An instance trapped, or was ended by the host; its recording, if there is one.
    fn ended(&self, outcome: &Outcome, recording: Option<&Path>);
    /// An instance could not be recorded to its end.
    fn not_recorded(&self, error: &RecorderError);
}

/// What a service has done when it ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Requests that came in.
    pub requests: u64,
    /// Instances that there were.
    pub instances: u64,
}

/// Serves a component until `ending` says so: then requests that are being answered are
/// answered, and their recordings completed.
///
/// # Errors
///
/// If it cannot be instrumented, compiled or linked, has no handler, or the address or the
/// directory cannot be had.
pub fn serve(
    component: &Arc<Component>,
    options: &ServeOptions,
    attendant: Arc<dyn Attendant>,
    ending: watch::Receiver<bool>,
) -> Result<Summary, ServeError> {
    shared::expect_other_threads();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    room_for(cores + 2)?;
    let engine = engine()?;
    let (compiled, recording) = match &options.directory {
        None => (plain(&engine, component)?, None),
        Some(directory) => {
            let ready = compiling::ready(&engine, component)?;
            let metadata = metadata(&options.wasi, None, ready.sources(&options.wasi));
            let recording = Recording {
                files: Files::make(directory)?,
                component: component.clone(),
                program: beside(directory, component)?,
                metadata,
            };
            (ready.compiled, Some(recording))
        }
    };
    let linked = link(&engine, &compiled, &options.wasi.switches)?;
    let service = Service::new(&linked).map_err(|error| ServeError::NoHandler {
        message: error.root_cause().to_string(),
    })?;
    // What is wrong with directories is found before there is a request.
    options.wasi.context(false)?;
    let instances = Arc::new(Instanced {
        engine,
        wasi: options.wasi.clone(),
        recording,
        attendant: attendant.clone(),
        requests: AtomicU64::new(0),
        instances: AtomicU64::new(0),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| RunError::Start(format!("no threads for requests: {e}")))?;
    let watched = instances.clone();
    runtime.block_on(async move {
        let listener = listen(options.address)?;
        if let Ok(address) = listener.local_addr() {
            attendant.ready(address);
        }
        let served = service.serve(listener, watched, options.bounds, ending);
        served.await.map_err(ServeError::Accept)
    })?;
    runtime.shutdown_background();
    Ok(Summary {
        requests: instances.requests.load(Ordering::Relaxed),
        instances: instances.instances.load(Ordering::Relaxed),
    })
}

fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let error = |error: io::Error| ServeError::Listen {
        address,
        message: error.to_string(),
    };
    let listener = std::net::TcpListener::bind(address).map_err(error)?;
    listener.set_nonblocking(true).map_err(error)?;
    TcpListener::from_std(listener).map_err(error)
}

fn plain(engine: &Engine, component: &Component) -> Result<Compiled, RunError> {
    Compiled::new(engine, component.bytes()).map_err(start_error)
}

/// What recordings of a service have in common.
struct Recording {
    files: Files,
    component: Arc<Component>,
    program: HeldProgram,
    metadata: Metadata,
}

impl Recording {
    fn begin(&self) -> Result<(Recorder, PathBuf), RecorderError> {
        let metadata = Metadata {
            started: seconds_now(),
            ..self.metadata.clone()
        };
        let path = self.files.next();
        let component = self.component.clone();
        let recorder = Recorder::begin(&path, false, component, &self.program, &metadata)?;
        Ok((recorder, path))
    }
}

fn seconds_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Puts a program beside recordings of it, once.
fn beside(directory: &Path, component: &Component) -> Result<HeldProgram, ServeError> {
    let program = ProgramId::of(component.bytes());
    let path = directory.join(program.file_name());
    let written = match std::fs::read(&path) {
        Ok(there) if there[..] == component.bytes()[..] => Ok(()),
        _ => private::replace(&path, component.bytes()),
    };
    written.map_err(|error| ServeError::Directory {
        path,
        message: error.to_string(),
    })?;
    Ok(HeldProgram::Named(program))
}

/// The names of recordings in a directory: each is new, and they sort by time.
struct Files {
    directory: PathBuf,
    run: String,
    next: AtomicU64,
}

impl Files {
    fn make(directory: &Path) -> Result<Files, ServeError> {
        let error = |error: io::Error| ServeError::Directory {
            path: directory.to_owned(),
            message: error.to_string(),
        };
        private::create_directory(directory).map_err(error)?;
        let moment = Utc::at(seconds_now()).compact();
        Ok(Files {
            directory: directory.to_owned(),
            // Two servers may begin within a second.
            run: format!("{moment}-{}", std::process::id()),
            next: AtomicU64::new(1),
        })
    }

    fn next(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number:06}.rrtrace", self.run);
        self.directory.join(name)
    }
}

/// The instances of one service.
struct Instanced {
    engine: Engine,
    wasi: WasiOptions,
    recording: Option<Recording>,
    attendant: Arc<dyn Attendant>,
    requests: AtomicU64,
    instances: AtomicU64,
}

impl Instances for Instanced {
    fn begin(&self) -> wasmtime::Result<Store<Host>> {
        let wasi = self.wasi.context(false)?;
        let recording = self.recording.as_ref().map(Recording::begin).transpose();
        let recording = recording.inspect_err(|error| self.attendant.not_recorded(error))?;
        self.instances.fetch_add(1, Ordering::Relaxed);
        let served = Served {
            recording,
            exchanges: Vec::new(),
        };
        Ok(Store::new(&self.engine, Host::new(wasi, served)))
    }

    fn accepted(&self, host: &mut Host, exchange: &Arc<Exchange>) {
        if let Some(served) = host.companion_mut::<Served>() {
            served.exchanges.push(exchange.clone());
        }
    }

    fn ended(&self, mut store: Store<Host>, result: wasmtime::Result<()>) {
        let outcome = match &result {
            Ok(()) => Outcome::Returned {
                success: true,
                result: None,
            },
            Err(error) => outcome_of(error),
        };
        let Some(served) = store.data_mut().companion_mut::<Served>() else {
            return;
        };
        if !matches!(outcome, Outcome::Returned { .. }) {
            for exchange in &served.exchanges {
                exchange.give_up(|| outcome.to_string());
            }
        }
        let recording = served.recording.take();
        if let Some((recorder, _)) = &recording
            && let Err(error) = recorder.finish(outcome.clone())
        {
            self.attendant.not_recorded(&error);
        }
        if !matches!(outcome, Outcome::Returned { .. }) {
            let path = recording.as_ref().map(|(_, path)| path.as_path());
            self.attendant.ended(&outcome, path);
        }
    }

    fn answered(&self, _exchange: &Arc<Exchange>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    fn failed(&self, exchange: &Arc<Exchange>, error: &wasmtime::Error) {
        let reason = error.root_cause().to_string();
        self.attendant.failed(exchange, &reason);
    }

    fn disconnected(&self, client: SocketAddr, error: &HttpError) {
        // Clients come and go as they like.
        tracing::debug!("{client}: {error}");
    }
}
