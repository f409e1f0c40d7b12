//! Calls that the compiler has put in place of themselves: where the bodies of each
//! function begin in other functions.

use super::functions::Declaration;
use super::units::{EntryId, RangesLeft, Unit, ranges};
use super::{ModuleSource, SourceError};
use std::collections::HashMap;

/// A function as far as it was inlined.
pub(super) struct Inlined {
    declaration: Declaration,
    name: String,
    /// The first instruction of each copy of its body.
    starts: Vec<u32>,
}

impl Inlined {
    fn has_name(&self, is_meant: &impl Fn(&str) -> bool) -> bool {
        let (short, linkage) = (&self.declaration.name, &self.declaration.linkage_name);
        let names = [Some(&self.name), short.as_ref(), linkage.as_ref()];
        names.into_iter().flatten().any(|name| is_meant(name))
    }
}

impl ModuleSource {
    /// Where the inlined copies of functions begin that are meant by their whole name, the
    /// last part of it or the linkage name.
    pub fn starts_of_inlined(&self, is_meant: impl Fn(&str) -> bool) -> Vec<u32> {
        let inlined = self.inlined.get_or_init(|| self.index_inlined());
        let meant = inlined.iter().filter(|one| one.has_name(&is_meant));
        let mut starts: Vec<u32> = meant.flat_map(|one| one.starts.iter().copied()).collect();
        starts.sort_unstable();
        starts.dedup();
        starts
    }

    fn index_inlined(&self) -> Vec<Inlined> {
        let mut starts: HashMap<EntryId, Vec<u32>> = HashMap::new();
        for (id, unit) in self.unit_ids().zip(&self.units.all) {
            // What was read before a damage stays useful.
            let _ = self.read_inlined(id, unit, &mut starts);
        }
        let named = starts.into_iter().filter_map(|(origin, starts)| {
            let die = self.entry(origin).ok()?;
            let declaration = self.declaration(origin.unit, die.attrs());
            Some(Inlined {
                name: declaration.readable_name(),
                declaration,
                starts,
            })
        });
        named.collect()
    }

    fn read_inlined(
        &self,
        unit_id: u32,
        unit: &Unit,
        starts: &mut HashMap<EntryId, Vec<u32>>,
    ) -> Result<(), SourceError> {
        let mut left = RangesLeft::new();
        unit.each_tagged(gimli::DW_TAG_inlined_subroutine, |_, attributes| {
            let mut origins = attributes.iter();
            let origin = origins.find(|a| a.name() == gimli::DW_AT_abstract_origin);
            let origin = origin.and_then(|a| self.units.reference(unit_id, &a.value()).ok());
            let ranges = ranges(unit.unit_ref(), attributes, &self.code, &mut left)?;
            let start = ranges.iter().map(|range| range.start).min();
            if let (Some(origin), Some(start)) = (origin, start) {
                starts.entry(origin).or_default().push(start);
            }
            Ok(())
        })
    }
}
