//! A replay from its beginning to its end, which must be the recorded one.

use super::clock::Clock;
use super::compiled::Compiled;
use super::contexts::Tree;
use super::divergence::{Divergence, Side};
use super::error::{EndOfTrace, ReplayError};
use super::gauge::Gauge;
use super::state::{Observer, State};
use super::trap::TrapSite;
use super::variant::{self, Variant};
use super::{debug, drive, wiring};
use crate::instrument::clock::ClockStyle;
use crate::instrument::probe::Probe;
use crate::trace::{Outcome, Trace};
use std::sync::Arc;
use wasmtime::{Engine, Module, Store, ThrownException, Trap};

/// How a replay ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// All events were played and the guest returned.
    Returned,
    /// The events ended inside a call out: an exit, or where the host failed.
    InCall,
    /// The guest has returned, and goes on after that: it waits in a call of this, which the run
    /// did not wait for.
    Waiting(Arc<str>),
    /// The guest trapped after the last event.
    Trapped(String),
    /// The recording was cut off or interrupted, and guest code ran on as long as it
    /// may: [`TICKS_AFTER_LAST_EVENT`](super::TICKS_AFTER_LAST_EVENT).
    Running,
}

/// How far the recorded ending is what the replay did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// The replay ended so itself.
    Same,
    /// What ended the run, the host did, or code that it ran: in a call of the guest, or after
    /// the guest had returned. A replay has no host, so that is as the recording says.
    HostsWord,
    /// The recording stops before the run did, so it says nothing of an ending.
    Open,
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
            _ => trace.events(),
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
        if compiled.variant.probe().is_some_and(Probe::has_contexts) {
            store.data_mut().contexts = Some(Tree::new(&mut store, None)?);
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

    /// The loaded modules, by [`ModuleId`](super::ModuleId).
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
                match (self.store.data().calling(), self.waits_in()) {
                    (Some(_), Some(name)) => Ended::Waiting(name),
                    (Some(_), None) => Ended::InCall,
                    (None, _) => Ended::Running,
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

    /// The ending must be the recorded one. What a call answered is compared by
    /// who can lift it.
    fn check_ending(&mut self, ended: &Ended) -> Result<(), ReplayError> {
        if let Some(event) = self.store.data_mut().next_event()? {
            let recorded = drive::side(&self.store, event);
            return Err(self.diverged(recorded, ended).into());
        }
        let recorded = self.store.data().trace.outcome().clone();
        match self.compared(&recorded, ended) {
            Some(compared) => {
                self.store.data_mut().ending.compared = Some(compared);
                Ok(())
            }
            None => {
                let recorded = format!("the run {recorded}");
                Err(self.diverged(recorded.into(), ended).into())
            }
        }
    }

    /// `None` if the one ending cannot be the other.
    fn compared(&self, recorded: &Outcome, ended: &Ended) -> Option<Compared> {
        let state = self.store.data();
        let own_host = state.trace.metadata().is_of_own_host();
        match (recorded, ended) {
            (Outcome::Interrupted | Outcome::CutOff | Outcome::GoesOn, _) => Some(Compared::Open),
            (Outcome::Trapped(a), Ended::Trapped(b)) => (a == b).then_some(Compared::Same),
            // So an uncaught exception was told; other hosts may tell it in any words.
            (Outcome::HostError(told), Ended::Trapped(trap)) if is_uncaught_exception(trap) => {
                let is_it = !own_host || *told == ThrownException.to_string();
                is_it.then_some(Compared::Same)
            }
            // Whoever makes the run has what it asked for once a task has returned.
            (Outcome::Returned { .. }, Ended::Returned | Ended::Waiting(_)) => Some(Compared::Same),
            (Outcome::Exited(status), Ended::InCall | Ended::Waiting(_)) => {
                match self.exit_status() {
                    Some(replayed) => (replayed == *status).then_some(Compared::Same),
                    // Another host may end a run in any call.
                    None => (!own_host).then_some(Compared::HostsWord),
                }
            }
            (Outcome::HostError(_), Ended::InCall | Ended::Waiting(_)) => {
                let exits = own_host && self.exit_status().is_some();
                (!exits).then_some(Compared::HostsWord)
            }
            // A trap in a call out is the far side's: a handle that it does
            // not have, a string that is not one.
            (Outcome::Trapped(message), Ended::InCall | Ended::Waiting(_)) => {
                let exits = own_host && self.exit_status().is_some();
                (!exits && !is_of_guest_code(message)).then_some(Compared::HostsWord)
            }
            // After the guest returned: a result that does not fit, a task that ends
            // without one.
            (Outcome::Trapped(message), Ended::Returned) if is_of_guest_code(message) => None,
            // What lifts results in our own host does not trap as guests do on purpose.
            (Outcome::Trapped(message), Ended::Returned) if own_host && is_on_purpose(message) => {
                None
            }
            (Outcome::Trapped(_) | Outcome::HostError(_), Ended::Returned) => {
                (!state.ending.outlived_trace).then_some(Compared::HostsWord)
            }
            _ => None,
        }
    }

    /// What the guest waits in a call of, if it has returned before.
    fn waits_in(&self) -> Option<Arc<str>> {
        let state = self.store.data();
        let call = state.calling().filter(|_| state.ending.has_returned)?;
        let crossing = state.component().crossing(call.crossing)?;
        crossing.waits().then(|| Arc::from(&*crossing.name))
    }

    /// The status that the guest exits with in the call that it stands in.
    fn exit_status(&self) -> Option<i32> {
        let state = self.store.data();
        let call = state.calling()?;
        let crossing = state.component().crossing(call.crossing)?;
        state
            .component()
            .exit_status(call.instance, crossing, &call.args)
    }

    fn diverged(&self, recorded: Side, ended: &Ended) -> Divergence {
        let state = self.store.data();
        let replayed = match ended {
            Ended::Returned => "the run returned".to_owned(),
            Ended::InCall | Ended::Waiting(_) => match (self.exit_status(), state.calling()) {
                (Some(status), _) => format!("the run exited with status {status}"),
                (None, Some(call)) => {
                    let name = drive::named(&self.store, call.crossing);
                    format!("the run ended in a call of {name}")
                }
                (None, None) => "the run ended in a call".to_owned(),
            },
            Ended::Trapped(message) => format!("the run trapped: {message}"),
            Ended::Running => "the run went on after the last event".to_owned(),
        };
        Divergence {
            event: state.checks.events,
            recorded,
            replayed: replayed.into(),
        }
    }
}

fn is_uncaught_exception(message: &str) -> bool {
    message == Trap::UncaughtException.to_string()
}

/// Whether it is an ending that guests choose; code between components may end so, too.
fn is_on_purpose(message: &str) -> bool {
    [Trap::UnreachableCodeReached, Trap::UncaughtException]
        .iter()
        .any(|trap| message == trap.to_string())
}

/// Whether only an instruction of a guest traps so. What hosts and the code between
/// components fail with is not among them: these neither divide nor call through tables.
fn is_of_guest_code(message: &str) -> bool {
    [
        Trap::IntegerDivisionByZero,
        Trap::IntegerOverflow,
        Trap::BadConversionToInteger,
        Trap::IndirectCallToNull,
        Trap::BadSignature,
        Trap::TableOutOfBounds,
    ]
    .iter()
    .any(|trap| trap.to_string() == message)
}
