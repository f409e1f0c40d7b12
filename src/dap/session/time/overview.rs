//! `rr/timeline`: the whole recording at a glance.

use super::super::asking::ask;
use super::super::{Handled, Reply, Session};
use crate::dap::protocol::custom::{
    Bucket, TimelineArguments, TimelineResponse, ToldMark, ToldMoment,
};
use crate::debuggee::DebuggeeError;
use crate::inspect::hostcall::listing::{Listing, interface};
use std::collections::HashMap;

/// How many buckets there are where nobody says.
const SOME_BUCKETS: usize = 200;
const MOST_BUCKETS: usize = 5000;

pub(in crate::dap::session) fn timeline(
    _: &mut Session,
    wanted: TimelineArguments,
) -> Handled<TimelineResponse> {
    let buckets = wanted
        .buckets
        .unwrap_or(SOME_BUCKETS)
        .clamp(1, MOST_BUCKETS);
    ask(
        move |debuggee, output, interrupt| {
            let listing = debuggee.hostcalls(output, interrupt)?;
            let history = debuggee.history();
            let (interfaces, buckets) = in_buckets(&listing, buckets, wanted.builtins);
            let checkpoints = debuggee.checkpoints().into_iter();
            let marks = debuggee.marks().into_iter();
            Ok::<_, DebuggeeError>(TimelineResponse {
                events: history.events,
                interfaces,
                buckets,
                checkpoints: checkpoints
                    .map(|(event, position)| ToldMoment::new(&history, event, position))
                    .collect(),
                marks: marks.map(|mark| ToldMark::new(&history, mark)).collect(),
                here: ToldMoment::here(debuggee, &history),
                ending: history.ending,
            })
        },
        |_, overview| Reply::now(overview),
    )
}

/// The interfaces, the busiest first, and the calls of each over time.
fn in_buckets(listing: &Listing, buckets: usize, builtins: bool) -> (Vec<String>, Vec<Bucket>) {
    let mut busy: HashMap<&str, u64> = HashMap::new();
    let counts = |crossing| builtins || !listing.is_plumbing(crossing);
    for (crossing, _) in listing.outline().filter(|(crossing, _)| counts(*crossing)) {
        *busy.entry(interface(listing.name(crossing))).or_default() += 1;
    }
    let mut interfaces: Vec<(&str, u64)> = busy.into_iter().collect();
    interfaces.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let lanes: HashMap<&str, usize> = (0..)
        .zip(&interfaces)
        .map(|(lane, (name, _))| (*name, lane))
        .collect();
    let size = listing.len().div_ceil(buckets).max(1);
    let mut buckets: Vec<Bucket> = Vec::with_capacity(buckets);
    for (event, (crossing, failed)) in (0_u64..).zip(listing.outline()) {
        if event.is_multiple_of(size as u64) {
            buckets.push(Bucket {
                from: event,
                to: event,
                counts: vec![0; interfaces.len()],
                failed: 0,
            });
        }
        let Some(bucket) = buckets.last_mut() else {
            continue;
        };
        bucket.to = event + 1;
        let lane = lanes.get(interface(listing.name(crossing)));
        let lane = lane.filter(|_| counts(crossing));
        if let Some(count) = lane.and_then(|lane| bucket.counts.get_mut(*lane)) {
            *count += 1;
        }
        bucket.failed += u64::from(failed);
    }
    let names = interfaces.into_iter().map(|(name, _)| name.to_owned());
    (names.collect(), buckets)
}
