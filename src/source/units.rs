//! The compilation units of a module: which one contains a place or an entry.

use super::SourceError;
use super::functions::Function;
use super::sections::{Code, Reader};
use gimli::{AttributeValue, DebugInfoOffset, DwLang, UnitOffset, UnitRef};
use std::ops::Range;
use std::sync::OnceLock;

/// An entry of the debug information: its unit and its offset there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId {
    pub(crate) unit: u32,
    pub(crate) offset: u32,
}

/// One compilation unit, its functions read when first asked for.
pub(crate) struct Unit {
    pub(super) dwarf: gimli::Unit<Reader>,
    pub(super) language: Option<DwLang>,
    pub(super) functions: OnceLock<Vec<Function>>,
}

/// All units of a module.
pub(super) struct Units {
    pub(super) all: Vec<Unit>,
    /// What each unit covers, by start; units that do not say are absent.
    covered: Vec<(Range<u32>, u32)>,
    /// Units that do not say what they cover.
    silent: Vec<u32>,
    /// What was wrong with units left out.
    pub(super) problems: Vec<SourceError>,
}

impl Units {
    pub(super) fn read(dwarf: &gimli::Dwarf<Reader>, code: &Code, line_length: usize) -> Units {
        let mut units = Units {
            all: Vec::new(),
            covered: Vec::new(),
            silent: Vec::new(),
            problems: Vec::new(),
        };
        // Sound units do not share line programs' headers more than a few times;
        // hostile ones would make each unit parse one large header again.
        let mut headers_left = line_length.saturating_mul(4).saturating_add(1 << 16);
        let mut headers = dwarf.units();
        loop {
            match headers.next() {
                Ok(Some(header)) => units.add(dwarf, code, header, &mut headers_left),
                Ok(None) => break,
                Err(error) => {
                    units.problems.push(error.into());
                    break;
                }
            }
            if headers_left == 0 {
                let problem = "line tables overlap";
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
        dwarf: &gimli::Dwarf<Reader>,
        code: &Code,
        header: gimli::UnitHeader<Reader>,
        headers_left: &mut usize,
    ) {
        let unit = match dwarf.unit(header) {
            Ok(unit) => unit,
            Err(error) => return self.problems.push(error.into()),
        };
        if let Some(program) = &unit.line_program {
            *headers_left = headers_left.saturating_sub(program.header().header_length());
        }
        let Ok(id) = u32::try_from(self.all.len()) else {
            return;
        };
        let (language, ranges) = root(dwarf, &unit, code);
        if ranges.is_empty() {
            self.silent.push(id);
        }
        self.covered
            .extend(ranges.into_iter().map(|range| (range, id)));
        self.all.push(Unit {
            dwarf: unit,
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
        let start = |unit: &Unit| unit.dwarf.header.debug_info_offset().map(|at| at.0);
        let next = self
            .all
            .partition_point(|unit| start(unit) <= Some(offset.0));
        let index = next.checked_sub(1).ok_or(SourceError::DanglingReference)?;
        let unit = self.all.get(index).ok_or(SourceError::DanglingReference)?;
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

/// Language and covered ranges of a unit, from its root entry.
fn root(
    dwarf: &gimli::Dwarf<Reader>,
    unit: &gimli::Unit<Reader>,
    code: &Code,
) -> (Option<DwLang>, Vec<Range<u32>>) {
    let Ok(root) = unit.entry(unit.header.root_offset()) else {
        return (None, Vec::new());
    };
    let language = match root.attr_value(gimli::DW_AT_language) {
        Some(AttributeValue::Language(language)) => Some(language),
        _ => None,
    };
    let ranges = ranges(unit.unit_ref(dwarf), root.attrs(), code);
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
) -> Result<Vec<Range<u32>>, SourceError> {
    // More ranges than any one entry has.
    const MOST: usize = 1 << 16;
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
                    found.extend(code.pcs(range.begin, range.end));
                    if found.len() > MOST {
                        return Err(SourceError::Excessive("an entry has too many ranges"));
                    }
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
