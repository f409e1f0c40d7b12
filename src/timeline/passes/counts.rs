//! How often each instruction ran in the whole recording: one replay of optimised code.

use crate::instrument::probe::Probe;
use crate::replay::Compiled;
use crate::replay::ReplayError;
use crate::replay::counts::Counts;
use crate::replay::variant::Variant;
use crate::timeline::processes::compiling::Compiling;
use crate::timeline::travel::motion::Place;
use crate::timeline::{Interrupt, Pass, Result, Timeline, TimelineError, cannot};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a wait looks whether it is interrupted.
const POLL: Duration = Duration::from_millis(10);

impl Timeline {
    /// How often each instruction ran. The first time this replays the recording.
    ///
    /// # Errors
    ///
    /// If interrupted, if the guest cannot be compiled for it, or if replay diverges.
    pub fn counts(
        &mut self,
        interrupt: &Interrupt,
        progress: &dyn Fn(Pass),
    ) -> Result<Arc<Counts>> {
        if let Some(counts) = &self.counts {
            return Ok(counts.clone());
        }
        let cache = self.options.cache.clone();
        let variant = Variant::Probed(Probe::Count);
        let compiling = Compiling::start(self.trace.clone(), cache, variant)?;
        let compiled = compiling.finish(interrupt, &|_| {})?;
        let counts = Arc::new(self.count_all(compiled, interrupt, progress)?);
        self.counts = Some(counts.clone());
        Ok(counts)
    }

    fn count_all(
        &self,
        compiled: Compiled,
        interrupt: &Interrupt,
        progress: &dyn Fn(Pass),
    ) -> Result<Counts> {
        let trace = self.trace.clone();
        let cancelled = Arc::new(AtomicBool::new(false));
        let cancels = cancelled.clone();
        let thread = std::thread::Builder::new().name("counting".into());
        let counting = thread.spawn(move || Counts::of(&trace, &compiled, &cancels));
        let counting = counting.map_err(cannot("start a thread that counts"))?;
        let end = self.known_end().map(|end| end.tick);
        while !counting.is_finished() {
            if interrupt.is_raised() {
                cancelled.store(true, Ordering::Relaxed);
            }
            let at = crate::replay::Tick(0);
            progress(Pass { at, end });
            std::thread::sleep(POLL);
        }
        match counting.join() {
            Ok(Ok(counts)) => Ok(counts),
            Ok(Err(ReplayError::Cancelled)) => Err(TimelineError::Interrupted),
            Ok(Err(error)) => Err(TimelineError::Failed(error.to_string())),
            Err(_) => Err(TimelineError::Failed("counting has panicked".into())),
        }
    }

    /// How often some places were visited, if all are in code that is counted.
    pub(super) fn counted_at(
        &mut self,
        places: &[Place],
        interrupt: &Interrupt,
        progress: &dyn Fn(Pass),
    ) -> Result<Option<u64>> {
        let in_code = places.iter().map(|place| match place {
            Place::Code { module, pc } | Place::Call { module, pc, .. } => Some((*module, *pc)),
            _ => None,
        });
        let Some(mut in_code) = in_code.collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        in_code.sort_unstable();
        in_code.dedup();
        let counts = self.counts(interrupt, progress)?;
        let each = in_code.iter().map(|(module, pc)| counts.at(*module, *pc));
        Ok(each.sum())
    }
}
