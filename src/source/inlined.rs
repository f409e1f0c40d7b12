//! Calls that the compiler has put in place of themselves: where the bodies of each
//! function begin in other functions.

use super::budget::Budget;
use super::entries::{Declaration, Entries};
use super::error::SourceError;
use super::function_names::{Beginning, Written};
use super::ranges::{RangesLeft, ranges};
use super::units::{EntryId, Unit};
use std::collections::HashMap;
use std::sync::OnceLock;

/// The functions of a module that were inlined, read when first asked for.
#[derive(Default)]
pub(super) struct InlinedFunctions(OnceLock<Vec<Inlined>>);

/// A function as far as it was inlined.
struct Inlined {
    declaration: Declaration,
    name: String,
    /// The first instruction of each copy of its body.
    starts: Vec<u32>,
}

impl Inlined {
    fn is_meant(&self, is_meant: &dyn Fn(Written<'_>) -> bool) -> bool {
        is_meant(Written {
            whole: &self.name,
            declared: self.declaration.name.as_deref(),
            linkage: self.declaration.linkage_name.as_deref(),
        })
    }
}

impl InlinedFunctions {
    /// Where the inlined copies of the functions begin that are meant.
    pub(super) fn meant(
        &self,
        entries: &Entries,
        is_meant: &dyn Fn(Written<'_>) -> bool,
    ) -> Vec<Beginning> {
        let inlined = self.0.get_or_init(|| index(entries));
        let meant = inlined.iter().filter(|one| one.is_meant(is_meant));
        let starts = meant.flat_map(|one| {
            one.starts.iter().map(|pc| Beginning {
                pc: *pc,
                name: one.name.clone(),
                declared: one.declaration.declared,
                is_inlined: true,
            })
        });
        starts.collect()
    }

    /// The names of all functions that were inlined.
    pub(super) fn names(&self, entries: &Entries) -> impl Iterator<Item = &str> {
        let inlined = self.0.get_or_init(|| index(entries));
        inlined.iter().map(|one| one.name.as_str())
    }
}

fn index(entries: &Entries) -> Vec<Inlined> {
    let mut starts: HashMap<EntryId, Vec<u32>> = HashMap::new();
    let mut budget = Budget::of_index("inlined functions", entries.units.bytes());
    for (id, unit) in entries.units.ids().zip(&entries.units.all) {
        // What was read before a damage stays useful.
        _ = read(entries, id, unit, &mut budget, &mut starts);
    }
    let named = starts.into_iter().filter_map(|(origin, starts)| {
        let die = entries.units.entry(origin).ok()?;
        let declaration = entries.declaration(origin.unit, die.attrs());
        let name = declaration.readable_name();
        budget.spend::<Inlined>(2 * name.len()).ok()?;
        Some(Inlined {
            name,
            declaration,
            starts,
        })
    });
    named.collect()
}

fn read(
    entries: &Entries,
    unit_id: u32,
    unit: &Unit,
    budget: &mut Budget,
    starts: &mut HashMap<EntryId, Vec<u32>>,
) -> Result<(), SourceError> {
    let mut left = RangesLeft::new();
    unit.each_tagged(gimli::DW_TAG_inlined_subroutine, |_, attributes| {
        let mut origins = attributes.iter();
        let origin = origins.find(|a| a.name() == gimli::DW_AT_abstract_origin);
        let origin = origin.and_then(|a| entries.units.reference(unit_id, &a.value()).ok());
        let ranges = ranges(unit.unit_ref(), attributes, &entries.code, &mut left)?;
        let start = ranges.iter().map(|range| range.start).min();
        if let (Some(origin), Some(start)) = (origin, start) {
            budget.spend::<[u64; 8]>(0)?;
            starts.entry(origin).or_default().push(start);
        }
        Ok(())
    })
}
