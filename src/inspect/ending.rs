//! How a run ended: what the recording says of it, beside what the replay does.
//!
//! A replay knows how it ends itself; what a call answered it only has in core values, so
//! that is lifted and compared here.

use crate::component::types::{CoreValue, ValueType};
use crate::component::{Builtin, Crossing, CrossingId, CrossingKind};
use crate::inspect::hostcall::hostcalls::with_lifter;
use crate::inspect::hostcall::lift::{Boundary, Lifted, Lifter, Limits};
use crate::inspect::hostcall::{told, wave};
use crate::replay::output::Printed;
use crate::replay::variant::{CacheDir, Variant};
use crate::replay::{
    Calling, Checks, Compared, Compiled, Divergence, Ended, Entering, Observer, Replay,
    ReplayError, State,
};
use crate::trace::{Instance, Outcome, Trace};
use parking_lot::Mutex;
use std::sync::Arc;
use wasmtime::{StoreContextMut, Trap};

/// What a recording was checked by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How replay ended, which is how the recorded run did.
    pub ended: Ended,
    /// How far that was compared.
    pub compared: Compared,
    /// How much was compared on the way.
    pub checks: Checks,
}

/// Replays a recording whole and checks every crossing and the ending against it. The compiled
/// code is kept in the user's cache directory.
///
/// # Errors
///
/// If replay diverges from the recording, or the recording is damaged.
pub fn verify(trace: &Arc<Trace>) -> Result<Verified, ReplayError> {
    let cache = CacheDir::open_default()?;
    let variant = Variant::for_whole(trace.outcome());
    let compiled = Compiled::prepare(trace, &cache, variant, &|_, _| {})?;
    WholeReplay::new(trace.clone(), &compiled, |_, _| {})?.run()
}

/// A recording being replayed from its beginning to its end, which must be the recorded one.
pub struct WholeReplay {
    machine: Replay,
    answering: Arc<Mutex<Answering>>,
}

impl WholeReplay {
    /// Loads a compiled recording; `printed` is given what the guest prints, as it does.
    ///
    /// # Errors
    ///
    /// If compiled code cannot be loaded.
    pub fn new(
        trace: Arc<Trace>,
        compiled: &Compiled,
        printed: impl FnMut(&Printed, &[u8]) + Send + 'static,
    ) -> Result<WholeReplay, ReplayError> {
        let answering = Arc::new(Mutex::new(Answering::new(&trace)));
        let observer = Watching {
            answering: answering.clone(),
            printed,
        };
        let machine = Replay::new(trace, compiled, Box::new(observer))?;
        Ok(WholeReplay { machine, answering })
    }

    /// Replays the recording.
    ///
    /// # Errors
    ///
    /// If replay diverges from the recording, its ending included, or the trace is damaged.
    pub fn run(&mut self) -> Result<Verified, ReplayError> {
        let ended = self.machine.run()?;
        let state = self.machine.store().data();
        let compared = self.answering.lock().compare(state)?;
        Ok(Verified {
            ended,
            compared,
            checks: state.checks(),
        })
    }

    /// What replays, to look into.
    pub fn machine(&mut self) -> &mut Replay {
        &mut self.machine
    }
}

struct Watching<P> {
    answering: Arc<Mutex<Answering>>,
    printed: P,
}

impl<P: FnMut(&Printed, &[u8]) + Send + 'static> Observer for Watching<P> {
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        self.answering.lock().calling(store, call);
        Ok(())
    }

    fn entering(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
    ) -> wasmtime::Result<()> {
        self.answering.lock().entering(store.data(), entry);
        Ok(())
    }

    fn leaving(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        self.answering.lock().leaving(store, entry, results);
        Ok(())
    }

    fn printed(&mut self, printed: &Printed, bytes: &[u8]) {
        (self.printed)(printed, bytes);
    }
}

/// Whether a run ended in this trap because every task waited and nothing was under way that
/// could wake one. `wasmtime run` waits for ever there.
pub fn is_deadlock(trap: &str) -> bool {
    trap == Trap::AsyncDeadlock.to_string()
}

/// What there is to say of the end of a recording without its END: nothing tells how the run ended, or
/// whether it did. To stand behind `the`.
pub fn cut_off(trace: &Trace) -> String {
    let called = trace.ends_in().and_then(|(event, crossing)| {
        let crossing = trace.component().crossing(crossing)?;
        Some((event, crossing))
    });
    match called {
        Some((event, crossing)) => format!(
            "recording was cut off in hostcall {event}, {}: the run was ended while it waited \
             there, or went on unrecorded",
            crossing.name
        ),
        None => "recording was cut off: the run was ended here, or went on unrecorded".to_owned(),
    }
}

/// What the recording says that the call answered which the run was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Claim {
    /// Nothing.
    Nothing,
    /// A call's result, as WAVE, if it is told. A call does not fail by what it answers.
    Result(Option<String>),
    /// Whether a command succeeded.
    Success(bool),
    /// Something that the host made of what it was answered, in as many calls as it liked.
    OfHost,
}

impl Claim {
    fn of(trace: &Trace) -> Claim {
        match (trace.outcome(), &trace.metadata().invoke) {
            // What was inferred from the events agrees with them.
            _ if !trace.has_end() => Claim::Nothing,
            (Outcome::Returned { result, success }, invoke) => match (result, invoke) {
                (result, Some(_)) => Claim::Result(result.clone()),
                // Our own host tells results of calls only, so this is one.
                (Some(_), None) if trace.metadata().is_of_own_host() => {
                    Claim::Result(result.clone())
                }
                (Some(_), None) => Claim::OfHost,
                (None, None) => Claim::Success(*success),
            },
            _ => Claim::Nothing,
        }
    }
}

/// Waits for what the call answers that the run was made for.
pub(super) struct Answering {
    claim: Claim,
    /// The call: the first from outside.
    asked: Option<(Instance, CrossingId)>,
    answer: Option<Answer>,
}

struct Answer {
    is_as_claimed: bool,
    /// To follow "the run".
    text: String,
}

/// Most bytes of a result in a message.
const LIMIT: usize = 400;

impl Answering {
    pub(super) fn new(trace: &Trace) -> Answering {
        Answering {
            claim: Claim::of(trace),
            asked: None,
            answer: None,
        }
    }

    pub(super) fn entering(&mut self, state: &State, entry: &Entering<'_>) {
        if self.asked.is_some() || !is_outermost(state) {
            return;
        }
        let Some(crossing) = state.component().crossing(entry.crossing) else {
            return;
        };
        let is_command =
            || crossing.name.starts_with("wasi:cli/run@") && crossing.name.ends_with("#run");
        let is_it = match self.claim {
            Claim::Nothing | Claim::OfHost => false,
            Claim::Result(_) => true,
            // Our own host makes one call. A nested component may lift it, where it has
            // another name.
            Claim::Success(_) => state.trace().metadata().is_of_own_host() || is_command(),
        };
        let is_it = is_it && crossing.kind == CrossingKind::Lift;
        if is_it {
            self.asked = Some((entry.instance, entry.crossing));
        }
    }

    pub(super) fn leaving(
        &mut self,
        store: &StoreContextMut<'_, State>,
        entry: &Entering<'_>,
        results: &[CoreValue],
    ) {
        let is_it = self.asked == Some((entry.instance, entry.crossing));
        if !is_it || self.answer.is_some() || !is_outermost(store.data()) {
            return;
        }
        self.take(store, entry.instance, entry.crossing, |crossing| {
            // Others hand their results to `task.return`.
            let function = crossing.function.clone().filter(|_| !crossing.is_async)?;
            let (ty, lift) = (function.result.clone(), crossing.lift());
            let lift = move |lifter: &Lifter<'_>| {
                lifter.result(&function, Boundary::Lifted(lift), &[], results)
            };
            Some((ty, lift))
        });
    }

    /// `task.return` of the instance that was called is the call's: what the call leads to
    /// elsewhere cannot call it in turn.
    pub(super) fn calling(&mut self, store: &StoreContextMut<'_, State>, call: &Calling) {
        let is_it = self
            .asked
            .is_some_and(|(instance, _)| instance == call.instance);
        if !is_it || self.answer.is_some() {
            return;
        }
        self.take(store, call.instance, call.crossing, |crossing| {
            let Some(Builtin::TaskReturn(ty)) = crossing.builtin() else {
                return None;
            };
            let ty = ty.as_deref().cloned();
            let lift = {
                let ty = ty.clone();
                move |lifter: &Lifter<'_>| lifter.task_return(ty.as_ref(), &call.args)
            };
            Some((ty, lift))
        });
    }

    /// Lifts an answer, if it is one, and compares it.
    fn take<L: Fn(&Lifter<'_>) -> Option<Lifted>>(
        &mut self,
        store: &StoreContextMut<'_, State>,
        instance: Instance,
        id: CrossingId,
        what: impl FnOnce(&Crossing) -> Option<(Option<ValueType>, L)>,
    ) {
        let crossing = store.data().component().crossing(id);
        let Some((ty, lift)) = crossing.and_then(what) else {
            return;
        };
        let lifted = |limits, then: &dyn Fn(&Lifter<'_>, &Lifted) -> bool| {
            with_lifter(store, instance, id, limits, |lifter, _| {
                lift(lifter).is_some_and(|value| then(lifter, &value))
            })
        };
        let whole = with_lifter(store, instance, id, Limits::default(), |lifter, _| {
            lift(lifter)
        });
        let whole = whole.flatten();
        self.answer = match &self.claim {
            Claim::Nothing | Claim::OfHost => None,
            Claim::Success(success) => {
                let succeeded = !matches!(whole, Some(Lifted::Result(Err(_))));
                Some(Answer {
                    is_as_claimed: succeeded == *success,
                    text: Outcome::Returned {
                        success: succeeded,
                        result: None,
                    }
                    .to_string(),
                })
            }
            Claim::Result(claimed) => {
                let is_as_claimed = match (claimed, &ty) {
                    (None, _) => true,
                    (Some(claimed), None) => claimed == NOTHING,
                    (Some(claimed), Some(ty)) => lifted(told::limits(claimed), &|lifter, value| {
                        told::tells(lifter, claimed, ty, value)
                    })
                    .unwrap_or(false),
                };
                let text = match &whole {
                    Some(value) => wave::text(value, LIMIT),
                    None => NOTHING.to_owned(),
                };
                Some(Answer {
                    is_as_claimed,
                    text: format!("returned {text}"),
                })
            }
        };
    }

    /// How far the recorded ending is that of this replay, which has come to one.
    ///
    /// # Errors
    ///
    /// If the call answered something else.
    pub(super) fn compare(&self, state: &State) -> Result<Compared, Divergence> {
        let compared = state.compared().unwrap_or(Compared::Open);
        let outcome = state.trace().outcome();
        let diverged = |replayed: String| {
            // A result is a value of any size.
            let recorded = match outcome {
                Outcome::Returned {
                    result: Some(result),
                    success,
                } => {
                    let end = result.floor_char_boundary(LIMIT);
                    let cut = if end < result.len() { "…" } else { "" };
                    let failed = if *success { "" } else { ", and failed" };
                    format!(
                        "the run returned {}{cut}{failed}",
                        result.get(..end).unwrap_or_default()
                    )
                }
                outcome => format!("the run {outcome}"),
            };
            Divergence {
                event: state.checks().events,
                recorded: recorded.into(),
                replayed: format!("the run {replayed}").into(),
            }
        };
        match (&self.claim, outcome, &self.answer) {
            (Claim::Nothing, ..) => Ok(compared),
            (Claim::OfHost, ..) => Ok(Compared::HostsWord),
            (Claim::Result(_), Outcome::Returned { success: false, .. }, Some(answer)) => {
                Err(diverged(answer.text.clone()))
            }
            // Another host may have called more than once, and judged by more than that.
            (Claim::Success(_), _, answer)
                if !state.trace().metadata().is_of_own_host()
                    && answer.as_ref().is_none_or(|answer| !answer.is_as_claimed) =>
            {
                Ok(Compared::HostsWord)
            }
            (_, _, Some(answer)) if !answer.is_as_claimed => Err(diverged(answer.text.clone())),
            (_, _, Some(_)) => Ok(compared),
            (_, _, None) => Err(diverged("ended without a result".into())),
        }
    }
}

/// What a call is said to have answered that answers nothing.
const NOTHING: &str = "()";

fn is_outermost(state: &State) -> bool {
    state.entered().is_empty() && state.in_progress().is_empty()
}
