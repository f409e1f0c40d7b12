//! The functions of a module: names, places, declarations.

use super::demangle::demangle;
use super::lines::SourceLine;
use super::sections::Reader;
use super::units::{EntryId, RangesLeft, Unit, entry_id, ranges};
use super::{ModuleSource, SourceError};
use gimli::{Attribute, AttributeValue, Reader as _};
use std::ops::Range;

/// A function with code of its own (not one that was only inlined).
#[derive(Debug, Clone)]
pub struct Function {
    /// The readable name with its path: `rustguest::divide`, `Stack<int>::push`.
    pub name: String,
    /// The last part of the name, as the source declares it: `divide`.
    pub short_name: String,
    /// The name that the linker knows.
    pub linkage_name: Option<String>,
    /// Byte offsets in the core module.
    pub range: Range<u32>,
    /// The first instruction: the range starts with declarations of locals.
    pub entry_pc: u32,
    /// Where the source declares it.
    pub declared: Option<SourceLine>,
    pub(crate) entry: EntryId,
}

/// Names and declaration of an entry, gathered along its references to its
/// abstract origin and its specification.
#[derive(Debug, Default)]
pub(super) struct Declaration {
    pub(super) name: Option<String>,
    pub(super) linkage_name: Option<String>,
    pub(super) declared: Option<SourceLine>,
    pub(super) type_id: Option<EntryId>,
}

impl Declaration {
    pub(super) fn readable_name(&self) -> String {
        match (&self.linkage_name, &self.name) {
            (Some(linkage), Some(name)) => {
                let readable = demangle(linkage);
                // A linkage name that is no mangled one (`__main_argc_argv` for
                // `main`) says less than the source does.
                if readable == *linkage {
                    name.clone()
                } else {
                    readable
                }
            }
            (Some(linkage), None) => demangle(linkage),
            (None, Some(name)) => name.clone(),
            (None, None) => "<unnamed>".to_owned(),
        }
    }
}

impl ModuleSource {
    /// The functions of a unit by start. A damaged unit has those before the
    /// damage.
    pub(super) fn functions_of(&self, unit_id: u32) -> &[Function] {
        if Self::is_mapped(unit_id) {
            return self.mapped_functions();
        }
        let Some(unit) = self.units.get(unit_id) else {
            return &[];
        };
        unit.functions.get_or_init(|| {
            let mut found = Vec::new();
            // What was read before the damage stays useful.
            let _ = self.read_functions(unit_id, unit, &mut found);
            found.sort_by_key(|function| function.range.start);
            found
        })
    }

    fn read_functions(
        &self,
        unit_id: u32,
        unit: &Unit,
        found: &mut Vec<Function>,
    ) -> Result<(), SourceError> {
        let mut left = RangesLeft::new();
        unit.each_tagged(gimli::DW_TAG_subprogram, |offset, attributes| {
            let ranges = ranges(unit.unit_ref(), attributes, &self.code, &mut left)?;
            if let Some(range) = ranges.into_iter().next() {
                let entry = entry_id(unit_id, offset)?;
                found.push(self.function(entry, range, attributes));
            }
            Ok(())
        })
    }

    fn function(
        &self,
        entry: EntryId,
        range: Range<u32>,
        attributes: &[Attribute<Reader>],
    ) -> Function {
        let declaration = self.declaration(entry.unit, attributes);
        let name = declaration.readable_name();
        Function {
            short_name: declaration.name.unwrap_or_else(|| name.clone()),
            name,
            linkage_name: declaration.linkage_name,
            entry_pc: self.code.instruction_at(range.start),
            range,
            declared: declaration.declared,
            entry,
        }
    }

    /// Reads what an entry and the entries it refers to say about names, types
    /// and declaration. The entry's own word counts most.
    pub(super) fn declaration(&self, unit: u32, attributes: &[Attribute<Reader>]) -> Declaration {
        // Sound chains are two or three long (inlined, abstract, specification).
        const LONGEST_CHAIN: usize = 8;
        let mut declaration = Declaration::default();
        let mut next = self.take_declaration(unit, attributes, &mut declaration);
        for _ in 0..LONGEST_CHAIN {
            let Some(entry) = next else { break };
            let Ok(die) = self.entry(entry) else { break };
            next = self.take_declaration(entry.unit, die.attrs(), &mut declaration);
        }
        declaration
    }

    /// Returns the entry where to read on.
    fn take_declaration(
        &self,
        unit: u32,
        attributes: &[Attribute<Reader>],
        declaration: &mut Declaration,
    ) -> Option<EntryId> {
        let mut next = None;
        let (mut file, mut line, mut column) = (None, None, 0);
        for attribute in attributes {
            let value = attribute.value();
            match attribute.name() {
                gimli::DW_AT_name if declaration.name.is_none() => {
                    declaration.name = self.text(unit, value);
                }
                gimli::DW_AT_linkage_name | gimli::DW_AT_MIPS_linkage_name
                    if declaration.linkage_name.is_none() =>
                {
                    declaration.linkage_name = self.text(unit, value);
                }
                gimli::DW_AT_type if declaration.type_id.is_none() => {
                    declaration.type_id = self.units.reference(unit, &value).ok();
                }
                gimli::DW_AT_abstract_origin | gimli::DW_AT_specification => {
                    next = self.units.reference(unit, &value).ok();
                }
                gimli::DW_AT_decl_file => file = file_index(&value),
                gimli::DW_AT_decl_line => line = small(&value),
                gimli::DW_AT_decl_column => column = small(&value).unwrap_or(0),
                _ => {}
            }
        }
        if declaration.declared.is_none() {
            declaration.declared = self.line(unit, file, line, column);
        }
        next
    }

    pub(super) fn line(
        &self,
        unit: u32,
        file: Option<u64>,
        line: Option<u32>,
        column: u32,
    ) -> Option<SourceLine> {
        Some(SourceLine {
            file: self.lines().unit_file(unit, file?)?,
            line: line.filter(|&line| line > 0)?,
            column,
        })
    }

    /// The text of a string attribute.
    pub(super) fn text(&self, unit: u32, value: AttributeValue<Reader>) -> Option<String> {
        let text = self.units.get(unit)?.unit_ref().attr_string(value).ok()?;
        Some(text.to_string_lossy().ok()?.into_owned())
    }

    /// An entry with its attributes.
    pub(super) fn entry(
        &self,
        id: EntryId,
    ) -> Result<gimli::DebuggingInformationEntry<Reader>, SourceError> {
        let unit = self.units.get(id.unit);
        let unit = unit.ok_or(SourceError::DanglingReference)?;
        Ok(unit.dwarf.entry(id.unit_offset())?)
    }
}

pub(super) fn file_index(value: &AttributeValue<Reader>) -> Option<u64> {
    match value {
        AttributeValue::FileIndex(index) => Some(*index),
        value => value.udata_value(),
    }
}

pub(super) fn small(value: &AttributeValue<Reader>) -> Option<u32> {
    u32::try_from(value.udata_value()?).ok()
}
