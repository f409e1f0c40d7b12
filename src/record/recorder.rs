//! The recorder of one run: takes what the recorders inside an instrumented
//! component commit, and writes the trace.

use super::sink;
use super::tail::{Push, Tail};
use super::{Recorded, shared};
use crate::component::{BodyId, Component, Item};
use crate::trace::tail::{IDENTITY, tail_path};
use crate::trace::{Instance, Metadata, Outcome, RecordsError, Writer};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use wasmtime::component::Linker;

/// So many committed bytes make it worth waking the writing thread.
const WORTH_WRITING: u64 = 256 << 10;

/// Why a recording could not be made or completed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RecorderError {
    #[error("cannot create {path}: {message}")]
    Create { path: PathBuf, message: String },
    #[error("cannot create {path}, which holds what is recorded until it is written: {message}")]
    Tail { path: PathBuf, message: String },
    #[error("cannot write {path}: {message}; what was recorded until then replays")]
    Write { path: PathBuf, message: String },
    #[error("{0}")]
    Output(String),
    #[error(
        "the recording is finished: nothing can be added to it; \
         make a recorder for each run"
    )]
    Finished,
    #[error(
        "the component is instantiated more often than a recording can hold: \
         make a recorder for each instantiation"
    )]
    Instances,
    #[error("instance {0} commits records, but has not been registered")]
    Unregistered(u32),
}

impl RecorderError {
    pub(super) fn create(path: &Path, error: &io::Error) -> RecorderError {
        let hint = match error.kind() {
            io::ErrorKind::AlreadyExists => {
                "; give another name with -o, or --force to overwrite it"
            }
            _ => remedy(error),
        };
        RecorderError::Create {
            path: path.to_owned(),
            message: format!("{error}{hint}"),
        }
    }

    fn tail(trace: &Path, error: &io::Error) -> RecorderError {
        RecorderError::Tail {
            path: tail_path(trace),
            message: format!("{error}{}", remedy(error)),
        }
    }

    fn write(path: Option<&Path>, error: &RecordsError) -> RecorderError {
        match (path, error) {
            (Some(path), RecordsError::Write(error)) => RecorderError::Write {
                path: path.to_owned(),
                message: format!("{error}{}", remedy(error)),
            },
            _ => RecorderError::Output(error.to_string()),
        }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            " (make room, or give a place that has it: `rr-dap record -o FILE`)"
        }
        _ => "",
    }
}

/// Records one run of an instrumented component into a trace.
///
/// It gives a [`Linker`] the import that [`instrument`] leaves in a component, so
/// any host that embeds Wasmtime records: with its own imports, its own stores,
/// synchronously or not, over as many calls as it likes. Clones are handles of the
/// same recorder.
///
/// Nothing is lost by ending it badly. A recorder that is dropped without
/// [`finish`](Recorder::finish) leaves a recording that says that it was cut off, with
/// everything up to there. So does a process that is killed: beside the file lies
/// `FILE.tail` while it is being made, from which [`Trace::open`] takes what had not
/// been written.
///
/// Engines should be made deterministic as [`deterministic`](super::deterministic) does it.
/// On engines with a pooling allocator, recorders cannot share their memory: what
/// they have not committed when the run ends is not recorded.
/// Engines with a memory creator of their own (`Config::with_host_memory`) are not
/// supported.
///
/// ```
/// use rr_dap::component::Component;
/// use rr_dap::instrument::record::instrument;
/// use rr_dap::record::{Recorder, deterministic};
/// use rr_dap::trace::{Metadata, Outcome, Trace};
/// use std::sync::Arc;
/// use wasmtime::component::{Component as Compiled, Linker};
/// use wasmtime::{Config, Engine, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let text = r#"(component
///   (core module $m
///     (func (export "double") (param i32) (result i32)
///       (i32.mul (local.get 0) (i32.const 2))))
///   (core instance $i (instantiate $m))
///   (func (export "double") (param "n" u32) (result u32)
///     (canon lift (core func $i "double"))))"#;
/// let component = Arc::new(Component::parse(wat::parse_str(text)?)?);
///
/// let mut config = Config::new();
/// deterministic(&mut config);
/// let engine = Engine::new(&config)?;
/// let compiled = Compiled::new(&engine, instrument(&component)?)?;
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("double.rrtrace");
/// let recorder = Recorder::create(&path, component, &Metadata::default())?;
/// let mut linker = Linker::new(&engine);
/// recorder.add_to_linker(&mut linker)?;
/// let mut store = Store::new(&engine, ());
/// let instance = linker.instantiate(&mut store, &compiled)?;
/// let double = instance.get_typed_func::<(u32,), (u32,)>(&mut store, "double")?;
/// for n in 0..10 {
///     assert_eq!(double.call(&mut store, (n,))?, (2 * n,));
/// }
/// recorder.finish(Outcome::Returned { success: true, result: None })?;
///
/// let trace = Arc::new(Trace::open(&path)?);
/// rr_dap::replay::verify(&trace)?;
/// # Ok(())
/// # }
/// ```
///
/// [`instrument`]: crate::instrument::record::instrument
/// [`Trace::open`]: crate::trace::Trace::open
#[derive(Clone)]
pub struct Recorder {
    handle: Arc<Handle>,
}

impl Recorder {
    /// Records a run of `component` (as it is before it is instrumented) into a new
    /// file.
    ///
    /// # Errors
    ///
    /// If there is such a file, or it cannot be written.
    pub fn create(
        path: &Path,
        component: Arc<Component>,
        metadata: &Metadata,
    ) -> Result<Recorder, RecorderError> {
        let file = File::create_new(path).map_err(|error| RecorderError::create(path, &error))?;
        Recorder::into_file(path, file, component, metadata)
    }

    /// The same, but overwrites the file if there is one.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn overwrite(
        path: &Path,
        component: Arc<Component>,
        metadata: &Metadata,
    ) -> Result<Recorder, RecorderError> {
        let file = File::create(path).map_err(|error| RecorderError::create(path, &error))?;
        Recorder::into_file(path, file, component, metadata)
    }

    fn into_file(
        path: &Path,
        file: File,
        component: Arc<Component>,
        metadata: &Metadata,
    ) -> Result<Recorder, RecorderError> {
        let regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
        let tail = match regular {
            true => beside(path).inspect_err(|_| _ = std::fs::remove_file(path))?,
            false => unnamed()?,
        };
        let out = file
            .try_clone()
            .map_err(|error| RecorderError::create(path, &error))?;
        let target = Target {
            path: Some(path.to_owned()),
            file: regular.then_some(file),
        };
        Recorder::start(target, Box::new(out), tail, component, metadata)
    }

    /// Records a run into anything that can be written: a pipe, a socket, a buffer.
    /// If the process is killed, what has not been written is lost.
    ///
    /// # Errors
    ///
    /// If the beginning of the recording cannot be written.
    pub fn to_writer(
        out: impl Write + Send + 'static,
        component: Arc<Component>,
        metadata: &Metadata,
    ) -> Result<Recorder, RecorderError> {
        let target = Target {
            path: None,
            file: None,
        };
        Recorder::start(target, Box::new(out), unnamed()?, component, metadata)
    }

    fn start(
        target: Target,
        out: Box<dyn Write + Send>,
        mut tail: Tail,
        component: Arc<Component>,
        metadata: &Metadata,
    ) -> Result<Recorder, RecorderError> {
        let begun = Instant::now();
        let writer = Writer::new(Sections::new(out), component.clone(), metadata)
            .map_err(|error| target.give_up(&error))?;
        tail.begin(&target.identity(), writer.written());
        let instances = recorded_instances(&component);
        let shared = Arc::new(Shared {
            component,
            instances,
            output: Mutex::new(Output {
                writer: Some(writer),
                target,
            }),
            pending: Mutex::new(Pending {
                tail,
                stage: Stage::Recording,
            }),
            work: Condvar::new(),
        });
        let thread = std::thread::Builder::new().name("rr-dap-writer".into());
        let writing = shared.clone();
        let thread = thread
            .spawn(move || writing.write_while_recording())
            .map_err(|error| RecorderError::Output(format!("cannot start a thread: {error}")))?;
        Ok(Recorder {
            handle: Arc::new(Handle {
                shared,
                thread: Mutex::new(Some(thread)),
                begun,
            }),
        })
    }

    /// Gives a linker the import of instrumented components. What is instantiated
    /// with it is recorded here.
    ///
    /// # Errors
    ///
    /// If the linker has the import already.
    pub fn add_to_linker<T: 'static>(&self, linker: &mut Linker<T>) -> wasmtime::Result<()> {
        let recorder = self.clone();
        sink::add_to_linker(linker, move |_| recorder.clone())
    }

    /// Ends the recording with how the run ended, and completes the file. Records
    /// that have not been committed, of a guest that trapped or exited, are taken:
    /// the guest's store need not exist any more.
    ///
    /// # Errors
    ///
    /// If writing fails or has failed; what was recorded until then replays.
    pub fn finish(&self, outcome: Outcome) -> Result<Recorded, RecorderError> {
        let shared = &self.handle.shared;
        let result = shared.finish(Some(&outcome));
        self.handle.join();
        let (events, bytes) = result?;
        Ok(Recorded {
            outcome,
            events,
            bytes,
            elapsed: self.handle.begun.elapsed(),
        })
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.handle.shared
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

/// The tail beside a trace.
fn beside(trace: &Path) -> Result<Tail, RecorderError> {
    let error = |error: &io::Error| RecorderError::tail(trace, error);
    let path = tail_path(trace);
    let file = shared::new_file(&path).map_err(|e| error(&e))?;
    match Tail::new(file) {
        Ok(tail) => Ok(tail),
        Err(e) => {
            _ = std::fs::remove_file(&path);
            match e.kind() {
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => Err(error(&e)),
                _ => {
                    tracing::warn!(
                        "files cannot be mapped there ({e}): if rr-dap is killed, \
                         {} will lack what was recorded last",
                        trace.display()
                    );
                    unnamed()
                }
            }
        }
    }
}

fn unnamed() -> Result<Tail, RecorderError> {
    shared::unnamed_file()
        .and_then(Tail::new)
        .map_err(|error| RecorderError::Output(format!("cannot share memory: {error}")))
}

/// How many instances of the component register a recorder.
fn recorded_instances(component: &Component) -> u64 {
    // Bodies come after those that they are nested in.
    let mut counts = vec![0u64; component.bodies().len()];
    for body in component.bodies().iter().rev() {
        let nested = body.items.iter().map(|item| match item {
            Item::Nested(id) => counts.get(id.0 as usize).copied().unwrap_or(0),
            _ => 0,
        });
        let own = u64::from(body.has_core);
        let all = nested.fold(own, u64::saturating_add);
        if let Some(count) = counts.get_mut(body.id.0 as usize) {
            *count = all;
        }
    }
    counts.get(BodyId(0).0 as usize).copied().unwrap_or(0)
}

/// What all clones of a recorder share. The last one that goes ends the recording.
struct Handle {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    begun: Instant,
}

impl Handle {
    fn join(&self) {
        if let Some(thread) = lock(&self.thread).take() {
            // A panic there has been printed, and has poisoned nothing that counts.
            _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        match self.shared.finish(None) {
            Ok(_) | Err(RecorderError::Finished) => {}
            Err(error) => tracing::warn!("{error}"),
        }
        self.join();
    }
}

/// A recording being made.
///
/// The threads of the run push into the tail; a thread of the recorder's own
/// encodes, compresses and writes. `output` is locked before `pending`.
pub(super) struct Shared {
    component: Arc<Component>,
    instances: u64,
    output: Mutex<Output>,
    pending: Mutex<Pending>,
    work: Condvar,
}

struct Output {
    writer: Option<TraceWriter>,
    target: Target,
}

type TraceWriter = Writer<Sections>;

/// Hands on what is written when it is flushed, which the writer does after each
/// section. What could not be written is not tried again.
struct Sections {
    out: Box<dyn Write + Send>,
    section: Vec<u8>,
    written: u64,
}

impl Sections {
    fn new(out: Box<dyn Write + Send>) -> Sections {
        Sections {
            out,
            section: Vec::new(),
            written: 0,
        }
    }
}

impl Write for Sections {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.section.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let section = std::mem::take(&mut self.section);
        self.out.write_all(&section)?;
        self.out.flush()?;
        self.written += section.len() as u64;
        self.section = section;
        self.section.clear();
        Ok(())
    }
}

/// Where the trace goes, if it is a file.
struct Target {
    path: Option<PathBuf>,
    file: Option<File>,
}

impl Target {
    /// The first bytes of the trace.
    fn identity(&self) -> [u8; IDENTITY] {
        let mut identity = [0; IDENTITY];
        if let Some(path) = &self.path
            && let Ok(file) = File::open(path)
        {
            use std::os::unix::fs::FileExt;
            _ = file.read_exact_at(&mut identity, 0);
        }
        identity
    }

    /// The recording could not even begin: nothing of it is left.
    fn give_up(&self, error: &RecordsError) -> RecorderError {
        self.remove_tail();
        if let (Some(path), Some(_)) = (&self.path, &self.file) {
            _ = std::fs::remove_file(path);
        }
        RecorderError::write(self.path.as_deref(), error)
    }

    /// Takes off what was written of a section.
    fn truncate(&self, length: u64) {
        if let Some(file) = &self.file {
            _ = file.set_len(length);
        }
    }

    /// The recording is whole without its tail.
    fn remove_tail(&self) {
        if let (Some(path), Some(_)) = (&self.path, &self.file) {
            _ = std::fs::remove_file(tail_path(path));
        }
    }
}

struct Pending {
    tail: Tail,
    stage: Stage,
}

enum Stage {
    Recording,
    Finished,
    Failed(RecorderError),
}

impl Pending {
    fn check(&self) -> Result<(), RecorderError> {
        match &self.stage {
            Stage::Recording => Ok(()),
            Stage::Finished => Err(RecorderError::Finished),
            Stage::Failed(error) => Err(error.clone()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn recording(&self) -> Result<MutexGuard<'_, Pending>, RecorderError> {
        let pending = lock(&self.pending);
        pending.check()?;
        Ok(pending)
    }

    /// Numbers an instance. `buffer` is its recorder's memory, if it can be shared.
    ///
    /// # Safety
    ///
    /// A buffer must be as [`Tail::add`] needs it.
    pub(super) unsafe fn register(
        &self,
        buffer: Option<(*mut u8, usize)>,
    ) -> Result<u32, RecorderError> {
        // What others recorded at their start happened before.
        self.take_held(None)?;
        let mut pending = self.recording()?;
        let instance = pending.tail.instances();
        if u64::from(instance) >= self.instances {
            return Err(RecorderError::Instances);
        }
        match buffer {
            None => pending.tail.add_apart(),
            Some((base, length)) => {
                // SAFETY: as the caller says.
                let added = unsafe { pending.tail.add(base, length) };
                drop(pending);
                added.map_err(|error| self.tail_error(&error))?;
            }
        }
        Ok(instance)
    }

    fn tail_error(&self, error: &io::Error) -> RecorderError {
        match &lock(&self.output).target.path {
            Some(path) => RecorderError::tail(path, error),
            None => RecorderError::Output(format!("cannot share memory: {error}")),
        }
    }

    /// Takes what an instance's recorder commits.
    ///
    /// # Safety
    ///
    /// `base`, if given, is the beginning of the memory that the records are in, and
    /// 16 bytes before them; see [`Tail::follow`].
    pub(super) unsafe fn commit(
        &self,
        instance: u32,
        base: Option<*mut u8>,
        records: &[u8],
    ) -> Result<(), RecorderError> {
        if instance >= self.recording()?.tail.instances() {
            return Err(RecorderError::Unregistered(instance));
        }
        self.take_held(Some(instance))?;
        self.push(Instance(instance), records)?;
        let Some(base) = base else { return Ok(()) };
        let length = records.len() + crate::trace::tail::RECORDS_START;
        // SAFETY: as the caller says; what was in the buffer is in the backlog.
        let followed = unsafe { self.recording()?.tail.follow(instance, base, length) };
        followed.map_err(|error| self.tail_error(&error))
    }

    /// Takes what instances other than the one that commits hold back. They cannot
    /// commit from a `realloc` or a `post-return`; it happened before.
    fn take_held(&self, committing: Option<u32>) -> Result<(), RecorderError> {
        let pending = self.recording()?;
        if !pending.tail.others(committing.unwrap_or(u32::MAX)) {
            return Ok(());
        }
        let held = pending.tail.held(&self.component);
        drop(pending);
        for (instance, records) in held {
            if Some(instance.0) != committing {
                self.push(instance, &records)?;
            }
        }
        Ok(())
    }

    fn push(&self, instance: Instance, records: &[u8]) -> Result<(), RecorderError> {
        loop {
            let mut pending = self.recording()?;
            match pending.tail.push(instance, records) {
                Push::Done => {
                    if pending.tail.backlog_length() >= WORTH_WRITING {
                        self.work.notify_one();
                    }
                    return Ok(());
                }
                Push::Full => {
                    drop(pending);
                    self.write_out(&mut lock(&self.output))?;
                }
                Push::TooLarge => {
                    drop(pending);
                    return self.push_at_once(instance, records);
                }
            }
        }
    }

    fn push_at_once(&self, instance: Instance, records: &[u8]) -> Result<(), RecorderError> {
        let mut output = lock(&self.output);
        self.write_out(&mut output)?;
        let length = self.write(&mut output, |writer| {
            writer.records(instance, records)?;
            writer.flush()?;
            Ok(writer.written())
        })?;
        self.recording()?
            .tail
            .written_at_once(instance, records.len(), length);
        Ok(())
    }

    /// The work of the recorder's own thread.
    fn write_while_recording(&self) {
        loop {
            let mut pending = lock(&self.pending);
            while pending.tail.backlog_length() < WORTH_WRITING {
                if pending.check().is_err() {
                    return;
                }
                pending = self
                    .work
                    .wait(pending)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            drop(pending);
            // An error is kept, and told to whoever commits or finishes.
            if self.write_out(&mut lock(&self.output)).is_err() {
                return;
            }
        }
    }

    /// Writes what is in the backlog to the trace.
    fn write_out(&self, output: &mut Output) -> Result<(), RecorderError> {
        let backlog = self.recording()?.tail.backlog();
        let end = backlog.end;
        let length = self.write(output, |writer| {
            for (instance, records) in backlog {
                writer.records(instance, &records)?;
            }
            writer.flush()?;
            Ok(writer.written())
        })?;
        lock(&self.pending).tail.written_out(end, length);
        Ok(())
    }

    /// Writes to the trace. If that fails, the recording ends with what was whole
    /// before; what was not written stays in the tail.
    fn write<R>(
        &self,
        output: &mut Output,
        write: impl FnOnce(&mut TraceWriter) -> Result<R, RecordsError>,
    ) -> Result<R, RecorderError> {
        let Some(writer) = &mut output.writer else {
            return Err(RecorderError::Finished);
        };
        let whole = writer.written();
        let result = write(writer);
        result.map_err(|error| self.fail(output, whole, &error))
    }

    fn fail(&self, output: &mut Output, whole: u64, error: &RecordsError) -> RecorderError {
        output.writer = None;
        output.target.truncate(whole);
        let error = RecorderError::write(output.target.path.as_deref(), error);
        let mut pending = lock(&self.pending);
        if matches!(pending.stage, Stage::Recording) {
            pending.stage = Stage::Failed(error.clone());
        }
        error
    }

    /// Takes everything that there is and ends the trace; answers how many outgoing
    /// crossings were recorded and how long the trace is. Without an outcome, it
    /// says that it was cut off.
    fn finish(&self, outcome: Option<&Outcome>) -> Result<(u64, u64), RecorderError> {
        let mut output = lock(&self.output);
        let result = self.end(&mut output, outcome);
        let mut pending = lock(&self.pending);
        if matches!(pending.stage, Stage::Recording) {
            pending.stage = Stage::Finished;
        }
        self.work.notify_all();
        result
    }

    fn end(
        &self,
        output: &mut Output,
        outcome: Option<&Outcome>,
    ) -> Result<(u64, u64), RecorderError> {
        self.write_out(output)?;
        // From here on nothing is committed: the stage is looked at under the lock.
        let held = {
            let mut pending = self.recording()?;
            // Something may have been committed meanwhile by a guest that runs on.
            let late: Vec<_> = pending.tail.backlog().collect();
            pending.stage = Stage::Finished;
            let held = pending.tail.stop(&self.component);
            [late, held].concat()
        };
        self.write(output, |writer| {
            for (instance, records) in &held {
                writer.records(*instance, records)?;
            }
            writer.flush()
        })?;
        let Some(writer) = output.writer.take() else {
            return Err(RecorderError::Finished);
        };
        let (events, written) = (writer.events(), writer.written());
        let path = output.target.path.as_deref();
        let length = match outcome {
            None => written,
            Some(outcome) => writer
                .finish(outcome)
                .map_err(|error| {
                    output.target.truncate(written);
                    RecorderError::write(path, &error)
                })
                .map(|out| out.written)?,
        };
        output.target.remove_tail();
        Ok((events, length))
    }
}
