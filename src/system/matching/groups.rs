//! Ends that may belong together, found by keys of what both sides know.

use super::facts::{Fact, Facts, Mask};
use std::collections::BTreeMap;

/// Ends of both sides, by their places in their lists.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) lefts: Vec<u32>,
    pub(super) rights: Vec<u32>,
    /// Two that have what they know in common with nobody else who knows the same fields; those
    /// who know most first.
    pub(super) couples: Vec<(u32, u32)>,
}

/// A side of the conversations: those whose other end is looked for.
pub(super) struct Side<'a> {
    pub(super) facts: &'a Facts,
    pub(super) is_taken: &'a [bool],
}

impl Side<'_> {
    /// Those that are left, by what they know of the fields that count.
    fn by_mask(&self, requires: Mask, ignores: Mask) -> BTreeMap<Mask, Vec<u32>> {
        let mut by_mask: BTreeMap<Mask, Vec<u32>> = BTreeMap::new();
        for ((fact, taken), place) in self.facts.of.iter().zip(self.is_taken).zip(0..) {
            let mask = fact.mask & !ignores;
            if !taken && mask & requires == requires {
                by_mask.entry(mask).or_default().push(place);
            }
        }
        by_mask
    }

    fn fact(&self, place: u32) -> Option<&Fact> {
        self.facts.of.get(place as usize)
    }

    /// The keys of some ends, ascending.
    fn keys(&self, places: &[u32], fields: Mask) -> Vec<(u64, u32)> {
        let key = |place| Some((self.facts.key(self.fact(place)?, fields), place));
        let mut keys: Vec<(u64, u32)> = places.iter().filter_map(|at| key(*at)).collect();
        keys.sort_unstable();
        keys
    }
}

/// How many of the other side an end may belong to, in one pass over all keys.
struct Meetings {
    /// Lefts, then rights.
    parents: Vec<u32>,
    degrees: Vec<u32>,
    lefts: u32,
    couples: Vec<(u32, u32, u32)>,
}

impl Meetings {
    fn root(&mut self, of: u32) -> u32 {
        let mut at = of;
        while let Some(parent) = self
            .parents
            .get(at as usize)
            .copied()
            .filter(|up| *up != at)
        {
            let up = self.parents.get(parent as usize).copied().unwrap_or(parent);
            if let Some(slot) = self.parents.get_mut(at as usize) {
                *slot = up;
            }
            at = up;
        }
        at
    }

    fn join(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        if let Some(parent) = self.parents.get_mut(one.max(other) as usize) {
            *parent = one.min(other);
        }
    }

    fn meet(&mut self, lefts: &[(u64, u32)], rights: &[(u64, u32)], fields: Mask) {
        let (Some((_, first)), Some((_, right))) = (lefts.first(), rights.first()) else {
            return;
        };
        if let ([_], [_]) = (lefts, rights) {
            self.couples.push((fields.count_ones(), *first, *right));
        }
        let to_rights = self.lefts;
        let members = lefts.iter().map(|(_, left)| (*left, rights.len()));
        let others = rights
            .iter()
            .map(|(_, right)| (to_rights + *right, lefts.len()));
        for (member, met) in members.chain(others) {
            self.join(*first, member);
            if let Some(degree) = self.degrees.get_mut(member as usize) {
                *degree = degree.saturating_add(u32::try_from(met).unwrap_or(u32::MAX));
            }
        }
    }
}

/// The groups of those that are left. Both sides must know what is `required`; what is ignored is
/// not compared. `None` if `go_on` says so.
pub(super) fn groups(
    left: &Side<'_>,
    right: &Side<'_>,
    requires: Mask,
    ignores: Mask,
    go_on: &dyn Fn() -> bool,
) -> Option<Vec<Group>> {
    let count = |side: &Side<'_>| u32::try_from(side.facts.of.len()).unwrap_or(u32::MAX / 2);
    let lefts = count(left);
    let all = lefts.saturating_add(count(right));
    let mut met = Meetings {
        parents: (0..all).collect(),
        degrees: vec![0; all as usize],
        lefts,
        couples: Vec::new(),
    };
    let rights_by_mask = right.by_mask(requires, ignores);
    for (left_mask, places) in left.by_mask(requires, ignores) {
        let mut keys_of = (0, Vec::new());
        for (right_mask, others) in &rights_by_mask {
            if !go_on() {
                return None;
            }
            let fields = left_mask & right_mask;
            if fields == 0 {
                continue;
            }
            if keys_of.0 != fields {
                keys_of = (fields, left.keys(&places, fields));
            }
            let others = right.keys(others, fields);
            each_meeting(&keys_of.1, &others, |lefts, rights| {
                met.meet(lefts, rights, fields);
            });
        }
    }
    Some(collected(met))
}

/// Both ascend: those of either with the same key.
fn each_meeting(
    mut lefts: &[(u64, u32)],
    mut rights: &[(u64, u32)],
    mut met: impl FnMut(&[(u64, u32)], &[(u64, u32)]),
) {
    while let (Some((left, _)), Some((right, _))) = (lefts.first(), rights.first()) {
        let key = *left.max(right);
        let skip = |list: &[(u64, u32)]| list.iter().take_while(|(of, _)| *of < key).count();
        let same = |list: &[(u64, u32)]| list.iter().take_while(|(of, _)| *of == key).count();
        lefts = lefts.get(skip(lefts)..).unwrap_or_default();
        rights = rights.get(skip(rights)..).unwrap_or_default();
        let (these, more) = lefts.split_at(same(lefts));
        let (those, others) = rights.split_at(same(rights));
        if !these.is_empty() && !those.is_empty() {
            met(these, those);
        }
        (lefts, rights) = (more, others);
    }
}

/// In the order in which their first members are listed.
fn collected(mut met: Meetings) -> Vec<Group> {
    let mut by_root: BTreeMap<u32, Group> = BTreeMap::new();
    for at in 0..met.parents.len() as u32 {
        if met.degrees.get(at as usize).is_none_or(|met| *met == 0) {
            continue;
        }
        let root = met.root(at);
        let group = by_root.entry(root).or_default();
        match at.checked_sub(met.lefts) {
            None => group.lefts.push(at),
            Some(right) => group.rights.push(right),
        }
    }
    let mut couples = std::mem::take(&mut met.couples);
    couples.sort_unstable_by_key(|(fields, left, right)| (u32::MAX - fields, *left, *right));
    let degree = |at: u32| met.degrees.get(at as usize).copied().unwrap_or_default();
    couples.retain(|(_, left, right)| degree(*left) == 1 || degree(met.lefts + right) == 1);
    for (_, left, right) in couples {
        let root = met.root(left);
        if let Some(group) = by_root.get_mut(&root) {
            group.couples.push((left, right));
        }
    }
    by_root.into_values().collect()
}
