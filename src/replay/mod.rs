//! Bring a trace to life: wiring, crossings answered from the trace, divergence
//! checks, position.

mod backtrace;
pub mod boundary;
mod clock;
mod code;
mod debug;
mod divergence;
mod drive;
pub mod frames;
pub mod output;
pub mod position;
pub mod profile;
mod state;
pub mod tables;
mod values;
pub mod variant;
mod wiring;

pub use crate::component::ModuleId;
pub use clock::{Clock, TICKS_AFTER_LAST_EVENT};
pub use code::{Code, CodeError, Landing, Outside, Sort};
pub use divergence::{Crossed, Divergence, Passed, Side};
pub use position::{InstanceId, Phase, Position, Tick};
pub use state::{
    Answer, Calling, Checks, CoreInstance, DebugMoment, Entered, Entering, Observer, State,
};

pub use values::list as list_values;

use crate::instrument::clock::ClockStyle;
use crate::trace::{Outcome, Trace, TraceError};
use profile::Gauge;
use std::sync::Arc;
use variant::{CacheDir, Prepared, Variant, VariantError};
use wasmtime::{Engine, Module, Store, Trap};

/// The trace has no more events: where the run ended, or was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the recording ends here")]
pub struct EndOfTrace;

/// Why a trace could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The recording is damaged, or cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The core modules cannot be compiled, or compiled code not be loaded.
    #[error(transparent)]
    Variant(#[from] VariantError),
    /// Replay went another way than the recorded run: what both did.
    #[error(transparent)]
    Diverged(#[from] Divergence),
    /// The component's wiring does not add up: what is wrong with it.
    #[error("the component's core modules cannot be wired: {0}; this is a fault of rr-dap")]
    Wiring(&'static str),
    /// The recording is forged; the bound that it exceeds, in calls out in progress.
    #[error(
        "calls out of the guest and into it are nested more than {0} deep in this recording; \
         no component's are"
    )]
    Nesting(usize),
    /// Wasmtime gave another error than a trap: its message.
    #[error("the guest cannot be run: {0}")]
    Engine(String),
    /// Measuring a depth profile was called off.
    #[error("cancelled")]
    Cancelled,
    /// A depth profile was to be measured in another variant than [`Variant::Profile`].
    #[error("a depth profile is measured in the profile variant; compile the recording in that")]
    NotForProfile,
    /// The run ended in another way than the recorded one, or before all that was recorded.
    #[error("the guest {replayed} in replay, but in the recording it {recorded}")]
    Ending {
        /// The recording's outcome, to follow "it".
        recorded: String,
        /// What the guest did instead, to follow "the guest".
        replayed: String,
    },
}

impl From<wasmtime::Error> for ReplayError {
    fn from(error: wasmtime::Error) -> Self {
        match error
            .downcast::<Divergence>()
            .map(ReplayError::Diverged)
            .or_else(|error| error.downcast::<ReplayError>())
            .or_else(|error| error.downcast::<TraceError>().map(ReplayError::Trace))
        {
            Ok(known) => known,
            Err(error) => ReplayError::Engine(format!("{error:#}")),
        }
    }
}

/// The core modules of a recording, compiled in one variant.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// What they are compiled to.
    pub variant: Variant,
    /// By [`ModuleId`].
    pub modules: Vec<Prepared>,
}

impl Compiled {
    /// Compiles the recording's core modules, or finds them in the cache. For a
    /// recording that only the clock ends, [`Variant::Fast`] gives [`Variant::Exact`].
    ///
    /// # Errors
    ///
    /// If a module cannot be compiled or the cache cannot be written.
    pub fn prepare(
        trace: &Trace,
        cache: &CacheDir,
        variant: Variant,
        progress: &dyn Fn(usize, usize),
    ) -> Result<Compiled, VariantError> {
        let variant = variant.for_outcome(trace.outcome());
        let modules: Vec<Arc<[u8]>> = trace.component().modules().map(Arc::from).collect();
        Ok(Compiled {
            variant,
            modules: variant::prepare(cache, &modules, variant, progress)?,
        })
    }
}

/// What a recording was checked by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How replay ended, which is how the recorded run did.
    pub ended: Ended,
    /// How much was compared.
    pub checks: Checks,
}

struct Silent;

impl Observer for Silent {}

/// Replays a recording whole and checks every crossing against it. The compiled
/// code is kept in the user's cache directory.
///
/// # Errors
///
/// If replay diverges from the recording, or the recording is damaged.
pub fn verify(trace: &Arc<Trace>) -> Result<Verified, ReplayError> {
    let cache = CacheDir::open_default()?;
    let variant = Variant::for_whole(trace.outcome());
    let compiled = Compiled::prepare(trace, &cache, variant, &|_, _| {})?;
    let mut replay = Replay::new(trace.clone(), &compiled, Box::new(Silent))?;
    let ended = replay.run()?;
    let checks = replay.store().data().checks();
    Ok(Verified { ended, checks })
}

/// How a replay ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// All events were played and the guest returned.
    Returned,
    /// The events ended inside a call out: an exit, or where the host failed.
    InCall,
    /// The guest trapped after the last event.
    Trapped(String),
    /// The recording was cut off or interrupted, and guest code ran on as long as it
    /// may: [`TICKS_AFTER_LAST_EVENT`].
    Running,
}

/// A recording being replayed.
pub struct Replay {
    store: Store<State>,
    modules: Vec<Module>,
    clock: Clock,
}

impl Replay {
    /// Loads a compiled recording. No guest code runs yet.
    ///
    /// # Errors
    ///
    /// If compiled code cannot be loaded.
    pub fn new(
        trace: Arc<Trace>,
        compiled: &Compiled,
        observer: Box<dyn Observer>,
    ) -> Result<Replay, ReplayError> {
        let engine: Engine = variant::engine_for_replay(compiled.variant)?;
        let modules = compiled
            .modules
            .iter()
            .map(|module| module.load(&engine))
            .collect::<Result<Vec<_>, _>>()?;
        // Without a clock nobody stops it, so nobody forks it.
        let cursor = match compiled.variant {
            Variant::Plain => trace.events_ahead(),
            Variant::Fast | Variant::Exact | Variant::Profile | Variant::Debug => trace.events(),
        };
        let mut store = Store::new(
            &engine,
            State::new(trace, compiled.variant, cursor, observer),
        );
        if compiled.variant == Variant::Debug {
            store.set_debug_handler(debug::Handler);
        }
        // Made here so that it can be armed before any guest code runs.
        let style = compiled.variant.clock_style();
        let clock = Clock::new(&mut store, style.unwrap_or(ClockStyle::Cached))?;
        store.data_mut().clock = Some(clock);
        if compiled.variant == Variant::Profile {
            store.data_mut().gauge = Some(Gauge::new(&mut store)?);
        }
        Ok(Replay {
            store,
            modules,
            clock,
        })
    }

    /// The store, for a debug handler or an inspector.
    pub fn store(&mut self) -> &mut Store<State> {
        &mut self.store
    }

    /// The loaded modules, by [`ModuleId`].
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// Replays the whole recording.
    ///
    /// # Errors
    ///
    /// If replay diverges from the recording, or the trace is damaged.
    pub fn run(&mut self) -> Result<Ended, ReplayError> {
        let ended = wiring::instantiate(&mut self.store, &self.modules, self.clock)
            .and_then(|()| drive::play(&mut self.store))
            .map(|()| Ended::Returned);
        if let Some(divergence) = self.store.data_mut().divergence.take() {
            return Err(divergence.into());
        }
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) if error.downcast_ref::<EndOfTrace>().is_some() => {
                match self.store.data().calling() {
                    Some(_) => Ended::InCall,
                    None => Ended::Running,
                }
            }
            Err(error) => match error.downcast_ref::<Trap>() {
                Some(trap) => {
                    let ended = Ended::Trapped(trap.to_string());
                    self.store.data_mut().trap = backtrace::TrapSite::of(&error);
                    ended
                }
                None => return Err(error.into()),
            },
        };
        self.check_ending(&ended)?;
        Ok(ended)
    }

    /// The ending must be the recorded one.
    fn check_ending(&mut self, ended: &Ended) -> Result<(), ReplayError> {
        let recorded = self.store.data().trace.outcome().clone();
        let left_over = self.store.data_mut().next_event()?.is_some();
        let agrees = !left_over
            && match (&recorded, ended) {
                (Outcome::Trapped(a), Ended::Trapped(b)) => a == b,
                (Outcome::Returned { .. }, Ended::Returned)
                // A trap in a call out is the far side's: a handle that is none, a
                // string that is not one.
                | (
                    Outcome::Exited(_) | Outcome::HostError(_) | Outcome::Trapped(_),
                    Ended::InCall,
                )
                | (Outcome::Interrupted | Outcome::CutOff, _) => true,
                // After the guest returned: a result that is none, a task that ends
                // without one.
                (Outcome::Trapped(_) | Outcome::HostError(_), Ended::Returned) => {
                    !self.store.data().has_outlived_trace
                }
                _ => false,
            };
        if agrees {
            return Ok(());
        }
        Err(ReplayError::Ending {
            recorded: recorded.to_string(),
            replayed: match ended {
                Ended::Returned => "returned".into(),
                Ended::InCall => "was in a call out when the events ended".into(),
                Ended::Trapped(message) => format!("trapped: {message}"),
                Ended::Running => "ran on after the last event".into(),
            },
        })
    }
}
