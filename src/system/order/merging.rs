//! One total order that has everything after what it depends on, and what stands in the way of
//! any.

use super::{Contradiction, Link, NodeExtent, place_of};
use crate::system::message::Message;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Steps that one node makes while the others wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) node: usize,
    /// The node has made so many steps before, and so many after.
    pub(super) from: u64,
    pub(super) to: u64,
    /// So many steps all nodes have made before.
    pub(super) index: u64,
}

/// What was found.
pub(super) struct Merged {
    pub(super) runs: Vec<Run>,
    /// Without those that contradict.
    pub(super) links: Vec<Link>,
    pub(super) contradictions: Vec<Contradiction>,
}

/// A node is looked at so often at least, so that those that say nothing go on along with others.
const GRID: u64 = 4096;

struct Merger<'a> {
    nodes: &'a [NodeExtent<'a>],
    lengths: &'a [u64],
    messages: &'a [Message],
    links: Vec<Option<Link>>,
    /// Of each node, the messages that it receives, by where, ascending.
    received: Vec<Vec<usize>>,
    /// Of each node, where others have to look at it: what it sends and receives.
    stops: Vec<Vec<u64>>,
    /// How many steps each has made, how many of its stops and messages are behind it.
    made: Vec<u64>,
    stopped: Vec<usize>,
    heard: Vec<usize>,
    /// Of each node, who waits until it has made so many steps.
    waiting: Vec<BinaryHeap<Reverse<(u64, usize)>>>,
    ready: BinaryHeap<Reverse<(i64, usize)>>,
    /// No time is before what was before.
    times: Vec<i64>,
    range: (i64, i64),
    runs: Vec<Run>,
    total: u64,
    contradictions: Vec<Contradiction>,
}

/// `None` if `go_on` says so.
pub(super) fn merged(
    nodes: &[NodeExtent<'_>],
    lengths: &[u64],
    messages: &[Message],
    links: Vec<Option<Link>>,
    go_on: &dyn Fn() -> bool,
) -> Option<Merged> {
    let count = nodes.len();
    let mut received = vec![Vec::new(); count];
    let mut stops = vec![Vec::new(); count];
    for (number, link) in links.iter().enumerate() {
        if let Some(link) = link {
            received.get_mut(link.to)?.push(number);
            stops.get_mut(link.to)?.push(link.received);
            stops.get_mut(link.from)?.push(link.sent);
        }
    }
    for (stops, length) in stops.iter_mut().zip(lengths) {
        let stride = length.div_ceil(GRID).max(1);
        stops.extend(
            (1..)
                .map(|step| step * stride)
                .take_while(|step| step < length),
        );
        stops.extend((*length > 0).then_some(*length));
        stops.sort_unstable();
        stops.dedup();
    }
    let received_at = |number: &usize| {
        let link = links.get(*number).copied().flatten();
        link.map_or(0, |link| link.received)
    };
    for received in &mut received {
        received.sort_by_key(received_at);
    }
    let mut merger = Merger {
        range: time_range(nodes, lengths),
        nodes,
        lengths,
        messages,
        links,
        received,
        stops,
        made: vec![0; count],
        stopped: vec![0; count],
        heard: vec![0; count],
        waiting: vec![BinaryHeap::new(); count],
        ready: BinaryHeap::new(),
        times: vec![i64::MIN; count],
        runs: Vec::new(),
        total: 0,
        contradictions: Vec::new(),
    };
    for node in 0..count {
        merger.look(node);
    }
    let mut counted = 0_u64;
    loop {
        while let Some(Reverse((_, node))) = merger.ready.pop() {
            merger.go(node);
            counted += 1;
            if counted.is_multiple_of(1 << 16) && !go_on() {
                return None;
            }
        }
        if !merger.leave_out_one() {
            break;
        }
        if !go_on() {
            return None;
        }
    }
    Some(Merged {
        runs: merger.runs,
        links: merger.links.into_iter().flatten().collect(),
        contradictions: merger.contradictions,
    })
}

/// From the first to the last time that any node tells.
fn time_range(nodes: &[NodeExtent<'_>], lengths: &[u64]) -> (i64, i64) {
    let times = nodes.iter().zip(lengths).filter_map(|(node, length)| {
        let clock = node.clock?;
        let last = clock.nanos_at(place_of(*length));
        let last = last.or_else(|| clock.nanos_at(place_of(length.saturating_sub(1))))?;
        Some((clock.nanos_at(place_of(0))?, last))
    });
    let range = times.reduce(|(from, to), (first, last)| (from.min(first), to.max(last)));
    range.unwrap_or((0, 1_000_000_000))
}

impl Merger<'_> {
    fn next_stop(&self, node: usize) -> Option<u64> {
        let stop = *self.stopped.get(node)?;
        self.stops.get(node)?.get(stop).copied()
    }

    /// The first message that a node waits for before it can make its next stretch of steps.
    fn awaited(&self, node: usize) -> Option<(usize, Link)> {
        let stop = self.next_stop(node)?;
        let rest = self.received.get(node)?.get(*self.heard.get(node)?..)?;
        let links = rest
            .iter()
            .map(|number| (*number, self.links.get(*number).copied().flatten()));
        let here = links.take_while(|(_, link)| link.is_none_or(|link| link.received <= stop));
        let mut missing = here.filter_map(|(number, link)| Some((number, link?)));
        missing.find(|(_, link)| {
            let made = self.made.get(link.from).copied().unwrap_or_default();
            let by_itself = link.from == node && link.sent <= stop;
            made < link.sent && !by_itself
        })
    }

    /// Whether a node can go on, and when; otherwise it waits.
    fn look(&mut self, node: usize) {
        let Some(stop) = self.next_stop(node) else {
            return;
        };
        match self.awaited(node) {
            Some((_, link)) => {
                if let Some(waiting) = self.waiting.get_mut(link.from) {
                    waiting.push(Reverse((link.sent, node)));
                }
            }
            None => {
                let time = self.time_of(node, stop);
                self.ready.push(Reverse((time, node)));
            }
        }
    }

    /// By the host's clock; of a node that has none, as if it had gone on evenly.
    fn time_of(&mut self, node: usize, step: u64) -> i64 {
        let clock = self.nodes.get(node).and_then(|node| node.clock);
        let told = clock.and_then(|clock| clock.nanos_at(place_of(step)));
        let length = self.lengths.get(node).copied().unwrap_or_default();
        let (from, to) = self.range;
        let told = told.unwrap_or_else(|| {
            let span = i128::from(to) - i128::from(from);
            let part = span * i128::from(step) / i128::from(length.max(1));
            i64::try_from(i128::from(from) + part).unwrap_or(to)
        });
        let Some(time) = self.times.get_mut(node) else {
            return told;
        };
        *time = told.max(*time);
        *time
    }

    fn go(&mut self, node: usize) {
        let Some(stop) = self.next_stop(node) else {
            return;
        };
        let Some(made) = self.made.get_mut(node) else {
            return;
        };
        let from = std::mem::replace(made, stop);
        match self.runs.last_mut() {
            Some(last) if last.node == node => last.to = stop,
            _ => self.runs.push(Run {
                node,
                from,
                to: stop,
                index: self.total,
            }),
        }
        self.total += stop - from;
        if let Some(stopped) = self.stopped.get_mut(node) {
            *stopped += 1;
        }
        if let (Some(heard), Some(received)) = (self.heard.get_mut(node), self.received.get(node)) {
            let behind = |number: &usize| {
                let link = self.links.get(*number).copied().flatten();
                link.is_none_or(|link| link.received <= stop)
            };
            while received.get(*heard).is_some_and(behind) {
                *heard += 1;
            }
        }
        while let Some(waiting) = self.waiting.get_mut(node)
            && let Some(Reverse((sent, other))) = waiting.peek().copied()
            && sent <= stop
        {
            waiting.pop();
            self.look(other);
        }
        self.look(node);
    }

    /// Nobody can go on: either all have arrived, or some wait for each other. One message less
    /// undoes that.
    fn leave_out_one(&mut self) -> bool {
        let count = self.made.len();
        let Some(first) = (0..count).find(|node| self.awaited(*node).is_some()) else {
            return false;
        };
        // Who waits waits for somebody who waits: some time for one that was seen.
        let mut seen = vec![None; count];
        let mut path: Vec<usize> = Vec::new();
        let mut node = first;
        while let Some((number, link)) = self.awaited(node) {
            let Some(slot) = seen.get_mut(node) else {
                return false;
            };
            if slot.is_some() {
                break;
            }
            *slot = Some(path.len());
            path.push(number);
            node = link.from;
        }
        let begins = seen.get(node).copied().flatten().unwrap_or_default();
        let mut cycle = path.split_off(begins.min(path.len()));
        // From who waits to whom it waits for is against the time.
        cycle.reverse();
        let weakest = |number: &usize| {
            let message = self.messages.get(*number);
            let took = |message: &Message| message.took.map_or(0, |took| took.nanos);
            message.map(|message| (message.evidence, Reverse(took(message)), *number))
        };
        let Some(left_out) = cycle.iter().copied().max_by_key(weakest) else {
            return false;
        };
        let link = self.links.get_mut(left_out).and_then(Option::take);
        self.contradictions.push(Contradiction { left_out, cycle });
        // Who waited for it may still be listed with its sender: it is looked at then once more,
        // which does no harm, as it would be with the same answer.
        if let Some(link) = link {
            self.forget(link);
            self.look(link.to);
        }
        true
    }

    /// The receiver no longer waits for this message's sender.
    fn forget(&mut self, link: Link) {
        if let Some(waiting) = self.waiting.get_mut(link.from) {
            waiting.retain(|Reverse((sent, node))| (*sent, *node) != (link.sent, link.to));
        }
    }
}
