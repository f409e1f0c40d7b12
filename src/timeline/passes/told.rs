//! What one pass over the recording tells of the visits of a place.

use super::pieces::Piece;
use super::visits::{Passing, changes_among};
use crate::replay::Position;
use crate::timeline::processes::wire::ask::TellVisits;
use crate::timeline::processes::wire::run::Watch;
use crate::timeline::processes::wire::told::{ToldVisit, ToldVisits};
use crate::timeline::recovery::Patience;
use crate::timeline::travel::elsewhere::Elsewhere;
use crate::timeline::travel::motion::{Breakpoint, MemoryRange};
use crate::timeline::travel::turns::Turns;
use crate::timeline::{Interrupt, Pass, Result, Timeline};

/// So many visits are looked at one by one. Where there are more, and how many is known, only
/// those are that are told.
const FEW: usize = 1000;
/// Ticks of a recording that is short.
const SHORT: u64 = 1 << 24;

/// Which visits are told, and what of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// With expressions in braces: evaluated at each visit that counts.
    pub messages: Vec<String>,
    /// So many visits are told that come first.
    pub first: usize,
    /// And so many that come last.
    pub newest: usize,
    /// The first ones are those that come after so many.
    pub after: u64,
}

impl Timeline {
    /// How many visits of a breakpoint there are in the recording at which its condition holds
    /// (its hit condition does not count), with the first and the last ones. The session stays
    /// where it is.
    ///
    /// # Errors
    ///
    /// If interrupted, if the replayer died, or if replay diverges.
    pub fn told_visits(
        &mut self,
        breakpoint: Breakpoint,
        telling: &Telling,
        interrupt: &Interrupt,
        progress: &dyn Fn(Pass),
    ) -> Result<ToldVisits> {
        if breakpoint.needs_debug() || !telling.messages.is_empty() || self.is_early() {
            self.need_debug(interrupt, &|_| {})?;
        }
        let ranges: Vec<MemoryRange> = changes_among(&breakpoint.places).collect();
        self.know_changes(&ranges, interrupt, progress)?;
        let breakpoint = Breakpoint {
            hits: None,
            log: None,
            ..breakpoint
        };
        let is_plain = breakpoint.condition.is_none() && telling.messages.is_empty();
        let places = breakpoint.places.clone();
        let mut breaks = self.breaks_of(breakpoint);
        if telling
            .messages
            .iter()
            .any(|text| Elsewhere::is_meant(text))
        {
            breaks.elsewhere = self.elsewhere().clone();
        }
        if telling.messages.iter().any(|text| Turns::is_meant(text)) {
            breaks.turns = self.turns().clone();
        }
        let watch = Watch::Breaks(breaks.clone());
        let tell = TellVisits {
            breaks,
            messages: telling.messages.clone(),
            first: telling.first,
            newest: telling.newest,
            skipped: 0,
            enough: None,
            last: None,
        };
        self.collect();
        let few = FEW.max(telling.first.saturating_add(telling.newest));
        let counted = match is_plain && !self.is_short() && telling.after == 0 {
            true => self.counted_at(&places, interrupt, progress)?,
            false => None,
        };
        self.recovering(Patience::Long(interrupt), |timeline| {
            let stretches = timeline.stretches_of(&watch);
            let pieces = timeline.pieces(Position::START, None, stretches.as_deref());
            if telling.after > 0 {
                return timeline.tell_after(&pieces, &tell, telling.after, interrupt, progress);
            }
            let counted = match counted {
                None if is_plain => {
                    let enough = Some(few);
                    let tell = TellVisits {
                        enough,
                        ..tell.clone()
                    };
                    let all = timeline.tell_all(&pieces, &tell, interrupt, progress)?;
                    match all {
                        Some(all) => return Ok(all),
                        None => timeline.counted_at(&places, interrupt, progress)?,
                    }
                }
                counted => counted,
            };
            match counted {
                Some(0) => Ok(ToldVisits::none(0)),
                Some(count) if count > few as u64 => {
                    timeline.tell_ends(&pieces, &tell, count, interrupt)
                }
                _ => {
                    let all = timeline.tell_all(&pieces, &tell, interrupt, progress)?;
                    Ok(all.unwrap_or_default())
                }
            }
        })
    }

    /// Those that come after so many: first all are counted, then the pieces run once more that
    /// have them. So no more are held than are told.
    fn tell_after(
        &mut self,
        pieces: &[Piece],
        tell: &TellVisits,
        after: u64,
        interrupt: &Interrupt,
        progress: &dyn Fn(Pass),
    ) -> Result<ToldVisits> {
        let end = self.known_end().map(|end| end.tick);
        let mut passing = Passing::default();
        let mut all = ToldVisits::none(tell.messages.len());
        let mut counts = Vec::new();
        let errand = |piece: &Piece| TellVisits {
            first: 0,
            newest: 0,
            last: piece.last,
            ..tell.clone()
        };
        self.run_pieces(
            pieces.iter().copied(),
            errand,
            interrupt,
            |_, piece, sent| {
                let (_, later) = sent.wait(interrupt, |meanwhile| {
                    progress(passing.pass(&piece, &meanwhile, end));
                })?;
                counts.push(later.count);
                all = std::mem::take(&mut all).and(later, (0, 0));
                passing.is_done(&piece);
                Ok(false)
            },
        )?;
        let mut before = 0u64;
        for (piece, count) in pieces.iter().zip(counts) {
            let wanted = tell.first - all.first.len();
            if wanted == 0 {
                break;
            }
            let skipped = after.saturating_sub(before);
            if skipped < count {
                let enough = skipped.saturating_add(wanted as u64);
                let errand = TellVisits {
                    first: wanted,
                    newest: 0,
                    skipped,
                    enough: usize::try_from(enough).ok(),
                    last: piece.last,
                    ..tell.clone()
                };
                let found = self.tell_piece(piece, errand, interrupt)?;
                for visit in found.first {
                    let number = before + visit.number;
                    all.first.push(ToldVisit { number, ..visit });
                }
            }
            before += count;
        }
        Ok(all)
    }

    /// Whether all of the recording is run for debugging in less time than it takes to compile
    /// it in another way.
    fn is_short(&self) -> bool {
        self.known_end().is_some_and(|end| end.tick.0 < SHORT)
    }

    /// Through all of it; `None` if a piece has more than enough.
    fn tell_all(
        &mut self,
        pieces: &[Piece],
        tell: &TellVisits,
        interrupt: &Interrupt,
        progress: &dyn Fn(Pass),
    ) -> Result<Option<ToldVisits>> {
        let end = self.known_end().map(|end| end.tick);
        let limits = (tell.first, tell.newest);
        let mut passing = Passing::default();
        let mut all = ToldVisits::none(tell.messages.len());
        let errand = |piece: &Piece| TellVisits {
            last: piece.last,
            ..tell.clone()
        };
        let mut is_enough = false;
        let pieces = pieces.iter().copied();
        self.run_pieces(pieces, errand, interrupt, |_, piece, sent| {
            let (_, later) = sent.wait(interrupt, |meanwhile| {
                progress(passing.pass(&piece, &meanwhile, end));
            })?;
            is_enough = tell
                .enough
                .is_some_and(|enough| later.count >= enough as u64);
            all = std::mem::take(&mut all).and(later, limits);
            passing.is_done(&piece);
            Ok(is_enough)
        })?;
        Ok((!is_enough).then_some(all))
    }

    /// From both ends, as far as it takes: their number is known.
    fn tell_ends(
        &mut self,
        pieces: &[Piece],
        tell: &TellVisits,
        count: u64,
        interrupt: &Interrupt,
    ) -> Result<ToldVisits> {
        let mut told = ToldVisits::none(0);
        for piece in pieces {
            let wanted = tell.first - told.first.len();
            if wanted == 0 {
                break;
            }
            let errand = TellVisits {
                first: wanted,
                newest: 0,
                enough: Some(wanted),
                last: piece.last,
                ..tell.clone()
            };
            let found = self.tell_piece(piece, errand, interrupt)?;
            told.first.extend(found.first);
        }
        for piece in pieces.iter().rev() {
            let wanted = tell.newest - told.newest.len();
            if wanted == 0 {
                break;
            }
            let errand = TellVisits {
                first: 0,
                newest: wanted,
                last: piece.last,
                ..tell.clone()
            };
            let found = self.tell_piece(piece, errand, interrupt)?;
            for visit in found.newest.into_iter().rev() {
                told.newest.push_front(visit);
            }
        }
        for (number, visit) in (1..).zip(&mut told.first) {
            visit.number = number;
        }
        let newest = told.newest.iter_mut().rev();
        for (behind, visit) in newest.enumerate() {
            visit.number = count - behind as u64;
        }
        told.count = count;
        Ok(told)
    }

    fn tell_piece(
        &mut self,
        piece: &Piece,
        errand: TellVisits,
        interrupt: &Interrupt,
    ) -> Result<ToldVisits> {
        let process = self.copy_at(piece.begin, interrupt)?;
        let sent = process.send(errand)?;
        let (_, found) = self.back(sent, interrupt)?;
        Ok(found)
    }
}
