//! What a breakpoint costs that is passed: `breakpoint_cost [MILLIONS]`.
//!
//! Runs a loop under a hundred frames with a breakpoint in it, forward with a condition
//! that never holds, and backward with one that always does, so that a reverse run
//! passes all visits but the last; prints nanoseconds per visit, beyond the time of
//! the same replay without a breakpoint.

mod program;

use rr_dap::component::{Component, ModuleId};
use rr_dap::record::{self, WasiOptions};
use rr_dap::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, Motion, Place, Reason,
};
use rr_dap::timeline::{Interrupt, Options, Timeline};
use rr_dap::trace::Trace;
use std::sync::Arc;
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn program(visits: u64) -> String {
    format!(
        r#"(component
  (core module $code
    (func $work (param $left i64)
      (loop $next
        (local.set $left (i64.sub (local.get $left) (i64.const 1)))
        (br_if $next (i64.ne (local.get $left) (i64.const 0)))))
    (func $deep (param $depth i32)
      (if (local.get $depth)
        (then (call $deep (i32.sub (local.get $depth) (i32.const 1))))
        (else (call $work (i64.const {visits})))))
    (func (export "run") (result i32) (call $deep (i32.const 100)) (i32.const 0)))
  (core instance $m (instantiate $code))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.2.6" (instance $run)))"#
    )
}

/// The first instruction in the loop: after `loop` itself.
fn place(timeline: &Timeline) -> Result<Place> {
    let module = ModuleId(0);
    let bytes = timeline.trace().component().module(module);
    let length = bytes.map_or(0, <[u8]>::len) as u32;
    let code = &timeline.modules().first().ok_or("no module")?.code;
    let inside = (0..length).filter(|pc| code.function_at(*pc) == Some(0));
    let last = inside.last().ok_or("no function")?;
    let instructions = code.instructions_around(last).ok_or("no code")?;
    let pc = *instructions.get(1).ok_or("no loop")?;
    Ok(Place::Code { module, pc })
}

fn seconds(timeline: &mut Timeline, motion: &Motion) -> Result<f64> {
    let began = Instant::now();
    timeline.travel(motion, &Interrupt::new())?;
    Ok(began.elapsed().as_secs_f64())
}

fn main() -> Result<()> {
    let millions: u64 = std::env::args().nth(1).map_or(Ok(2), |n| n.parse())?;
    let visits = millions * 1_000_000;
    let options = Options {
        program: program::rr_dap()?,
        sweep: false,
        ..Options::standard()?
    };
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("t.rrtrace");
    let component = Component::parse(wat::parse_str(program(visits))?)?;
    record::run(
        Arc::new(component),
        &WasiOptions::default(),
        &path,
        false,
        |_| {},
    )?;
    let trace = Arc::new(Trace::open(&path)?);
    let mut timeline = Timeline::open(trace, &options, &Interrupt::new(), &|_| {})?;
    let place = place(&timeline)?;
    let breakpoint = |condition: &str, hits: Option<&str>| -> Result<Breakpoint> {
        Ok(Breakpoint {
            condition: Some(condition.to_owned()).filter(|c| !c.is_empty()),
            hits: hits.map(str::parse).transpose()?,
            ..Breakpoint::new(BreakpointId(1), vec![place.clone()])
        })
    };
    let forward = Motion::Continue(Direction::Forward);
    let backward = Motion::Continue(Direction::Backward);
    let base = seconds(&mut timeline, &forward)?;
    println!("replay, no breakpoint  {:8.1} ms", base * 1e3);
    let cases = [
        ("forward, $tick == 0", "$tick == 0", None, &forward),
        ("forward, $local0 == -1", "$local0 == -1", None, &forward),
        ("forward, hits 1e9", "", Some("1000000000"), &forward),
        ("backward, $tick == 0", "$tick == 0", None, &backward),
        ("backward, to the last", "", None, &backward),
    ];
    for (name, condition, hits, motion) in cases {
        let from = match motion == &forward {
            true => Motion::Start,
            false => Motion::End,
        };
        seconds(&mut timeline, &from)?;
        timeline.set_breakpoints(vec![breakpoint(condition, hits)?]);
        let taken = seconds(&mut timeline, motion)?;
        let each = (taken - base) / visits as f64 * 1e9;
        let stop = match &timeline.here().reason {
            Reason::Breakpoints(_) => "stopped",
            _ => "no stop",
        };
        println!(
            "{name:<22} {:8.1} ms  {each:6.0} ns a visit  ({stop})",
            taken * 1e3
        );
    }
    Ok(())
}
