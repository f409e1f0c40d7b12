//! Recording in hosts that embed Wasmtime.

#[path = "../../examples/embed.rs"]
mod example;

use crate::support::{events, replay_here};
use rr_dap::component::Component;
use rr_dap::instrument::record::instrument;
use rr_dap::record::{Recorder, RecorderError, add_to_linker, deterministic};
use rr_dap::trace::{EventKind, Metadata, Outcome, Trace, tail_path};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use wasmtime::component::{Component as Compiled, Instance, Linker, TypedFunc};
use wasmtime::{Config, Engine, PoolingAllocationConfig, Store};

/// `calls(n)` calls the host's `next` n times and answers the last number; with
/// `trap` it then traps. `list(s)` answers the length of the list it is given.
const GUEST: &str = r#"(component
  (import "next" (func $next (result u32)))
  (core func $next (canon lower (func $next)))
  (core module $code
    (import "host" "next" (func $next (result i32)))
    (memory (export "memory") 200)
    (global $free (mut i32) (i32.const 65536))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $free)
      (global.set $free (i32.add (global.get $free)
        (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8)))))
    (func (export "calls") (param $n i32) (param $trap i32) (result i32) (local $last i32)
      (loop $more
        (local.set $last (call $next))
        (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (if (local.get $trap) (then unreachable))
      (local.get $last))
    (func (export "list") (param i32 i32) (result i32) (local.get 1)))
  (core instance $code (instantiate $code
    (with "host" (instance (export "next" (func $next))))))
  (func (export "calls") (param "n" u32) (param "trap" bool) (result u32)
    (canon lift (core func $code "calls")))
  (func (export "list") (param "l" (list string)) (result u32)
    (canon lift (core func $code "list")
      (memory $code "memory") (realloc (func $code "realloc")))))"#;

/// A host: `next` counts.
struct Host {
    engine: Engine,
    component: Arc<Component>,
    compiled: Compiled,
    linker: Linker<u32>,
}

type Calls = TypedFunc<(u32, bool), (u32,)>;

impl Host {
    fn new(config: &mut Config) -> Host {
        deterministic(config);
        let engine = Engine::new(config).unwrap();
        let component = Component::parse(wat::parse_str(GUEST).unwrap()).unwrap();
        let compiled = Compiled::new(&engine, instrument(&component).unwrap()).unwrap();
        let mut linker = Linker::new(&engine);
        linker
            .root()
            .func_wrap(
                "next",
                |mut store: wasmtime::StoreContextMut<'_, u32>, ()| {
                    *store.data_mut() += 1;
                    Ok((*store.data(),))
                },
            )
            .unwrap();
        Host {
            engine,
            component: Arc::new(component),
            compiled,
            linker,
        }
    }

    fn recorder(&self, path: &Path) -> Recorder {
        Recorder::create(path, self.component.clone(), &Metadata::default()).unwrap()
    }

    fn start(&mut self, recorder: &Recorder) -> (Store<u32>, Instance) {
        recorder.add_to_linker(&mut self.linker).unwrap();
        let mut store = Store::new(&self.engine, 0);
        let instance = self.linker.instantiate(&mut store, &self.compiled).unwrap();
        (store, instance)
    }
}

fn calls(store: &mut Store<u32>, instance: &Instance) -> Calls {
    instance.get_typed_func(store, "calls").unwrap()
}

/// A host whose guest has been instantiated, and is recorded.
fn begun(path: &Path) -> (Host, Recorder, Store<u32>, Calls) {
    let mut host = Host::new(&mut Config::new());
    let recorder = host.recorder(path);
    let (mut store, instance) = host.start(&recorder);
    let calls = calls(&mut store, &instance);
    (host, recorder, store, calls)
}

fn count(path: &Path) -> usize {
    let is_call = |kind: &EventKind| matches!(kind, EventKind::Call(_));
    events(path).iter().filter(|e| is_call(&e.kind)).count()
}

const DONE: Outcome = Outcome::Returned {
    success: true,
    result: None,
};

#[test]
fn the_example_records_and_replays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("embed.rrtrace");
    assert_eq!(example::record(&path).unwrap(), 21 + 20 + 17 + 22);
    let verified = example::replay(&path).unwrap();
    assert_eq!(verified.checks.events, 4);
    let outcome = Trace::open(&path).unwrap().outcome().to_string();
    assert_eq!(outcome, "returned 80");
}

#[test]
fn many_calls_of_one_instance_are_one_recording() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.rrtrace");
    let (_host, recorder, mut store, calls) = begun(&path);
    let mut expected = 0;
    for n in [1, 10, 100_000, 7] {
        expected += n;
        assert_eq!(calls.call(&mut store, (n, false)).unwrap(), (expected,));
    }
    let recorded = recorder.finish(DONE).unwrap();
    assert_eq!(recorded.events, u64::from(expected));
    assert_eq!(recorded.bytes, std::fs::metadata(&path).unwrap().len());
    assert_eq!(count(&path), expected as usize);
    assert!(!tail_path(&path).exists());
    replay_here(Arc::new(Trace::open(&path).unwrap())).unwrap();
}

#[test]
fn a_recorder_that_is_dropped_leaves_everything_and_says_that_it_was_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    for (name, n) in [("few", 5), ("many", 30_000)] {
        let path = dir.path().join(name);
        let (host, recorder, mut store, calls) = begun(&path);
        let error = calls.call(&mut store, (n, true)).unwrap_err();
        assert!(error.is::<wasmtime::Trap>(), "{error:?}");
        // In the worst order: what the recorder shares goes first.
        drop(store);
        drop(host);
        drop(recorder);
        assert!(!tail_path(&path).exists());
        let trace = Trace::open(&path).unwrap();
        assert_eq!(*trace.outcome(), Outcome::CutOff);
        assert_eq!(count(&path), n as usize);
        replay_here(Arc::new(trace)).unwrap();
    }
}

#[test]
fn a_trap_is_recorded_up_to_it_even_without_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.rrtrace");
    let (_host, recorder, mut store, calls) = begun(&path);
    let error = calls.call(&mut store, (123, true)).unwrap_err();
    drop(store);
    let trap = error.downcast_ref::<wasmtime::Trap>().unwrap();
    recorder.finish(Outcome::Trapped(trap.to_string())).unwrap();
    assert_eq!(count(&path), 123);
    replay_here(Arc::new(Trace::open(&path).unwrap())).unwrap();
}

#[test]
fn what_comes_after_the_end_is_an_error_not_a_loss() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.rrtrace");
    let (_host, recorder, mut store, calls) = begun(&path);
    calls.call(&mut store, (3, false)).unwrap();
    recorder.finish(DONE).unwrap();
    assert!(matches!(
        recorder.finish(DONE),
        Err(RecorderError::Finished)
    ));
    assert!(calls.call(&mut store, (3, false)).is_err());
    assert_eq!(
        *store.data(),
        3,
        "the guest called out and was not recorded"
    );
    assert_eq!(count(&path), 3);
}

#[test]
fn a_second_instance_needs_a_second_recorder() {
    let dir = tempfile::tempdir().unwrap();
    let mut host = Host::new(&mut Config::new());
    let recorder = host.recorder(&dir.path().join("one"));
    host.start(&recorder);
    let mut store = Store::new(&host.engine, 0);
    let error = host.linker.instantiate(&mut store, &host.compiled);
    let error = format!("{:?}", error.unwrap_err());
    assert!(
        error.contains("a recorder for each instantiation"),
        "{error}"
    );
}

#[test]
fn a_shared_linker_finds_the_recorder_of_each_store() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::new(&mut Config::new());
    let mut linker: Linker<(u32, Recorder)> = Linker::new(&host.engine);
    linker
        .root()
        .func_wrap(
            "next",
            |mut store: wasmtime::StoreContextMut<'_, (u32, Recorder)>, ()| {
                store.data_mut().0 += 1;
                Ok((store.data().0,))
            },
        )
        .unwrap();
    add_to_linker(&mut linker, |state: &mut (u32, Recorder)| state.1.clone()).unwrap();
    let pre = linker.instantiate_pre(&host.compiled).unwrap();
    let runs = [3u32, 20_000, 5].map(|n| {
        let path = dir.path().join(n.to_string());
        let recorder = host.recorder(&path);
        let mut store = Store::new(&host.engine, (0, recorder.clone()));
        let instance = pre.instantiate(&mut store).unwrap();
        let calls: Calls = instance.get_typed_func(&mut store, "calls").unwrap();
        (path, recorder, store, calls, n)
    });
    // At the same time, on threads of their own.
    std::thread::scope(|scope| {
        for (path, recorder, mut store, calls, n) in runs {
            scope.spawn(move || {
                assert_eq!(calls.call(&mut store, (n, false)).unwrap(), (n,));
                recorder.finish(DONE).unwrap();
                assert_eq!(count(&path), n as usize);
                replay_here(Arc::new(Trace::open(&path).unwrap())).unwrap();
            });
        }
    });
}

#[test]
fn a_pooling_allocator_records_what_is_committed() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::new();
    config.allocation_strategy(PoolingAllocationConfig::new());
    let mut host = Host::new(&mut config);
    // Slots are used again: no run may see another's records.
    for round in 0..3 {
        let path = dir.path().join(round.to_string());
        let recorder = host.recorder(&path);
        host.linker.allow_shadowing(true);
        let (mut store, instance) = host.start(&recorder);
        let calls = calls(&mut store, &instance);
        for n in [10, 20_000] {
            calls.call(&mut store, (n + round, false)).unwrap();
        }
        recorder.finish(DONE).unwrap();
        assert_eq!(count(&path), (20_010 + 2 * round) as usize);
        replay_here(Arc::new(Trace::open(&path).unwrap())).unwrap();
    }
}

#[test]
fn records_made_where_nothing_can_be_committed_may_be_more_than_a_buffer_holds() {
    let dir = tempfile::tempdir().unwrap();
    for moving in [false, true] {
        let path = dir.path().join(format!("{moving}.rrtrace"));
        let mut config = Config::new();
        if moving {
            // No room to grow in: memories move when they grow.
            config
                .memory_reservation(0)
                .memory_reservation_for_growth(0);
        }
        let mut host = Host::new(&mut config);
        let recorder = host.recorder(&path);
        let (mut store, instance) = host.start(&recorder);
        let list = instance
            .get_typed_func::<(&[String],), (u32,)>(&mut store, "list")
            .unwrap();
        // A realloc for each string: 44 bytes of records, and its bytes.
        let strings: Vec<String> = (0..60_000).map(|n| n.to_string()).collect();
        for _ in 0..2 {
            let (length,) = list.call(&mut store, (&strings,)).unwrap();
            assert_eq!(length, 60_000);
        }
        let calls = calls(&mut store, &instance);
        let error = calls.call(&mut store, (9, true)).unwrap_err();
        drop(store);
        let trap = error.downcast_ref::<wasmtime::Trap>().unwrap();
        recorder.finish(Outcome::Trapped(trap.to_string())).unwrap();
        replay_here(Arc::new(Trace::open(&path).unwrap())).unwrap();
        assert_eq!(count(&path), 9);
    }
}

/// A buffer that can be looked at while it is written.
#[derive(Clone, Default)]
struct Bytes(Arc<Mutex<Vec<u8>>>);

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_recording_goes_into_anything_that_can_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = Bytes::default();
    let mut host = Host::new(&mut Config::new());
    let component = host.component.clone();
    let recorder = Recorder::to_writer(bytes.clone(), component, &Metadata::default()).unwrap();
    let (mut store, instance) = host.start(&recorder);
    let calls = calls(&mut store, &instance);
    calls.call(&mut store, (50_000, false)).unwrap();
    let recorded = recorder.finish(DONE).unwrap();
    let bytes = bytes.0.lock().unwrap();
    assert_eq!(recorded.bytes, bytes.len() as u64);
    let path = dir.path().join("run.rrtrace");
    std::fs::write(&path, bytes.as_slice()).unwrap();
    assert_eq!(count(&path), 50_000);
    replay_here(Arc::new(Trace::open(&path).unwrap())).unwrap();
}

/// Takes so many bytes and no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(std::io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_fails_stops_the_guest_and_is_told() {
    let mut host = Host::new(&mut Config::new());
    let component = host.component.clone();
    let recorder = Recorder::to_writer(Full(3000), component, &Metadata::default()).unwrap();
    let (mut store, instance) = host.start(&recorder);
    let calls = calls(&mut store, &instance);
    let error = calls.call(&mut store, (u32::MAX, false)).unwrap_err();
    assert!(format!("{error:?}").contains("broken pipe"), "{error:?}");
    let error = recorder.finish(DONE).unwrap_err();
    assert!(error.to_string().contains("broken pipe"), "{error}");
}
