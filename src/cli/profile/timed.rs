//! A profile in time: which stack ran when, and how long.

use crate::inspect::past::requests::is_handler;
use crate::inspect::profile::{Profile, StackId};
use crate::replay::contexts::Crossed;
use crate::trace::{NotedRequest, Trace};
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

/// What calls of exports are called: a request as the host noted it, `GET /path, 200`, or
/// the export.
pub(super) fn names_of_entries(trace: &Trace, entries: &[Crossed]) -> Vec<String> {
    let mut handled = 0;
    let names = entries.iter().map(|entry| {
        let Some(crossing) = trace.component().crossing(entry.crossing) else {
            return String::new();
        };
        if is_handler(crossing) {
            handled += 1;
            let mut requests = trace.noted_requests().iter();
            if let Some(request) = requests.find(|request| request.number == handled) {
                return told(request);
            }
        }
        crossing.name.to_string()
    });
    names.collect()
}

fn told(request: &NotedRequest) -> String {
    let NotedRequest { method, target, .. } = request;
    let status = request.answer.as_ref().and_then(|answer| answer.status);
    match status {
        Some(status) => format!("{method} {target}, {status}"),
        None => format!("{method} {target}"),
    }
}
