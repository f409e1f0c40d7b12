//! What a line step must do, told from all moments there are.
//!
//! A *row* is a statement of the line table behind its function's prologue. A line
//! *starts* at a row if the instruction that the same activation ran before belongs to
//! another line. For a step that goes over calls, what is inlined elsewhere than where the
//! activation is belongs to the line that calls it, and that line starts where the body
//! begins.

use super::Oracle;
use rr_dap::component::ModuleId;
use rr_dap::replay::{Code, Phase};
use rr_dap::source::{InlinedCall, ModuleSource};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

/// The calls inlined at a place, outermost first.
type Chain = Rc<[InlinedCall]>;

/// A moment, and how many of the inlined calls that begin there are still ahead.
pub(super) type Stand = (usize, u32);

/// A line as one of an inlined body.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    chain: Chain,
    line: Option<u64>,
}

/// What is known of a place.
#[derive(Debug, Clone)]
struct Row {
    at: Line,
    is_statement: bool,
    /// How many of the calls around it are inlined around the code before it, too.
    begun: usize,
}

/// The rows of a function, and the places where other bodies come.
#[derive(Debug, Default)]
struct Rows(BTreeMap<u32, Row>);

impl Rows {
    /// The row of the code at a place.
    fn around(&self, pc: u32) -> Option<&Row> {
        self.0.range(..=pc).next_back().map(|(_, row)| row)
    }
}

pub(super) struct Lines {
    /// For each module, where bodies of functions with lines begin.
    body_starts: Vec<HashSet<u32>>,
    rows: RefCell<HashMap<(ModuleId, u32), Rc<Rows>>>,
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

fn chain_at(source: &ModuleSource, pc: u32) -> Chain {
    source.inlined_at(pc).into_iter().rev().collect()
}

/// How many calls two places have in common.
fn common(a: &[InlinedCall], b: &[InlinedCall]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

fn rows_of(code: &Code, source: &ModuleSource, pc: u32) -> Rows {
    let mut rows = Rows::default();
    let Some(function) = source.function_at(pc) else {
        return rows;
    };
    let body = source.body_start(function);
    let statements = source.statements(function.range.clone()).iter();
    let statements: HashMap<u32, u64> = statements
        .filter(|s| s.at.line != 0)
        .map(|s| (s.pc, s.at.line_key()))
        .collect();
    if !statements.keys().any(|pc| *pc >= body) {
        return rows;
    }
    let mut before = Line {
        chain: Rc::from([]),
        line: None,
    };
    let instructions = code.instructions_around(pc).expect("code");
    for pc in instructions.iter().copied() {
        let chain = chain_at(source, pc);
        let begun = common(&before.chain, &chain);
        let statement = statements.get(&pc).copied();
        if chain == before.chain && statement.is_none() {
            continue;
        }
        let left = before
            .chain
            .get(chain.len())
            .filter(|_| begun == chain.len());
        let untold = match left {
            Some(left) => left.call_site,
            None => source.line_at(pc),
        };
        let line = statement.or(untold.map(|at| at.line_key())).or(before.line);
        before = Line { chain, line };
        if pc >= body {
            let row = Row {
                at: before.clone(),
                is_statement: statement.is_some(),
                begun,
            };
            rows.0.insert(pc, row);
        }
    }
    rows
}

/// An activation on its way through the lines of its function.
struct Way {
    rows: Rc<Rows>,
    /// The calls that count as such: those that the activation is in. `None` for all.
    from: Option<Chain>,
    line: Option<Line>,
}

impl Way {
    fn new(rows: Rc<Rows>, from: Option<Chain>) -> Way {
        let line = None;
        Way { rows, from, line }
    }

    /// The same, in the middle of it.
    fn at(rows: Rc<Rows>, from: Option<Chain>, pc: u32) -> Way {
        let mut way = Way::new(rows, from);
        way.line = way.rows.around(pc).map(|row| way.seen(&row.at));
        way
    }

    fn seen(&self, at: &Line) -> Line {
        let Some(from) = &self.from else {
            return at.clone();
        };
        let known = common(from, &at.chain);
        match at.chain.get(known) {
            None => at.clone(),
            Some(elsewhere) => Line {
                chain: at.chain[..known].into(),
                line: elsewhere.call_site.map(|at| at.line_key()).or(at.line),
            },
        }
    }

    /// Comes to an instruction: if a line starts there, how many calls are ahead.
    fn come(&mut self, pc: u32) -> Option<u32> {
        let Some(row) = self.rows.around(pc).cloned() else {
            self.line = None;
            return None;
        };
        let is_row = self.rows.0.contains_key(&pc);
        let now = self.seen(&row.at);
        let before = self.line.replace(now.clone());
        let all = row.at.chain.len();
        if !is_row {
            return None;
        }
        if self.from.is_none() {
            let new = row.at.chain.get(row.begun);
            let was_inside = before
                .as_ref()
                .is_some_and(|before| common(&before.chain, &row.at.chain) > row.begun);
            if let Some(new) = new.filter(|_| !was_inside) {
                let call = Line {
                    chain: row.at.chain[..row.begun].into(),
                    line: new.call_site.map(|at| at.line_key()),
                };
                let is_before = call.line.is_some() && before != Some(call);
                let inside = row.begun + usize::from(!is_before);
                return Some((all - inside) as u32);
            }
        }
        let known = now.chain.len();
        let may_start = match known == all {
            true => row.is_statement,
            false => known >= row.begun && row.at.chain[known].call_site.is_some(),
        };
        (may_start && before != Some(now)).then_some((all - known) as u32)
    }
}

impl Oracle {
    fn source(&self, module: ModuleId) -> &ModuleSource {
        &self.modules[module.0 as usize].1
    }

    fn rows(&self, frame: usize, at: usize) -> Rc<Rows> {
        let module = self.activations[frame].module;
        let pc = self.pc_of(frame, at);
        let (code, source) = &self.modules[module.0 as usize];
        let entry = source.function_at(pc).map_or(pc, |f| f.entry_pc);
        let mut rows = self.lines.rows.borrow_mut();
        let made = rows
            .entry((module, entry))
            .or_insert_with(|| Rc::new(rows_of(code, source, pc)));
        made.clone()
    }

    /// The inlined calls that an activation is in, but for those that are ahead.
    fn chain(&self, frame: usize, (at, ahead): Stand) -> Chain {
        let rows = self.rows(frame, at);
        let row = rows.around(self.pc_of(frame, at));
        let chain = row.map_or(Rc::from([]), |row| row.at.chain.clone());
        let ahead = match self.moments[at].frame == Some(frame) {
            true => ahead as usize,
            false => 0,
        };
        chain[..chain.len() - ahead].into()
    }

    /// How many inlined calls begin at a moment.
    pub(super) fn beginning(&self, at: usize) -> u32 {
        let moment = &self.moments[at];
        let Some(frame) = moment
            .frame
            .filter(|_| moment.position.phase == Phase::Before)
        else {
            return 0;
        };
        let rows = self.rows(frame, at);
        let row = rows.0.get(&moment.position.pc);
        row.map_or(0, |row| (row.at.chain.len() - row.begun) as u32)
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
    /// returns to; into: or the beginning of a function with lines that they call, or of a
    /// call that is inlined.
    pub(super) fn line_forward(&self, (from, ahead): Stand, into: bool) -> Option<Stand> {
        let Some(stack) = self.lined_stack(from) else {
            let mut after = from + 1..self.moments.len();
            return match self.any_lines() {
                true => after
                    .find(|i| self.is_body_start(*i))
                    .map(|i| (i, self.beginning(i))),
                false => self.instruction_after(from).map(|i| (i, 0)),
            };
        };
        if into && ahead > 0 {
            return Some((from, ahead - 1));
        }
        let mut counted: HashMap<usize, Way> = HashMap::new();
        for frame in stack {
            let sight = (!into).then(|| self.chain(frame, (from, ahead)));
            let way = Way::at(self.rows(frame, from), sight, self.pc_of(frame, from));
            counted.insert(frame, way);
        }
        // Activations between the innermost one and the one with lines.
        let inner: HashSet<usize> = self.stack(from).into_iter().collect();
        for i in from + 1..self.moments.len() {
            let moment = &self.moments[i];
            let (Phase::Before, Some(frame)) = (moment.position.phase, moment.frame) else {
                continue;
            };
            match counted.get_mut(&frame) {
                Some(way) => {
                    if let Some(ahead) = way.come(moment.position.pc) {
                        return Some((i, ahead));
                    }
                }
                None if into
                    && (!self.trace.keeps_stacks()
                        || [moment.stack, moment.called_from]
                            .contains(&self.moments[from].stack))
                    && !inner.contains(&frame)
                    && self.is_body_start(i) =>
                {
                    return Some((i, self.beginning(i)));
                }
                None => {}
            }
        }
        None
    }

    /// The last line start of an activation before a moment, and the line that it is in
    /// then.
    fn last_start(
        &self,
        frame: usize,
        before: usize,
        sight: Option<Chain>,
    ) -> (Option<Stand>, Option<Line>) {
        let Some(first) = self.activations[frame].moments.first() else {
            return (None, None);
        };
        let mut way = Way::new(self.rows(frame, *first), sight);
        let mut last = None;
        for i in &self.activations[frame].moments {
            if *i >= before {
                break;
            }
            if let Some(ahead) = way.come(self.moments[*i].position.pc) {
                last = Some((*i, ahead));
            }
        }
        (last, way.line)
    }

    /// Where the innermost call of the innermost activation begins right here: the call, if
    /// its line starts here, as nothing of it ran before.
    fn call_here(&self, stand: Stand, frame: usize, before: Option<&Line>) -> Option<Stand> {
        let chain = self.begins_here(stand, frame)?;
        let (callers, call) = (&chain[..chain.len() - 1], chain.last()?);
        let inside = before.is_some_and(|before| common(&before.chain, &chain) == chain.len());
        let call = Line {
            chain: callers.into(),
            line: Some(call.call_site?.line_key()),
        };
        (!inside && before != Some(&call)).then_some((stand.0, stand.1 + 1))
    }

    /// The calls that the innermost activation is in, if the innermost of them begins here.
    fn begins_here(&self, stand: Stand, frame: usize) -> Option<Chain> {
        let at = stand.0;
        let moment = &self.moments[at];
        (moment.frame == Some(frame)).then_some(())?;
        let rows = self.rows(frame, at);
        let row = rows.0.get(&moment.position.pc)?;
        let chain = self.chain(frame, stand);
        (chain.len() > row.begun).then_some(chain)
    }

    /// The last line start of the innermost activation with lines, or of those that
    /// called it.
    pub(super) fn line_back_over(&self, stand: Stand) -> Option<Stand> {
        let Some(stack) = self.lined_stack(stand.0) else {
            return self.line_back_from_outside(stand.0);
        };
        let starts = stack.into_iter().filter_map(|frame| {
            let sight = Some(self.chain(frame, stand));
            let (start, line) = self.last_start(frame, stand.0, sight);
            self.call_here(stand, frame, line.as_ref()).or(start)
        });
        starts.max()
    }

    /// The last line start of all, in whatever activation of the stack, where there are several.
    pub(super) fn line_back_into(&self, stand: Stand) -> Option<Stand> {
        let (from, ahead) = stand;
        let Some(stack) = self.lined_stack(from) else {
            return self.line_back_from_outside(from);
        };
        if let Some(chain) = self.begins_here(stand, stack[0]) {
            let rows = self.rows(stack[0], from);
            let begun = rows.0[&self.moments[from].position.pc].begun;
            if chain.len() > begun + 1 {
                return Some((from, ahead + 1));
            }
            let (_, line) = self.last_start(stack[0], from, None);
            let call = self.call_here(stand, stack[0], line.as_ref());
            if call.is_some() {
                return call;
            }
        }
        let own = |frame: &usize| self.activations[*frame].stack == self.moments[from].stack;
        let keeps_stacks = self.trace.keeps_stacks();
        let frames = (0..self.activations.len()).filter(|frame| !keeps_stacks || own(frame));
        let starts = frames.filter_map(|frame| {
            let first = *self.activations[frame].moments.first()?;
            (first < from).then(|| self.last_start(frame, from, None).0)?
        });
        // In the innermost call that begins there.
        starts.max().map(|(at, _)| (at, 0))
    }

    /// Where no activation has a line: the last line start of the last stack that had
    /// some.
    fn line_back_from_outside(&self, from: usize) -> Option<Stand> {
        if !self.any_lines() {
            return self.instruction_before(from).map(|at| (at, 0));
        }
        let last = (0..from).rev().find(|i| self.lined_stack(*i).is_some())?;
        let stack = self.lined_stack(last)?;
        let starts = stack.into_iter().filter_map(|frame| {
            let sight = Some(self.chain(frame, (last, 0)));
            self.last_start(frame, last + 1, sight).0
        });
        starts.max()
    }

    /// The first moment after the return to the nearest caller with lines; from code without
    /// lines that has none, to the nearest caller at all; where that is unwound, to the one that
    /// catches. Out of an inlined call: the first moment outside of it.
    pub(super) fn out_forward(&self, stand: Stand) -> Option<Stand> {
        let from = stand.0;
        let lined = self.lined_stack(from);
        let has_lines = lined.is_some();
        let stack = lined.clone().unwrap_or_else(|| self.stack(from));
        let chain = match (lined, stack.first()) {
            (Some(_), Some(frame)) => self.chain(*frame, stand),
            _ => Rc::from([]),
        };
        let outside = stack.get(1..).unwrap_or_default();
        let lined = outside.iter().position(|frame| self.has_line(*frame, from));
        let nearest = lined.or((!has_lines).then_some(0));
        let callers = nearest.map_or(&[][..], |nearest| &outside[nearest..]);
        let callers: HashSet<usize> = callers.iter().copied().collect();
        let mut is_in_gap = false;
        for i in from + 1..self.moments.len() {
            let moment = &self.moments[i];
            let (Phase::Before, Some(frame)) = (moment.position.phase, moment.frame) else {
                continue;
            };
            if callers.contains(&frame) {
                return Some((i, self.beginning(i)));
            }
            if chain.is_empty() || frame != stack[0] {
                continue;
            }
            let rows = self.rows(frame, from);
            let row = rows.around(moment.position.pc);
            let known = row.map_or(0, |row| common(&row.at.chain, &chain));
            if known == chain.len() {
                is_in_gap = false;
                continue;
            }
            let exact = rows.0.get(&moment.position.pc);
            // An instruction without a line, or of a line of the body, is in a gap of that.
            let is_around = row.is_none_or(|row| row.at.chain.len() == known);
            let source = self.source(self.activations[frame].module);
            let line = source.line_at(moment.position.pc);
            let line = line
                .filter(|line| line.line != 0)
                .map(|line| line.line_key());
            let is_own = |line: u64| {
                let mut of_body = rows
                    .0
                    .values()
                    .filter(|row| row.at.chain.starts_with(&chain));
                of_body.any(|row| row.at.line == Some(line))
            };
            let is_gap = is_around && line.is_none_or(is_own);
            if is_gap || (is_in_gap && exact.is_none_or(|row| is_around && !row.is_statement)) {
                is_in_gap = true;
                continue;
            }
            let ahead = exact.filter(|row| known >= row.begun);
            let ahead = ahead.map_or(0, |row| row.at.chain.len() - known.min(chain.len() - 1));
            return Some((i, ahead as u32));
        }
        None
    }

    /// The instruction before the call by which the nearest caller with lines, or the nearest
    /// one at all, came to the innermost activation with lines. Out of an inlined call: where it began.
    pub(super) fn out_back(&self, stand: Stand) -> Option<Stand> {
        let from = stand.0;
        let lined = self.lined_stack(from);
        let stack = lined.clone().unwrap_or_else(|| self.stack(from));
        let frame = *stack.first()?;
        let chain = match lined {
            Some(_) => self.chain(frame, stand),
            None => Rc::from([]),
        };
        if !chain.is_empty()
            && let Some(began) = self.call_began(frame, stand, &chain)
        {
            return Some(began);
        }
        // That which the nearest caller with lines has called, as a step out leads there.
        let outside = stack.get(1..).unwrap_or_default();
        let lined = outside.iter().position(|frame| self.has_line(*frame, from));
        let called = stack[lined.unwrap_or(0)];
        let begun = *self.activations[called].moments.first()?;
        self.instruction_before(begun).map(|at| (at, 0))
    }

    fn call_began(&self, frame: usize, (from, _): Stand, chain: &Chain) -> Option<Stand> {
        let is_innermost = self.moments[from].frame == Some(frame);
        let rows = self.rows(frame, from);
        let mut was_inside = false;
        let mut began = None;
        for i in &self.activations[frame].moments {
            if *i > from {
                break;
            }
            let pc = self.moments[*i].position.pc;
            let row = rows.around(pc);
            let inside = row.is_some_and(|row| common(&row.at.chain, chain) == chain.len());
            let exact = rows.0.get(&pc).filter(|row| row.begun < chain.len());
            // Where the session stands it counts if the call is ahead.
            let counts = *i < from || (is_innermost && exact.is_some());
            if inside && !was_inside && counts {
                let ahead = exact.map_or(0, |row| row.at.chain.len() - (chain.len() - 1));
                began = Some((*i, ahead as u32));
            }
            was_inside = inside;
        }
        began
    }
}
