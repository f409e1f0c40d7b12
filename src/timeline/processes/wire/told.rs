//! What is told of the visits of a place.

use super::found::Change;
use crate::replay::Position;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Different values that are told apart of each expression. Where there are more, it is known
/// that there are.
pub const MOST_VALUES: usize = 10_000;

/// The visits of a place in a stretch of a recording.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldVisits {
    /// How many there are.
    pub count: u64,
    /// Those that come first, oldest first.
    pub first: Vec<ToldVisit>,
    /// Those that come last, oldest first; none of them is among the first ones.
    pub newest: VecDeque<ToldVisit>,
    /// Of each expression, the values that it had.
    pub values: Vec<Values>,
    /// Why a condition cannot be evaluated somewhere, the first time.
    pub problem: Option<String>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldVisit {
    /// Which one it is, from 1.
    pub number: u64,
    /// The moment.
    pub position: Position,
    /// As [`Stop::event`](crate::timeline::travel::motion::Stop) has it.
    pub event: u64,
    /// For places that are changes: how the bytes have changed.
    pub changed: Vec<Change>,
    /// The value of each expression.
    pub texts: Vec<String>,
}

/// The values of an expression over time, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values {
    /// Each with how often it was there.
    pub counts: BTreeMap<String, u64>,
    /// There are others, too.
    pub is_cut: bool,
}

impl Values {
    fn add(&mut self, text: &str, times: u64) {
        if let Some(count) = self.counts.get_mut(text) {
            *count += times;
        } else if self.counts.len() < MOST_VALUES {
            self.counts.insert(text.to_owned(), times);
        } else {
            self.is_cut = true;
        }
    }
}

impl ToldVisits {
    /// None yet, with so many expressions.
    pub(crate) fn none(expressions: usize) -> ToldVisits {
        ToldVisits {
            values: vec![Values::default(); expressions],
            ..ToldVisits::default()
        }
    }

    /// One more, behind the others; of so many that are told at the beginning and at the end.
    pub(crate) fn add(&mut self, visit: ToldVisit, limits: (usize, usize)) {
        self.count = self.count.max(visit.number);
        for (values, text) in self.values.iter_mut().zip(&visit.texts) {
            values.add(text, 1);
        }
        self.tell(visit, limits);
    }

    fn tell(&mut self, visit: ToldVisit, (first, newest): (usize, usize)) {
        if self.first.len() < first {
            self.first.push(visit);
            return;
        }
        self.newest.push_back(visit);
        if self.newest.len() > newest {
            self.newest.pop_front();
        }
    }

    /// These, and those of the stretch after.
    pub(crate) fn and(mut self, later: ToldVisits, limits: (usize, usize)) -> ToldVisits {
        let before = self.count;
        for visit in later.first.into_iter().chain(later.newest) {
            let number = before + visit.number;
            self.tell(ToldVisit { number, ..visit }, limits);
        }
        self.count = before + later.count;
        for (values, more) in self.values.iter_mut().zip(later.values) {
            values.is_cut |= more.is_cut;
            for (text, times) in more.counts {
                values.add(&text, times);
            }
        }
        self.problem = self.problem.or(later.problem);
        self
    }

    /// All that are told, oldest first.
    pub fn told(&self) -> impl Iterator<Item = &ToldVisit> {
        self.first.iter().chain(&self.newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Tick;

    fn visits(count: u64, limits: (usize, usize)) -> ToldVisits {
        let mut told = ToldVisits::none(1);
        for number in 1..=count {
            told.add(visit(number, number), limits);
        }
        told
    }

    fn visit(number: u64, tick: u64) -> ToldVisit {
        ToldVisit {
            number,
            position: Position::first_of(Tick(tick)),
            event: 0,
            changed: Vec::new(),
            texts: vec![(tick % 3).to_string()],
        }
    }

    /// In whichever pieces a recording is run, what is told is the same.
    #[test]
    fn pieces_add_up() {
        for limits in [(0, 1), (1, 0), (2, 3), (50, 50)] {
            for cuts in [[0, 5, 9], [3, 3, 20], [1, 2, 4], [0, 0, 0]] {
                let mut all = ToldVisits::none(1);
                let mut tick = 0;
                for count in cuts {
                    let mut piece = ToldVisits::none(1);
                    for number in 1..=count {
                        tick += 1;
                        piece.add(visit(number, tick), limits);
                    }
                    all = all.and(piece, limits);
                }
                assert_eq!(all, visits(tick, limits), "{limits:?} {cuts:?}");
            }
        }
    }
}
