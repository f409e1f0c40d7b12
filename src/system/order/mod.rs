//! What happened before what, over all recordings of a system.
//!
//! A recording's *places* are in an order of their own, and a message is sent before it is
//! received: together that is *happens-before*. It is kept as what each pair of nodes said to
//! each other, so that questions are answered by few searches in sorted lists, and no clock is
//! kept for each place.
//!
//! A node that stands at a place has done all that is at that place: what the call sends in which
//! it stands is sent, and what it is told there it knows. Only at its very beginning it knows
//! nothing yet, though the first request may come in before the first hostcall.

mod cuts;
mod links;
mod merging;

use super::clock::WallClock;
use super::conversation::Place;
use super::message::{Message, NodeId};
pub use cuts::{Cut, Moved};
use links::Links;
use merging::{Run, merged};

/// How far a recording goes.
#[derive(Clone, Copy)]
pub struct NodeExtent<'a> {
    /// Hostcalls of the recording.
    pub events: u64,
    /// When it was where, if it is known.
    pub clock: Option<&'a dyn WallClock>,
}

/// A place in one of the recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodePlace {
    /// Which recording.
    pub node: NodeId,
    /// Where in it.
    pub place: Place,
}

/// How two places stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The first happened before the other.
    Before,
    /// The first happened after the other.
    After,
    /// They are the same.
    Same,
    /// Neither could know of the other.
    Concurrent,
}

/// Messages that cannot all be right: each was sent after the one before it was received, and so
/// all of them before themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The message without which the others can be, by its place in the list: the one that the
    /// least speaks for.
    pub left_out: usize,
    /// All of them, by their places in the list; each is received before the next one is sent.
    pub cycle: Vec<usize>,
}

/// What happened before what.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// How many steps each node can go from its beginning: in a call and out of it.
    lengths: Vec<u64>,
    links: Links,
    runs: Vec<Run>,
    /// The runs of each node.
    runs_of: Vec<Vec<u32>>,
    contradictions: Vec<Contradiction>,
}

impl Order {
    /// The order of these nodes, which are numbered as they are listed.
    pub fn of(nodes: &[NodeExtent<'_>], messages: &[Message]) -> Order {
        Order::of_while(nodes, messages, &|| true).unwrap_or_default()
    }

    /// The same; `None` if `go_on`, which is asked now and then, ends it.
    pub fn of_while(
        nodes: &[NodeExtent<'_>],
        messages: &[Message],
        go_on: &dyn Fn() -> bool,
    ) -> Option<Order> {
        let lengths: Vec<u64> = nodes
            .iter()
            .map(|node| node.events.saturating_mul(2))
            .collect();
        let steps: Vec<Option<Link>> = messages
            .iter()
            .map(|message| Link::of(message, &lengths))
            .collect();
        let merged = merged(nodes, &lengths, messages, steps, go_on)?;
        let mut runs_of = vec![Vec::new(); nodes.len()];
        for (place, run) in (0..).zip(&merged.runs) {
            if let Some(of) = runs_of.get_mut(run.node) {
                of.push(place);
            }
        }
        Some(Order {
            links: Links::of(nodes.len(), merged.links),
            lengths,
            runs: merged.runs,
            runs_of,
            contradictions: merged.contradictions,
        })
    }

    /// What could not be brought into an order.
    pub fn contradictions(&self) -> &[Contradiction] {
        &self.contradictions
    }

    /// How the first place stands to the other.
    pub fn before(&self, one: NodePlace, other: NodePlace) -> Relation {
        let (here, there) = (self.step_of(one), self.step_of(other));
        if one.node == other.node {
            return match here.cmp(&there) {
                std::cmp::Ordering::Less => Relation::Before,
                std::cmp::Ordering::Equal => Relation::Same,
                std::cmp::Ordering::Greater => Relation::After,
            };
        }
        let knows = |of: NodePlace, step: u64, node: NodeId, known: u64| {
            let past = self.past(index(of.node), step);
            let reached = past.get(index(node)).copied().unwrap_or_default();
            reached >= known.max(1)
        };
        if knows(other, there, one.node, here) {
            Relation::Before
        } else if knows(one, here, other.node, there) {
            Relation::After
        } else {
            Relation::Concurrent
        }
    }

    /// How many steps there are in the total order.
    pub fn len(&self) -> u64 {
        self.lengths
            .iter()
            .fold(0, |sum, of| sum.saturating_add(*of))
    }

    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where a place is in one total order that has everything after what it depends on: by host
    /// time, where that is known. The number of steps that all nodes have made when it is reached;
    /// 0 for the beginning of each node.
    pub fn index_of(&self, at: NodePlace) -> u64 {
        self.index_of_step(index(at.node), self.step_of(at))
    }

    /// Where all nodes are after so many steps of the total order.
    pub fn cut_at(&self, steps: u64) -> Cut {
        let places = self.runs_of.iter().map(|runs| {
            let run_of = |at: &u32| self.runs.get(*at as usize);
            let begun = runs.partition_point(|at| run_of(at).is_some_and(|run| run.index < steps));
            let last = begun
                .checked_sub(1)
                .and_then(|last| runs.get(last))
                .and_then(run_of);
            let step = last.map_or(0, |run| run.to.min(run.from + (steps - run.index)));
            place_of(step)
        });
        Cut {
            places: places.collect(),
        }
    }

    /// How far another node has come at each place of one, in the total order: from each of these
    /// places on.
    pub fn progress(&self, one: NodeId, other: NodeId) -> Vec<(Place, Place)> {
        let runs = self.runs_of.get(index(one)).map(Vec::as_slice);
        let runs = runs.unwrap_or_default().iter();
        let runs = runs.filter_map(|at| self.runs.get(*at as usize));
        // While one runs the other stands.
        let mut steps: Vec<(Place, Place)> = Vec::new();
        for run in runs {
            let there = self.cut_at(run.index).places;
            let Some(there) = there.get(index(other)).copied() else {
                continue;
            };
            if steps.last().is_none_or(|(_, last)| *last != there) {
                steps.push((place_of(run.from + 1), there));
            }
        }
        steps
    }

    /// How many steps each node makes in each of so many equal parts of the total order.
    pub fn activity(&self, parts: usize) -> Vec<Vec<u64>> {
        let parts = parts.max(1) as u64;
        let length = self.len().max(1);
        let begins = |part: u64| (u128::from(part) * u128::from(length) / u128::from(parts)) as u64;
        let mut made = vec![vec![0; parts as usize]; self.lengths.len()];
        for run in &self.runs {
            let Some(of) = made.get_mut(run.node) else {
                continue;
            };
            let (from, to) = (run.index, run.index + (run.to - run.from));
            // The part in which it begins, or the one before it.
            let first = (u128::from(from) * u128::from(parts) / u128::from(length)) as u64;
            for part in first.. {
                let (begin, end) = (begins(part), begins(part + 1));
                if begin >= to || part >= parts {
                    break;
                }
                if let Some(steps) = of.get_mut(part as usize) {
                    *steps += to.min(end).saturating_sub(from.max(begin));
                }
            }
        }
        made
    }

    /// Where all nodes are before anything has happened.
    pub fn start(&self) -> Cut {
        self.cut_at(0)
    }

    fn index_of_step(&self, node: usize, step: u64) -> u64 {
        let run_of = |at: &u32| self.runs.get(*at as usize);
        let runs = self
            .runs_of
            .get(node)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let begun = runs.partition_point(|at| run_of(at).is_some_and(|run| run.from < step));
        let last = begun
            .checked_sub(1)
            .and_then(|last| runs.get(last))
            .and_then(run_of);
        last.map_or(0, |run| run.index + (step.min(run.to) - run.from))
    }

    fn step_of(&self, at: NodePlace) -> u64 {
        let most = self
            .lengths
            .get(index(at.node))
            .copied()
            .unwrap_or_default();
        step_of(at.place).min(most)
    }
}

/// A message as far as order goes: by steps of its nodes.
#[derive(Debug, Clone, Copy)]
struct Link {
    from: usize,
    sent: u64,
    to: usize,
    received: u64,
}

impl Link {
    /// `None` if it orders nothing: it was received before anything was done, or never.
    fn of(message: &Message, lengths: &[u64]) -> Option<Link> {
        let (from, to) = (index(message.from.end.node), index(message.to.end.node));
        let most_sent = lengths.get(from)?;
        let sent = step_of(message.from.place).max(1).min(*most_sent);
        let received = step_of(message.to.place).max(1);
        (sent > 0 && received <= *lengths.get(to)?).then_some(Link {
            from,
            sent,
            to,
            received,
        })
    }
}

fn index(node: NodeId) -> usize {
    node.0 as usize
}

/// How many steps a node has made at a place.
fn step_of(place: Place) -> u64 {
    place
        .events
        .saturating_mul(2)
        .saturating_add(u64::from(place.in_call))
}

fn place_of(step: u64) -> Place {
    Place {
        events: step / 2,
        in_call: step % 2 == 1,
    }
}
