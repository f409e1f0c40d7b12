//! How often each line and each function of the recording ran: one replay of a variant that
//! counts.

use super::Recording;
use crate::component::ModuleId;
use crate::debuggee::{CountsOfSource, DebuggeeError, FunctionCounts, Output, SourceCounts};
use crate::source::ModuleSource;
use crate::timeline::Interrupt;
use std::collections::BTreeMap;

impl Recording {
    pub(super) fn count_all(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<SourceCounts, DebuggeeError> {
        let counts = self.timeline.counts(interrupt, &|pass| {
            output.progress(pass.percent(), "counting how often each line ran");
        })?;
        let mut all = SourceCounts::default();
        let modules = (0..).map(ModuleId).zip(self.timeline.modules().iter());
        for (id, module) in modules {
            add(&mut all, &module.source, &|pc| counts.at(id, pc));
        }
        Ok(all)
    }
}

/// Adds what a module ran.
fn add(all: &mut SourceCounts, source: &ModuleSource, ran: &dyn Fn(u32) -> Option<u64>) {
    for (_, path) in source.files() {
        let of_source: &mut CountsOfSource = all.sources.entry(path.to_owned()).or_default();
        for line in source.breakable_lines(path, 0..u32::MAX) {
            let places = source.breakpoint_places(path, line.line).into_iter();
            let visits: u64 = places.filter_map(|place| ran(place.pc)).sum();
            *of_source.lines.entry(line.line).or_default() += visits;
        }
    }
    let mut calls: BTreeMap<(&str, u32), FunctionCounts> = BTreeMap::new();
    for function in source.beginnings(&|_| true) {
        let Some(declared) = function.declared else {
            continue;
        };
        let place = (source.file(declared.file), declared.line);
        let counted = calls.entry(place).or_insert_with(|| FunctionCounts {
            name: function.name,
            line: declared.line,
            calls: 0,
        });
        counted.calls += ran(function.pc).unwrap_or(0);
    }
    for ((path, _), counted) in calls {
        let of_source = all.sources.entry(path.to_owned()).or_default();
        let known = of_source.functions.iter_mut();
        match known.into_iter().find(|known| known.line == counted.line) {
            Some(known) => known.calls += counted.calls,
            None => of_source.functions.push(counted),
        }
    }
}
