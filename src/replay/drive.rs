//! Playing events: crossings out of the guest are answered, crossings into it
//! are made, as the trace says.

use super::calls::{Calling, Entering};
use super::contexts;
use super::divergence::{Crossed, Divergence, Passed, Side};
use super::error::{EndOfTrace, ReplayError};
use super::output::{Leaving, Printed, Printing};
use super::position::InstanceId;
use super::probes::{Received, Stored};
use super::stacks;
use super::state::{Observer, State};
use super::values;
use crate::component::types::CoreValue;
use crate::component::{Answerer, Builtin, Crossing, CrossingId, CrossingKind};
use crate::trace::raw::memory_hash;
use crate::trace::{Event, EventKind, Instance, Outcome};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use wasmtime::{
    AsContext, AsContextMut, Caller, Func, FuncType, Ref, Store, StoreContextMut, ThrownException,
    Trap, Val, ValType,
};

/// Drives a future on this thread: nothing that replay awaits ever waits for
/// anything outside it.
pub(super) fn block_on<T>(
    future: impl Future<Output = wasmtime::Result<T>>,
) -> wasmtime::Result<T> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        // Stacks wait only where somebody drives them.
        Poll::Pending => Err(wasmtime::Error::from(ReplayError::Waits)),
    }
}

/// Calls guest code. Always on a fiber of its own: only there the guest has a
/// stack of the configured size, and only there debug events are delivered.
async fn call(
    store: &mut StoreContextMut<'_, State>,
    function: Func,
    args: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    let called = function.call_async(&mut *store, args, results).await;
    called.map_err(|error| contained(store, error))
}

/// An error of guest code as it is where that was called: no exception leaves a component.
/// What calls one from another traps instead, and so does what a host calls.
pub(super) fn contained(
    mut store: impl AsContextMut<Data = State>,
    error: wasmtime::Error,
) -> wasmtime::Error {
    if !error.is::<ThrownException>() {
        return error;
    }
    // As long as it is pending, a guest that this call was made on top of could catch it.
    store.as_context_mut().take_pending_exception();
    error.context(Trap::UncaughtException)
}

/// Plays all events that are made from outside: to the end of the trace.
pub(super) fn play(store: &mut Store<State>) -> wasmtime::Result<()> {
    if !store.data().trace.keeps_stacks() {
        return block_on(async {
            let mut store = store.as_context_mut();
            while let Some(event) = next_from_outside(&mut store)? {
                play_one(&mut store, event).await?;
            }
            Ok(())
        });
    }
    stacks::play(store)
}

/// The next event where the guest does not run. While the recording is written there may be one
/// later: then the observer is told, and may wait for it.
pub(super) fn next_from_outside(
    mut store: impl AsContextMut<Data = State>,
) -> wasmtime::Result<Option<Event>> {
    loop {
        let mut context = store.as_context_mut();
        let state = context.data_mut();
        let event = state.next_event()?;
        if event.is_some() || !state.trace.is_growing() {
            return Ok(event);
        }
        observed(&mut store, |observer, store| observer.awaiting(store))?;
        if store.as_context_mut().data_mut().is_at_end_of_trace() {
            return Ok(None);
        }
    }
}

/// Plays one event that is neither a call out nor its return.
pub(super) async fn play_one(
    store: &mut StoreContextMut<'_, State>,
    event: Event,
) -> wasmtime::Result<()> {
    let (instance, id) = (event.instance, event.crossing);
    match event.kind {
        EventKind::Write { address, bytes } => write(store, instance, id, address, &bytes),
        EventKind::Enter(args) => enter(store, instance, id, &args).await,
        EventKind::Hash(expected) => check_hash(store, instance, id, expected),
        EventKind::Resume(after) => stacks::resume(store, instance, id, after),
        EventKind::Call(args) => {
            let crossing = named(&store, id);
            let recorded = format!("the guest calls {crossing}({})", values::list(&args));
            let crossed = Crossed::new(instance, id, Passed::Arguments(args));
            let recorded = Side::crossed(recorded, crossed);
            Err(diverged(store, recorded, "the guest is not running".into()))
        }
        EventKind::Return(_) | EventKind::Leave(_) => {
            let crossing = named(&store, id);
            Err(diverged(
                store,
                format!("{crossing} returns").into(),
                "it is not being called".into(),
            ))
        }
    }
}

pub(super) fn named(store: &impl AsContext<Data = State>, id: CrossingId) -> String {
    store
        .as_context()
        .data()
        .component()
        .crossing(id)
        .map_or_else(|| format!("crossing {}", id.0), |c| c.name.to_string())
}

/// Notes a divergence, so that it survives the way through Wasmtime, and makes
/// the error that ends the replay.
pub(super) fn diverged(
    mut store: impl AsContextMut<Data = State>,
    recorded: Side,
    replayed: Side,
) -> wasmtime::Error {
    let mut context = store.as_context_mut();
    let state = context.data_mut();
    let divergence = Divergence {
        event: state.checks.events,
        recorded,
        replayed,
    };
    state.ending.divergence = Some(divergence.clone());
    wasmtime::Error::from(divergence)
}

fn write(
    mut store: impl AsContextMut<Data = State>,
    instance: Instance,
    id: CrossingId,
    address: u64,
    bytes: &[u8],
) -> wasmtime::Result<()> {
    let memory = store.as_context().data().memory_of(instance, id);
    let target = memory.and_then(|memory| {
        let start = usize::try_from(address).ok()?;
        let end = start.checked_add(bytes.len())?;
        memory.data_mut(&mut store).get_mut(start..end)
    });
    match target {
        Some(target) => {
            target.copy_from_slice(bytes);
            let Some(memory) = memory else { return Ok(()) };
            let received = Received {
                memory,
                address,
                length: bytes.len() as u64,
            };
            observed(&mut store, |observer, store| {
                observer.received(store, &received);
                Ok(())
            })
        }
        None => {
            let crossing = named(&store, id);
            let recorded = format!("{crossing} writes {} bytes at {address:#x}", bytes.len());
            Err(diverged(
                store,
                recorded.into(),
                "the memory does not reach that far".into(),
            ))
        }
    }
}

/// An instance is not entered again before it has returned, but for its `realloc`:
/// a recording nested deeper than this is forged, and each level takes a stack.
const MAX_NESTING: usize = 1000;

/// Makes a call into the guest and checks what it answers.
async fn enter(
    store: &mut StoreContextMut<'_, State>,
    instance: Instance,
    id: CrossingId,
    args: &[CoreValue],
) -> wasmtime::Result<()> {
    let Some((function, given)) = entered(store, instance, id, args) else {
        if let Some(trap) = begins_nothing(store, id) {
            return Err(trap.into());
        }
        let crossing = named(&*store, id);
        return Err(diverged(
            store,
            format!("{crossing} of instance {} is called", instance.0).into(),
            "there is no such function yet".into(),
        ));
    };
    if store.as_context().data().in_progress().len() > MAX_NESTING {
        return Err(wasmtime::Error::from(ReplayError::Nesting(MAX_NESTING)));
    }
    let component = store.as_context().data().component().clone();
    let crossing = component.crossing(id);
    let kind = crossing.map(|crossing| &crossing.kind);
    let calls = &mut store.data_mut().calls;
    let task = match kind {
        Some(CrossingKind::Lift) => Some(calls.begin_task()),
        Some(CrossingKind::ThreadStart(_)) => calls.begin_thread(instance, args),
        _ => None,
    };
    let entry = Entering {
        instance,
        crossing: id,
        args,
        task,
    };
    if let (Some(crossing), Some(CrossingKind::Callback)) = (crossing, kind) {
        let printed = told(&mut *store, instance, crossing, args, &[]);
        print(&mut *store, instance, printed)?;
    }
    if let Some(CrossingKind::Lift) = kind {
        let mut context = store.as_context_mut();
        context.data_mut().streams.entering(instance, id, args);
    }
    store.as_context_mut().data_mut().calls.entering();
    observed(&mut *store, |observer, store| {
        observer.entering(store, &entry)
    })?;
    let args: Vec<Val> = given.iter().map(|v| values::to_val(*v)).collect();
    let mut results = vec![Val::I32(0); function.ty(&*store).results().len()];
    bound_end(&mut *store);
    let mut context = store.as_context_mut();
    let state = context.data_mut();
    let answers = |call: &Calling| {
        let called = component.crossing(call.crossing);
        let answerer = called.map(|called| component.answerer(call.instance, called));
        matches!(answerer, Some(Answerer::Component(of, lift)) if (of, lift) == (instance, id))
    };
    state.calls.enter(&entry, state.checks.events, answers);
    contexts::entering(&mut *store);
    call(store, function, &args, &mut results).await?;
    store.as_context_mut().data_mut().calls.leave();
    let actual: Vec<CoreValue> = results.iter().filter_map(values::from_val).collect();
    match next_from_outside(&mut *store)? {
        Some(Event {
            instance: i,
            crossing: c,
            kind: EventKind::Leave(expected),
        }) if (i, c) == (instance, id) => {
            store.as_context_mut().data_mut().checks.values += expected.len() as u64;
            if expected == actual {
                if let (Some(crossing), Some(CrossingKind::Lift)) = (crossing, kind) {
                    let mut context = store.as_context_mut();
                    let state = context.data_mut();
                    state.ending.has_returned |= !crossing.is_async;
                    state.streams.leaving(instance, crossing, &actual);
                }
                return observed(&mut *store, |observer, store| {
                    observer.leaving(store, &entry, &actual)
                });
            }
            let crossing = named(&*store, id);
            let recorded = format!("{crossing} returns {}", values::list(&expected));
            let replayed = format!("it returns {}", values::list(&actual));
            let crossed = |values| Crossed::new(instance, id, Passed::Results(values));
            Err(diverged(
                store,
                Side::crossed(recorded, crossed(expected)),
                Side::crossed(replayed, crossed(actual)),
            ))
        }
        // The recording was cut off before the return; all of it was replayed.
        None => {
            store.as_context_mut().data_mut().ending.outlived_trace = true;
            Ok(())
        }
        Some(other) => {
            let crossing = named(&*store, id);
            let recorded = side(&*store, other);
            let replayed = format!("{crossing} returns {}", values::list(&actual));
            let crossed = Crossed::new(instance, id, Passed::Results(actual));
            Err(diverged(store, recorded, Side::crossed(replayed, crossed)))
        }
    }
}

/// The function that is called with a crossing, and with what: where a thread begins, its
/// arguments name the function, too.
fn entered<'v>(
    store: &mut StoreContextMut<'_, State>,
    instance: Instance,
    id: CrossingId,
    args: &'v [CoreValue],
) -> Option<(Func, &'v [CoreValue])> {
    let instances = &store.data().instances;
    let (Some(table), [CoreValue::I32(index), given @ ..]) =
        (instances.table_of(instance, id), args)
    else {
        return Some((instances.incoming(instance, id)?, args));
    };
    let index = u64::from(index.cast_unsigned());
    let Ref::Func(Some(function)) = table.get(&mut *store, index)? else {
        return None;
    };
    let wanted = FuncType::new(store.engine(), [ValType::I32], []);
    FuncType::eq(&function.ty(&*store), &wanted).then_some((function, given))
}

/// How the recorded run trapped where a thread was to begin with a function of another type: that is
/// looked at then.
fn begins_nothing(store: &StoreContextMut<'_, State>, id: CrossingId) -> Option<Trap> {
    let state = store.data();
    let is_thread = |crossing: &Crossing| matches!(crossing.kind, CrossingKind::ThreadStart(_));
    state.component().crossing(id).filter(|of| is_thread(of))?;
    let Outcome::Trapped(message) = state.trace().outcome() else {
        return None;
    };
    (*message == Trap::BadSignature.to_string()).then_some(Trap::BadSignature)
}

/// A recorded event as a side of a divergence.
pub(super) fn side(store: &impl AsContext<Data = State>, event: Event) -> Side {
    let text = describe(store, &event);
    let passed = match event.kind {
        EventKind::Call(values) | EventKind::Enter(values) => Passed::Arguments(values),
        EventKind::Return(values) | EventKind::Leave(values) => Passed::Results(values),
        EventKind::Write { .. } | EventKind::Hash(_) | EventKind::Resume(_) => return text.into(),
    };
    Side::crossed(text, Crossed::new(event.instance, event.crossing, passed))
}

fn describe(store: &impl AsContext<Data = State>, event: &Event) -> String {
    let name = named(store, event.crossing);
    match &event.kind {
        EventKind::Call(args) => format!("the guest calls {name}({})", values::list(args)),
        EventKind::Return(results) => format!("{name} returns {}", values::list(results)),
        EventKind::Enter(args) => format!("{name} is called with {}", values::list(args)),
        EventKind::Leave(results) => format!("{name} returns {}", values::list(results)),
        EventKind::Write { address, bytes } => {
            format!("{name} writes {} bytes at {address:#x}", bytes.len())
        }
        EventKind::Hash(hash) => format!("memory has hash {hash:#018x}"),
        EventKind::Resume(_) => format!("the guest goes on in {name}"),
    }
}

fn check_hash(
    mut store: impl AsContextMut<Data = State>,
    instance: Instance,
    id: CrossingId,
    expected: u64,
) -> wasmtime::Result<()> {
    let memory = store.as_context().data().memory_of(instance, id);
    let actual = memory.map(|memory| memory_hash(memory.data(&store)));
    if actual == Some(expected) {
        store.as_context_mut().data_mut().checks.hashes += 1;
        return Ok(());
    }
    let actual = actual.map_or_else(|| "no memory".into(), |hash| format!("{hash:#018x}"));
    Err(diverged(
        store,
        format!("guest memory has hash {expected:#018x}").into(),
        format!("it has {actual}").into(),
    ))
}

/// Answers a call out of the guest: the body of every stub.
pub(super) async fn answer(
    caller: &mut StoreContextMut<'_, State>,
    instance: Instance,
    (crossing, answerer): (&Crossing, Answerer<'_>),
    args: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    let args: Vec<CoreValue> = args.iter().filter_map(values::from_val).collect();
    let in_trace = check_call(caller, instance, crossing, &args)?;
    let state = caller.data_mut();
    let keeps_stacks = state.trace.keeps_stacks();
    let calling = Calling {
        instance,
        crossing: crossing.id,
        args,
        event: state.checks.events,
        number: match keeps_stacks {
            true => state.calls.number_next(instance),
            false => 0,
        },
    };
    if let (Some(Builtin::ThreadNewIndirect(_)), [function, context]) =
        (crossing.builtin(), calling.args.as_slice())
    {
        state.calls.make_thread(instance, [*function, *context]);
    }
    state.calls.call(calling.clone());
    contexts::calling_out(&mut *caller, crossing.id);
    if keeps_stacks {
        stacks::note(&mut *caller);
    }
    if !in_trace {
        unanswered(caller, &calling)?;
        if !check_call(caller, instance, crossing, &calling.args)? {
            return Err(wasmtime::Error::from(EndOfTrace));
        }
    }
    let state = caller.data_mut();
    state.checks.events += 1;
    let returns = matches!(crossing.builtin(), Some(Builtin::TaskReturn(_)));
    state.ending.has_returned |= returns;
    let leaving = Leaving {
        instance,
        crossing,
        answerer,
        args: &calling.args,
        event: calling.event,
    };
    let printing = state.streams.calling(&leaving);
    print(&mut *caller, instance, printing)?;
    observed(&mut *caller, |observer, caller| {
        observer.calling(caller, &calling)
    })?;
    let answered = stacks::play_until_return(caller, &calling).await?;
    if !crossing.can_return(&answered) {
        let recorded = format!("{} returns {}", crossing.name, values::list(&answered));
        let crossed = Crossed::new(instance, crossing.id, Passed::Results(answered));
        let replayed = "it cannot: that is not a value of its result's type";
        return Err(diverged(
            caller,
            Side::crossed(recorded, crossed),
            replayed.into(),
        ));
    }
    caller.data_mut().calls.answered();
    let printed = told(&mut *caller, instance, crossing, &calling.args, &answered);
    print(&mut *caller, instance, printed)?;
    let streams = &mut caller.data_mut().streams;
    let printed = streams.returning(&leaving, &answered);
    print(&mut *caller, instance, printed)?;
    observed(&mut *caller, |observer, store| {
        observer.returning(store, &calling, &answered)
    })?;
    if std::mem::take(&mut caller.data_mut().is_resuming)
        && let Some(clock) = caller.data().clock
        && clock.is_due(&mut *caller)
    {
        observed(&mut *caller, |observer, store| observer.resumed(store))?;
    }
    caller.data_mut().calls.return_from_call();
    contexts::returning(&mut *caller);
    bound_end(&mut *caller);
    for (slot, value) in results.iter_mut().zip(&answered) {
        *slot = values::to_val(*value);
    }
    Ok(())
}

/// Compares a call with the trace; `false` if the trace ends before it.
fn check_call(
    caller: &mut StoreContextMut<'_, State>,
    instance: Instance,
    crossing: &Crossing,
    args: &[CoreValue],
) -> wasmtime::Result<bool> {
    match caller.data_mut().next_event()? {
        Some(Event {
            instance: i,
            crossing: c,
            kind: EventKind::Call(expected),
        }) if (i, c) == (instance, crossing.id) && expected == args => {
            caller.data_mut().checks.values += expected.len() as u64;
            Ok(true)
        }
        None if caller.data().trace.outcome().may_go_on() => Ok(false),
        other => {
            let recorded = match other {
                Some(event) => side(caller, event),
                None => format!("the run {}", caller.data().trace.outcome()).into(),
            };
            let replayed = format!("the guest calls {}({})", crossing.name, values::list(args));
            let crossed = Crossed::new(instance, crossing.id, Passed::Arguments(args.to_vec()));
            Err(diverged(caller, recorded, Side::crossed(replayed, crossed)))
        }
    }
}

/// Where guest code is about to run: if no event is left of a recording that was cut
/// off, nothing else would end it.
pub(super) fn bound_end(mut store: impl AsContextMut<Data = State>) {
    let mut context = store.as_context_mut();
    let state = context.data_mut();
    if !state.trace.outcome().may_go_on() || !state.is_at_end_of_trace() {
        return;
    }
    contexts::take_notes(&mut context);
    if let Some(mut clock) = context.data().clock {
        clock.limit(&mut context);
        context.data_mut().clock = Some(clock);
    }
}

/// The clock's hook.
pub(super) fn tick(caller: &mut Caller<'_, State>) -> wasmtime::Result<()> {
    let Some(clock) = caller.data().clock else {
        return Ok(());
    };
    if clock.is_due(&mut *caller) {
        observed(&mut *caller, |observer, store| observer.tick(store))?;
    }
    // The observer may have armed it again.
    let Some(mut clock) = caller.data().clock else {
        return Ok(());
    };
    if !clock.is_at_limit(&mut *caller) {
        clock.set(&mut *caller);
        caller.data_mut().clock = Some(clock);
        return Ok(());
    }
    observed(&mut *caller, |observer, store| observer.cut_off(store))?;
    // There may be more of the recording by now.
    let clock = caller.data().clock;
    match clock {
        Some(mut clock) if !clock.is_at_limit(&mut *caller) => {
            clock.set(&mut *caller);
            caller.data_mut().clock = Some(clock);
            Ok(())
        }
        _ => Err(wasmtime::Error::from(EndOfTrace)),
    }
}

/// What a probed module calls after a store to what is watched.
pub(super) fn stored(caller: &mut Caller<'_, State>, stored: &Stored) -> wasmtime::Result<()> {
    observed(&mut *caller, |observer, store| {
        observer.stored(store, stored);
        Ok(())
    })
}

/// Tells the observer of an instance that has just been made.
pub(super) fn instantiated(
    store: impl AsContextMut<Data = State>,
    instance: InstanceId,
) -> wasmtime::Result<()> {
    observed(store, |observer, store| {
        observer.instantiated(store, instance);
        Ok(())
    })
}

/// The trace holds no answer to this call: the replay ends here, unless the observer has waited
/// for more of it.
pub(super) fn unanswered(
    caller: &mut StoreContextMut<'_, State>,
    calling: &Calling,
) -> wasmtime::Result<()> {
    observed(&mut *caller, |observer, store| {
        observer.unanswered(store, calling)
    })?;
    match caller.data_mut().is_at_end_of_trace() {
        true => Err(wasmtime::Error::from(EndOfTrace)),
        false => Ok(()),
    }
}

/// Tells the observer what the guest has printed.
fn print(
    mut store: impl AsContextMut<Data = State>,
    instance: Instance,
    printing: Option<Printing>,
) -> wasmtime::Result<()> {
    let Some(printing) = printing else {
        return Ok(());
    };
    let memory = store
        .as_context()
        .data()
        .memory_of(instance, printing.crossing);
    let bytes = memory.and_then(|memory| {
        let start = usize::try_from(printing.address).ok()?;
        let end = start.checked_add(usize::try_from(printing.length).ok()?)?;
        memory.data(&store).get(start..end).map(<[u8]>::to_vec)
    });
    let Some(bytes) = bytes else {
        return Ok(());
    };
    let printed = Printed {
        stream: printing.stream,
        event: printing.event,
        events: store.as_context().data().events(),
    };
    observed(&mut store, |observer, _| {
        observer.printed(&printed, &bytes);
        Ok(())
    })
}

/// What has been printed according to the event that the guest is told of: in the
/// arguments of a callback, or in the return area of a built-in.
fn told(
    mut store: impl AsContextMut<Data = State>,
    instance: Instance,
    crossing: &Crossing,
    args: &[CoreValue],
    results: &[CoreValue],
) -> Option<Printing> {
    let word = |value: &CoreValue| match value {
        CoreValue::I32(value) => Some(value.cast_unsigned()),
        _ => None,
    };
    let (event, waitable, code) = match (&crossing.kind, args, results) {
        (CrossingKind::Callback, [event, waitable, code], _) => {
            (word(event)?, word(waitable)?, word(code)?)
        }
        (
            CrossingKind::Builtin(Builtin::WaitableSetWait | Builtin::WaitableSetPoll),
            [_, address],
            [event],
        ) => {
            let memory = store.as_context().data().memory_of(instance, crossing.id)?;
            let address = match address {
                CoreValue::I64(address) => usize::try_from(*address).ok()?,
                address => word(address)? as usize,
            };
            let mut payload = [0; 8];
            memory.read(&store, address, &mut payload).ok()?;
            let [a, b, c, d, e, f, g, h] = payload;
            let (waitable, code) = ([a, b, c, d], [e, f, g, h]);
            (
                word(event)?,
                u32::from_le_bytes(waitable),
                u32::from_le_bytes(code),
            )
        }
        _ => return None,
    };
    let mut store = store.as_context_mut();
    store
        .data_mut()
        .streams
        .told(instance, event, waitable, code)
}

/// Lends the observer the store that holds it.
pub(super) fn observed(
    mut store: impl AsContextMut<Data = State>,
    tell: impl FnOnce(&mut dyn Observer, &mut StoreContextMut<'_, State>) -> wasmtime::Result<()>,
) -> wasmtime::Result<()> {
    let mut store = store.as_context_mut();
    let Some(mut observer) = store.data_mut().observer.take() else {
        return Ok(());
    };
    let told = tell(&mut *observer, &mut store);
    store.data_mut().observer = Some(observer);
    told
}
