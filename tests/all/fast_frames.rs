//! Optimised code without debug hooks stands at the same positions, with the same
//! frames, as code compiled for debugging.

use crate::support::{cache_dir, fixture, record, rr_dap, text};
use rr_dap::replay::frames::{self, Frame, Innermost, ModuleCode};
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{
    Calling, Code, Compiled, DebugMoment, Ended, InstanceId, Observer, Replay, State, Tick,
};
use rr_dap::trace::Trace;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use wasmtime::{AsContextMut, StoreContextMut};

/// What is seen at a hostcall or at the end.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    tick: Tick,
    frames: Vec<Frame>,
    /// A hash of the innermost frame's memory, where it can be had.
    memory: Option<u32>,
}

#[derive(Default)]
struct Walk {
    modules: Vec<ModuleCode>,
    seen: Vec<Seen>,
    trap: Option<Seen>,
}

struct Walker(Arc<Mutex<Walk>>);

fn look(store: &mut StoreContextMut<'_, State>, walk: &Walk, doing: Innermost) -> Seen {
    let frames = frames::frames(store, &walk.modules, doing);
    let instance = frames.first().map_or(InstanceId(0), |f| f.instance);
    let memory = frames::memory(store, &walk.modules, instance, 0, 0, 1 << 20);
    Seen {
        tick: State::now(store.as_context_mut()),
        frames,
        memory: memory.ok().map(|bytes| crc32fast::hash(&bytes)),
    }
}

impl Observer for Walker {
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        _: &Calling,
    ) -> wasmtime::Result<()> {
        let mut walk = self.0.lock().expect("one thread");
        let seen = look(store, &walk, Innermost::Calling);
        walk.seen.push(seen);
        Ok(())
    }

    fn unanswered(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        self.calling(store, call)
    }

    fn debug_event(&mut self, store: &mut StoreContextMut<'_, State>, event: DebugMoment) {
        if let DebugMoment::Trap(_) = event {
            let mut walk = self.0.lock().expect("one thread");
            let seen = look(store, &walk, Innermost::Trapped);
            // Those outside of a call out pass it on.
            walk.trap.get_or_insert(seen);
        }
    }
}

/// All hostcalls of a recording, and the trap it ends with.
fn walk(trace: &Arc<Trace>, variant: Variant) -> (Vec<Seen>, Option<(bool, Seen)>) {
    let cache = CacheDir::open(&cache_dir()).expect("a cache");
    let compiled = Compiled::prepare(trace, &cache, variant, &|_, _| {}).expect("compiles");
    let walk = Arc::new(Mutex::new(Walk::default()));
    let observer = Box::new(Walker(walk.clone()));
    let mut replay = Replay::new(trace.clone(), &compiled, observer).expect("loads");
    let modules = replay.modules().iter().zip(&compiled.modules);
    let sources = trace.component().modules();
    let modules: Vec<ModuleCode> = modules
        .zip(sources)
        .map(|((module, prepared), bytes)| ModuleCode {
            compiled: module.clone(),
            offsets: Arc::new(prepared.offsets.clone()),
            code: Arc::new(Code::read(Arc::from(bytes)).expect("code")),
        })
        .collect();
    walk.lock().expect("one thread").modules = modules;
    let ended = replay.run().expect("replays");
    let is_exact = replay.store().data().is_exact();
    let mut walk = walk.lock().expect("one thread");
    if let (Ended::Trapped(_), None) = (&ended, &walk.trap) {
        let mut store = replay.store().as_context_mut();
        let seen = look(&mut store, &walk, Innermost::Trapped);
        walk.trap = Some(seen);
    }
    let trap = walk.trap.take().map(|seen| (is_exact, seen));
    (std::mem::take(&mut walk.seen), trap)
}

fn same(app: &Path, options: &[&str]) -> (usize, usize) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("t.rrtrace");
    record(app, options, &[], "one\ntwo\n", &path);
    let trace = Arc::new(Trace::open(&path).expect("opens"));
    let (fast, fast_trap) = walk(&trace, Variant::Fast);
    let (debug, debug_trap) = walk(&trace, Variant::Debug);
    assert_eq!(fast.len(), debug.len());
    let mut deepest = 0;
    for (event, (fast, debug)) in fast.iter().zip(&debug).enumerate() {
        assert_eq!(fast, debug, "{}: event {event}", app.display());
        deepest = deepest.max(fast.frames.len());
    }
    assert_eq!(fast_trap.is_some(), debug_trap.is_some());
    if let (Some((is_exact, fast)), Some((_, debug))) = (fast_trap, debug_trap) {
        assert_eq!(fast.frames, debug.frames, "{}: trap", app.display());
        assert_eq!(fast.memory, debug.memory);
        assert!(fast.tick <= debug.tick);
        assert!(!is_exact || fast.tick == debug.tick);
    }
    (fast.len(), deepest)
}

#[test]
fn programs_stand_at_the_same_positions() {
    let work = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let work = format!("{}::/work", work.display());
    let (hostcalls, deepest) = same(&fixture("ledger.wasm"), &["--dir", &work]);
    assert!(hostcalls > 10 && deepest > 3, "{hostcalls} {deepest}");
    for name in [
        "hello-c-O0.wasm",
        "hello-c-O2.wasm",
        "kitchen.wasm",
        "kitchen-O2.wasm",
    ] {
        same(&fixture(name), &[]);
    }
}

#[test]
fn components_stand_at_the_same_positions() {
    for (name, invoke) in [
        ("nested", "run()"),
        ("recursion", "run()"),
        ("trap", "run()"),
        ("handles", "run()"),
        ("handles", "double-drop()"),
        ("start", "run()"),
        ("start-imported", "run()"),
        ("thrown-across", "own()"),
        ("thrown-across", "dropped()"),
        ("thrown-across", "within()"),
    ] {
        same(&fixture(&format!("wat/{name}.wat")), &["--invoke", invoke]);
    }
}

#[test]
fn start_functions_are_stepped_through_from_their_hostcalls() {
    let (dir, app) = (tempfile::tempdir().unwrap(), fixture("wat/start.wat"));
    let path = dir.path().join("t.rrtrace");
    record(&app, &["--invoke", "run()"], &[], "", &path);
    let trace = path.to_str().unwrap();
    // The prompt begins in optimised code, and moves over to step.
    let mut args = vec!["debug", trace, "--batch", "--at", "start"];
    for command in [
        "hostcall next --builtins",
        "hostcall next --builtins",
        "hostcall next --builtins",
        "stepi",
        "bt",
    ] {
        args.extend(["--command", command]);
    }
    let ran = rr_dap(&args, "");
    let printed = text(&ran.stdout);
    assert!(ran.status.success(), "{printed}{}", text(&ran.stderr));
    let frames: Vec<&str> = printed.lines().filter(|line| line.contains("#")).collect();
    // In `make` of the one, called by the start function of the other.
    let innermost_first = ["make", "start"];
    let bt = &frames[frames.len() - 2..];
    for (frame, function) in bt.iter().zip(innermost_first) {
        assert!(frame.contains(function), "{printed}");
    }
}

#[test]
fn below_an_imported_start_function_there_is_no_frame() {
    let (dir, app) = (
        tempfile::tempdir().unwrap(),
        fixture("wat/start-imported.wat"),
    );
    let path = dir.path().join("t.rrtrace");
    record(&app, &["--invoke", "run()"], &[], "", &path);
    let mut args = vec!["debug", path.to_str().unwrap(), "--batch", "--at", "start"];
    for command in ["step", "bt", "seek event 3", "stepi", "bt"] {
        args.extend(["--command", command]);
    }
    let ran = rr_dap(&args, "");
    let printed = text(&ran.stdout);
    assert!(ran.status.success(), "{printed}{}", text(&ran.stderr));
    let frames: Vec<&str> = printed.lines().filter(|line| line.contains('#')).collect();
    let functions = frames.iter().map(|frame| frame.split("  ").last().unwrap());
    let stacks = ["func[0] at func[0].wat:2", "count (export)", "count"];
    assert!(
        functions.eq(stacks.iter().chain(&stacks).copied()),
        "{printed}"
    );
}
