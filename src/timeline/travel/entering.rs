//! To where the guest is called: where its own code begins in that call.

use super::super::{Interrupt, Result, Timeline};
use super::Ran;
use super::motion::{Direction, Place, Reason, Stop};
use super::search::Search;
use crate::replay::boundary::{Open, Way};
use crate::timeline::processes::wire::ask::Boundary;
use crate::timeline::processes::wire::run::{StopAt, Watch};
use crate::trace::{Entered, EventKind};

/// Places of the program's own that are passed on the way from the last hostcall before the
/// call: what is done after that is little.
const MOST_PASSED: usize = 10_000;

fn is_call(open: &Open, entered: &Entered) -> bool {
    let is_same = |open: &Open| {
        Entered::new(open.event, open.instance, open.crossing, &open.args) == *entered
    };
    open.way == Way::In && is_same(open)
}

impl Timeline {
    /// To the first function of the program's own that runs in a call into the guest; without
    /// any, to the beginning of what is called.
    pub(super) fn reach_entered(
        &mut self,
        entered: &Entered,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let own = self.own_beginnings();
        if !own.is_empty()
            && let Some(stop) = self.first_own_in(entered, own, interrupt)?
        {
            return Ok(stop);
        }
        // In the first hostcall of it, the stack tells what was called.
        let stop = self.reach_event(entered.event, interrupt)?;
        let open = self.boundary()?;
        let Some(call) = open.iter().find(|open| is_call(open, entered)) else {
            return Ok(stop);
        };
        let frames = self.frames()?;
        let called = frames
            .len()
            .checked_sub(call.outside as usize + 1)
            .and_then(|index| frames.get(index));
        let entry = called.and_then(|frame| {
            let pc = self.module(frame.module)?.code.entry_of(frame.pc)?;
            Some(Place::Code {
                module: frame.module,
                pc,
            })
        });
        let Some(entry) = entry else {
            return Ok(stop);
        };
        let watch = self.watch_places(vec![entry]);
        let mut stop = self.search(Direction::Backward, Search::anywhere(watch), interrupt)?;
        if matches!(stop.reason, Reason::Breakpoints(_)) {
            stop.reason = Reason::Arrived;
            self.here = stop.clone();
        }
        Ok(stop)
    }

    /// Whether a call into the guest has done no more, when so many hostcalls had been made, than
    /// to keep the component model's books, as what is generated does at the beginning. Where a
    /// function of the program's own is inlined, its first place may come late.
    fn has_only_begun(&self, entered: &Entered, event: u64) -> bool {
        let Ok(mut events) = self.trace.events_from(entered.event) else {
            return true;
        };
        while events.event() < event {
            let Ok(Some(next)) = events.next() else {
                return true;
            };
            let crossing = self.trace.component().crossing(next.crossing);
            let is_meant = crossing.is_some_and(|crossing| !crossing.is_plumbing());
            if matches!(next.kind, EventKind::Call(_)) && is_meant {
                return false;
            }
        }
        true
    }

    /// To the first of these places in a call into the guest, if it comes to any.
    fn first_own_in(
        &mut self,
        entered: &Entered,
        places: Vec<Place>,
        interrupt: &Interrupt,
    ) -> Result<Option<Stop>> {
        let mut process = match entered.event.checked_sub(1) {
            None => self.copy_at_or_before(crate::replay::Position::START)?,
            Some(last) => {
                let before = self.pool.fork_checkpoint(|c| c.before_event(last))?;
                let copy = match before {
                    Some(copy) => copy,
                    None => self.copy_at_or_before(crate::replay::Position::START)?,
                };
                let stop = StopAt::Event(last);
                let ran = self.run(copy, Watch::Nothing, stop, Vec::new(), interrupt)?;
                ran.process
            }
        };
        let watch = self.watch_places(places);
        for _ in 0..MOST_PASSED {
            let Ran {
                process: there,
                hit,
                ..
            } = self.run(process, watch.clone(), StopAt::First, Vec::new(), interrupt)?;
            process = there;
            if hit.is_none() {
                return Ok(None);
            }
            if process.at.event < entered.event {
                continue;
            }
            let open = process.ask(Boundary)?;
            if open.iter().any(|open| is_call(open, entered)) {
                if !self.has_only_begun(entered, process.at.event) {
                    return Ok(None);
                }
                self.settle(process, Reason::Arrived);
                return self.stand_in_own(interrupt).map(Some);
            }
            // Generated code may have made hostcalls before; the call itself is over here.
            if process.at.event > entered.event {
                return Ok(None);
            }
        }
        Ok(None)
    }
}
