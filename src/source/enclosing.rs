//! The entries of all units, walked with the named ones around each: namespaces, types,
//! functions.

use super::budget::Budget;
use super::error::SourceError;
use super::sections::Reader;
use super::units::{EntryId, Units, entry_id};
use gimli::{Attribute, DwTag};

/// An entry, and what is around it.
pub(super) struct Enclosed<'a> {
    pub(super) id: EntryId,
    pub(super) tag: DwTag,
    pub(super) attributes: &'a [Attribute<Reader>],
    /// From the outermost to the innermost.
    pub(super) around: &'a [Enclosing],
}

/// An entry around others.
pub(super) struct Enclosing {
    pub(super) id: EntryId,
    pub(super) tag: DwTag,
    pub(super) name: String,
    depth: isize,
}

/// Entries that are deeper than this in one another are not kept.
const DEEPEST: usize = 64;

impl Enclosed<'_> {
    /// The text of an attribute.
    pub(super) fn text(&self, units: &Units, name: gimli::DwAt) -> Option<String> {
        let attribute = self.attributes.iter().find(|a| a.name() == name)?;
        units.text(self.id.unit, attribute.value())
    }
}

/// Calls `take` for each entry whose tag is wanted, to make an index of `what`. The name that
/// it answers, if it does, is the one that the entry has around those below it; an error ends
/// the walk over the unit.
pub(super) fn each_enclosed(
    units: &Units,
    what: &'static str,
    is_wanted: impl Fn(DwTag) -> bool,
    mut take: impl FnMut(&Enclosed<'_>, &mut Budget) -> Result<Option<String>, SourceError>,
) {
    let mut left = Budget::of_index(what, units.bytes());
    for unit in units.ids() {
        // What was read before a damage stays useful.
        _ = walk(units, unit, &mut left, &is_wanted, &mut take);
    }
}

fn walk(
    units: &Units,
    unit: u32,
    left: &mut Budget,
    is_wanted: &impl Fn(DwTag) -> bool,
    take: &mut impl FnMut(&Enclosed<'_>, &mut Budget) -> Result<Option<String>, SourceError>,
) -> Result<(), SourceError> {
    let mut entries = units.of(unit)?.dwarf.entries_raw(None)?;
    let mut attributes = Vec::new();
    let mut around: Vec<Enclosing> = Vec::new();
    while !entries.is_empty() {
        let (offset, depth) = (entries.next_offset(), entries.next_depth());
        let Some(abbreviation) = entries.read_abbreviation()? else {
            continue;
        };
        while around.last().is_some_and(|outer| outer.depth >= depth) {
            around.pop();
        }
        let tag = abbreviation.tag();
        if !is_wanted(tag) {
            entries.skip_attributes(abbreviation.attributes())?;
            continue;
        }
        entries.read_attributes(abbreviation.attributes(), &mut attributes)?;
        let id = entry_id(unit, offset)?;
        let entry = Enclosed {
            id,
            tag,
            attributes: &attributes,
            around: &around,
        };
        let name = take(&entry, left)?;
        if let Some(name) = name
            && abbreviation.has_children()
            && around.len() < DEEPEST
        {
            left.spend::<Enclosing>(name.len())?;
            around.push(Enclosing {
                id,
                tag,
                name,
                depth,
            });
        }
    }
    Ok(())
}
