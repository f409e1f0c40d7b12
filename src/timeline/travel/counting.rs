//! Finding the visits that hit conditions speak of: the fifth one, each tenth.
//!
//! The recording is counted through in pieces, only those in which a place may have been
//! visited. Which of them has the fifth visit is known when those before it are counted; so the
//! pieces are counted at the same time, and that one is run once more. Where many visits are
//! wanted, they are run one after the other, each with the number of those before it.

use super::motion::HitCondition;
use crate::replay::Position;
use crate::timeline::passes::pieces::Piece;
use crate::timeline::processes::wire::ask::CountVisits;
use crate::timeline::processes::wire::breaks::{Breaks, Hits};
use crate::timeline::processes::wire::found::{Counted, Listed, MOST_MARKS};
use crate::timeline::processes::wire::run::Watch;
use crate::timeline::{Interrupt, Result, Timeline, TimelineError};

/// What is known of the visits of breakpoints.
struct Counting {
    breaks: Breaks,
    /// The condition on the hits of each, if visits of it are to be counted.
    wanted: Vec<Option<HitCondition>>,
    counted: Vec<Counted>,
}

/// All of the recording.
const WHOLE: Piece = Piece {
    begin: Position::START,
    last: None,
};

impl Counting {
    fn of(breaks: Breaks) -> Counting {
        let wanted = breaks.breakpoints.iter().map(|b| match b.hits {
            Hits::Count(condition) => Some(condition),
            _ => None,
        });
        let nothing = Counted {
            visits: 0,
            marks: Listed {
                all: Vec::new(),
                is_cut: false,
            },
        };
        Counting {
            wanted: wanted.collect(),
            counted: vec![nothing; breaks.breakpoints.len()],
            breaks,
        }
    }

    fn is_found(&self, index: usize) -> bool {
        let counted = self.counted.get(index);
        match self.wanted.get(index) {
            Some(Some(HitCondition::Every(_))) => counted.is_none_or(|c| c.marks.is_cut),
            Some(Some(_)) => counted.is_none_or(|c| !c.marks.all.is_empty()),
            _ => true,
        }
    }

    fn are_all_found(&self) -> bool {
        (0..self.wanted.len()).all(|index| self.is_found(index))
    }

    /// Whether there is one of which more than one visit is looked for.
    fn wants_many(&self) -> bool {
        let mut wanted = self.wanted.iter();
        wanted.any(|wanted| matches!(wanted, Some(HitCondition::Every(_))))
    }

    /// What is still to be counted, numbered or not.
    fn errand(&self, piece: &Piece, is_numbered: bool) -> CountVisits {
        let mut breaks = self.breaks.clone();
        for (index, breakpoint) in breaks.breakpoints.iter_mut().enumerate() {
            if self.is_found(index) {
                breakpoint.hits = Hits::None;
            }
        }
        let before = self.counted.iter().map(|counted| counted.visits);
        CountVisits {
            breaks,
            last: piece.last,
            before: is_numbered.then(|| before.collect()),
        }
    }

    /// A piece has been run with its visits numbered.
    fn take(&mut self, numbered: Vec<Counted>) -> Result<()> {
        let numbered = self.of_all(numbered)?;
        for (index, more) in numbered.into_iter().enumerate() {
            if self.is_found(index) {
                continue;
            }
            let Some(counted) = self.counted.get_mut(index) else {
                continue;
            };
            counted.visits = more.visits;
            counted.marks.all.extend(more.marks.all);
            counted.marks.is_cut = more.marks.is_cut || counted.marks.all.len() > MOST_MARKS;
            counted.marks.all.truncate(MOST_MARKS);
        }
        Ok(())
    }

    /// A piece has been run without: whether what is looked for is in it. If it is not, its
    /// visits are added.
    fn pass(&mut self, counts: Vec<Counted>) -> Result<bool> {
        let counts = self.of_all(counts)?;
        let pairs = self.wanted.iter().zip(&self.counted).zip(&counts);
        let is_in = pairs.enumerate().any(|(index, ((wanted, counted), more))| {
            let reached = counted.visits.saturating_add(more.visits);
            let number = match wanted {
                Some(HitCondition::Exactly(n) | HitCondition::From(n)) => *n,
                Some(HitCondition::Before(n) | HitCondition::Every(n)) => *n,
                None => return false,
            };
            !self.is_found(index) && reached >= number
        });
        if !is_in {
            for (counted, more) in self.counted.iter_mut().zip(counts) {
                counted.visits = counted.visits.saturating_add(more.visits);
            }
        }
        Ok(is_in)
    }

    fn of_all(&self, counted: Vec<Counted>) -> Result<Vec<Counted>> {
        if counted.len() != self.wanted.len() {
            let wrong = "the visits of other breakpoints than were asked for";
            return Err(TimelineError::Confused(wrong.into()));
        }
        Ok(counted)
    }
}

impl Timeline {
    /// The visits of breakpoints that their hit conditions speak of, in the whole recording.
    pub(super) fn counted(
        &mut self,
        breaks: Breaks,
        interrupt: &Interrupt,
    ) -> Result<Vec<Counted>> {
        let stretches = self.stretches_of(&Watch::Breaks(breaks.clone()));
        let pieces = self.pieces(Position::START, None, stretches.as_deref());
        let mut counting = Counting::of(breaks);
        let one_by_one = match counting.wants_many() || self.at_once() == 1 {
            true => pieces.len(),
            // It is there mostly.
            false => 1,
        };
        let mut pieces = pieces.into_iter();
        for piece in pieces.by_ref().take(one_by_one) {
            self.count_numbered(&mut counting, &piece, interrupt)?;
            if counting.are_all_found() {
                return Ok(counting.counted);
            }
        }
        // Which of them are found meanwhile, those that are on their way do not know.
        let asked = counting.errand(&WHOLE, false);
        let unnumbered = |piece: &Piece| CountVisits {
            last: piece.last,
            ..asked.clone()
        };
        self.run_pieces(pieces, unnumbered, interrupt, |timeline, piece, sent| {
            let (_, counts) = timeline.back(sent, interrupt)?;
            if counting.pass(counts)? {
                timeline.count_numbered(&mut counting, &piece, interrupt)?;
            }
            Ok(counting.are_all_found())
        })?;
        Ok(counting.counted)
    }

    fn count_numbered(
        &mut self,
        counting: &mut Counting,
        piece: &Piece,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let process = self.copy_at(piece.begin, interrupt)?;
        let sent = process.send(counting.errand(piece, true))?;
        let (_, numbered) = self.back(sent, interrupt)?;
        counting.take(numbered)
    }
}
