//! Which of a group belong together.

use super::agreement::{Address, Agreement, agreement};
use super::facts::{Facts, normal_authority};
use super::groups::Group;
use super::levels::Level;
use super::turns::{Span, TOLERANCE, by_turns, span_of};
use super::{Everybody, Found, Party};
use crate::system::conversation::EndKind;
use crate::system::message::{EndId, Evidence};
use std::collections::{BTreeMap, BTreeSet};

/// Who has found the other end.
pub(super) struct Settled<'a, 'b> {
    all: &'a Everybody<'a>,
    lefts: &'a Facts,
    rights: &'a Facts,
    pub(super) left_taken: Vec<bool>,
    pub(super) right_taken: Vec<bool>,
    found: &'b mut Found,
    /// Whom clients ask.
    asked: BTreeSet<String>,
    /// Those that were left where time told others of a group apart: that so many are left says
    /// nothing.
    doubtful: BTreeSet<EndId>,
}

impl<'a, 'b> Settled<'a, 'b> {
    pub(super) fn new(
        all: &'a Everybody<'a>,
        lefts: &'a Facts,
        rights: &'a Facts,
        found: &'b mut Found,
    ) -> Settled<'a, 'b> {
        Settled {
            all,
            lefts,
            rights,
            left_taken: vec![false; lefts.of.len()],
            right_taken: vec![false; rights.of.len()],
            found,
            asked: all
                .ends()
                .filter(|(_, end)| end.kind == EndKind::HttpClient)
                .filter_map(|(_, end)| end.authority.as_deref().map(normal_authority))
                .collect(),
            doubtful: BTreeSet::new(),
        }
    }

    /// Whether so much is the same that it would be strange if it were by chance.
    fn is_enough(&self, agreement: &Agreement, left: &Party<'_>, right: &Party<'_>) -> bool {
        if [left.id, right.id]
            .iter()
            .any(|id| self.doubtful.contains(id))
        {
            return false;
        }
        let told = right.end.authority.as_deref().map(normal_authority);
        let is_asked = told.is_some_and(|told| self.asked.contains(&told));
        let spans = span_of(left, true).zip(span_of(right, false));
        let in_time = spans.map(|(left, right)| match left.contains(right, TOLERANCE) {
            true => InTime::Exactly,
            false if left.contains(right, A_SECOND) => InTime::Nearly,
            false => InTime::Not,
        });
        let needed = match (agreement.address, in_time) {
            (Address::Same, _) => 1,
            (Address::SamePort, Some(InTime::Exactly)) => 12,
            (Address::SamePort, _) => 24,
            (Address::Unknown, Some(InTime::Exactly | InTime::Nearly)) => 4,
            (Address::Unknown, _) => 8,
            // Others ask it by the name by which this one was asked.
            (Address::Different, _) if is_asked => 80,
            // What is short is said by many, and NAT is not everywhere.
            (Address::Different, _) if left.end.kind == EndKind::TcpConnected => 48,
            (Address::Different, Some(InTime::Exactly)) => 8,
            (Address::Different, Some(InTime::Nearly)) => 32,
            (Address::Different, _) => 16,
        };
        // Clocks may disagree, but then more has to speak for it.
        let factor = if in_time == Some(InTime::Not) { 4 } else { 1 };
        agreement.weight >= needed * factor
    }

    fn parties(&self, facts: &Facts, places: &[u32]) -> Vec<Party<'a>> {
        let of = |place: &u32| self.all.party(facts.of.get(*place as usize)?.id);
        places.iter().filter_map(of).collect()
    }

    fn is_free(&self, left: u32, right: u32) -> bool {
        let taken = |list: &[bool], place: u32| list.get(place as usize).copied().unwrap_or(true);
        !taken(&self.left_taken, left) && !taken(&self.right_taken, right)
    }

    fn pair(&mut self, left: u32, right: u32, evidence: Evidence) {
        let facts = (
            self.lefts.of.get(left as usize),
            self.rights.of.get(right as usize),
        );
        let (Some(left_fact), Some(right_fact)) = facts else {
            return;
        };
        for (list, place) in [(&mut self.left_taken, left), (&mut self.right_taken, right)] {
            if let Some(taken) = list.get_mut(place as usize) {
                *taken = true;
            }
        }
        self.found.pair(left_fact.id, right_fact.id, evidence);
    }
}

/// A group with more pairs is not looked at pair by pair.
const MOST_PAIRS: usize = 1 << 12;

/// So much more must speak for one than for another.
const MARGIN: u32 = 8;

/// Settles what can be; answers whether the group is too large to be looked at in full, and to be
/// looked at again.
pub(super) fn settle(
    settled: &mut Settled<'_, '_>,
    group: &Group,
    level: &Level,
    last: bool,
) -> bool {
    let is_large = group.lefts.len().saturating_mul(group.rights.len()) > MOST_PAIRS;
    if !is_large {
        small(settled, group, level);
        return false;
    }
    if last {
        large(settled, group, level);
        return false;
    }
    for (left, right) in &group.couples {
        let (lefts, rights) = (
            settled.parties(settled.lefts, &[*left]),
            settled.parties(settled.rights, &[*right]),
        );
        if let ([here], [there]) = (lefts.as_slice(), rights.as_slice())
            && settled.is_free(*left, *right)
            && let Some(agreement) = accepted(here, there, level)
            && settled.is_enough(&agreement, here, there)
        {
            settled.pair(*left, *right, evidence(&agreement, level, here));
        }
    }
    true
}

/// What speaks for a pair at a level, if it may be one there.
fn accepted(left: &Party<'_>, right: &Party<'_>, level: &Level) -> Option<Agreement> {
    let found = agreement(left, right)?;
    let address = found.address != Address::Different || level.ignores_addresses();
    let headers = found.same_headers || level.is_loose;
    let identity = found.identity || !level.by_identity;
    (address && headers && identity).then_some(found)
}

fn evidence(agreement: &Agreement, level: &Level, left: &Party<'_>) -> Evidence {
    let is_http = left.end.kind == EndKind::HttpClient;
    match agreement.address {
        _ if level.by_identity => Evidence::TraceContext,
        _ if level.is_loose => Evidence::Similarity,
        _ if !agreement.said && !is_http => Evidence::Order,
        Address::Same | Address::SamePort => Evidence::AddressAndBytes,
        _ => Evidence::Bytes,
    }
}

/// So far the clocks of two hosts may be from each other.
const A_SECOND: i64 = 1_000_000_000;

/// Whether the one end was at work within the time in which the other waited for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InTime {
    /// As exactly as hosts tell the time.
    Exactly,
    /// If their clocks are as far from each other as clocks may be.
    Nearly,
    Not,
}

/// Two that may be a pair, by their places in the group.
#[derive(Debug, Clone, Copy)]
struct Edge {
    left: usize,
    right: usize,
    found: Agreement,
    is_enough: bool,
}

fn small(settled: &mut Settled<'_, '_>, group: &Group, level: &Level) {
    let lefts = settled.parties(settled.lefts, &group.lefts);
    let rights = settled.parties(settled.rights, &group.rights);
    let mut edges = Vec::new();
    for (left, here) in lefts.iter().enumerate() {
        for (right, there) in rights.iter().enumerate() {
            if let Some(found) = accepted(here, there, level) {
                edges.push(Edge {
                    left,
                    right,
                    found,
                    is_enough: false,
                });
            }
        }
    }
    let weighty: Vec<bool> = edges
        .iter()
        .map(
            |edge: &Edge| match (lefts.get(edge.left), rights.get(edge.right)) {
                (Some(left), Some(right)) => settled.is_enough(&edge.found, left, right),
                _ => false,
            },
        )
        .collect();
    for (edge, enough) in edges.iter_mut().zip(weighty) {
        edge.is_enough = enough;
    }
    let mut take = |edges: &mut Vec<Edge>, edge: Edge, evidence: Evidence| {
        if let (Some(left), Some(right)) =
            (group.lefts.get(edge.left), group.rights.get(edge.right))
        {
            settled.pair(*left, *right, evidence);
        }
        edges.retain(|other| other.left != edge.left && other.right != edge.right);
    };
    while let Some(edge) = best(&edges) {
        if let Some(left) = lefts.get(edge.left) {
            take(&mut edges, edge, evidence(&edge.found, level, left));
        }
    }
    // An identity that several have tells nothing more; other levels look at all that is said.
    if level.by_identity {
        return;
    }
    let mut doubtful = Vec::new();
    for part in parts(&edges) {
        let here: Vec<usize> = sorted(part.iter().map(|edge| edge.left));
        let there: Vec<usize> = sorted(part.iter().map(|edge| edge.right));
        let (ones, others) = (picked(&lefts, &here), picked(&rights, &there));
        let agrees = |left: usize, right: usize| {
            let of = here.get(left).zip(there.get(right));
            of.is_some_and(|(left, right)| {
                let mut those = part.iter();
                those.any(|edge| edge.left == *left && edge.right == *right && edge.is_enough)
            })
        };
        if here.len() + there.len() > 2 {
            let pairs = by_turns(&ones, &others, &agrees);
            if !pairs.is_empty() {
                doubtful.extend(ones.iter().chain(&others).map(|party| party.id));
            }
            for (left, right) in pairs {
                let of = here.get(left).zip(there.get(right));
                if let Some((left, right)) = of
                    && let Some(edge) = part
                        .iter()
                        .find(|edge| edge.left == *left && edge.right == *right)
                {
                    take(&mut edges, *edge, Evidence::Order);
                }
            }
        }
    }
    settled.doubtful.extend(doubtful);
    for edge in &edges {
        if let (Some(left), Some(right)) = (lefts.get(edge.left), rights.get(edge.right)) {
            settled.found.leave_open(left.id, [right.id]);
            settled.found.leave_open(right.id, [left.id]);
        }
    }
}

/// One that both would take before anybody else, by far.
fn best(edges: &[Edge]) -> Option<Edge> {
    // Of each end, the most that speaks for somebody, and the most for anybody else.
    let mut most: BTreeMap<(bool, usize), (u32, u32)> = BTreeMap::new();
    for edge in edges {
        for end in [(true, edge.left), (false, edge.right)] {
            let (first, second) = most.entry(end).or_default();
            let weight = edge.found.weight + MARGIN;
            *second = (*second).max(weight.min(*first));
            *first = (*first).max(weight);
        }
    }
    let mut all = edges.iter();
    let found = all.find(|edge| {
        let of = [(true, edge.left), (false, edge.right)];
        let alone = of.iter().all(|end| {
            most.get(end)
                .is_some_and(|(_, second)| *second <= edge.found.weight)
        });
        alone && edge.is_enough
    });
    found.copied()
}

/// Edges that hang together.
fn parts(edges: &[Edge]) -> Vec<Vec<Edge>> {
    let mut part_of: BTreeMap<(bool, usize), usize> = BTreeMap::new();
    let mut parts: Vec<Vec<Edge>> = Vec::new();
    for edge in edges {
        let ends = [(true, edge.left), (false, edge.right)];
        let known = ends.map(|end| part_of.get(&end).copied());
        let part = known[0].or(known[1]).unwrap_or(parts.len());
        match parts.get_mut(part) {
            Some(edges) => edges.push(*edge),
            None => parts.push(vec![*edge]),
        }
        for end in ends {
            part_of.insert(end, part);
        }
        if let (Some(one), Some(other)) = (known[0], known[1])
            && one != other
        {
            let moved = parts.get_mut(other).map(std::mem::take).unwrap_or_default();
            for edge in &moved {
                part_of.insert((true, edge.left), one);
                part_of.insert((false, edge.right), one);
            }
            parts[one].extend(moved);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn sorted(places: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut places: Vec<usize> = places.collect();
    places.sort_unstable();
    places.dedup();
    places
}

fn picked<'a>(parties: &[Party<'a>], places: &[usize]) -> Vec<Party<'a>> {
    let of = |place: &usize| parties.get(*place).copied();
    places.iter().filter_map(of).collect()
}

/// Many that nothing that was said tells apart: their turns may.
fn large(settled: &mut Settled<'_, '_>, group: &Group, level: &Level) {
    if level.by_identity {
        return;
    }
    let lefts = settled.parties(settled.lefts, &group.lefts);
    let rights = settled.parties(settled.rights, &group.rights);
    let agrees = |left: usize, right: usize| {
        let of = lefts.get(left).zip(rights.get(right));
        of.is_some_and(|(left, right)| {
            accepted(left, right, level).is_some_and(|found| settled.is_enough(&found, left, right))
        })
    };
    let pairs = by_turns(&lefts, &rights, &agrees);
    let settled_some = !pairs.is_empty();
    for (left, right) in pairs {
        if let (Some(left), Some(right)) = (group.lefts.get(left), group.rights.get(right)) {
            settled.pair(*left, *right, Evidence::Order);
        }
    }
    let free = |parties: &[Party<'_>], places: &[u32], taken: &[bool]| {
        let of = parties.iter().zip(places);
        let free = of.filter(|(_, place)| taken.get(**place as usize) == Some(&false));
        free.map(|(party, _)| party.id).collect::<Vec<_>>()
    };
    let lefts = free(&lefts, &group.lefts, &settled.left_taken);
    let rights = free(&rights, &group.rights, &settled.right_taken);
    if settled_some {
        settled.doubtful.extend(lefts.iter().chain(&rights));
    }
    for left in &lefts {
        settled.found.leave_open(*left, rights.iter().copied());
    }
    for right in &rights {
        settled.found.leave_open(*right, lefts.iter().copied());
    }
}

/// Spans are compared where it is asked whether time speaks against a pair.
impl Span {
    /// Whether the other one lies within this one, but for so many nanoseconds.
    pub(super) fn contains(self, other: Span, tolerance: i64) -> bool {
        let begins = other.start >= self.start.saturating_sub(tolerance);
        let ends = match (self.end, other.end) {
            (Some(end), Some(other)) => other <= end.saturating_add(tolerance),
            (Some(end), None) => other.start <= end.saturating_add(tolerance),
            (None, _) => true,
        };
        begins && ends
    }
}
