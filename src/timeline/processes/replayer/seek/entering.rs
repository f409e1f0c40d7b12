//! Stepping into calls: where functions with lines are entered.
//!
//! A breakpoint at the beginning of each function would do; to set them takes tens
//! of milliseconds in a large module, and most steps enter something at once. So
//! first the clock stops at each tick, and only what is entered gets a breakpoint.

use crate::component::ModuleId;
use crate::replay::Code;
use crate::timeline::processes::replayer::next::Places;
use crate::timeline::processes::wire::run::StepInto;
use std::collections::BTreeSet;

/// So many ticks are looked at, at about a microsecond each. Then it is cheaper to
/// have a breakpoint in each function.
const EACH: u32 = 1 << 14;

/// What a step may enter.
pub(super) struct Entering {
    /// For each module: where stepping into a function stops, ascending.
    body_starts: Vec<Vec<u32>>,
    foreign: BTreeSet<ModuleId>,
    left: u32,
}

impl Entering {
    pub(super) fn new(into: StepInto) -> Entering {
        let starts = std::fs::read(&into.body_starts).map_err(|error| error.to_string());
        let starts = starts
            .and_then(|bytes| postcard::from_bytes(&bytes).map_err(|error| error.to_string()));
        // Without them a step goes over calls.
        let body_starts = starts.unwrap_or_else(|error| {
            tracing::warn!("cannot step into functions: {error}");
            Vec::new()
        });
        Entering {
            body_starts,
            foreign: into.foreign,
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
