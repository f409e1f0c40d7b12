//! Which checkpoints are kept.
//!
//! A checkpoint is worth what it saves: the stretch between its neighbours,
//! which would have to be replayed without it, in proportion to how rarely it
//! will be wanted. When there are too many, the one worth least goes.
//!
//! How rarely is taken as the square root of the distance from the present.
//! By calculation, for 256 checkpoints of a replay of a minute: with the distance
//! itself (as few as the logarithm of the run), stretches at half its length are of
//! 1.3 s, and a jump there waits for half of one; evenly spaced ones are 0.25 s apart
//! everywhere, so that each step near the present replays 0.1 s. With the root they
//! are 6 ms apart 10 ms away from the present, and 0.3 s half a minute away. Measured
//! on 45 s of replay with 49 checkpoints (memory was the limit): a jump anywhere takes
//! 0.5 s, a step back by line there 8 ms.

use crate::replay::{Position, Tick};
use crate::timeline::processes::machine::{self, Bytes, Pid};
use crate::timeline::processes::process::Process;
use crate::timeline::processes::wire::found::Reached;
use crate::timeline::processes::wire::greeting::ReplayerId;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How much may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many processes. An idle one has 50 to 150 KB of private memory and 56
    /// to 190 KB of page tables at 1 to 64 MiB of guest memory, plus the pages
    /// that others have changed since.
    pub number: usize,
    /// So much memory, all together.
    pub memory: Bytes,
}

impl Limits {
    /// As many as the machine can do with: an eighth of the memory that is
    /// available now, and a quarter of the files that may be open (each
    /// checkpoint is a socket), 256 at most.
    pub fn of_this_machine() -> Limits {
        Limits {
            number: (machine::raise_open_files() / 4).clamp(8, 256),
            memory: Bytes(machine::available().0 / 8),
        }
    }
}

impl Limits {
    /// What replayers that watch stores may take besides: they run fast, so few will do.
    pub(in crate::timeline) fn of_watching(self) -> Limits {
        Limits {
            number: (self.number / 4).max(2),
            memory: Bytes(self.memory.0 / 4),
        }
    }
}

impl Limits {
    /// What those of a timeline may take that stands beside another one.
    pub(in crate::timeline) fn of_twin(self) -> Limits {
        Limits {
            number: (self.number / 4).max(4),
            memory: Bytes(self.memory.0 / 4),
        }
    }
}

/// Measuring takes a fraction of a millisecond for a process with little memory, and some
/// milliseconds for one with much.
const BETWEEN_MEASUREMENTS: Duration = Duration::from_secs(1);
/// It may take so large a part of the time: 1 in 8.
const SHARE_OF_MEASURING: u32 = 8;

/// Checkpoints are packed from half of the memory on that all may take: those that have more
/// than this of their own, or than a small part of all, so many at each measurement, each so often, as there is more of
/// its own when those beside it go. So many on either side of the present stay ready.
const WORTH_PACKING: Bytes = Bytes(16 << 20);
const PART_WORTH_PACKING: u64 = 64;
const PACKED_AT_ONCE: usize = 8;
const PACKED_OFTEN: u32 = 3;
const KEPT_READY: usize = 4;

/// What a process takes.
#[derive(Debug, Clone, Copy)]
pub(in crate::timeline) struct Measured {
    pid: Pid,
    /// What it has for itself, and its share of what it has in common with others.
    taken: Bytes,
    /// What no other has.
    alone: Bytes,
}

impl Measured {
    pub(in crate::timeline) fn of(pid: Pid) -> Measured {
        let (taken, alone) = machine::taken(pid);
        Measured { pid, taken, alone }
    }
}

/// The checkpoints of a timeline, by position.
#[derive(Debug)]
pub(in crate::timeline) struct Checkpoints {
    kept: Vec<Process>,
    limits: Limits,
    /// Where the session stands.
    present: Tick,
    /// Replayers with ids before this run other code: what they leave is dropped.
    since: ReplayerId,
    measured: Instant,
    /// Not to be measured again for so long.
    rest: Duration,
}

impl Checkpoints {
    pub(in crate::timeline) fn new(limits: Limits) -> Checkpoints {
        Checkpoints {
            kept: Vec::new(),
            limits,
            present: Tick(0),
            since: ReplayerId(0),
            measured: Instant::now(),
            rest: BETWEEN_MEASUREMENTS,
        }
    }

    /// Lets all go; from now on only replayers with this id or later ones are kept.
    pub(in crate::timeline) fn start_over(&mut self, since: ReplayerId) {
        self.kept.clear();
        self.since = since;
    }

    /// The session has moved.
    pub(in crate::timeline) fn set_present(&mut self, present: Tick) {
        self.present = present;
    }

    /// Keeps a process that stands still; lets the least useful one go if there
    /// are too many.
    pub(in crate::timeline) fn keep(&mut self, process: Process) {
        if process.id < self.since {
            return;
        }
        let index = self
            .kept
            .partition_point(|p| p.at.position < process.at.position);
        match self.kept.get_mut(index) {
            Some(same) if same.at.position == process.at.position => *same = process,
            _ => self.kept.insert(index, process),
        }
        while self.kept.len() > self.limits.number && self.let_one_go() {}
    }

    /// Those that are to be measured now, if it is time for that. Measuring takes long: it is
    /// done while nobody holds the checkpoints, by whoever is not waited for.
    pub(in crate::timeline) fn to_measure(&self) -> Option<Vec<Pid>> {
        // The first and the last stay whatever they take: of a guest with much memory they
        // alone may take more than all may, and none between them would be left.
        let between = 1..self.kept.len().saturating_sub(1);
        let between = self.kept.get(between).unwrap_or_default();
        let is_due = self.measured.elapsed() >= self.rest;
        is_due.then(|| between.iter().map(|p| p.pid).collect())
    }

    /// What these processes take, as measured in so much time: lets some go if that is too
    /// much.
    pub(in crate::timeline) fn fit_memory(&mut self, measured: &[Measured], took: Duration) {
        self.measured = Instant::now();
        self.rest = BETWEEN_MEASUREMENTS.max(took * SHARE_OF_MEASURING);
        let by_pid: HashMap<Pid, &Measured> = measured.iter().map(|m| (m.pid, m)).collect();
        let mut total = 0;
        let mut number = 0u64;
        for process in &mut self.kept {
            // Some may be gone meanwhile.
            let Some(measured) = by_pid.get(&process.pid) else {
                continue;
            };
            total += measured.taken.0;
            number += 1;
            process.alone = measured.alone;
        }
        if total > self.limits.memory.0 / 2 {
            self.pack();
        }
        while total > self.limits.memory.0 {
            // What one checkpoint's end frees is not known before: pages that it
            // alone has, which the estimate spreads evenly.
            let share = total / number.max(1);
            number = number.saturating_sub(1);
            if !self.let_one_go() {
                break;
            }
            total = total.saturating_sub(share);
        }
    }

    /// Has some checkpoints packed that are far from the present and have much memory of
    /// their own.
    fn pack(&mut self) {
        let present = self.present;
        let near = self.kept.partition_point(|p| p.at.position.tick < present);
        let near = near.saturating_sub(KEPT_READY)..near + KEPT_READY;
        let worth = Bytes(self.limits.memory.0 / PART_WORTH_PACKING).min(WORTH_PACKING);
        let mut left = PACKED_AT_ONCE;
        for (i, process) in self.kept.iter_mut().enumerate() {
            if left == 0 {
                break;
            }
            if !near.contains(&i) && process.packed < PACKED_OFTEN && process.alone > worth {
                process.pack();
                left -= 1;
            }
        }
    }

    fn let_one_go(&mut self) -> bool {
        let least = self.least_useful();
        if let Some(least) = least {
            self.kept.remove(least);
        }
        least.is_some()
    }

    /// Neither the first (the start, from which everything can be replayed) nor
    /// the last.
    fn least_useful(&self) -> Option<usize> {
        let tick = |i: usize| self.kept.get(i).map_or(0, |p| p.at.position.tick.0);
        (1..self.kept.len().saturating_sub(1)).min_by_key(|i| {
            let saves = tick(i + 1).saturating_sub(tick(i - 1));
            let distance = tick(*i).abs_diff(self.present.0).max(1);
            // In 2^-20, as both are large.
            (u128::from(saves) << 20) / u128::from(distance.isqrt())
        })
    }

    /// The nearest checkpoint at or before a position.
    pub(in crate::timeline) fn at_or_before(&mut self, position: Position) -> Option<&mut Process> {
        self.nearest(|at| at.position <= position)
    }

    /// The nearest checkpoint from which outgoing crossing `event` is still to
    /// come, or just being made.
    pub(in crate::timeline) fn before_event(&mut self, event: u64) -> Option<&mut Process> {
        self.nearest(|at| at.event <= event && !at.is_end)
    }

    /// The checkpoint at the end of the recording, if there is one.
    pub(in crate::timeline) fn end(&mut self) -> Option<&mut Process> {
        self.kept.last_mut().filter(|p| p.at.is_end)
    }

    /// Takes those away that stand at the end of the recording.
    pub(in crate::timeline) fn take_ends(&mut self) -> Vec<Process> {
        self.kept
            .extract_if(.., |process| process.at.is_end)
            .collect()
    }

    /// The last one.
    pub(in crate::timeline) fn last(&mut self) -> Option<&mut Process> {
        self.kept.last_mut()
    }

    /// Lets go of a checkpoint that turned out to be dead.
    pub(in crate::timeline) fn remove(&mut self, position: Position) {
        self.kept.retain(|p| p.at.position != position);
    }

    fn nearest(&mut self, fits: impl Fn(&Reached) -> bool) -> Option<&mut Process> {
        let after = self.kept.iter().rposition(|p| fits(&p.at))?;
        self.kept.get_mut(after)
    }

    /// Where the recording ends, if a checkpoint is there.
    pub(in crate::timeline) fn known_end(&self) -> Option<Position> {
        self.kept
            .last()
            .filter(|p| p.at.is_end)
            .map(|p| p.at.position)
    }

    /// Where they stand.
    pub(in crate::timeline) fn positions(&self) -> impl Iterator<Item = Position> + '_ {
        self.kept.iter().map(|p| p.at.position)
    }

    /// The same, with the event of each.
    pub(in crate::timeline) fn moments(&self) -> impl Iterator<Item = (u64, Position)> + '_ {
        self.kept.iter().map(|p| (p.at.event, p.at.position))
    }

    /// How many of them have been packed.
    pub(in crate::timeline) fn packed(&self) -> usize {
        self.kept.iter().filter(|p| p.packed > 0).count()
    }

    /// What they take, all together.
    pub(in crate::timeline) fn memory(&self) -> Bytes {
        Bytes(self.kept.iter().map(|p| machine::taken_by(p.pid).0).sum())
    }
}
