//! What a trace holds, counted.

use super::error::TraceError;
use super::event::EventKind;
use super::host_time::Stopwatch;
use super::reader::Trace;
use crate::component::{Crossing, CrossingId};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// How often a crossing was made, and what came in through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CrossingCount {
    /// Which one, in the component of the recording.
    pub crossing: CrossingId,
    /// Calls through it, in its direction.
    pub calls: u64,
    /// Bytes that the far side wrote into guest memory.
    pub bytes_written: u64,
    /// How long calls out took in the host, in nanoseconds, as far as the recording tells.
    pub host_nanoseconds: u64,
}

/// The counts of a whole trace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Calls out of the guest.
    pub calls: u64,
    /// How many of those are of built-ins that only keep the canonical ABI's books.
    pub plumbing: u64,
    /// Calls into the guest.
    pub entries: u64,
    /// Memory hashes, against which replay is checked.
    pub hashes: u64,
    /// Bytes written into guest memory from outside.
    pub bytes_written: u64,
    /// Component instances that took part.
    pub instances: u32,
    /// From the beginning of the recording to its last event in nanoseconds, as far as it tells.
    pub nanoseconds: Option<u64>,
    /// Crossings that were made at least once, by id.
    pub crossings: Vec<CrossingCount>,
}

impl Summary {
    /// Counts all events of a trace.
    ///
    /// # Errors
    ///
    /// If the trace is damaged.
    pub fn of(trace: &Arc<Trace>) -> Result<Summary, TraceError> {
        let mut summary = Summary::default();
        let mut counts: Vec<CrossingCount> = trace
            .component()
            .crossings()
            .iter()
            .map(|crossing| CrossingCount {
                crossing: crossing.id,
                calls: 0,
                bytes_written: 0,
                host_nanoseconds: 0,
            })
            .collect();
        let mut cursor = trace.events();
        let mut stopwatch = Stopwatch::new(trace);
        loop {
            let number = cursor.event();
            let Some(event) = cursor.next()? else { break };
            if let Some(call) = stopwatch.follow(number, &event, &cursor)
                && let Some(count) = counts.get_mut(call.crossing.0 as usize)
            {
                count.host_nanoseconds = count
                    .host_nanoseconds
                    .saturating_add(nanoseconds(call.in_host));
            }
            let instances = event.instance.0.saturating_add(1);
            summary.instances = summary.instances.max(instances);
            let Some(count) = counts.get_mut(event.crossing.0 as usize) else {
                continue;
            };
            match event.kind {
                EventKind::Call(_) => {
                    let crossing = trace.component().crossing(event.crossing);
                    summary.plumbing += u64::from(crossing.is_some_and(Crossing::is_plumbing));
                    summary.calls += 1;
                    count.calls += 1;
                }
                EventKind::Enter(_) => {
                    summary.entries += 1;
                    count.calls += 1;
                }
                EventKind::Write { bytes, .. } => {
                    summary.bytes_written += bytes.len() as u64;
                    count.bytes_written += bytes.len() as u64;
                }
                EventKind::Hash(_) => summary.hashes += 1,
                EventKind::Return(_) | EventKind::Leave(_) | EventKind::Resume(_) => {}
            }
        }
        summary.nanoseconds = cursor.time().map(|time| nanoseconds(time.elapsed()));
        counts.retain(|count| count.calls > 0 || count.bytes_written > 0);
        summary.crossings = counts;
        Ok(summary)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
