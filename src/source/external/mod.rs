//! Debug information that is not in the modules themselves: files that the person
//! names, files beside the component, files that a module refers to.
//!
//! What is found is put into the modules as custom sections, so that whoever reads a
//! module's sources finds all there is in its bytes.

mod fitting;
mod outline;

use super::host_file::{self, HostFileError, Within};
use super::module::ModuleSource;
use super::sections::{SOURCE_MAP, SPLIT_FILE};
use crate::component::{Component, CustomSection, ModuleId, with_custom_sections};
use base64::Engine as _;
use fitting::{DebugFile, Fit};
use outline::Outline;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// No build has more files of split units; each is read as a whole.
const MOST_SPLIT_FILES: usize = 1 << 14;

/// Why a file is not debug information of a component.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// The file cannot be opened or read.
    #[error("cannot read the debug file {path}: {source}")]
    Read {
        /// The debug file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is not read: that might never end, or offsets would not fit in 32 bits.
    #[error("the debug file {path} is {what}, not a regular file of at most 4 GiB")]
    NoFile {
        /// The debug file.
        path: PathBuf,
        /// `a directory`, `a device`, or `larger` than 4 GiB.
        what: &'static str,
    },
    /// Only what a person names may be anywhere.
    #[error(
        "the debug file {path} is outside of the folders of the recording and of the component, \
         where what a recording refers to may be: if it is to be read, name it with \
         `debugFiles` or --debug-file"
    )]
    Outside {
        /// The debug file.
        path: PathBuf,
    },
    /// It begins as WebAssembly, but its sections cannot be walked.
    #[error(
        "the debug file {path} is damaged ({message}); it may be cut short: copy or build it again"
    )]
    Damaged {
        /// The debug file.
        path: PathBuf,
        /// What the parser says, with the byte offset.
        message: String,
    },
    /// It begins as JSON, but is not a source map.
    #[error("{path} is not a source map that can be read: {message}")]
    NoSourceMap {
        /// The debug file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// It begins neither as WebAssembly nor as JSON.
    #[error(
        "{path} is neither WebAssembly (a debug build, a .dwo, a .dwp) nor a source map in JSON"
    )]
    Unknown {
        /// The debug file.
        path: PathBuf,
    },
    /// None of its core modules has a `.debug_*` or a name section.
    #[error("the debug file {path} has no debug information: no `.debug_*` sections and no names")]
    Empty {
        /// The debug file.
        path: PathBuf,
    },
    /// It is of another build, or has nothing that a module of the component lacks.
    #[error("the debug file {path} does not fit {program}: {why}")]
    DoesNotFit {
        /// The debug file.
        path: PathBuf,
        /// [`Search::program`].
        program: String,
        /// What the file has and what the modules have, in words.
        why: String,
    },
}

/// Where to look.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The program's name, for messages.
    pub program: String,
    /// Where the component's file is, or may be. Files that nobody has named are read only
    /// in the folders of these, and beneath.
    pub beside: Vec<PathBuf>,
    /// Files that the person has named.
    pub given: Vec<PathBuf>,
}

impl Search {
    fn folders(&self) -> Vec<PathBuf> {
        let folders = self.beside.iter().filter_map(|file| file.parent());
        folders.map(Path::to_owned).collect()
    }
}

/// What was found, by module.
#[derive(Debug, Default)]
pub struct External {
    added: BTreeMap<ModuleId, Vec<CustomSection>>,
    /// Where a module's debug information is from.
    from: BTreeMap<ModuleId, Vec<PathBuf>>,
    notes: BTreeMap<ModuleId, Vec<String>>,
}

impl External {
    /// Looks for debug information of a component's modules.
    ///
    /// # Errors
    ///
    /// If a file that the person has named cannot be read or does not fit. Files found
    /// in other ways never fail: what is wrong with them is a note.
    pub fn find(component: &Component, search: &Search) -> Result<External, ExternalError> {
        let modules: Vec<Module<'_>> = (0..)
            .map(ModuleId)
            .zip(component.modules())
            .map(|(id, bytes)| Module {
                id,
                bytes,
                outline: Outline::read(bytes).unwrap_or_default(),
            })
            .collect();
        let mut found = External::default();
        found.take_given(&modules, search)?;
        found.look_beside(&modules, search);
        for module in &modules {
            found.follow_references(module, search);
        }
        for module in &modules {
            found.look_for_split_units(module, search);
        }
        Ok(found)
    }

    /// The component with what was found put into its modules, if anything was.
    pub fn put_into(&self, component: &Component) -> Option<Vec<u8>> {
        let anything = !self.added.is_empty();
        anything.then(|| with_custom_sections(component, &self.added))
    }

    /// The files that a module's debug information is from, if not from itself.
    pub fn files(&self, module: ModuleId) -> &[PathBuf] {
        self.from.get(&module).map_or(&[], Vec::as_slice)
    }

    /// What was looked for and not found, or could not be used.
    pub fn notes(&self, module: ModuleId) -> &[String] {
        self.notes.get(&module).map_or(&[], Vec::as_slice)
    }

    fn note(&mut self, module: ModuleId, note: impl ToString) {
        let notes = self.notes.entry(module).or_default();
        let note = note.to_string();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    /// Whether a module still lacks lines.
    fn lacks(&self, module: &Module<'_>) -> bool {
        !module.outline.has_debug_information() && !self.added.contains_key(&module.id)
    }

    fn add(&mut self, module: ModuleId, path: &Path, sections: Vec<CustomSection>) {
        self.added.entry(module).or_default().extend(sections);
        let from = self.from.entry(module).or_default();
        if !from.iter().any(|known| known == path) {
            from.push(path.to_owned());
        }
    }

    fn take_given(&mut self, modules: &[Module<'_>], search: &Search) -> Result<(), ExternalError> {
        let files = search
            .given
            .iter()
            .map(|path| DebugFile::open(path, Within::Anywhere));
        let files = files.collect::<Result<Vec<_>, _>>()?;
        // The skeletons of split units may come with another file.
        let (split, whole): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.is_split());
        for file in whole {
            self.take(modules, file, &search.program)?;
        }
        for file in split {
            let taken: usize = modules.iter().map(|m| self.take_split(m, file)).sum();
            if taken == 0 {
                return Err(file.does_not_fit(modules, &search.program));
            }
        }
        Ok(())
    }

    /// Takes all of a file that fits any module.
    fn take(
        &mut self,
        modules: &[Module<'_>],
        file: &DebugFile,
        program: &str,
    ) -> Result<(), ExternalError> {
        let fits = file.fits(modules, program)?;
        for Fit { module, sections } in fits {
            self.add(module, file.path(), sections);
        }
        Ok(())
    }

    fn look_beside(&mut self, modules: &[Module<'_>], search: &Search) {
        let folders = search.folders();
        for component in &search.beside {
            for path in debug_names(component) {
                let lacking = modules.iter().filter(|module| self.lacks(module));
                let lacking: Vec<Module<'_>> = lacking.cloned().collect();
                if lacking.is_empty() {
                    return;
                }
                if !path.is_file() {
                    continue;
                }
                let taken = DebugFile::open(&path, Within::Folders(&folders))
                    .and_then(|file| self.take(&lacking, &file, &search.program));
                if let Err(error) = taken {
                    for module in &lacking {
                        self.note(module.id, &error);
                    }
                }
            }
        }
    }

    /// A module may say where its debug information is: DWARF in another file, or a
    /// source map.
    fn follow_references(&mut self, module: &Module<'_>, search: &Search) {
        if !self.lacks(module) {
            return;
        }
        if let Some(url) = &module.outline.external_debug_info {
            match self.follow(module, url, search) {
                Ok(()) => return,
                Err(note) => self.note(module.id, note),
            }
        }
        if let Some(url) = &module.outline.source_mapping_url {
            match self.follow(module, url, search) {
                Ok(()) => {}
                Err(note) => self.note(module.id, note),
            }
        }
    }

    fn follow(&mut self, module: &Module<'_>, url: &str, search: &Search) -> Result<(), String> {
        if let Some(data) = url.strip_prefix("data:") {
            let map = data_uri(data).ok_or("its source map's `data:` URL is damaged")?;
            let sections = vec![(SOURCE_MAP.to_owned(), map)];
            self.added.entry(module.id).or_default().extend(sections);
            return Ok(());
        }
        let path = locate(url, search)?;
        let file = DebugFile::open(&path, Within::Folders(&search.folders()));
        let file = file.map_err(|error| error.to_string())?;
        let sections = file.referred_to_by(module, &search.program);
        let sections = sections.map_err(|error| error.to_string())?;
        self.add(module.id, &path, sections);
        Ok(())
    }

    /// Skeletons of split units name the files that have them.
    fn look_for_split_units(&mut self, module: &Module<'_>, search: &Search) {
        if !self.may_have_skeletons(module) {
            return;
        }
        let Some(source) = self.source_of(module) else {
            return;
        };
        if source.missing_units().is_empty() {
            return;
        }
        let folders = search.folders();
        let within = Within::Folders(&folders);
        let packages = search
            .beside
            .iter()
            .flat_map(|path| [path.with_extension("dwp"), with_suffix(path, ".dwp")]);
        let mut missing = source.missing_units().len();
        for path in packages.filter(|path| path.is_file()) {
            missing = missing.saturating_sub(self.open_split(module, &source, &path, within));
        }
        if missing == 0 {
            return;
        }
        // Whether a file had any units; each is opened once, however many units name it.
        let mut opened: HashMap<PathBuf, bool> = HashMap::new();
        let mut lost = Vec::new();
        for unit in source.missing_units() {
            let found = match opened.len() < MOST_SPLIT_FILES {
                true => there(&candidates(&unit.file, search), within).ok(),
                false => None,
            };
            let has_units = found.is_some_and(|path| match opened.get(&path) {
                Some(known) => *known,
                None => {
                    let has_units = self.open_split(module, &source, &path, within) > 0;
                    opened.insert(path, has_units);
                    has_units
                }
            });
            if !has_units {
                lost.push(unit.file.clone());
            }
        }
        if let Some(first) = lost.first() {
            self.note(
                module.id,
                format!(
                    "{} of its compilation units are in files that are not there ({first}...), \
                     or not in the folders of the recording and of the component: \
                     name a .dwp or .dwo files with `debugFiles` or --debug-file",
                    lost.len()
                ),
            );
        }
    }

    fn may_have_skeletons(&self, module: &Module<'_>) -> bool {
        const ADDRESSES: &str = ".debug_addr";
        let added = self.added.get(&module.id).into_iter().flatten();
        module.outline.has_section(ADDRESSES)
            || added.into_iter().any(|(name, _)| name == ADDRESSES)
    }

    /// The sources of a module with all that was added so far.
    fn source_of(&self, module: &Module<'_>) -> Option<ModuleSource> {
        let added = self.added.get(&module.id).map_or(&[][..], Vec::as_slice);
        let bytes = crate::component::module_with_custom_sections(module.bytes, added);
        ModuleSource::read(bytes.into()).ok()
    }

    /// How many units of a module a file had.
    fn open_split(
        &mut self,
        module: &Module<'_>,
        source: &ModuleSource,
        path: &Path,
        within: Within<'_>,
    ) -> usize {
        match DebugFile::open(path, within) {
            Ok(file) => self.take_units(module, source, &file),
            Err(error) => {
                self.note(module.id, error);
                0
            }
        }
    }

    fn take_split(&mut self, module: &Module<'_>, file: &DebugFile) -> usize {
        if !self.may_have_skeletons(module) {
            return 0;
        }
        let source = self.source_of(module);
        source.map_or(0, |source| self.take_units(module, &source, file))
    }

    fn take_units(
        &mut self,
        module: &Module<'_>,
        source: &ModuleSource,
        file: &DebugFile,
    ) -> usize {
        let found = file.split_units_of(source);
        if found > 0 {
            let sections = vec![(SPLIT_FILE.to_owned(), file.bytes().to_vec())];
            self.add(module.id, file.path(), sections);
        }
        found
    }
}

/// A core module of the component.
#[derive(Debug, Clone)]
struct Module<'a> {
    id: ModuleId,
    bytes: &'a [u8],
    outline: Outline,
}

/// What debug builds of a component are called.
fn debug_names(component: &Path) -> [PathBuf; 2] {
    [
        component.with_extension("debug.wasm"),
        with_suffix(component, ".debug.wasm"),
    ]
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Where a file may be that was at `path` when the guest was built.
fn candidates(path: &str, search: &Search) -> Vec<PathBuf> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let directories = || search.beside.iter().filter_map(|file| file.parent());
    let relative = directories().map(|directory| directory.join(path));
    let beside = directories().map(|directory| directory.join(name));
    relative.chain(beside).collect()
}

/// The file that a URL in a module names.
fn locate(url: &str, search: &Search) -> Result<PathBuf, String> {
    let path = match url.split_once("://") {
        Some(("file", path)) => percent_decoded(path),
        Some(_) => {
            return Err(format!(
                "its debug information is at {url}, which is not fetched: download it, and name \
                 the file with `debugFiles` or --debug-file"
            ));
        }
        None => url.to_owned(),
    };
    let candidates = candidates(&path, search);
    there(&candidates, Within::Folders(&search.folders())).map_err(|outside| match outside {
        true => format!(
            "it says that its debug information is in {url}, which is outside of the folders of \
             the recording and of the component: if that is to be read, name the file with \
             `debugFiles` or --debug-file"
        ),
        false => format!(
            "it says that its debug information is in {url}, which is not there: name the file \
             with `debugFiles` or --debug-file"
        ),
    })
}

/// The first of some files that is there, where it may be; if there is none, whether one is
/// where it may not be.
fn there(candidates: &[PathBuf], within: Within<'_>) -> Result<PathBuf, bool> {
    let are_there = || candidates.iter().filter(|path| path.is_file());
    let found = are_there().find(|path| within.holds(path));
    found.cloned().ok_or_else(|| are_there().next().is_some())
}

/// What a `data:` URL holds, after its scheme.
fn data_uri(data: &str) -> Option<Vec<u8>> {
    let (kind, content) = data.split_once(',')?;
    if kind.ends_with(";base64") {
        let engine = base64::engine::general_purpose::STANDARD;
        return engine.decode(percent_decoded(content)).ok();
    }
    Some(percent_decoded(content).into_bytes())
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, escaped) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn read_file(path: &Path, within: Within<'_>) -> Result<Arc<[u8]>, ExternalError> {
    let refused = |what| ExternalError::NoFile {
        path: path.to_owned(),
        what,
    };
    let read = host_file::read(path, within, u64::from(u32::MAX));
    let bytes = read.map_err(|error| match error {
        HostFileError::Irregular(what) => refused(what),
        HostFileError::TooLarge { .. } => refused("larger"),
        HostFileError::Outside => ExternalError::Outside {
            path: path.to_owned(),
        },
        HostFileError::Read(source) => ExternalError::Read {
            path: path.to_owned(),
            source,
        },
        other => ExternalError::Read {
            path: path.to_owned(),
            source: std::io::Error::other(other),
        },
    })?;
    Ok(bytes.into())
}
