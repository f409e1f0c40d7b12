//! What is in scope at a place: the function, the calls inlined into it, their
//! blocks, and the variables that these declare.

use super::addresses;
use super::budget::Budget;
use super::entries::Entries;
use super::error::SourceError;
use super::functions::{Function, Functions};
use super::lines::SourceLine;
use super::ranges::{RangesLeft, ranges};
use super::sections::{Code, Reader};
use super::units::{EntryId, Unit, entry_id};
use gimli::{Attribute, AttributeValue, Expression};
use std::ops::Range;

/// A call that the compiler replaced by the called function's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlinedCall {
    /// The called function's readable name.
    pub name: String,
    /// Where the caller calls it; `None` where the compiler does not say.
    pub call_site: Option<SourceLine>,
    /// Where the source declares it.
    pub declared: Option<SourceLine>,
    /// The places of this copy of its body.
    pub ranges: Vec<Range<u32>>,
}

/// A variable in scope, not yet looked at.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) type_id: Option<EntryId>,
    pub(crate) is_argument: bool,
    /// Whether it lives as long as the program.
    pub(crate) is_static: bool,
    pub(crate) location: Location,
    /// Where the source declares it.
    pub(crate) declared: Option<SourceLine>,
    pub(crate) unit: u32,
}

/// Where a variable's value is at one place.
#[derive(Debug, Clone)]
pub(crate) enum Location {
    /// Computed by an expression.
    At(Expression<Reader>),
    /// The same; it holds from the start of a stretch of code on, whose end is the place
    /// that was asked about.
    Since(Range<u32>, Expression<Reader>),
    /// A constant, no more than 64 bits wide.
    Constant(u64),
    /// Constant bytes.
    Bytes(Vec<u8>),
    /// Optimised out, here or everywhere.
    Nowhere,
}

/// One function body, out of line or inlined, with the variables in scope.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    pub(crate) inlined: Option<InlinedCall>,
    /// From the outermost block to the innermost.
    pub(crate) variables: Vec<Declared>,
    /// The first parameter without a name: what resumes a coroutine is given that so.
    pub(crate) nameless: Option<Declared>,
}

/// The bodies that a place is in, outermost first, with the frame base of the
/// function around them.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    pub(crate) unit: u32,
    /// The place; none for what lives as long as the program.
    pub(crate) pc: Option<u32>,
    pub(crate) frame_base: Option<Expression<Reader>>,
    pub(crate) frames: Vec<Frame>,
}

/// What is in scope at a place.
pub(super) fn at(entries: &Entries, functions: &Functions, pc: u32) -> Result<Scopes, SourceError> {
    let mut walk = walked(entries, functions, pc)?;
    walk.add_lost_parameters()?;
    Ok(walk.scopes)
}

fn walked<'a>(
    entries: &'a Entries,
    functions: &Functions,
    pc: u32,
) -> Result<Walk<'a>, SourceError> {
    let function = functions.described_at(entries, pc)?;
    let unit_id = function.entry.unit;
    let mut walk = Walk {
        entries,
        unit: entries.units.of(unit_id)?,
        pc,
        ranges_left: RangesLeft::new(),
        left: Budget::new("what is in scope at one place", MOST_IN_SCOPE),
        scopes: Scopes {
            unit: unit_id,
            pc: Some(pc),
            frames: vec![Frame::default()],
            frame_base: None,
        },
        origins: vec![None],
    };
    walk.run(function)?;
    Ok(walk)
}

/// The calls inlined at a place, innermost first.
pub(super) fn inlined_at(entries: &Entries, functions: &Functions, pc: u32) -> Vec<InlinedCall> {
    let Ok(walk) = walked(entries, functions, pc) else {
        return Vec::new();
    };
    let frames = walk.scopes.frames.into_iter().rev();
    frames.filter_map(|frame| frame.inlined).collect()
}

/// The variable with an entry, at a place.
pub(super) fn variable_at(
    entries: &Entries,
    id: EntryId,
    pc: Option<u32>,
) -> Result<Option<Declared>, SourceError> {
    let unit = entries.units.of(id.unit)?;
    let die = entries.units.entry(id)?;
    declared(entries, id.unit, unit, die.tag(), die.attrs(), pc)
}

/// Reads a variable or a parameter.
fn declared(
    entries: &Entries,
    unit_id: u32,
    unit: &Unit,
    tag: gimli::DwTag,
    attributes: &[Attribute<Reader>],
    pc: Option<u32>,
) -> Result<Option<Declared>, SourceError> {
    let declaration = entries.declaration(unit_id, attributes);
    if declaration.name.is_none() {
        return Ok(None);
    }
    described(entries, unit_id, unit, tag, attributes, pc).map(Some)
}

/// The same, whether it has a name or not.
fn described(
    entries: &Entries,
    unit_id: u32,
    unit: &Unit,
    tag: gimli::DwTag,
    attributes: &[Attribute<Reader>],
    pc: Option<u32>,
) -> Result<Declared, SourceError> {
    let declaration = entries.declaration(unit_id, attributes);
    let name = declaration.name.unwrap_or_default();
    let location = location(&entries.code, unit, attributes, pc)?;
    Ok(Declared {
        name,
        type_id: declaration.type_id,
        is_argument: tag == gimli::DW_TAG_formal_parameter,
        is_static: matches!(&location, Location::At(at) if addresses::is_fixed(&entries.units, unit_id, at)),
        location,
        declared: declaration.declared,
        unit: unit_id,
    })
}

fn location(
    code: &Code,
    unit: &Unit,
    attributes: &[Attribute<Reader>],
    pc: Option<u32>,
) -> Result<Location, SourceError> {
    for attribute in attributes {
        match (attribute.name(), attribute.value()) {
            (gimli::DW_AT_location, AttributeValue::Exprloc(expression)) => {
                return Ok(Location::At(expression));
            }
            (gimli::DW_AT_location, value) => {
                return listed_location(code, unit, value, pc);
            }
            (gimli::DW_AT_const_value, AttributeValue::Block(bytes)) => {
                return Ok(Location::Bytes(short_bytes(&bytes)));
            }
            (gimli::DW_AT_const_value, AttributeValue::String(bytes)) => {
                return Ok(Location::Bytes(short_bytes(&bytes)));
            }
            (gimli::DW_AT_const_value, AttributeValue::Data16(value)) => {
                return Ok(Location::Bytes(value.to_le_bytes().to_vec()));
            }
            (gimli::DW_AT_const_value, value) => {
                let value = value.udata_value().or_else(|| signed(&value));
                return Ok(value.map_or(Location::Nowhere, Location::Constant));
            }
            _ => {}
        }
    }
    Ok(Location::Nowhere)
}

fn listed_location(
    code: &Code,
    unit: &Unit,
    value: AttributeValue<Reader>,
    pc: Option<u32>,
) -> Result<Location, SourceError> {
    let address = pc.and_then(|pc| code.address(pc));
    let list = unit.unit_ref().attr_locations(value)?;
    let (Some(address), Some(mut list)) = (address, list) else {
        return Ok(Location::Nowhere);
    };
    // Lists are short; many variables could refer to one long one.
    const LONGEST: usize = 1 << 14;
    for _ in 0..LONGEST {
        let Some(entry) = list.next()? else {
            break;
        };
        if entry.range.begin <= address && address < entry.range.end {
            let stretch = code.pc(entry.range.begin).zip(pc);
            let stretch = stretch.map_or(0..0, |(from, pc)| from..pc);
            return Ok(Location::Since(stretch, entry.data));
        }
    }
    Ok(Location::Nowhere)
}

/// The variables of a unit outside its functions, with a fixed location.
pub(super) fn statics(entries: &Entries, unit_id: u32) -> Result<Vec<Declared>, SourceError> {
    let unit = entries.units.of(unit_id)?;
    let mut raw = unit.dwarf.entries_raw(None)?;
    let mut attributes = Vec::new();
    let mut found = Vec::new();
    let mut left = Budget::new("variables outside functions", MOST_IN_SCOPE);
    while !raw.is_empty() {
        let Some(abbreviation) = raw.read_abbreviation()? else {
            continue;
        };
        let depth = raw.next_depth() - isize::from(abbreviation.has_children());
        raw.read_attributes(abbreviation.attributes(), &mut attributes)?;
        if abbreviation.tag() == gimli::DW_TAG_variable {
            let has_location = |a: &Attribute<Reader>| a.name() == gimli::DW_AT_location;
            if attributes.iter().any(has_location) {
                let tag = abbreviation.tag();
                let declared = declared(entries, unit_id, unit, tag, &attributes, None)?;
                let name = declared.as_ref().map_or(0, |declared| declared.name.len());
                left.spend::<Declared>(name)?;
                found.extend(declared);
            }
        } else if abbreviation.tag() == gimli::DW_TAG_subprogram {
            skip_children(&mut raw, depth)?;
        }
    }
    Ok(found)
}

/// What is in scope at one place takes some kilobytes.
const MOST_IN_SCOPE: usize = 64 << 20;
/// The most entries of one function, or of one type, that are walked for one question.
pub(super) const MOST_ENTRIES: usize = 1 << 22;

/// One walk down a function's entries to a place.
struct Walk<'a> {
    entries: &'a Entries,
    unit: &'a Unit,
    pc: u32,
    ranges_left: RangesLeft,
    left: Budget,
    scopes: Scopes,
    /// For each frame the entry that its function is a copy of.
    origins: Vec<Option<EntryId>>,
}

impl Walk<'_> {
    fn run(&mut self, function: &Function) -> Result<(), SourceError> {
        let offset = function.entry.unit_offset();
        let mut entries = self.unit.dwarf.entries_raw(Some(offset))?;
        let mut attributes = Vec::new();
        let mut first = true;
        let mut walked = 0_usize;
        while !entries.is_empty() && (first || entries.next_depth() > 0) {
            let offset = entries.next_offset();
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            let depth = entries.next_depth() - isize::from(abbreviation.has_children());
            entries.read_attributes(abbreviation.attributes(), &mut attributes)?;
            if first {
                self.scopes.frame_base = frame_base(&attributes);
                self.origins = vec![self.origin(function.entry.unit, &attributes)];
                first = false;
                continue;
            }
            let id = entry_id(function.entry.unit, offset)?;
            walked += 1;
            if !self.enter(id, abbreviation.tag(), &attributes)? {
                walked += skip_children(&mut entries, depth)?;
            }
            if walked > MOST_ENTRIES {
                return Err(SourceError::Excessive("a function has too many entries"));
            }
        }
        Ok(())
    }

    /// Takes an entry, and tells whether the place is inside it.
    fn enter(
        &mut self,
        id: EntryId,
        tag: gimli::DwTag,
        attributes: &[Attribute<Reader>],
    ) -> Result<bool, SourceError> {
        match tag {
            gimli::DW_TAG_variable | gimli::DW_TAG_formal_parameter => {
                // More than any function has in scope at one place.
                const MOST: usize = 4096;
                let known = self.scopes.frames.last().map_or(0, |f| f.variables.len());
                if known >= MOST {
                    return Err(SourceError::Excessive("a function has too many variables"));
                }
                let pc = Some(self.pc);
                let declared = declared(self.entries, id.unit, self.unit, tag, attributes, pc)?;
                let name = declared.as_ref().map_or(0, |declared| declared.name.len());
                self.left.spend::<Declared>(name)?;
                let Some(frame) = self.scopes.frames.last_mut() else {
                    return Ok(false);
                };
                if declared.is_none()
                    && frame.nameless.is_none()
                    && tag == gimli::DW_TAG_formal_parameter
                {
                    let (entries, unit) = (self.entries, self.unit);
                    let nameless = described(entries, id.unit, unit, tag, attributes, pc)?;
                    frame.nameless = Some(nameless);
                }
                frame.variables.extend(declared);
                Ok(false)
            }
            gimli::DW_TAG_lexical_block => {
                let ranges = self.ranges(attributes)?;
                Ok(self.covers(&ranges))
            }
            gimli::DW_TAG_inlined_subroutine => {
                let ranges = self.ranges(attributes)?;
                if !self.covers(&ranges) {
                    return Ok(false);
                }
                let call = self.inlined_call(id.unit, attributes, ranges);
                self.left.spend::<[Frame; 4]>(call.name.len())?;
                const MOST: usize = 1024;
                if self.scopes.frames.len() >= MOST {
                    return Err(SourceError::Excessive(
                        "too many calls are inlined in one another",
                    ));
                }
                self.scopes.frames.push(Frame {
                    inlined: Some(call),
                    ..Frame::default()
                });
                self.origins.push(self.origin(id.unit, attributes));
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The entry that a copy of a function refers to.
    fn origin(&self, unit: u32, attributes: &[Attribute<Reader>]) -> Option<EntryId> {
        let mut attributes = attributes.iter();
        let origin = attributes.find(|a| a.name() == gimli::DW_AT_abstract_origin)?;
        self.entries.units.reference(unit, &origin.value()).ok()
    }

    /// Parameters that the copies of functions do not have any more are optimised out: people
    /// look for them nevertheless.
    fn add_lost_parameters(&mut self) -> Result<(), SourceError> {
        for (frame, origin) in self.scopes.frames.iter_mut().zip(&self.origins) {
            let Some(origin) = *origin else {
                continue;
            };
            let mut here = std::mem::take(&mut frame.variables);
            for parameter in parameters(self.entries, origin, &mut self.left)? {
                let mut known = here.iter();
                let known = known.position(|v| v.is_argument && v.name == parameter.name);
                let parameter = known.map_or(parameter, |at| here.remove(at));
                frame.variables.push(parameter);
            }
            frame.variables.append(&mut here);
        }
        Ok(())
    }

    fn ranges(&mut self, attributes: &[Attribute<Reader>]) -> Result<Vec<Range<u32>>, SourceError> {
        ranges(
            self.unit.unit_ref(),
            attributes,
            &self.entries.code,
            &mut self.ranges_left,
        )
    }

    fn covers(&self, ranges: &[Range<u32>]) -> bool {
        ranges.iter().any(|range| range.contains(&self.pc))
    }

    fn inlined_call(
        &self,
        unit: u32,
        attributes: &[Attribute<Reader>],
        ranges: Vec<Range<u32>>,
    ) -> InlinedCall {
        let declaration = self.entries.declaration(unit, attributes);
        InlinedCall {
            name: declaration.readable_name(),
            call_site: self.entries.call_site(unit, attributes),
            declared: declaration.declared,
            ranges,
        }
    }
}

/// The parameters that the source declares for a function, wherever they are.
fn parameters(
    entries: &Entries,
    function: EntryId,
    left: &mut Budget,
) -> Result<Vec<Declared>, SourceError> {
    // More than any function has.
    const MOST: usize = 256;
    let unit = entries.units.of(function.unit)?;
    let mut raw = unit.dwarf.entries_raw(Some(function.unit_offset()))?;
    let mut attributes = Vec::new();
    let mut found = Vec::new();
    let mut first = true;
    while !raw.is_empty() && (first || raw.next_depth() > 0) && found.len() < MOST {
        let Some(abbreviation) = raw.read_abbreviation()? else {
            continue;
        };
        let depth = raw.next_depth() - isize::from(abbreviation.has_children());
        raw.read_attributes(abbreviation.attributes(), &mut attributes)?;
        match abbreviation.tag() {
            _ if first => {}
            tag @ gimli::DW_TAG_formal_parameter => {
                let declared = declared(entries, function.unit, unit, tag, &attributes, None)?;
                let name = declared.as_ref().map_or(0, |declared| declared.name.len());
                left.spend::<Declared>(name)?;
                found.extend(declared);
            }
            _ => {
                skip_children(&mut raw, depth)?;
            }
        }
        first = false;
    }
    Ok(found)
}

fn frame_base(attributes: &[Attribute<Reader>]) -> Option<Expression<Reader>> {
    attributes
        .iter()
        .find_map(|attribute| match (attribute.name(), attribute.value()) {
            (gimli::DW_AT_frame_base, AttributeValue::Exprloc(expression)) => Some(expression),
            _ => None,
        })
}

/// Skips what lies below an entry at a depth; tells how many entries that is.
fn skip_children(
    entries: &mut gimli::EntriesRaw<'_, Reader>,
    depth: isize,
) -> Result<usize, SourceError> {
    let mut skipped = 0;
    while !entries.is_empty() && entries.next_depth() > depth {
        skipped += 1;
        if let Some(abbreviation) = entries.read_abbreviation()? {
            entries.skip_attributes(abbreviation.attributes())?;
        }
    }
    Ok(skipped)
}

fn signed(value: &AttributeValue<Reader>) -> Option<u64> {
    value.sdata_value().map(i64::cast_unsigned)
}

/// Constant bytes are copied: no variable's are longer than this.
fn short_bytes(bytes: &Reader) -> Vec<u8> {
    const LONGEST: usize = 4096;
    bytes.bytes().iter().take(LONGEST).copied().collect()
}
