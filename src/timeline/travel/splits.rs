//! Steps on a stack that is split on the way: a call of one component by another runs on top of its
//! caller, and may go on when that has gone on without it. Then its frames are at other depths.

use super::super::{Interrupt, Result, Timeline};
use super::Ran;
use super::search::Search;
use crate::timeline::processes::wire::ask::{CallOnStack, OnStack, Splits};
use crate::timeline::processes::wire::found::Hit;
use crate::timeline::processes::wire::run::{StackWatched, StopAt, Watch};

impl Timeline {
    /// Where the frames are that are watched.
    pub(super) fn on_stack_for(&self, watch: &Watch) -> Option<StackWatched> {
        let (depth, and_called) = watch.for_frames()?;
        let serials = self.serials_of(depth)?;
        (!serials.is_empty()).then_some(StackWatched {
            serials,
            and_called,
        })
    }

    /// The calls into the guest that hold the frames up to a depth, outermost first.
    pub(super) fn serials_of(&self, depth: u32) -> Option<Vec<u64>> {
        let calls = self.on_stack.as_ref()?.iter();
        let holding = calls.filter(|call| call.outside < depth);
        Some(holding.map(|call| call.serial).collect())
    }

    /// Whether the stack that runs was a part of another one before.
    pub(super) fn has_been_split(&mut self) -> Result<bool> {
        let Some(outermost) = self.outermost() else {
            return Ok(false);
        };
        let splits = self.live.ask(Splits)?;
        Ok(splits.iter().any(|split| split.serial == outermost))
    }

    fn outermost(&self) -> Option<u64> {
        Some(self.on_stack.as_ref()?.first()?.serial)
    }

    /// What a run forward has come to, if the frames that it watched have stayed where they were; or
    /// else what it would have, with the frames where they are from then on.
    pub(super) fn past_splits(
        &mut self,
        mut ran: Ran,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Ran> {
        let calls = self.on_stack.clone().filter(|calls| calls.len() > 1);
        let (Some(mut calls), Some((mut depth, _))) = (calls, search.watch.for_frames()) else {
            return Ok(ran);
        };
        let mut search = search.clone();
        let mut known = self.live.ask(Splits)?;
        loop {
            let splits = ran.process.ask(Splits)?;
            let mut new = splits.iter().filter(|split| !known.contains(split));
            let found = new.find_map(|split| {
                let above = |call: &CallOnStack| {
                    call.serial == split.serial && (1..depth).contains(&call.outside)
                };
                Some((split.event, calls.iter().position(above)?))
            });
            let Some((event, first)) = found else {
                return Ok(ran);
            };
            // Nothing has qualified before that: it was the first that did.
            let process = self.copy_in_call(event, interrupt)?;
            let answered = StopAt::Answered(event);
            let waited = self.run_on(process, Watch::Nothing, answered, Vec::new(), interrupt)?;
            if waited.process.at.is_end {
                return Ok(waited);
            }
            let mut process = waited.process;
            known = process.ask(Splits)?;
            calls = calls.split_off(first);
            let below = calls.first().map_or(0, |call| call.outside);
            for call in &mut calls {
                call.outside -= below.min(call.outside);
            }
            search = search.at_depths(|depth| depth.saturating_sub(below));
            depth = depth.saturating_sub(below);
            self.on_stack = Some(calls.clone());
            ran = self.first_after(process, &search, interrupt)?;
        }
    }

    /// What a run backward has come to, if the frames that it watched were where they are now; or
    /// else what it would have, with the frames where they were then.
    pub(super) fn before_splits(
        &mut self,
        mut hit: Option<Hit>,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Option<Hit>> {
        if search.watch.for_frames().is_none() {
            return Ok(hit);
        }
        let Some(mut outermost) = self.outermost() else {
            return Ok(hit);
        };
        let mut search = search.clone();
        let mut splits = self.live.ask(Splits)?;
        loop {
            let of_it = splits.iter().rfind(|split| split.serial == outermost);
            let Some(event) = of_it.map(|split| split.event) else {
                return Ok(hit);
            };
            if hit.as_ref().is_some_and(|hit| hit.at.event > event) {
                return Ok(hit);
            }
            let mut process = self.copy_in_call(event, interrupt)?;
            let calls = process.ask(OnStack)?;
            let own = calls.iter().find(|call| call.serial == outermost);
            let below = own.map_or(0, |call| call.outside);
            splits = process.ask(Splits)?;
            let until = process.at.position;
            self.pool.checkpoints().keep(process);
            search = search.at_depths(|depth| depth.saturating_add(below));
            outermost = calls.first().map_or(0, |call| call.serial);
            self.on_stack = Some(calls);
            hit = self.last_before_from(until, until, &search, interrupt)?;
        }
    }
}
