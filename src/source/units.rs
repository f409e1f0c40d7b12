//! The compilation units of a module: which one contains a place or an entry.

use super::SourceError;
use super::functions::Function;
use super::paths;
use super::sections::{Code, Reader};
use super::split::SplitFiles;
use gimli::{
    Abbreviations, Attribute, AttributeValue, DebugInfoOffset, DwLang, Reader as _, Section as _,
    UnitOffset, UnitRef,
};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// An entry of the debug information: its unit and its offset there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId {
    pub(crate) unit: u32,
    pub(crate) offset: u32,
}

/// One compilation unit, its functions read when first asked for.
pub(crate) struct Unit {
    pub(super) dwarf: gimli::Unit<Reader>,
    /// The sections that its entries refer to: the module's, or those of the file that
    /// a split unit is in.
    pub(super) sections: Arc<gimli::Dwarf<Reader>>,
    /// What the module itself has of a split unit.
    skeleton: Option<gimli::Unit<Reader>>,
    /// Where the module's `.debug_info` has it.
    start: usize,
    pub(super) language: Option<DwLang>,
    pub(super) functions: OnceLock<Vec<Function>>,
}

impl Unit {
    pub(super) fn is_rust(&self) -> bool {
        self.language == Some(gimli::DW_LANG_Rust)
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
    pub(super) all: Vec<Unit>,
    /// What each unit covers, by start; units that do not say are absent.
    covered: Vec<(Range<u32>, u32)>,
    /// Units that do not say what they cover.
    silent: Vec<u32>,
    /// Skeletons whose unit no file has.
    pub(super) missing: Vec<Missing>,
    /// What was wrong with units left out.
    pub(super) problems: Vec<SourceError>,
}

/// A split unit that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) id: gimli::DwoId,
    /// The file that has it, whole as the compiler wrote it.
    pub(super) file: String,
}

impl Units {
    pub(super) fn read(
        dwarf: &Arc<gimli::Dwarf<Reader>>,
        split: &SplitFiles,
        code: &Code,
    ) -> Units {
        let mut units = Units {
            all: Vec::new(),
            covered: Vec::new(),
            silent: Vec::new(),
            missing: Vec::new(),
            problems: Vec::new(),
        };
        let mut shared = Shared::new(dwarf);
        let mut headers = dwarf.units();
        loop {
            match headers.next() {
                Ok(Some(header)) => units.add(dwarf, split, code, header, &mut shared),
                Ok(None) => break,
                Err(error) => {
                    units.problems.push(error.into());
                    break;
                }
            }
            if shared.is_exceeded() {
                let problem = "the tables that units share overlap";
                units.problems.push(SourceError::Excessive(problem));
                break;
            }
        }
        units
            .covered
            .sort_by_key(|(range, unit)| (range.start, *unit));
        units
    }

    fn add(
        &mut self,
        dwarf: &Arc<gimli::Dwarf<Reader>>,
        split: &SplitFiles,
        code: &Code,
        header: gimli::UnitHeader<Reader>,
        shared: &mut Shared,
    ) {
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
            Err(error) => return self.problems.push(error),
        };
        if let Some(program) = &unit.line_program {
            shared.spend_line_header(program.header().header_length());
        }
        let Ok(id) = u32::try_from(self.all.len()) else {
            return;
        };
        let split = split.unit_of(&unit, dwarf);
        if split.is_none() {
            self.missing.extend(missing(dwarf, &unit));
        }
        let (mut language, mut ranges) = root(dwarf, &unit, code, &mut shared.ranges);
        if let Some(split) = &split {
            // DWARF 5 has the ranges in the skeleton, and the language in the unit.
            let (own, covered) = root(&split.sections, &split.unit, code, &mut shared.ranges);
            language = own.or(language);
            ranges.extend(covered);
        }
        if ranges.is_empty() {
            self.silent.push(id);
        }
        self.covered
            .extend(ranges.into_iter().map(|range| (range, id)));
        let (dwarf, sections, skeleton) = match split {
            Some(split) => (split.unit, split.sections, Some(unit)),
            None => (unit, dwarf.clone(), None),
        };
        self.all.push(Unit {
            dwarf,
            sections,
            skeleton,
            start,
            language,
            functions: OnceLock::new(),
        });
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
    let text = |reader: Reader| Some(reader.to_string_lossy().ok()?.into_owned());
    let name = dwarf.attr_string(unit, unit.dwo_name().ok()??).ok();
    let name = name.and_then(text)?;
    let directory = unit.comp_dir.clone().and_then(text).unwrap_or_default();
    let file = paths::join(&[&directory, &name]);
    Some(Missing { id, file })
}

/// Language and covered ranges of a unit, from its root entry.
fn root(
    dwarf: &gimli::Dwarf<Reader>,
    unit: &gimli::Unit<Reader>,
    code: &Code,
    ranges_left: &mut RangesLeft,
) -> (Option<DwLang>, Vec<Range<u32>>) {
    let Ok(root) = unit.entry(unit.header.root_offset()) else {
        return (None, Vec::new());
    };
    let language = match root.attr_value(gimli::DW_AT_language) {
        Some(AttributeValue::Language(language)) => Some(language),
        _ => None,
    };
    let ranges = ranges(unit.unit_ref(dwarf), root.attrs(), code, ranges_left);
    (language, ranges.unwrap_or_default())
}

/// The places that an entry covers: `DW_AT_ranges`, or `DW_AT_low_pc` and
/// `DW_AT_high_pc`. Code that the linker dropped is left out.
///
/// gimli's own `die_ranges` adds without a check and may overflow on hostile input.
pub(super) fn ranges(
    unit: UnitRef<'_, Reader>,
    attributes: &[gimli::Attribute<Reader>],
    code: &Code,
    left: &mut RangesLeft,
) -> Result<Vec<Range<u32>>, SourceError> {
    let (mut low, mut high, mut size) = (None, None, None);
    for attribute in attributes {
        match (attribute.name(), attribute.value()) {
            (gimli::DW_AT_low_pc, value) => low = unit.attr_address(value)?,
            (gimli::DW_AT_high_pc, AttributeValue::Udata(value)) => size = Some(value),
            (gimli::DW_AT_high_pc, value) => high = unit.attr_address(value)?,
            (gimli::DW_AT_ranges, value) => {
                let Some(mut list) = unit.attr_ranges(value)? else {
                    continue;
                };
                let mut found = Vec::new();
                while let Some(range) = list.next()? {
                    left.spend()?;
                    found.extend(code.pcs(range.begin, range.end));
                }
                return Ok(found);
            }
            _ => {}
        }
    }
    let range = low.and_then(|begin: u64| {
        let end = size.and_then(|size| begin.checked_add(size)).or(high)?;
        code.pcs(begin, end)
    });
    Ok(range.into_iter().collect())
}

/// How many more ranges may be read for one question: hostile entries could each
/// refer to one long list.
pub(super) struct RangesLeft(usize);

impl RangesLeft {
    pub(super) fn new() -> Self {
        RangesLeft(1 << 21)
    }

    fn spend(&mut self) -> Result<(), SourceError> {
        let left = self.0.checked_sub(1);
        self.0 = left.ok_or(SourceError::Excessive("lists of ranges overlap"))?;
        Ok(())
    }
}

/// What units share, read once, with bounds on the work where hostile units make
/// tables overlap that in sound ones are apart.
struct Shared {
    abbreviations: HashMap<usize, Arc<Abbreviations>>,
    abbreviations_left: usize,
    line_headers_left: usize,
    ranges: RangesLeft,
}

impl Shared {
    fn new(dwarf: &gimli::Dwarf<Reader>) -> Self {
        Shared {
            abbreviations: HashMap::new(),
            abbreviations_left: dwarf.debug_abbrev.reader().len(),
            // Type units share the header of their compilation unit.
            line_headers_left: 1 << 26,
            ranges: RangesLeft::new(),
        }
    }

    fn is_exceeded(&self) -> bool {
        self.abbreviations_left == 0 || self.line_headers_left == 0
    }

    fn spend_line_header(&mut self, length: usize) {
        self.line_headers_left = self.line_headers_left.saturating_sub(length);
    }

    fn abbreviations(
        &mut self,
        dwarf: &gimli::Dwarf<Reader>,
        header: &gimli::UnitHeader<Reader>,
    ) -> Result<Arc<Abbreviations>, SourceError> {
        let offset = header.debug_abbrev_offset();
        if let Some(known) = self.abbreviations.get(&offset.0) {
            return Ok(known.clone());
        }
        let length = abbreviations_length(dwarf, offset.0)?;
        // Counts down to one at least when the last table ends with the section.
        match (self.abbreviations_left + 1).checked_sub(length.max(1)) {
            Some(left) if left > 0 => self.abbreviations_left = left,
            _ => {
                self.abbreviations_left = 0;
                return Err(SourceError::Excessive("tables of abbreviations overlap"));
            }
        }
        let read = dwarf.debug_abbrev.abbreviations(offset)?;
        let read = Arc::new(read);
        self.abbreviations.insert(offset.0, read.clone());
        Ok(read)
    }
}

/// The length of a table of abbreviations, up to its end or its first damage.
fn abbreviations_length(dwarf: &gimli::Dwarf<Reader>, offset: usize) -> Result<usize, SourceError> {
    let mut input = dwarf.debug_abbrev.reader().clone();
    input.skip(offset)?;
    let before = input.len();
    let mut read = || -> gimli::Result<()> {
        while input.read_uleb128()? != 0 {
            input.read_uleb128()?;
            input.read_u8()?;
            while (input.read_uleb128()?, input.read_uleb128()?) != (0, 0) {}
        }
        Ok(())
    };
    // gimli reports the damage better.
    let _ = read();
    Ok(before - input.len())
}
