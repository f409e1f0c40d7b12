//! Which function a pointer means: function pointers are indices of a table, whose
//! beginning the module's element segments tell.

use super::globals::constant;
use std::collections::{BTreeMap, HashMap};
use wasmparser::{ElementItems, ElementKind, ElementSectionReader};

/// The functions of the first table, by index, as it is when the module starts.
#[derive(Debug, Default)]
pub(super) struct FunctionTable {
    functions: BTreeMap<u32, u32>,
    /// The first index of each function.
    indices: HashMap<u32, u32>,
}

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
                if self.functions.len() >= MOST {
                    return;
                }
                self.functions.insert(index, function);
                self.indices.entry(function).or_insert(index);
            }
        }
    }

    /// The function at an index.
    pub(super) fn get(&self, index: u32) -> Option<u32> {
        self.functions.get(&index).copied()
    }

    /// The index of a function: what a pointer to it is.
    pub(super) fn index_of(&self, function: u32) -> Option<u32> {
        self.indices.get(&function).copied()
    }
}
