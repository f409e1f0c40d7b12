//! Which stretches of time a search can leave out: those in which none of the
//! frames that it looks at ran.

use super::Timeline;
use crate::replay::Tick;
use std::ops::Range;

/// A stretch in which there were more frames than a search looks at, all the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quiet {
    pub(super) ticks: Range<Tick>,
}

impl Timeline {
    /// The next stretch after `from` in which there were always more than `depth`
    /// frames, if it is near enough and long enough to matter.
    pub(super) fn quiet_after(&mut self, depth: Option<u32>, from: Tick) -> Option<Quiet> {
        _ = (depth, from);
        None
    }

    /// The stretch that ends at `until` in which there were always more.
    pub(super) fn quiet_before(&mut self, depth: Option<u32>, until: Tick) -> Option<Quiet> {
        _ = (depth, until);
        None
    }
}
