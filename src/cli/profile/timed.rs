//! A profile in time: which stack ran when, and how long.

use crate::inspect::profile::{Profile, StackId};
use std::ops::Range;

/// A stack that ran in a stretch of ticks. Which of a slice's stacks ran first is not known:
/// they are put one behind the other.
pub(super) struct Ran {
    pub(super) stack: StackId,
    pub(super) ticks: Range<u64>,
}

/// All of the recording's ticks, in order.
pub(super) fn ran(profile: &Profile) -> impl Iterator<Item = Ran> + '_ {
    let contexts = profile.contexts();
    let mut now = 0;
    (0..contexts.slices().len())
        .flat_map(move |slice| contexts.samples(slice))
        .filter_map(move |sample| {
            let counter = profile.counter(sample.counter)?;
            let begin = now;
            now += sample.count;
            Some(Ran {
                stack: counter.stack,
                ticks: begin..now,
            })
        })
}
