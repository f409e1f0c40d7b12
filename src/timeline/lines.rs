//! Line tables in the form that replayers watch.

use super::Module;
use super::wire::FunctionRows;
use crate::component::ModuleId;
use crate::source::Function;

/// Where stepping into each function of a module stops, ascending.
pub(super) fn body_starts(module: &Module) -> Vec<u32> {
    if !module.source.has_lines() {
        return Vec::new();
    }
    let mut starts: Vec<u32> = module
        .source
        .functions()
        .filter(|f| has_rows(module, f))
        .map(|f| module.source.body_start(f))
        .collect();
    starts.sort_unstable();
    starts.dedup();
    starts
}

fn has_rows(module: &Module, function: &Function) -> bool {
    module
        .source
        .statements(function.range.clone())
        .iter()
        .any(|s| s.at.line != 0)
}

/// The rows of the function that holds `pc`, if it has lines. The prologue has
/// none that count: a step never stops there.
pub(super) fn rows_around(module: &Module, id: ModuleId, pc: u32) -> Option<FunctionRows> {
    let function = module.source.function_at(pc)?;
    rows_of(module, id, function)
}

/// The rows of every function with lines.
pub(super) fn all_rows(module: &Module, id: ModuleId) -> Vec<FunctionRows> {
    module
        .source
        .functions()
        .filter_map(|f| rows_of(module, id, f))
        .collect()
}

fn rows_of(module: &Module, id: ModuleId, function: &Function) -> Option<FunctionRows> {
    let entry = module
        .code
        .entry_of(function.range.start.max(function.entry_pc))?;
    let body_start = module.source.body_start(function);
    let rows: Vec<(u32, u64)> = module
        .source
        .statements(function.range.clone())
        .iter()
        .filter(|s| s.pc >= body_start && s.at.line != 0)
        .map(|s| (s.pc, s.at.line_key()))
        .collect();
    if rows.is_empty() {
        return None;
    }
    Some(FunctionRows {
        module: id,
        entry,
        end: function.range.end,
        rows,
    })
}
