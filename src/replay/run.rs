//! A replay from its beginning to its end, which must be the recorded one.

use super::clock::Clock;
use super::compiled::Compiled;
use super::error::{EndOfTrace, ReplayError};
use super::gauge::Gauge;
use super::state::{Checks, Observer, State};
use super::trap::TrapSite;
use super::variant::{self, CacheDir, Variant};
use super::{debug, drive, wiring};
use crate::instrument::clock::ClockStyle;
use crate::trace::{Outcome, Trace};
use std::sync::Arc;
use wasmtime::{Engine, Module, Store, Trap};

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
        if let Some(divergence) = self.store.data_mut().ending.divergence.take() {
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
                    self.store.data_mut().ending.trap = TrapSite::of(&error);
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
                // A trap in a call out is the far side's: a handle that it does
                // not have, a string that is not one.
                | (
                    Outcome::Exited(_) | Outcome::HostError(_) | Outcome::Trapped(_),
                    Ended::InCall,
                )
                | (Outcome::Interrupted | Outcome::CutOff, _) => true,
                // After the guest returned: a result that does not fit, a task that ends
                // without one.
                (Outcome::Trapped(_) | Outcome::HostError(_), Ended::Returned) => {
                    !self.store.data().ending.outlived_trace
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
