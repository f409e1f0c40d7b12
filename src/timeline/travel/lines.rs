//! Line tables in the form that replayers watch.

use crate::component::ModuleId;
use crate::replay::Landing;
use crate::source::{Function, SourceLine};
use crate::timeline::Module;
use crate::timeline::processes::wire::run::FunctionRows;
use std::cell::RefCell;
use std::collections::HashMap;

/// Where stepping into each function of a module stops, ascending.
pub(in crate::timeline) fn body_starts(module: &Module) -> Vec<u32> {
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

/// Rows worked out before: looking up what is inlined at each row of a large
/// function takes tens of milliseconds, and steps keep to a few functions.
pub(in crate::timeline) type RowsCache =
    RefCell<HashMap<(ModuleId, u32, usize), Option<FunctionRows>>>;

/// The rows of the function that holds `pc`, as they look from the inlined body
/// that runs there: what is inlined deeper counts as part of the line that calls
/// it, so that a step goes over it as over a call. The prologue has no rows that
/// count: a step never stops there.
pub(super) fn rows_around(
    cache: &RowsCache,
    module: &Module,
    id: ModuleId,
    pc: u32,
) -> Option<FunctionRows> {
    let function = module.source.function_at(pc)?;
    let level = module.source.inlined_at(pc).len();
    remembered(cache, module, id, function, level)
}

/// The rows of the function that begins at `entry`, inlined bodies counting for
/// themselves.
pub(super) fn all_rows_at(
    cache: &RowsCache,
    module: &Module,
    id: ModuleId,
    entry: u32,
) -> Option<FunctionRows> {
    let function = module.source.function_at(entry)?;
    remembered(cache, module, id, function, usize::MAX)
}

fn remembered(
    cache: &RowsCache,
    module: &Module,
    id: ModuleId,
    function: &Function,
    level: usize,
) -> Option<FunctionRows> {
    let key = (id, function.entry_pc, level);
    if let Some(known) = cache.borrow().get(&key) {
        return known.clone();
    }
    let rows = rows_of(module, id, function, level);
    cache.borrow_mut().insert(key, rows.clone());
    rows
}

fn rows_of(
    module: &Module,
    id: ModuleId,
    function: &Function,
    level: usize,
) -> Option<FunctionRows> {
    let entry = module
        .code
        .entry_of(function.range.start.max(function.entry_pc))?;
    let body_start = module.source.body_start(function);
    let rows: Vec<(u32, u64)> = module
        .source
        .statements(function.range.clone())
        .iter()
        .filter(|s| s.pc >= body_start && s.at.line != 0)
        .map(|s| (s.pc, seen_from(module, s.pc, s.at, level).line_key()))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let mut rows = FunctionRows {
        module: id,
        entry,
        end: function.range.end,
        rows,
        landings: Vec::new(),
    };
    rows.landings = landings_of(module, &rows);
    Some(rows)
}

/// Where branches come to the middle of a line, and may come from another one.
fn landings_of(module: &Module, rows: &FunctionRows) -> Vec<u32> {
    let is_row = |pc: u32| rows.rows.binary_search_by_key(&pc, |(row, _)| *row).is_ok();
    let changes = |landing: &Landing| {
        let line = rows.line_at(landing.pc);
        let (first, last) = landing.block;
        let from = rows.rows.partition_point(|(row, _)| *row <= first);
        let until = rows.rows.partition_point(|(row, _)| *row <= last);
        let inside = rows.rows.get(from..until).unwrap_or_default();
        rows.line_at(first) != line || inside.iter().any(|(_, inside)| Some(*inside) != line)
    };
    let landings = module.code.landings_around(rows.entry);
    let landings = landings.iter().flat_map(|l| l.iter());
    landings
        .filter(|landing| !is_row(landing.pc) && changes(landing))
        .map(|landing| landing.pc)
        .collect()
}

/// The line that the code at `pc` belongs to, for someone `level` inlined bodies
/// deep: the call site of the first body deeper than that.
fn seen_from(module: &Module, pc: u32, own: SourceLine, level: usize) -> SourceLine {
    if level == usize::MAX {
        return own;
    }
    let inlined = module.source.inlined_at(pc);
    let deeper = inlined.len().checked_sub(level + 1);
    deeper
        .and_then(|i| inlined.get(i)?.call_site)
        .unwrap_or(own)
}
