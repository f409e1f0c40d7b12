//! Types by their names, for casts.

use super::demangle::demangle;
use super::enclosing::{Enclosed, Enclosing, each_enclosed};
use super::spelling::short;
use super::units::{EntryId, Units};
use std::collections::HashMap;
use std::sync::OnceLock;

/// Types by name, as far as they have layout; read when first asked for.
#[derive(Default)]
pub(super) struct TypeNames(OnceLock<Index>);

#[derive(Default)]
struct Index {
    by_name: HashMap<String, EntryId>,
    /// Those of them that have members.
    composites: HashMap<String, EntryId>,
    /// One of each kind of number.
    bases: Vec<EntryId>,
    /// What rustc makes of asynchronous functions and blocks, with the path to each.
    coroutines: HashMap<EntryId, String>,
    /// The states of tasks in runtimes of the component model for Rust.
    task_states: Vec<EntryId>,
}

/// The runtime that wit-bindgen generates calls to, and what its versions call the state of
/// one task.
const RUNTIME: &str = "wit_bindgen::";
const TASK_STATES: [&str; 2] = ["TaskState", "FutureState"];

impl Index {
    fn add(&mut self, entry: &Enclosed<'_>, name: String, path: Option<String>, is_rust: bool) {
        let id = entry.id;
        let is_new = !self.by_name.contains_key(&name);
        if is_new && entry.tag == gimli::DW_TAG_base_type {
            self.bases.push(id);
        }
        if is_rust && let Some(path) = &path {
            if is_coroutine(&name) {
                self.coroutines.insert(id, path.clone());
            } else if TASK_STATES.contains(&name.as_str()) && path.starts_with(RUNTIME) {
                self.task_states.push(id);
            }
        }
        let shown = short(&name, is_rust);
        // Rust's paths end with what is shown; C++'s tell which class an object is of.
        if let Some(path) = path.filter(|_| !is_rust) {
            self.by_name.entry(short(&path, false)).or_insert(id);
        }
        if is_composite(entry.tag) {
            self.composites.entry(name.clone()).or_insert(id);
        }
        // People write the name that they are shown.
        self.by_name.entry(shown).or_insert(id);
        self.by_name.entry(name).or_insert(id);
    }
}

impl TypeNames {
    /// The type with a name, as its language writes it without qualifiers; of several,
    /// the first that is complete.
    pub(super) fn named(&self, units: &Units, name: &str) -> Option<EntryId> {
        self.index(units).by_name.get(name).copied()
    }

    /// The class with a name as its vtable has it, mangled.
    pub(super) fn class_mangled(&self, units: &Units, name: &str) -> Option<EntryId> {
        // Names that only one file has are marked.
        let name = name.strip_prefix('*').unwrap_or(name);
        let demangled = demangle(&format!("_Z{name}"));
        self.named(units, &short(&demangled, false))
    }

    /// The definition of a type with members that some unit only declares.
    pub(super) fn composite(&self, units: &Units, name: &str) -> Option<EntryId> {
        self.index(units).composites.get(name).copied()
    }

    /// The types that are meant by a name, each by the shortest of those; without pointers,
    /// tuples and what compilers make for themselves.
    pub(super) fn meant(&self, units: &Units, is_meant: impl Fn(&str) -> bool) -> Vec<String> {
        let is_named = |name: &str| {
            name.starts_with(|c: char| c.is_alphabetic() || c == '_') && !name.contains("{vtable")
        };
        let mut shortest: HashMap<EntryId, &str> = HashMap::new();
        for (name, id) in &self.index(units).by_name {
            if is_named(name) && is_meant(name) {
                let known = shortest.entry(*id).or_insert(name);
                if (name.len(), name.as_str()) < (known.len(), *known) {
                    *known = name;
                }
            }
        }
        shortest.into_values().map(str::to_owned).collect()
    }

    /// One of each kind of number.
    pub(super) fn bases(&self, units: &Units) -> &[EntryId] {
        &self.index(units).bases
    }

    /// The path to a coroutine's type, itself included; `None` of any other type.
    pub(super) fn coroutine(&self, units: &Units, id: EntryId) -> Option<&str> {
        self.index(units).coroutines.get(&id).map(String::as_str)
    }

    /// The types in which the runtime for Rust keeps what is left to do of a task.
    pub(super) fn task_states(&self, units: &Units) -> &[EntryId] {
        &self.index(units).task_states
    }

    fn index(&self, units: &Units) -> &Index {
        self.0.get_or_init(|| index(units))
    }
}

fn index(units: &Units) -> Index {
    let mut index = Index::default();
    let is_wanted = |tag| tag == gimli::DW_TAG_namespace || is_named_type(tag);
    each_enclosed(units, "names of types", is_wanted, |entry, left| {
        let name = entry.text(units, gimli::DW_AT_name);
        let path = path_to(entry.around, name.as_deref());
        let taken = path.as_ref().or(name.as_ref()).map_or(0, String::len);
        left.spend::<[EntryId; 8]>(4 * taken)?;
        let is_namespace = entry.tag == gimli::DW_TAG_namespace;
        let around = (is_namespace || is_composite(entry.tag)).then(|| {
            let none = || "(anonymous namespace)".to_owned();
            name.clone().unwrap_or_else(none)
        });
        let mut attributes = entry.attributes.iter();
        let is_declaration = attributes.any(|a| a.name() == gimli::DW_AT_declaration);
        if let Some(name) = name
            && !is_namespace
            && !is_declaration
        {
            index.add(entry, name, path, units.is_rust(entry.id.unit));
        }
        Ok(around)
    });
    index
}

/// `{async_fn_env#0}`, `{async_block_env#1}<T>`, `{gen_block_env#0}` and the like.
pub(super) fn is_coroutine(name: &str) -> bool {
    let kinds = ["{async_", "{gen_", "{coroutine_"];
    kinds.iter().any(|kind| name.starts_with(kind)) && name.contains("_env#")
}

/// The name of an entry with those around it.
fn path_to(around: &[Enclosing], name: Option<&str>) -> Option<String> {
    let outer = around.iter().map(|outer| outer.name.as_str());
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
