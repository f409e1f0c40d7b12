//! What motion costs in a recording: `travel_cost FILE.rrtrace [STEPS]`.
//!
//! Prints the latency of stepping back by line from the last hostcall, after the sweep
//! (median and 99th percentile), of stepping forward again, and of going to a
//! checkpoint, in milliseconds.

use rr_dap::timeline::motion::{Direction, HostcallFilter, Motion, Reason, Step};
use rr_dap::timeline::{Interrupt, Options, Timeline};
use rr_dap::trace::Trace;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let trace = args
        .next()
        .ok_or("usage: travel_cost FILE.rrtrace [STEPS]")?;
    let steps: usize = args.next().map_or(Ok(200), |n| n.parse())?;
    let program = match std::env::var_os("RR_DAP") {
        Some(program) => program.into(),
        // Examples are built into a folder beside the executable's.
        None => std::env::current_exe()?
            .parent()
            .and_then(|p| p.parent())
            .map(|p| p.join("rr-dap"))
            .unwrap_or_else(|| PathBuf::from("rr-dap")),
    };
    let options = Options {
        program,
        ..Options::standard()?
    };
    let trace = Arc::new(Trace::open(trace.as_ref())?);
    let opened = Instant::now();
    let mut timeline = Timeline::open(trace, &options, &|_, _| {})?;
    println!("open                {}", ms(opened.elapsed()));
    let swept = Instant::now();
    timeline.wait_for_sweep(&Interrupt::new())?;
    println!("sweep to the end    {}", ms(swept.elapsed()));
    println!("checkpoints         {}", timeline.checkpoints().len());
    go(&mut timeline, &Motion::End)?;
    println!("ticks               {}", timeline.here().position.tick.0);
    // The last hostcall is inside the program's own code, where there are lines to
    // step back over; after the last return there are none.
    go(
        &mut timeline,
        &Motion::Hostcall(Direction::Backward, HostcallFilter::ANY),
    )?;
    let back = Motion::Line(Direction::Backward, Step::Over);
    series("step back by line", &mut timeline, &back, steps)?;
    let forward = Motion::Line(Direction::Forward, Step::Over);
    series("step by line", &mut timeline, &forward, steps)?;
    let hostcall = Motion::Hostcall(Direction::Backward, HostcallFilter::ANY);
    series("hostcall back", &mut timeline, &hostcall, steps)?;
    go(&mut timeline, &Motion::End)?;
    let deep = Motion::Hostcall(Direction::Backward, HostcallFilter::ANY);
    go(&mut timeline, &deep)?;
    let back = Motion::Instruction(Direction::Backward, Step::Into);
    series("instruction back", &mut timeline, &back, steps)?;
    // Going to where the session stands already copies a process, no more.
    let end = [Motion::Start, Motion::Start, Motion::Start];
    let mut copies = Vec::new();
    for motion in end.iter().cycle().take(60) {
        copies.push(go(&mut timeline, motion)?);
    }
    report("copy a checkpoint", copies);
    Ok(())
}

fn go(timeline: &mut Timeline, motion: &Motion) -> Result<Duration, Box<dyn std::error::Error>> {
    let began = Instant::now();
    timeline.travel(motion, &Interrupt::new())?;
    Ok(began.elapsed())
}

fn series(
    name: &str,
    timeline: &mut Timeline,
    motion: &Motion,
    steps: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut taken = Vec::new();
    for _ in 0..steps {
        taken.push(go(timeline, motion)?);
        if matches!(timeline.here().reason, Reason::Start | Reason::End(_)) {
            break;
        }
    }
    report(name, taken);
    Ok(())
}

fn report(name: &str, mut taken: Vec<Duration>) {
    taken.sort_unstable();
    let at = |part: usize| {
        let index = (taken.len() * part / 100).min(taken.len().saturating_sub(1));
        taken.get(index).copied().unwrap_or_default()
    };
    println!(
        "{name:<19} median {}  99th percentile {}  ({} of them)",
        ms(at(50)),
        ms(at(99)),
        taken.len()
    );
}

fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}
