//! What searches cost in a recording: `search_cost FILE.rrtrace [PLACES [writes]]`.
//!
//! Prints what passes that note what ran and what was written take, as ratios to a plain
//! replay of the whole; runs both ways to a breakpoint that is never hit and to one that is
//! hit rarely; and the latency of "who wrote this last" at random places, and nothing but that where
//! `writes` is said. The replayer is
//! `$RR_DAP`, or the executable beside the folder of this one.

mod latency;
mod program;

use latency::{go, ms, report};
use rr_dap::component::ModuleId;
use rr_dap::instrument::probe::{Probe, Segments};
use rr_dap::replay::counts::Counts;
use rr_dap::replay::survey::{FIRST_LENGTH, Survey};
use rr_dap::replay::variant::Variant;
use rr_dap::replay::{Compiled, InstanceId, Observer, Replay};
use rr_dap::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, Fraction, MemoryRange, Motion, Place, Reason,
};
use rr_dap::timeline::{Interrupt, Options, Timeline, TimelineError};
use rr_dap::trace::Trace;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Passes are repeated, and the quickest counts: so often, or as `ROUNDS` says.
const ROUNDS: usize = 3;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let trace = args
        .next()
        .ok_or("usage: search_cost FILE.rrtrace [PLACES]")?;
    let places: usize = args.next().map_or(Ok(60), |n| n.parse())?;
    let options = Options {
        program: program::rr_dap()?,
        ..Options::standard()?
    };
    let trace = Arc::new(Trace::open(trace.as_ref())?);
    let counts = match args.next().as_deref() {
        Some("writes") => None,
        Some(other) => return Err(format!("{other}: only `writes` can be said").into()),
        None => Some(passes(&trace, &options)?),
    };
    let mut timeline = Timeline::open(trace.clone(), &options, &Interrupt::new(), &|_| {})?;
    if counts.is_some() {
        first_answer(&trace, &options)?;
    }
    let began = Instant::now();
    go(&mut timeline, &Motion::Event(0))?;
    timeline.wait_for_sweep(&Interrupt::new())?;
    timeline.wait_for_survey(&Interrupt::new())?;
    println!("background work         {}", ms(began.elapsed()));
    if let Some(counts) = counts {
        runs(&mut timeline, &trace, &counts)?;
    }
    std::thread::sleep(Duration::from_secs(1));
    writes(&mut timeline, places)
}

struct Silent;

impl Observer for Silent {}

/// CPU time of this thread: others use the machine.
fn thread_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place to write to.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The quickest of some.
fn timed<T>(mut run: impl FnMut() -> Outcome<T>) -> Outcome<(Duration, T)> {
    let mut best: Option<(Duration, T)> = None;
    let rounds = std::env::var("ROUNDS").ok();
    let rounds = rounds.and_then(|rounds| rounds.parse().ok());
    for _ in 0..rounds.unwrap_or(ROUNDS) {
        let began = thread_time();
        let value = run()?;
        let took = thread_time().saturating_sub(began);
        if best.as_ref().is_none_or(|(best, _)| took < *best) {
            best = Some((took, value));
        }
    }
    best.ok_or_else(|| "no round".into())
}

fn passes(trace: &Arc<Trace>, options: &Options) -> Outcome<Counts> {
    let compiled = |variant| Compiled::prepare(trace, &options.cache, variant, &|_, _| {});
    let go_on = Arc::new(AtomicBool::new(false));
    let (plain, survey, count, watch) = (
        compiled(Variant::Plain)?,
        compiled(Variant::Probed(Probe::Survey))?,
        compiled(Variant::Probed(Probe::Count))?,
        compiled(Variant::Probed(Probe::Watch))?,
    );
    let replay = |compiled: &Compiled| -> Outcome<()> {
        Replay::new(trace.clone(), compiled, Box::new(Silent))?.run()?;
        Ok(())
    };
    let (alone, ()) = timed(|| replay(&plain))?;
    println!("plain replay            {}", ms(alone));
    let ratio = |took: Duration| took.as_secs_f64() / alone.as_secs_f64();
    let (took, ()) = timed(|| replay(&watch))?;
    println!("watch, nothing met      {:.2}", ratio(took));
    let (took, surveyed) = timed(|| Ok(Survey::make(trace, &survey, &go_on, FIRST_LENGTH)?))?;
    let stretches = surveyed.len();
    println!(
        "survey                  {:.2}, {stretches} stretches",
        ratio(took)
    );
    let (took, counts) = timed(|| Ok(Counts::of(trace, &count, &go_on)?))?;
    println!("counts                  {:.2}", ratio(took));
    Ok(counts)
}

/// Who wrote some bytes last, from the end, without anything known before.
fn first_answer(trace: &Arc<Trace>, options: &Options) -> Outcome<()> {
    let options = Options {
        sweep: false,
        ..options.clone()
    };
    let mut timeline = Timeline::open(trace.clone(), &options, &Interrupt::new(), &|_| {})?;
    let range = MemoryRange {
        instance: InstanceId(0),
        memory: 0,
        address: 1 << 16,
        length: 8,
    };
    let began = Instant::now();
    timeline.changes(range, &Interrupt::new(), &|_| {})?;
    println!(
        "all changes of 8 bytes  {}, nothing known before",
        ms(began.elapsed())
    );
    Ok(())
}

/// Instructions that ran so often: one that never did, and one that did a few times.
fn places(trace: &Trace, counts: &Counts) -> Vec<(u64, ModuleId, u32)> {
    let mut found: Vec<(u64, ModuleId, u32)> = Vec::new();
    for (id, module) in (0..).map(ModuleId).zip(trace.component().modules()) {
        let segments = Segments::of_module(module).unwrap_or_default();
        for start in (0..segments.count()).filter_map(|segment| segments.start(segment)) {
            let count = counts.at(id, start).unwrap_or(0);
            let is_new = |least, most| {
                (least..=most).contains(&count)
                    && !found
                        .iter()
                        .any(|(known, ..)| (least..=most).contains(known))
            };
            if is_new(0, 0) || is_new(1, 3) || is_new(50, 200) {
                found.push((count, id, start));
            }
        }
    }
    found.sort_unstable();
    found
}

fn runs(timeline: &mut Timeline, trace: &Trace, counts: &Counts) -> Outcome<()> {
    for (count, module, pc) in places(trace, counts) {
        let place = Place::Code { module, pc };
        timeline.set_breakpoints(vec![Breakpoint::new(BreakpointId(1), vec![place])]);
        for direction in [Direction::Forward, Direction::Backward] {
            let from = match direction {
                Direction::Forward => Motion::Start,
                Direction::Backward => Motion::End,
            };
            go(timeline, &from)?;
            let mut taken = Vec::new();
            for _ in 0..20 {
                taken.push(go(timeline, &Motion::Continue(direction))?);
                if !matches!(timeline.here().reason, Reason::Breakpoints(_)) {
                    break;
                }
            }
            let which = match direction {
                Direction::Forward => "forward",
                Direction::Backward => "backward",
            };
            report(&format!("hit {count} times: {which}"), taken);
        }
    }
    timeline.set_breakpoints(Vec::new());
    Ok(())
}

/// At random places, of random bytes that have been written before.
fn writes(timeline: &mut Timeline, places: usize) -> Outcome<()> {
    let mut random = Random(0x5eed);
    let mut taken = Vec::new();
    let mut jumps = Vec::new();
    let mut never = Vec::new();
    while taken.len() < places && never.len() < 50 * places {
        let place = Fraction::percent(random.percent()).ok_or("a percentage")?;
        jumps.push(go(timeline, &Motion::Fraction(place))?);
        let (instance, size) = memory(timeline)?;
        for _ in 0..50 {
            let range = MemoryRange {
                instance,
                memory: 0,
                address: (random.next() % size) & !7,
                length: 8,
            };
            let began = Instant::now();
            match timeline.travel(&Motion::LastChange(range), &Interrupt::new()) {
                Ok(_) => {
                    let took = began.elapsed();
                    eprintln!("who wrote {range:?} last: {}", ms(took));
                    taken.push(took);
                    break;
                }
                Err(TimelineError::NotWritten(_)) => never.push(began.elapsed()),
                Err(error) => return Err(error.into()),
            }
        }
    }
    report("getting there", jumps);
    report("who wrote 8 bytes last", taken);
    report("never written", never);
    Ok(())
}

/// The first instance that has a memory, and its size.
fn memory(timeline: &mut Timeline) -> Outcome<(InstanceId, u64)> {
    let instances = timeline.instances()?.len() as u32;
    for instance in (0..instances).map(InstanceId) {
        if let Some(size) = timeline.memories(instance)?.first().copied() {
            return Ok((instance, size.max(8)));
        }
    }
    Err("no instance has a memory".into())
}

/// Numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.0 >> 24
    }

    fn percent(&mut self) -> f64 {
        (self.next() % 10_000) as f64 / 100.0
    }
}
