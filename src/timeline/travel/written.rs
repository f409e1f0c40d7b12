//! To the writes of bytes.

use super::super::{Interrupt, Result, Timeline};
use super::motion::{Direction, MemoryRange, Reason, Stop, Writes};
use super::search::Search;
use crate::replay::Position;
use crate::timeline::processes::wire::found::Hit;

impl Timeline {
    /// To the next write of some bytes.
    pub(super) fn reach_next_write(
        &mut self,
        range: MemoryRange,
        writes: Writes,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        self.know_changes(&[range], interrupt, &|_| {})?;
        let watch = self.watch_places(vec![writes.place(range)]);
        let search = Search::anywhere(watch);
        let copy = self.pool.fork(&mut self.live)?;
        let ran = self.first_after(copy, &search, interrupt)?;
        let Some(hit) = ran.hit else {
            return Err(self.no_write(range, writes, Direction::Forward));
        };
        let stop = self.settle(ran.process, Reason::Arrived);
        self.changes.here = hit.changed;
        Ok(stop)
    }

    /// To the last one.
    pub(super) fn reach_last_write(
        &mut self,
        range: MemoryRange,
        writes: Writes,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let from = self.here.position;
        let Some(hit) = self.last_write(range, writes, interrupt)? else {
            return Err(self.no_write(range, writes, Direction::Backward));
        };
        self.seek(hit.at.position, interrupt)?;
        let stop = self.arrived(Reason::Arrived);
        self.changes.here = hit.changed;
        self.changes.again = match writes {
            Writes::Changing => self.same_between(&range, stop.position.tick, from),
            Writes::All => None,
        };
        Ok(stop)
    }

    /// The last write of some bytes before here. Where it is known when they may have been
    /// written, the newest of that time is looked at first.
    fn last_write(
        &mut self,
        range: MemoryRange,
        writes: Writes,
        interrupt: &Interrupt,
    ) -> Result<Option<Hit>> {
        // The newest first, as most of what is asked for is near; then ever more, as each run
        // begins at a checkpoint.
        let mut most = 1;
        loop {
            let here = self.here.position;
            let open = self.begin_to_know(range, here.tick)?;
            let watch = self.watch_places(vec![writes.place(range)]);
            let mut search = Search::anywhere(watch);
            if let Some(open) = &open {
                search = search.no_farther_than(Position::first_of(open.end).min(here));
            }
            let hit = self.last_before(here, &search, interrupt)?;
            match open {
                Some(open) if hit.is_none() => {
                    self.know_more(range, &open, most, interrupt)?;
                    most *= 2;
                }
                _ => return Ok(hit),
            }
        }
    }
}
