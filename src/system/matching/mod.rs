//! Which ends are of one conversation, and which messages follow from that.
//!
//! Two ends belong together if what both know of it agrees: what one never asked for or did not
//! live to see is no contradiction. That goes by *levels*, from the best evidence to the least.
//! At each one, what both sides know is made a key, so that nobody is compared with everybody;
//! ends with a key in common make a *group*, which is small as a rule and looked at in full. An
//! end that could belong to several stays ambiguous, unless order or time tell.

mod agreement;
mod datagrams;
mod facts;
mod groups;
mod levels;
mod matches;
mod overlap;
mod settling;
mod turns;

use super::clock::WallClock;
use super::conversation::{Conversations, End, Place};
use super::message::{EndId, Evidence, NodeId, OtherEnd};
use super::order::NodeExtent;
pub use matches::{Datagram, Matches};
use std::collections::BTreeMap;

/// A recording of a system, as far as it spoke with others.
#[derive(Clone, Copy)]
pub struct NodeConversations<'a> {
    /// What people call it.
    pub name: &'a str,
    /// What was said.
    pub conversations: &'a Conversations,
    /// When, if it is known.
    pub clock: Option<&'a dyn WallClock>,
}

impl<'a> NodeConversations<'a> {
    /// How far the recording goes, for the order of the system.
    pub fn extent(&self) -> NodeExtent<'a> {
        NodeExtent {
            events: self.conversations.events,
            clock: self.clock,
        }
    }
}

/// Finds out which ends are of one conversation. Nodes are numbered as they are listed.
pub fn match_ends(nodes: &[NodeConversations<'_>]) -> Matches {
    match_ends_while(nodes, &|| true).unwrap_or_default()
}

/// The same; `None` if `go_on`, which is asked now and then, ends it.
pub fn match_ends_while(
    nodes: &[NodeConversations<'_>],
    go_on: &dyn Fn() -> bool,
) -> Option<Matches> {
    let all = Everybody { nodes };
    let mut found = Found::default();
    for family in levels::Family::ALL {
        levels::match_family(&all, family, &mut found, go_on)?;
    }
    let datagrams = datagrams::match_datagrams(&all, go_on)?;
    Matches::new(&all, found, datagrams, go_on)
}

/// All ends of all nodes.
#[derive(Clone, Copy)]
struct Everybody<'a> {
    nodes: &'a [NodeConversations<'a>],
}

impl<'a> Everybody<'a> {
    /// With the number of each.
    fn ends(self) -> impl Iterator<Item = (EndId, &'a End)> {
        self.nodes.iter().zip(0..).flat_map(|(node, number)| {
            let ends = node.conversations.ends.iter().zip(0..);
            ends.map(move |(end, place)| (end_id(number, place), end))
        })
    }

    fn party(self, id: EndId) -> Option<Party<'a>> {
        let node = self.nodes.get(id.node.0 as usize)?;
        let end = node.conversations.ends.get(id.end as usize)?;
        Some(Party {
            id,
            end,
            cut_short: node.conversations.cut_short.is_some(),
            clock: node.clock,
        })
    }

    fn nanos_at(self, node: NodeId, place: Place) -> Option<i64> {
        self.nodes.get(node.0 as usize)?.clock?.nanos_at(place)
    }
}

/// Where something was told that came in between two calls, for its time: there is none before the
/// next call, and the one before may have been long ago.
fn timed_place(place: Place, event: Option<u64>) -> Place {
    match event {
        Some(_) => place,
        None => Place::in_call(place.events),
    }
}

fn end_id(node: u32, end: u32) -> EndId {
    EndId {
        node: NodeId(node),
        end,
    }
}

/// One end, with what its node says of it.
#[derive(Clone, Copy)]
struct Party<'a> {
    id: EndId,
    end: &'a End,
    /// Whether more may have been said than was recorded.
    cut_short: bool,
    clock: Option<&'a dyn WallClock>,
}

impl Party<'_> {
    fn nanos_at(&self, place: Place) -> Option<i64> {
        self.clock?.nanos_at(place)
    }
}

/// What was found of conversations between two ends each. Left is the side that began: the
/// client, who connected, standard output.
#[derive(Default)]
struct Found {
    pairs: Vec<(EndId, EndId, Evidence)>,
    /// Of ends that nothing could be told of, what they might belong to.
    ambiguous: BTreeMap<EndId, Vec<EndId>>,
}

impl Found {
    fn pair(&mut self, left: EndId, right: EndId, evidence: Evidence) {
        self.ambiguous.remove(&left);
        self.ambiguous.remove(&right);
        self.pairs.push((left, right, evidence));
    }

    /// The best evidence comes first, and what it leaves open stands.
    fn leave_open(&mut self, end: EndId, candidates: impl IntoIterator<Item = EndId>) {
        let of = self.ambiguous.entry(end).or_default();
        for candidate in candidates {
            if of.len() >= MOST_CANDIDATES {
                break;
            }
            if !of.contains(&candidate) {
                of.push(candidate);
            }
        }
    }

    /// Candidates that have found somebody else are none.
    fn other_ends(self) -> BTreeMap<EndId, OtherEnd> {
        let mut others = BTreeMap::new();
        for (left, right, evidence) in self.pairs {
            others.insert(left, OtherEnd::Known(right, evidence));
            others.insert(right, OtherEnd::Known(left, evidence));
        }
        let mut open = BTreeMap::new();
        for (end, mut candidates) in self.ambiguous {
            // Those that nothing tells apart either are candidates for each other.
            let is_known = |of: &EndId| matches!(others.get(of), Some(OtherEnd::Known(..)));
            candidates.retain(|candidate| !is_known(candidate));
            if !candidates.is_empty() {
                candidates.sort_unstable();
                open.insert(end, OtherEnd::Ambiguous(candidates));
            }
        }
        others.extend(open);
        others
    }
}

/// So many places are named where a conversation may go on.
pub const MOST_CANDIDATES: usize = 64;
