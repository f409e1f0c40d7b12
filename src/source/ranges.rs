//! The places that an entry covers.

use super::error::SourceError;
use super::sections::{Code, Reader};
use gimli::{AttributeValue, UnitRef};
use std::ops::Range;

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
