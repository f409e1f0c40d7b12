//! The hostcalls of a recording, lifted: what the guest asked and what it was
//! answered, in the order in which it asked.
//!
//! A trace holds flat values and memory writes only; arguments behind pointers
//! are in the guest's memory. So the recording is replayed, and each call is
//! lifted while the guest stands still in it.

use super::arrivals::{Arrivals, Told};
use super::builtin_call;
use super::lift::{Boundary, Lifted, Lifter, Limits, Memory};
use super::resolution::{Resolution, taken};
use crate::component::types::{CoreValue, ValueType};
use crate::component::{Crossing, CrossingId, CrossingKind};
use crate::replay::{Calling, Compiled, Entering, Observer, Replay, ReplayError, State};
use crate::trace::{Entered, Instance, Trace};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;
use wasmtime::StoreContextMut;

/// One call out of the guest.
#[derive(Debug, Clone, PartialEq)]
pub struct Hostcall {
    /// Its number, its crossing and instance, and its flat arguments.
    pub call: Calling,
    /// How many calls out were in progress when it was made: above zero for calls
    /// of one component that another component called.
    pub depth: usize,
    /// Arguments by name.
    pub arguments: Vec<(String, Lifted)>,
    /// Its answer, as far as there is one.
    pub answer: HostcallAnswer,
    /// What it brought, where the answer does not tell: see [`each_hostcall_arriving`].
    pub brought: Option<Lifted>,
}

/// What became of a call out.
#[derive(Debug, Clone, PartialEq)]
pub enum HostcallAnswer {
    /// It returned these flat results, which mean this value, if any.
    Returned {
        /// At core level.
        results: Vec<CoreValue>,
        /// At component level; `None` if the call has no result.
        value: Option<Lifted>,
    },
    /// The recording holds no answer: the run ended in this call, or the
    /// recording was cut off.
    Missing,
    /// It was answered, or not, after so many other calls that were made in it that
    /// the listing went on.
    Late,
}

/// So many calls wait for the answer to one that they were made in, or that came before and is
/// not done yet.
const MAX_WAITING: usize = 10_000;

/// Replays a recording and hands out its calls in the order of their numbers,
/// each as soon as it and those before it have been answered.
///
/// `each` may break the replay off; what it broke with is answered.
///
/// # Errors
///
/// If replay fails; the calls before the failure have been handed out.
pub fn each_hostcall<B: Send + 'static>(
    trace: Arc<Trace>,
    compiled: &Compiled,
    each: impl FnMut(Hostcall) -> ControlFlow<B> + Send + 'static,
) -> Result<ControlFlow<B>, ReplayError> {
    each_hostcall_arriving(trace, compiled, Arc::default(), each)
}

/// The same. A call that was not done when it returned is handed out when the program has been
/// told of its end, with what came then: the result of an asynchronous call, what was read, or
/// what was taken of what was to be written; of a write that was done at once, too, if that was not
/// all of it. What comes after very many other calls is left out.
///
/// # Errors
///
/// As for [`each_hostcall`].
pub fn each_hostcall_arriving<B: Send + 'static>(
    trace: Arc<Trace>,
    compiled: &Compiled,
    arrivals: Arc<Arrivals>,
    each: impl FnMut(Hostcall) -> ControlFlow<B> + Send + 'static,
) -> Result<ControlFlow<B>, ReplayError> {
    each_hostcall_lifted(trace, compiled, arrivals, |_| Lifting::All, each)
}

/// As [`each_hostcall`]; so much of each value is lifted.
///
/// # Errors
///
/// As for [`each_hostcall`].
pub(in crate::inspect) fn each_hostcall_within<B: Send + 'static>(
    trace: Arc<Trace>,
    compiled: &Compiled,
    limits: Limits,
    each: impl FnMut(Hostcall) -> ControlFlow<B> + Send + 'static,
) -> Result<ControlFlow<B>, ReplayError> {
    let what = Wanted {
        limits,
        arrivals: Arc::default(),
        lifting: |_| Lifting::All,
    };
    watch(trace, compiled, what, each)
}

/// What of a call is lifted: that takes longer than to replay it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lifting {
    All,
    /// A result that may be an error, and no arguments.
    Failures,
    Nothing,
}

/// The same, where of the call with a number only so much is lifted.
pub(super) fn each_hostcall_lifted<B: Send + 'static>(
    trace: Arc<Trace>,
    compiled: &Compiled,
    arrivals: Arc<Arrivals>,
    lifting: impl Fn(u64) -> Lifting + Send + 'static,
    each: impl FnMut(Hostcall) -> ControlFlow<B> + Send + 'static,
) -> Result<ControlFlow<B>, ReplayError> {
    let what = Wanted {
        limits: Limits::default(),
        arrivals,
        lifting,
    };
    watch(trace, compiled, what, each)
}

/// What is to be told of calls.
struct Wanted<L> {
    limits: Limits,
    /// Those that are waited for.
    arrivals: Arc<Arrivals>,
    lifting: L,
}

fn watch<B: Send + 'static>(
    trace: Arc<Trace>,
    compiled: &Compiled,
    wanted: Wanted<impl Fn(u64) -> Lifting + Send + 'static>,
    each: impl FnMut(Hostcall) -> ControlFlow<B> + Send + 'static,
) -> Result<ControlFlow<B>, ReplayError> {
    let rows = Arc::new(Mutex::new(Rows {
        each,
        waiting: VecDeque::new(),
        broken: None,
    }));
    let observer = Box::new(Watching {
        rows: rows.clone(),
        wanted,
        pending: HashMap::new(),
    });
    let ended = Replay::new(trace, compiled, observer)?.run();
    let mut rows = rows.lock();
    rows.hand_out_rest();
    match rows.broken.take() {
        Some(broken) => Ok(ControlFlow::Break(broken)),
        None => ended.map(|_| ControlFlow::Continue(())),
    }
}

/// Calls that wait for an answer to them or to one before them, or for what comes later.
struct Rows<F, B> {
    each: F,
    /// In the order of their numbers.
    waiting: VecDeque<Waiting>,
    broken: Option<B>,
}

struct Waiting {
    row: Hostcall,
    is_answered: bool,
    /// Whether it is not done when it is answered, and what comes then is wanted.
    is_pending: bool,
}

impl Waiting {
    fn is_complete(&self) -> bool {
        self.is_answered && !self.is_pending
    }
}

impl<B, F: FnMut(Hostcall) -> ControlFlow<B>> Rows<F, B> {
    fn waiting(&mut self, event: u64) -> Option<&mut Waiting> {
        let mut waiting = self.waiting.iter_mut().rev();
        waiting.find(|waiting| waiting.row.call.event == event)
    }

    fn answered(
        &mut self,
        event: u64,
        answer: HostcallAnswer,
        brought: Option<Lifted>,
    ) -> wasmtime::Result<()> {
        if let Some(waiting) = self.waiting(event) {
            waiting.row.answer = answer;
            waiting.row.brought = brought;
            waiting.is_answered = true;
        }
        self.hand_out_complete();
        self.go_on()
    }

    /// The program is told that a call is done.
    fn arrived(&mut self, event: u64, brought: Option<Lifted>) {
        if let Some(waiting) = self.waiting(event) {
            waiting.row.brought = brought;
            waiting.is_pending = false;
        }
    }

    fn go_on(&self) -> wasmtime::Result<()> {
        match self.broken {
            Some(_) => Err(wasmtime::Error::msg("nobody wants the other hostcalls")),
            None => Ok(()),
        }
    }

    fn hand_out_complete(&mut self) {
        while self.waiting.front().is_some_and(Waiting::is_complete) {
            self.hand_out_first();
        }
    }

    fn hand_out_first(&mut self) {
        if let Some(waiting) = self.waiting.pop_front()
            && self.broken.is_none()
            && let ControlFlow::Break(broken) = (self.each)(waiting.row)
        {
            self.broken = Some(broken);
        }
    }

    fn hand_out_rest(&mut self) {
        while !self.waiting.is_empty() {
            self.hand_out_first();
        }
    }
}

/// The observer that lifts. It shares the rows with its maker, as the replay
/// keeps observers to itself.
struct Watching<L, F, B> {
    rows: Arc<Mutex<Rows<F, B>>>,
    wanted: Wanted<L>,
    /// Calls that are not done, by their numbers.
    pending: HashMap<u64, Calling>,
}

impl<L, F, B> Watching<L, F, B>
where
    L: Fn(u64) -> Lifting,
    F: FnMut(Hostcall) -> ControlFlow<B>,
{
    /// Whether a call is not done when it returns, and what comes then is wanted.
    fn is_pending(&self, event: u64) -> bool {
        let arrival = self.wanted.arrivals.of(event);
        let is_told = arrival.is_some_and(|arrival| arrival.told.is_some());
        is_told && (self.wanted.lifting)(event) == Lifting::All
    }

    /// The program is told that a call is done: what came is in memory.
    fn arrived(&mut self, store: &StoreContextMut<'_, State>, begun: u64, how: Resolution) {
        let Some(call) = self.pending.remove(&begun) else {
            return;
        };
        let lift =
            |lifter: &Lifter<'_>, crossing: &Crossing| how.brought(lifter, crossing, &call.args);
        let limits = self.wanted.limits;
        let brought = with_lifter(store, call.instance, call.crossing, limits, lift).flatten();
        self.rows.lock().arrived(begun, brought);
    }
}

impl<L, B, F> Observer for Watching<L, F, B>
where
    L: Fn(u64) -> Lifting + Send + 'static,
    B: Send + 'static,
    F: FnMut(Hostcall) -> ControlFlow<B> + Send + 'static,
{
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        let lift =
            |lifter: &Lifter<'_>, crossing: &Crossing| arguments(lifter, crossing, &call.args);
        let arguments = match (self.wanted.lifting)(call.event) {
            Lifting::All => {
                let limits = self.wanted.limits;
                with_lifter(store, call.instance, call.crossing, limits, lift).unwrap_or_default()
            }
            Lifting::Failures | Lifting::Nothing => Vec::new(),
        };
        let row = Hostcall {
            call: call.clone(),
            depth: store.data().in_progress().len().saturating_sub(1),
            arguments,
            answer: HostcallAnswer::Missing,
            brought: None,
        };
        let is_pending = self.is_pending(call.event);
        let mut rows = self.rows.lock();
        rows.waiting.push_back(Waiting {
            row,
            is_answered: false,
            is_pending,
        });
        if rows.waiting.len() > MAX_WAITING
            && let Some(waiting) = rows.waiting.front_mut()
        {
            if !waiting.is_answered {
                waiting.row.answer = HostcallAnswer::Late;
            }
            rows.hand_out_first();
            rows.hand_out_complete();
        }
        rows.go_on()
    }

    fn returning(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        let told = self.wanted.arrivals.clone();
        for (begun, told) in told.told_at(call.event) {
            if told.in_call() {
                self.arrived(store, begun, told.resolution);
            }
        }
        let lifting = (self.wanted.lifting)(call.event);
        let is_wanted = |crossing: &Crossing| match lifting {
            Lifting::All => true,
            Lifting::Failures => may_fail(crossing),
            Lifting::Nothing => false,
        };
        let lift = |lifter: &Lifter<'_>, crossing: &Crossing| match is_wanted(crossing) {
            true => result(lifter, crossing, &call.args, results),
            false => None,
        };
        let limits = self.wanted.limits;
        let answer = HostcallAnswer::Returned {
            results: results.to_vec(),
            value: with_lifter(store, call.instance, call.crossing, limits, lift).flatten(),
        };
        let take = |lifter: &Lifter<'_>, crossing: &Crossing| match lifting {
            Lifting::All => taken(lifter, crossing, &call.args, results),
            Lifting::Failures | Lifting::Nothing => None,
        };
        let taken = with_lifter(store, call.instance, call.crossing, limits, take).flatten();
        if self.is_pending(call.event) {
            self.pending.insert(call.event, call.clone());
        }
        let mut rows = self.rows.lock();
        rows.answered(call.event, answer, taken)
    }

    fn entering(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
    ) -> wasmtime::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let event = store.data().events();
        let entered = Entered::new(event, entry.instance, entry.crossing, entry.args);
        let arrivals = self.wanted.arrivals.clone();
        let mut told = arrivals.told_at(event);
        // What is told of twice in the same words is told in the order in which it was begun.
        let is_it = |begun: u64, told: Told| {
            told.callback == Some(entered) && self.pending.contains_key(&begun)
        };
        if let Some((begun, told)) = told.find(|(begun, told)| is_it(*begun, *told)) {
            self.arrived(store, begun, told.resolution);
        }
        let mut rows = self.rows.lock();
        rows.hand_out_complete();
        rows.go_on()
    }
}

/// Whether what a function answers may be an error.
fn may_fail(crossing: &Crossing) -> bool {
    let result = crossing.function.as_ref().and_then(|f| f.result.as_ref());
    matches!(result, Some(ValueType::Result(..)))
}

/// Lends a lifter over the memory of a crossing.
pub fn with_lifter<T>(
    store: &StoreContextMut<'_, State>,
    instance: Instance,
    crossing: CrossingId,
    limits: Limits,
    lift: impl FnOnce(&Lifter<'_>, &Crossing) -> T,
) -> Option<T> {
    let state = store.data();
    let crossing = state.component().crossing(crossing)?;
    let bytes = state
        .memory_of(instance, crossing.id)
        .map_or(&[][..], |memory| memory.data(store));
    let memory: &Memory<'_> = &|address, length| {
        let start = usize::try_from(address).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        bytes.get(start..end).map(<[u8]>::to_vec)
    };
    let lifter = Lifter {
        limits,
        ..Lifter::new(memory, crossing.encoding, crossing.pointer)
    };
    Some(lift(&lifter, crossing))
}

/// The arguments of a call out by name, at the call.
pub fn arguments(
    lifter: &Lifter<'_>,
    crossing: &Crossing,
    args: &[CoreValue],
) -> Vec<(String, Lifted)> {
    match (&crossing.function, &crossing.kind) {
        (Some(function), _) => lifter.params(function, lowered(crossing), args),
        (None, CrossingKind::Builtin(builtin)) => builtin_call::arguments(lifter, builtin, args),
        _ => Vec::new(),
    }
}

/// The result of a call out, at its return; `None` if it has none.
pub fn result(
    lifter: &Lifter<'_>,
    crossing: &Crossing,
    args: &[CoreValue],
    results: &[CoreValue],
) -> Option<Lifted> {
    match (&crossing.function, &crossing.kind) {
        (Some(function), _) => lifter.result(function, lowered(crossing), args, results),
        (None, CrossingKind::Builtin(builtin)) => {
            builtin_call::result(lifter, builtin, args, results)
        }
        _ => None,
    }
}

fn lowered(crossing: &Crossing) -> Boundary {
    Boundary::Lowered {
        is_async: crossing.is_async,
    }
}
