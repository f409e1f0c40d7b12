//! Recording in a host of one's own: a component with an import that only this host
//! has, called several times, asynchronously.
//!
//! `embed [FILE]` writes the recording to FILE (`embed.rrtrace`) and verifies it;
//! `rr-dap replay FILE` and a debugger open it like any other.

use rr_dap::component::Component;
use rr_dap::inspect::ending::{Verified, verify};
use rr_dap::instrument::record::instrument;
use rr_dap::record::{Recorder, deterministic};
use rr_dap::trace::{Metadata, Outcome, Trace};
use std::path::Path;
use std::sync::Arc;
use wasmtime::component::{Component as Compiled, Linker};
use wasmtime::{Config, Engine, Store};

/// A plugin that sums up what its host's thermometer says.
const PLUGIN: &str = r#"(component
  (import "thermometer" (instance $thermometer
    (export "read" (func (param "room" u32) (result s32)))))
  (core func $read (canon lower (func $thermometer "read")))
  (core module $code
    (import "thermometer" "read" (func $read (param i32) (result i32)))
    (global $sum (mut i32) (i32.const 0))
    (func (export "visit") (param $room i32) (result i32)
      (global.set $sum (i32.add (global.get $sum) (call $read (local.get $room))))
      (global.get $sum)))
  (core instance $code (instantiate $code
    (with "thermometer" (instance (export "read" (func $read))))))
  (func (export "visit") (param "room" u32) (result s32)
    (canon lift (core func $code "visit"))))"#;

/// What this host keeps for a plugin.
struct House {
    temperatures: Vec<i32>,
}

/// Records a run of the plugin; answers what it said at last.
///
/// # Errors
///
/// If the plugin cannot be run, or the recording not be written.
pub fn record(path: &Path) -> Result<i32, Box<dyn std::error::Error>> {
    let component = Arc::new(Component::parse(wat::parse_str(PLUGIN)?)?);
    let mut config = Config::new();
    deterministic(&mut config);
    let engine = Engine::new(&config)?;
    let compiled = Compiled::new(&engine, instrument(&component)?)?;

    let mut linker: Linker<House> = Linker::new(&engine);
    linker
        .instance("thermometer")?
        .func_wrap_async("read", |store, (room,): (u32,)| {
            let temperature = store.data().temperatures.get(room as usize).copied();
            Box::new(async move { Ok((temperature.unwrap_or(0),)) })
        })?;
    let metadata = Metadata {
        program: "thermometer plugin".into(),
        ..Metadata::default()
    };
    let recorder = Recorder::overwrite(path, component, &metadata)?;
    recorder.add_to_linker(&mut linker)?;

    let house = House {
        temperatures: vec![21, 19, 17],
    };
    let mut store = Store::new(&engine, house);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let sum = runtime.block_on(async {
        let instance = linker.instantiate_async(&mut store, &compiled).await?;
        let visit = instance.get_typed_func::<(u32,), (i32,)>(&mut store, "visit")?;
        let mut sum = 0;
        for room in [0, 1, 2, 1] {
            (sum,) = visit.call_async(&mut store, (room,)).await?;
            store.data_mut().temperatures[1] += 1;
        }
        wasmtime::Result::<i32>::Ok(sum)
    })?;
    recorder.finish(Outcome::Returned {
        success: true,
        result: Some(sum.to_string()),
    })?;
    Ok(sum)
}

/// Replays the recording, without the host.
///
/// # Errors
///
/// If the recording cannot be opened, or replay goes another way.
pub fn replay(path: &Path) -> Result<Verified, Box<dyn std::error::Error>> {
    Ok(verify(&Arc::new(Trace::open(path)?))?)
}

#[allow(dead_code, reason = "tests use the functions above")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or("embed.rrtrace".into());
    let path = Path::new(&path);
    let sum = record(path)?;
    let checks = replay(path)?.checks;
    println!(
        "the plugin said {sum}; {} calls and {} values replay",
        checks.events, checks.values
    );
    Ok(())
}
