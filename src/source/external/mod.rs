//! Debug information that is not in the modules themselves: files that the person
//! names, files beside the component, files that a module refers to.
//!
//! What is found is put into the modules as custom sections, so that whoever reads a
//! module's sources finds all there is in its bytes.

mod error;
mod fitting;
mod outline;
mod search;
mod urls;

use super::host_file::Within;
use super::module::ModuleSource;
use super::sections::{SOURCE_MAP, SPLIT_FILE};
use crate::component::{Component, CustomSection, ModuleId, with_custom_sections};
pub use error::ExternalError;
use fitting::{DebugFile, Fit};
use outline::Outline;
pub use search::Search;
use search::{candidates, debug_names, locate, there, with_suffix};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// No build has more files of split units; each is read as a whole.
const MOST_SPLIT_FILES: usize = 1 << 14;

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
            let map = urls::data(data).ok_or("its source map's `data:` URL is damaged")?;
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
