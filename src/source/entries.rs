//! The entries of a module's debug information: units, lines, and what an entry declares
//! with those that it refers to.

use super::demangle::demangle;
use super::lines::{LineTable, Lines, SourceLine};
use super::sections::{Code, Reader};
use super::units::{EntryId, Units};
use gimli::{Attribute, AttributeValue, DwAt};

/// What the debug information of a module is read from.
pub(super) struct Entries {
    pub(super) code: Code,
    pub(super) units: Units,
    lines: Lines,
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
                // A linkage name that is not a mangled one (`__main_argc_argv` for
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

impl Entries {
    pub(super) fn new(code: Code, units: Units, lines: Lines) -> Entries {
        Entries { code, units, lines }
    }

    /// The lines, read when first asked for.
    pub(super) fn lines(&self) -> &LineTable {
        self.lines.table(&self.units, &self.code)
    }

    /// Whether any code has a line; see [`Lines::are_there`].
    pub(super) fn have_lines(&self) -> bool {
        self.lines.are_there(&self.units, &self.code)
    }

    /// Whether a source map tells the lines.
    pub(super) fn are_mapped(&self) -> bool {
        self.lines.are_mapped(&self.units, &self.code)
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
            let Ok(die) = self.units.entry(entry) else {
                break;
            };
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
        for attribute in attributes {
            let value = attribute.value();
            match attribute.name() {
                gimli::DW_AT_name if declaration.name.is_none() => {
                    declaration.name = self.units.text(unit, value);
                }
                gimli::DW_AT_linkage_name | gimli::DW_AT_MIPS_linkage_name
                    if declaration.linkage_name.is_none() =>
                {
                    declaration.linkage_name = self.units.text(unit, value);
                }
                gimli::DW_AT_type if declaration.type_id.is_none() => {
                    declaration.type_id = self.units.reference(unit, &value).ok();
                }
                gimli::DW_AT_abstract_origin | gimli::DW_AT_specification => {
                    next = self.units.reference(unit, &value).ok();
                }
                _ => {}
            }
        }
        if declaration.declared.is_none() {
            let place = [
                gimli::DW_AT_decl_file,
                gimli::DW_AT_decl_line,
                gimli::DW_AT_decl_column,
            ];
            declaration.declared = self.line(unit, attributes, place);
        }
        next
    }

    /// Where an inlined call is in its caller.
    pub(super) fn call_site(
        &self,
        unit: u32,
        attributes: &[Attribute<Reader>],
    ) -> Option<SourceLine> {
        let place = [
            gimli::DW_AT_call_file,
            gimli::DW_AT_call_line,
            gimli::DW_AT_call_column,
        ];
        self.line(unit, attributes, place)
    }

    /// The place that the attributes with these names tell: file, line and column.
    fn line(
        &self,
        unit: u32,
        attributes: &[Attribute<Reader>],
        [file, line, column]: [DwAt; 3],
    ) -> Option<SourceLine> {
        let value = |name| {
            let mut named = attributes.iter().filter(move |a| a.name() == name);
            named.next_back().map(Attribute::value)
        };
        let small = |name| u32::try_from(value(name)?.udata_value()?).ok();
        let file = match value(file)? {
            AttributeValue::FileIndex(index) => index,
            value => value.udata_value()?,
        };
        Some(SourceLine {
            file: self.lines().unit_file(unit, file)?,
            line: small(line).filter(|&line| line > 0)?,
            column: small(column).unwrap_or(0),
        })
    }
}
