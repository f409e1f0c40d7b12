//! Serve a component over HTTP, and write a recording of each of its instances.

use super::held::Held;
use super::host::Served;
use super::keep::{Keep, Verdict};
use super::shelf::{Room, Shelf};
use super::tails::Tails;
use super::writing::recorded_instances;
use super::{Recorder, RecorderError, RunError, WasiOptions};
use super::{compiling, link, metadata, outcome_of, pooling, room_for, shared, start_error};
use crate::component::Component;
use crate::instrument::record::{Commit, Options};
use crate::trace::{
    CarriedSource, HeldProgram, Metadata, Note, NotedAnswer, NotedRequest, Outcome, ProgramId, Utc,
    private,
};
use parking_lot::Mutex;
pub use rr_dap_host::service::{Answer, Bounds, Exchange, GivenHeader};
use rr_dap_host::service::{Instances, Service};
use rr_dap_host::{Host, HttpError};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::watch;
use wasmtime::component::Component as Compiled;
use wasmtime::{Engine, Store};

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
        ..Options::default()
    };
    let requests = options.bounds.requests;
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
    let linked = link(&engine, &compiled, &options.wasi.switches)?;
    let service = Service::new(&linked).map_err(|error| ServeError::NoHandler {
        message: error.root_cause().to_string(),
    })?;
    // What is wrong with directories is found before there is a request.
    options.wasi.context(false)?;
    let instances = Arc::new(Instanced {
        engine,
        wasi: options.wasi.clone(),
        names_lines: options.names_lines,
        recordings,
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
        let ending = match options.shutdown {
            None => ending,
            Some(address) => or_by_connection(listen(address)?, ending),
        };
        if let Ok(address) = listener.local_addr() {
            attendant.ready(address);
        }
        let headers = options.headers.clone();
        let served = service.serve(listener, watched, options.bounds, headers, ending);
        served.await.map_err(ServeError::Accept)
    })?;
    runtime.shutdown_background();
    Ok(Summary {
        requests: instances.requests.load(Ordering::Relaxed),
        instances: instances.instances.load(Ordering::Relaxed),
    })
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

/// What recordings of a service have in common.
struct Recordings {
    files: Files,
    component: Arc<Component>,
    program: HeldProgram,
    metadata: Metadata,
    keep: Keep,
    shelf: Shelf,
    tails: Tails,
    /// For recordings that cannot be written while the run goes on: a service goes on when a
    /// disk is full.
    tails_in_memory: Tails,
    /// Requests that are not answered yet, by their numbers, with the recording they are in.
    open: Mutex<HashMap<u64, Arc<Recording>>>,
}

/// The recording of one instance. It is over when the instance is, and all of its requests are
/// answered.
pub(super) struct Recording {
    number: u64,
    path: PathBuf,
    pub(super) recorder: Recorder,
    /// What is recorded, if it is not written to its place yet.
    held: Option<Held>,
    state: Mutex<RecordingState>,
}

struct RecordingState {
    /// The instance, and requests that are not answered.
    open: usize,
    exchanges: Vec<Arc<Exchange>>,
    outcome: Option<Outcome>,
}

impl Recordings {
    fn make(
        directory: &Path,
        component: &Arc<Component>,
        options: &ServeOptions,
        sources: Vec<CarriedSource>,
    ) -> Result<Recordings, ServeError> {
        let files = Files::make(directory)?;
        let instances = recorded_instances(component);
        let lasting = options.keep.is_all().then(|| directory.to_owned());
        Ok(Recordings {
            program: beside(directory, component, sources)?,
            component: component.clone(),
            metadata: metadata(&options.wasi, None, Vec::new()),
            keep: options.keep.clone(),
            shelf: Shelf::of(directory, options.room),
            tails: Tails::new(lasting, instances),
            tails_in_memory: Tails::new(None, instances),
            files,
            open: Mutex::default(),
        })
    }

    /// The recording of one more instance; what keeps it from being written at once is told.
    fn begin(&self, told: impl FnOnce(&RecorderError)) -> Result<Arc<Recording>, RecorderError> {
        let (number, path) = self.files.next();
        let metadata = Metadata {
            started: seconds_now(),
            instance: number,
            ..self.metadata.clone()
        };
        let begin = |held: Option<Held>, tails: &Tails| {
            let component = self.component.clone();
            Recorder::of_instance(&path, held, tails, component, &self.program, &metadata)
        };
        let in_memory = || Held::in_directory(&self.files.directory);
        let mut held = (!self.keep.is_all()).then(in_memory);
        let recorder = match begin(held.clone(), &self.tails) {
            Err(error) if held.is_none() => {
                told(&error);
                let instead = in_memory();
                held = Some(instead.clone());
                begin(Some(instead), &self.tails_in_memory)?
            }
            begun => begun?,
        };
        Ok(Arc::new(Recording {
            number,
            path,
            recorder,
            held,
            state: Mutex::new(RecordingState {
                open: 1,
                exchanges: Vec::new(),
                outcome: None,
            }),
        }))
    }

    fn accepted(
        &self,
        recording: &Arc<Recording>,
        exchange: &Arc<Exchange>,
    ) -> Result<(), RecorderError> {
        let number = {
            let mut state = recording.state.lock();
            state.open += 1;
            state.exchanges.push(exchange.clone());
            state.exchanges.len() as u64
        };
        self.open.lock().insert(exchange.number, recording.clone());
        let note = Note::Request(noted(number, exchange));
        let now = recording.held.is_none();
        recording.recorder.shared().note(note, now)
    }

    /// Where the tail of a recording comes from, and goes.
    fn tails_of(&self, recording: &Recording) -> &Tails {
        match recording.held.is_some() && self.keep.is_all() {
            true => &self.tails_in_memory,
            false => &self.tails,
        }
    }

    /// One of what a recording waits for is over; the last one ends it.
    fn release(&self, recording: &Recording) -> Result<Option<Concluded>, RecorderError> {
        let (outcome, exchanges) = {
            let mut state = recording.state.lock();
            state.open -= 1;
            if state.open > 0 {
                return Ok(None);
            }
            let outcome = state.outcome.take().unwrap_or(Outcome::CutOff);
            (outcome, std::mem::take(&mut state.exchanges))
        };
        let answers = exchanges
            .iter()
            .map(|exchange| noted_answer(&exchange.answer()));
        let answers: Vec<NotedAnswer> = answers.collect();
        let verdict = self
            .keep
            .verdict(recording.number, &outcome, answers.iter());
        if verdict == Verdict::Dropped {
            recording.recorder.discard_with(self.tails_of(recording));
            return Ok(Some(Concluded {
                outcome,
                exchanges,
                kept: None,
            }));
        }
        for (answer, number) in answers.into_iter().zip(1..) {
            let note = Note::Answered { number, answer };
            recording.recorder.shared().note(note, false)?;
        }
        let tails = self.tails_of(recording);
        let finished = recording.recorder.finish_with(outcome.clone(), tails);
        let bytes = finished?.bytes;
        if let Some(held) = &recording.held {
            let written = held.keep(&recording.path);
            written.map_err(|error| RecorderError::create(&recording.path, &error))?;
        }
        self.shelf.put(recording.path.clone(), bytes, verdict);
        Ok(Some(Concluded {
            outcome,
            exchanges,
            kept: Some(recording.path.clone()),
        }))
    }
}

/// What has come of an instance and of its requests.
struct Concluded {
    outcome: Outcome,
    exchanges: Vec<Arc<Exchange>>,
    /// Its recording, if that is kept.
    kept: Option<PathBuf>,
}

fn noted(number: u64, exchange: &Exchange) -> NotedRequest {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = exchange.headers.iter();
    NotedRequest {
        number,
        of_server: exchange.number,
        method: exchange.method.clone(),
        target: exchange.target.clone(),
        authority: exchange.authority.clone(),
        headers: headers
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
        began: exchange
            .began
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| nanoseconds(since)),
        answer: None,
    }
}

fn noted_answer(answer: &Answer) -> NotedAnswer {
    NotedAnswer {
        status: answer.status,
        error: answer.error.clone(),
        received: answer.received,
        sent: answer.sent,
        duration: answer.duration.map_or(0, nanoseconds),
        is_whole: answer.is_whole,
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn seconds_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Puts a program, and its sources, beside recordings of it, once.
fn beside(
    directory: &Path,
    component: &Component,
    sources: Vec<CarriedSource>,
) -> Result<HeldProgram, ServeError> {
    let program = ProgramId::of(component.bytes());
    let put = |name: String, bytes: &[u8]| {
        let path = directory.join(name);
        let written = match std::fs::read(&path) {
            Ok(there) if there[..] == *bytes => Ok(()),
            _ => private::replace(&path, bytes),
        };
        written.map_err(|error| ServeError::Directory {
            path,
            message: error.to_string(),
        })
    };
    put(program.file_name(), component.bytes())?;
    if !sources.is_empty()
        && let Ok(text) = serde_json::to_vec(&sources)
    {
        put(program.sources_name(), &text)?;
    }
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

    fn next(&self) -> (u64, PathBuf) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number:06}.rrtrace", self.run);
        (number, self.directory.join(name))
    }
}

/// The instances of one service.
struct Instanced {
    engine: Engine,
    wasi: WasiOptions,
    names_lines: bool,
    recordings: Option<Recordings>,
    attendant: Arc<dyn Attendant>,
    requests: AtomicU64,
    instances: AtomicU64,
}

impl Instanced {
    fn told(&self, recorded: Result<(), RecorderError>) {
        if let Err(error) = recorded {
            self.attendant.not_recorded(&error);
        }
    }

    fn release(&self, recordings: &Recordings, recording: &Recording) {
        match recordings.release(recording) {
            Ok(Some(concluded)) => self.tell(&concluded),
            Ok(None) => {}
            Err(error) => self.attendant.not_recorded(&error),
        }
    }

    fn tell(&self, concluded: &Concluded) {
        let Concluded {
            outcome,
            exchanges,
            kept,
        } = concluded;
        let failed = exchanges.iter().filter_map(|exchange| {
            let error = exchange.answer().error?;
            Some((exchange.clone(), error))
        });
        let failed: Vec<_> = failed.collect();
        if matches!(outcome, Outcome::Returned { .. }) {
            for (exchange, error) in failed {
                self.attendant.failed(&exchange, &error, kept.as_deref());
            }
            return;
        }
        let failed: Vec<_> = failed.into_iter().map(|(exchange, _)| exchange).collect();
        self.attendant.ended(outcome, &failed, kept.as_deref());
    }
}

impl Instances for Instanced {
    fn begin(&self) -> wasmtime::Result<Store<Host>> {
        let told = |error: &RecorderError| self.attendant.not_recorded(error);
        let recording = self.recordings.as_ref();
        let recording = recording
            .map(|recordings| recordings.begin(told))
            .transpose();
        let recording = recording.inspect_err(|error| self.attendant.not_recorded(error))?;
        let counted = self.instances.fetch_add(1, Ordering::Relaxed) + 1;
        let number = recording
            .as_ref()
            .map_or(counted, |recording| recording.number);
        let wasi = self.wasi.context_of(number, self.names_lines)?;
        let served = Served {
            recording,
            exchanges: Vec::new(),
        };
        Ok(Store::new(&self.engine, Host::new(wasi, served)))
    }

    fn accepted(&self, host: &mut Host, exchange: &Arc<Exchange>) {
        let Some(served) = host.companion_mut::<Served>() else {
            return;
        };
        served.exchanges.push(exchange.clone());
        if let (Some(recordings), Some(recording)) = (&self.recordings, &served.recording) {
            self.told(recordings.accepted(recording, exchange));
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
        let exchanges = std::mem::take(&mut served.exchanges);
        let (recording, parted) = served.take_recording();
        self.told(parted);
        drop(store);
        let failed = !matches!(outcome, Outcome::Returned { .. });
        if failed {
            for exchange in &exchanges {
                exchange.end_by(|| outcome.to_string());
            }
        }
        match (&self.recordings, &recording) {
            (Some(recordings), Some(recording)) => {
                recording.state.lock().outcome = Some(outcome);
                self.release(recordings, recording);
            }
            _ if failed => self.tell(&Concluded {
                outcome,
                exchanges,
                kept: None,
            }),
            _ => {}
        }
    }

    fn answers(&self, exchange: &Arc<Exchange>) {
        // What is held is gone anyway when the process is.
        let lasting = |recordings: &&Recordings| recordings.keep.is_all();
        if let Some(recordings) = self.recordings.as_ref().filter(lasting) {
            let recording = recordings.open.lock().get(&exchange.number).cloned();
            if let Some(recording) = recording {
                // What fails here is told by the commit that comes.
                _ = recording.recorder.copy_from_running();
            }
        }
    }

    fn answered(&self, exchange: &Arc<Exchange>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let Some(recordings) = &self.recordings else {
            return;
        };
        let recording = recordings.open.lock().remove(&exchange.number);
        if let Some(recording) = recording {
            self.release(recordings, &recording);
        }
    }

    fn failed(&self, exchange: &Arc<Exchange>, error: &wasmtime::Error) {
        // Where it is recorded, it is told when it is known why, and where the recording is.
        let is_recorded = |recordings: &Recordings| {
            let open = recordings.open.lock();
            open.contains_key(&exchange.number)
        };
        if !self.recordings.as_ref().is_some_and(is_recorded) {
            let reason = error.root_cause().to_string();
            self.attendant.failed(exchange, &reason, None);
        }
    }

    fn disconnected(&self, client: SocketAddr, error: &HttpError) {
        // Clients come and go as they like.
        tracing::debug!("{client}: {error}");
    }
}
