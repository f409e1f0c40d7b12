//! Move: checkpoints, seek, search forward and backward.
//!
//! Every motion runs in a copy of a replayer that stands still: if it is
//! interrupted or its process dies, the session is where it was.

mod breakpoints;
mod checkpoints;
pub mod interrupt;
mod lines;
pub mod motion;
pub mod predicates;
mod process;
mod readiness;
pub mod replayer;
mod travel;
mod wire;

pub use interrupt::Interrupt;
pub use process::REPLAYER_COMMAND;
pub use wire::CrossingInProgress;

use crate::component::ModuleId;
use crate::component::types::CoreValue;
use crate::replay::frames::Frame;
use crate::replay::tables::Element;
use crate::replay::variant::{CacheDir, Variant, VariantError};
use crate::replay::{Code, Compiled, InstanceId, Position};
use crate::source::ModuleSource;
use crate::trace::{Outcome, Trace, TraceError};
use checkpoints::Checkpoints;
use motion::{Ending, Reason, Stop};
use process::{Pool, Process, ProcessError};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use wire::{Load, Reply, Request, Run, StopAt, Watch};

/// Why the timeline could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// Nothing has moved.
    #[error("interrupted")]
    Interrupted,
    #[error("the replayer died: {0}; the recording is intact, and the next motion starts another")]
    Died(String),
    #[error("{0}")]
    Failed(String),
    #[error(transparent)]
    Trace(#[from] TraceError),
    #[error(transparent)]
    Variant(#[from] VariantError),
    #[error("cannot make a socket for the replayer: {0}")]
    Socket(std::io::Error),
}

impl From<ProcessError> for TimelineError {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Interrupted => TimelineError::Interrupted,
            ProcessError::Died(message) => TimelineError::Died(message),
            ProcessError::Failed(message) => TimelineError::Failed(message),
        }
    }
}

type Result<T, E = TimelineError> = std::result::Result<T, E>;

/// How a timeline is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The rr-dap executable, which is started again as the replayer.
    pub program: PathBuf,
    /// Where compiled code is kept.
    pub cache: CacheDir,
    /// Whether a background sweep runs ahead and leaves checkpoints.
    pub sweep: bool,
}

impl Options {
    /// This executable and the default cache.
    ///
    /// # Errors
    ///
    /// If the cache directory cannot be used, or the executable not be found.
    pub fn standard() -> Result<Options> {
        let program = std::env::current_exe().map_err(TimelineError::Socket)?;
        Ok(Options {
            program,
            cache: CacheDir::open_default()?,
            sweep: true,
        })
    }
}

/// The original code and the debug information of one core module.
pub struct Module {
    pub code: Code,
    pub source: ModuleSource,
}

/// A recording that one can move in.
pub struct Timeline {
    trace: Arc<Trace>,
    modules: Arc<[Module]>,
    load: Load,
    pool: Pool,
    checkpoints: Checkpoints,
    /// The process that stands where the session is.
    live: Process,
    here: Stop,
    sweep: Option<Process>,
    breakpoints: breakpoints::Breakpoints,
    marks: HashMap<String, Position>,
    rows: lines::RowsCache,
}

impl Timeline {
    /// Opens a recording: compiles it if need be, starts a replayer, and stands
    /// at the start. `progress` is told how many bytes of code are compiled, of
    /// how many.
    ///
    /// # Errors
    ///
    /// If the recording cannot be compiled, or the replayer not be started.
    pub fn open(
        trace: Arc<Trace>,
        options: &Options,
        progress: &dyn Fn(usize, usize),
    ) -> Result<Timeline> {
        let compiled = Compiled::prepare(&trace, &options.cache, Variant::Debug, progress)?;
        let mut modules = Vec::new();
        for bytes in trace.component().modules() {
            let bytes: Arc<[u8]> = Arc::from(bytes);
            let failed = |e: &dyn std::fmt::Display| TimelineError::Failed(e.to_string());
            modules.push(Module {
                code: Code::read(bytes.clone()).map_err(|e| failed(&e))?,
                source: ModuleSource::read(bytes).map_err(|e| failed(&e))?,
            });
        }
        let modules: Arc<[Module]> = modules.into();
        let mut pool = Pool::new(options.program.clone()).map_err(TimelineError::Socket)?;
        // Replayers are given its bytes as they are now: the file may change.
        let component = trace
            .given_component()
            .map(|given| pool.keep("component", given.bytes()))
            .transpose()
            .map_err(TimelineError::Socket)?;
        let load = Load {
            trace: std::path::absolute(trace.path()).map_err(TimelineError::Socket)?,
            component,
            variant: compiled.variant,
            modules: compiled
                .modules
                .iter()
                .map(|m| (m.code.clone(), m.offsets.to_bytes()))
                .collect(),
            body_starts: modules.iter().map(lines::body_starts).collect(),
        };
        let mut root = pool.spawn(load.clone())?;
        let live = pool.fork(&mut root)?;
        let here = Stop {
            position: Position::START,
            event: 0,
            reason: Reason::Start,
        };
        let mut checkpoints = Checkpoints::default();
        checkpoints.keep(root, here.position.tick);
        let mut timeline = Timeline {
            trace,
            modules,
            load,
            pool,
            checkpoints,
            live,
            here,
            sweep: None,
            breakpoints: breakpoints::Breakpoints::default(),
            marks: HashMap::new(),
            rows: lines::RowsCache::default(),
        };
        if options.sweep {
            timeline.start_sweep()?;
        }
        Ok(timeline)
    }

    /// Runs ahead to the end in the background, leaving checkpoints on the way.
    fn start_sweep(&mut self) -> Result<()> {
        let mut runner = self.pool.fork(&mut self.live)?;
        runner.start(&Request::Run(Box::new(Run {
            watch: Watch::Nothing,
            stop: StopAt::End,
            leave_at: Vec::new(),
            leave_every: true,
            first_id: self.pool.reserve(1 << 20),
        })))?;
        self.sweep = Some(runner);
        Ok(())
    }

    /// Takes in the checkpoints that running replayers have left, and the sweep
    /// if it is done.
    fn collect(&mut self) {
        let present = self.here.position.tick;
        for process in self.pool.take_arrived() {
            self.checkpoints.keep(process, present);
        }
        let done = self.sweep.as_mut().is_some_and(Process::has_answer);
        if done && let Some(mut sweep) = self.sweep.take() {
            match sweep.wait(&Interrupt::new(), || {}) {
                Ok(Reply::Stopped { at, .. }) => {
                    sweep.at = at;
                    self.checkpoints.keep(sweep, present);
                }
                Ok(_) => {}
                Err(error) => tracing::warn!("the sweep ended early: {error}"),
            }
        }
    }

    /// The recording.
    pub fn trace(&self) -> &Arc<Trace> {
        &self.trace
    }

    /// The code and debug information of the core modules, by [`ModuleId`].
    pub fn modules(&self) -> &Arc<[Module]> {
        &self.modules
    }

    /// One module.
    pub fn module(&self, id: ModuleId) -> Option<&Module> {
        self.modules.get(id.0 as usize)
    }

    /// Where the session stands.
    pub fn here(&self) -> &Stop {
        &self.here
    }

    /// Remembers this moment under a name.
    pub fn mark(&mut self, name: &str) {
        self.marks.insert(name.to_owned(), self.here.position);
    }

    /// The moment remembered under a name.
    pub fn marked(&self, name: &str) -> Option<Position> {
        self.marks.get(name).copied()
    }

    /// The positions of the checkpoints there are, ascending.
    pub fn checkpoints(&mut self) -> Vec<Position> {
        self.collect();
        self.checkpoints.positions().collect()
    }

    /// The last position of the recording, once the sweep has been there.
    pub fn end(&mut self) -> Option<Position> {
        self.collect();
        self.checkpoints.end().map(|p| p.at.position)
    }

    /// The last position of the recording, if something is known to have been
    /// there.
    pub fn known_end(&self) -> Option<Position> {
        self.checkpoints.known_end()
    }

    /// Waits until the background sweep has reached the end.
    ///
    /// # Errors
    ///
    /// If interrupted.
    pub fn wait_for_sweep(&mut self, interrupt: &Interrupt) -> Result<()> {
        while let Some(mut sweep) = self.sweep.take() {
            let result = sweep.wait(interrupt, || {});
            match result {
                Ok(Reply::Stopped { at, .. }) => {
                    sweep.at = at;
                    self.checkpoints.keep(sweep, self.here.position.tick);
                }
                Ok(_) => {}
                Err(ProcessError::Interrupted) => {
                    self.sweep = Some(sweep);
                    return Err(TimelineError::Interrupted);
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.collect();
        Ok(())
    }

    /// How the recording ends.
    pub fn ending(&self) -> Ending {
        match self.trace.outcome().clone() {
            Outcome::Returned { .. } => Ending::Returned,
            Outcome::Exited(status) => Ending::Exited(status),
            Outcome::Trapped(message) => Ending::Trapped(message),
            Outcome::HostError(message) => Ending::HostError(message),
            Outcome::Interrupted => Ending::Interrupted,
            Outcome::CutOff => Ending::CutOff,
        }
    }

    /// The guest's frames here, innermost first, over all activations.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn frames(&mut self) -> Result<Vec<Frame>> {
        match self.ask(&Request::Frames)? {
            Reply::Frames(frames) => Ok(frames),
            _ => Err(confused()),
        }
    }

    /// The locals of a frame, by its index in [`Timeline::frames`].
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn locals(&mut self, frame: usize) -> Result<Vec<CoreValue>> {
        let frame = frame as u32;
        self.values(&Request::Locals { frame })
    }

    /// The operand stack of a frame, bottom first.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn operands(&mut self, frame: usize) -> Result<Vec<CoreValue>> {
        let frame = frame as u32;
        self.values(&Request::Operands { frame })
    }

    /// The globals of a core instance.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn globals(&mut self, instance: InstanceId) -> Result<Vec<CoreValue>> {
        self.values(&Request::Globals { instance })
    }

    /// The sizes of the tables of a core instance.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn tables(&mut self, instance: InstanceId) -> Result<Vec<u64>> {
        match self.ask(&Request::Tables { instance })? {
            Reply::Tables(sizes) => Ok(sizes),
            _ => Err(confused()),
        }
    }

    /// Elements of a table: fewer than asked for where it ends, or at the 65,536th.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn table(
        &mut self,
        instance: InstanceId,
        table: u32,
        from: u64,
        count: u32,
    ) -> Result<Vec<Element>> {
        let request = Request::Table {
            instance,
            table,
            from,
            count,
        };
        match self.ask(&request)? {
            Reply::Elements(elements) => Ok(elements),
            _ => Err(confused()),
        }
    }

    /// Bytes of a memory: fewer than asked for where it ends.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn memory(
        &mut self,
        instance: InstanceId,
        memory: u32,
        address: u64,
        length: u32,
    ) -> Result<Vec<u8>> {
        let request = Request::Memory {
            instance,
            memory,
            address,
            length,
        };
        match self.ask(&request)? {
            Reply::Bytes(bytes) => Ok(bytes),
            _ => Err(confused()),
        }
    }

    /// The outgoing crossing that the guest is in, if it is in one.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn crossing(&mut self) -> Result<Option<CrossingInProgress>> {
        match self.ask(&Request::Crossing)? {
            Reply::Crossing(crossing) => Ok(crossing.map(|c| *c)),
            _ => Err(confused()),
        }
    }

    /// Bytes of the memory that the crossing in progress reads and writes.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn crossing_memory(&mut self, address: u64, length: u32) -> Result<Vec<u8>> {
        match self.ask(&Request::CrossingMemory { address, length })? {
            Reply::Bytes(bytes) => Ok(bytes),
            _ => Err(confused()),
        }
    }

    /// The core instances made so far: module and component instance, by
    /// [`InstanceId`].
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn instances(&mut self) -> Result<Vec<(ModuleId, u32)>> {
        match self.ask(&Request::Instances)? {
            Reply::Instances(instances) => Ok(instances),
            _ => Err(confused()),
        }
    }

    fn values(&mut self, request: &Request) -> Result<Vec<CoreValue>> {
        match self.ask(request)? {
            Reply::Values(values) => Ok(values),
            _ => Err(confused()),
        }
    }

    /// Asks the live replayer; if it has died, brings another to where it stood
    /// and asks that.
    fn ask(&mut self, request: &Request) -> Result<Reply> {
        match self.live.ask(request) {
            Err(ProcessError::Died(message)) => {
                tracing::warn!("the replayer died ({message}); replaying to where it stood");
                self.revive()?;
                Ok(self.live.ask(request)?)
            }
            other => Ok(other?),
        }
    }
}

fn confused() -> TimelineError {
    TimelineError::Failed("the replayer answered something else; this is a fault of rr-dap".into())
}
