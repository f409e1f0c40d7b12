//! What the clock costs: the run time of clocked code as a ratio to the same code
//! without a clock, optimised and under guest debugging.
//!
//! `cargo test --bench clock [-- NAME…]`, environment `ROUNDS` (7). Small kernels, and
//! real programs' recordings replayed: with `GUESTS`, a directory that holds
//! `components/zstd-O2.wasm` and the like, those; without, the fixtures. Rounds are
//! interleaved; ratios are medians of the rounds' ratios, in CPU time of this thread.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "what cannot be measured ends the benchmark"
)]

mod kernels;
mod programs;

use kernels::KERNELS;
use rr_dap::instrument::clock::{self, ClockStyle};
use rr_dap::instrument::probe::{IMPORT_STORED, Probe};
use rr_dap::replay::variant::{Variant, engine_for_compiling};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use wasmtime::{Engine, Extern, Func, Global, GlobalType, Instance, Module, Mutability, Store};
use wasmtime::{Val, ValType};

fn main() {
    let rounds = std::env::var("ROUNDS").ok().and_then(|r| r.parse().ok());
    let rounds: usize = rounds.unwrap_or(7);
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|o| name.contains(o.as_str()));
    print!("{:<28}{:>9}", "", "plain");
    COLUMNS.iter().for_each(|column| print!("{column:>9}"));
    println!();
    let mut all = Vec::new();
    for kernel in KERNELS.iter().filter(|kernel| wanted(kernel.name)) {
        all.push(measure(kernel.name, rounds, kernel_runs(kernel.wat)));
    }
    summary("kernels", &all);
    let dir = tempfile::tempdir().expect("a directory");
    let mut of_programs = Vec::new();
    for program in programs::all().iter().filter(|p| wanted(p.name)) {
        let runs = programs::runs(program, dir.path());
        of_programs.push(measure(program.name, rounds, runs));
    }
    summary("programs", &of_programs);
    all.extend(of_programs);
    summary("all", &all);
}

/// What is measured, as ratios to plain; `debug` to guest debugging without a clock.
const COLUMNS: [&str; 6] = ["fast", "profile", "watch", "survey", "count", "debug"];

/// Runs a guest once and answers how long it took.
pub type Run = Box<dyn FnMut() -> Duration>;

/// One guest in all the forms that are compared.
pub struct Runs {
    /// Optimised, without a clock.
    pub plain: Run,
    /// Optimised, with the clock.
    pub fast: Run,
    /// Optimised, with the clock and the frames counted.
    pub profile: Run,
    /// Optimised, with the clock, and each store looked at.
    pub watch: Run,
    /// Optimised, with the clock, and marks of what runs and what is written.
    pub survey: Run,
    /// Optimised, with the clock, and counts of what runs.
    pub count: Run,
    /// Under guest debugging, without a clock.
    pub still: Run,
    /// Under guest debugging, with the clock.
    pub debug: Run,
}

/// In the order of [`COLUMNS`].
type Ratios = [f64; COLUMNS.len()];

fn measure(name: &str, rounds: usize, mut runs: Runs) -> Ratios {
    let mut plain = Vec::new();
    let mut ratios = [const { Vec::new() }; COLUMNS.len()];
    // The first round warms caches and is not counted.
    for round in 0..=rounds {
        let [alone, fast, profile, watch, survey, count, still, debug] = [
            &mut runs.plain,
            &mut runs.fast,
            &mut runs.profile,
            &mut runs.watch,
            &mut runs.survey,
            &mut runs.count,
            &mut runs.still,
            &mut runs.debug,
        ]
        .map(|run| run().as_secs_f64());
        if round > 0 {
            plain.push(alone);
            let these = [
                fast / alone,
                profile / alone,
                watch / alone,
                survey / alone,
                count / alone,
                debug / still,
            ];
            for (ratios, ratio) in ratios.iter_mut().zip(these) {
                ratios.push(ratio);
            }
        }
    }
    let ratios = ratios.map(median);
    print!("{name:<28}{:>6.1} ms", median(plain) * 1e3);
    print_ratios(ratios);
    ratios
}

fn print_ratios(ratios: Ratios) {
    ratios.iter().for_each(|ratio| print!("{ratio:>9.3}"));
    println!();
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn summary(of: &str, ratios: &[Ratios]) {
    if ratios.is_empty() {
        return;
    }
    let mean = |i: usize| {
        let logs: f64 = ratios.iter().map(|r| r[i].ln()).sum();
        (logs / ratios.len() as f64).exp()
    };
    let name = format!("geometric mean, {of}");
    print!("{name:<28}{:>9}", "");
    print_ratios(std::array::from_fn(mean));
}

/// CPU time of this thread.
pub fn thread_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place to write to.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn kernel_runs(wat: &str) -> Runs {
    let module = wat::parse_str(wat).expect("a kernel is valid");
    let clocked = |style| clock::clock(&module, style).expect("clocks").module;
    let probed = |probe| {
        let probed = clock::probed(&module, ClockStyle::Lazy, probe);
        probed.expect("is probed").module
    };
    let optimised = engine_for_compiling(Variant::Fast).expect("an engine");
    let debugged = engine_for_compiling(Variant::Debug).expect("an engine");
    Runs {
        plain: kernel_run(&optimised, &module),
        fast: kernel_run(&optimised, &clocked(ClockStyle::Lazy)),
        profile: kernel_run(&optimised, &clock::profile(&module).expect("counts").module),
        watch: kernel_run(&optimised, &probed(Probe::Watch)),
        survey: kernel_run(&optimised, &probed(Probe::Survey)),
        count: kernel_run(&optimised, &probed(Probe::Count)),
        still: kernel_run(&debugged, &module),
        debug: kernel_run(&debugged, &clocked(ClockStyle::Shared)),
    }
}

fn kernel_run(engine: &Engine, module: &[u8]) -> Run {
    let module = Module::new(engine, module).expect("compiles");
    let mut store = Store::new(engine, ());
    let imports: Vec<Extern> = module
        .imports()
        .map(|import| match import.name() {
            clock::IMPORT_HOOK => Func::wrap(&mut store, || {}).into(),
            IMPORT_STORED => Func::wrap(&mut store, |_: u32, _: u32, _: u64, _: u64| {}).into(),
            _ => {
                let ty = import.ty().unwrap_global().content().clone();
                let far = match (import.name(), &ty) {
                    (clock::IMPORT_DEPTH | clock::IMPORT_LOWEST, _) => Val::I32(0),
                    (_, ValType::I32) => Val::I32(i32::MAX),
                    _ => Val::I64(i64::MAX),
                };
                let ty = GlobalType::new(ty, Mutability::Var);
                Global::new(&mut store, ty, far).expect("a global").into()
            }
        })
        .collect();
    let instance = block_on(Instance::new_async(&mut store, &module, &imports)).expect("runs");
    let run = instance.get_func(&mut store, "run").expect("run");
    Box::new(move || {
        let begun = thread_time();
        let mut results = [Val::I32(0)];
        block_on(run.call_async(&mut store, &[], &mut results)).expect("runs");
        thread_time() - begun
    })
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}
