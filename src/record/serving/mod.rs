//! Serve a component over HTTP, and write a recording of each of its instances.

mod files;
mod instanced;
mod recordings;

pub(super) use recordings::Recording;
pub use rr_dap_host::service::{Answer, Bounds, Exchange, GivenHeader};

use super::keep::Keep;
use super::shelf::Room;
use super::{RecorderError, RunError, WasiOptions};
use super::{compiling, link, pooling, room_for, shared, start_error};
use crate::component::Component;
use crate::instrument::record::{Commit, Options, Seed};
use crate::trace::Outcome;
use instanced::Instanced;
use recordings::Recordings;
use rr_dap_host::service::Service;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use wasmtime::Engine;
use wasmtime::component::Component as Compiled;

/// How often it is copied to where it outlives the process what instances have recorded that
/// have not answered yet.
const COPIED_EACH: Duration = Duration::from_millis(100);

/// From which request on an instance's memory is hashed: to hash a megabyte takes as long as a
/// small request, and most instances for WASI 0.2 get one.
const HASHES_FROM: u32 = 1024;

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
    /// Which are kept.
    pub keep: Keep,
    /// And how many.
    pub room: Room,
    /// Headers that requests get besides what clients say, or in its stead.
    pub headers: Vec<GivenHeader>,
    /// Whether what guests print says which instance it is of.
    pub names_lines: bool,
    /// Who connects here ends the service.
    pub shutdown: Option<SocketAddr>,
}

/// What is to be known of a service while it runs. Called from many threads.
pub trait Attendant: Send + Sync + 'static {
    /// It listens.
    fn ready(&self, address: SocketAddr);
    /// A request got status 500, as the component had no answer, or not all of one.
    fn failed(&self, exchange: &Exchange, reason: &str, recording: Option<&Path>);
    /// An instance trapped, or was ended by the host: the requests that it was at, and its
    /// recording, if there is one.
    fn ended(&self, outcome: &Outcome, requests: &[Arc<Exchange>], recording: Option<&Path>);
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
    let options_of_service = Options {
        commit: Commit::OnlyWhenFull,
        hashes_from: HASHES_FROM,
        handles: options.wasi.dials.handles.map(|_| Seed::OfHost),
        chaos: options.wasi.dials.chaos.map(|_| Seed::OfHost),
        ..Options::default()
    };
    // An instance is there until its answer has been sent.
    let requests = options.bounds.requests.max(options.bounds.connections);
    let (engine, compiled, recordings) = match &options.directory {
        None => {
            let plain = |engine: &Engine| plain(engine, component);
            let ready = pooling::for_requests(component, requests, plain, |compiled| compiled)?;
            (ready.engine, ready.compiled, None)
        }
        Some(directory) => {
            let compile = |engine: &Engine| compiling::ready(engine, component, options_of_service);
            let ready =
                pooling::for_requests(component, requests, compile, |ready| &ready.compiled)?;
            let sources = ready.compiled.sources(&options.wasi);
            let recordings = Recordings::make(directory, component, options, sources)?;
            (ready.engine, ready.compiled.compiled, Some(recordings))
        }
    };
    let linked = link(&engine, &compiled, &options.wasi)?;
    let service = Service::new(&linked).map_err(|error| ServeError::NoHandler {
        message: error.root_cause().to_string(),
    })?;
    // What is wrong with directories is found before there is a request.
    options.wasi.context(false)?;
    let instances = Instanced::new(engine, options, recordings, attendant.clone());
    let instances = Arc::new(instances);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| RunError::Start(format!("no threads for requests: {e}")))?;
    let watched = instances.clone();
    runtime.block_on(async move {
        let listener = listen(options.address)?;
        let ending = match options.shutdown {
            None => ending,
            Some(address) => or_by_connection(listen(address)?, ending),
        };
        if let Ok(address) = listener.local_addr() {
            attendant.ready(address);
        }
        let copied = watched.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(COPIED_EACH).await;
                copied.copy_from_running();
            }
        });
        let headers = options.headers.clone();
        let served = service.serve(listener, watched, options.bounds, headers, ending);
        served.await.map_err(ServeError::Accept)
    })?;
    runtime.shutdown_background();
    Ok(instances.summary())
}

/// An end that also comes when somebody connects.
fn or_by_connection(
    listener: TcpListener,
    mut ending: watch::Receiver<bool>,
) -> watch::Receiver<bool> {
    let (tell, told) = watch::channel(false);
    let by_connection = tell.clone();
    tokio::spawn(async move {
        // A listener that fails tells nobody: signals do.
        if listener.accept().await.is_ok() {
            _ = by_connection.send(true);
        }
    });
    tokio::spawn(async move {
        if ending.wait_for(|ending| *ending).await.is_ok() {
            _ = tell.send(true);
        }
    });
    told
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
