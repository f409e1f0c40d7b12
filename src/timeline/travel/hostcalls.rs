//! To and over hostcalls.

use super::super::{Interrupt, Result, Timeline};
use super::motion::{Direction, HostcallFilter, Reason, Stop};
use super::search::Search;
use crate::component::Crossing;
use crate::replay::Phase;
use crate::timeline::processes::wire::run::{StopAt, Watch};

impl Timeline {
    /// To the next or previous hostcall that a filter lets through.
    pub(super) fn hostcall_step(
        &mut self,
        direction: Direction,
        filter: &HostcallFilter,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        if !self.takes_all(filter) {
            let watch = self.watch_places(filter.places());
            let mut stop = self.search(direction, Search::anywhere(watch), interrupt)?;
            if matches!(stop.reason, Reason::Breakpoints(_)) {
                stop.reason = Reason::Arrived;
                self.here = stop.clone();
            }
            return Ok(stop);
        }
        let phase = self.here.position.phase;
        match direction {
            Direction::Forward => {
                let at_hostcall = phase == Phase::Calling;
                self.reach_event(self.here.event + u64::from(at_hostcall), interrupt)
            }
            Direction::Backward => match self.here.event.checked_sub(1) {
                // It is come to from before, which is not on the way.
                Some(event) => self
                    .reach_event(event, interrupt)
                    .inspect_err(|_| self.come_to = None),
                None => self.reach_start(),
            },
        }
    }

    /// Whether a filter lets every hostcall of this recording through.
    fn takes_all(&self, filter: &HostcallFilter) -> bool {
        let crossings = self.trace.component().crossings();
        filter.path.is_empty()
            && !filter.failed
            && (filter.builtins || !crossings.iter().any(Crossing::is_plumbing))
    }

    /// To where the hostcall that is being made, or else the next one that the filter lets
    /// through, has answered.
    pub(super) fn over_hostcall(
        &mut self,
        filter: &HostcallFilter,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        if self.here.position.phase != Phase::Calling && !self.takes_all(filter) {
            let stop = self.hostcall_step(Direction::Forward, filter, interrupt)?;
            if matches!(stop.reason, Reason::End(_)) {
                return Ok(stop);
            }
        }
        let copy = self.pool.fork(&mut self.live)?;
        let stop = StopAt::Answered(self.here.event);
        let ran = self.run_on(copy, Watch::Nothing, stop, Vec::new(), interrupt)?;
        Ok(self.settle(ran.process, Reason::Arrived))
    }

    /// To where a hostcall has answered.
    pub(super) fn reach_answer(&mut self, event: u64, interrupt: &Interrupt) -> Result<Stop> {
        let stop = self.reach_event(event, interrupt)?;
        match stop.reason {
            Reason::End(_) => Ok(stop),
            _ => self.over_hostcall(&HostcallFilter::ANY, interrupt),
        }
    }
}
