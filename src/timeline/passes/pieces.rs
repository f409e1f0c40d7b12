//! Parts of a recording that are run at the same time, each by a process of its own.
//!
//! They begin and end where checkpoints are, so that none is run twice; what is found in
//! them is taken in the order of time, as if one process had run through all.

use crate::replay::{Position, Tick};
use crate::timeline::processes::machine;
use crate::timeline::processes::process::Sent;
use crate::timeline::processes::wire::ask::Errand;
use crate::timeline::{Interrupt, Result, Timeline};
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::ops::Range;

/// A piece is at least so many times as long as what is noted of a recording is told apart:
/// to copy a process takes as long as to replay some tens of thousands of ticks.
const STRETCHES: u64 = 8;
/// So large a part of the processes that may be kept may run for one search.
const SHARE: usize = 8;

/// Part of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::timeline) struct Piece {
    /// What is at this moment belongs to the piece before.
    pub(in crate::timeline) begin: Position,
    /// The last moment of it; `None` at the end of the recording.
    pub(in crate::timeline) last: Option<Position>,
}

/// Replayers on errands, of which the first one sent is waited for first.
pub(in crate::timeline) struct AtOnce<T, E: Errand> {
    sent: VecDeque<(T, Sent<E>)>,
    number: usize,
}

impl<T, E: Errand> AtOnce<T, E> {
    pub(in crate::timeline) fn new(number: usize) -> AtOnce<T, E> {
        AtOnce {
            sent: VecDeque::new(),
            number,
        }
    }

    /// Whether another one may run. Those that are done wait for the ones before them.
    pub(in crate::timeline) fn has_room(&mut self) -> bool {
        let sent = self.sent.iter_mut();
        let running = sent.filter_map(|(_, sent)| (!sent.has_word()).then_some(()));
        running.count() < self.number && self.sent.len() < 2 * self.number
    }

    pub(in crate::timeline) fn add(&mut self, what: T, sent: Sent<E>) {
        self.sent.push_back((what, sent));
    }

    pub(in crate::timeline) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// The first one, if it is done, or there is nothing else to do but to wait for it.
    pub(in crate::timeline) fn next(
        &mut self,
        is_last: bool,
        interrupt: &Interrupt,
    ) -> Option<(T, Sent<E>)> {
        let (_, first) = self.sent.front_mut()?;
        if is_last || first.has_word_soon() || interrupt.is_raised() {
            return self.sent.pop_front();
        }
        None
    }
}

impl Timeline {
    /// How many processes may run for one search: one for each processor, but no more than
    /// checkpoints may take of processes and memory, if each changes all that the guest has.
    pub(in crate::timeline) fn at_once(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let limits = self.options.limits;
        let held = machine::held_by(self.live.pid).0.max(1);
        // As many that are done wait for others.
        let fit = usize::try_from(limits.memory.0 / held / 2).unwrap_or(usize::MAX);
        cores.min(limits.number / SHARE).min(fit).max(1)
    }

    /// How long a piece is at least, in ticks.
    pub(in crate::timeline) fn piece_length(&self) -> u64 {
        self.options.stretch.saturating_mul(STRETCHES).max(1)
    }

    /// What comes after a moment, up to another one, in pieces: only those in which one of
    /// some stretches is, if that is known. Ascending; none, if nothing can be cut.
    pub(in crate::timeline) fn pieces(
        &mut self,
        from: Position,
        to: Option<Position>,
        stretches: Option<&[Range<Tick>]>,
    ) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut begin = from;
        for cut in self.cuts(from, to) {
            pieces.push(Piece {
                begin,
                last: Some(cut),
            });
            begin = cut;
        }
        pieces.push(Piece { begin, last: to });
        if let Some(stretches) = stretches {
            pieces.retain_mut(|piece| narrow(piece, stretches));
        }
        pieces
    }

    /// Checkpoints between two moments, far enough from each other for pieces.
    pub(in crate::timeline) fn cuts(
        &mut self,
        from: Position,
        to: Option<Position>,
    ) -> Vec<Position> {
        let length = self.piece_length();
        let checkpoints = self.pool.checkpoints();
        let end = checkpoints.known_end();
        let mut last = from;
        let positions = checkpoints.positions().filter(|at| {
            let is_far = at.tick.0 >= last.tick.0.saturating_add(length);
            let is_between = *at > from && to.is_none_or(|to| *at < to) && Some(*at) != end;
            let is_cut = is_far && is_between;
            if is_cut {
                last = *at;
            }
            is_cut
        });
        positions.collect()
    }

    /// Runs errands through pieces at the same time, and hands what each brings back to
    /// `take`, in the order of the pieces, until that says that it is enough.
    pub(in crate::timeline) fn run_pieces<E: Errand>(
        &mut self,
        pieces: impl IntoIterator<Item = Piece>,
        errand: impl Fn(&Piece) -> E,
        interrupt: &Interrupt,
        mut take: impl FnMut(&mut Timeline, Piece, Sent<E>) -> Result<bool>,
    ) -> Result<()> {
        let mut pieces = pieces.into_iter().peekable();
        let mut sent: AtOnce<Piece, E> = AtOnce::new(self.at_once());
        while pieces.peek().is_some() || !sent.is_empty() {
            if sent.has_room()
                && let Some(piece) = pieces.next()
            {
                let process = self.copy_at(piece.begin, interrupt)?;
                sent.add(piece, process.send(errand(&piece))?);
                continue;
            }
            let is_last = pieces.peek().is_none();
            if let Some((piece, first)) = sent.next(is_last, interrupt)
                && take(self, piece, first)?
            {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Whether one of some stretches is in a piece; it ends behind the last of them then.
fn narrow(piece: &mut Piece, stretches: &[Range<Tick>]) -> bool {
    let last = piece.last.map_or(Tick(u64::MAX), |last| last.tick);
    let begun = stretches.partition_point(|stretch| stretch.start <= last);
    let Some(newest) = begun.checked_sub(1).and_then(|i| stretches.get(i)) else {
        return false;
    };
    if newest.end <= piece.begin.tick {
        return false;
    }
    if newest.end <= last {
        piece.last = Some(Position::first_of(newest.end));
    }
    true
}
