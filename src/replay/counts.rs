//! How often each instruction ran, over the whole recording.

use super::compiled::Compiled;
use super::error::ReplayError;
use super::position::Tick;
use super::probes::probe_memory;
use super::run::Replay;
use super::state::{Observer, State};
use crate::component::ModuleId;
use crate::instrument::probe::{Layout, Probe, Segments};
use crate::trace::Trace;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wasmtime::{AsContextMut, StoreContextMut};

/// Ticks between two looks whether it is cancelled.
const SLICE: u64 = 1 << 22;

/// How often each instruction of a recording ran: exactly, but for the innermost function
/// at a trap, of which instructions behind the one that trapped count as if they had run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    modules: Vec<OfModule>,
    end: Tick,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct OfModule {
    segments: Arc<Segments>,
    /// Of each segment.
    counts: Vec<u64>,
}

impl Counts {
    /// Replays the whole recording, compiled to be counted. Setting `cancelled` ends it
    /// soon.
    ///
    /// # Errors
    ///
    /// If cancelled, if the recording is compiled in another variant, or if replay fails.
    pub fn of(
        trace: &Arc<Trace>,
        compiled: &Compiled,
        cancelled: &Arc<AtomicBool>,
    ) -> Result<Counts, ReplayError> {
        if compiled.variant.probe() != Some(Probe::Count) {
            return Err(ReplayError::NotForCounts);
        }
        let modules = compiled.modules.iter().map(|module| {
            let segments = module.segments.clone();
            let counts = vec![0; segments.count() as usize];
            OfModule { segments, counts }
        });
        let mut modules: Vec<OfModule> = modules.collect();
        let waiting = Waiting(cancelled.clone());
        let mut replay = Replay::new(trace.clone(), compiled, Box::new(waiting))?;
        State::arm(replay.store(), Tick(SLICE));
        replay.run()?;
        let store = replay.store();
        let end = State::now(&mut *store);
        for instance in store.data().instances().to_vec() {
            let Some(probe) = probe_memory(&mut *store, instance) else {
                continue;
            };
            let Some(module) = modules.get_mut(instance.module.0 as usize) else {
                continue;
            };
            // Where the counts begin does not depend on memories.
            let layout = Layout::new(Probe::Count, 0, module.segments.count(), false);
            let from = layout.of_segment(0) as usize;
            let counted = probe.data(&*store).get(from..).unwrap_or_default();
            for (count, bytes) in module.counts.iter_mut().zip(counted.as_chunks().0) {
                *count += u64::from_le_bytes(*bytes);
            }
        }
        Ok(Counts { modules, end })
    }

    /// How often the instruction at `pc`, an offset in the original module, ran. `None` if
    /// it does nothing by itself, as the end of a block.
    pub fn at(&self, module: ModuleId, pc: u32) -> Option<u64> {
        let module = self.modules.get(module.0 as usize)?;
        if module.segments.is_structure(pc) {
            return None;
        }
        let segment = module.segments.around(pc).next()?;
        module.counts.get(segment as usize).copied()
    }

    /// The last tick of the recording, as far as optimised code can tell.
    pub fn end(&self) -> Tick {
        self.end
    }
}

/// Until it is over, or cancelled.
struct Waiting(Arc<AtomicBool>);

impl Observer for Waiting {
    fn tick(&mut self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        if self.0.load(Ordering::Relaxed) {
            return Err(wasmtime::Error::from(ReplayError::Cancelled));
        }
        let now = State::now(&mut *store);
        State::arm(store.as_context_mut(), Tick(now.0 + SLICE));
        Ok(())
    }
}
