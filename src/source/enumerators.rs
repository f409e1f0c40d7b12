//! Which enumeration has an enumerator with a name: programs write `TOY` and `Kind::Toy`
//! where a value stands.

use super::budget::Budget;
use super::error::SourceError;
use super::units::{EntryId, Units, entry_id};
use std::collections::HashMap;
use std::sync::OnceLock;

/// Enumerators by their own names, read when first asked for.
#[derive(Default)]
pub(super) struct Enumerators(OnceLock<ByName>);

type ByName = HashMap<String, Vec<Home>>;

/// Where an enumerator is declared.
struct Home {
    enumeration: EntryId,
    /// The names around it, the enumeration's own last.
    path: String,
    /// Less the enumeration's own, by which C and C++ reach it too.
    outer: String,
}

/// The most enumerators of one name that are kept.
const MOST_OF_A_NAME: usize = 64;
/// Deeper entries have no names around them.
const DEEPEST: usize = 64;

impl Enumerators {
    /// The enumerations that have an enumerator with this name, the last parts of its path;
    /// those of the unit `here` first.
    pub(super) fn homes(&self, units: &Units, here: Option<u32>, name: &str) -> Vec<EntryId> {
        let index = self.0.get_or_init(|| index(units));
        let name = name.trim_start_matches("::");
        let (path, own) = name.rsplit_once("::").unwrap_or(("", name));
        let ends = |whole: &str| {
            let ahead = whole.strip_suffix(path);
            ahead.is_some_and(|ahead| ahead.is_empty() || path.is_empty() || ahead.ends_with("::"))
        };
        let all = index.get(own).into_iter().flatten();
        let meant = all.filter(|home| ends(&home.path) || ends(&home.outer));
        let mut meant: Vec<EntryId> = meant.map(|home| home.enumeration).collect();
        meant.sort_by_key(|id| Some(id.unit) != here);
        meant
    }
}

fn index(units: &Units) -> ByName {
    let mut index = ByName::new();
    let mut left = Budget::of_index("names of enumerators", units.bytes());
    for unit in units.ids() {
        // What was read before a damage stays useful.
        _ = read_unit(units, unit, &mut left, &mut index);
    }
    index
}

fn read_unit(
    units: &Units,
    unit_id: u32,
    left: &mut Budget,
    index: &mut ByName,
) -> Result<(), SourceError> {
    let mut entries = units.of(unit_id)?.dwarf.entries_raw(None)?;
    let mut attributes = Vec::new();
    // The names around the next entry, with their depths.
    let mut around: Vec<(isize, String)> = Vec::new();
    let mut enumeration: Option<(isize, EntryId)> = None;
    while !entries.is_empty() {
        let (offset, depth) = (entries.next_offset(), entries.next_depth());
        let Some(abbreviation) = entries.read_abbreviation()? else {
            continue;
        };
        while around.last().is_some_and(|(outer, _)| *outer >= depth) {
            around.pop();
        }
        let inside = enumeration.filter(|(outer, _)| *outer < depth);
        enumeration = inside;
        let is_enumerator = abbreviation.tag() == gimli::DW_TAG_enumerator;
        if !is_enumerator && !has_path(abbreviation.tag()) {
            entries.skip_attributes(abbreviation.attributes())?;
            continue;
        }
        entries.read_attributes(abbreviation.attributes(), &mut attributes)?;
        let name = attributes.iter().find(|a| a.name() == gimli::DW_AT_name);
        let name = name.and_then(|a| units.text(unit_id, a.value()));
        match (is_enumerator, inside) {
            (true, Some((_, id))) => {
                if let Some(name) = name {
                    add(&around, id, name, left, index)?;
                }
                continue;
            }
            (true, None) => continue,
            (false, _) => {}
        }
        if abbreviation.tag() == gimli::DW_TAG_enumeration_type {
            enumeration = Some((depth, entry_id(unit_id, offset)?));
        }
        if abbreviation.has_children() && around.len() < DEEPEST {
            left.spend::<String>(name.as_ref().map_or(0, String::len))?;
            around.push((depth, name.unwrap_or_default()));
        }
    }
    Ok(())
}

fn add(
    around: &[(isize, String)],
    enumeration: EntryId,
    name: String,
    left: &mut Budget,
    index: &mut ByName,
) -> Result<(), SourceError> {
    let join = |parts: &[(isize, String)]| {
        let named = parts.iter().map(|(_, name)| name.as_str());
        let named: Vec<&str> = named.filter(|name| !name.is_empty()).collect();
        named.join("::")
    };
    let outer = around.get(..around.len().saturating_sub(1));
    let (path, outer) = (join(around), join(outer.unwrap_or_default()));
    left.spend::<[EntryId; 8]>(name.len() + path.len() + outer.len())?;
    let homes = index.entry(name).or_default();
    if homes.len() < MOST_OF_A_NAME {
        homes.push(Home {
            enumeration,
            path,
            outer,
        });
    }
    Ok(())
}

/// Whether an enumeration's path can go through such an entry.
fn has_path(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_namespace
            | gimli::DW_TAG_module
            | gimli::DW_TAG_structure_type
            | gimli::DW_TAG_class_type
            | gimli::DW_TAG_union_type
            | gimli::DW_TAG_enumeration_type
    )
}
