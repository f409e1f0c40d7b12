//! Where the text of each source is: on this machine, in the recording, in a source map, or
//! nowhere.

use super::Recording;
use super::texts::{Text, path_of};
use crate::component::ModuleId;
use crate::debuggee::path_mapping::PathMapping;
use crate::debuggee::{FramePlace, SourceOrigin, SourceRef};
use crate::source::{self, FileId, Folders, Known, ModuleSource, SourceLine};
use crate::timeline::Timeline;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::path::Path;

/// So many sources are looked for when a recording is opened; others when they are shown.
const MOST_AT_ONCE: usize = 20_000;

/// Where a source's text is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Whereabouts {
    /// In a file: at its path, or where the path mapping has it.
    Here,
    /// The file is here, and is not what was compiled.
    Changed,
    /// In the recording or in a source map; why it is not the file, if there is one.
    Kept(Option<&'static str>),
    /// Not on this machine.
    Missing,
}

/// Looks for sources, and remembers what it has found.
#[derive(Debug)]
pub(super) struct Sources {
    path_mapping: PathMapping,
    /// Whether paths are told and taken as on this machine.
    maps_paths: bool,
    folders: Folders,
    /// Texts that the recording carries, by the path in the debug information.
    carried: HashMap<String, String>,
    /// Parts of paths that are of libraries, besides those that are known to be.
    libraries: Vec<String>,
    known: Mutex<HashMap<String, Whereabouts>>,
}

impl Sources {
    pub(super) fn new(
        (path_mapping, maps_paths): (PathMapping, bool),
        folders: Folders,
        carried: HashMap<String, String>,
        libraries: Vec<String>,
    ) -> Sources {
        Sources {
            path_mapping,
            maps_paths,
            folders,
            carried,
            libraries,
            known: Mutex::default(),
        }
    }

    /// Whether a source is of a library: code that who debugs has not written.
    pub(super) fn is_library(&self, path: &str) -> bool {
        let mut told = self.libraries.iter().filter(|part| !part.is_empty());
        source::is_library(path) || told.any(|part| path.contains(part.as_str()))
    }

    /// The path that the debug information has for a file, as far as is known.
    pub(super) fn recorded_path(&self, path: &str) -> String {
        self.path_mapping.inward(path)
    }

    /// The path that the debug information has for a source that somebody has named.
    pub(super) fn path_meant(&self, source: &SourceOrigin) -> Option<String> {
        match source {
            SourceOrigin::File(path) if self.maps_paths => Some(self.recorded_path(path)),
            source => path_of(source),
        }
    }

    /// A file that is here, by its path in the debug information.
    fn file(&self, path: &str) -> SourceOrigin {
        SourceOrigin::File(match self.maps_paths {
            true => self.path_mapping.outward(path),
            false => path.to_owned(),
        })
    }

    /// Looks for the sources of the program's own code, so that a client may name them by
    /// their paths here before it has seen one.
    pub(super) fn look_ahead(&self, timeline: &Timeline) {
        let modules = timeline.modules().iter();
        let files = modules.flat_map(|module| {
            let files = module.source.files();
            files.map(|(file, path)| (&module.source, file, path))
        });
        let own = files.filter(|(.., path)| !self.is_library(path));
        for (source, file, _) in own.take(MOST_AT_ONCE) {
            self.whereabouts(source, file);
        }
    }

    fn whereabouts(&self, source: &ModuleSource, file: FileId) -> Whereabouts {
        let path = source.file(file);
        if let Some(known) = self.known.lock().get(path) {
            return known.clone();
        }
        let found = self.look_for(source, file);
        self.known.lock().insert(path.to_owned(), found.clone());
        found
    }

    fn look_for(&self, source: &ModuleSource, file: FileId) -> Whereabouts {
        let path = source.file(file);
        let is_kept = self.text_of(source, file).is_some();
        let kept_or = |other: Whereabouts| match is_kept {
            true => Whereabouts::Kept(None),
            false => other,
        };
        // The client may be on another machine: who maps a path knows where it is.
        if self.path_mapping.maps(path) {
            let is_here = Path::new(&self.path_mapping.outward(path)).exists();
            return match source.text_of(file) {
                Some(_) if !is_here => Whereabouts::Kept(None),
                _ => Whereabouts::Here,
            };
        }
        let known = source.known_of(file);
        let here = self.path_mapping.outward(path);
        let here = Path::new(&here);
        if here.is_file() {
            return match self.is_as_compiled(path, here, &known) {
                // What cannot be read says so itself.
                None | Some(true) => Whereabouts::Here,
                Some(false) if is_kept => {
                    Whereabouts::Kept(Some("as it was recorded: the file has changed since then"))
                }
                Some(false) => Whereabouts::Changed,
            };
        }
        let is_own_or_sure = known.digest.is_some() || !self.is_library(path);
        let found = is_own_or_sure.then(|| self.folders.find(path, &known));
        let found = found.flatten();
        // A file that is only called so is not what the recording has.
        let found = found.filter(|found| {
            let is_carried = self.carried.contains_key(path);
            !is_carried || self.is_as_compiled(path, found, &known) == Some(true)
        });
        match found.as_deref().and_then(Path::to_str) {
            Some(found) => {
                self.path_mapping.found(path, found);
                Whereabouts::Here
            }
            None => kept_or(Whereabouts::Missing),
        }
    }

    /// Whether a file is what was compiled: as the recording has it, or as its digest tells.
    fn is_as_compiled(&self, path: &str, file: &Path, known: &Known) -> Option<bool> {
        if let Some(carried) = self.carried.get(path) {
            if !self.folders.may_read(file) {
                return None;
            }
            let read = source::source_text(file).ok()?;
            return Some(read == *carried);
        }
        self.folders.is_file_of(known, file)
    }

    /// The text, if the recording or a source map has it.
    fn text_of<'s>(&'s self, source: &'s ModuleSource, file: FileId) -> Option<&'s str> {
        let carried = self.carried.get(source.file(file)).map(String::as_str);
        carried.or_else(|| source.text_of(file))
    }

    /// The text of a line, wherever that is on this machine.
    pub(super) fn text_at(&self, source: &ModuleSource, line: SourceLine) -> Option<String> {
        let number = (line.line as usize).checked_sub(1)?;
        let nth = |text: &str| text.lines().nth(number).map(str::to_owned);
        if let Some(text) = self.text_of(source, line.file) {
            return nth(text);
        }
        let is_here = self.whereabouts(source, line.file) == Whereabouts::Here;
        let path = self.path_mapping.outward(source.file(line.file));
        let text = is_here.then(|| source::source_text(Path::new(&path)).ok());
        nth(&text.flatten()?)
    }

    /// The file of a line; where it is not on this machine its text, or what stands for that.
    pub(super) fn source_of(
        &self,
        module: ModuleId,
        source: &ModuleSource,
        file: FileId,
        function: Option<u32>,
    ) -> SourceRef {
        let path = source.file(file);
        let whereabouts = self.whereabouts(source, file);
        let path_owned = || path.to_owned();
        let (origin, note) = match whereabouts {
            Whereabouts::Here => (self.file(path), None),
            Whereabouts::Changed => (
                self.file(path),
                Some("changed since the program was compiled: lines may be others".to_owned()),
            ),
            Whereabouts::Kept(note) => {
                let path = path_owned();
                let text = Text::Content { module, path };
                let note = note.map(str::to_owned);
                (SourceOrigin::Generated(text.reference()), note)
            }
            Whereabouts::Missing => {
                let text = Text::StandIn {
                    module,
                    function,
                    path: path_owned(),
                };
                let note = Some(format!("{path} is not here; {}", remedy(path)));
                (SourceOrigin::Generated(text.reference()), note)
            }
        };
        SourceRef {
            name: path.rsplit('/').next().unwrap_or(path).to_owned(),
            origin,
            note,
        }
    }

    /// Where a place with a line is shown.
    pub(super) fn place_of(
        &self,
        module: ModuleId,
        source: &ModuleSource,
        line: SourceLine,
        function: Option<u32>,
    ) -> FramePlace {
        FramePlace {
            source: self.source_of(module, source, line.file, function),
            point: super::stack::point(line),
        }
    }
}

/// What brings a source here.
pub(super) fn remedy(path: &str) -> &'static str {
    match path.starts_with("/rustc/") {
        true => {
            "`rustup component add rust-src` brings it, for the toolchain that compiled the program"
        }
        // In the words of launch arguments, which the prompt says in its own.
        false => "`sourceMap` says where it is, or put it beside the recording",
    }
}

impl Recording {
    /// Whether a source is of a library.
    pub(super) fn is_library(&self, path: &str) -> bool {
        self.sources.is_library(path)
    }

    /// The text of a file that is not on this machine, if the recording or a source map has
    /// it.
    pub(super) fn content(&self, module: ModuleId, path: &str) -> Option<String> {
        let source = &self.timeline.module(module)?.source;
        let text = self.sources.text_of(source, source.file_named(path)?)?;
        Some(text.to_owned())
    }
}
