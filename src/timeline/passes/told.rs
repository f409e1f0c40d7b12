//! What one pass over the recording tells of the visits of a place.

use super::pieces::Piece;
use super::visits::{Passing, changes_among};
use crate::replay::Position;
use crate::timeline::processes::wire::ask::TellVisits;
use crate::timeline::processes::wire::run::Watch;
use crate::timeline::processes::wire::told::ToldVisits;
use crate::timeline::recovery::Patience;
use crate::timeline::travel::motion::{Breakpoint, MemoryRange};
use crate::timeline::{Interrupt, Pass, Result, Timeline};

/// Which visits are told, and what of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// With expressions in braces: evaluated at each visit that counts.
    pub messages: Vec<String>,
    /// So many visits are told that come first.
    pub first: usize,
    /// And so many that come last.
    pub newest: usize,
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
        let breaks = self.breaks_of(breakpoint);
        let watch = Watch::Breaks(breaks.clone());
        let limits = (telling.first, telling.newest);
        let tell = TellVisits {
            breaks,
            messages: telling.messages.clone(),
            first: telling.first,
            newest: telling.newest,
            last: None,
        };
        self.collect();
        self.recovering(Patience::Long(interrupt), |timeline| {
            let stretches = timeline.stretches_of(&watch);
            let pieces = timeline.pieces(Position::START, None, stretches.as_deref());
            let end = timeline.known_end().map(|end| end.tick);
            let mut passing = Passing::default();
            let mut all = ToldVisits::none(tell.messages.len());
            let errand = |piece: &Piece| TellVisits {
                last: piece.last,
                ..tell.clone()
            };
            timeline.run_pieces(pieces, errand, interrupt, |_, piece, sent| {
                let (_, later) = sent.wait(interrupt, |meanwhile| {
                    progress(passing.pass(&piece, &meanwhile, end));
                })?;
                all = std::mem::take(&mut all).and(later, limits);
                passing.is_done(&piece);
                Ok(false)
            })?;
            Ok(all)
        })
    }
}
