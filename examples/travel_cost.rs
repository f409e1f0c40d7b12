//! What motion costs in a recording: `travel_cost FILE.rrtrace [PLACES]`.
//!
//! After the background work is done, prints the latency of steps at random places,
//! and of walking near the end; the ratio of a reverse run to the forward run of the
//! same stretch; and what checkpoints take. The replayer is `$RR_DAP`, or the
//! executable beside the folder of this one.

mod latency;
mod program;

use latency::{go, ms, report};
use rr_dap::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, Fraction, HostcallFilter, Motion, Place, Reason, Step,
};
use rr_dap::timeline::{Interrupt, Options, Timeline};
use rr_dap::trace::Trace;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let trace = args
        .next()
        .ok_or("usage: travel_cost FILE.rrtrace [PLACES]")?;
    let places: usize = args.next().map_or(Ok(100), |n| n.parse())?;
    let options = Options {
        program: program::rr_dap()?,
        ..Options::standard()?
    };
    let trace = Arc::new(Trace::open(trace.as_ref())?);
    let timeline = &mut opened(trace, &options)?;
    near_the_end(timeline, places)?;
    at_random_places(timeline, places)?;
    runs(timeline)?;
    interruption(timeline)?;
    copies(timeline)
}

fn opened(trace: Arc<Trace>, options: &Options) -> Outcome<Timeline> {
    let began = Instant::now();
    let mut timeline = Timeline::open(trace, options, &Interrupt::new(), &|_| {})?;
    println!("open                    {}", ms(began.elapsed()));
    let began = Instant::now();
    timeline.wait_for_depths(&Interrupt::new())?;
    println!("measure depths          {}", ms(began.elapsed()));
    timeline.wait_for_sweep(&Interrupt::new())?;
    println!("sweep to the end        {}", ms(began.elapsed()));
    go(&mut timeline, &Motion::End)?;
    println!(
        "ticks                   {}",
        timeline.here().position.tick.0
    );
    print_checkpoints(&mut timeline);
    Ok(timeline)
}

fn print_checkpoints(timeline: &mut Timeline) {
    let number = timeline.checkpoints().len();
    let memory = timeline.checkpoint_memory().0 >> 20;
    println!("checkpoints             {number} in {memory} MiB");
}

/// From the last hostcall: it is inside the program's own code, where there are lines
/// to step back over; after the last return there are none.
fn near_the_end(timeline: &mut Timeline, steps: usize) -> Outcome<()> {
    let to_hostcall = Motion::Hostcall(Direction::Backward, HostcallFilter::ANY);
    for (name, motion) in [
        ("line back", Motion::Line(Direction::Backward, Step::Over)),
        ("line", Motion::Line(Direction::Forward, Step::Over)),
        ("hostcall back", to_hostcall.clone()),
    ] {
        if name == "line back" {
            go(timeline, &Motion::End)?;
            go(timeline, &to_hostcall)?;
        }
        let mut taken = Vec::new();
        for _ in 0..steps {
            taken.push(go(timeline, &motion)?);
            if is_at_an_end(timeline) {
                break;
            }
        }
        report(&format!("near the end: {name}"), taken);
    }
    Ok(())
}

/// Goes somewhere, steps a few times there, and goes elsewhere.
fn at_random_places(timeline: &mut Timeline, places: usize) -> Outcome<()> {
    const STEPS: usize = 5;
    let kinds = [
        ("line back", Motion::Line(Direction::Backward, Step::Over)),
        ("line", Motion::Line(Direction::Forward, Step::Over)),
        (
            "line back, into",
            Motion::Line(Direction::Backward, Step::Into),
        ),
        ("line, into", Motion::Line(Direction::Forward, Step::Into)),
        ("out, back", Motion::Line(Direction::Backward, Step::Out)),
        ("out", Motion::Line(Direction::Forward, Step::Out)),
        (
            "instruction back",
            Motion::Instruction(Direction::Backward, Step::Into),
        ),
    ];
    let mut random = Random(0x5eed);
    for (name, motion) in kinds {
        let (mut jumps, mut taken) = (Vec::new(), Vec::new());
        for _ in 0..places {
            let place = Fraction::percent(random.percent()).ok_or("a percentage")?;
            jumps.push(go(timeline, &Motion::Fraction(place))?);
            for _ in 0..STEPS {
                taken.push(go(timeline, &motion)?);
                if is_at_an_end(timeline) {
                    break;
                }
            }
        }
        report(&format!("anywhere: {name}"), taken);
        if name == "line back" {
            report("anywhere: getting there", jumps);
        }
    }
    print_checkpoints(timeline);
    Ok(())
}

/// Runs the whole recording both ways; nothing is hit.
fn runs(timeline: &mut Timeline) -> Outcome<()> {
    let nothing = Place::Hostcall(HostcallFilter::named("no hostcall is called this"));
    timeline.set_breakpoints(vec![Breakpoint::new(BreakpointId(1), vec![nothing])]);
    go(timeline, &Motion::Start)?;
    let forward = go(timeline, &Motion::Continue(Direction::Forward))?;
    let backward = go(timeline, &Motion::Continue(Direction::Backward))?;
    println!(
        "run to the end          {}, back to the start {}: {:.2}",
        ms(forward),
        ms(backward),
        backward.as_secs_f64() / forward.as_secs_f64()
    );
    Ok(())
}

/// Runs backward from the end, and is called off after a while.
fn interruption(timeline: &mut Timeline) -> Outcome<()> {
    let mut taken = Vec::new();
    go(timeline, &Motion::End)?;
    for i in 0..20 {
        let interrupt = Interrupt::new();
        let raised = std::thread::spawn({
            let interrupt = interrupt.clone();
            move || {
                std::thread::sleep(Duration::from_millis(50 + 7 * i));
                interrupt.raise();
                Instant::now()
            }
        });
        let motion = Motion::Continue(Direction::Backward);
        let interrupted = timeline.travel(&motion, &interrupt).is_err();
        let ended = Instant::now();
        let raised = raised.join().map_err(|_| "the other thread panicked")?;
        if !interrupted {
            println!("interruption            the run back is too short to be interrupted");
            return Ok(());
        }
        taken.push(ended.saturating_duration_since(raised));
    }
    report("interruption", taken);
    Ok(())
}

/// Going to where a checkpoint stands copies its process, no more.
fn copies(timeline: &mut Timeline) -> Outcome<()> {
    let places = timeline.checkpoints();
    let mut taken = Vec::new();
    for place in places {
        taken.push(go(timeline, &Motion::Position(place))?);
    }
    report("copy a checkpoint", taken);
    Ok(())
}

fn is_at_an_end(timeline: &Timeline) -> bool {
    matches!(timeline.here().reason, Reason::Start | Reason::End(_))
}

/// Places that are the same in each run.
struct Random(u64);

impl Random {
    fn percent(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64 * 100.0
    }
}
