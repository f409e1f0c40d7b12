//! Whether two builds of a component have the same code: all but custom sections,
//! where debug information is.

use super::{Component, Crossing, ModuleId};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use wasmparser as wp;

/// What two components differ in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Differs {
    /// The code of a core module, as [`code_hash`] tells; the first that differs.
    #[error(
        "the code of core module {}{} is another: its hash is {given}, that of the recorded one {recorded}",
        module.0,
        named(name.as_deref())
    )]
    Module {
        /// Which one, by its number in both.
        module: ModuleId,
        /// What its name section calls it, in the given component or else in the recorded one.
        name: Option<String>,
        /// The [`code_hash`] in the recorded component.
        recorded: String,
        /// The [`code_hash`] in the given one.
        given: String,
    },
    /// How many core modules they have.
    #[error("it has {given} core modules, the recorded one {recorded}")]
    Modules {
        /// In the recorded component.
        recorded: usize,
        /// In the given one.
        given: usize,
    },
    /// The definition of a crossing; the first that differs.
    #[error("crossing {number} is {given}, in the recorded one {recorded}")]
    Crossing {
        /// Its [`CrossingId`](super::CrossingId), as a number.
        number: usize,
        /// Its kind and name in the recorded component; `none` if it has not so many.
        recorded: String,
        /// Its kind and name in the given one; `none` if it has not so many.
        given: String,
    },
    /// The steps of their bodies, with modules and crossings the same.
    #[error("it puts its core modules together in another way")]
    Wiring,
}

fn named(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" ({name:?})"))
}

/// Whether a recording of one component is one of the other, too: the same core
/// modules but for their custom sections, the same crossings, wired the same.
///
/// # Errors
///
/// What they differ in.
pub fn same_code(recorded: &Component, given: &Component) -> Result<(), Differs> {
    let (a, b) = (recorded.modules().len(), given.modules().len());
    if a != b {
        return Err(Differs::Modules {
            recorded: a,
            given: b,
        });
    }
    for (id, (a, b)) in (0..).zip(recorded.modules().zip(given.modules())) {
        if !code_sections(a).eq(code_sections(b)) {
            return Err(Differs::Module {
                module: ModuleId(id),
                name: module_name(b).or_else(|| module_name(a)),
                recorded: code_hash(a),
                given: code_hash(b),
            });
        }
    }
    same_crossings(recorded.crossings(), given.crossings())?;
    let items = |c: &Component| -> Vec<_> {
        let bodies = c.bodies().iter();
        bodies.map(|body| body.items.clone()).collect()
    };
    if items(recorded) != items(given) || recorded.made() != given.made() {
        return Err(Differs::Wiring);
    }
    Ok(())
}

fn same_crossings(recorded: &[Crossing], given: &[Crossing]) -> Result<(), Differs> {
    let longest = recorded.len().max(given.len());
    let differing = (0..longest).find(|i| recorded.get(*i) != given.get(*i));
    let Some(number) = differing else {
        return Ok(());
    };
    let described = |crossings: &[Crossing]| {
        crossings.get(number).map_or_else(
            || "none".to_owned(),
            |crossing| format!("{:?} {}", crossing.kind, crossing.name),
        )
    };
    Err(Differs::Crossing {
        number,
        recorded: described(recorded),
        given: described(given),
    })
}

/// The sections of a core module that are code: number and bytes of each.
fn code_sections(module: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    wp::Parser::new(0)
        .parse_all(module)
        // A component's modules have been validated, so this is not an error.
        .map_while(Result::ok)
        .filter_map(|payload| payload.as_section())
        .filter(|(id, _)| *id != CUSTOM)
        .filter_map(|(id, range)| Some((id, module.get(range)?)))
}

const CUSTOM: u8 = 0;

/// The SHA-256 of a core module's code, in hexadecimal: of each section that is not
/// a custom one, its number in one byte, its length in eight, little-endian, and its
/// bytes.
pub fn code_hash(module: &[u8]) -> String {
    let mut hash = Sha256::new();
    for (id, bytes) in code_sections(module) {
        hash.update([id]);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hexadecimal(&hash.finalize())
}

/// The SHA-256 of bytes, in hexadecimal.
pub fn hash(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}

/// The name that a core module's name section gives it.
pub fn module_name(module: &[u8]) -> Option<String> {
    let payloads = wp::Parser::new(0).parse_all(module).map_while(Result::ok);
    payloads
        .filter_map(|payload| match payload {
            wp::Payload::CustomSection(section) => match section.as_known() {
                wp::KnownCustom::Name(names) => Some(names),
                _ => None,
            },
            _ => None,
        })
        .flatten()
        .find_map(|name| match name {
            Ok(wp::Name::Module { name, .. }) => Some(name.to_owned()),
            _ => None,
        })
}

/// The start function of a core module, by module and name, if it is one that it imports.
pub(super) fn imported_start(module: &[u8]) -> Option<(String, String)> {
    let mut imported = Vec::new();
    for payload in wp::Parser::new(0).parse_all(module) {
        match payload {
            Ok(wp::Payload::ImportSection(imports)) => {
                let imports = imports.into_imports().map_while(Result::ok);
                let is_function =
                    |ty| matches!(ty, wp::TypeRef::Func(_) | wp::TypeRef::FuncExact(_));
                let functions = imports.filter(|import| is_function(import.ty));
                imported.extend(functions.map(|import| (import.module, import.name)));
            }
            Ok(wp::Payload::StartSection { func, .. }) => {
                let (module, name) = *imported.get(func as usize)?;
                return Some((module.to_owned(), name.to_owned()));
            }
            Ok(wp::Payload::CodeSectionStart { .. }) | Err(_) => return None,
            Ok(_) => {}
        }
    }
    None
}
