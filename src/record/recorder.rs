//! The recorder of one run: takes what the recorders inside an instrumented
//! component commit, and writes the trace.

use super::held::Held;
use super::tail::Tail;
use super::tails::{PooledTail, Tails};
use super::target::{Sections, Target, beside, unnamed};
use super::writing::{Begin, Shared};
use super::{Dials, Recorded, RecorderError, shared, sink};
use crate::component::Component;
use crate::trace::tail::IDENTITY;
use crate::trace::{HeldProgram, Metadata, Outcome, PackedComponent, Writer, private};
use parking_lot::Mutex;
use std::future::poll_fn;
use std::io::Write;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use wasmtime::component::Linker;

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
/// On engines with a pooling allocator, these recorders cannot share their memory: what
/// they have not committed when the run ends is not recorded, and no times are.
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
/// rr_dap::inspect::ending::verify(&trace)?;
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
    /// file. When it began is set in what the file has of `metadata`.
    ///
    /// # Errors
    ///
    /// If there is such a file, or it cannot be written.
    pub fn create(
        path: &Path,
        component: Arc<Component>,
        metadata: &Metadata,
    ) -> Result<Recorder, RecorderError> {
        let packed = PackedComponent::new(&component);
        let packed = packed.map_err(|error| RecorderError::create(path, &error))?;
        let program = HeldProgram::Whole(packed);
        Recorder::begin(path, false, component, &program, metadata)
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
        let packed = PackedComponent::new(&component);
        let packed = packed.map_err(|error| RecorderError::create(path, &error))?;
        let program = HeldProgram::Whole(packed);
        Recorder::begin(path, true, component, &program, metadata)
    }

    /// Into a file, which may be there only if `force` says so, with a component that is
    /// compressed already.
    pub(super) fn begin(
        path: &Path,
        force: bool,
        component: Arc<Component>,
        program: &HeldProgram,
        metadata: &Metadata,
    ) -> Result<Recorder, RecorderError> {
        let file = match force {
            true => private::create(path),
            false => private::create_new(path),
        };
        let file = file.map_err(|error| RecorderError::create(path, &error))?;
        let regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
        let instances = u64::from(component.instances());
        let tail = match regular {
            true => beside(path, instances).inspect_err(|_| _ = std::fs::remove_file(path))?,
            false => unnamed(instances)?,
        };
        let out = file
            .try_clone()
            .map_err(|error| RecorderError::create(path, &error))?;
        let target = Target {
            path: Some(path.to_owned()),
            file: regular.then_some(file),
            spare: None,
        };
        Recorder::start(target, Box::new(out), tail, component, program, metadata)
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
            spare: None,
        };
        let tail = unnamed(u64::from(component.instances()))?;
        let packed = PackedComponent::new(&component)
            .map_err(|error| RecorderError::Output(error.to_string()))?;
        let program = HeldProgram::Whole(packed);
        Recorder::start(target, Box::new(out), tail, component, &program, metadata)
    }

    /// One of many of a service, with a tail that others have used: into a new file, or held
    /// for now. What it has not written by then it writes when it ends, as most are small.
    pub(super) fn of_instance(
        path: &Path,
        held: Option<Held>,
        tails: &Tails,
        component: Arc<Component>,
        program: &HeldProgram,
        metadata: &Metadata,
    ) -> Result<Recorder, RecorderError> {
        let PooledTail { tail, spare } = tails.take(path)?;
        match held {
            Some(held) => {
                let shared = Recorder::held_in(held, tail, component, program, metadata);
                Ok(Recorder::with(Arc::new(shared), None))
            }
            None => {
                let error = |error| RecorderError::create(path, &error);
                let file = private::create_new(path).map_err(error)?;
                let out = file.try_clone().map_err(error)?;
                let target = Target {
                    path: Some(path.to_owned()),
                    file: Some(file),
                    spare,
                };
                let out = Box::new(out);
                let shared = Recorder::shared_of(target, out, tail, component, program, metadata)?;
                Ok(Recorder::with(shared, None))
            }
        }
    }

    /// A recording that is begun when something of it must be written: of most, nothing.
    fn held_in(
        held: Held,
        mut tail: Tail,
        component: Arc<Component>,
        program: &HeldProgram,
        metadata: &Metadata,
    ) -> Shared {
        tail.start_clock();
        tail.begin(&[0; IDENTITY], 0);
        let metadata = started(&tail, metadata);
        let dials = Dials::of(&metadata);
        let (of, program) = (component.clone(), program.clone());
        let begin: Begin = Box::new(move || {
            let out = Sections::new(Box::new(held));
            Writer::with_program(out, of, &program, &metadata)
        });
        let target = Target {
            path: None,
            file: None,
            spare: None,
        };
        Shared::new(component, Err(begin), target, tail, dials)
    }

    /// Ends a recording of which nothing is wanted, and gives its tail back: the guest's store
    /// must be gone.
    pub(super) fn discard_with(&self, tails: &Tails) {
        let spare = self.shared().spare();
        self.shared().discard();
        if let Some(tail) = self.shared().take_tail() {
            tails.put(PooledTail { tail, spare });
        }
    }

    /// Ends the recording, and gives its tail back: the guest's store must be gone.
    pub(super) fn finish_with(
        &self,
        outcome: Outcome,
        tails: &Tails,
    ) -> Result<Recorded, RecorderError> {
        let spare = self.shared().spare();
        let recorded = self.finish(outcome);
        if recorded.is_ok()
            && let Some(tail) = self.shared().take_tail()
        {
            tails.put(PooledTail { tail, spare });
        }
        recorded
    }

    fn shared_of(
        target: Target,
        out: Box<dyn Write + Send>,
        mut tail: Tail,
        component: Arc<Component>,
        program: &HeldProgram,
        metadata: &Metadata,
    ) -> Result<Arc<Shared>, RecorderError> {
        let out = Sections::new(out);
        tail.start_clock();
        let metadata = started(&tail, metadata);
        let writer = Writer::with_program(out, component.clone(), program, &metadata)
            .map_err(|error| target.give_up(&error))?;
        tail.begin(&target.identity(), writer.written());
        let dials = Dials::of(&metadata);
        let shared = Shared::new(component, Ok(writer), target, tail, dials);
        Ok(Arc::new(shared))
    }

    fn with(shared: Arc<Shared>, thread: Option<JoinHandle<()>>) -> Recorder {
        Recorder {
            handle: Arc::new(Handle {
                shared,
                parts_from_guests: thread.is_none(),
                thread: Mutex::new(thread),
                begun: Instant::now(),
            }),
        }
    }

    /// Whether whoever has it says when the guest's store goes: then it may look at memory that
    /// a pool lends to that store.
    pub(super) fn parts_from_guests(&self) -> bool {
        self.handle.parts_from_guests
    }

    /// Copies what has not been committed, of a guest that may be running on another thread, to
    /// where it outlives the process.
    pub(super) fn copy_from_running(&self) -> Result<(), RecorderError> {
        match self.shared().copy_from_running() {
            Err(RecorderError::Finished) => Ok(()),
            copied => copied,
        }
    }

    /// The process is about to end: the guest, which may be running on another thread, goes no
    /// further than to what it would record next.
    pub(super) fn park(&self) {
        self.shared().park();
    }

    /// Takes what has not been committed. It must be said before the store of the guest goes,
    /// and when nothing of it runs any more.
    pub(super) fn part_from_guests(&self) -> Result<(), RecorderError> {
        self.shared().part_from_guests()
    }

    fn start(
        target: Target,
        out: Box<dyn Write + Send>,
        tail: Tail,
        component: Arc<Component>,
        program: &HeldProgram,
        metadata: &Metadata,
    ) -> Result<Recorder, RecorderError> {
        let shared = Recorder::shared_of(target, out, tail, component, program, metadata)?;
        let thread = std::thread::Builder::new().name("rr-dap-writer".into());
        let writing = shared.clone();
        let thread = thread
            .spawn(move || {
                shared::expect_other_threads();
                writing.write_while_recording();
            })
            .map_err(|error| RecorderError::Output(format!("cannot start a thread: {error}")))?;
        Ok(Recorder::with(shared, Some(thread)))
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

    /// Runs the guest by polling `future`, so that the recording tells exactly when what the guest
    /// waited for was there. Without, it tells it to a millisecond, or to as much as the host's
    /// threads have to wait for a processor.
    pub async fn clocked<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            // The guest goes on where it waited, or begins.
            self.shared().clock.tick();
            future.as_mut().poll(context)
        })
        .await
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
        let totals = result?;
        Ok(Recorded {
            outcome,
            events: totals.events,
            builtins: totals.builtins,
            bytes: totals.bytes,
            elapsed: self.handle.begun.elapsed(),
            trapped_in_adapter: false,
        })
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.handle.shared
    }
}

/// What a recording says of the run, with when it began.
fn started(tail: &Tail, metadata: &Metadata) -> Metadata {
    let (started, started_nanos) = tail.started();
    Metadata {
        started,
        started_nanos,
        ..metadata.clone()
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

/// What all clones of a recorder share. The last one that goes ends the recording.
struct Handle {
    shared: Arc<Shared>,
    parts_from_guests: bool,
    thread: Mutex<Option<JoinHandle<()>>>,
    begun: Instant,
}

impl Handle {
    fn join(&self) {
        if let Some(thread) = self.thread.lock().take() {
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
