//! The checkpoints that a run leaves on its way.

use super::fork;
use crate::replay::Tick;
use crate::timeline::processes::wire::greeting::ReplayerId;
use crate::timeline::processes::wire::run::Leave;
use std::time::{Duration, Instant};

/// Checkpoints left by a sweep are at least so far apart. Copying a replayer takes
/// 0.1 to 2 ms, and reaching a place between two of them half of this.
const LEAST_INTERVAL: Duration = Duration::from_millis(25);
/// What it costs to write to a page for the first time after a copy: 3 to 9 µs.
const PAGE_FAULT: Duration = Duration::from_micros(5);
/// Copying pages may take so large a part of a sweep: 1 in 4. A compressor that writes
/// 10 MB all the time is left a checkpoint every 50 ms then.
const SHARE_OF_PAGE_FAULTS: u32 = 4;

/// When the next checkpoint is due.
pub(super) struct Departures {
    /// At these ticks, ascending; from `next` on they are still to come.
    ticks: Vec<Tick>,
    next: usize,
    /// For a sweep: about how many it leaves.
    number: Option<u32>,
    began: Instant,
    last_left: Instant,
    /// The page faults of this process when it last left one.
    faults: u64,
    first_id: ReplayerId,
    left: u32,
}

impl Departures {
    pub(super) fn new(leave: Leave) -> Departures {
        Departures {
            ticks: leave.at,
            next: 0,
            number: leave.every,
            began: Instant::now(),
            last_left: Instant::now(),
            faults: fork::page_faults(),
            first_id: leave.first_id,
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
        if !is_due && !self.number.is_some_and(|number| self.is_late(number)) {
            return None;
        }
        let id = ReplayerId(self.first_id.0 + u64::from(self.left));
        self.left += 1;
        self.last_left = Instant::now();
        self.faults = fork::page_faults();
        Some(id)
    }

    /// Whether a sweep has come so far that it leaves one: by replay time, and by the
    /// pages that were dirtied meanwhile.
    fn is_late(&self, number: u32) -> bool {
        let since = self.last_left.elapsed();
        // The longer the run, the farther apart.
        if since < LEAST_INTERVAL.max(self.began.elapsed() / number.max(1)) {
            return false;
        }
        let dirtied = fork::page_faults().saturating_sub(self.faults);
        let dirtied = u32::try_from(dirtied).unwrap_or(u32::MAX);
        let copying = PAGE_FAULT.saturating_mul(dirtied);
        since >= copying.saturating_mul(SHARE_OF_PAGE_FAULTS)
    }
}
