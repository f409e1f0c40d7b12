//! Where all nodes stand at a time: never may one know what was not said.

use super::{NodePlace, Order, index, place_of, step_of};
use crate::system::conversation::Place;
use crate::system::message::NodeId;
use std::collections::{BinaryHeap, HashMap};

/// Where each node stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cut {
    /// One for each node.
    pub places: Vec<Place>,
}

/// A consistent cut, and how it differs from the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Where the nodes stand now.
    pub cut: Cut,
    /// The other nodes that had to be moved.
    pub moved: Vec<NodeId>,
}

impl Order {
    /// A node goes somewhere: the others follow no farther than they must so that nobody knows
    /// what was not said. If the cut was consistent, this one is.
    pub fn cut(&self, node: NodeId, place: Place, current: &Cut) -> Moved {
        let mut steps: Vec<u64> = self.steps_of(current);
        let target = self.step_of(NodePlace { node, place });
        let before = steps.clone();
        let moving = index(node);
        match steps.get_mut(moving) {
            Some(step) if target > *step => {
                *step = target;
                self.pull_along(moving, &mut steps);
            }
            Some(step) => {
                *step = target;
                self.push_back(moving, &mut steps);
            }
            None => {}
        }
        let differs = |(now, before): (&u64, &u64)| now != before;
        let moved = (0..)
            .zip(steps.iter().zip(&before).map(differs))
            .filter(|(of, differs)| *differs && *of != node.0);
        Moved {
            moved: moved.map(|(of, _)| NodeId(of)).collect(),
            cut: Cut {
                places: steps.iter().map(|step| place_of(*step)).collect(),
            },
        }
    }

    /// Whether nobody knows what was not said.
    pub fn is_consistent(&self, cut: &Cut) -> bool {
        let steps = self.steps_of(cut);
        steps.iter().enumerate().all(|(node, step)| {
            let mut needs = self.links.needs(node, *step);
            needs.all(|(from, sent)| steps.get(from).is_some_and(|at| *at >= sent))
        })
    }

    /// How far each node was at least when one was so far.
    pub(super) fn past(&self, node: usize, step: u64) -> Vec<u64> {
        let mut steps = vec![0; self.lengths.len()];
        if let Some(at) = steps.get_mut(node) {
            *at = step;
            self.pull_along(node, &mut steps);
        }
        steps
    }

    fn steps_of(&self, cut: &Cut) -> Vec<u64> {
        let places = cut.places.iter().map(|place| step_of(*place));
        let all = places.chain(std::iter::repeat(0)).zip(&self.lengths);
        all.map(|(step, most)| step.min(*most)).collect()
    }

    /// A node has gone forward. Who is the latest in the total order is looked at first: nobody
    /// asks more of it afterwards, so each node is looked at about once.
    fn pull_along(&self, node: usize, steps: &mut [u64]) {
        let needs = |node, step| self.links.needs(node, step);
        let is_short = |at, needed| at < needed;
        let rank = |node, step| self.index_of_step(node, step);
        spread(node, steps, needs, is_short, rank);
    }

    /// A node has gone back: the earliest is looked at first.
    fn push_back(&self, node: usize, steps: &mut [u64]) {
        let allows = |node, step| self.links.allows(node, step);
        let is_beyond = |at, allowed| at > allowed;
        let rank = |node, step: u64| u64::MAX - self.index_of_step(node, step.saturating_add(1));
        spread(node, steps, allows, is_beyond, rank);
    }
}

/// A node has moved, and others go where they must: `asked` tells what a node that stands at a step
/// asks of each other one, and `is_due` whether one at a step must go to another. The one with the
/// highest rank is looked at first.
fn spread<I: Iterator<Item = (usize, u64)>>(
    node: usize,
    steps: &mut [u64],
    asked: impl Fn(usize, u64) -> I,
    is_due: impl Fn(u64, u64) -> bool,
    rank: impl Fn(usize, u64) -> u64,
) {
    let mut looked = HashMap::new();
    let mut waiting = BinaryHeap::new();
    waiting.push((u64::MAX, node));
    while let Some((_, node)) = waiting.pop() {
        let Some(step) = steps.get(node).copied() else {
            continue;
        };
        // It may have been waiting more than once.
        if looked.insert(node, step) == Some(step) {
            continue;
        }
        for (other, to) in asked(node, step) {
            if let Some(at) = steps.get_mut(other).filter(|at| is_due(**at, to)) {
                *at = to;
                waiting.push((rank(other, to), other));
            }
        }
    }
}
