//! How long values stay on a function's operand stack. Compilers let a variable's location
//! name an operand long after an instruction has taken that operand away: what is there by
//! then is another value, and must not be shown as the variable's.

use super::error::SourceError;
use super::sections::Code;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use wasmparser as wp;

/// What one instruction does to the operand stack.
#[derive(Debug, Clone, Copy)]
struct OperandStep {
    /// Its offset into the module.
    at: u32,
    /// How many operands there are before it.
    before: u32,
    /// How many of them it leaves untouched.
    kept: u32,
}

/// What is known of the operand stacks of a module's functions.
pub(super) struct Operands {
    module: Arc<[u8]>,
    /// The steps of functions that were asked about, by where their bodies begin.
    known: Mutex<HashMap<u32, Arc<[OperandStep]>>>,
}

impl Operands {
    pub(super) fn new(module: Arc<[u8]>) -> Operands {
        Operands {
            module,
            known: Mutex::default(),
        }
    }

    /// Whether the operand with an index, from the bottom, is the same at the end of a
    /// stretch of code as where that begins; in code order, as every way from one to the
    /// other that matters goes through the code between them.
    ///
    /// Code that cannot be read keeps nothing.
    pub(super) fn keeps(&self, code: &Code, index: u32, stretch: &Range<u32>) -> bool {
        let Ok(steps) = self.steps_at(code, stretch.start) else {
            return false;
        };
        let first = steps.partition_point(|step| step.at < stretch.start);
        let end = steps.partition_point(|step| step.at < stretch.end);
        let exists = steps.get(first).is_some_and(|step| index < step.before);
        let between = steps.get(first..end).unwrap_or_default();
        exists && between.iter().all(|step| index < step.kept)
    }

    fn steps_at(&self, code: &Code, pc: u32) -> Result<Arc<[OperandStep]>, SourceError> {
        let function = code.function_index_at(pc);
        let body = function.and_then(|function| code.body(function));
        let (body, _) = body.ok_or(SourceError::DanglingReference)?;
        if let Some(steps) = self.known.lock().get(&body.start) {
            return Ok(steps.clone());
        }
        let steps = self.read(&body);
        let steps: Arc<[OperandStep]> = steps.map_err(|why| unreadable(&why))?.into();
        self.known.lock().insert(body.start, steps.clone());
        Ok(steps)
    }

    fn read(&self, body: &Range<u32>) -> Result<Vec<OperandStep>, wp::BinaryReaderError> {
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
) -> Result<Vec<OperandStep>, wp::BinaryReaderError> {
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
        steps.push(OperandStep {
            at: u32::try_from(at).unwrap_or(u32::MAX),
            before,
            // A branch that is always taken leaves what its block began with.
            kept: before.saturating_sub(taken).min(after),
        });
    }
    Ok(steps)
}
