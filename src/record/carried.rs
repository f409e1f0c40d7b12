//! The sources that a recording carries along: the program's own, where they are at hand and
//! small, so that a recording shows them wherever it is opened.

use crate::component::Component;
use crate::source::{Folders, Known, ModuleSource, is_library, source_text};
use crate::trace::CarriedSource;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What all of them take at most, in bytes; compressed, text is a quarter of that.
const MOST: usize = 4 << 20;
/// And one of them.
const MOST_OF_ONE: usize = 1 << 20;
/// So many files are looked for.
const MOST_FILES: usize = 10_000;

/// A source of the program's own, as debug information tells of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OwnSource {
    path: String,
    known: Known,
}

/// The sources of a component that have code and are of no library, but for those whose text
/// is in a source map.
pub(super) fn own_sources(component: &Component) -> Vec<OwnSource> {
    let mut found: BTreeMap<String, OwnSource> = BTreeMap::new();
    for bytes in component.modules() {
        let Ok(source) = ModuleSource::read(Arc::from(bytes)) else {
            continue;
        };
        let own = source.files().filter(|(_, path)| !is_library(path));
        for (file, path) in own.take(MOST_FILES) {
            if source.text_of(file).is_none() && !found.contains_key(path) {
                let own = OwnSource {
                    path: path.to_owned(),
                    known: source.known_of(file),
                };
                found.insert(path.to_owned(), own);
            }
        }
    }
    found.into_values().collect()
}

/// Those that lie where the debug information says, or at an end of that path in one of the
/// folders; the smaller ones, where all would be too much. One that is not what was compiled,
/// as far as that is told, is left out.
pub(super) fn carried_sources(own: &[OwnSource], folders: &[PathBuf]) -> Vec<CarriedSource> {
    let folders = Folders::new(folders.iter().cloned());
    let found = own.iter().filter_map(|source| {
        let text = text_at(&source.path, &folders, &source.known)?;
        Some((source.path.clone(), text))
    });
    let mut by_size: Vec<(String, String)> = found.collect();
    by_size.sort_by_key(|(_, text)| text.len());
    let mut left = MOST;
    let mut carried: Vec<CarriedSource> = Vec::new();
    for (path, text) in by_size {
        match left.checked_sub(text.len()) {
            Some(rest) => left = rest,
            None => break,
        }
        carried.push(CarriedSource { path, text });
    }
    carried.sort_by(|a, b| a.path.cmp(&b.path));
    carried
}

fn text_at(path: &str, folders: &Folders, known: &Known) -> Option<String> {
    let told = Path::new(path);
    let at = match told.is_absolute() && told.is_file() {
        true => told.to_owned(),
        false => folders.find(path, known)?,
    };
    if at.metadata().ok()?.len() > MOST_OF_ONE as u64 {
        return None;
    }
    let text = source_text(&at).ok()?;
    known.is(text.as_bytes()).then_some(text)
}
