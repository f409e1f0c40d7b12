//! Line tables in the form that replayers watch.

use crate::component::ModuleId;
use crate::replay::Landing;
use crate::source::{Bodies, BodyNumber, Function, OWN, SourceLine};
use crate::timeline::Module;
use crate::timeline::processes::wire::rows::{BodyLine, FunctionRows, InlinedRows, Row};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

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

/// Rows worked out before: steps keep to a few functions.
pub(in crate::timeline) type RowsCache =
    RefCell<HashMap<(ModuleId, u32), Option<Arc<FunctionRows>>>>;

/// The rows of the function that holds `pc`. The prologue has none that count: a step never
/// stops there.
pub(in crate::timeline) fn rows_around(
    cache: &RowsCache,
    module: &Module,
    id: ModuleId,
    pc: u32,
) -> Option<Arc<FunctionRows>> {
    let function = module.source.function_at(pc)?;
    let key = (id, function.entry_pc);
    if let Some(known) = cache.borrow().get(&key) {
        return known.clone();
    }
    let rows = rows_of(module, id, function).map(Arc::new);
    cache.borrow_mut().insert(key, rows.clone());
    rows
}

fn rows_of(module: &Module, id: ModuleId, function: &Function) -> Option<FunctionRows> {
    let entry = module
        .code
        .entry_of(function.range.start.max(function.entry_pc))?;
    let bodies = module.source.bodies_around(function.entry_pc);
    let rows = rows_in(module, function, &bodies);
    if !rows.iter().any(|row| row.is_statement) {
        return None;
    }
    // Of calls that a compiler has made one it knows no line: nobody stands before them.
    let inlined = bodies.all_inlined().iter().map(|inlined| InlinedRows {
        parent: inlined.parent,
        call: inlined.call_site.filter(has_line).map(|at| at.line_key()),
    });
    let mut rows = FunctionRows {
        module: id,
        entry,
        end: function.range.end,
        inlined: inlined.collect(),
        rows,
        landings: Vec::new(),
    };
    rows.landings = landings_of(module, &rows);
    Some(rows)
}

/// Where statements begin behind the prologue, and where another body comes.
fn rows_in(module: &Module, function: &Function, bodies: &Bodies) -> Vec<Row> {
    let source = &module.source;
    let statements = source.statements(function.range.clone()).iter();
    let lines: BTreeMap<u32, u64> = statements
        .filter(|s| s.at.line != 0)
        .map(|s| (s.pc, s.at.line_key()))
        .collect();
    let changes = bodies.changes().iter();
    let changes: BTreeMap<u32, BodyNumber> = changes
        .filter(|(pc, _)| (function.entry_pc..function.range.end).contains(pc))
        .copied()
        .collect();
    let mut places: Vec<u32> = lines.keys().chain(changes.keys()).copied().collect();
    places.sort_unstable();
    places.dedup();
    let body_start = source.body_start(function);
    let mut now = BodyLine { body: OWN, line: 0 };
    let mut rows = Vec::new();
    for pc in places {
        let before = now;
        let is_statement = lines.contains_key(&pc);
        now.body = changes.get(&pc).copied().unwrap_or(before.body);
        now.line = match lines.get(&pc) {
            Some(line) => *line,
            None => line_without_statement(module, bodies, before, now.body, pc),
        };
        let begins = match now.body == before.body {
            true => None,
            false => bodies.begun_at(pc).last(),
        };
        if pc >= body_start {
            rows.push(Row {
                pc,
                at: now,
                is_statement,
                begins,
            });
        }
    }
    rows
}

/// The line where another body comes without a statement: after a call, the line of that.
fn line_without_statement(
    module: &Module,
    bodies: &Bodies,
    before: BodyLine,
    body: BodyNumber,
    pc: u32,
) -> u64 {
    let mut left = bodies
        .around(before.body)
        .filter_map(|left| bodies.inlined(left));
    let call = left.find(|left| left.parent == body);
    let line = match call {
        Some(call) => call.call_site,
        None => module.source.line_at(pc),
    };
    line.filter(has_line)
        .map_or(before.line, |line| line.line_key())
}

fn has_line(at: &SourceLine) -> bool {
    at.line != 0
}

/// Where branches come to, and may come from another line.
fn landings_of(module: &Module, rows: &FunctionRows) -> Vec<u32> {
    let line_at = |pc| rows.line_at(pc, None);
    let changes = |landing: &Landing| {
        let line = line_at(landing.pc);
        let (first, last) = landing.block;
        let from = rows.rows.partition_point(|row| row.pc <= first);
        let until = rows.rows.partition_point(|row| row.pc <= last);
        let inside = rows.rows.get(from..until).unwrap_or_default();
        line_at(first) != line || inside.iter().any(|inside| Some(inside.at) != line)
    };
    let landings = module.code.landings_around(rows.entry);
    let landings = landings.iter().flat_map(|l| l.iter());
    let mut landings: Vec<u32> = landings
        .filter(|landing| changes(landing))
        .map(|landing| landing.pc)
        .collect();
    landings.sort_unstable();
    landings.dedup();
    landings
}
