//! Variables outside functions, and those in functions that live as long: found by
//! name, in all units.

use super::addresses::{self, is_tombstone};
use super::budget::Budget;
use super::demangle::demangle;
use super::enclosing::{Enclosed, each_enclosed};
use super::entries::Entries;
use super::error::SourceError;
use super::scopes::{self, Declared, Location};
use super::units::EntryId;
use std::collections::HashMap;
use std::sync::OnceLock;

/// Variables outside functions by name, read when first asked for.
#[derive(Default)]
pub(super) struct Statics(OnceLock<ByName>);

/// Entries of variables by every end of their path: `count`, `Account::count`,
/// `bank::Account::count`.
type ByName = HashMap<String, Vec<EntryId>>;

/// The most parts of a path that have names in the index.
const MOST_PARTS: usize = 8;
/// The most variables of one name that are looked at for one that the linker kept.
const MOST_OF_A_NAME: usize = 64;
/// The most names in the index.
const MOST_NAMES: usize = 1 << 20;

impl Statics {
    /// The variable with a name that is in no function or lives as long as those; that
    /// of the unit `here` comes before others.
    pub(super) fn named(
        &self,
        entries: &Entries,
        here: Option<u32>,
        name: &str,
    ) -> Option<Declared> {
        let index = self.0.get_or_init(|| index(entries));
        let found = index.get(name.trim_start_matches("::"))?;
        let near = found.iter().find(|entry| Some(entry.unit) == here);
        let all = near.into_iter().chain(found).take(MOST_OF_A_NAME);
        let mut all = all.filter_map(|entry| scopes::variable_at(entries, *entry, None).ok()?);
        let first = all.next()?;
        match is_left_out(entries, &first) {
            true => all
                .find(|other| !is_left_out(entries, other))
                .or(Some(first)),
            false => Some(first),
        }
    }
}

/// All of them.
impl Statics {
    /// Each with its whole path, of those that the linker kept.
    pub(super) fn all(&self, entries: &Entries) -> Vec<(String, Declared)> {
        let index = self.0.get_or_init(|| index(entries));
        let mut paths: HashMap<EntryId, &str> = HashMap::new();
        for (path, ids) in index {
            for id in ids {
                let known = paths.entry(*id).or_insert(path);
                if known.len() < path.len() {
                    *known = path;
                }
            }
        }
        let declared = paths.into_iter().filter_map(|(id, path)| {
            let declared = scopes::variable_at(entries, id, None).ok()??;
            (!is_left_out(entries, &declared)).then(|| (path.to_owned(), declared))
        });
        declared.collect()
    }

    /// The one whose bytes an address is of, and where it begins.
    pub(super) fn around(
        &self,
        entries: &Entries,
        address: u64,
        size: impl Fn(EntryId) -> u64,
    ) -> Option<(String, u64)> {
        self.all(entries).into_iter().find_map(|(path, declared)| {
            let Location::At(at) = &declared.location else {
                return None;
            };
            let (_, start) = addresses::parts(&entries.units, declared.unit, at).ok()??;
            let size = size(declared.type_id?);
            (start..start.saturating_add(size))
                .contains(&address)
                .then_some((path, start))
        })
    }
}

/// Whether the linker dropped a variable, as nothing uses it.
fn is_left_out(entries: &Entries, declared: &Declared) -> bool {
    let Location::At(at) = &declared.location else {
        return false;
    };
    let parts = addresses::parts(&entries.units, declared.unit, at);
    matches!(parts, Ok(Some((_, address))) if is_tombstone(address))
}

fn index(entries: &Entries) -> ByName {
    let mut index = ByName::new();
    let units = &entries.units;
    let is_wanted = |tag| tag == gimli::DW_TAG_variable || has_variables(tag);
    each_enclosed(units, "names of variables", is_wanted, |entry, left| {
        if index.len() >= MOST_NAMES {
            return Err(SourceError::Excessive("too many variables have names"));
        }
        if entry.tag != gimli::DW_TAG_variable {
            let name = entry.text(units, gimli::DW_AT_name);
            return Ok(Some(name.unwrap_or_default()));
        }
        if is_static(entries, entry) {
            index_one(entries, entry, left, &mut index)?;
        }
        Ok(None)
    });
    index
}

/// Whether variables may stand in such an entry.
fn has_variables(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_namespace
            | gimli::DW_TAG_module
            | gimli::DW_TAG_structure_type
            | gimli::DW_TAG_class_type
            | gimli::DW_TAG_subprogram
    )
}

/// Whether a variable has one place for the whole run, or one value.
fn is_static(entries: &Entries, variable: &Enclosed<'_>) -> bool {
    let is_outermost = variable.around.is_empty();
    let mut attributes = variable.attributes.iter();
    attributes.any(|attribute| match attribute.name() {
        gimli::DW_AT_location => match attribute.value().exprloc_value() {
            Some(at) => addresses::is_fixed(&entries.units, variable.id.unit, &at) || is_outermost,
            None => false,
        },
        gimli::DW_AT_const_value => is_outermost,
        _ => false,
    })
}

fn index_one(
    entries: &Entries,
    variable: &Enclosed<'_>,
    left: &mut Budget,
    index: &mut ByName,
) -> Result<(), SourceError> {
    let declaration = entries.declaration(variable.id.unit, variable.attributes);
    let Some(name) = declaration.name else {
        return Ok(());
    };
    // A definition apart from its declaration has its path in the linkage name only.
    let linked = declaration.linkage_name.map(|name| demangle(&name));
    let mut ends: Vec<String> = linked
        .as_deref()
        .map_or_else(Vec::new, |path| path_ends(path, &name));
    let outer = variable
        .around
        .iter()
        .rev()
        .map(|outer| outer.name.as_str());
    let mut path = name.clone();
    ends.push(path.clone());
    for part in outer.filter(|part| !part.is_empty()).take(MOST_PARTS) {
        path = format!("{part}::{path}");
        ends.push(path.clone());
    }
    ends.sort_unstable();
    ends.dedup();
    for end in ends {
        left.spend::<[EntryId; 8]>(end.len())?;
        index.entry(end).or_default().push(variable.id);
    }
    Ok(())
}

/// The ends of a demangled path that ends with a name.
fn path_ends(path: &str, name: &str) -> Vec<String> {
    let starts = path.match_indices("::").map(|(at, _)| at + 2);
    let ends = starts.chain([0]).filter_map(|at| path.get(at..));
    let whole = ends.filter(|end| *end == name || end.ends_with(&format!("::{name}")));
    whole.take(MOST_PARTS).map(str::to_owned).collect()
}
