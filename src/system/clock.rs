//! When a node was where, by the clock of its host.

use super::conversation::Place;
use crate::trace::HostTimes;

/// Tells when a node was at a place.
pub trait WallClock {
    /// In nanoseconds since the Unix epoch, by the clock of the node's host.
    fn nanos_at(&self, place: Place) -> Option<i64>;
}

impl WallClock for HostTimes {
    fn nanos_at(&self, place: Place) -> Option<i64> {
        let Some(last) = place.events.checked_sub(1).filter(|_| !place.in_call) else {
            return self.unix_nanos(place.events);
        };
        // Between two calls: when the one before came back.
        let took = self.duration(last)?.as_nanos();
        self.unix_nanos(last)?
            .checked_add(i64::try_from(took).ok()?)
    }
}
