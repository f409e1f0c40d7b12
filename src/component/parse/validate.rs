//! The first pass: validation, and what it tells of each component body.

use super::budget::Outline;
use crate::component::canonical::unsupported;
use crate::component::error::ParseError;
use std::collections::HashMap;
use wasmparser as wp;

/// What validation tells of a component body.
pub(super) struct Validated<'a> {
    pub(super) types: wp::types::Types,
    /// What it imports and exports. Exports come last in a binary, but are what
    /// gives the types that a body defines their names.
    pub(super) imports: Vec<&'a str>,
    pub(super) exports: Vec<&'a str>,
}

/// The imports and exports of a component whose end has not been reached.
#[derive(Default)]
pub(super) struct Names<'a> {
    pub(super) imports: Vec<&'a str>,
    pub(super) exports: Vec<&'a str>,
}

/// Validates the binary; returns what it tells of each component by the
/// component's byte offset, and how much there is of it.
pub(super) fn validate(
    bytes: &[u8],
) -> Result<(HashMap<usize, Validated<'_>>, Outline), ParseError> {
    let mut outline = Outline::default();
    let mut validator = wp::Validator::new_with_features(wp::WasmFeatures::all());
    let mut open: Vec<(usize, Option<Names<'_>>)> = Vec::new();
    let mut arenas = HashMap::new();
    let mut allocations = wp::FuncValidatorAllocations::default();
    for payload in wp::Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        if let wp::Payload::Version {
            range, encoding, ..
        } = &payload
        {
            let names = (*encoding == wp::Encoding::Component).then(Names::default);
            outline.begin(open.len())?;
            open.push((range.start, names));
        }
        if let Some((id, range)) = payload.as_section() {
            let is_of_component = matches!(open.last(), Some((_, Some(_))));
            outline.section(is_of_component, id, range.len())?;
        }
        refuse_shared(&payload)?;
        if let Some((_, Some(names))) = open.last_mut() {
            names.read(&payload)?;
        }
        match validator.payload(&payload)? {
            wp::ValidPayload::Func(function, body) => {
                let mut function = function.into_validator(allocations);
                function.validate(&body)?;
                allocations = function.into_allocations();
            }
            wp::ValidPayload::End(types) => {
                if let Some((start, Some(Names { imports, exports }))) = open.pop() {
                    let validated = Validated {
                        types,
                        imports,
                        exports,
                    };
                    arenas.insert(start, validated);
                }
            }
            _ => {}
        }
    }
    Ok((arenas, outline))
}

/// With several threads there is no one order of what a guest does. Wasmtime has neither.
fn refuse_shared(payload: &wp::Payload<'_>) -> Result<(), ParseError> {
    match payload {
        wp::Payload::GlobalSection(globals) => {
            for global in globals.clone().into_iter_with_offsets() {
                let (at, global) = global?;
                if global.ty.shared {
                    return Err(unsupported("a shared global", at));
                }
            }
        }
        wp::Payload::TableSection(tables) => {
            for table in tables.clone().into_iter_with_offsets() {
                let (at, table) = table?;
                if table.ty.shared {
                    return Err(unsupported("a shared table", at));
                }
            }
        }
        _ => {}
    }
    Ok(())
}

impl<'a> Names<'a> {
    fn read(&mut self, payload: &wp::Payload<'a>) -> Result<(), wp::BinaryReaderError> {
        match payload {
            wp::Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    self.imports.push(import?.name.name);
                }
            }
            wp::Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    self.exports.push(export?.name.name);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
