//! The compilation units of a module: which one contains a place or an entry.

use super::damage::Damage;
use super::error::SourceError;
use super::paths;
use super::ranges::{RangesLeft, ranges};
use super::sections::{Code, Reader};
use super::shared_tables::SharedTables;
use super::split::SplitFiles;
use super::texts;
use gimli::{Attribute, AttributeValue, DebugInfoOffset, DwLang, Reader as _, UnitOffset, UnitRef};
use std::ops::Range;
use std::sync::Arc;

/// An entry of the debug information: its unit and its offset there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId {
    pub(crate) unit: u32,
    pub(crate) offset: u32,
}

/// One compilation unit.
pub(crate) struct Unit {
    pub(super) dwarf: gimli::Unit<Reader>,
    /// The sections that its entries refer to: the module's, or those of the file that
    /// a split unit is in.
    pub(super) sections: Arc<gimli::Dwarf<Reader>>,
    /// What the module itself has of a split unit.
    skeleton: Option<gimli::Unit<Reader>>,
    /// Where the module's `.debug_info` has it.
    start: usize,
    language: Option<DwLang>,
}

impl Unit {
    pub(super) fn is_rust(&self) -> bool {
        self.language == Some(gimli::DW_LANG_Rust)
    }

    /// What messages call it: by its source file, or by where it is.
    pub(super) fn shown(&self) -> String {
        match self.dwarf.name.as_ref().and_then(texts::cut) {
            Some(name) => format!("compilation unit {name}"),
            None => format!("the compilation unit at {:#x}", self.start),
        }
    }

    /// Calls `take` for each entry with a tag, however deep, with where it is in the unit.
    pub(super) fn each_tagged(
        &self,
        tag: gimli::DwTag,
        mut take: impl FnMut(UnitOffset, &[Attribute<Reader>]) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        let mut entries = self.dwarf.entries_raw(None)?;
        let mut attributes = Vec::new();
        while !entries.is_empty() {
            let offset = entries.next_offset();
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            if abbreviation.tag() != tag {
                entries.skip_attributes(abbreviation.attributes())?;
                continue;
            }
            entries.read_attributes(abbreviation.attributes(), &mut attributes)?;
            take(offset, &attributes)?;
        }
        Ok(())
    }

    pub(super) fn unit_ref(&self) -> UnitRef<'_, Reader> {
        self.dwarf.unit_ref(&self.sections)
    }

    /// The unit that has the line program.
    pub(super) fn with_lines<'a>(
        &'a self,
        module: &'a gimli::Dwarf<Reader>,
    ) -> UnitRef<'a, Reader> {
        let unit = self.skeleton.as_ref().unwrap_or(&self.dwarf);
        unit.unit_ref(module)
    }
}

/// All units of a module.
pub(super) struct Units {
    pub(super) dwarf: Arc<gimli::Dwarf<Reader>>,
    pub(super) all: Vec<Unit>,
    /// What each unit covers, by start; units that do not say are absent.
    covered: Vec<(Range<u32>, u32)>,
    /// Units that do not say what they cover.
    silent: Vec<u32>,
    /// Skeletons whose unit no file has.
    pub(super) missing: Vec<Missing>,
    /// Units that are left out, or of which it is not known what they cover.
    pub(super) damage: Vec<Damage>,
}

/// A split unit that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) id: gimli::DwoId,
    /// The file that has it, whole as the compiler wrote it.
    pub(super) file: String,
}

impl Units {
    pub(super) fn read(dwarf: Arc<gimli::Dwarf<Reader>>, split: &SplitFiles, code: &Code) -> Units {
        let mut units = Units {
            dwarf: dwarf.clone(),
            all: Vec::new(),
            covered: Vec::new(),
            silent: Vec::new(),
            missing: Vec::new(),
            damage: split.damage().cloned().collect(),
        };
        let mut shared = SharedTables::new(&dwarf);
        let mut headers = dwarf.units();
        let mut end = 0;
        loop {
            match headers.next() {
                Ok(Some(header)) => {
                    let start = header.debug_info_offset().map_or(end, |at| at.0);
                    end = start.saturating_add(header.length_including_self());
                    units.add(split, code, header, &mut shared);
                }
                Ok(None) => break,
                Err(error) => {
                    let part = format!("the compilation units from {end:#x} on");
                    units.damage.push(Damage::new(part, error));
                    break;
                }
            }
            if shared.is_exceeded() || units.are_too_many() {
                let problem = match units.are_too_many() {
                    true => SourceError::Excessive("there are too many of them"),
                    false => SourceError::Excessive("the tables that units share overlap"),
                };
                let part = format!("the compilation units from {end:#x} on");
                units.damage.push(Damage::new(part, problem));
                break;
            }
        }
        units
            .covered
            .sort_by_key(|(range, unit)| (range.start, *unit));
        units
    }

    fn are_too_many(&self) -> bool {
        // More than any program has, and than anybody is told of.
        const MOST: usize = 1 << 17;
        const MOST_DAMAGED: usize = 1000;
        self.all.len() >= MOST || self.damage.len() >= MOST_DAMAGED
    }

    /// The bytes of all units.
    pub(super) fn bytes(&self) -> usize {
        let units = self.all.iter();
        let lengths = units.map(|unit| unit.dwarf.header.length_including_self());
        lengths.fold(0, usize::saturating_add)
    }

    fn add(
        &mut self,
        split: &SplitFiles,
        code: &Code,
        header: gimli::UnitHeader<Reader>,
        shared: &mut SharedTables,
    ) {
        let dwarf = &self.dwarf.clone();
        let start = header.debug_info_offset().map_or(usize::MAX, |at| at.0);
        let unit = shared
            .abbreviations(dwarf, &header)
            .and_then(|abbreviations| {
                Ok(gimli::Unit::new_with_abbreviations(
                    dwarf,
                    header,
                    abbreviations,
                )?)
            });
        let unit = match unit {
            Ok(unit) => unit,
            Err(error) => {
                let part = format!("the compilation unit at {start:#x}");
                return self.damage.push(Damage::new(part, error));
            }
        };
        let texts = [&unit.name, &unit.comp_dir].into_iter().flatten();
        shared.spend_texts(texts.map(|text| text.len()).sum());
        if let Some(program) = &unit.line_program {
            shared.spend_line_header(program.header());
        }
        let Ok(id) = u32::try_from(self.all.len()) else {
            return;
        };
        let split = split.unit_of(&unit, dwarf);
        if split.is_none() {
            self.missing.extend(missing(dwarf, &unit));
        }
        let mut root = Root::read(dwarf, &unit, code, &mut shared.ranges);
        if let Some(split) = &split {
            // DWARF 5 has the ranges in the skeleton, and the language in the unit.
            let own = Root::read(&split.sections, &split.unit, code, &mut shared.ranges);
            root.add(own);
        }
        if root.covered.is_empty() {
            self.silent.push(id);
        }
        self.covered
            .extend(root.covered.into_iter().map(|range| (range, id)));
        let (dwarf, sections, skeleton) = match split {
            Some(split) => (split.unit, split.sections, Some(unit)),
            None => (unit, dwarf.clone(), None),
        };
        let unit = Unit {
            dwarf,
            sections,
            skeleton,
            start,
            language: root.language,
        };
        let damage = root.damage.into_iter();
        self.damage
            .extend(damage.map(|why| Damage::new(unit.shown(), why)));
        self.all.push(unit);
    }

    /// Units that may contain a place, likeliest first.
    pub(super) fn at(&self, pc: u32) -> impl Iterator<Item = u32> + '_ {
        // Ranges of sound units are disjoint, so the one that starts last before
        // the place is the one; a few more are tried for units that overlap.
        const OVERLAPPING: usize = 8;
        let next = self.covered.partition_point(|(range, _)| range.start <= pc);
        let before = self.covered.get(..next).unwrap_or(&[]);
        before
            .iter()
            .rev()
            .take(OVERLAPPING)
            .filter(move |(range, _)| pc < range.end)
            .map(|(_, unit)| *unit)
            .chain(self.silent.iter().copied())
    }

    /// Whether any unit with code has a line program.
    pub(super) fn have_lines(&self) -> bool {
        self.covered.iter().any(|(_, unit)| {
            let unit = self.get(*unit);
            unit.is_some_and(|unit| unit.with_lines(&unit.sections).line_program.is_some())
        })
    }

    pub(super) fn get(&self, unit: u32) -> Option<&Unit> {
        self.all.get(unit as usize)
    }

    /// The numbers of all units.
    pub(super) fn ids(&self) -> impl Iterator<Item = u32> + use<> {
        (0..).take(self.all.len())
    }

    /// A unit that an entry names.
    pub(super) fn of(&self, unit: u32) -> Result<&Unit, SourceError> {
        self.get(unit).ok_or(SourceError::DanglingReference)
    }

    /// An entry with its attributes.
    pub(super) fn entry(
        &self,
        id: EntryId,
    ) -> Result<gimli::DebuggingInformationEntry<Reader>, SourceError> {
        Ok(self.of(id.unit)?.dwarf.entry(id.unit_offset())?)
    }

    /// The text of a string attribute.
    pub(super) fn text(&self, unit: u32, value: AttributeValue<Reader>) -> Option<String> {
        texts::text(self.get(unit)?.unit_ref(), value)
    }

    /// How a unit encodes expressions.
    pub(super) fn encoding(&self, unit: u32) -> Option<gimli::Encoding> {
        Some(self.get(unit)?.dwarf.encoding())
    }

    /// An address of a unit's table in `.debug_addr`.
    pub(super) fn indexed_address(
        &self,
        unit: u32,
        index: gimli::DebugAddrIndex,
    ) -> Result<u64, SourceError> {
        Ok(self.of(unit)?.unit_ref().address(index)?)
    }

    pub(super) fn is_rust(&self, unit: u32) -> bool {
        self.get(unit).is_some_and(Unit::is_rust)
    }

    /// The bytes of an address, as a unit has them.
    pub(super) fn address_size(&self, unit: u32) -> u64 {
        let unit = self.get(unit);
        unit.map_or(4, |unit| u64::from(unit.dwarf.header.address_size()))
    }

    /// The entry that an attribute of an entry in `unit` refers to.
    pub(super) fn reference(
        &self,
        unit: u32,
        value: &AttributeValue<Reader>,
    ) -> Result<EntryId, SourceError> {
        match *value {
            AttributeValue::UnitRef(offset) => entry_id(unit, offset),
            AttributeValue::DebugInfoRef(offset) => self.entry_in_section(offset),
            _ => Err(SourceError::DanglingReference),
        }
    }

    fn entry_in_section(&self, offset: DebugInfoOffset) -> Result<EntryId, SourceError> {
        let next = self.all.partition_point(|unit| unit.start <= offset.0);
        let index = next.checked_sub(1).ok_or(SourceError::DanglingReference)?;
        let unit = self.all.get(index).ok_or(SourceError::DanglingReference)?;
        // Split units are in sections of their own, and refer to no others.
        if unit.skeleton.is_some() {
            return Err(SourceError::DanglingReference);
        }
        let within = offset
            .to_unit_offset(&unit.dwarf.header)
            .ok_or(SourceError::DanglingReference)?;
        let index = u32::try_from(index).map_err(|_| SourceError::DanglingReference)?;
        entry_id(index, within)
    }
}

pub(super) fn entry_id(unit: u32, offset: UnitOffset) -> Result<EntryId, SourceError> {
    let offset = u32::try_from(offset.0).map_err(|_| SourceError::DanglingReference)?;
    Ok(EntryId { unit, offset })
}

impl EntryId {
    pub(super) fn unit_offset(self) -> UnitOffset {
        UnitOffset(self.offset as usize)
    }
}

/// The split unit that a skeleton stands for.
fn missing(dwarf: &gimli::Dwarf<Reader>, unit: &gimli::Unit<Reader>) -> Option<Missing> {
    let id = unit.dwo_id?;
    let name = texts::text(unit.unit_ref(dwarf), unit.dwo_name().ok()??)?;
    let directory = unit.comp_dir.as_ref().and_then(texts::cut);
    let directory = directory.unwrap_or_default();
    let file = paths::join(&[&directory, &name]);
    Some(Missing { id, file })
}

/// What the root entry of a unit says.
struct Root {
    language: Option<DwLang>,
    covered: Vec<Range<u32>>,
    damage: Option<SourceError>,
}

impl Root {
    fn read(
        dwarf: &gimli::Dwarf<Reader>,
        unit: &gimli::Unit<Reader>,
        code: &Code,
        left: &mut RangesLeft,
    ) -> Root {
        let mut found = Root {
            language: None,
            covered: Vec::new(),
            damage: None,
        };
        let root = match unit.entry(unit.header.root_offset()) {
            Ok(root) => root,
            Err(error) => {
                found.damage = Some(error.into());
                return found;
            }
        };
        if let Some(AttributeValue::Language(language)) = root.attr_value(gimli::DW_AT_language) {
            found.language = Some(language);
        }
        match ranges(unit.unit_ref(dwarf), root.attrs(), code, left) {
            Ok(covered) => found.covered = covered,
            Err(error) => found.damage = Some(error),
        }
        found
    }

    /// What another entry says of the same unit: its word counts more.
    fn add(&mut self, other: Root) {
        self.language = other.language.or(self.language);
        self.covered.extend(other.covered);
        self.damage = self.damage.take().or(other.damage);
    }
}
