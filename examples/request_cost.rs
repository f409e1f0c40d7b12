//! What it costs to go to a request in the recording of a service: `request_cost
//! FILE.rrtrace [PLACES]`.
//!
//! Prints how long it takes to list the requests, to go to random ones before the background
//! work has ended, and after it. The replayer is `$RR_DAP`, or the executable beside the
//! folder of this one.

mod latency;
mod program;

use latency::{go, ms, report};
use rr_dap::inspect::past::requests::Requests;
use rr_dap::timeline::travel::motion::Motion;
use rr_dap::timeline::{Interrupt, Options, Timeline};
use rr_dap::trace::Trace;
use std::sync::Arc;
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let path = args
        .next()
        .ok_or("usage: request_cost FILE.rrtrace [PLACES]")?;
    let places: usize = args.next().map_or(Ok(60), |n| n.parse())?;
    let options = Options {
        program: program::rr_dap()?,
        ..Options::standard()?
    };
    let trace = Arc::new(Trace::open(path.as_ref())?);
    let began = Instant::now();
    let requests = Requests::read(&trace, || true);
    let entered: Vec<_> = requests.list().iter().filter_map(|r| r.entered).collect();
    println!(
        "{} requests are listed after {}",
        entered.len(),
        ms(began.elapsed())
    );
    let began = Instant::now();
    let mut timeline = Timeline::open(trace, &options, &Interrupt::new(), &|_| {})?;
    println!("opened after            {}", ms(began.elapsed()));
    // Any sequence that goes everywhere will do.
    let mut seed = 1_u64;
    let mut random = |timeline: &mut Timeline, name: &str| -> Outcome<()> {
        let mut taken = Vec::new();
        for _ in 0..places {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let index = (seed >> 33) as usize % entered.len().max(1);
            let at = entered.get(index).ok_or("no request in it")?;
            taken.push(go(timeline, &Motion::Entered(*at))?);
        }
        report(name, taken);
        Ok(())
    };
    random(&mut timeline, "at once: a request")?;
    let began = Instant::now();
    go(&mut timeline, &Motion::Event(0))?;
    timeline.wait_for_sweep(&Interrupt::new())?;
    println!("background work         {}", ms(began.elapsed()));
    random(&mut timeline, "then: a request")
}
