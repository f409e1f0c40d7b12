//! When calls out of the guest are made: the recording says which they are without a replay,
//! and checkpoints in which stretch of time each one is.

use crate::component::CrossingId;
use crate::replay::Tick;
use crate::timeline::Timeline;
use crate::timeline::processes::wire::breaks::Breaks;
use crate::trace::{EventKind, Trace, TraceError};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// So many calls of one crossing are listed: those of one that is called more often are
/// everywhere.
const MOST_LISTED: usize = 1 << 16;
/// So many things that a recording has noted are read: half a second.
const MOST_READ: usize = 1 << 22;

/// The numbers of calls out, by crossing.
#[derive(Debug, Default)]
pub(in crate::timeline) struct CallsOut {
    known: BTreeMap<CrossingId, Arc<Made>>,
}

/// When one crossing is called.
#[derive(Debug, Default)]
struct Made {
    /// Ascending.
    listed: Vec<u64>,
    /// From this number on they are not listed.
    unlisted: Option<u64>,
}

impl Made {
    /// Whether any has one of these numbers.
    fn any_within(&self, first: u64, last: u64) -> bool {
        self.unlisted.is_some_and(|from| from <= last) || any_within(&self.listed, first, last)
    }
}

/// Whether any of some numbers, ascending, is one of these.
fn any_within(numbers: &[u64], first: u64, last: u64) -> bool {
    let at = numbers.partition_point(|number| *number < first);
    numbers.get(at).is_some_and(|number| *number <= last)
}

impl CallsOut {
    /// Finds out about crossings of which nothing is known.
    fn know(&mut self, trace: &Trace, crossings: BTreeSet<CrossingId>) -> Result<(), TraceError> {
        let wanted = crossings.into_iter();
        let wanted = wanted.filter(|crossing| !self.known.contains_key(crossing));
        let mut made: BTreeMap<CrossingId, Made> =
            wanted.map(|crossing| (crossing, Made::default())).collect();
        if made.is_empty() {
            return Ok(());
        }
        let mut events = trace.events();
        let mut read = 0;
        loop {
            let number = events.event();
            let Some(event) = events.next()? else { break };
            read += 1;
            let is_enough = read > MOST_READ;
            if is_enough {
                let open = made.values_mut().filter(|made| made.unlisted.is_none());
                open.for_each(|made| made.unlisted = Some(number));
            }
            if made.values().all(|made| made.unlisted.is_some()) {
                break;
            }
            let EventKind::Call(_) = event.kind else {
                continue;
            };
            if let Some(made) = made.get_mut(&event.crossing)
                && made.unlisted.is_none()
            {
                match made.listed.len() < MOST_LISTED {
                    true => made.listed.push(number),
                    false => made.unlisted = Some(number),
                }
            }
        }
        let made = made.into_iter();
        self.known
            .extend(made.map(|(crossing, made)| (crossing, Arc::new(made))));
        Ok(())
    }
}

impl Timeline {
    /// The stretches of ticks in which calls out are that breakpoints stop at, as far as
    /// checkpoints tell.
    pub(super) fn at_calls_out(&mut self, breaks: &Breaks) -> Option<Vec<Range<Tick>>> {
        if breaks.crossings.is_empty() && breaks.events.is_empty() {
            return Some(Vec::new());
        }
        let trace = self.trace.clone();
        let crossings = breaks.crossings.iter().map(|(_, crossing, _)| *crossing);
        let crossings: BTreeSet<CrossingId> = crossings.collect();
        // Whoever replays to where a recording is damaged tells of it.
        self.calls_out.know(&trace, crossings.clone()).ok()?;
        let made = crossings.iter();
        let made = made.filter_map(|crossing| self.calls_out.known.get(crossing).cloned());
        let made: Vec<Arc<Made>> = made.collect();
        let is_there = |first: u64, last: u64| {
            made.iter().any(|made| made.any_within(first, last))
                || breaks
                    .events
                    .iter()
                    .any(|(_, events)| any_within(events, first, last))
        };
        let checkpoints = self.pool.checkpoints();
        let moments: Vec<_> = checkpoints.moments().collect();
        let end = checkpoints.known_end();
        drop(checkpoints);
        let mut ranges = Vec::new();
        for (index, (event, at)) in moments.iter().enumerate() {
            match moments.get(index + 1) {
                Some((last, next)) if is_there(*event, *last) => {
                    ranges.push(at.tick..Tick(next.tick.0.saturating_add(1)));
                }
                None if Some(*at) != end && is_there(*event, u64::MAX) => {
                    ranges.push(at.tick..Tick(u64::MAX));
                }
                _ => {}
            }
        }
        Some(ranges)
    }
}
