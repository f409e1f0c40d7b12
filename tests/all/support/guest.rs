//! Runs a kernel, plain or clocked, and tells what can be seen of it.

use rr_dap::instrument::clock::{self, ClockStyle, Clocked};
use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use wasmtime::{
    AsContextMut, Caller, Config, DebugEvent, DebugHandler, Engine, Extern, Func, Global,
    GlobalType, Instance, Module, Mutability, Store, StoreContextMut, Val, ValType, WasmBacktrace,
};

pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

pub fn assemble(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap_or_else(|e| panic!("{e}\n{wat}"))
}

pub fn clocked(module: &[u8], style: ClockStyle) -> Clocked {
    clock::clock(module, style).expect("a valid module can be given a clock")
}

/// What a run shows.
#[derive(Debug, PartialEq)]
pub struct Seen {
    /// The results, or the trap.
    pub outcome: Result<Vec<String>, String>,
    /// The tick at each call of `host.look`.
    pub looks: Vec<u64>,
    /// The tick at the end.
    pub ticks: u64,
    /// For each call of the hook: the tick, and the offset of the innermost
    /// frame in the module that ran.
    pub hooks: Vec<(u64, u32)>,
    /// For each call of `host.look`.
    pub frames: Vec<Frames>,
}

struct State {
    remaining: Global,
    /// The tick when the clock was last armed, and with how many.
    armed: (u64, i32),
    rearm: i32,
    looks: Vec<u64>,
    /// The globals that count frames: how many there are, and the lowest number.
    gauge: [Global; 2],
    frames: Vec<Frames>,
    hooks: Vec<(u64, u32)>,
}

/// How many frames the guest has when it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frames {
    pub counted: u32,
    /// The lowest number since it looked before.
    pub lowest: u32,
    /// By the engine.
    pub actual: u32,
}

fn tick(mut store: impl AsContextMut<Data = Option<State>>) -> u64 {
    let Some(state) = store
        .as_context()
        .data()
        .as_ref()
        .map(|s| (s.remaining, s.armed))
    else {
        return 0;
    };
    let (remaining, (at, with)) = state;
    let remaining = match remaining.get(&mut store) {
        Val::I32(remaining) => i64::from(remaining),
        remaining => remaining.unwrap_i64(),
    };
    at.wrapping_add_signed(i64::from(with) - remaining)
}

fn hook(mut caller: Caller<'_, Option<State>>) {
    let now = tick(&mut caller);
    let offset = WasmBacktrace::force_capture(&caller)
        .frames()
        .first()
        .and_then(|frame| frame.module_offset())
        .map_or(u32::MAX, |offset| offset as u32);
    let state = caller.data_mut().as_mut().expect("clocked");
    state.hooks.push((now, offset));
    state.armed = (now, state.rearm);
    let (remaining, rearm) = (state.remaining, state.rearm);
    let rearm = match remaining.get(&mut caller) {
        Val::I32(_) => Val::I32(rearm),
        _ => Val::I64(rearm.into()),
    };
    remaining.set(&mut caller, rearm).expect("mutable");
}

fn look(mut caller: Caller<'_, Option<State>>) {
    let now = tick(&mut caller);
    let trace = WasmBacktrace::force_capture(&caller);
    let gauge = caller.data().as_ref().map(|state| state.gauge);
    let values = gauge.map(|gauge| gauge.map(|global| global.get(&mut caller)));
    if let (Some([_, lowest]), Some([depth, _])) = (gauge, values) {
        lowest.set(&mut caller, depth).expect("mutable");
    }
    if let Some(state) = caller.data_mut() {
        let [counted, lowest] = values.expect("clocked").map(|v| v.unwrap_i32() as u32);
        state.frames.push(Frames {
            counted,
            lowest,
            actual: trace.frames().len() as u32,
        });
        state.looks.push(now);
    }
}

fn imports(store: &mut Store<Option<State>>, module: &Module, arm: i32) -> Vec<Extern> {
    let counter = GlobalType::new(ValType::I32, Mutability::Var);
    let gauge =
        [(); 2].map(|()| Global::new(&mut *store, counter.clone(), Val::I32(0)).expect("a global"));
    let i32_global = GlobalType::new(ValType::I32, Mutability::Const);
    module
        .imports()
        .map(|import| match (import.module(), import.name()) {
            (clock::IMPORT_MODULE, clock::IMPORT_HOOK) => Func::wrap(&mut *store, hook).into(),
            (clock::IMPORT_MODULE, clock::IMPORT_REMAINING) => {
                let ty = import.ty().unwrap_global().clone();
                let armed = match ty.content() {
                    ValType::I32 => Val::I32(arm),
                    _ => Val::I64(arm.into()),
                };
                let remaining = Global::new(&mut *store, ty, armed).expect("a global");
                *store.data_mut() = Some(State {
                    remaining,
                    armed: (0, arm),
                    rearm: arm,
                    looks: Vec::new(),
                    gauge,
                    frames: Vec::new(),
                    hooks: Vec::new(),
                });
                remaining.into()
            }
            (clock::IMPORT_MODULE, clock::IMPORT_DEPTH) => gauge[0].into(),
            (clock::IMPORT_MODULE, clock::IMPORT_LOWEST) => gauge[1].into(),
            ("host", "look") => Func::wrap(&mut *store, look).into(),
            ("host", "base") => Global::new(&mut *store, i32_global.clone(), Val::I32(64))
                .expect("a global")
                .into(),
            other => panic!("unexpected import {other:?}"),
        })
        .collect()
}

fn call_run(store: &mut Store<Option<State>>, instance: Instance) -> Result<Vec<String>, String> {
    let run = instance.get_func(&mut *store, "run").expect("run");
    let mut results = vec![Val::I32(0); run.ty(&*store).results().len()];
    match block_on(run.call_async(&mut *store, &[], &mut results)) {
        Ok(()) => Ok(results.iter().map(|v| format!("{v:?}")).collect()),
        Err(e) => Err(e.root_cause().to_string()),
    }
}

/// Runs a module; its clock, if it has one, is armed with `arm` ticks, again and
/// again.
pub fn run(engine: &Engine, module: &[u8], arm: i32) -> Seen {
    let module = Module::new(engine, module).expect("the module compiles");
    let mut store = Store::new(engine, None);
    let imports = imports(&mut store, &module, arm);
    let instance =
        block_on(Instance::new_async(&mut store, &module, &imports)).expect("instantiates");
    let outcome = call_run(&mut store, instance);
    let ticks = tick(&mut store);
    let (looks, hooks, frames) = store
        .into_data()
        .map(|state| (state.looks, state.hooks, state.frames))
        .unwrap_or_default();
    Seen {
        outcome,
        looks,
        ticks,
        hooks,
        frames,
    }
}

/// The instructions of a module that begin a tick: the first of each function and
/// of each loop's body.
pub fn tick_points(module: &[u8]) -> HashSet<u32> {
    let mut points = HashSet::new();
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let wasmparser::Payload::CodeSectionEntry(body) = payload.expect("parses") else {
            continue;
        };
        let mut begins = true;
        let mut operators = body.get_operators_reader().expect("operators");
        while !operators.eof() {
            let at = operators.original_position() as u32;
            let operator = operators.read().expect("an operator");
            if begins {
                points.insert(at);
            }
            begins = matches!(operator, wasmparser::Operator::Loop { .. });
        }
    }
    points
}

/// What stepping through every instruction of `run` shows.
#[derive(Debug, Clone, Default)]
pub struct Stepped {
    pub ticks: u64,
    /// The tick at each call of `host.look`.
    pub looks: Vec<u64>,
    /// The lowest number of frames before each call of `host.look`, and since the one
    /// before.
    pub lowest: Vec<u32>,
}

#[derive(Clone)]
struct Stepper {
    points: Arc<HashSet<u32>>,
    calls_of_look: Arc<HashSet<u32>>,
    /// With the lowest number of frames so far.
    seen: Arc<Mutex<(Stepped, u32)>>,
}

impl DebugHandler for Stepper {
    type Data = Option<State>;

    async fn handle(&self, mut store: StoreContextMut<'_, Self::Data>, event: DebugEvent<'_>) {
        if !matches!(event, DebugEvent::Breakpoint) {
            return;
        }
        let Some(frame) = store.debug_exit_frames().next() else {
            return;
        };
        let Ok(Some((_, pc))) = frame.wasm_function_index_and_pc(&mut store) else {
            return;
        };
        let mut depth = 0;
        let mut next = Some(frame);
        while let Some(frame) = next {
            next = frame.parent(&mut store).expect("a parent");
            depth += 1;
        }
        let mut seen = self.seen.lock().expect("one thread");
        let (stepped, lowest) = &mut *seen;
        *lowest = depth.min(*lowest);
        if self.points.contains(&pc.raw()) {
            stepped.ticks += 1;
        }
        if self.calls_of_look.contains(&pc.raw()) {
            stepped.looks.push(stepped.ticks);
            stepped.lowest.push(*lowest);
            *lowest = u32::MAX;
        }
    }
}

/// The calls of function 0 in a module that imports `host.look` as that.
fn calls_of_look(module: &[u8]) -> HashSet<u32> {
    let mut calls = HashSet::new();
    let mut imports_look = false;
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        match payload.expect("parses") {
            wasmparser::Payload::ImportSection(imports) => {
                let mut all = imports.into_imports();
                imports_look = all.any(|import| import.expect("an import").name == "look");
            }
            wasmparser::Payload::CodeSectionEntry(body) if imports_look => {
                let mut operators = body.get_operators_reader().expect("operators");
                while !operators.eof() {
                    let at = operators.original_position() as u32;
                    if let wasmparser::Operator::Call { function_index: 0 } =
                        operators.read().expect("an operator")
                    {
                        calls.insert(at);
                    }
                }
            }
            _ => {}
        }
    }
    calls
}

/// Steps through every instruction of `run` in a module without a clock.
pub fn step(module: &[u8]) -> Stepped {
    let mut config = Config::new();
    config
        .guest_debug(true)
        .wasm_function_references(true)
        .wasm_gc(true)
        .wasm_exceptions(true);
    let engine = Engine::new(&config).expect("an engine");
    let stepper = Stepper {
        points: tick_points(module).into(),
        calls_of_look: calls_of_look(module).into(),
        seen: Arc::new(Mutex::new((Stepped::default(), u32::MAX))),
    };
    let module = Module::new(&engine, module).expect("the module compiles");
    let mut store = Store::new(&engine, None);
    let imports = imports(&mut store, &module, i32::MAX);
    let instance =
        block_on(Instance::new_async(&mut store, &module, &imports)).expect("instantiates");
    store.set_debug_handler(stepper.clone());
    store
        .edit_breakpoints()
        .expect("guest debugging is on")
        .single_step(true)
        .expect("steps");
    let _ = call_run(&mut store, instance);
    let seen = stepper.seen.lock().expect("one thread");
    seen.0.clone()
}
