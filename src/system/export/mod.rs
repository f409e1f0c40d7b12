//! What the recordings of a system say, in the formats of other tools.
//!
//! Each format is a function from what was found to bytes; none of them opens a file, and none holds
//! what it writes in memory.

pub mod json;
pub mod pcapng;
pub mod perfetto;
pub mod shiviz;

use super::conversation::{Conversations, End, Place};
use super::matching::{Matches, NodeConversations};
use super::message::{EndId, NodeId, Site};
use super::order::{NodePlace, Order};
use super::words;

/// What was found of some recordings.
#[derive(Clone, Copy)]
pub struct System<'a> {
    /// The recordings, as they are numbered.
    pub nodes: &'a [NodeConversations<'a>],
    /// Which ends are of one conversation.
    pub matches: &'a Matches,
    /// What happened before what.
    pub order: &'a Order,
}

impl<'a> System<'a> {
    fn node(self, node: NodeId) -> Option<&'a NodeConversations<'a>> {
        self.nodes.get(node.0 as usize)
    }

    /// What a node is called.
    fn name(self, node: NodeId) -> &'a str {
        self.node(node).map_or("?", |node| node.name)
    }

    fn end(self, id: EndId) -> Option<&'a End> {
        self.node(id.node)?.conversations.ends.get(id.end as usize)
    }

    /// All ends, by their numbers.
    fn ends(self) -> impl Iterator<Item = (EndId, &'a End)> {
        let nodes = (0..).map(NodeId).zip(self.nodes);
        nodes.flat_map(|(node, of)| {
            let ends = (0..).zip(&of.conversations.ends);
            ends.map(move |(end, of)| (EndId { node, end }, of))
        })
    }

    /// Where a place is in the order of the system.
    fn rank(self, node: NodeId, place: Place) -> u64 {
        self.order.index_of(NodePlace { node, place })
    }

    /// Whether the recording of a node tells when anything was.
    fn tells_time(self, node: &NodeConversations<'_>) -> bool {
        let last = Place::in_call(node.conversations.events.saturating_sub(1));
        node.clock
            .is_some_and(|clock| clock.nanos_at(last).is_some())
    }

    /// When it was, in nanoseconds since the Unix epoch. What came in between two calls has no time
    /// before the next call, and the one before may have been long ago.
    fn nanos(self, node: NodeId, place: Place, event: Option<u64>) -> Option<i64> {
        let clock = self.node(node)?.clock?;
        match event {
            Some(_) => clock.nanos_at(place),
            None => clock
                .nanos_at(Place::in_call(place.events))
                .or_else(|| clock.nanos_at(place)),
        }
    }

    /// The same of an end of a message.
    fn nanos_of(self, site: &Site) -> Option<i64> {
        self.nanos(site.end.node, site.place, site.event)
    }

    fn conversations(self) -> Vec<&'a Conversations> {
        self.nodes.iter().map(|node| node.conversations).collect()
    }

    /// Where an end of a message is, in words.
    fn site(self, site: &Site) -> String {
        words::moment(self.name(site.end.node), site.hostcall(), site.place)
    }
}

/// On one line, and not longer than so many characters: names and what was said come from
/// recordings, and may hold anything.
fn plain(text: &str, most: usize) -> String {
    let mut plain: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(most + 1)
        .collect();
    if plain.chars().count() > most {
        plain.pop();
        plain.push('…');
    }
    plain
}
