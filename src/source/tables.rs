//! Which function a pointer means: function pointers are indices of a table, whose
//! beginning the module's element segments tell.

use super::{ModuleSource, SourceError};
use std::collections::BTreeMap;
use wasmparser::{
    ConstExpr, ElementItems, ElementKind, ElementSectionReader, GlobalSectionReader, Operator,
};

/// The functions of the first table, by index, as it is when the module starts.
#[derive(Debug, Default)]
pub(super) struct FunctionTable(BTreeMap<u32, u32>);

impl FunctionTable {
    /// Takes what the active segments with constant offsets say. The rest cannot be
    /// known from the module alone.
    pub(super) fn read(&mut self, elements: ElementSectionReader<'_>) {
        // More functions than modules have.
        const MOST: usize = 1 << 21;
        for element in elements.into_iter().map_while(Result::ok) {
            let ElementKind::Active {
                table_index: None | Some(0),
                offset_expr,
            } = element.kind
            else {
                continue;
            };
            let Some(start) = constant(&offset_expr) else {
                continue;
            };
            let ElementItems::Functions(functions) = element.items else {
                continue;
            };
            for (index, function) in (start..).zip(functions.into_iter().map_while(Result::ok)) {
                if self.0.len() >= MOST {
                    return;
                }
                self.0.insert(index, function);
            }
        }
    }
}

/// The values of a module's own globals, of those that never change.
pub(super) fn constants(globals: GlobalSectionReader<'_>) -> impl Iterator<Item = Option<u64>> {
    let globals = globals.into_iter().map_while(Result::ok);
    globals.map(|global| {
        let value = constant(&global.init_expr).filter(|_| !global.ty.mutable);
        value.map(u64::from)
    })
}

fn constant(expression: &ConstExpr<'_>) -> Option<u32> {
    let mut operators = expression.get_operators_reader();
    match operators.read().ok()? {
        Operator::I32Const { value } => Some(value.cast_unsigned()),
        Operator::I64Const { value } => u32::try_from(value).ok(),
        _ => None,
    }
}

/// Whether an address is what linkers write for those of what they drop: all bits set, as
/// many as the memory's addresses have.
pub(crate) fn is_tombstone(address: u64) -> bool {
    matches!(address, 0xffff_ffff | u64::MAX)
}

impl ModuleSource {
    /// The name of the function with an index in the first table.
    pub(crate) fn function_in_table(&self, index: u32) -> Option<String> {
        let function = *self.table.0.get(&index)?;
        let described = self.code.body(function).map(|(_, first)| first);
        let described = described.and_then(|pc| self.function_at(pc));
        match described {
            Some(function) => Some(function.name.clone()),
            None => self.function_name(function),
        }
    }

    /// The global that holds where the variables of a thread start.
    pub(crate) fn tls_base(&self) -> Option<u32> {
        self.tls_base
    }

    /// The address that an expression is, if it is a fixed one.
    pub(super) fn fixed_address(
        &self,
        unit: u32,
        expression: &gimli::Expression<super::Reader>,
    ) -> Result<Option<u64>, SourceError> {
        let (base, address) = match self.address_parts(unit, expression)? {
            Some(parts) => parts,
            None => return Ok(None),
        };
        let base = match base {
            // The linker leaves out a base that is zero.
            None | Some(u32::MAX) => Some(0),
            Some(global) => self
                .constant_globals
                .get(global as usize)
                .copied()
                .flatten(),
        };
        Ok(base.map(|base| base.wrapping_add(address)))
    }

    /// The address that an expression begins with, and the global that it counts from:
    /// code for any place in memory counts from `__memory_base`.
    pub(super) fn address_parts(
        &self,
        unit: u32,
        expression: &gimli::Expression<super::Reader>,
    ) -> Result<Option<(Option<u32>, u64)>, SourceError> {
        let encoding = self.encoding(unit).ok_or(SourceError::DanglingReference)?;
        let mut operations = expression.clone().operations(encoding);
        let (base, operation) = match operations.next()? {
            Some(gimli::Operation::WasmGlobal { index }) => (Some(index), operations.next()?),
            first => (None, first),
        };
        Ok(match operation {
            Some(gimli::Operation::Address { address }) => Some((base, address)),
            Some(gimli::Operation::AddressIndex { index }) => {
                Some((base, self.indexed_address(unit, index)?))
            }
            _ => None,
        })
    }
}
