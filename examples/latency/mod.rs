//! How long motions take, as examples print it.

use rr_dap::timeline::travel::motion::Motion;
use rr_dap::timeline::{Interrupt, Timeline, TimelineError};
use std::time::{Duration, Instant};

/// Moves, and tells how long that took.
pub fn go(timeline: &mut Timeline, motion: &Motion) -> Result<Duration, TimelineError> {
    let began = Instant::now();
    timeline.travel(motion, &Interrupt::new())?;
    Ok(began.elapsed())
}

/// Prints median, 99th percentile and the worst.
pub fn report(name: &str, mut taken: Vec<Duration>) {
    taken.sort_unstable();
    let at = |part: usize| {
        let index = (taken.len() * part / 100).min(taken.len().saturating_sub(1));
        taken.get(index).copied().unwrap_or_default()
    };
    println!(
        "{name:<23} median {}  99th percentile {}  worst {}  ({} of them)",
        ms(at(50)),
        ms(at(99)),
        ms(at(100)),
        taken.len()
    );
}

/// In milliseconds.
pub fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}
