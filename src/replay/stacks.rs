//! The stacks that the guest runs on: each is a call into it that may wait in a call out while
//! others go on.
//!
//! A stack is a future, which runs guest code on a fiber of its own each time that it is polled.
//! Where the recording says that another stack goes on, the call out that one stands in is
//! pending, and so is what polls it, down to [`play`], which polls the
//! one that goes on. Wasmtime keeps what belongs to a fiber with it while it is suspended.

use super::calls::{Calling, Noted, StackId};
use super::contexts;
use super::drive::{block_on, diverged, named, next_from_outside, play_one, unanswered};
use super::error::ReplayError;
use super::state::State;
use crate::component::CrossingId;
use crate::component::types::CoreValue;
use crate::trace::{Event, EventKind, Instance};
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use wasmtime::{AsContextMut, Store, StoreContextMut};

/// A call into the guest that has not returned.
pub(super) type Stack = Pin<Box<dyn Future<Output = wasmtime::Result<()>> + Send>>;

/// The stacks that wait, and that nobody else polls.
#[derive(Default)]
pub(super) struct Waiting {
    stacks: HashMap<StackId, Stack>,
    /// Whether somebody polls them.
    are_driven: bool,
}

impl Waiting {
    pub(super) fn put(&mut self, id: StackId, stack: Stack) {
        self.stacks.insert(id, stack);
    }

    pub(super) fn take(&mut self, id: StackId) -> Option<Stack> {
        self.stacks.remove(&id)
    }

    /// Whether a call out may wait while another stack goes on.
    pub(super) fn are_driven(&self) -> bool {
        self.are_driven
    }

    /// From here on they are polled.
    pub(super) fn drive(&mut self) {
        self.are_driven = true;
    }

    /// They are polled no more: what waits ends.
    pub(super) fn give_up(&mut self) -> Waiting {
        std::mem::take(self)
    }
}

/// The store for a stack, which keeps it for as long as it lives.
///
/// # Safety
///
/// The stack must not be polled, and must not be dropped, but where the store is lent to who does
/// so, and must be dropped before the store is.
pub(super) unsafe fn lend(
    mut store: impl AsContextMut<Data = State>,
) -> StoreContextMut<'static, State> {
    let store: StoreContextMut<'_, State> = store.as_context_mut();
    // SAFETY: it is a reference to the store, which stays in its place as long as it lives; the
    // caller sees to it that no two are used at the same time.
    unsafe {
        std::mem::transmute::<StoreContextMut<'_, State>, StoreContextMut<'static, State>>(store)
    }
}

/// Plays all events that are made from outside: to the end of the trace. Runs the stack that goes
/// on.
pub(super) fn play(store: &mut Store<State>) -> wasmtime::Result<()> {
    store.data_mut().stacks.drive();
    let played = block_on(play_all(&mut store.as_context_mut()));
    // Those that wait have something of the store's, and end before it. Nobody is told: the
    // guest does not end so.
    let waiting = store.data_mut().stacks.give_up();
    let observer = store.data_mut().take_observer();
    drop(waiting);
    store.data_mut().put_observer(observer);
    played
}

async fn play_all(store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
    loop {
        let (id, mut stack) = match store.data().calls.running() {
            Some(id) => match store.data_mut().stacks.take(id) {
                Some(stack) => (id, stack),
                None => return Err(wasmtime::Error::from(ReplayError::Waits)),
            },
            None => {
                let Some(event) = next_from_outside(&mut *store)? else {
                    return Ok(());
                };
                if !matches!(event.kind, EventKind::Enter(_)) {
                    play_one(store, event).await?;
                    continue;
                }
                bound_stacks(store)?;
                let id = store.data_mut().calls.begin_stack();
                switched(&mut *store);
                (id, begin(store, event))
            }
        };
        match run(&mut stack).await {
            Poll::Ready(ended) => ended?,
            Poll::Pending => store.data_mut().stacks.put(id, stack),
        }
    }
}

/// A recording with more stacks that wait than this is forged, and each takes memory.
const MAX_STACKS: usize = 1000;

fn bound_stacks(store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
    match store.data().calls.waiting() {
        0..MAX_STACKS => Ok(()),
        _ => Err(wasmtime::Error::from(ReplayError::Nesting(MAX_STACKS))),
    }
}

/// A call into the guest that may wait while others go on.
fn begin(store: &mut StoreContextMut<'_, State>, event: Event) -> Stack {
    // SAFETY: it is polled by `play_all` and in `play_inside`, each of which has the store,
    // and does nothing with it meanwhile; and dropped there, or by `play`, before the store is.
    let mut store = unsafe { lend(store) };
    Box::pin(async move { play_one(&mut store, event).await })
}

/// Plays what happened during a call out, up to its return.
pub(super) async fn play_until_return(
    caller: &mut StoreContextMut<'_, State>,
    calling: &Calling,
) -> wasmtime::Result<Vec<CoreValue>> {
    let is_driven = caller.data().stacks.are_driven();
    loop {
        if is_driven {
            if caller.data_mut().enters_elsewhere(calling)? {
                caller.data_mut().calls.park();
            }
            while !goes_on(caller, calling) {
                wait().await;
            }
        }
        let Some(event) = caller.data_mut().next_event()? else {
            unanswered(caller, calling)?;
            continue;
        };
        let is_own = (event.instance, event.crossing) == (calling.instance, calling.crossing);
        match event.kind {
            EventKind::Return(results) if is_own => return Ok(results),
            EventKind::Enter(_) if is_driven => play_inside(caller, calling, event).await?,
            _ => play_one(caller, event).await?,
        }
    }
}

/// Whether it is this call in which the guest goes on.
fn goes_on(caller: &StoreContextMut<'_, State>, calling: &Calling) -> bool {
    let calls = &caller.data().calls;
    calls.is_innermost(calling.instance, calling.number)
}

/// Plays a call into the guest that is made while it stands in a call out, until it returns, or
/// waits while the guest goes on in this one.
async fn play_inside(
    caller: &mut StoreContextMut<'_, State>,
    calling: &Calling,
    event: Event,
) -> wasmtime::Result<()> {
    bound_stacks(caller)?;
    let mut stack = begin(caller, event);
    loop {
        if let Poll::Ready(ended) = run(&mut stack).await {
            return ended;
        }
        // Something else goes on: all of this waits, until it is in it that it does.
        while !goes_on(caller, calling) && !is_below_running(caller, calling) {
            wait().await;
        }
        if goes_on(caller, calling) {
            let state = caller.data_mut();
            if let Some(id) = state.calls.take_split() {
                state.stacks.put(id, stack);
            }
            return Ok(());
        }
    }
}

/// Whether the stack that runs is the one of this call, further in.
fn is_below_running(caller: &StoreContextMut<'_, State>, calling: &Calling) -> bool {
    let out = caller.data().calls.out();
    let is_it = |call: &Calling| (call.instance, call.number) == (calling.instance, calling.number);
    out.iter().any(is_it)
}

/// Another stack of the guest goes on, in a call out that has waited. That takes a tick: so no
/// two positions are the same.
pub(super) fn resume(
    store: &mut StoreContextMut<'_, State>,
    instance: Instance,
    id: CrossingId,
    after: u32,
) -> wasmtime::Result<()> {
    let state = store.data_mut();
    if !state.stacks.are_driven() || state.calls.resume(instance, id, after).is_none() {
        let recorded = format!("the guest goes on in {}", named(store, id));
        return Err(diverged(
            store,
            recorded.into(),
            "it does not wait in it".into(),
        ));
    }
    switched(&mut *store);
    if let Some(mut clock) = store.data().clock {
        clock.pass(&mut *store);
        store.data_mut().clock = Some(clock);
    }
    store.data_mut().is_resuming = true;
    Ok(())
}

/// Lets a stack run until it has ended or waits.
pub(super) async fn run(stack: &mut Stack) -> Poll<wasmtime::Result<()>> {
    poll_fn(|context| Poll::Ready(stack.as_mut().poll(context))).await
}

/// Waits until who polls this comes here again.
pub(super) async fn wait() {
    let mut has_waited = false;
    poll_fn(|_| match std::mem::replace(&mut has_waited, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// Notes of the call out that begins what is to be as it is when it goes on.
pub(super) fn note(mut store: impl AsContextMut<Data = State>) {
    let gauge = store.as_context().data().gauge;
    let noted = Noted {
        depth: gauge.map_or(0, |gauge| gauge.depth(&mut store)),
        slot: contexts::place_of_call(&store).unwrap_or_default(),
    };
    store.as_context_mut().data_mut().calls.note(noted);
}

/// Another stack goes on, in its innermost call out, or begins: its frames are counted from
/// there.
pub(super) fn switched(mut store: impl AsContextMut<Data = State>) {
    let calls = &store.as_context().data().calls;
    let noted: Vec<_> = calls.noted().collect();
    let depth = noted.last().map_or(0, |(noted, _)| noted.depth);
    if let Some(gauge) = store.as_context().data().gauge {
        gauge.set(&mut store, depth);
    }
    let calls = noted
        .iter()
        .map(|(noted, crossing)| (noted.slot, *crossing));
    contexts::switch(&mut store, calls.collect());
}
