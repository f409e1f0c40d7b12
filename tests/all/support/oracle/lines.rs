//! What a line step must do, told from all moments there are.
//!
//! A *row* is a statement of the line table behind its function's prologue. A line
//! *starts* at a row if the instruction that the same activation ran before belongs to
//! another line. For a step that goes over calls, what is inlined deeper than where the
//! activation is belongs to the line that calls it.

use super::Oracle;
use rr_dap::component::ModuleId;
use rr_dap::replay::{Code, Phase};
use rr_dap::source::{ModuleSource, SourceLine};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

/// Inlined bodies count for themselves.
const OWN_LINES: usize = usize::MAX;

/// The rows of a function: the line of each.
#[derive(Debug, Default)]
struct Rows(BTreeMap<u32, u64>);

impl Rows {
    /// The line of the code at a place, row or not.
    fn line_around(&self, pc: u32) -> Option<u64> {
        self.0.range(..=pc).next_back().map(|(_, line)| *line)
    }
}

/// A function of a module, by its first instruction, as seen from some inlined bodies
/// deep.
type Seen = (ModuleId, u32, usize);

pub(super) struct Lines {
    /// For each module, where bodies of functions with lines begin.
    body_starts: Vec<HashSet<u32>>,
    rows: RefCell<HashMap<Seen, Rc<Rows>>>,
}

impl Lines {
    pub(super) fn new(modules: &[(Code, ModuleSource)]) -> Lines {
        let body_starts = modules.iter().map(|(_, source)| {
            let functions = source.functions();
            let lined = functions.filter(|f| {
                let statements = source.statements(f.range.clone());
                statements.iter().any(|s| s.at.line != 0)
            });
            lined.map(|f| source.body_start(f)).collect()
        });
        Lines {
            body_starts: body_starts.collect(),
            rows: RefCell::default(),
        }
    }
}

fn rows_of(source: &ModuleSource, pc: u32, level: usize) -> Rows {
    let Some(function) = source.function_at(pc) else {
        return Rows::default();
    };
    let body = source.body_start(function);
    let statements = source.statements(function.range.clone()).iter();
    let rows = statements.filter(|s| s.pc >= body && s.at.line != 0);
    let rows = rows.map(|s| (s.pc, seen_from(source, s.pc, s.at, level).line_key()));
    Rows(rows.collect())
}

fn seen_from(source: &ModuleSource, pc: u32, own: SourceLine, level: usize) -> SourceLine {
    if level == OWN_LINES {
        return own;
    }
    // Innermost first.
    let mut bodies = source.inlined_at(pc);
    bodies.reverse();
    let deeper = bodies.get(level).and_then(|body| body.call_site);
    deeper.unwrap_or(own)
}

impl Oracle {
    fn source(&self, module: ModuleId) -> &ModuleSource {
        &self.modules[module.0 as usize].1
    }

    fn rows(&self, frame: usize, at: usize, level: usize) -> Rc<Rows> {
        let module = self.activations[frame].module;
        let pc = self.pc_of(frame, at);
        let source = self.source(module);
        let entry = source.function_at(pc).map_or(pc, |f| f.entry_pc);
        let mut rows = self.lines.rows.borrow_mut();
        let made = rows
            .entry((module, entry, level))
            .or_insert_with(|| Rc::new(rows_of(source, pc, level)));
        made.clone()
    }

    /// How many inlined bodies deep an activation is.
    fn level(&self, frame: usize, at: usize) -> usize {
        let source = self.source(self.activations[frame].module);
        source.inlined_at(self.pc_of(frame, at)).len()
    }

    pub fn any_lines(&self) -> bool {
        self.lines
            .body_starts
            .iter()
            .any(|starts| !starts.is_empty())
    }

    fn has_line(&self, frame: usize, at: usize) -> bool {
        let source = self.source(self.activations[frame].module);
        let line = source.line_at(self.pc_of(frame, at));
        line.is_some_and(|line| line.line != 0)
    }

    /// The activations at a moment from the innermost one with a line on outward.
    fn lined_stack(&self, at: usize) -> Option<Vec<usize>> {
        let stack = self.stack(at);
        let lined = stack.iter().position(|frame| self.has_line(*frame, at))?;
        Some(stack[lined..].to_vec())
    }

    fn is_body_start(&self, at: usize) -> bool {
        let moment = &self.moments[at];
        moment.frame.is_some_and(|frame| {
            let module = self.activations[frame].module;
            moment.position.phase == Phase::Before
                && self.lines.body_starts[module.0 as usize].contains(&moment.position.pc)
        })
    }

    /// The next line start of the innermost activation with lines, or of those that it
    /// returns to; into: or the beginning of a function with lines that they call.
    pub(super) fn line_forward(&self, from: usize, into: bool) -> Option<usize> {
        let Some(stack) = self.lined_stack(from) else {
            let mut after = from + 1..self.moments.len();
            return match self.any_lines() {
                true => after.find(|i| self.is_body_start(*i)),
                false => self.instruction_after(from),
            };
        };
        let mut counted: HashMap<usize, (Rc<Rows>, Option<u64>)> = HashMap::new();
        for frame in stack {
            let rows = self.rows(frame, from, self.level(frame, from));
            let line = rows.line_around(self.pc_of(frame, from));
            counted.insert(frame, (rows, line));
        }
        // Activations between the innermost one and the one with lines.
        let inner: HashSet<usize> = self.stack(from).into_iter().collect();
        for i in from + 1..self.moments.len() {
            let moment = &self.moments[i];
            let (Phase::Before, Some(frame)) = (moment.position.phase, moment.frame) else {
                continue;
            };
            match counted.get_mut(&frame) {
                Some((rows, line)) => {
                    let pc = moment.position.pc;
                    let passed = rows.0.get(&pc).copied();
                    let before = std::mem::replace(line, rows.line_around(pc));
                    if passed.is_some() && before != passed {
                        return Some(i);
                    }
                }
                None if into && !inner.contains(&frame) && self.is_body_start(i) => {
                    return Some(i);
                }
                None => {}
            }
        }
        None
    }

    /// The line starts of an activation before a moment, ascending.
    fn starts(&self, frame: usize, before: usize, level: usize) -> Vec<usize> {
        let Some(first) = self.activations[frame].moments.first() else {
            return Vec::new();
        };
        let rows = self.rows(frame, *first, level);
        let mut line = None;
        let mut starts = Vec::new();
        for i in &self.activations[frame].moments {
            if *i >= before {
                break;
            }
            let pc = self.moments[*i].position.pc;
            let passed = rows.0.get(&pc).copied();
            if passed.is_some() && passed != line {
                starts.push(*i);
            }
            line = rows.line_around(pc);
        }
        starts
    }

    /// The last line start of the innermost activation with lines, or of those that
    /// called it.
    pub(super) fn line_back_over(&self, from: usize) -> Option<usize> {
        let Some(stack) = self.lined_stack(from) else {
            return self.line_back_from_outside(from);
        };
        let starts = stack.into_iter().filter_map(|frame| {
            let level = self.level(frame, from);
            self.starts(frame, from, level).pop()
        });
        starts.max()
    }

    /// The last line start of all, in whatever activation.
    pub(super) fn line_back_into(&self, from: usize) -> Option<usize> {
        if self.lined_stack(from).is_none() {
            return self.line_back_from_outside(from);
        }
        let frames = 0..self.activations.len();
        let starts = frames.filter_map(|frame| {
            let first = *self.activations[frame].moments.first()?;
            (first < from).then(|| self.starts(frame, from, OWN_LINES).pop())?
        });
        starts.max()
    }

    /// Where no activation has a line: the last line start of the last stack that had
    /// some.
    fn line_back_from_outside(&self, from: usize) -> Option<usize> {
        if !self.any_lines() {
            return self.instruction_before(from);
        }
        let last = (0..from).rev().find(|i| self.lined_stack(*i).is_some())?;
        let stack = self.lined_stack(last)?;
        let starts = stack.into_iter().filter_map(|frame| {
            let level = self.level(frame, last);
            self.starts(frame, last + 1, level).pop()
        });
        starts.max()
    }

    /// The first moment after the return to the nearest caller with lines, or to the
    /// nearest caller at all; where that is unwound, to the one that catches.
    pub(super) fn out_forward(&self, from: usize) -> Option<usize> {
        let stack = match self.lined_stack(from) {
            Some(stack) => stack,
            None => self.stack(from),
        };
        let outside = stack.get(1..).unwrap_or_default();
        let lined = outside.iter().position(|frame| self.has_line(*frame, from));
        let callers: HashSet<usize> = outside[lined.unwrap_or(0)..].iter().copied().collect();
        let mut after = from + 1..self.moments.len();
        after.find(|i| {
            let moment = &self.moments[*i];
            moment.position.phase == Phase::Before
                && moment.frame.is_some_and(|frame| callers.contains(&frame))
        })
    }

    /// The instruction before the call that began the innermost activation with lines,
    /// or the innermost one at all.
    pub(super) fn out_back(&self, from: usize) -> Option<usize> {
        let stack = match self.lined_stack(from) {
            Some(stack) => stack,
            None => self.stack(from),
        };
        let begun = *self.activations[*stack.first()?].moments.first()?;
        self.instruction_before(begun)
    }
}
