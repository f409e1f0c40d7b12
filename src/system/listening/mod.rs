//! What one recording said and was told: a replay of it is listened to, as what a program says is
//! in its own memory.
//!
//! A conversation is with whoever is outside of the component: what one component of a
//! composition says to another is in the recording as hostcalls within hostcalls, and needs
//! nobody to find its other end.

mod bytes;
mod call;
mod hearing;
mod http;
mod sockets;
mod standard;

use self::call::{Call, Function};
use self::hearing::{Hearing, Thing};
use super::conversation::{Conversations, Place};
use crate::component::status::{EventCode, SubtaskState};
use crate::component::types::{CoreValue, ValueType};
use crate::component::{Answerer, Builtin, Component, Crossing, CrossingId, CrossingKind};
use crate::inspect::hostcall::builtin_call::{number, told_in_memory};
use crate::inspect::hostcall::hostcalls::{arguments, result, with_lifter};
use crate::inspect::hostcall::lift::{Lifted, Lifter, Limits};
use crate::inspect::past::requests::Requests;
use crate::replay::passing::{Passing, passed};
use crate::replay::{Calling, Compiled, Entering, Observer, Replay, ReplayError, State};
use crate::trace::{Instance, Trace};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use wasmtime::StoreContextMut;

/// Grows whenever something else is heard in a recording.
pub const VERSION: u32 = 3;
/// Calls in progress, or with results to come, that are remembered.
const MOST_OPEN: usize = 1 << 17;
/// What of a value is looked at: bytes that are sent and received are not cut here.
const LIMITS: Limits = Limits {
    elements: 10_000,
    bytes: 64 << 20,
    values: 1_000_000,
    depth: 16,
};

/// Listens to a recording. `go_on` is asked now and then whether anybody wants to know.
///
/// What was found before a replay fails is answered, with why there may be more.
///
/// # Errors
///
/// If no replay can be begun.
pub fn conversations(
    trace: &Arc<Trace>,
    compiled: &Compiled,
    go_on: impl Fn() -> bool + Send + 'static,
) -> Result<Conversations, ReplayError> {
    if !may_speak(trace.component()) {
        return Ok(Conversations {
            events: trace.readable_hostcalls().0,
            ..Conversations::default()
        });
    }
    let requests = Requests::read(trace, || true);
    let listening = Arc::new(Mutex::new(Listening {
        heard: Hearing::default(),
        functions: HashMap::new(),
        requests,
        handled: 0,
        servers: Vec::new(),
        standard: standard::Standard::default(),
        open: HashMap::new(),
        pending: HashMap::new(),
        passing: Passing::default(),
        go_on: Box::new(go_on),
        asked: 0,
    }));
    let mut replay = Replay::new(trace.clone(), compiled, Box::new(listening.clone()))?;
    let ended = replay.run();
    let events = replay.store().data().events();
    let mut found = listening.lock().heard.conversations(events);
    if let Err(error) = ended {
        found.cut_short = Some(format!("replay ends at event {events}: {error}"));
    }
    http::noted(&mut found, trace.noted_requests());
    Ok(found)
}

/// Whether a component has anything to speak by.
fn may_speak(component: &Component) -> bool {
    component.crossings().iter().any(|crossing| {
        let name = crossing.name.as_ref();
        ["wasi:http/", "wasi:sockets/", "wasi:cli/std"]
            .iter()
            .any(|part| name.contains(part))
    })
}

/// A call of a host function whose result is still to come.
struct Pending {
    calling: Calling,
    arguments: Vec<(String, Lifted)>,
}

struct Listening {
    heard: Hearing,
    /// What each function that is called is, by who calls it.
    functions: HashMap<(Instance, CrossingId), Option<Arc<Function>>>,
    requests: Requests,
    /// Requests that the recording was given so far.
    handled: u64,
    /// Their conversations.
    servers: Vec<hearing::EndIndex>,
    standard: standard::Standard,
    /// Arguments of calls in progress, by their numbers.
    open: HashMap<u64, Vec<(String, Lifted)>>,
    /// Calls that have become subtasks.
    pending: HashMap<(Instance, u32), Pending>,
    passing: Passing<Thing>,
    go_on: Box<dyn Fn() -> bool + Send>,
    asked: u64,
}

impl Listening {
    /// What a crossing is, if the host answers it and it is one to listen to.
    fn function(&mut self, component: &Component, call: &Calling) -> Option<Arc<Function>> {
        let key = (call.instance, call.crossing);
        if let Some(known) = self.functions.get(&key) {
            return known.clone();
        }
        let crossing = component.crossing(call.crossing)?;
        let function = match crossing.kind {
            CrossingKind::Lower => match component.answerer(call.instance, crossing) {
                Answerer::Host(path) => Function::of(path),
                Answerer::Component(..) => None,
            },
            _ => None,
        };
        let function = function.map(Arc::new);
        self.functions.insert(key, function.clone());
        function
    }

    /// A host function has answered, at once or later.
    fn answered(
        &mut self,
        store: &StoreContextMut<'_, State>,
        calling: &Calling,
        arguments: &[(String, Lifted)],
        answer: Option<&Lifted>,
    ) {
        let component = store.data().component().clone();
        let Some(function) = self.function(&component, calling) else {
            return;
        };
        let call = Call {
            function: &function,
            instance: calling.instance,
            event: calling.event,
            args: &calling.args,
            arguments,
            now: Place::after(store.data().events()),
        };
        let heard = &mut self.heard;
        bytes::answered(heard, &call, answer);
        http::answered(heard, &call, answer);
        sockets::answered(heard, &call, answer);
        self.standard.answered(heard, &call, answer);
    }

    /// An event tells of a waitable.
    fn told(
        &mut self,
        store: &StoreContextMut<'_, State>,
        instance: Instance,
        event: u32,
        (waitable, code): (u32, u32),
    ) {
        match EventCode::of(event) {
            Some(EventCode::Subtask) => self.resolved(store, instance, waitable, code),
            Some(EventCode::StreamRead | EventCode::StreamWrite) => {
                let heard = &mut self.heard;
                bytes::copied(heard, store, (instance, waitable), code);
            }
            _ => {}
        }
    }

    /// A subtask has come to a state.
    fn resolved(
        &mut self,
        store: &StoreContextMut<'_, State>,
        instance: Instance,
        handle: u32,
        code: u32,
    ) {
        let state = SubtaskState::of(code);
        if !state.is_some_and(SubtaskState::is_resolved) {
            return;
        }
        let Some(pending) = self.pending.remove(&(instance, handle)) else {
            return;
        };
        if state != Some(SubtaskState::Returned) {
            return;
        }
        let calling = &pending.calling;
        let returned = [CoreValue::I32(SubtaskState::Returned.code().cast_signed())];
        let lift = |lifter: &Lifter<'_>, crossing: &Crossing| {
            result(lifter, crossing, &calling.args, &returned)
        };
        let answer = with_lifter(store, instance, calling.crossing, LIMITS, lift).flatten();
        self.answered(store, calling, &pending.arguments, answer.as_ref());
    }

    /// Another component is called, or a handle of its own is dropped.
    fn pass(&mut self, component: &Component, call: &Calling) {
        let Some(crossing) = component.crossing(call.crossing) else {
            return;
        };
        let heard = &mut self.heard;
        match (&crossing.kind, component.answerer(call.instance, crossing)) {
            (CrossingKind::Lower, Answerer::Component(to, lift)) if !heard.knows_nothing() => {
                let given = passed(crossing, &call.args, |handle, is_moved| {
                    let key = (call.instance, handle);
                    match is_moved {
                        true => heard.take(key),
                        false => heard.get(key).cloned(),
                    }
                });
                self.passing.give((to, lift), given);
            }
            _ => {}
        }
    }

    fn go_on(&mut self) -> wasmtime::Result<()> {
        const ASK_EVERY: u64 = 1024;
        self.asked += 1;
        match self.asked.is_multiple_of(ASK_EVERY) && !(self.go_on)() {
            true => Err(wasmtime::Error::msg("nobody wants to know the rest")),
            false => Ok(()),
        }
    }
}

impl Observer for Listening {
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        self.go_on()?;
        let component = store.data().component().clone();
        let crossing = component.crossing(call.crossing);
        if let Some(Crossing {
            kind: CrossingKind::Builtin(builtin),
            ..
        }) = crossing
        {
            let request = match builtin {
                Builtin::TaskReturn(_) => self.request(store),
                _ => None,
            };
            let heard = &mut self.heard;
            bytes::built_in_called(heard, builtin, call);
            if let Builtin::TaskReturn(_) = builtin {
                http::task_returned(heard, &component, call, request);
            }
            return Ok(());
        }
        let Some(function) = self.function(&component, call) else {
            self.pass(&component, call);
            return Ok(());
        };
        let lift =
            |lifter: &Lifter<'_>, crossing: &Crossing| arguments(lifter, crossing, &call.args);
        let arguments = match function.is_bytes() {
            // The bytes are read when it is known that they were taken.
            true => Vec::new(),
            false => {
                with_lifter(store, call.instance, call.crossing, LIMITS, lift).unwrap_or_default()
            }
        };
        let heard = &mut self.heard;
        let made = Call {
            function: &function,
            instance: call.instance,
            event: call.event,
            args: &call.args,
            arguments: &arguments,
            now: Place::in_call(call.event),
        };
        bytes::called(heard, &made);
        http::called(heard, &made, &component);
        sockets::called(heard, &made);
        self.standard.called(heard, &made);
        if self.open.len() < MOST_OPEN {
            self.open.insert(call.event, arguments);
        }
        Ok(())
    }

    fn returning(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        let component = store.data().component().clone();
        let Some(crossing) = component.crossing(call.crossing) else {
            return Ok(());
        };
        let instance = call.instance;
        if let CrossingKind::Builtin(builtin) = &crossing.kind {
            let code = number(results.first()).map(|code| code as u32);
            match (builtin, code) {
                (Builtin::WaitableSetWait | Builtin::WaitableSetPoll, Some(event)) => {
                    let tell =
                        |lifter: &Lifter<'_>, _: &Crossing| told_in_memory(lifter, &call.args);
                    let told = with_lifter(store, instance, call.crossing, LIMITS, tell);
                    if let Some(told) = told.flatten() {
                        self.told(store, instance, event, told);
                    }
                }
                (Builtin::SubtaskCancel, Some(state)) => {
                    let handle = number(call.args.first()).unwrap_or(0) as u32;
                    self.resolved(store, instance, handle, state);
                }
                _ => {
                    let heard = &mut self.heard;
                    bytes::built_in_returned(heard, store, (builtin, call), results);
                }
            }
            return Ok(());
        }
        if self.function(&component, call).is_none() {
            if let Answerer::Component(from, lift) = component.answerer(instance, crossing)
                && let Some(thing) = self.passing.returned((from, lift))
                && let Some(handle) = number(results.first())
            {
                let heard = &mut self.heard;
                heard.put((instance, handle as u32), thing);
            }
            return Ok(());
        }
        let arguments = match self.open.remove(&call.event) {
            Some(arguments) if !arguments.is_empty() => arguments,
            // Memory is as it was when the call was made, but for what was answered.
            _ => {
                let lift = |lifter: &Lifter<'_>, crossing: &Crossing| {
                    arguments(lifter, crossing, &call.args)
                };
                with_lifter(store, instance, call.crossing, LIMITS, lift).unwrap_or_default()
            }
        };
        let lift = |lifter: &Lifter<'_>, crossing: &Crossing| {
            result(lifter, crossing, &call.args, results)
        };
        let answer = with_lifter(store, instance, call.crossing, LIMITS, lift).flatten();
        if let Some(Lifted::Pending(subtask)) = &answer {
            if self.pending.len() < MOST_OPEN {
                let calling = call.clone();
                let pending = Pending { calling, arguments };
                self.pending.insert((instance, subtask.handle), pending);
            }
            return Ok(());
        }
        self.answered(store, call, &arguments, answer.as_ref());
        Ok(())
    }

    fn entering(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
    ) -> wasmtime::Result<()> {
        let (instance, crossing) = (entry.instance, entry.crossing);
        let component = store.data().component().clone();
        for (position, thing) in self.passing.take((instance, crossing)) {
            if let Some(handle) = number(entry.args.get(position)) {
                let heard = &mut self.heard;
                heard.put((instance, handle as u32), thing);
            }
        }
        let Some(entered) = component.crossing(crossing) else {
            return Ok(());
        };
        match entered.kind {
            CrossingKind::Callback => {
                if let [event, waitable, code] = entry.args
                    && let (Some(event), Some(waitable), Some(code)) = (
                        number(Some(event)),
                        number(Some(waitable)),
                        number(Some(code)),
                    )
                {
                    let told = (waitable as u32, code as u32);
                    self.told(store, instance, event as u32, told);
                }
            }
            CrossingKind::Lift if !self.is_inside(store) => {
                let place = Place::after(store.data().events());
                let heard = &mut self.heard;
                if let Some(end) = http::given(heard, entered, entry, place, self.handled + 1) {
                    self.handled += 1;
                    self.servers.push(end);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn leaving(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        let component = store.data().component().clone();
        let Some(crossing) = component.crossing(entry.crossing) else {
            return Ok(());
        };
        let ty = crossing.function.as_ref().and_then(|f| f.result.as_ref());
        let heard = &mut self.heard;
        let thing = match (ty, results) {
            (Some(ValueType::Own(_) | ValueType::Stream(_)), [result]) if !crossing.is_async => {
                number(Some(result)).and_then(|handle| heard.take((entry.instance, handle as u32)))
            }
            _ => None,
        };
        self.passing.answer((entry.instance, entry.crossing), thing);
        Ok(())
    }
}

impl Listening {
    /// Whether the guest's code is called by another component of the composition.
    fn is_inside(&self, store: &StoreContextMut<'_, State>) -> bool {
        let state = store.data();
        let component = state.component();
        state.in_progress().last().is_some_and(|call| {
            let crossing = component.crossing(call.crossing);
            crossing.is_some_and(|crossing| {
                crossing.kind == CrossingKind::Lower
                    && matches!(
                        component.answerer(call.instance, crossing),
                        Answerer::Component(..)
                    )
            })
        })
    }

    /// The conversation of the request that the guest's code runs for.
    fn request(&self, store: &StoreContextMut<'_, State>) -> Option<hearing::EndIndex> {
        let entered = store.data().entered().last()?;
        let entered = crate::trace::Entered::new(
            entered.event,
            entered.instance,
            entered.crossing,
            &entered.args,
        );
        let number = self.requests.of_call(&entered)?.number;
        let place = usize::try_from(number.checked_sub(1)?).ok()?;
        self.servers.get(place).copied()
    }
}
