//! What a function has returned that the session has just stepped out of.

use super::super::{Result, Timeline};
use super::motion::Stop;
use crate::component::ModuleId;
use crate::component::types::CoreValue;
use crate::replay::Phase;
use crate::replay::frames::Frame;
use wasmparser as wp;

/// A function has just returned to the innermost frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Returned {
    /// The core module of the function, and of the frame that it has returned to.
    pub module: ModuleId,
    /// A place in the function.
    pub pc: u32,
    /// Its core result, if it has one.
    pub result: Option<CoreValue>,
    /// Its first core argument, if it has no core result: compilers pass the address there at
    /// which a value is to be put that is larger than one. Unknown where the function has
    /// used the local for something else.
    pub address: Option<CoreValue>,
}

/// What is known of a function before it returns.
pub(super) struct Returning {
    callee: Frame,
    /// Where its caller goes on.
    next: u32,
    depth: u32,
    results: usize,
    address: Option<CoreValue>,
}

impl Timeline {
    /// What has just been returned to the innermost frame, if the session has stepped out to
    /// here.
    pub fn returned(&self) -> Option<&Returned> {
        self.returned.as_ref().filter(|_| !self.looks_elsewhere())
    }

    /// The frame with an index is about to be stepped out of.
    pub(super) fn returning(
        &mut self,
        frames: &[Frame],
        index: usize,
    ) -> Result<Option<Returning>> {
        let (Some(callee), Some(caller)) = (frames.get(index), frames.get(index + 1)) else {
            return Ok(None);
        };
        if callee.module != caller.module {
            return Ok(None);
        }
        let bytes = self.trace.component().module(callee.module);
        let signature = bytes.and_then(|bytes| signature(bytes, callee.function));
        let Some(Signature {
            parameters,
            results,
        }) = signature
        else {
            return Ok(None);
        };
        let keeps_first = bytes.is_some_and(|bytes| keeps_first_local(bytes, callee.pc));
        let address = match (results, parameters > 0 && keeps_first) {
            (0, true) => self.locals(index)?.first().copied(),
            _ => None,
        };
        Ok(Some(Returning {
            callee: *callee,
            next: caller.next,
            depth: (frames.len() - index - 1) as u32,
            results,
            address,
        }))
    }

    /// The session has come to a stop: whether the function has returned to it.
    pub(super) fn note_returned(
        &mut self,
        returning: Option<Returning>,
        stop: &Stop,
    ) -> Result<()> {
        let Some(returning) = returning else {
            return Ok(());
        };
        let at = stop.position;
        let is_there =
            (at.phase, at.depth, at.pc) == (Phase::Before, returning.depth, returning.next);
        if !is_there || returning.results > 1 {
            return Ok(());
        }
        let result = match returning.results {
            0 => None,
            _ => self.operands(0)?.last().copied(),
        };
        self.returned = Some(Returned {
            module: returning.callee.module,
            pc: returning.callee.pc,
            result,
            address: returning.address,
        });
        Ok(())
    }
}

struct Signature {
    parameters: usize,
    results: usize,
}

/// The type of a function of a module, by its index.
fn signature(module: &[u8], function: u32) -> Option<Signature> {
    let mut types: Vec<Option<Signature>> = Vec::new();
    let mut functions: Vec<u32> = Vec::new();
    for payload in wp::Parser::new(0).parse_all(module) {
        match payload.ok()? {
            wp::Payload::TypeSection(section) => {
                for group in section {
                    types.extend(group.ok()?.into_types().map(
                        |of| match of.composite_type.inner {
                            wp::CompositeInnerType::Func(of) => Some(Signature {
                                parameters: of.params().len(),
                                results: of.results().len(),
                            }),
                            _ => None,
                        },
                    ));
                }
            }
            wp::Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if let wp::TypeRef::Func(of) | wp::TypeRef::FuncExact(of) = import.ok()?.ty {
                        functions.push(of);
                    }
                }
            }
            wp::Payload::FunctionSection(section) => {
                for of in section {
                    functions.push(of.ok()?);
                }
            }
            wp::Payload::CodeSectionStart { .. } => break,
            _ => {}
        }
    }
    let of = *functions.get(function as usize)?;
    types.into_iter().nth(of as usize)?
}

/// Whether the function that holds `pc` never writes its first local.
fn keeps_first_local(module: &[u8], pc: u32) -> bool {
    let pc = pc as usize;
    let mut bodies = wp::Parser::new(0)
        .parse_all(module)
        .map_while(std::result::Result::ok);
    let body = bodies.find_map(|payload| match payload {
        wp::Payload::CodeSectionEntry(body) if body.range().contains(&pc) => Some(body),
        _ => None,
    });
    let Some(operators) = body.and_then(|body| body.get_operators_reader().ok()) else {
        return false;
    };
    operators.into_iter().all(|operator| {
        !matches!(
            operator,
            Ok(wp::Operator::LocalSet { local_index: 0 }
                | wp::Operator::LocalTee { local_index: 0 })
                | Err(_)
        )
    })
}
