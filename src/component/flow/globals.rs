//! What a module says of one of its globals: its first value, and where it is set.

use crate::component::types::CoreValue;
use wasmparser as wp;

/// A global of a core module.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Global {
    /// Other modules may set it, too: it is imported, or exported and mutable.
    pub is_shared: bool,
    /// What it is at first, if that is a number.
    pub initial: Option<CoreValue>,
    /// Offsets of the instructions that set it, ascending.
    pub sets: Vec<u32>,
}

/// The global with this index; of what there is not, nothing.
pub fn global_of(module: &[u8], index: u32) -> Global {
    let mut global = Global::default();
    // A component's modules have been validated, so nothing of this fails.
    _ = fill(&mut global, module, index);
    global
}

fn fill(global: &mut Global, module: &[u8], index: u32) -> Result<(), wp::BinaryReaderError> {
    let mut imported = 0;
    let mut is_mutable = true;
    for payload in wp::Parser::new(0).parse_all(module) {
        match payload? {
            wp::Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imported += u32::from(matches!(import?.ty, wp::TypeRef::Global(_)));
                }
                global.is_shared = index < imported;
            }
            wp::Payload::GlobalSection(section) => {
                for (of, defined) in (imported..).zip(section) {
                    let defined = defined?;
                    if of == index {
                        is_mutable = defined.ty.mutable;
                        global.initial = constant(&defined.init_expr);
                    }
                }
            }
            wp::Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    let is_it = export.kind == wp::ExternalKind::Global && export.index == index;
                    global.is_shared |= is_it && is_mutable;
                }
            }
            wp::Payload::CodeSectionEntry(body) => {
                let mut operators = body.get_operators_reader()?;
                while !operators.eof() {
                    let pc = operators.original_position() as u32;
                    if let wp::Operator::GlobalSet { global_index } = operators.read()?
                        && global_index == index
                    {
                        global.sets.push(pc);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn constant(expression: &wp::ConstExpr<'_>) -> Option<CoreValue> {
    match expression.get_operators_reader().read().ok()? {
        wp::Operator::I32Const { value } => Some(CoreValue::I32(value)),
        wp::Operator::I64Const { value } => Some(CoreValue::I64(value)),
        wp::Operator::F32Const { value } => Some(CoreValue::F32(value.bits())),
        wp::Operator::F64Const { value } => Some(CoreValue::F64(value.bits())),
        _ => None,
    }
}
