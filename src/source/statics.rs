//! Variables outside functions, and those in functions that live as long: found by
//! name, in all units.

use super::demangle::demangle;
use super::sections::Reader;
use super::tables::is_tombstone;
use super::units::{EntryId, Unit, entry_id};
use super::{Declared, Location, ModuleSource, SourceError};
use gimli::Attribute;
use std::collections::HashMap;

/// Entries of variables by every end of their path: `count`, `Account::count`,
/// `bank::Account::count`.
pub(super) type StaticsByName = HashMap<String, Vec<EntryId>>;

/// The most parts of a path that have names in the index.
const MOST_PARTS: usize = 8;
/// The most variables of one name that are looked at for one that the linker kept.
const MOST_OF_A_NAME: usize = 64;
/// The most names in the index.
const MOST_NAMES: usize = 1 << 20;

impl ModuleSource {
    /// The variable with a name that is in no function or lives as long as those; that
    /// of the unit which contains a place comes before others.
    pub(crate) fn static_named(&self, pc: u32, name: &str) -> Option<Declared> {
        let index = self.statics_by_name.get_or_init(|| self.index_statics());
        let found = index.get(name.trim_start_matches("::"))?;
        let here = self.function_at(pc).map(|function| function.entry.unit);
        let near = found.iter().find(|entry| Some(entry.unit) == here);
        let all = near.into_iter().chain(found).take(MOST_OF_A_NAME);
        let mut all = all.filter_map(|entry| self.variable_at(*entry, None).ok()?);
        let first = all.next()?;
        match self.is_left_out(&first) {
            true => all.find(|other| !self.is_left_out(other)).or(Some(first)),
            false => Some(first),
        }
    }

    /// Whether the linker dropped a variable, as nothing uses it.
    fn is_left_out(&self, declared: &Declared) -> bool {
        let Location::At(at) = &declared.location else {
            return false;
        };
        let parts = self.address_parts(declared.unit, at);
        matches!(parts, Ok(Some((_, address))) if is_tombstone(address))
    }

    fn index_statics(&self) -> StaticsByName {
        let mut index = StaticsByName::new();
        for (id, unit) in self.unit_ids().zip(&self.units.all) {
            // What was read before a damage stays useful.
            let _ = self.index_statics_of(id, unit, &mut index);
        }
        index
    }

    fn index_statics_of(
        &self,
        unit_id: u32,
        unit: &Unit,
        index: &mut StaticsByName,
    ) -> Result<(), SourceError> {
        let mut entries = unit.dwarf.entries_raw(None)?;
        let mut attributes = Vec::new();
        // The names around the next entry, with their depths.
        let mut around: Vec<(isize, String)> = Vec::new();
        while !entries.is_empty() && index.len() < MOST_NAMES {
            let offset = entries.next_offset();
            let depth = entries.next_depth();
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            while around.last().is_some_and(|(outer, _)| *outer >= depth) {
                around.pop();
            }
            match abbreviation.tag() {
                gimli::DW_TAG_variable => {
                    entries.read_attributes(abbreviation.attributes(), &mut attributes)?;
                    if self.is_static(unit_id, &attributes, around.is_empty()) {
                        let id = entry_id(unit_id, offset)?;
                        self.index_static(id, &attributes, &around, index);
                    }
                }
                gimli::DW_TAG_namespace
                | gimli::DW_TAG_module
                | gimli::DW_TAG_structure_type
                | gimli::DW_TAG_class_type
                | gimli::DW_TAG_subprogram => {
                    entries.read_attributes(abbreviation.attributes(), &mut attributes)?;
                    if abbreviation.has_children() {
                        let name = self.own_name(unit_id, &attributes);
                        around.push((depth, name.unwrap_or_default()));
                    }
                }
                _ => entries.skip_attributes(abbreviation.attributes())?,
            }
        }
        Ok(())
    }

    /// Whether a variable has one place for the whole run, or one value.
    fn is_static(&self, unit: u32, attributes: &[Attribute<Reader>], is_outermost: bool) -> bool {
        attributes.iter().any(|attribute| match attribute.name() {
            gimli::DW_AT_location => match attribute.value().exprloc_value() {
                Some(at) => self.is_fixed(unit, &at) || is_outermost,
                None => false,
            },
            gimli::DW_AT_const_value => is_outermost,
            _ => false,
        })
    }

    pub(super) fn is_fixed(&self, unit: u32, at: &gimli::Expression<Reader>) -> bool {
        matches!(self.address_parts(unit, at), Ok(Some(_)))
    }

    fn own_name(&self, unit: u32, attributes: &[Attribute<Reader>]) -> Option<String> {
        let name = attributes.iter().find(|a| a.name() == gimli::DW_AT_name)?;
        self.text(unit, name.value())
    }

    fn index_static(
        &self,
        id: EntryId,
        attributes: &[Attribute<Reader>],
        around: &[(isize, String)],
        index: &mut StaticsByName,
    ) {
        let declaration = self.declaration(id.unit, attributes);
        let Some(name) = declaration.name else {
            return;
        };
        // A definition apart from its declaration has its path in the linkage name only.
        let linked = declaration.linkage_name.map(|name| demangle(&name));
        let mut ends: Vec<String> = linked
            .as_deref()
            .map_or_else(Vec::new, |path| path_ends(path, &name));
        let outer = around.iter().rev().map(|(_, name)| name.as_str());
        let mut path = name.clone();
        ends.push(path.clone());
        for part in outer.filter(|part| !part.is_empty()).take(MOST_PARTS) {
            path = format!("{part}::{path}");
            ends.push(path.clone());
        }
        ends.sort_unstable();
        ends.dedup();
        for end in ends {
            index.entry(end).or_default().push(id);
        }
    }
}

/// The ends of a demangled path that ends with a name.
fn path_ends(path: &str, name: &str) -> Vec<String> {
    let starts = path.match_indices("::").map(|(at, _)| at + 2);
    let ends = starts.chain([0]).filter_map(|at| path.get(at..));
    let whole = ends.filter(|end| *end == name || end.ends_with(&format!("::{name}")));
    whole.take(MOST_PARTS).map(str::to_owned).collect()
}
