//! What nodes said to each other, so that what one place needs of other nodes is found by a
//! search.

use super::Link;
use std::collections::BTreeMap;

/// By pairs of nodes, without messages that say nothing more than others: of each pair `(sent,
/// received)` ascending in both.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    lists: Vec<Vec<(u64, u64)>>,
    /// Of each node, who sent to it, and the list.
    into: Vec<Vec<(usize, u32)>>,
    /// Of each node, whom it sent to.
    out_of: Vec<Vec<(usize, u32)>>,
}

impl Links {
    pub(super) fn of(nodes: usize, links: impl IntoIterator<Item = Link>) -> Links {
        let mut by_pair: BTreeMap<(usize, usize), Vec<(u64, u64)>> = BTreeMap::new();
        for link in links.into_iter().filter(|link| link.from != link.to) {
            let list = by_pair.entry((link.from, link.to)).or_default();
            list.push((link.sent, link.received));
        }
        let mut all = Links {
            lists: Vec::new(),
            into: vec![Vec::new(); nodes],
            out_of: vec![Vec::new(); nodes],
        };
        for (((from, to), mut list), number) in by_pair.into_iter().zip(0..) {
            // Those received first come first, of those the one that was sent last.
            list.sort_unstable_by_key(|(sent, received)| (*received, u64::MAX - sent));
            let mut latest = 0;
            list.retain(|(sent, _)| {
                let says_more = *sent > latest;
                latest = latest.max(*sent);
                says_more
            });
            list.shrink_to_fit();
            if let (Some(out_of), Some(into)) = (all.out_of.get_mut(from), all.into.get_mut(to)) {
                out_of.push((to, number));
                into.push((from, number));
            }
            all.lists.push(list);
        }
        all
    }

    /// How far others must be for a node to be so far.
    pub(super) fn needs(&self, node: usize, step: u64) -> impl Iterator<Item = (usize, u64)> {
        let into = self.into.get(node).map(Vec::as_slice).unwrap_or_default();
        into.iter().filter_map(move |(from, list)| {
            let list = self.lists.get(*list as usize)?;
            let known = list.partition_point(|(_, received)| *received <= step);
            let (sent, _) = list.get(known.checked_sub(1)?)?;
            Some((*from, *sent))
        })
    }

    /// How far others may be at most if a node is not farther than this.
    pub(super) fn allows(&self, node: usize, step: u64) -> impl Iterator<Item = (usize, u64)> {
        let out_of = self.out_of.get(node).map(Vec::as_slice).unwrap_or_default();
        out_of.iter().filter_map(move |(to, list)| {
            let list = self.lists.get(*list as usize)?;
            let sent = list.partition_point(|(sent, _)| *sent <= step);
            let (_, received) = list.get(sent)?;
            Some((*to, received.saturating_sub(1)))
        })
    }
}
