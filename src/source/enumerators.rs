//! Which enumeration has an enumerator with a name: programs write `TOY` and `Kind::Toy`
//! where a value stands.

use super::budget::Budget;
use super::enclosing::{Enclosing, each_enclosed};
use super::error::SourceError;
use super::units::{EntryId, Units};
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
    let is_wanted = |tag| tag == gimli::DW_TAG_enumerator || has_path(tag);
    each_enclosed(units, "names of enumerators", is_wanted, |entry, left| {
        let name = entry.text(units, gimli::DW_AT_name);
        if entry.tag != gimli::DW_TAG_enumerator {
            return Ok(Some(name.unwrap_or_default()));
        }
        if let Some(name) = name {
            add(entry.around, name, left, &mut index)?;
        }
        Ok(None)
    });
    index
}

/// Adds an enumerator to its enumeration, the innermost of what is around it.
fn add(
    around: &[Enclosing],
    name: String,
    left: &mut Budget,
    index: &mut ByName,
) -> Result<(), SourceError> {
    let Some((enumeration, outer)) = around.split_last() else {
        return Ok(());
    };
    if enumeration.tag != gimli::DW_TAG_enumeration_type {
        return Ok(());
    }
    let join = |parts: &[Enclosing]| {
        let named = parts.iter().map(|part| part.name.as_str());
        let named: Vec<&str> = named.filter(|name| !name.is_empty()).collect();
        named.join("::")
    };
    let (path, outer) = (join(around), join(outer));
    left.spend::<[EntryId; 8]>(name.len() + path.len() + outer.len())?;
    let homes = index.entry(name).or_default();
    if homes.len() < MOST_OF_A_NAME {
        homes.push(Home {
            enumeration: enumeration.id,
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
