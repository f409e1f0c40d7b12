//! Conversations in which the same was said, told apart by their order, or by when they were.

use super::agreement::first_of;
use super::{Party, timed_place};
use crate::system::conversation::{EndKind, Place};

/// When a conversation was, by the clock of an end's host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) start: i64,
    /// `None` if it is not known to have ended.
    pub(super) end: Option<i64>,
}

/// From when the other end may have known of it until when it certainly has.
pub(super) fn span_of(party: &Party<'_>, is_left: bool) -> Option<Span> {
    let (mut start, end) = turn_of(party, is_left);
    if let (false, Some(head)) = (is_left, &party.end.received.head) {
        start = timed_place(start, head.event);
    }
    Some(Span {
        start: party.nanos_at(start)?,
        end: end.and_then(|end| party.nanos_at(end)),
    })
}

/// Where a conversation begins at an end, and where the right side has certainly begun it before
/// this on the left, or has shown that to the left after this on the right.
fn turn_of(party: &Party<'_>, is_left: bool) -> (Place, Option<Place>) {
    let end = party.end;
    let (request, answer) = match is_left {
        true => (&end.sent, &end.received),
        false => (&end.received, &end.sent),
    };
    let start = match end.kind {
        EndKind::HttpClient | EndKind::HttpServer => first_of(request).unwrap_or(end.began),
        _ => end.began,
    };
    (start, first_of(answer))
}

/// Pairs that are certain. Both are lists of ends in which the same was said, as far as is known;
/// `agrees` tells of two by their places in the lists.
pub(super) fn by_turns(
    lefts: &[Party<'_>],
    rights: &[Party<'_>],
    agrees: &dyn Fn(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let mut pairs = by_order(lefts, rights, agrees).unwrap_or_default();
    let left_open: Vec<usize> = open(lefts.len(), pairs.iter().map(|(left, _)| *left));
    let right_open: Vec<usize> = open(rights.len(), pairs.iter().map(|(_, right)| *right));
    let in_time = by_time(lefts, rights, &left_open, &right_open, agrees);
    pairs.extend(in_time.unwrap_or_default());
    pairs
}

fn open(count: usize, settled: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut is_open = vec![true; count];
    for place in settled {
        if let Some(open) = is_open.get_mut(place) {
            *open = false;
        }
    }
    let all = is_open.into_iter().enumerate();
    all.filter(|(_, open)| *open)
        .map(|(place, _)| place)
        .collect()
}

#[derive(Debug, Clone, Copy)]
struct Turn {
    at: usize,
    start: Place,
    end: Option<Place>,
}

/// One node said the same to another, as often as that one heard it. Where one was over before
/// the next began, it was so at the other end.
fn by_order(
    lefts: &[Party<'_>],
    rights: &[Party<'_>],
    agrees: &dyn Fn(usize, usize) -> bool,
) -> Option<Vec<(usize, usize)>> {
    let one_node = |parties: &[Party<'_>]| {
        let mut nodes = parties.iter().map(|party| party.id.node);
        let first = nodes.next();
        first.is_some() && nodes.all(|node| Some(node) == first)
    };
    let first = lefts.first()?;
    let same_way = lefts.iter().all(|left| {
        left.end.remote == first.end.remote
            && left.end.authority == first.end.authority
            // Whether it arrived, nobody knows.
            && left.end.error.is_none()
    });
    if lefts.len() != rights.len() || !one_node(lefts) || !one_node(rights) || !same_way {
        return None;
    }
    let left_turns = turns(lefts, true);
    let right_turns = turns(rights, false);
    let mut pairs = Vec::new();
    let cuts = cuts(&left_turns);
    // What was answered before the next was asked was answered before that came.
    if cuts.iter().any(|cut| !is_cut(&right_turns, *cut)) {
        return None;
    }
    for (from, to) in cuts.iter().zip(cuts.get(1..)?) {
        if to - from > 1 {
            continue;
        }
        let (left, right) = (left_turns.get(*from)?, right_turns.get(*from)?);
        // One that does not agree says that others do not belong here, either.
        if !agrees(left.at, right.at) {
            return None;
        }
        pairs.push((left.at, right.at));
    }
    Some(pairs)
}

/// In the order in which they began.
fn turns(parties: &[Party<'_>], is_left: bool) -> Vec<Turn> {
    let turn = |(at, party): (usize, &Party<'_>)| {
        let (start, end) = turn_of(party, is_left);
        Turn { at, start, end }
    };
    let mut turns: Vec<Turn> = parties.iter().enumerate().map(turn).collect();
    turns.sort_by_key(|turn| turn.start);
    turns
}

/// Between which turns all before is over before all after begins; first and last, too.
fn cuts(turns: &[Turn]) -> Vec<usize> {
    let mut cuts = vec![0];
    let mut over = Some(Place::default());
    for (place, turn) in turns.iter().enumerate() {
        if place > 0 && over.is_some_and(|over| over <= turn.start) {
            cuts.push(place);
        }
        over = over.zip(turn.end).map(|(before, end)| before.max(end));
    }
    cuts.push(turns.len());
    cuts
}

/// The same of one cut, on the right side, where one that was not answered says nothing.
fn is_cut(turns: &[Turn], cut: usize) -> bool {
    let (before, after) = turns.split_at(cut.min(turns.len()));
    let Some(next) = after.first() else {
        return true;
    };
    // Those before it are known to be cut already: the last few are enough to be quick.
    let mut near = before.iter().rev().take(64);
    near.all(|turn| turn.end.is_none_or(|end| end <= next.start))
}

/// Hosts' clocks are looked at about once in a millisecond, and on a busy machine less often.
pub(super) const TOLERANCE: i64 = 10_000_000;

/// Those of whom one lies within the other in time, and with nobody else.
fn by_time(
    lefts: &[Party<'_>],
    rights: &[Party<'_>],
    left_open: &[usize],
    right_open: &[usize],
    agrees: &dyn Fn(usize, usize) -> bool,
) -> Option<Vec<(usize, usize)>> {
    let spans = |parties: &[Party<'_>], open: &[usize], is_left: bool| {
        let of = |at: &usize| Some((*at, span_of(parties.get(*at)?, is_left)?));
        open.iter().map(of).collect::<Option<Vec<(usize, Span)>>>()
    };
    let outer = spans(lefts, left_open, true)?;
    let mut inner = spans(rights, right_open, false)?;
    inner.sort_by_key(|(_, span)| span.start);
    // Of each of the left, who of the right begins in it; and how many of the left those meet.
    let mut meets = vec![0_i64; inner.len() + 1];
    let mut ranges = Vec::with_capacity(outer.len());
    for (_, span) in &outer {
        let start = span.start.saturating_sub(TOLERANCE);
        let from = inner.partition_point(|(_, inner)| inner.start < start);
        let to = match span.end {
            Some(end) => {
                let end = end.saturating_add(TOLERANCE);
                inner.partition_point(|(_, inner)| inner.start <= end)
            }
            None => inner.len(),
        };
        *meets.get_mut(from)? += 1;
        *meets.get_mut(to.max(from))? -= 1;
        ranges.push(from..to.max(from));
    }
    let mut count = 0;
    for met in &mut meets {
        count += *met;
        *met = count;
    }
    let mut pairs = Vec::new();
    for ((left, span), range) in outer.iter().zip(ranges) {
        let alone = range.len() == 1 && meets.get(range.start) == Some(&1);
        if let Some((right, other)) = inner.get(range.start).filter(|_| alone)
            && span.contains(*other, TOLERANCE)
            && agrees(*left, *right)
        {
            pairs.push((*left, *right));
        }
    }
    Some(pairs)
}
