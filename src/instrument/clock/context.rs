//! A function that keeps its calling context: what comes before and after its instructions.

use super::scan::leaves_elsewhere;
use crate::instrument::probe::context::{Call, Entry, HEAP_LOCALS, Loop, Noting, Sites, Tree};
use wasm_encoder::{BlockType, Instruction, ValType};
use wasmparser::Operator;

/// The locals that such a function has more: its node, and the countdown when the loop that
/// runs was entered.
pub(super) const CONTEXT_LOCALS: u32 = 2;

/// A function that is being rewritten.
pub(super) struct Context<'a> {
    sites: &'a Sites,
    tree: Tree,
    /// The local that holds the countdown when the bracketed loop was entered.
    since: u32,
    loops: std::iter::Zip<std::ops::RangeFrom<u32>, std::slice::Iter<'a, Loop>>,
    calls: std::slice::Iter<'a, Call>,
    /// How many blocks are open.
    open: u32,
    /// The bracketed loop that is open: how many blocks were open before it, and its counter.
    /// It holds no other loop.
    bracket: Option<(u32, u32)>,
    /// The counter of the loop that has just begun.
    begun: Option<u32>,
    growths: std::slice::Iter<'a, (u32, u32)>,
    /// Of a function of an allocator, whose calls are noted.
    noting: Option<Noting>,
}

impl<'a> Context<'a> {
    pub(super) fn new(sites: &'a Sites, tree: Tree, since: u32, noting: Option<Noting>) -> Self {
        Context {
            sites,
            tree,
            since,
            loops: (0..).zip(&sites.loops),
            calls: sites.calls.iter(),
            open: 0,
            bracket: None,
            begun: None,
            growths: sites.growths.iter(),
            noting,
        }
    }

    /// The types of the locals that the function has more.
    pub(super) fn types(&self) -> Vec<ValType> {
        let mut types = vec![ValType::I32, ValType::I64];
        if self.noting.is_some() {
            types.extend([ValType::I32; HEAP_LOCALS as usize]);
        }
        types
    }

    /// Whether its calls are noted.
    pub(super) fn notes(&self) -> bool {
        self.noting.is_some()
    }

    /// At the function's entry.
    pub(super) fn entry(&self) -> Entry {
        let mut entry = self.tree.entry(self.sites);
        entry
            .after
            .extend(self.noting.into_iter().flat_map(Noting::enter));
        entry
    }

    /// Where the function is left, with its results on the operand stack.
    pub(super) fn leave(&self, remaining: Instruction<'static>) -> Vec<Instruction<'static>> {
        let noting = self.noting.into_iter();
        noting
            .flat_map(|noting| noting.leave(remaining.clone()))
            .collect()
    }

    pub(super) fn before_hook(&self) -> [Instruction<'static>; 3] {
        self.tree.before_hook()
    }

    /// Whether a branch is taken apart, as it leaves a bracketed loop on a condition.
    pub(super) fn wraps(&self, operator: &Operator<'_>) -> bool {
        match operator {
            Operator::BrIf { relative_depth } => self.leaves_bracket(*relative_depth),
            _ => false,
        }
    }

    fn leaves_bracket(&self, depth: u32) -> bool {
        self.bracket.is_some_and(|(before, _)| {
            // The loop's own label is as far away as there are blocks open in it.
            depth >= self.open - before
        })
    }

    /// Counts the ticks of the bracketed loop, if one is open.
    fn end_bracket(&self, remaining: Instruction<'static>) -> Vec<Instruction<'static>> {
        let Some((_, counter)) = self.bracket else {
            return Vec::new();
        };
        let all = self.tree.count_since(counter, self.since, remaining);
        all.to_vec()
    }

    /// What comes before an instruction.
    pub(super) fn before(
        &mut self,
        operator: &Operator<'_>,
        remaining: Instruction<'static>,
    ) -> Vec<Instruction<'static>> {
        match operator {
            Operator::Loop { .. } => {
                let Some((nth, begun)) = self.loops.next() else {
                    return Vec::new();
                };
                let counter = self.sites.loop_counter(nth);
                if !begun.is_bracketed {
                    self.begun = Some(counter);
                    return Vec::new();
                }
                self.bracket = Some((self.open, counter));
                vec![remaining, Instruction::LocalSet(self.since)]
            }
            Operator::Br { relative_depth } if self.leaves_bracket(*relative_depth) => {
                self.end_bracket(remaining)
            }
            operator @ Operator::BrIf { .. } if self.wraps(operator) => {
                let mut all = vec![Instruction::If(BlockType::Empty)];
                all.extend(self.end_bracket(remaining));
                all
            }
            Operator::Return => {
                let mut all = self.end_bracket(remaining.clone());
                all.extend(self.leave(remaining));
                all
            }
            Operator::Unreachable => self.end_bracket(remaining),
            Operator::MemoryGrow { .. } => {
                let growth = self.growths.next();
                let all = growth.map(|(_, counter)| self.tree.count(*counter).to_vec());
                all.unwrap_or_default()
            }
            operator => {
                let mut all = match leaves_elsewhere(operator) {
                    true => self.end_bracket(remaining),
                    false => Vec::new(),
                };
                if is_call(operator)
                    && let Some(call) = self.calls.next()
                {
                    all.extend(self.tree.before_call(self.sites, call));
                    if call.is_tail {
                        all.extend(self.noting.into_iter().flat_map(Noting::pass_on));
                    }
                }
                all
            }
        }
    }

    /// What comes after an instruction, behind the tick that it may have counted.
    pub(super) fn after(
        &mut self,
        operator: &Operator<'_>,
        remaining: Instruction<'static>,
    ) -> Vec<Instruction<'static>> {
        match operator {
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Try { .. }
            | Operator::TryTable { .. } => self.open += 1,
            Operator::End | Operator::Delegate { .. } => self.open = self.open.saturating_sub(1),
            _ => {}
        }
        if let Some(counter) = self.begun.take() {
            return self.tree.count(counter).to_vec();
        }
        if matches!(operator, Operator::End)
            && self.bracket.is_some_and(|(before, _)| before == self.open)
        {
            let all = self.end_bracket(remaining);
            self.bracket = None;
            return all;
        }
        Vec::new()
    }
}

fn is_call(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Call { .. }
            | Operator::CallIndirect { .. }
            | Operator::CallRef { .. }
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::ReturnCallRef { .. }
    )
}
