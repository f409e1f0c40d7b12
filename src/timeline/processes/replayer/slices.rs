//! How long the guest runs before somebody looks whether it is still wanted.

use crate::replay::Tick;
use std::time::{Duration, Instant};

/// A cancelled motion ends within this.
const SLICE: Duration = Duration::from_millis(8);
const FIRST_TICKS: u64 = 100_000;
const MIN_TICKS: u64 = 1_000;
const MAX_TICKS: u64 = 1 << 32;

/// Slices of replay time, measured out in ticks as the guest turns out to be fast.
pub(super) struct Slices {
    ticks: u64,
    /// How many ticks ahead the clock was armed.
    armed: u64,
    began: Instant,
}

impl Slices {
    pub(super) fn new() -> Slices {
        Slices {
            ticks: FIRST_TICKS,
            armed: 0,
            began: Instant::now(),
        }
    }

    pub(super) fn begin(&mut self) {
        self.began = Instant::now();
    }

    /// The tick to arm the clock for: when the slice ends, or `wanted` before.
    pub(super) fn arm(&mut self, now: Tick, wanted: Option<Tick>) -> Tick {
        let end = Tick(now.0.saturating_add(self.ticks));
        let next = wanted.map_or(end, |wanted| wanted.min(end));
        self.armed = next.0 - now.0;
        next
    }

    /// The clock's hook: whether a slice has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        let elapsed = self.began.elapsed();
        let is_whole = self.armed >= self.ticks;
        if !is_whole && elapsed < SLICE {
            return false;
        }
        self.began = Instant::now();
        if is_whole {
            let ratio = SLICE.as_secs_f64() / elapsed.as_secs_f64().max(1e-6);
            let ticks = (self.ticks as f64 * ratio.clamp(0.25, 4.0)) as u64;
            self.ticks = ticks.clamp(MIN_TICKS, MAX_TICKS);
        }
        true
    }
}
