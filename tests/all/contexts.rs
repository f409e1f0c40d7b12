//! Calling contexts and their ticks, against the stacks that code compiled for debugging has
//! at each tick, and against how often each instruction ran.

use crate::support::random_guest::random_guest;
use crate::support::text;
use crate::support::walk::{Guest, command, each, record, run, with_fixtures};
use rr_dap::component::ModuleId;
use rr_dap::instrument::probe::Probe;
use rr_dap::replay::contexts::{ContextId, Contexts, Counted, MOST_TIMES_ON_STACK};
use rr_dap::replay::counts::Counts;
use rr_dap::replay::frames::{self, Innermost, ModuleCode};
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Code, Compiled, Observer, Replay, ReplayError, State, Tick};
use rr_dap::trace::{Outcome, Trace};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use wasmtime::{AsContextMut, StoreContextMut};

/// A stack, outermost first: instance, function, and the offset of the call or of what the
/// tick is before.
type Stack = Vec<(u32, u32, u32)>;
/// How many ticks each has.
type Ticks = BTreeMap<Stack, u64>;

fn compiled(trace: &Arc<Trace>, variant: Variant) -> Compiled {
    let cache = CacheDir::open(&crate::support::cache_dir()).expect("a cache");
    Compiled::prepare(trace, &cache, variant, &|_, _| {}).expect("the guest compiles")
}

fn codes(trace: &Arc<Trace>) -> Vec<Arc<Code>> {
    let modules = trace.component().modules();
    let codes = modules.map(|bytes| Arc::new(Code::read(Arc::from(bytes)).expect("code")));
    codes.collect()
}

#[derive(Default)]
struct Seen {
    modules: Vec<ModuleCode>,
    ticks: Ticks,
}

struct Walker(Arc<Mutex<Seen>>);

impl Observer for Walker {
    fn tick(&mut self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        let mut seen = self.0.lock().expect("one thread");
        let frames = frames::frames(store, &seen.modules, Innermost::Before);
        let stack = frames.iter().rev();
        let stack = stack.map(|frame| (frame.instance.0, frame.function, frame.pc));
        *seen.ticks.entry(without_recursion(stack)).or_default() += 1;
        let now = State::now(&mut *store);
        State::arm(store.as_context_mut(), Tick(now.0 + 1));
        Ok(())
    }
}

/// A function that is on a stack often enough already goes on where it was on top of it last.
fn without_recursion(frames: impl Iterator<Item = (u32, u32, u32)>) -> Stack {
    let mut stack = Stack::new();
    for frame in frames {
        let is_same = |other: &(u32, u32, u32)| (other.0, other.1) == (frame.0, frame.1);
        if stack.iter().filter(|other| is_same(other)).count() >= MOST_TIMES_ON_STACK {
            let last = stack.iter().rposition(is_same).expect("there are some");
            stack.truncate(last);
        }
        stack.push(frame);
    }
    stack
}

/// The stack at each tick of a recording.
fn walked(trace: &Arc<Trace>) -> Ticks {
    let compiled = compiled(trace, Variant::Debug);
    let seen = Arc::new(Mutex::new(Seen::default()));
    let observer = Box::new(Walker(seen.clone()));
    let mut replay = Replay::new(trace.clone(), &compiled, observer).expect("loads");
    let modules = replay.modules().iter().zip(&compiled.modules);
    let modules = modules.zip(codes(trace));
    let modules = modules.map(|((module, prepared), code)| ModuleCode {
        compiled: module.clone(),
        offsets: Arc::new(prepared.offsets.clone()),
        code,
    });
    seen.lock().expect("one thread").modules = modules.collect();
    State::arm(replay.store(), Tick(1));
    replay.run().expect("replays");
    drop(replay);
    let mut seen = seen.lock().expect("one thread");
    std::mem::take(&mut seen.ticks)
}

/// The functions of a context and what called them, outermost first; the innermost is there.
fn stack(contexts: &Contexts, context: ContextId, pc: u32) -> Stack {
    let mut stack = Vec::new();
    let mut pc = Some(pc);
    for at in contexts.stack(context) {
        let context = contexts.get(at).expect("a context");
        let here = pc.expect("a call");
        stack.push((context.instance.0, context.function, here));
        pc = context.call;
    }
    stack.reverse();
    stack
}

/// What contexts say of each stack.
fn told(contexts: &Contexts, codes: &[Arc<Code>]) -> Ticks {
    let mut told = Ticks::new();
    for (id, context) in contexts.all() {
        let code = &codes[context.module.0 as usize];
        let entry = |function| {
            contexts
                .entry_of(context.module, function)
                .expect("a function")
        };
        for (counter, counted) in contexts.counters(id) {
            let stack = match counted {
                Counted::Growth(_) => continue,
                Counted::Entry => stack(contexts, id, entry(context.function)),
                Counted::Loop(pc) => {
                    stack(contexts, id, code.instruction_after(pc).expect("a body"))
                }
                Counted::Leaf {
                    call,
                    function,
                    is_tail,
                } => {
                    let mut stack = stack(contexts, id, call);
                    if is_tail {
                        stack.pop();
                    }
                    stack.push((context.instance.0, function, entry(function)));
                    stack
                }
            };
            let ticks = contexts.count(counter);
            if ticks > 0 {
                *told.entry(stack).or_default() += ticks;
            }
        }
    }
    told
}

/// Calls of each function by contexts.
fn calls(contexts: &Contexts) -> BTreeMap<(ModuleId, u32), u64> {
    let mut calls = BTreeMap::new();
    for (id, context) in contexts.all() {
        for (counter, counted) in contexts.counters(id) {
            let function = match counted {
                Counted::Entry => context.function,
                Counted::Leaf { function, .. } => function,
                Counted::Loop(_) | Counted::Growth(_) => continue,
            };
            *calls.entry((context.module, function)).or_default() += contexts.count(counter);
        }
    }
    calls
}

/// Samples of all slices, counter by counter, are all that was counted.
fn slices_add_up(contexts: &Contexts) {
    let mut sums = BTreeMap::new();
    let mut ends = Vec::new();
    for (nth, slice) in contexts.slices().iter().enumerate() {
        ends.push(slice.end);
        for sample in contexts.samples(nth) {
            assert!(sample.count > 0);
            *sums.entry(sample.counter).or_insert(0) += sample.count;
        }
    }
    assert!(ends.is_sorted());
    for (id, _) in contexts.all() {
        for (counter, _) in contexts.counters(id) {
            let sum = sums.remove(&counter).unwrap_or(0);
            assert_eq!(sum, contexts.count(counter), "{id:?} {counter}");
            assert_eq!(contexts.context_of(counter), id);
        }
    }
    assert!(sums.is_empty());
}

fn measured(trace: &Arc<Trace>, variant: Variant) -> Contexts {
    let compiled = compiled(trace, variant);
    Contexts::of(trace, &compiled, &Arc::default()).expect("contexts")
}

fn agree(guest: Guest) {
    let (_dir, trace) = record(&guest);
    let stacks = agree_on(&trace);
    assert!(stacks > 1, "{stacks}");
}

/// How many stacks there are.
fn agree_on(trace: &Arc<Trace>) -> usize {
    let walked = walked(trace);
    let codes = codes(trace);
    let counts = compiled(trace, Variant::Probed(Probe::Count));
    let counts = Counts::of(trace, &counts, &Arc::default()).expect("counts");
    for variant in [
        Variant::Probed(Probe::Context),
        Variant::ProbedExactly(Probe::Context),
    ] {
        let contexts = measured(trace, variant);
        let told = told(&contexts, &codes);
        assert_eq!(told, walked, "{variant:?}");
        assert_eq!(told.values().sum::<u64>(), contexts.end().0, "{variant:?}");
        assert!(!contexts.is_full());
        slices_add_up(&contexts);
        for ((module, function), calls) in calls(&contexts) {
            let entry = contexts.entry_of(module, function).expect("a function");
            // Where that is an `end` or a block, it does nothing that is counted.
            if let Some(counted) = counts.at(module, entry) {
                assert_eq!(calls, counted, "{module:?} {function}");
            }
        }
    }
    walked.len()
}

/// Functions that call each other by name and by reference, loop, branch, throw and catch.
#[test]
fn random_guests_agree() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut returned, mut stacks) = (0, 0);
    for seed in 0..40 {
        let module = random_guest(seed);
        let module = module.replacen("(module", "(core module $m", 1);
        let module = module.replace("(import \"host\" \"look\" (func $look))", "(func $look)");
        let component = format!(
            "(component {module} (core instance $i (instantiate $m))
               (func (export \"run\") (result u32) (canon lift (core func $i \"run\"))))"
        );
        let app = dir.path().join(format!("{seed}.wat"));
        std::fs::write(&app, component).expect("writes");
        let path = dir.path().join(format!("{seed}.rrtrace"));
        let output = crate::support::record(&app, &["--invoke", "run()"], &[], "", &path);
        let trace = Trace::open(&path);
        let trace = trace.unwrap_or_else(|e| panic!("{e}: {}", text(&output.stderr)));
        // Nobody catches what some throw.
        if matches!(trace.outcome(), Outcome::Returned { .. }) {
            returned += 1;
            stacks += agree_on(&Arc::new(trace));
        }
    }
    assert!(returned > 10 && stacks > 1000, "{returned} {stacks}");
}

each! {
    recursion: agree(run("wat/recursion.wat"));
    every_kind_of_store: agree(run("motion/stores.wat"));
    nested_calls: agree(run("motion/realloc.wat"));
    tail_calls: agree(run("motion/tail-calls.wat"));
    exceptions: agree(run("motion/exceptions.wat"));
    exceptions_thrown_again: agree(run("motion/rethrown.wat"));
    start_functions: agree(run("motion/started.wat"));
    two_instances: agree(run("motion/twins.wat"));
    deep_stacks: agree(run("motion/deep.wat"));
    wide_memories: agree(run("wat/memory64.wat"));
    unoptimised_c: agree(command("motion/steps-O0.wasm"));
    optimised_c: agree(command("motion/steps-O2.wasm"));
    inlined_c: agree(command("motion/inlined-O1.wasm"));
    rust_closures: agree(command("motion/closures-O2.wasm"));
}

/// Up to a trap nothing is told that was not so; what the trapping function has counted since
/// it called last may be missing.
#[test]
fn traps_lose_little() {
    let (_dir, trace) = record(&with_fixtures("ledger.wasm"));
    let walked = walked(&trace);
    let contexts = measured(&trace, Variant::Probed(Probe::Context));
    let told = told(&contexts, &codes(&trace));
    let mut missing = Vec::new();
    for (stack, ticks) in &walked {
        let told = told.get(stack).copied().unwrap_or(0);
        assert!(told <= *ticks, "{stack:?}: {told} of {ticks}");
        if told < *ticks {
            missing.push(stack);
        }
    }
    assert!(told.keys().all(|stack| walked.contains_key(stack)));
    assert!(missing.len() <= 1, "{missing:?}");
    let made: u64 = contexts.hostcalls_from().iter().map(|of| of.count).sum();
    assert_eq!(made, contexts.hostcalls().len() as u64);
    assert!(made > 3);
}

#[test]
fn a_pass_that_is_called_off_ends() {
    let (_dir, trace) = record(&command("motion/steps-O2.wasm"));
    let compiled = compiled(&trace, Variant::Probed(Probe::Context));
    let cancelled = Arc::new(AtomicBool::new(false));
    cancelled.store(true, Ordering::Relaxed);
    let ended = Contexts::of(&trace, &compiled, &cancelled);
    assert!(matches!(ended, Err(ReplayError::Cancelled)), "{ended:?}");
}
