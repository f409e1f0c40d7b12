//! When things happened, by the host's clocks: not events, but told between them.

use super::calendar::WallTime;
use super::cursor::Cursor;
use super::event::Event;
use super::nesting::{Edge, Way};
use super::reader::Trace;
use super::stacks::Stacks;
use crate::component::CrossingId;
use std::time::Duration;

/// What the host's clocks said. It is looked at about once a millisecond, so it may be that much,
/// and on a busy machine more, before the event that it is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostTime {
    /// Since the recording began, by a clock that never goes back and that nobody sets.
    pub(super) nanoseconds: u64,
    /// By how many nanoseconds the wall clock was set since.
    pub(super) set_by: i64,
}

impl HostTime {
    /// Since the recording began.
    pub fn elapsed(self) -> Duration {
        Duration::from_nanos(self.nanoseconds)
    }

    fn on_the_wall(self, started: i128) -> WallTime {
        WallTime::at(self.since_epoch(started))
    }

    fn since_epoch(self, started: i128) -> i128 {
        started + i128::from(self.nanoseconds) + i128::from(self.set_by)
    }

    /// The later of two: recorders of several instances look at the clock one after the other.
    pub(super) fn later(self, other: HostTime) -> HostTime {
        match other.nanoseconds >= self.nanoseconds {
            true => other,
            false => self,
        }
    }
}

impl Trace {
    /// What clocks on the wall showed; `None` where the recording does not say when it began.
    pub fn wall_time(&self, time: HostTime) -> Option<WallTime> {
        self.started().map(|started| time.on_the_wall(started))
    }

    /// When the recording began, in nanoseconds since the Unix epoch.
    fn started(&self) -> Option<i128> {
        let metadata = self.metadata();
        let seconds = i128::from(metadata.started);
        (seconds > 0).then(|| seconds * 1_000_000_000 + i128::from(metadata.started_nanos))
    }

    /// What the host's clock said at a hostcall, or at the end if there are not so many; `None`
    /// where the recording does not tell. Only the section with the hostcall is read.
    pub fn time_at(&self, event: u64) -> Option<HostTime> {
        let mut cursor = self.events_from(event).ok()?;
        _ = cursor.peek();
        cursor.time()
    }

    /// What it said when the last event before a hostcall happened: the guest runs from there to
    /// the hostcall.
    pub fn time_before(&self, event: u64) -> Option<HostTime> {
        let mut cursor = Cursor::near(self.stored_events(), event.saturating_sub(1));
        loop {
            let before = cursor.time();
            let next = cursor.peek().ok()?.map(|next| next.kind.edge());
            let is_it = next == Some(Some(Edge::Begins(Way::Out))) && cursor.event() >= event;
            if is_it || next.is_none() {
                return before.or(cursor.time());
            }
            cursor.next().ok()?;
        }
    }

    /// How long the recording goes on after it began, as far as it tells. Only its last section
    /// is read.
    pub fn last_time(&self) -> Option<HostTime> {
        self.time_at(u64::MAX - 1)
    }
}

/// When each hostcall was made and how long it took, as far as a recording tells.
#[derive(Debug, Clone, Default)]
pub struct HostTimes {
    /// When the recording began, in nanoseconds since the Unix epoch.
    started: Option<i128>,
    /// The number of the first hostcall of a time, ascending.
    changes: Vec<(u64, HostTime)>,
    /// Of the hostcalls between whose call and return the clock moved on, by their numbers.
    took: Vec<(u64, Duration)>,
    /// Hostcalls that have not returned.
    open: Vec<u64>,
}

impl HostTimes {
    /// Goes through a recording once, to its end or where it is damaged.
    pub fn of(trace: &Trace) -> HostTimes {
        HostTimes::of_while(trace, || true).unwrap_or_default()
    }

    /// The same; `None` if `go_on`, which is asked now and then, ends it.
    pub fn of_while(trace: &Trace, go_on: impl Fn() -> bool) -> Option<HostTimes> {
        let mut times = HostTimes {
            started: trace.started(),
            ..HostTimes::default()
        };
        let mut stopwatch = Stopwatch::new(trace);
        let mut cursor = trace.events();
        for passed in 0_u64.. {
            if passed.is_multiple_of(1 << 16) && !go_on() {
                return None;
            }
            let number = cursor.event();
            let Ok(Some(event)) = cursor.next() else {
                break;
            };
            let call = stopwatch.follow(number, &event, &cursor);
            if let (Some(Edge::Begins(Way::Out)), Some(time)) = (event.kind.edge(), cursor.time())
                && times.changes.last().is_none_or(|(_, last)| *last != time)
            {
                times.changes.push((number, time));
            }
            if let Some(call) = call
                && !call.took.is_zero()
            {
                times.took.push((call.event, call.took));
            }
        }
        times.took.sort_unstable_by_key(|(event, _)| *event);
        times.open = stopwatch.open_calls();
        Some(times)
    }

    /// Whether the recording tells none.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// When a hostcall was made.
    pub fn at(&self, event: u64) -> Option<HostTime> {
        let after = self.changes.partition_point(|(first, _)| *first <= event);
        let (_, time) = self.changes.get(after.checked_sub(1)?)?;
        Some(*time)
    }

    /// What clocks on the wall showed then.
    pub fn wall_time(&self, event: u64) -> Option<WallTime> {
        Some(self.at(event)?.on_the_wall(self.started?))
    }

    /// The same, in nanoseconds since the Unix epoch.
    pub fn unix_nanos(&self, event: u64) -> Option<i64> {
        let time = self.at(event)?;
        i64::try_from(time.since_epoch(self.started?)).ok()
    }

    /// How long it took, to about a millisecond: zero where the clock did not move on meanwhile.
    pub fn duration(&self, event: u64) -> Option<Duration> {
        self.at(event)?;
        let took = self.took.binary_search_by_key(&event, |(event, _)| *event);
        match took.ok().and_then(|found| self.took.get(found)) {
            Some((_, took)) => Some(*took),
            None if self.open.binary_search(&event).is_ok() => None,
            None => Some(Duration::ZERO),
        }
    }
}

/// A hostcall that returned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    pub(super) event: u64,
    pub(super) crossing: CrossingId,
    pub(super) took: Duration,
    /// Without what the guest did meanwhile, called by the host.
    pub(super) in_host: Duration,
}

/// Measures calls while somebody goes through a recording.
#[derive(Debug)]
pub(super) struct Stopwatch {
    calls: Stacks<Running>,
}

#[derive(Debug)]
struct Running {
    event: u64,
    begun: Option<HostTime>,
    /// How long calls took that were made in it.
    inside: Duration,
}

impl Stopwatch {
    pub(super) fn new(trace: &Trace) -> Stopwatch {
        Stopwatch {
            calls: trace.no_calls(),
        }
    }

    /// Goes past an event that was read last from `cursor`. `number` is that of the call, if it is
    /// one. Answers the call out that returned.
    pub(super) fn follow(
        &mut self,
        number: u64,
        event: &Event,
        cursor: &Cursor,
    ) -> Option<Measured> {
        let call = self.calls.follow(event, || Running {
            event: number,
            begun: cursor.time(),
            inside: Duration::ZERO,
        })?;
        let took = cursor
            .time()?
            .elapsed()
            .saturating_sub(call.of.begun?.elapsed());
        if let Some(outer) = self.calls.innermost_mut() {
            outer.of.inside += took;
        }
        (call.way == Way::Out).then(|| Measured {
            event: call.of.event,
            crossing: call.crossing,
            took,
            in_host: took.saturating_sub(call.of.inside),
        })
    }

    fn open_calls(&self) -> Vec<u64> {
        let calls = self.calls.all().filter(|call| call.way == Way::Out);
        let mut open: Vec<u64> = calls.map(|call| call.of.event).collect();
        open.sort_unstable();
        open
    }
}
