//! The calls that the present line has still to make.

use crate::component::{CrossingId, ModuleId};
use crate::replay::Phase;
use crate::timeline::{Module, Result, Timeline};
use wasmparser as wp;

/// A call that can be stepped into: see
/// [`Motion::IntoCall`](super::motion::Motion::IntoCall).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallTarget {
    /// The module of the innermost frame, which calls.
    pub module: ModuleId,
    /// Of the call instruction.
    pub pc: u32,
    /// What the call instruction names.
    pub callee: Callee,
    /// What the callee is called, if it has a name.
    pub name: Option<String>,
}

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callee {
    /// A function of the same module, by its index.
    Function(u32),
    /// An import that is named as this outgoing crossing is. It may lead there by a detour
    /// through another module.
    Crossing(CrossingId),
    /// Another import, by its function index.
    Import(u32),
}

impl Timeline {
    /// The direct calls in the innermost frame's line that are at or after the present
    /// instruction, in the order of the code. Which of them will be made, nobody knows.
    ///
    /// # Errors
    ///
    /// If the replayer has died.
    pub fn calls_on_line(&mut self) -> Result<Vec<CallTarget>> {
        let frames = self.frames()?;
        let Some(frame) = frames.first() else {
            return Ok(Vec::new());
        };
        let (id, pc) = (frame.module, frame.pc);
        let Some(module) = self.module(id) else {
            return Ok(Vec::new());
        };
        let Some(rows) = self.rows_of(frame) else {
            return Ok(Vec::new());
        };
        let from = Some(self.body_in(frame, &rows, true));
        let line = rows.line_at(pc, from);
        // A call that is being made is not ahead.
        let first = match self.here().position.phase {
            Phase::Before => pc,
            Phase::Calling | Phase::Answered | Phase::End => pc + 1,
        };
        let instructions = module.code.instructions_around(pc);
        let instructions = instructions.iter().flat_map(|all| all.iter().copied());
        let ahead = instructions.filter(|pc| *pc >= first && rows.line_at(*pc, from) == line);
        let bytes = self.trace.component().module(id).unwrap_or_default();
        let imports = imported_functions(bytes);
        let targets = ahead.filter_map(|pc| {
            let function = called_at(bytes, pc)?;
            let (callee, name) = self.callee(module, &imports, function);
            Some(CallTarget {
                module: id,
                pc,
                callee,
                name,
            })
        });
        Ok(targets.collect())
    }

    fn callee(
        &self,
        module: &Module,
        imports: &[(&str, &str)],
        function: u32,
    ) -> (Callee, Option<String>) {
        let Some((from, name)) = imports.get(function as usize) else {
            let name = module.source.function_name(function);
            return (Callee::Function(function), name);
        };
        let path = format!("{from}#{name}");
        let mut crossings = self.trace.component().crossings().iter();
        match crossings.find(|crossing| *crossing.name == *path) {
            Some(crossing) => (Callee::Crossing(crossing.id), Some(path)),
            None => {
                let known = module.source.function_name(function);
                (Callee::Import(function), known.or(Some(path)))
            }
        }
    }
}

/// The function that the instruction at `pc` calls, if it is a direct call.
fn called_at(module: &[u8], pc: u32) -> Option<u32> {
    let bytes = module.get(pc as usize..)?;
    let reader = wp::BinaryReader::new(bytes, pc as usize);
    match wp::OperatorsReader::new(reader).read().ok()? {
        wp::Operator::Call { function_index } | wp::Operator::ReturnCall { function_index } => {
            Some(function_index)
        }
        _ => None,
    }
}

/// The functions that a module imports: from where, and their names. Nothing of a module
/// that cannot be read.
fn imported_functions(module: &[u8]) -> Vec<(&str, &str)> {
    let payloads = wp::Parser::new(0).parse_all(module);
    let mut payloads = payloads.map_while(std::result::Result::ok);
    let section = payloads.find_map(|payload| match payload {
        wp::Payload::ImportSection(section) => Some(section),
        _ => None,
    });
    let imports = section.map(|section| section.into_imports());
    let imports = imports.into_iter().flatten();
    let imports = imports.map_while(std::result::Result::ok);
    let functions = imports
        .filter(|import| matches!(import.ty, wp::TypeRef::Func(_) | wp::TypeRef::FuncExact(_)));
    functions
        .map(|import| (import.module, import.name))
        .collect()
}
