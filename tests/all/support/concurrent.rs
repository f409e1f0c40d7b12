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

use super::guest::block_on;
use rr_dap::component::Component;
use rr_dap::instrument::record::instrument_with;
use rr_dap::record::{self, Recorded, Recorder, RecorderError};
use rr_dap::trace::{Metadata, Outcome};
use std::collections::VecDeque;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
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
    give_host(&mut linker).expect("host functions");
    if let Some(recorder) = recorder {
        recorder.add_to_linker(&mut linker).expect("the sink");
    }
    let printed = Printed::default();
    let host = Host {
        printed: printed.clone(),
    };
    let mut store = Store::new(&engine, host);
    let called = block_on(call(&linker, &compiled, &mut store));
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

fn give_host(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    let mut host = linker.instance("host")?;
    host.func_wrap(
        "print",
        |store: StoreContextMut<'_, Host>, (text,): (String,)| {
            print(&store.data().printed, text);
            Ok(())
        },
    )?;
    host.func_wrap_concurrent("later", |_, (ms,): (u32,)| {
        Box::pin(async move {
            Timer::new(ms).await;
            Ok((ms * 2,))
        })
    })?;
    host.func_wrap_concurrent("attempt", |_, (ms,): (u32,)| {
        Box::pin(async move {
            Timer::new(ms).await;
            let outcome = if ms % 2 == 0 { Ok(ms) } else { Err(ms * 100) };
            Ok((outcome,))
        })
    })?;
    host.func_wrap_concurrent("greeting", |_, (ms,): (u32,)| {
        Box::pin(async move {
            Timer::new(ms).await;
            Ok((format!("after {ms} ms"),))
        })
    })?;
    host.func_wrap_concurrent("never", |_, (): ()| {
        Box::pin(async move {
            std::future::pending::<()>().await;
            Ok((0u32,))
        })
    })?;
    host.func_wrap("numbers", |store: StoreContextMut<'_, Host>, (): ()| {
        let batches = Batches::new(vec![vec![1u32, 2, 3], vec![4, 5], vec![6]]);
        Ok((StreamReader::new(store, batches)?,))
    })?;
    host.func_wrap("words", |store: StoreContextMut<'_, Host>, (): ()| {
        let batches = vec![vec!["one".to_owned(), "two".into()], vec!["three".into()]];
        Ok((StreamReader::new(store, Batches::new(batches))?,))
    })?;
    host.func_wrap(
        "promise",
        |store: StoreContextMut<'_, Host>, (ms,): (u32,)| {
            let value = async move {
                Timer::new(ms).await;
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

/// Done after so many milliseconds.
struct Timer {
    due: Instant,
}

impl Timer {
    fn new(ms: u32) -> Timer {
        Timer {
            due: Instant::now() + Duration::from_millis(ms.into()),
        }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let left = self.due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Poll::Ready(());
        }
        let waker: Waker = context.waker().clone();
        std::thread::spawn(move || {
            std::thread::sleep(left);
            waker.wake();
        });
        Poll::Pending
    }
}

/// Gives its items in batches, with a pause before each.
struct Batches<T> {
    batches: VecDeque<Vec<T>>,
    timer: Timer,
}

impl<T> Batches<T> {
    fn new(batches: Vec<Vec<T>>) -> Self {
        Batches {
            batches: batches.into(),
            timer: Timer::new(3),
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
        self.timer = Timer::new(3);
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
