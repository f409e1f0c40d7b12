//! The checkpoints that a run leaves on its way.

use super::super::wire::{ReplayerId, Run};
use crate::replay::Tick;
use std::time::{Duration, Instant};

/// Checkpoints left by a sweep begin this far apart; after each sixteen the
/// interval doubles, so their number grows with the logarithm of the run.
const FIRST_INTERVAL: Duration = Duration::from_millis(25);
const CHECKPOINTS_PER_INTERVAL: u32 = 16;

/// When the next checkpoint is due.
pub(super) struct Departures {
    /// At these ticks, ascending; from `next` on they are still to come.
    ticks: Vec<Tick>,
    next: usize,
    /// For a sweep: how much replay time lies between them.
    interval: Option<Duration>,
    last_left: Instant,
    first_id: ReplayerId,
    left: u32,
}

impl Departures {
    pub(super) fn new(run: &Run) -> Departures {
        Departures {
            ticks: run.leave_at.clone(),
            next: 0,
            interval: run.leave_every.then_some(FIRST_INTERVAL),
            last_left: Instant::now(),
            first_id: run.first_id,
            left: 0,
        }
    }

    /// The next tick at which one is due.
    pub(super) fn next_tick(&self) -> Option<Tick> {
        self.ticks.get(self.next).copied()
    }

    /// If one is due now: the id that it connects with.
    pub(super) fn due(&mut self, now: Tick) -> Option<ReplayerId> {
        let mut is_due = false;
        while self.next_tick().is_some_and(|tick| tick <= now) {
            self.next += 1;
            is_due = true;
        }
        let is_late = |interval| self.last_left.elapsed() >= interval;
        if !is_due && !self.interval.is_some_and(is_late) {
            return None;
        }
        let id = ReplayerId(self.first_id.0 + u64::from(self.left));
        self.left += 1;
        if let Some(interval) = &mut self.interval
            && self.left.is_multiple_of(CHECKPOINTS_PER_INTERVAL)
        {
            *interval *= 2;
        }
        self.last_left = Instant::now();
        Some(id)
    }
}
