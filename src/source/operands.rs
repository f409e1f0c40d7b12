//! How long values stay on a function's operand stack. Compilers let a variable's location
//! name an operand long after an instruction has taken that operand away: what is there by
//! then is another value, and must not be shown as the variable's.

use super::{ModuleSource, SourceError};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use wasmparser as wp;

/// What one instruction does to the operand stack.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// Its offset into the module.
    at: u32,
    /// How many operands there are before it.
    before: u32,
    /// How many of them it leaves untouched.
    kept: u32,
}

/// The steps of functions that were asked about, by where their bodies begin.
#[derive(Default)]
pub(super) struct Operands(Mutex<HashMap<u32, Arc<[Step]>>>);

impl ModuleSource {
    /// Whether the operand with an index, from the bottom, is the same at the end of a
    /// stretch of code as where that begins; in code order, as every way from one to the
    /// other that matters goes through the code between them.
    ///
    /// Code that cannot be read keeps nothing.
    pub(crate) fn keeps_operand(&self, index: u32, stretch: &Range<u32>) -> bool {
        let Ok(steps) = self.steps_at(stretch.start) else {
            return false;
        };
        let first = steps.partition_point(|step| step.at < stretch.start);
        let end = steps.partition_point(|step| step.at < stretch.end);
        let exists = steps.get(first).is_some_and(|step| index < step.before);
        let between = steps.get(first..end).unwrap_or_default();
        exists && between.iter().all(|step| index < step.kept)
    }

    fn steps_at(&self, pc: u32) -> Result<Arc<[Step]>, SourceError> {
        let function = self.code.function_index_at(pc);
        let body = function.and_then(|function| self.code.body(function));
        let (body, _) = body.ok_or(SourceError::DanglingReference)?;
        let known = || self.operands.0.lock();
        if let Some(steps) = known().get(&body.start) {
            return Ok(steps.clone());
        }
        let steps = self.read_steps(&body);
        let steps: Arc<[Step]> = steps.map_err(|why| unreadable(&why))?.into();
        known().insert(body.start, steps.clone());
        Ok(steps)
    }

    fn read_steps(&self, body: &Range<u32>) -> Result<Vec<Step>, wp::BinaryReaderError> {
        let mut validator = wp::Validator::new_with_features(wp::WasmFeatures::all());
        for payload in wp::Parser::new(0).parse_all(&self.module) {
            let wanted = match validator.payload(&payload?)? {
                wp::ValidPayload::Func(function, code) => {
                    (code.range().start == body.start as usize).then_some((function, code))
                }
                _ => None,
            };
            if let Some((function, code)) = wanted {
                return steps(function.into_validator(Default::default()), &code);
            }
        }
        Ok(Vec::new())
    }
}

fn unreadable(why: &wp::BinaryReaderError) -> SourceError {
    SourceError::NotAModule(why.to_string())
}

fn steps<R: wp::WasmModuleResources>(
    mut validator: wp::FuncValidator<R>,
    code: &wp::FunctionBody<'_>,
) -> Result<Vec<Step>, wp::BinaryReaderError> {
    let mut reader = code.get_binary_reader();
    validator.read_locals(&mut reader)?;
    let mut operators = wp::OperatorsReader::new(reader);
    let mut steps = Vec::new();
    while !operators.eof() {
        let (operator, at) = operators.read_with_offset()?;
        let before = validator.operand_stack_height();
        // What it takes is known before it has been validated, as its label may be its own.
        let (taken, _) = operator.operator_arity(&validator).unwrap_or((before, 0));
        validator.op(at, &operator)?;
        let after = validator.operand_stack_height();
        steps.push(Step {
            at: u32::try_from(at).unwrap_or(u32::MAX),
            before,
            // A branch that is always taken leaves what its block began with.
            kept: before.saturating_sub(taken).min(after),
        });
    }
    Ok(steps)
}
