//! Stepping into calls: where functions with lines are entered.
//!
//! A breakpoint at the beginning of each function would do; to set them takes tens
//! of milliseconds in a large module, and most steps enter something at once. So
//! first the clock stops at each tick, and only what is entered gets a breakpoint.

use super::near::Places;
use crate::component::ModuleId;
use crate::replay::Code;
use std::collections::BTreeSet;
use std::sync::Arc;

/// So many ticks are looked at, at about a microsecond each. Then it is cheaper to
/// have a breakpoint in each function.
const EACH: u32 = 1 << 14;

/// What a step may enter.
pub(super) struct Entering {
    /// For each module: where stepping into a function stops, ascending.
    body_starts: Arc<[Vec<u32>]>,
    foreign: BTreeSet<ModuleId>,
    left: u32,
}

impl Entering {
    /// Nothing in `foreign` modules is of interest.
    pub(super) fn new(foreign: BTreeSet<ModuleId>, body_starts: &Arc<[Vec<u32>]>) -> Entering {
        Entering {
            body_starts: body_starts.clone(),
            foreign,
            left: EACH,
        }
    }

    pub(super) fn wants_each_tick(&self) -> bool {
        self.left > 0
    }

    /// The clock has stopped, at the first instruction of a function if `entry` is
    /// given. Answers where breakpoints must be from now on, if anywhere.
    pub(super) fn tick(
        &mut self,
        code: &Code,
        module: ModuleId,
        entry: Option<u32>,
    ) -> Option<Places> {
        self.left -= 1;
        if self.left == 0 {
            return Some(self.all());
        }
        let entry = entry.filter(|_| !self.foreign.contains(&module))?;
        let starts = self.body_starts.get(module.0 as usize)?;
        let start = *starts.get(starts.partition_point(|start| *start < entry))?;
        let is_own = code.function_at(start) == code.function_at(entry);
        is_own.then(|| vec![(module, start)])
    }

    fn all(&self) -> Places {
        let modules = self.body_starts.iter().enumerate();
        let modules = modules.map(|(i, starts)| (ModuleId(i as u32), starts));
        let own = modules.filter(|(module, _)| !self.foreign.contains(module));
        own.flat_map(|(module, starts)| starts.iter().map(move |start| (module, *start)))
            .collect()
    }
}
