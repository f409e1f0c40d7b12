//! A second timeline of the same recording: whoever asks about the whole recording moves in
//! that one, while the session stays where it is.

use super::ahead::body_starts::BodyStarts;
use super::ahead::depths::Depths;
use super::ahead::outer::OuterVisits;
use super::ahead::surveys::Surveys;
use super::ahead::sweep::Sweep;
use super::passes::changes;
use super::processes::debugging::Debugging;
use super::processes::pool::Pool;
use super::processes::watching::{Watching, WatchingSweep};
use super::travel::breakpoints::Breakpoints;
use super::travel::calls_out::CallsOut;
use super::{Interrupt, Options, Result, Timeline, cannot, lines};
use crate::replay::Position;
use std::collections::HashMap;

impl Timeline {
    /// Another timeline of this recording, which stands where this one does. It has copies of
    /// some of its checkpoints, knows what is known of the recording, and lives no longer than
    /// this one.
    ///
    /// # Errors
    ///
    /// If it cannot be had, or if interrupted while the guest is compiled.
    pub fn twin(&mut self, interrupt: &Interrupt) -> Result<Timeline> {
        if self.is_early() {
            self.need_debug(interrupt, &|_| {})?;
        }
        self.collect();
        let limits = self.options.limits.of_twin();
        let pool = Pool::new(self.options.program.clone(), limits);
        let mut pool = pool.map_err(cannot("make a directory for more replayers"))?;
        let mut load = self.load.clone();
        if load.extent.is_some() {
            let extent = pool.keep_extent(&self.trace.extent());
            let extent = extent.map_err(cannot("tell replayers how far the recording goes"))?;
            pool.grow_as(&self.pool, extent.clone());
            load.extent = Some(extent);
        }
        for position in self.spread(limits.number / 2) {
            let copy = self
                .pool
                .fork_checkpoint(|checkpoints| checkpoints.at_or_before(position));
            // One that has died is not missed: others stand before it.
            if let Ok(Some(mut copy)) = copy {
                pool.adopt(&mut copy)?;
                pool.checkpoints().keep(copy);
            }
        }
        let mut live = self.pool.fork(&mut self.live)?;
        pool.adopt(&mut live)?;
        let options = self.options_of_twin();
        let sweep = match self.sweep {
            Sweep::Over => Sweep::Over,
            Sweep::ToCome | Sweep::Running(_) => Sweep::to_come(&options),
        };
        let depths = match &self.depths {
            Depths::Known(profile) => Depths::Known(profile.clone()),
            _ => Depths::Unwanted,
        };
        let surveys = match self.survey() {
            Some(survey) => Surveys::Known(survey),
            None => Surveys::Unwanted,
        };
        Ok(Timeline {
            trace: self.trace.clone(),
            modules: self.modules.clone(),
            debugging: Debugging::starting_with(load.variant),
            watching: Watching::default(),
            watching_sweep: WatchingSweep::default(),
            here: self.here.clone(),
            unbegun: self.unbegun,
            waits_for_code: None,
            on_stack: None,
            of_stack: None,
            looked_at: None,
            left: Vec::new(),
            returned: None,
            measured: self.measured,
            outer: OuterVisits::default(),
            calls_out: CallsOut::default(),
            breakpoints: Breakpoints::default(),
            stepping: self.stepping.clone(),
            marks: HashMap::new(),
            rows: lines::RowsCache::default(),
            body_starts: BodyStarts::later(self.modules.clone(), self.stepping.clone()),
            changes: changes::Known::default(),
            counts: self.counts.clone(),
            come_to: None,
            is_cut_short: false,
            options,
            load,
            pool,
            live,
            sweep,
            depths,
            surveys,
        })
    }

    /// How another timeline is opened beside this one.
    pub fn options_of_twin(&self) -> Options {
        Options {
            limits: self.options.limits.of_twin(),
            ..self.options.clone()
        }
    }

    /// At most so many of the checkpoints, as far from each other as they are.
    fn spread(&self, most: usize) -> Vec<Position> {
        let positions: Vec<Position> = self.pool.checkpoints().positions().collect();
        let step = positions.len().div_ceil(most.max(1)).max(1);
        let last = positions.last().copied();
        let mut chosen: Vec<Position> = positions.into_iter().step_by(step).collect();
        if chosen.last() != last.as_ref() {
            chosen.extend(last);
        }
        chosen
    }
}
