//! Components with asynchronous functions, run plain and recorded, with a host that
//! answers some calls later.
//!
//! The host gives the instance `host`:
//!
//! ```text
//! print: func(text: string)
//! later: async func(ms: u32) -> u32            twice the number, after so long
//! greeting: async func(ms: u32) -> string      "after 5 ms", after so long
//! never: async func() -> u32
//! numbers: func() -> stream<u32>               1 2 3, 4 5, 6, with pauses
//! words: func() -> stream<string>              "one" "two", "three", with pauses
//! promise: func(ms: u32) -> future<string>
//! swallow: func(bytes: stream<u8>)             prints what it got at the end
//! ```
//!
//! and `wasi:cli/stdout@0.3.0` with `write-via-stream`, which prints like `swallow`.
//!
//! Its time goes on when nothing else does: what comes after what is a matter of the numbers only,
//! not of the machine.

use rr_dap::component::Component;
use rr_dap::instrument::record::instrument_with;
use rr_dap::record::{self, Recorded, Recorder, RecorderError};
use rr_dap::trace::{Metadata, Outcome};
use std::collections::VecDeque;
use std::future::Future;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use wasmtime::component::{
    Component as Compiled, Destination, FutureReader, Lift, Linker, Lower, Source, StreamConsumer,
    StreamProducer, StreamReader, StreamResult, Val, VecBuffer,
};
use wasmtime::{Config, Engine, Store, StoreContextMut, Trap};

/// What can be seen of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// The result of `run`, or why there is none.
    pub result: Result<Option<Val>, String>,
    pub printed: Vec<String>,
}

type Printed = Arc<Mutex<Vec<String>>>;

struct Host {
    printed: Printed,
}

/// Runs the export `run` of a component as it is; what it takes is "hello".
pub fn plain(component: &Component) -> Ran {
    run(component.bytes(), None).0
}

/// Runs the export `run` of a component and records it.
pub fn record(component: &Arc<Component>, trace: &Path) -> (Ran, Result<Recorded, RecorderError>) {
    record_dialled(component, &Metadata::default(), trace)
}

/// The same, with what these metadata say is random.
pub fn record_dialled(
    component: &Arc<Component>,
    metadata: &Metadata,
    trace: &Path,
) -> (Ran, Result<Recorded, RecorderError>) {
    let recorder = Recorder::create(trace, component.clone(), metadata);
    let recorder = recorder.expect("a recorder");
    let instrumented =
        instrument_with(component, super::turned(metadata)).expect("can be instrumented");
    let (ran, outcome) = run(&instrumented, Some(&recorder));
    (ran, recorder.finish(outcome))
}

fn run(component: &[u8], recorder: Option<&Recorder>) -> (Ran, Outcome) {
    let mut config = Config::new();
    record::deterministic(&mut config);
    record::everything(&mut config);
    let engine = Engine::new(&config).expect("an engine");
    let compiled = Compiled::new(&engine, component).unwrap_or_else(|e| panic!("{e:?}"));
    let mut linker: Linker<Host> = Linker::new(&engine);
    let time = Time::default();
    give_host(&mut linker, &time).expect("host functions");
    if let Some(recorder) = recorder {
        recorder.add_to_linker(&mut linker).expect("the sink");
    }
    let printed = Printed::default();
    let host = Host {
        printed: printed.clone(),
    };
    let mut store = Store::new(&engine, host);
    let called = time.pass_for(call(&linker, &compiled, &mut store));
    let outcome = match &called {
        Ok(_) => Outcome::Returned {
            success: true,
            result: None,
        },
        Err(error) => match error.downcast_ref::<Trap>() {
            Some(trap) => Outcome::Trapped(trap.to_string()),
            None => Outcome::HostError(format!("{:#}", error.root_cause())),
        },
    };
    let ran = Ran {
        result: called.map_err(|e| format!("{:#}", e.root_cause())),
        printed: std::mem::take(&mut printed.lock().expect("not poisoned")),
    };
    (ran, outcome)
}

async fn call(
    linker: &Linker<Host>,
    compiled: &Compiled,
    store: &mut Store<Host>,
) -> wasmtime::Result<Option<Val>> {
    let instance = linker.instantiate_async(&mut *store, compiled).await?;
    let run = instance.get_func(&mut *store, "run").expect("run");
    let ty = run.ty(&*store);
    let args = vec![Val::String("hello".into()); ty.params().len()];
    let mut results = vec![Val::Bool(false); ty.results().len()];
    run.call_async(&mut *store, &args, &mut results).await?;
    Ok(results.pop())
}

fn give_host(linker: &mut Linker<Host>, time: &Time) -> wasmtime::Result<()> {
    let mut host = linker.instance("host")?;
    host.func_wrap(
        "print",
        |store: StoreContextMut<'_, Host>, (text,): (String,)| {
            print(&store.data().printed, text);
            Ok(())
        },
    )?;
    let of = time.clone();
    host.func_wrap_concurrent("later", move |_, (ms,): (u32,)| {
        let timer = of.timer(ms);
        Box::pin(async move {
            timer.await;
            Ok((ms * 2,))
        })
    })?;
    let of = time.clone();
    host.func_wrap_concurrent("attempt", move |_, (ms,): (u32,)| {
        let timer = of.timer(ms);
        Box::pin(async move {
            timer.await;
            let outcome = if ms % 2 == 0 { Ok(ms) } else { Err(ms * 100) };
            Ok((outcome,))
        })
    })?;
    let of = time.clone();
    host.func_wrap_concurrent("greeting", move |_, (ms,): (u32,)| {
        let timer = of.timer(ms);
        Box::pin(async move {
            timer.await;
            Ok((format!("after {ms} ms"),))
        })
    })?;
    host.func_wrap_concurrent("never", |_, (): ()| {
        Box::pin(async move {
            std::future::pending::<()>().await;
            Ok((0u32,))
        })
    })?;
    let of = time.clone();
    host.func_wrap(
        "numbers",
        move |store: StoreContextMut<'_, Host>, (): ()| {
            let batches = Batches::new(&of, vec![vec![1u32, 2, 3], vec![4, 5], vec![6]]);
            Ok((StreamReader::new(store, batches)?,))
        },
    )?;
    let of = time.clone();
    host.func_wrap("words", move |store: StoreContextMut<'_, Host>, (): ()| {
        let batches = vec![vec!["one".to_owned(), "two".into()], vec!["three".into()]];
        Ok((StreamReader::new(store, Batches::new(&of, batches))?,))
    })?;
    let of = time.clone();
    host.func_wrap(
        "promise",
        move |store: StoreContextMut<'_, Host>, (ms,): (u32,)| {
            let timer = of.timer(ms);
            let value = async move {
                timer.await;
                Ok::<_, wasmtime::Error>(format!("promised {ms} ms ago"))
            };
            Ok((FutureReader::new(store, value)?,))
        },
    )?;
    host.func_wrap(
        "swallow",
        |store: StoreContextMut<'_, Host>, (bytes,): (StreamReader<u8>,)| {
            let consumer = Swallow {
                bytes: Vec::new(),
                printed: store.data().printed.clone(),
            };
            bytes.pipe(store, consumer)
        },
    )?;
    linker.instance("wasi:cli/stdout@0.3.0")?.func_wrap(
        "write-via-stream",
        |mut store: StoreContextMut<'_, Host>, (bytes,): (StreamReader<u8>,)| {
            let consumer = Swallow {
                bytes: Vec::new(),
                printed: store.data().printed.clone(),
            };
            bytes.pipe(&mut store, consumer)?;
            let done = async { Ok::<_, wasmtime::Error>(Ok::<(), ()>(())) };
            Ok((FutureReader::new(store, done)?,))
        },
    )
}

fn print(printed: &Printed, text: String) {
    printed.lock().expect("not poisoned").push(text);
}

/// The host's time, in milliseconds since its beginning.
#[derive(Clone, Default)]
struct Time(Arc<Mutex<Clock>>);

#[derive(Default)]
struct Clock {
    now: u64,
    /// Who waits, and until when.
    waiting: Vec<(u64, Waker)>,
}

impl Time {
    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.0.lock().expect("not poisoned")
    }

    /// Done after so many milliseconds.
    fn timer(&self, ms: u32) -> Timer {
        Timer {
            time: self.clone(),
            due: self.clock().now + u64::from(ms),
        }
    }

    /// Until a future is done. Whenever all that it does waits, or only yields to others, the
    /// first one to whom time matters need not wait any more.
    fn pass_for<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut yields = 0;
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
            yields += 1;
            if woken.0.swap(false, Ordering::Relaxed) && yields < MOST_YIELDS {
                continue;
            }
            yields = 0;
            let mut clock = self.clock();
            let waiting = clock.waiting.iter().enumerate();
            let first = waiting.min_by_key(|(_, (due, _))| *due).map(|(i, _)| i);
            if let Some(first) = first {
                let (due, waker) = clock.waiting.remove(first);
                clock.now = clock.now.max(due);
                drop(clock);
                waker.wake();
            }
        }
    }
}

/// Whether something goes on without time.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Who goes on so often without time waits for it, by asking again and again.
const MOST_YIELDS: u32 = 100;

struct Timer {
    time: Time,
    due: u64,
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut clock = self.time.clock();
        if self.due <= clock.now {
            return Poll::Ready(());
        }
        clock.waiting.push((self.due, context.waker().clone()));
        Poll::Pending
    }
}

/// Gives its items in batches, with a pause before each.
struct Batches<T> {
    batches: VecDeque<Vec<T>>,
    timer: Timer,
}

impl<T> Batches<T> {
    fn new(time: &Time, batches: Vec<Vec<T>>) -> Self {
        Batches {
            batches: batches.into(),
            timer: time.timer(3),
        }
    }
}

impl<T: Lower + Lift + Send + Sync + Unpin + 'static> StreamProducer<Host> for Batches<T> {
    type Item = T;
    type Buffer = VecBuffer<T>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        _: StoreContextMut<'a, Host>,
        mut destination: Destination<'a, T, VecBuffer<T>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        if finish {
            return Poll::Ready(Ok(StreamResult::Cancelled));
        }
        if Pin::new(&mut self.timer).poll(context).is_pending() {
            return Poll::Pending;
        }
        self.timer = self.timer.time.timer(3);
        let Some(batch) = self.batches.pop_front() else {
            return Poll::Ready(Ok(StreamResult::Dropped));
        };
        destination.set_buffer(batch.into());
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

struct Swallow {
    bytes: Vec<u8>,
    printed: Printed,
}

impl StreamConsumer<Host> for Swallow {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        store: StoreContextMut<'_, Host>,
        mut source: Source<'_, u8>,
        _: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let mut buffer = Vec::with_capacity(16);
        source.read(store, &mut buffer)?;
        self.bytes.extend(buffer);
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

impl Drop for Swallow {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        print(&self.printed, format!("swallowed {text}"));
    }
}
