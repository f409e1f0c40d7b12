//! The functions of a module: names, places, declarations.

use super::budget::Budget;
use super::damage::Damage;
use super::entries::Entries;
use super::error::SourceError;
use super::function_names::Written;
use super::lines::SourceLine;
use super::names::Names;
use super::ranges::{RangesLeft, ranges};
use super::sections::Reader;
use super::units::{EntryId, Unit, entry_id};
use gimli::Attribute;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

/// The number that stands for the unit of functions whose lines a source map tells: it
/// knows no functions, and no variables.
const MAPPED: u32 = u32::MAX;

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

/// The functions of a module, read unit by unit when first asked for.
pub(super) struct Functions {
    pub(super) names: Names,
    by_unit: Vec<OnceLock<OfUnit>>,
    /// For the functions of all units.
    left: Mutex<Budget>,
    /// Those of a module whose lines a source map tells.
    mapped: OnceLock<Vec<Function>>,
    /// Unit and number in it, by last part, whole path and linkage name.
    by_name: OnceLock<HashMap<String, Vec<(u32, usize)>>>,
}

/// The functions of one unit, by start.
struct OfUnit {
    functions: Vec<Function>,
    /// What was wrong with the entry after the last one that could be read.
    damage: Option<SourceError>,
}

impl Functions {
    pub(super) fn new(names: Names, entries: &Entries) -> Functions {
        Functions {
            names,
            by_unit: entries.units.ids().map(|_| OnceLock::new()).collect(),
            left: Mutex::new(Budget::of_index("functions", entries.units.bytes())),
            mapped: OnceLock::new(),
            by_name: OnceLock::new(),
        }
    }

    /// All functions with code of their own.
    pub(super) fn all<'a>(&'a self, entries: &'a Entries) -> impl Iterator<Item = &'a Function> {
        unit_ids(entries).flat_map(|unit| self.of_unit(entries, unit))
    }

    /// The function whose own code contains a place.
    pub(super) fn at(&self, entries: &Entries, pc: u32) -> Option<&Function> {
        let units = entries.units.at(pc).chain(mapped_unit(entries));
        units.into_iter().find_map(|unit| {
            let functions = self.of_unit(entries, unit);
            let next = functions.partition_point(|f| f.range.start <= pc);
            let function = functions.get(next.checked_sub(1)?)?;
            function.range.contains(&pc).then_some(function)
        })
    }

    /// The function at a place, if its variables are described.
    pub(super) fn described_at(
        &self,
        entries: &Entries,
        pc: u32,
    ) -> Result<&Function, SourceError> {
        self.at(entries, pc)
            .filter(|function| function.entry.unit != MAPPED)
            .ok_or(SourceError::NotCovered { pc })
    }

    /// The functions with a name: the last part, the whole path or the linkage name,
    /// exactly.
    pub(super) fn named(&self, entries: &Entries, name: &str) -> Vec<&Function> {
        let index = self.by_name.get_or_init(|| self.index(entries));
        let found = index.get(name).map_or(&[][..], Vec::as_slice);
        found
            .iter()
            .filter_map(|&(unit, at)| self.of_unit(entries, unit).get(at))
            .collect()
    }

    /// The functions that are meant.
    pub(super) fn meant<'a>(
        &'a self,
        entries: &'a Entries,
        is_meant: &dyn Fn(Written<'_>) -> bool,
    ) -> Vec<&'a Function> {
        let functions = self.all(entries);
        let written = |function: &Function| {
            is_meant(Written {
                whole: &function.name,
                declared: Some(&function.short_name),
                linkage: function.linkage_name.as_deref(),
            })
        };
        functions.filter(|function| written(function)).collect()
    }

    /// Units whose functions cannot all be read. This reads those of all units.
    pub(super) fn damage(&self, entries: &Entries) -> impl Iterator<Item = Damage> {
        let units = entries.units.ids().zip(&entries.units.all);
        units.filter_map(|(id, unit)| {
            let damage = self.unit(entries, id)?.damage.clone()?;
            Some(Damage::new(unit.shown(), damage))
        })
    }

    /// The functions of a unit by start. A damaged unit has those before the
    /// damage.
    fn of_unit(&self, entries: &Entries, unit: u32) -> &[Function] {
        if unit == MAPPED {
            return self.mapped.get_or_init(|| self.read_mapped(entries));
        }
        let of_unit = self.unit(entries, unit);
        of_unit.map_or(&[], |of_unit| &of_unit.functions)
    }

    fn unit(&self, entries: &Entries, id: u32) -> Option<&OfUnit> {
        let unit = entries.units.get(id)?;
        let of_unit = self.by_unit.get(id as usize)?;
        Some(of_unit.get_or_init(|| {
            let mut functions = Vec::new();
            // What was read before the damage stays useful.
            let damage = read(entries, id, unit, &self.left, &mut functions).err();
            functions.sort_by_key(|function| function.range.start);
            OfUnit { functions, damage }
        }))
    }

    /// What the code section and the name section know of functions.
    fn read_mapped(&self, entries: &Entries) -> Vec<Function> {
        let defined = entries.code.defined();
        let functions = defined.map(|(index, range, entry_pc)| {
            let name = self.names.shown(index);
            Function {
                short_name: name.clone(),
                name,
                linkage_name: None,
                range,
                entry_pc,
                declared: None,
                entry: EntryId {
                    unit: MAPPED,
                    offset: index,
                },
            }
        });
        functions.collect()
    }

    fn index(&self, entries: &Entries) -> HashMap<String, Vec<(u32, usize)>> {
        let mut index: HashMap<String, Vec<(u32, usize)>> = HashMap::new();
        for unit in unit_ids(entries) {
            for (at, function) in self.of_unit(entries, unit).iter().enumerate() {
                let names = [
                    Some(&function.name),
                    Some(&function.short_name),
                    function.linkage_name.as_ref(),
                ];
                for name in names.into_iter().flatten() {
                    let found = index.entry(name.clone()).or_default();
                    // Names of one function are often equal.
                    if found.last() != Some(&(unit, at)) {
                        found.push((unit, at));
                    }
                }
            }
        }
        index
    }
}

/// The units that have functions.
fn unit_ids(entries: &Entries) -> impl Iterator<Item = u32> + use<> {
    entries.units.ids().chain(mapped_unit(entries))
}

/// The unit of functions that only a source map speaks of, if there is a map.
fn mapped_unit(entries: &Entries) -> Option<u32> {
    entries.are_mapped().then_some(MAPPED)
}

fn read(
    entries: &Entries,
    unit_id: u32,
    unit: &Unit,
    budget: &Mutex<Budget>,
    found: &mut Vec<Function>,
) -> Result<(), SourceError> {
    let mut left = RangesLeft::new();
    unit.each_tagged(gimli::DW_TAG_subprogram, |offset, attributes| {
        let ranges = ranges(unit.unit_ref(), attributes, &entries.code, &mut left)?;
        if let Some(range) = ranges.into_iter().next() {
            let entry = entry_id(unit_id, offset)?;
            let function = function(entries, entry, range, attributes);
            let linkage_name = function.linkage_name.as_ref().map_or(0, String::len);
            let names = function.name.len() + function.short_name.len() + linkage_name;
            // They are in the index, too.
            budget.lock().spend::<[Function; 2]>(2 * names)?;
            found.push(function);
        }
        Ok(())
    })
}

fn function(
    entries: &Entries,
    entry: EntryId,
    range: Range<u32>,
    attributes: &[Attribute<Reader>],
) -> Function {
    let declaration = entries.declaration(entry.unit, attributes);
    let name = declaration.readable_name();
    Function {
        short_name: declaration.name.unwrap_or_else(|| name.clone()),
        name,
        linkage_name: declaration.linkage_name,
        entry_pc: entries.code.instruction_at(range.start),
        range,
        declared: declaration.declared,
        entry,
    }
}
