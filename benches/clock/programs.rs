//! Recordings of real programs, replayed.

use super::{Run, Runs, thread_time};
use rr_dap::component::{Component, component_bytes};
use rr_dap::instrument::offsets::OffsetMap;
use rr_dap::instrument::probe::Probe;
use rr_dap::record::{self, Preopen, WasiOptions};
use rr_dap::replay::variant::{CacheDir, Prepared, Variant, engine_for_compiling};
use rr_dap::replay::{Compiled, Observer, Replay};
use rr_dap::trace::Trace;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A command to record; its folder `/work` holds `in.txt`.
pub struct Program {
    pub name: &'static str,
    pub path: PathBuf,
    pub args: &'static [&'static str],
    /// How many lines of text it is given.
    pub lines: u32,
}

pub fn all() -> Vec<Program> {
    let program = |name, path, args, lines| Program {
        name,
        path,
        args,
        lines,
    };
    let Some(guests) = std::env::var_os("GUESTS") else {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        return vec![program(
            "kitchen -O2",
            fixtures.join("kitchen-O2.wasm"),
            &["args", "x"],
            0,
        )];
    };
    let guest = |name: &str| Path::new(&guests).join("components").join(name);
    vec![
        program("zstd -O2, -19", guest("zstd-O2.wasm"), ZSTD_19, 10_000),
        program("zstd -O2, -3", guest("zstd-O2.wasm"), ZSTD_3, 100_000),
        program("lz4 -O2, -9", guest("lz4-O2.wasm"), LZ4_9, 40_000),
        program("zstd -O0, -3", guest("zstd-O0.wasm"), ZSTD_3, 40_000),
    ]
}

const ZSTD_19: &[&str] = &["-q", "-f", "-19", "/work/in.txt", "-o", "/work/out.zst"];
const ZSTD_3: &[&str] = &["-q", "-f", "-3", "/work/in.txt", "-o", "/work/out.zst"];
const LZ4_9: &[&str] = &["-q", "-f", "-9", "/work/in.txt", "/work/out.lz4"];

/// Text that compresses about as text does: numbered lines of changing words.
fn text(lines: u32) -> String {
    let words: Vec<&str> = "time travel debug record replay component module memory handle \
                            stream crossing tick position forward back"
        .split(' ')
        .collect();
    let mut seed = 1u32;
    let mut word = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        words[(seed >> 16) as usize % words.len()]
    };
    (0..lines)
        .map(|line| format!("{line} {} {} {}\n", word(), word(), word()))
        .collect()
}

struct Silent;

impl Observer for Silent {}

/// Records a program and makes its replays ready.
pub fn runs(program: &Program, dir: &Path) -> Runs {
    std::fs::write(dir.join("in.txt"), text(program.lines)).expect("writes");
    let trace = dir.join(format!("{}.rrtrace", program.name.replace(' ', "-")));
    let options = WasiOptions {
        program: program.name.into(),
        args: program.args.iter().map(|a| (*a).to_owned()).collect(),
        dirs: vec![Preopen {
            host: dir.to_owned(),
            guest: "/work".into(),
        }],
        ..WasiOptions::default()
    };
    let component = Component::parse(component_bytes(&program.path).expect("reads"));
    let component = Arc::new(component.expect("parses"));
    record::run(component, &options, &trace, false, |_| {}).expect("records");
    let trace = Arc::new(Trace::open(&trace).expect("opens"));
    let cache = CacheDir::open(&dir.join("compiled")).expect("a cache");
    let prepared =
        |variant| Compiled::prepare(&trace, &cache, variant, &|_, _| {}).expect("compiles");
    Runs {
        plain: replays(&trace, without_clock(&trace, Variant::Fast, dir)),
        fast: replays(&trace, prepared(Variant::Fast)),
        profile: replays(&trace, prepared(Variant::Profile)),
        watch: replays(&trace, prepared(Variant::Probed(Probe::Watch))),
        survey: replays(&trace, prepared(Variant::Probed(Probe::Survey))),
        count: replays(&trace, prepared(Variant::Probed(Probe::Count))),
        still: replays(&trace, without_clock(&trace, Variant::Debug, dir)),
        debug: replays(&trace, prepared(Variant::Debug)),
    }
}

/// The settings of a variant, and the code as it was recorded. ([`Variant::Plain`] is not
/// compared with: another thread reads its trace.)
fn without_clock(trace: &Trace, variant: Variant, dir: &Path) -> Compiled {
    let engine = engine_for_compiling(variant).expect("an engine");
    let modules = trace.component().modules().enumerate().map(|(i, module)| {
        let code = dir.join(format!("{variant:?}-{i}.cwasm"));
        let compiled = engine.precompile_module(module).expect("compiles");
        // It may be mapped by the program before.
        _ = std::fs::remove_file(&code);
        std::fs::write(&code, compiled).expect("writes");
        Prepared {
            code,
            offsets: OffsetMap::identity(module.len()),
            segments: Arc::default(),
            unkept: None,
        }
    });
    Compiled {
        variant,
        modules: modules.collect(),
    }
}

/// Everything is loaded before each replay.
fn replays(trace: &Arc<Trace>, compiled: Compiled) -> Run {
    let trace = trace.clone();
    Box::new(move || {
        let mut replay = Replay::new(trace.clone(), &compiled, Box::new(Silent)).expect("loads");
        let begun = thread_time();
        replay.run().expect("replays");
        thread_time() - begun
    })
}
