//! Which module a debug file belongs to.

use super::outline::Outline;
use super::{ExternalError, Module};
use crate::component::{CustomSection, ModuleId, module_name};
use crate::source::host_file::{self, HostFileError, Within};
use crate::source::module::ModuleSource;
use crate::source::sections::{DebugSections, SOURCE_MAP};
use crate::source::source_map::{SourceMap, without_guard};
use crate::source::split::SplitFiles;
use serde_json::Value;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wasmparser::{Encoding, Parser, Payload};

/// A file with debug information.
pub(super) struct DebugFile {
    path: PathBuf,
    bytes: Arc<[u8]>,
    content: Content,
}

enum Content {
    /// A core module, or those of a component.
    Modules(Vec<Part>),
    /// Split units, or a package of them.
    Split,
    SourceMap,
}

/// A core module in a debug file.
struct Part {
    range: Range<usize>,
    outline: Outline,
}

/// What a debug file has for a module.
pub(super) struct Fit {
    pub(super) module: ModuleId,
    pub(super) sections: Vec<CustomSection>,
}

impl DebugFile {
    pub(super) fn open(path: &Path, within: Within<'_>) -> Result<DebugFile, ExternalError> {
        let bytes = read_file(path, within)?;
        let content = Content::of(path, &bytes)?;
        Ok(DebugFile {
            path: path.to_owned(),
            bytes,
            content,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn is_split(&self) -> bool {
        matches!(self.content, Content::Split)
    }

    /// How many units that a module lacks this file of split units has.
    pub(super) fn split_units_of(&self, source: &ModuleSource) -> usize {
        if !self.is_split() {
            return 0;
        }
        let sections = DebugSections::of_file(self.bytes.clone());
        let split = SplitFiles::read(&[sections], source.dwarf());
        let missing = source.missing_units().iter();
        missing
            .filter(|unit| split.has(unit.id, source.dwarf()))
            .count()
    }

    /// What a file of modules or a source map has for each of some modules.
    ///
    /// # Errors
    ///
    /// If that is nothing.
    pub(super) fn fits(
        &self,
        modules: &[Module<'_>],
        program: &str,
    ) -> Result<Vec<Fit>, ExternalError> {
        let fits: Vec<Fit> = match &self.content {
            Content::Modules(parts) => {
                let fitting = modules.iter().filter_map(|module| {
                    let part = parts.iter().find(|part| self.is_build_of(part, module));
                    let part = part.or_else(|| self.only_part(parts, modules));
                    Some((module.id, part?))
                });
                fitting
                    .map(|(module, part)| Fit {
                        module,
                        sections: self.sections(part),
                    })
                    .filter(|fit| !fit.sections.is_empty())
                    .collect()
            }
            Content::Split => Vec::new(),
            Content::SourceMap => {
                let lacking = |m: &&Module<'_>| !m.outline.has_debug_information();
                let referring = |m: &&Module<'_>| m.outline.source_mapping_url.is_some();
                let module = modules.iter().find(referring);
                let module = module.or_else(|| modules.iter().find(lacking));
                let sections = self.as_source_map()?;
                let fits = module.map(|module| Fit {
                    module: module.id,
                    sections,
                });
                fits.into_iter().collect()
            }
        };
        if fits.is_empty() {
            return Err(self.does_not_fit(modules, program));
        }
        Ok(fits)
    }

    /// What the file has for a module that refers to it.
    pub(super) fn referred_to_by(
        &self,
        module: &Module<'_>,
        program: &str,
    ) -> Result<Vec<CustomSection>, ExternalError> {
        let modules = std::slice::from_ref(module);
        let mut fits = self.fits(modules, program)?;
        let fit = fits.pop();
        fit.map(|fit| fit.sections)
            .ok_or_else(|| self.does_not_fit(modules, program))
    }

    /// The map, its sources named from the directory that it is in.
    fn as_source_map(&self) -> Result<Vec<CustomSection>, ExternalError> {
        let damaged = |message: String| ExternalError::NoSourceMap {
            path: self.path.clone(),
            message,
        };
        let unreadable = |error: serde_json::Error| damaged(error.to_string());
        let json = without_guard(&self.bytes);
        let mut map: serde_json::Map<String, Value> =
            serde_json::from_slice(json).map_err(unreadable)?;
        let directory = std::path::absolute(&self.path).ok();
        if let Some(directory) = directory.as_deref().and_then(Path::parent) {
            let sections = map.get_mut("sections").and_then(Value::as_array_mut);
            let sections = sections.into_iter().flatten();
            let maps = sections.filter_map(|section| section.get_mut("map")?.as_object_mut());
            maps.for_each(|map| name_root(map, directory));
            name_root(&mut map, directory);
        }
        let text = serde_json::to_vec(&map).map_err(unreadable)?;
        SourceMap::parse(&text, text.len()).map_err(|error| damaged(error.to_string()))?;
        Ok(vec![(SOURCE_MAP.to_owned(), text)])
    }

    fn part_bytes(&self, part: &Part) -> &[u8] {
        self.bytes.get(part.range.clone()).unwrap_or_default()
    }

    /// The same code; or, where the file has no code, the same build.
    fn is_build_of(&self, part: &Part, module: &Module<'_>) -> bool {
        match (&part.outline.code, &module.outline.code) {
            (Some(a), Some(b)) => {
                self.part_bytes(part).get(a.clone()) == module.bytes.get(b.clone())
            }
            (None, Some(_)) => {
                part.outline.build_id.is_some() && part.outline.build_id == module.outline.build_id
            }
            _ => false,
        }
    }

    /// A file without code and without build ID can only belong to the only module.
    fn only_part<'a>(&self, parts: &'a [Part], modules: &[Module<'_>]) -> Option<&'a Part> {
        let ([part], [module]) = (parts, modules) else {
            return None;
        };
        let known = part.outline.build_id.is_some() && module.outline.build_id.is_some();
        (part.outline.code.is_none() && !known).then_some(part)
    }

    /// The sections of a part that are debug information.
    fn sections(&self, part: &Part) -> Vec<CustomSection> {
        let bytes = self.part_bytes(part);
        let wanted = |name: &str| name.starts_with(".debug_") || name == "name";
        let sections = part.outline.sections.iter();
        sections
            .filter(|(name, _)| wanted(name))
            .filter_map(|(name, range)| Some((name.clone(), bytes.get(range.clone())?.to_owned())))
            .collect()
    }

    pub(super) fn does_not_fit(&self, modules: &[Module<'_>], program: &str) -> ExternalError {
        let refused = |why: String| ExternalError::DoesNotFit {
            path: self.path.clone(),
            program: program.to_owned(),
            why,
        };
        let parts = match &self.content {
            Content::Modules(parts) => parts,
            Content::Split => {
                return refused("no core module lacks the split units that it has".to_owned());
            }
            Content::SourceMap => {
                return refused("all of its core modules have lines of their own".to_owned());
            }
        };
        if parts.iter().all(|part| self.sections(part).is_empty()) {
            return ExternalError::Empty {
                path: self.path.clone(),
            };
        }
        let its: Vec<String> = parts
            .iter()
            .map(|part| described(&part.outline, self.part_bytes(part)))
            .collect();
        let theirs: Vec<String> = modules
            .iter()
            .map(|m| {
                let what = described(&m.outline, m.bytes);
                format!("core module {} has {what}", m.id.0)
            })
            .collect();
        refused(format!(
            "its code is another: {}, but {}; use the debug file of the very build that was \
             recorded",
            its.join(" and "),
            theirs.join(", ")
        ))
    }
}

impl Content {
    fn of(path: &Path, bytes: &[u8]) -> Result<Content, ExternalError> {
        if !bytes.starts_with(b"\0asm") {
            // A source map may begin with a line that keeps browsers from running it.
            let is_json = bytes.trim_ascii_start().starts_with(b"{") || bytes.starts_with(b")]}");
            return match is_json {
                true => Ok(Content::SourceMap),
                false => Err(ExternalError::Unknown {
                    path: path.to_owned(),
                }),
            };
        }
        let damaged = |error: wasmparser::BinaryReaderError| ExternalError::Damaged {
            path: path.to_owned(),
            message: error.to_string(),
        };
        let parts = parts(bytes).map_err(damaged)?;
        let is_split = parts.iter().any(|part| part.outline.is_split());
        Ok(match is_split {
            true => Content::Split,
            false => Content::Modules(parts),
        })
    }
}

fn parts(bytes: &[u8]) -> Result<Vec<Part>, wasmparser::BinaryReaderError> {
    let part = |range: Range<usize>| -> Result<Part, wasmparser::BinaryReaderError> {
        let outline = Outline::read(bytes.get(range.clone()).unwrap_or_default())?;
        Ok(Part { range, outline })
    };
    let mut parts = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if parts.is_empty() && Parser::is_core_wasm(bytes) => {
                return Ok(vec![part(0..bytes.len())?]);
            }
            Payload::ModuleSection {
                unchecked_range, ..
            } => parts.push(part(unchecked_range)?),
            _ => {}
        }
    }
    Ok(parts)
}

fn described(outline: &Outline, bytes: &[u8]) -> String {
    let name = module_name(bytes).map_or_else(String::new, |name| format!(" ({name})"));
    match &outline.code {
        Some(code) => format!(
            "{} functions in {} bytes{name}",
            outline.functions,
            code.len()
        ),
        None => format!("no code{name}"),
    }
}

/// Names the sources of a map from the directory that it is in.
fn name_root(map: &mut serde_json::Map<String, Value>, directory: &Path) {
    let root = map.get("sourceRoot").and_then(Value::as_str).unwrap_or("");
    if root.contains("://") {
        return;
    }
    // AssemblyScript writes a root that is the name of the module.
    let own = directory.join(root);
    let root = if own.is_dir() { &own } else { directory };
    map.insert("sourceRoot".to_owned(), root.display().to_string().into());
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
