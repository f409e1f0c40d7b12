//! To the changes of bytes.

use super::super::{Interrupt, Result, Timeline};
use super::motion::{Direction, MemoryRange, Place, Reason, Stop};
use super::search::Search;
use crate::replay::Position;
use crate::timeline::processes::wire::found::Hit;

impl Timeline {
    /// To the next change of some bytes, or the last one.
    pub(super) fn reach_change(
        &mut self,
        direction: Direction,
        range: MemoryRange,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let from = self.here.position;
        let hit = match direction {
            Direction::Forward => {
                self.know_changes(&[range], interrupt, &|_| {})?;
                let watch = self.watch_places(vec![Place::Change(range)]);
                let search = Search::anywhere(watch);
                let copy = self.pool.fork(&mut self.live)?;
                let ran = self.first_after(copy, &search, interrupt)?;
                if ran.hit.is_some() {
                    self.settle(ran.process, Reason::Arrived);
                }
                ran.hit
            }
            Direction::Backward => {
                let hit = self.last_change(range, interrupt)?;
                if let Some(hit) = &hit {
                    self.seek(hit.at.position, interrupt)?;
                }
                hit
            }
        };
        let hit = hit.ok_or_else(|| self.no_change(range, direction))?;
        let stop = self.arrived(Reason::Arrived);
        self.changes.here = hit.changed;
        self.changes.again = match direction {
            Direction::Backward => self.same_between(&range, stop.position.tick, from),
            Direction::Forward => None,
        };
        Ok(stop)
    }

    /// The last change of some bytes before here. Where it is known when they may have been
    /// written, the newest of that time is looked at first.
    fn last_change(&mut self, range: MemoryRange, interrupt: &Interrupt) -> Result<Option<Hit>> {
        loop {
            let here = self.here.position;
            let open = self.begin_to_know(range, here.tick)?;
            let watch = self.watch_places(vec![Place::Change(range)]);
            let mut search = Search::anywhere(watch);
            if let Some(open) = &open {
                search = search.no_farther_than(Position::first_of(open.end).min(here));
            }
            let hit = self.last_before(here, &search, interrupt)?;
            match open {
                Some(open) if hit.is_none() => self.know_more(range, open, interrupt)?,
                _ => return Ok(hit),
            }
        }
    }
}
