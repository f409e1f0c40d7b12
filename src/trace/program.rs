//! The program of a recording that does not hold it: named by its hash, and found elsewhere.

use super::error::TraceError;
use super::format::MAX_COMPONENT_PLAIN;
use super::metadata::CarriedSource;
use crate::component::{component_bytes, hash};
use serde::{Deserialize, Serialize};
use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// What a component's binary is known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramId {
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// How many bytes it has.
    pub length: u64,
}

/// No directory is searched further than this for a program: so many files of its length are
/// read.
const MOST_READ: usize = 16;
/// Sources of so many bytes are read.
const MOST_OF_SOURCES: u64 = 16 << 20;

impl ProgramId {
    /// That of these bytes.
    pub fn of(bytes: &[u8]) -> ProgramId {
        ProgramId {
            sha256: hash(bytes),
            length: bytes.len() as u64,
        }
    }

    /// The name under which recorders keep it beside recordings.
    pub fn file_name(&self) -> String {
        format!("{}.wasm", self.sha256)
    }

    /// The name under which its sources are kept there.
    pub fn sources_name(&self) -> String {
        format!("{}.sources.json", self.sha256)
    }

    /// The sources that lie beside the program, if any do.
    pub(super) fn sources(&self, program: &Path) -> Vec<CarriedSource> {
        let path = program.with_file_name(self.sources_name());
        let is_small = path
            .metadata()
            .is_ok_and(|m| m.is_file() && m.len() <= MOST_OF_SOURCES);
        let text = is_small.then(|| std::fs::read(&path).ok()).flatten();
        let sources = text.and_then(|text| serde_json::from_slice(&text).ok());
        sources.unwrap_or_default()
    }

    fn is_of(&self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == self.length && hash(bytes) == self.sha256
    }

    /// Its bytes, and the file that they are of: where the person says (files, and directories
    /// that it is in), or beside the recording, which calls it `name`.
    pub(super) fn find(
        &self,
        name: &str,
        recording: &Path,
        places: &[PathBuf],
    ) -> Result<(Vec<u8>, PathBuf), TraceError> {
        let beside = match recording.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let places = places.iter().map(PathBuf::as_path).chain([beside]);
        for place in places.clone() {
            let found = match place.is_dir() {
                true => self.in_directory(place, name),
                false => self.in_file(place),
            };
            if let Some(found) = found {
                return Ok(found);
            }
        }
        Err(TraceError::ProgramMissing {
            path: recording.to_owned(),
            sha256: self.sha256.clone(),
            searched: places.map(searched).collect(),
        })
    }

    /// A file that a person names may be what a component is made of: a module, a text.
    fn in_file(&self, path: &Path) -> Option<(Vec<u8>, PathBuf)> {
        let as_it_is = self.read(path);
        as_it_is.or_else(|| {
            // Others than regular files may be without an end.
            path.metadata().ok().filter(Metadata::is_file)?;
            let bytes = component_bytes(path).ok()?;
            self.is_of(&bytes).then(|| (bytes, path.to_owned()))
        })
    }

    fn in_directory(&self, directory: &Path, name: &str) -> Option<(Vec<u8>, PathBuf)> {
        if let Some(found) = self.read(&directory.join(self.file_name())) {
            return Some(found);
        }
        // A recording may call its program anything, `../../x` too.
        let named = Path::new(name).file_name().map(|name| directory.join(name));
        if let Some(found) = named.and_then(|path| self.in_file(&path)) {
            return Some(found);
        }
        let entries = std::fs::read_dir(directory).ok()?;
        let mut paths: Vec<PathBuf> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                (path.extension()? == "wasm").then_some(path)
            })
            .collect();
        paths.sort();
        let fitting = paths.into_iter().filter(|path| self.has_length(path));
        fitting.take(MOST_READ).find_map(|path| self.read(&path))
    }

    fn has_length(&self, path: &Path) -> bool {
        let may_be = self.length <= MAX_COMPONENT_PLAIN as u64;
        let has = |metadata: std::fs::Metadata| metadata.is_file() && metadata.len() == self.length;
        may_be && path.metadata().is_ok_and(has)
    }

    fn read(&self, path: &Path) -> Option<(Vec<u8>, PathBuf)> {
        if !self.has_length(path) {
            return None;
        }
        let bytes = std::fs::read(path).ok()?;
        self.is_of(&bytes).then(|| (bytes, path.to_owned()))
    }
}

/// A place where a program is not, for the person who said that it is there.
fn searched(place: &Path) -> String {
    let shown = place.display();
    match place.metadata() {
        Ok(metadata) if metadata.is_dir() => shown.to_string(),
        Ok(_) => format!("{shown} (another program)"),
        Err(error) => format!("{shown} ({error})"),
    }
}
