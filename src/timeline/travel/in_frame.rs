//! When a frame was at some of its instructions last: what a value in it goes back to.

use super::super::{Interrupt, Result, Timeline};
use super::motion::Place;
use super::search::Search;
use crate::component::ModuleId;
use crate::replay::Position;
use crate::timeline::processes::wire::ask::OnStack;
use crate::timeline::processes::wire::run::Watch;
use crate::timeline::recovery::Patience;

impl Timeline {
    /// The last moment before `before` at which a frame at this depth stood before one of these
    /// instructions of a module, and how many outgoing crossings had been made by then. The
    /// session stays where it is.
    ///
    /// # Errors
    ///
    /// If interrupted, or if replayers die.
    pub fn last_in_frame(
        &mut self,
        (depth, module): (u32, ModuleId),
        instructions: &[u32],
        before: Position,
        interrupt: &Interrupt,
    ) -> Result<Option<(Position, u64)>> {
        self.need_debug(interrupt, &|_| {})?;
        let mut pcs = instructions.to_vec();
        pcs.sort_unstable();
        pcs.dedup();
        self.on_stack = match self.trace.keeps_stacks() && before == self.here.position {
            true => Some(self.live.ask(OnStack)?),
            false => None,
        };
        let search = Search::at_most(depth, Watch::InFrame { depth, module, pcs });
        let hit = self.recovering(Patience::Long(interrupt), |timeline| {
            timeline.last_before(before, &search, interrupt)
        })?;
        Ok(hit.map(|hit| (hit.at.position, hit.at.event)))
    }

    /// The last moment before `before` at which one of these places was come to, by whoever it
    /// was, and how many outgoing crossings had been made by then. The session stays where it is.
    ///
    /// # Errors
    ///
    /// If interrupted, or if replayers die.
    pub fn last_come_to(
        &mut self,
        places: Vec<Place>,
        before: Position,
        interrupt: &Interrupt,
    ) -> Result<Option<(Position, u64)>> {
        self.need_debug(interrupt, &|_| {})?;
        let search = Search::anywhere(self.watch_places(places));
        let hit = self.recovering(Patience::Long(interrupt), |timeline| {
            timeline.last_before(before, &search, interrupt)
        })?;
        Ok(hit.map(|hit| (hit.at.position, hit.at.event)))
    }
}
