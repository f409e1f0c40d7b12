//! What is known of a function before it is rewritten.

use super::ClockError;
use crate::instrument::probe::Store;
use wasmparser::{FunctionBody, Operator};

/// What matters of a function for how it keeps the clock.
pub(super) struct Scan {
    /// For each loop, in order, whether it neither calls nor holds another loop.
    pub(super) tight_loops: Vec<bool>,
    /// Whether it can be left by returning to its caller only, and neither calls, loops
    /// nor catches.
    pub(super) is_leaf: bool,
    pub(super) catches: bool,
    /// Whether it may have memories grow.
    pub(super) grows: bool,
    /// Whether it writes to memory.
    pub(super) stores: bool,
    /// The functions that it calls by name.
    pub(super) callees: Vec<u32>,
    /// Those of them that take its place.
    pub(super) tail_called: Vec<u32>,
    /// Whether it calls functions that are not named.
    pub(super) calls_by_reference: bool,
    /// The functions that it takes references to.
    pub(super) referenced: Vec<u32>,
}

impl Scan {
    pub(super) fn read(function: &FunctionBody<'_>) -> Result<Scan, ClockError> {
        let mut scan = Scan {
            tight_loops: Vec::new(),
            is_leaf: true,
            catches: false,
            grows: false,
            stores: false,
            callees: Vec::new(),
            tail_called: Vec::new(),
            calls_by_reference: false,
            referenced: Vec::new(),
        };
        // For each open block, the loop that it is.
        let mut open: Vec<Option<usize>> = Vec::new();
        let mut operators = function.get_operators_reader()?;
        while !operators.eof() {
            let operator = operators.read()?;
            scan.note_blocks(&operator, &mut open);
            scan.note_calls(&operator);
            if calls(&operator) {
                scan.loosen(&open);
            }
            scan.grows |= matches!(operator, Operator::MemoryGrow { .. });
            scan.stores |= Store::of(&operator).is_some();
            scan.is_leaf &= !calls(&operator) && !leaves_elsewhere(&operator);
        }
        scan.is_leaf &= scan.tight_loops.is_empty() && !scan.catches;
        Ok(scan)
    }

    fn note_blocks(&mut self, operator: &Operator<'_>, open: &mut Vec<Option<usize>>) {
        match operator {
            Operator::Loop { .. } => {
                self.loosen(open);
                open.push(Some(self.tight_loops.len()));
                self.tight_loops.push(true);
            }
            Operator::Block { .. } | Operator::If { .. } => open.push(None),
            Operator::TryTable { .. } | Operator::Try { .. } => {
                open.push(None);
                self.catches = true;
            }
            Operator::End | Operator::Delegate { .. } => _ = open.pop(),
            _ => {}
        }
    }

    fn note_calls(&mut self, operator: &Operator<'_>) {
        match *operator {
            Operator::Call { function_index } => self.callees.push(function_index),
            Operator::ReturnCall { function_index } => {
                self.callees.push(function_index);
                self.tail_called.push(function_index);
            }
            Operator::RefFunc { function_index } => self.referenced.push(function_index),
            Operator::CallIndirect { .. }
            | Operator::CallRef { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::ReturnCallRef { .. } => self.calls_by_reference = true,
            _ => {}
        }
    }

    /// The open loops are not tight.
    fn loosen(&mut self, open: &[Option<usize>]) {
        for at in open.iter().copied().flatten() {
            if let Some(is_tight) = self.tight_loops.get_mut(at) {
                *is_tight = false;
            }
        }
    }
}

/// Whether an instruction calls guest code, or out of it, and comes back.
pub(super) fn calls(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Call { .. } | Operator::CallIndirect { .. } | Operator::CallRef { .. }
    )
}

/// Whether an instruction leaves the function for other code than its caller's.
pub(super) fn leaves_elsewhere(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::ReturnCallRef { .. }
            | Operator::Throw { .. }
            | Operator::ThrowRef
            | Operator::Rethrow { .. }
    )
}
