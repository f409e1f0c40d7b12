//! Which granules of a memory are marked.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Granules that are marked: runs of them in LEB128, for each how far behind the one before
/// it begins, and how long it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Granules(Vec<u8>);

impl Granules {
    pub(super) fn of(runs: impl Iterator<Item = Range<u64>>) -> Granules {
        let mut bytes = Vec::new();
        let mut end = 0;
        let mut open: Option<Range<u64>> = None;
        for run in runs {
            match &mut open {
                Some(open) if open.end >= run.start => open.end = open.end.max(run.end),
                _ => {
                    if let Some(run) = open.replace(run) {
                        write_run(&mut bytes, &mut end, &run);
                    }
                }
            }
        }
        if let Some(run) = open {
            write_run(&mut bytes, &mut end, &run);
        }
        Granules(bytes)
    }

    fn runs(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        let mut bytes = self.0.iter().copied();
        let mut end = 0;
        std::iter::from_fn(move || {
            let start = end + read_number(&mut bytes)?;
            end = start + read_number(&mut bytes)?;
            Some(start..end)
        })
    }

    /// What they take in memory.
    pub(super) fn bytes(&self) -> usize {
        self.0.len()
    }

    /// Whether any from the first to the last is marked.
    pub(super) fn any_between(&self, first: u64, last: u64) -> bool {
        let next = self.runs().find(|run| run.end > first);
        next.is_some_and(|run| run.start <= last)
    }

    pub(super) fn and(&self, other: &Granules) -> Granules {
        let (mut one, mut other) = (self.runs().peekable(), other.runs().peekable());
        Granules::of(std::iter::from_fn(move || {
            match (one.peek(), other.peek()) {
                (Some(a), Some(b)) if b.start < a.start => other.next(),
                (Some(_), _) => one.next(),
                (None, _) => other.next(),
            }
        }))
    }
}

fn write_run(bytes: &mut Vec<u8>, end: &mut u64, run: &Range<u64>) {
    for mut number in [run.start - *end, run.end - run.start] {
        while number >= 0x80 {
            bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
    }
    *end = run.end;
}

fn read_number(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = bytes.next()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number)
}

/// The runs of bits in a word, the first of which stands for a granule.
pub(super) fn push_runs(runs: &mut Vec<Range<u64>>, first: u64, word: u64) {
    let mut rest = word;
    let mut at = 0;
    while rest != 0 {
        let gap = rest.trailing_zeros();
        rest >>= gap;
        let length = rest.trailing_ones();
        runs.push(first + u64::from(at + gap)..first + u64::from(at + gap + length));
        rest = rest.checked_shr(length).unwrap_or(0);
        at += gap + length;
    }
}
