//! Running to the next moment that qualifies: what is near by one process, what is farther away
//! piece by piece, by as many as there are processors, where pieces can be told apart.

use super::super::{Interrupt, Result, Timeline};
use super::Ran;
use super::motion::{Reason, Stop};
use super::pausing::ComeTo;
use super::search::{Search, reason_of};
use super::seek::ladder;
use crate::replay::{Position, Tick};
use crate::timeline::ahead::depths::Quiet;
use crate::timeline::passes::pieces::Piece;
use crate::timeline::processes::process::Process;
use crate::timeline::processes::wire::run::{Leave, Run, StopAt};

/// While it is not known yet where something may qualify, a search goes on so far, in ticks,
/// before it asks again, and then farther.
const FIRST_STRETCH: u64 = 1 << 21;
const LONGEST_STRETCH: u64 = 1 << 24;
/// It asks again when each processor has searched so many pieces.
const PIECES_AT_A_TIME: usize = 2;

/// What a search piece by piece has come to.
enum Searched {
    /// To what it looks for, or the end.
    Ran(Ran),
    /// Nothing is up to this moment, which belongs to what was searched.
    Until(Position),
}

impl Timeline {
    /// Runs forward from here to the first moment that qualifies, or the end.
    pub(super) fn forward(&mut self, search: &Search, interrupt: &Interrupt) -> Result<Stop> {
        if self.live.at.is_end {
            return Ok(self.arrived(Reason::Arrived));
        }
        let process = self.pool.fork(&mut self.live)?;
        self.forward_from(process, search, interrupt)
    }

    /// The same, from where a process stands.
    pub(super) fn forward_from(
        &mut self,
        process: Process,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let ran = self.first_after(process, search, interrupt)?;
        let ran = self.past_splits(ran, search, interrupt)?;
        self.settle_at(ran)
    }

    /// The session stands where a run has ended.
    pub(super) fn settle_at(&mut self, ran: Ran) -> Result<Stop> {
        let stop = self.settle(ran.process, reason_of(ran.hit.as_ref()));
        if let Some(hit) = ran.hit {
            self.arrive_before_calls(&hit)?;
            self.changes.here = hit.changed;
        }
        Ok(stop)
    }

    /// A process that stands at the first moment that qualifies, or at the end.
    pub(super) fn first_after(
        &mut self,
        mut process: Process,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Ran> {
        let mut search = search.clone();
        let mut leave_at = Vec::new();
        let mut passed = Tick(0);
        let mut awaits = true;
        let mut piece = FIRST_STRETCH;
        let many = self.may_be_cut(&search) && self.at_once() > 1;
        let mut is_near = true;
        loop {
            self.look_for_candidates(&mut search);
            let from = process.at.position.tick.max(passed);
            let last = search.farthest;
            let cut = match many {
                true => self.cuts(process.at.position, last).first().copied(),
                false => None,
            };
            if cut.is_some() && !is_near {
                let at = process.at.position;
                match self.first_in_pieces(at, &search, interrupt)? {
                    Searched::Ran(ran) => return Ok(ran),
                    Searched::Until(end) if Some(end) == last => {
                        return Ok(Ran {
                            process,
                            hit: None,
                            depth: None,
                        });
                    }
                    Searched::Until(end) => process = self.copy_at(end, interrupt)?,
                }
                leave_at = Vec::new();
                continue;
            }
            is_near = false;
            let quiet = self.left_out_after(&search, from);
            let quiet = quiet.filter(|q| last.is_none_or(|last| q.ticks.start <= last.tick));
            let cut = cut.filter(|cut| {
                quiet
                    .as_ref()
                    .is_none_or(|quiet| cut.tick < quiet.ticks.start)
            });
            if let Some(cut) = cut {
                let near = StopAt::FirstUntil(cut);
                let ran = self.run_on(process, search.watch.clone(), near, leave_at, interrupt)?;
                if ran.hit.is_some() || ran.process.at.is_end {
                    return Ok(ran);
                }
                process = self.copy_at(cut, interrupt)?;
                leave_at = Vec::new();
                continue;
            }
            let (stop, is_piece) = match (&quiet, last) {
                (Some(quiet), _) => (StopAt::FirstBefore(quiet.ticks.start), false),
                (None, Some(last)) => (StopAt::FirstUntil(last), false),
                (None, None) if awaits && self.awaits_candidates(&search) => {
                    (StopAt::FirstBefore(Tick(from.0 + piece)), true)
                }
                (None, None) => (StopAt::First, false),
            };
            let again = match is_piece {
                true => Some(self.pool.fork(&mut process)?),
                false => None,
            };
            let watch = search.watch.clone();
            let mut ran = self.run_on(process, watch, stop, leave_at, interrupt)?;
            let is_over = ran.hit.is_some() || ran.process.at.is_end;
            if let Some(again) = again.filter(|_| !is_over) {
                // It stands before an instruction at which nobody has looked.
                awaits = !self.stands_at_place(&mut ran.process, &search)?;
                process = if awaits { ran.process } else { again };
                piece = (piece * 2).min(LONGEST_STRETCH);
                leave_at = Vec::new();
                continue;
            }
            let Some(quiet) = quiet.filter(|_| !is_over) else {
                return Ok(ran);
            };
            if last.is_some_and(|last| last.tick < quiet.ticks.end) {
                return Ok(ran);
            }
            let end = Position::first_of(quiet.ticks.end);
            process = self.pass_over(ran.process, &quiet)?;
            passed = quiet.ticks.end;
            leave_at = ladder(process.at.position, end);
        }
    }

    /// A process as near as possible to the end of a stretch that can be left out.
    fn pass_over(&mut self, process: Process, quiet: &Quiet) -> Result<Process> {
        let end = Position::first_of(quiet.ticks.end);
        let farther = self.pool.fork_checkpoint(|checkpoints| {
            let checkpoint = checkpoints.at_or_before(end)?;
            (checkpoint.at.position > process.at.position).then_some(checkpoint)
        })?;
        Ok(farther.unwrap_or(process))
    }

    /// The first moment after another one that qualifies, looked for in many pieces at the same
    /// time, as far as there are checkpoints to begin at.
    fn first_in_pieces(
        &mut self,
        from: Position,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Searched> {
        let end = self.known_end();
        let mut to = search.farthest;
        if to.is_none() && end.is_none() {
            to = self.cuts(from, None).last().copied();
        }
        let ranges = search.candidates.as_ref().map(|known| known.ranges());
        let mut pieces = self.pieces(from, to, ranges);
        let at_a_time = PIECES_AT_A_TIME * self.at_once();
        if self.awaits_candidates(search) && pieces.len() > at_a_time {
            pieces.truncate(at_a_time);
            to = pieces.last().and_then(|piece| piece.last);
        }
        let errand = |piece: &Piece| Run {
            watch: search.watch.clone(),
            stop: piece.last.map_or(StopAt::First, StopAt::FirstUntil),
            leave: Leave::NOTHING,
            // Only breakpoints are searched for in pieces.
            on_stack: None,
        };
        tracing::debug!("searching {} pieces after {from}", pieces.len());
        let mut found = None;
        self.run_pieces(pieces, errand, interrupt, |timeline, piece, sent| {
            // All before it has been searched.
            timeline.come_to = Some(ComeTo::Position(piece.begin));
            let ran = timeline.back_or_halted(sent, &search.watch, interrupt)?;
            if ran.hit.is_some() || piece.last.is_none() {
                found = Some(ran);
            }
            Ok(found.is_some())
        })?;
        match (found, to) {
            (Some(ran), _) => Ok(Searched::Ran(ran)),
            (None, Some(to)) => Ok(Searched::Until(to)),
            // Nothing can qualify in what is left.
            (None, None) => match self.pool.fork_checkpoint(|kept| kept.end())? {
                Some(process) => Ok(Searched::Ran(Ran {
                    process,
                    hit: None,
                    depth: None,
                })),
                None => Ok(Searched::Until(
                    self.cuts(from, None).last().copied().unwrap_or(from),
                )),
            },
        }
    }
}
