//! Types by their names, for casts.

use super::demangle::demangle;
use super::spelling::short;
use super::units::{EntryId, entry_id};
use super::{ModuleSource, SourceError, Type};
use std::collections::HashMap;

/// Types by name, as far as they have layout.
#[derive(Default)]
pub(super) struct TypeNames {
    by_name: HashMap<String, EntryId>,
    /// Those of them that have members.
    composites: HashMap<String, EntryId>,
    /// One of each kind of number.
    bases: Vec<EntryId>,
}

impl ModuleSource {
    /// The type with a name, as its language writes it without qualifiers; of several,
    /// the first that is complete.
    pub(crate) fn type_named(&self, name: &str) -> Option<EntryId> {
        self.type_names().by_name.get(name).copied()
    }

    /// The class with a name as its vtable has it, mangled.
    pub(crate) fn class_mangled(&self, name: &str) -> Option<EntryId> {
        // Names that only one file has are marked.
        let name = name.strip_prefix('*').unwrap_or(name);
        let demangled = demangle(&format!("_Z{name}"));
        self.type_named(&short(&demangled, false))
    }

    /// The definition of a type with members that some unit only declares.
    pub(super) fn composite_named(&self, name: &str) -> Option<EntryId> {
        self.type_names().composites.get(name).copied()
    }

    /// The first base type that is like this.
    pub(crate) fn base_type(&self, is_like: impl Fn(&Type) -> bool) -> Option<EntryId> {
        let mut bases = self.type_names().bases.iter().copied();
        bases.find(|&id| self.type_at(id).is_ok_and(|of| is_like(&of)))
    }

    fn type_names(&self) -> &TypeNames {
        self.type_names.get_or_init(|| {
            let mut names = TypeNames::default();
            for unit in self.unit_ids() {
                // What was read before a damage stays useful.
                let _ = self.read_type_names(unit, &mut names);
            }
            names
        })
    }

    fn read_type_names(&self, index: u32, names: &mut TypeNames) -> Result<(), SourceError> {
        let unit = self.units.get(index);
        let unit = unit.ok_or(SourceError::DanglingReference)?;
        let mut entries = unit.dwarf.entries_raw(None)?;
        let mut attributes = Vec::new();
        // The names around the next entry, with their depths.
        let mut around: Vec<(isize, String)> = Vec::new();
        while !entries.is_empty() {
            let (offset, depth) = (entries.next_offset(), entries.next_depth());
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            while around.last().is_some_and(|(outer, _)| *outer >= depth) {
                around.pop();
            }
            let is_namespace = abbreviation.tag() == gimli::DW_TAG_namespace;
            if !is_named_type(abbreviation.tag()) && !is_namespace {
                entries.skip_attributes(abbreviation.attributes())?;
                continue;
            }
            entries.read_attributes(abbreviation.attributes(), &mut attributes)?;
            let find = |name| attributes.iter().find(move |a| a.name() == name);
            let name = find(gimli::DW_AT_name).and_then(|a| self.text(index, a.value()));
            let path = path_to(&around, name.as_deref());
            if abbreviation.has_children() && (is_namespace || is_composite(abbreviation.tag())) {
                let none = || "(anonymous namespace)".to_owned();
                around.push((depth, name.clone().unwrap_or_else(none)));
            }
            if is_namespace {
                continue;
            }
            if let (Some(name), None) = (name, find(gimli::DW_AT_declaration)) {
                let id = entry_id(index, offset)?;
                let is_new = !names.by_name.contains_key(&name);
                if is_new && abbreviation.tag() == gimli::DW_TAG_base_type {
                    names.bases.push(id);
                }
                let shown = short(&name, unit.is_rust());
                // Rust's paths end with what is shown; C++'s tell which class an object is of.
                if let Some(path) = path.filter(|_| !unit.is_rust()) {
                    names.by_name.entry(short(&path, false)).or_insert(id);
                }
                if is_composite(abbreviation.tag()) {
                    names.composites.entry(name.clone()).or_insert(id);
                }
                // People write the name that they are shown.
                names.by_name.entry(shown).or_insert(id);
                names.by_name.entry(name).or_insert(id);
            }
        }
        Ok(())
    }
}

/// The name of an entry with those around it.
fn path_to(around: &[(isize, String)], name: Option<&str>) -> Option<String> {
    let outer = around.iter().map(|(_, name)| name.as_str());
    let path: Vec<&str> = outer.chain([name?]).collect();
    (path.len() > 1).then(|| path.join("::"))
}

fn is_named_type(tag: gimli::DwTag) -> bool {
    is_composite(tag)
        || matches!(
            tag,
            gimli::DW_TAG_enumeration_type | gimli::DW_TAG_base_type | gimli::DW_TAG_typedef
        )
}

pub(super) fn is_composite(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type | gimli::DW_TAG_union_type
    )
}
