//! Move: checkpoints, seek, search forward and backward.
//!
//! Every motion runs in a copy of a replayer that stands still: if it is
//! interrupted or its process dies, the session is where it was.

mod ahead;
mod growing;
pub mod interrupt;
mod look;
mod options;
mod passes;
pub mod processes;
mod recovery;
mod suspended;
pub mod travel;
mod twin;

pub use ahead::checkpoints::Limits;
pub use ahead::found::{Finding, FoundKey};
pub use interrupt::Interrupt;
pub use options::{First, Options};
pub use passes::changes::Changes;
pub use passes::told::Telling;
pub use passes::visits::{Pass, Visits};
pub use processes::compiling::{CompilerEnd, Progress};
pub use processes::machine::Bytes;
pub use processes::pool::REPLAYER_COMMAND;
pub use processes::wire::ask::CrossingInProgress;
pub use processes::wire::found::{Change, Visit};
pub use processes::wire::told::{ToldVisit, ToldVisits, Values};
pub use travel::call_targets::{CallTarget, Callee};
pub use travel::returning::Returned;

use crate::component::{Component, ModuleId};
use crate::replay::counts::Counts;
use crate::replay::variant::{CacheError, Variant, VariantError};
use crate::replay::{Code, Compiled, Position};
use crate::source::ModuleSource;
use crate::trace::{Outcome, Trace, TraceError, scarce};
use ahead::body_starts::BodyStarts;
use ahead::depths::Depths;
use ahead::outer::OuterVisits;
use ahead::surveys::Surveys;
use ahead::sweep::Sweep;
use passes::changes;
use processes::compiling::Compiling;
use processes::debugging::Debugging;
use processes::early;
use processes::pool::Pool;
use processes::process::{Process, ProcessError};
use processes::watching::{Watching, WatchingSweep};
use processes::wire::ask::CallOnStack;
use processes::wire::greeting::Load;
use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use travel::calls_out::CallsOut;
use travel::motion::{Ending, MemoryRange, Reason, Stepping, Stop};
use travel::pausing::ComeTo;
use travel::{breakpoints, lines};

/// Why the timeline could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// Nothing has moved.
    #[error("interrupted")]
    Interrupted,
    /// A replayer is gone, and another in its place, if one was tried, did no better: what was
    /// seen of its end.
    #[error("the replayer died: {0}; the recording is intact, and the next motion starts another")]
    Died(String),
    /// A replayer has said what is not an answer to what it was asked, and so has another in
    /// its place: what is wrong with it.
    #[error(
        "the replayer answered something else ({0}); this is a fault of rr-dap, or the \
         executable was replaced meanwhile"
    )]
    Confused(String),
    /// A replayer cannot, as where replay diverges, or the place asked for is none: why, in words.
    #[error("{0}")]
    Failed(String),
    /// This takes the debug variant, which is still being compiled: how far that has come.
    #[error(
        "the guest runs optimised here, where locals and operands are in registers; it is being \
         compiled for debugging ({} of {} bytes), ask again or step by instruction",
        .0.done, .0.total
    )]
    Optimised(Progress),
    /// No moment is remembered under this name.
    #[error("there is no mark `{0}`; set one with `mark {0}`")]
    NoMark(String),
    /// These bytes do not change between the start of the recording and here.
    #[error("the {0} have not been written before this moment: memory begins as zeros")]
    NotWritten(MemoryRange),
    /// The session stands right after the first change of these bytes.
    #[error("the {0} had not been written before this write: memory begins as zeros")]
    NotWrittenEarlier(MemoryRange),
    /// These bytes do not change between here and the end of the recording.
    #[error("the {0} do not change any more")]
    NotWrittenAgain(MemoryRange),
    /// Nothing is written to these bytes between here and the end of the recording.
    #[error("the {0} are not written any more")]
    NoMoreWrites(MemoryRange),
    /// A range of more bytes than are compared where one stops.
    #[error("the {0} are too many to watch; watch 16 MiB or less")]
    TooLong(MemoryRange),
    /// [`Motion::IntoCall`](travel::motion::Motion::IntoCall) with an offset that is not an instruction of the
    /// innermost frame's function.
    #[error(
        "the innermost frame makes no call at {0:#x}; step targets are those of the present line"
    )]
    NoCall(u32),
    /// The recording is damaged, or cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The core modules cannot be compiled, or the code not be kept.
    #[error(transparent)]
    Variant(#[from] VariantError),
    /// What replayers are started with cannot be had.
    #[error("cannot {doing}: {source}{}", scarce::remedy(.source))]
    Setup {
        /// What was tried, to follow "cannot".
        doing: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
}

impl From<CacheError> for TimelineError {
    fn from(error: CacheError) -> Self {
        TimelineError::Variant(error.into())
    }
}

impl From<ProcessError> for TimelineError {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Interrupted => TimelineError::Interrupted,
            ProcessError::Died(message) => TimelineError::Died(message),
            ProcessError::Confused(message) => TimelineError::Confused(message),
            ProcessError::NeedsDebug => TimelineError::Optimised(Progress::default()),
            ProcessError::Failed(message) => TimelineError::Failed(message),
        }
    }
}

type Result<T, E = TimelineError> = std::result::Result<T, E>;

fn cannot(doing: &'static str) -> impl FnOnce(std::io::Error) -> TimelineError {
    move |source| TimelineError::Setup { doing, source }
}

/// The original code and the debug information of one core module.
pub struct Module {
    /// Where its functions and instructions are, and what it imports and exports.
    pub code: Code,
    /// Its lines, scopes, types and names, as far as debug information tells.
    pub source: ModuleSource,
}

/// A recording that one can move in.
pub struct Timeline {
    trace: Arc<Trace>,
    modules: Arc<[Module]>,
    options: Options,
    /// What replayers are given.
    load: Load,
    debugging: Debugging,
    watching: Watching,
    watching_sweep: WatchingSweep,
    pool: Pool,
    /// The process that stands where the session is.
    live: Process,
    here: Stop,
    /// How many of the inlined calls that begin there are still ahead.
    unbegun: u32,
    /// For a motion that looks at frames of one stack of several: the calls into the guest that
    /// hold them, outermost first.
    on_stack: Option<Vec<CallOnStack>>,
    /// The stack that the present motion is of, where it is another one than that which runs.
    of_stack: Option<u64>,
    /// The waiting stack whose frames are looked at; `None`: that which runs.
    looked_at: Option<suspended::LookedAt>,
    /// Processes that stand where stacks ran last that wait here, or have waited.
    left: Vec<suspended::Left>,
    /// What looks waits until code for debugging is compiled, if it takes that, or until this is raised.
    waits_for_code: Option<Interrupt>,
    /// What the function has returned that was stepped out of to here.
    returned: Option<Returned>,
    /// Runs ahead in the background.
    sweep: Sweep,
    depths: Depths,
    /// Outgoing crossings when depths were measured last.
    measured: u64,
    outer: OuterVisits,
    surveys: Surveys,
    calls_out: CallsOut,
    breakpoints: breakpoints::Breakpoints,
    stepping: Stepping,
    /// Moments by name: position and event.
    marks: HashMap<String, (Position, u64)>,
    rows: lines::RowsCache,
    body_starts: BodyStarts,
    changes: changes::Known,
    /// How often each instruction ran, once that is known.
    counts: Option<Arc<Counts>>,
    /// How far the present motion has come, should it be paused.
    come_to: Option<ComeTo>,
    /// A breakpoint has ended the last step before it was where it led.
    is_cut_short: bool,
}

impl Timeline {
    /// Opens a recording: compiles it if need be, or, of a large program, what runs before
    /// `main` (see [`Timeline::enter_early`]), starts a replayer, and stands at the start. `progress` is told how much is compiled.
    ///
    /// # Errors
    ///
    /// If the recording cannot be compiled, or the replayer not be started; if
    /// interrupted while it is compiled, which goes on for the next time.
    pub fn open(
        trace: Arc<Trace>,
        options: &Options,
        interrupt: &Interrupt,
        progress: &dyn Fn(Progress),
    ) -> Result<Timeline> {
        let modules = read_modules(trace.component())?;
        let begun = early::begin(&trace, &modules, options, interrupt, progress)?;
        let compiled = begun.compiled;
        let pool = Pool::new(options.program.clone(), options.limits);
        let mut pool = pool.map_err(cannot(
            "make a directory for the replayers (TMPDIR says where; it must be one that can be \
             written to)",
        ))?;
        let load = what_to_load(&trace, &compiled, &pool)?;
        let mut load = load;
        if trace.is_growing() {
            let extent = pool.keep_extent(&trace.extent());
            load.extent = Some(extent.map_err(cannot("tell replayers how far it goes"))?);
        }
        let body_starts = BodyStarts::later(modules.clone(), Stepping::default());
        let mut root = pool.spawn(&load)?;
        let live = pool.fork(&mut root)?;
        pool.checkpoints().keep(root);
        Ok(Timeline {
            trace,
            modules,
            options: options.clone(),
            load,
            debugging: begun.debugging,
            watching: Watching::default(),
            watching_sweep: WatchingSweep::default(),
            pool,
            live,
            here: Stop {
                position: Position::START,
                event: 0,
                reason: Reason::Start,
            },
            unbegun: 0,
            waits_for_code: None,
            on_stack: None,
            of_stack: None,
            looked_at: None,
            left: Vec::new(),
            returned: None,
            sweep: Sweep::to_come(options),
            depths: Depths::Unwanted,
            measured: 0,
            outer: OuterVisits::default(),
            surveys: Surveys::default(),
            calls_out: CallsOut::default(),
            breakpoints: breakpoints::Breakpoints::default(),
            stepping: Stepping::default(),
            marks: HashMap::new(),
            rows: lines::RowsCache::default(),
            body_starts,
            changes: changes::Known::default(),
            counts: None,
            come_to: None,
            is_cut_short: false,
        })
    }

    /// Compiles the recording in a variant, for a replay of its own. `progress` is told
    /// how much is compiled.
    ///
    /// # Errors
    ///
    /// If it cannot be compiled, or if interrupted.
    pub fn compile(
        &self,
        variant: Variant,
        interrupt: &Interrupt,
        progress: &dyn Fn(Progress),
    ) -> Result<Compiled> {
        let cache = self.options.cache.clone();
        Compiling::start(self.trace.clone(), cache, variant)?.finish(interrupt, progress)
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

    /// What the guest's code is compiled to here: in [`Variant::Fast`] there are
    /// hostcalls with their memory and frames, in [`Variant::Debug`] everything.
    pub fn variant(&self) -> Variant {
        self.load.variant
    }

    /// How line steps treat code that is not of interest. What they need is worked out in the
    /// background from then on.
    pub fn set_stepping(&mut self, stepping: Stepping) {
        self.body_starts = BodyStarts::later(self.modules.clone(), stepping.clone());
        self.body_starts.begin();
        self.stepping = stepping;
    }

    /// Remembers this moment under a name.
    pub fn mark(&mut self, name: &str) {
        self.marks
            .insert(name.to_owned(), (self.here.position, self.here.event));
    }

    /// Remembers a moment of an earlier session under a name; `event` as
    /// [`Stop::event`](travel::motion::Stop::event) has it there.
    pub fn remember(&mut self, name: &str, position: Position, event: u64) {
        self.marks.insert(name.to_owned(), (position, event));
    }

    /// The moment remembered under a name.
    pub fn marked(&self, name: &str) -> Option<Position> {
        self.marks.get(name).map(|(position, _)| *position)
    }

    /// Forgets the moment remembered under a name; whether there was one.
    pub fn unmark(&mut self, name: &str) -> bool {
        self.marks.remove(name).is_some()
    }

    /// The moments remembered, with their event numbers, in the order of time.
    pub fn marks(&self) -> Vec<(&str, Position, u64)> {
        let marks = self.marks.iter();
        let mut marks: Vec<_> = marks
            .map(|(name, (position, event))| (name.as_str(), *position, *event))
            .collect();
        marks.sort_by_key(|(_, position, _)| *position);
        marks
    }

    /// The positions of the checkpoints there are, ascending.
    pub fn checkpoints(&mut self) -> Vec<Position> {
        self.pool.checkpoints().positions().collect()
    }

    /// The checkpoints there are, ascending: event and position.
    pub fn checkpoint_moments(&self) -> Vec<(u64, Position)> {
        self.pool.checkpoints().moments().collect()
    }

    /// What the checkpoints take, all together: the pages that each has for
    /// itself, and its share of those that it has in common with others.
    pub fn checkpoint_memory(&self) -> Bytes {
        self.pool.checkpoints().memory()
    }

    /// How many of the checkpoints have had their memory compressed.
    pub fn packed_checkpoints(&self) -> usize {
        self.pool.checkpoints().packed()
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
            Outcome::GoesOn => Ending::SoFar,
        }
    }
}

fn read_modules(component: &Component) -> Result<Arc<[Module]>> {
    let failed = |e: &dyn std::fmt::Display| TimelineError::Failed(e.to_string());
    let modules = component.modules().map(|bytes| {
        let bytes: Arc<[u8]> = Arc::from(bytes);
        Ok(Module {
            code: Code::read(bytes.clone()).map_err(|e| failed(&e))?,
            source: ModuleSource::read(bytes).map_err(|e| failed(&e))?,
        })
    });
    modules.collect()
}

fn what_to_load(trace: &Trace, compiled: &Compiled, pool: &Pool) -> Result<Load> {
    // Replayers are given its bytes as they are now: the file may change.
    let component: Option<PathBuf> = trace
        .given_component()
        .map(|given| pool.keep("component", given.bytes()))
        .transpose()
        .map_err(cannot("give replayers the component"))?;
    Ok(Load {
        trace: std::path::absolute(trace.path()).map_err(cannot("tell where the recording is"))?,
        identity: trace.identity(),
        component,
        extent: None,
        variant: compiled.variant,
        modules: compiled_modules(compiled),
        _unkept: unkept(compiled),
    })
}

fn compiled_modules(compiled: &Compiled) -> Vec<(PathBuf, Vec<u8>)> {
    let modules = compiled.modules.iter();
    modules
        .map(|m| (m.code.clone(), m.offsets.to_bytes()))
        .collect()
}

fn unkept(compiled: &Compiled) -> Vec<Arc<File>> {
    let modules = compiled.modules.iter();
    modules.filter_map(|module| module.unkept.clone()).collect()
}
