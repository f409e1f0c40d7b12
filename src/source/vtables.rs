//! Which type is behind a `dyn Trait`: Rust describes every vtable as a variable
//! whose type names the type that it was made for.

use super::addresses;
use super::budget::Budget;
use super::error::SourceError;
use super::globals::Globals;
use super::sections::Reader;
use super::units::{EntryId, Unit, Units};
use gimli::AttributeValue;
use std::collections::HashMap;
use std::sync::OnceLock;

/// Rust types by the address of their vtables, read when first asked for.
#[derive(Default)]
pub(super) struct Vtables(OnceLock<HashMap<u64, EntryId>>);

impl Vtables {
    /// The type whose vtable is at an address in memory.
    pub(super) fn made_for(
        &self,
        units: &Units,
        globals: &Globals,
        address: u64,
    ) -> Option<EntryId> {
        let vtables = self.0.get_or_init(|| read(units, globals));
        vtables.get(&address).copied()
    }
}

fn read(units: &Units, globals: &Globals) -> HashMap<u64, EntryId> {
    let mut reading = Reading {
        units,
        globals,
        found: HashMap::new(),
        left: Budget::of_index("names of vtables", units.bytes()),
    };
    for (index, unit) in units.ids().zip(&units.all) {
        if unit.is_rust() {
            // What was read before a damage stays useful.
            _ = reading.read(index, unit);
        }
    }
    reading.found
}

struct Reading<'a> {
    units: &'a Units,
    globals: &'a Globals,
    found: HashMap<u64, EntryId>,
    left: Budget,
}

impl Reading<'_> {
    fn read(&mut self, index: u32, unit: &Unit) -> Result<(), SourceError> {
        unit.each_tagged(gimli::DW_TAG_variable, |_, attributes| {
            let find = |name| {
                let attribute = attributes.iter().find(move |a| a.name() == name)?;
                Some(attribute.value())
            };
            let name = find(gimli::DW_AT_name).and_then(|name| self.units.text(index, name));
            self.left
                .spend::<EntryId>(name.as_ref().map_or(0, String::len))?;
            if !name.is_some_and(|name| name.ends_with("::{vtable}")) {
                return Ok(());
            }
            let address = find(gimli::DW_AT_location).and_then(|at| at.exprloc_value());
            let fixed = |at| addresses::fixed(self.units, self.globals, index, &at).ok()?;
            let address = address.and_then(fixed);
            let made_for = find(gimli::DW_AT_type).and_then(|of| self.made_for(index, &of));
            self.found.extend(address.zip(made_for));
            Ok(())
        })
    }

    fn made_for(&self, unit: u32, vtable_type: &AttributeValue<Reader>) -> Option<EntryId> {
        let id = self.units.reference(unit, vtable_type).ok()?;
        let die = self.units.entry(id).ok()?;
        let made_for = die.attr_value(gimli::DW_AT_containing_type)?;
        self.units.reference(id.unit, &made_for).ok()
    }
}
