//! Which checkpoints are kept.
//!
//! A checkpoint is worth what it saves: the stretch between its neighbours,
//! which would have to be replayed without it, in proportion to how far away
//! from the present it is, since that is how rarely it will be wanted. When
//! there are too many, the one worth least goes. What remains is dense near the
//! present and thins out with distance, a logarithmic number of them.

use super::process::Process;
use super::wire::Moment;
use crate::replay::{Position, Tick};

/// So many processes are kept. An idle one has 50 to 150 KB of private memory
/// and 56 to 190 KB of page tables at 1 to 64 MiB of guest memory, plus the
/// pages that others have changed since.
const MOST: usize = 48;

/// The checkpoints of a timeline, by position.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    kept: Vec<Process>,
}

impl Checkpoints {
    /// Keeps a process that stands still; lets the least useful one go if there
    /// are too many.
    pub(super) fn keep(&mut self, process: Process, present: Tick) {
        let index = self
            .kept
            .partition_point(|p| p.at.position < process.at.position);
        if let Some(same) = self.kept.get_mut(index)
            && same.at.position == process.at.position
        {
            *same = process;
            return;
        }
        self.kept.insert(index, process);
        if self.kept.len() > MOST
            && let Some(least) = self.least_useful(present)
        {
            self.kept.remove(least);
        }
    }

    /// Neither the first (the start, from which everything can be replayed) nor
    /// the last.
    fn least_useful(&self, present: Tick) -> Option<usize> {
        let tick = |i: usize| self.kept.get(i).map_or(0, |p| p.at.position.tick.0);
        (1..self.kept.len().saturating_sub(1)).min_by_key(|i| {
            let saves = tick(i + 1).saturating_sub(tick(i - 1));
            let distance = tick(*i).abs_diff(present.0).max(1);
            // In 1/1024 of the distance.
            u128::from(saves) * 1024 / u128::from(distance)
        })
    }

    /// The nearest checkpoint at or before a position.
    pub(super) fn at_or_before(&mut self, position: Position) -> Option<&mut Process> {
        self.nearest(|at| at.position <= position)
    }

    /// The nearest checkpoint before a position.
    pub(super) fn before(&mut self, position: Position) -> Option<&mut Process> {
        self.nearest(|at| at.position < position)
    }

    /// The nearest checkpoint from which outgoing crossing `event` is still to
    /// come, or just being made.
    pub(super) fn before_event(&mut self, event: u64) -> Option<&mut Process> {
        self.nearest(|at| at.event <= event && !at.is_end)
    }

    /// The checkpoint at the end of the recording, if there is one.
    pub(super) fn end(&mut self) -> Option<&mut Process> {
        self.kept.last_mut().filter(|p| p.at.is_end)
    }

    /// Lets go of a checkpoint that turned out to be dead.
    pub(super) fn remove(&mut self, position: Position) {
        self.kept.retain(|p| p.at.position != position);
    }

    fn nearest(&mut self, fits: impl Fn(&Moment) -> bool) -> Option<&mut Process> {
        let after = self.kept.iter().rposition(|p| fits(&p.at))?;
        self.kept.get_mut(after)
    }

    /// Where the recording ends, if a checkpoint is there.
    pub(super) fn known_end(&self) -> Option<Position> {
        self.kept
            .last()
            .filter(|p| p.at.is_end)
            .map(|p| p.at.position)
    }

    /// Where they stand.
    pub(super) fn positions(&self) -> impl Iterator<Item = Position> + '_ {
        self.kept.iter().map(|p| p.at.position)
    }
}
