//! What happened in the course of a recording, step by step, so that what came of it is known
//! at any moment: the last steps are kept, with what had come of all steps here and there.

use std::collections::VecDeque;

/// When a step was taken, in the order of steps: before, at or after the call out
/// with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::inspect) struct When(u64);

impl When {
    /// At the call out with this number.
    pub(in crate::inspect) fn at_call(event: u64) -> When {
        When(event.saturating_mul(2).saturating_add(1))
    }

    /// While the call out with this number is in progress, or before it.
    pub(in crate::inspect) fn asked(event: u64, in_call: bool) -> When {
        match in_call {
            true => When::at_call(event),
            false => When::after(event),
        }
    }

    /// Between two calls out, after so many.
    pub(in crate::inspect) fn after(events: u64) -> When {
        When(events.saturating_mul(2))
    }
}

/// Steps between two snapshots, at least: taking so many takes a millisecond or
/// two.
const SNAPSHOT_EVERY: usize = 1000;
/// The steps are kept in two halves, and the older one goes when the newer one weighs so
/// much, in values of about a hundred bytes: with their snapshots they take some 60 MB.
const HALF: usize = 1 << 17;

/// The last steps, and what had come of all (`T`) after some of them.
#[derive(Debug)]
pub(in crate::inspect) struct Steps<S, T> {
    /// How many steps are not kept, and when the last of them was taken.
    forgotten: (usize, Option<When>),
    /// Those after them.
    kept: VecDeque<(When, S)>,
    /// What had come of so many steps, in order; where steps are forgotten, the first
    /// are those after these.
    snapshots: Vec<(usize, T)>,
    next_snapshot: usize,
    /// How many steps came before the newer half, and what that weighs.
    middle: usize,
    weight: usize,
}

impl<S, T: Clone> Default for Steps<S, T> {
    fn default() -> Steps<S, T> {
        Steps {
            forgotten: (0, None),
            kept: VecDeque::new(),
            snapshots: Vec::new(),
            next_snapshot: SNAPSHOT_EVERY,
            middle: 0,
            weight: 0,
        }
    }
}

impl<S, T: Clone> Steps<S, T> {
    /// One more. `state` is what has come of all, this one included, and has so many parts:
    /// what is large is copied less often, so that all copies together take no more room than
    /// the steps do.
    pub(in crate::inspect) fn push(
        &mut self,
        when: When,
        step: S,
        weight: usize,
        (state, parts): (&T, usize),
    ) {
        self.kept.push_back((when, step));
        self.weight += weight;
        let steps = self.forgotten.0 + self.kept.len();
        let is_full = self.weight >= HALF;
        if !is_full && steps < self.next_snapshot {
            return;
        }
        if is_full {
            let older = self.middle - self.forgotten.0;
            if let Some(last) = older.checked_sub(1) {
                let last = self.kept.get(last).map(|(when, _)| *when);
                self.forgotten = (self.middle, last);
                self.kept.drain(..older);
                self.snapshots.retain(|(before, _)| *before >= self.middle);
            }
            (self.middle, self.weight) = (steps, 0);
        }
        self.snapshots.push((steps, state.clone()));
        self.next_snapshot = steps.saturating_add(SNAPSHOT_EVERY.max(parts.saturating_mul(4)));
    }

    /// What had come of the steps until then: a snapshot, if there is one, and the steps that were
    /// taken after it. `None` if those are not kept.
    pub(in crate::inspect) fn until(
        &self,
        until: When,
    ) -> Option<(Option<&T>, impl Iterator<Item = &S>)> {
        let (forgotten, last) = self.forgotten;
        if last.is_some_and(|last| last > until) {
            return None;
        }
        let count = forgotten + self.kept.partition_point(|(when, _)| *when <= until);
        let after = self.snapshots.partition_point(|(steps, _)| *steps <= count);
        let snapshot = after
            .checked_sub(1)
            .and_then(|last| self.snapshots.get(last));
        let done = snapshot.map_or(0, |(steps, _)| *steps);
        let (done, count) = (done.saturating_sub(forgotten), count - forgotten);
        let steps = self.kept.range(done.min(count)..count);
        let state = snapshot.map(|(_, state)| state);
        Some((state, steps.map(|(_, step)| step)))
    }

    /// All of them; `None` if not all are kept.
    pub(in crate::inspect) fn all(&self) -> Option<impl Iterator<Item = &S>> {
        (self.forgotten.0 == 0).then(|| self.kept.iter().map(|(_, step)| step))
    }
}
