//! Which type is behind a `dyn Trait`: Rust describes every vtable as a variable
//! whose type names the type that it was made for.

use super::units::{EntryId, Unit};
use super::{ModuleSource, SourceError};
use gimli::AttributeValue;
use std::collections::HashMap;

impl ModuleSource {
    /// The type whose vtable is at an address in memory.
    pub(crate) fn vtable_type(&self, address: u64) -> Option<EntryId> {
        let vtables = self.vtables.get_or_init(|| self.read_vtables());
        vtables.get(&address).copied()
    }

    fn read_vtables(&self) -> HashMap<u64, EntryId> {
        let mut found = HashMap::new();
        for (index, unit) in self.unit_ids().zip(&self.units.all) {
            if unit.is_rust() {
                // What was read before a damage stays useful.
                let _ = self.read_vtables_of(index, unit, &mut found);
            }
        }
        found
    }

    fn read_vtables_of(
        &self,
        index: u32,
        unit: &Unit,
        found: &mut HashMap<u64, EntryId>,
    ) -> Result<(), SourceError> {
        unit.each_tagged(gimli::DW_TAG_variable, |_, attributes| {
            let find = |name| {
                let attribute = attributes.iter().find(move |a| a.name() == name)?;
                Some(attribute.value())
            };
            let name = find(gimli::DW_AT_name).and_then(|name| self.text(index, name));
            if !name.is_some_and(|name| name.ends_with("::{vtable}")) {
                return Ok(());
            }
            let address = find(gimli::DW_AT_location).and_then(|at| at.exprloc_value());
            let address = address.and_then(|at| self.fixed_address(index, &at).ok()?);
            let made_for = find(gimli::DW_AT_type).and_then(|of| self.made_for(index, &of));
            found.extend(address.zip(made_for));
            Ok(())
        })
    }

    fn made_for(&self, unit: u32, vtable_type: &AttributeValue<super::Reader>) -> Option<EntryId> {
        let id = self.units.reference(unit, vtable_type).ok()?;
        let die = self.entry(id).ok()?;
        let made_for = die.attr_value(gimli::DW_AT_containing_type)?;
        self.units.reference(id.unit, &made_for).ok()
    }
}
