//! What recording and replaying cost: runs a command plainly, records it and
//! replays the recording, in turn, and prints the medians of the times.
//!
//! `record_cost ROUNDS DIR APP [ARGS…]`: DIR is given to the guest as `/work`.
//! Only execution is timed: everything is compiled before. Facts go to standard
//! error, as standard output is the guest's.

use anyhow::{Context, Result, bail};
use rr_dap::component::{Component, component_bytes};
use rr_dap::record::{self, Preopen, WasiOptions};
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Compiled, Observer, Replay};
use rr_dap::trace::Trace;
use rr_dap_host::{Host, Interfaces, linker};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::component::{Component as Runnable, Linker};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::p2::bindings::Command;
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtx};

struct Silent;

impl Observer for Silent {}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [rounds, dir, app, args @ ..] = args.as_slice() else {
        bail!("usage: record_cost ROUNDS DIR APP [ARGS…]");
    };
    let rounds: usize = rounds.parse().context("ROUNDS is a number")?;
    let bytes = component_bytes(Path::new(app))?;
    let component = Arc::new(Component::parse(bytes)?);
    let plain = Plain::new(&component)?;
    let out = tempfile::tempdir()?;
    let trace = out.path().join("run.rrtrace");
    let cache = CacheDir::open(&out.path().join("compiled"))?;
    let options = WasiOptions {
        program: app.clone(),
        args: args.to_vec(),
        dirs: vec![Preopen {
            host: dir.into(),
            guest: "/work".into(),
        }],
        ..WasiOptions::default()
    };
    let mut times = [const { Vec::new() }; 3];
    let mut facts = None;
    // The first round warms caches and is not counted.
    for round in 0..=rounds {
        let ran = plain.run(Path::new(dir), app, args)?;
        let recorded = record::run(component.clone(), &options, &trace, true, |_| {})?;
        let replayed = replay(&trace, &cache)?;
        if round > 0 {
            for (times, time) in times.iter_mut().zip([ran, recorded.elapsed, replayed]) {
                times.push(time);
            }
        }
        facts = Some(recorded);
    }
    let [ran, recorded, replayed] = times.map(median);
    if let Some(facts) = facts {
        let added = recorded.as_secs_f64() - ran.as_secs_f64();
        eprintln!(
            "{} hostcalls, {} bytes of trace, {:.0} ns added to each call",
            facts.events,
            facts.bytes,
            added * 1e9 / facts.events.max(1) as f64
        );
    }
    for (what, time) in [("plain", ran), ("record", recorded), ("replay", replayed)] {
        let ratio = time.as_secs_f64() / ran.as_secs_f64();
        eprintln!(
            "{what:<8}{:>12.3} ms   x {ratio:.3}",
            time.as_secs_f64() * 1e3
        );
    }
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The command without the recorder, compiled and run with the recorder's settings.
struct Plain {
    runtime: tokio::runtime::Runtime,
    engine: Engine,
    runnable: Runnable,
    linker: Linker<Host>,
}

impl Plain {
    fn new(component: &Component) -> Result<Plain> {
        let mut config = Config::new();
        config
            .cranelift_nan_canonicalization(true)
            .relaxed_simd_deterministic(true)
            .memory_may_move(false);
        let engine = Engine::new(&config)?;
        let linker = linker(&engine, Interfaces::ALL)?;
        Ok(Plain {
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()?,
            runnable: Runnable::new(&engine, component.bytes())?,
            engine,
            linker,
        })
    }

    fn run(&self, dir: &Path, app: &str, args: &[String]) -> Result<Duration> {
        let wasi = WasiCtx::builder()
            .inherit_stdio()
            .arg(app)
            .args(args)
            .preopened_dir(dir, "/work", FsPerms::ReadWrite)?
            .allow_blocking_current_thread(true)
            .build();
        let mut store = Store::new(&self.engine, Host::new(wasi, ()));
        let begun = Instant::now();
        let run = async {
            let command =
                Command::instantiate_async(&mut store, &self.runnable, &self.linker).await?;
            command.wasi_cli_run().call_run(&mut store).await
        };
        match self.runtime.block_on(run) {
            Ok(_) => {}
            Err(error) if error.is::<I32Exit>() => {}
            Err(error) => return Err(error.into()),
        }
        Ok(begun.elapsed())
    }
}

fn replay(trace: &Path, cache: &CacheDir) -> Result<Duration> {
    let trace = Arc::new(Trace::open(trace)?);
    let compiled = Compiled::prepare(&trace, cache, Variant::Plain, &|_, _| {})?;
    let begun = Instant::now();
    Replay::new(trace, &compiled, Box::new(Silent))?.run()?;
    Ok(begun.elapsed())
}
