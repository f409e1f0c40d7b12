//! Tables that the units of a module share, with bounds on the work where hostile units
//! make those overlap that are apart in sound ones.

use super::error::SourceError;
use super::ranges::RangesLeft;
use super::sections::Reader;
use gimli::{Abbreviations, Reader as _, Section as _};
use std::collections::HashMap;
use std::sync::Arc;

/// What units share, read once, and how much more of it is read.
pub(super) struct SharedTables {
    abbreviations: HashMap<usize, Arc<Abbreviations>>,
    abbreviations_left: usize,
    line_headers_left: usize,
    texts_left: usize,
    pub(super) ranges: RangesLeft,
}

impl SharedTables {
    pub(super) fn new(dwarf: &gimli::Dwarf<Reader>) -> Self {
        SharedTables {
            abbreviations: HashMap::new(),
            abbreviations_left: dwarf.debug_abbrev.reader().len(),
            // Type units share the header of their compilation unit.
            line_headers_left: (8 << 20) + 2 * dwarf.debug_line.reader().len(),
            // All units of a program may be compiled in one directory.
            texts_left: 1 << 26,
            ranges: RangesLeft::new(),
        }
    }

    pub(super) fn is_exceeded(&self) -> bool {
        self.abbreviations_left == 0 || self.line_headers_left == 0 || self.texts_left == 0
    }

    pub(super) fn spend_texts(&mut self, length: usize) {
        self.texts_left = self.texts_left.saturating_sub(length);
    }

    pub(super) fn spend_line_header(&mut self, header: &gimli::LineProgramHeader<Reader>) {
        // An entry of one byte takes a hundred.
        let names = header.file_names().len() + header.include_directories().len();
        let taken = header.header_length().max(names.saturating_mul(8));
        self.line_headers_left = self.line_headers_left.saturating_sub(taken);
    }

    pub(super) fn abbreviations(
        &mut self,
        dwarf: &gimli::Dwarf<Reader>,
        header: &gimli::UnitHeader<Reader>,
    ) -> Result<Arc<Abbreviations>, SourceError> {
        let offset = header.debug_abbrev_offset();
        if let Some(known) = self.abbreviations.get(&offset.0) {
            return Ok(known.clone());
        }
        let (length, attributes) = abbreviations_size(dwarf, offset.0)?;
        if attributes > MOST_ATTRIBUTES {
            return Err(SourceError::Excessive("entries have too many attributes"));
        }
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

/// Compilers give entries some twenty attributes; each entry is read through all of its own.
const MOST_ATTRIBUTES: usize = 256;

/// The length of a table of abbreviations, up to its end or its first damage, and the most
/// attributes that one of them has.
fn abbreviations_size(
    dwarf: &gimli::Dwarf<Reader>,
    offset: usize,
) -> Result<(usize, usize), SourceError> {
    let mut input = dwarf.debug_abbrev.reader().clone();
    input.skip(offset)?;
    let before = input.len();
    let mut most = 0;
    let mut read = || -> gimli::Result<()> {
        while input.read_uleb128()? != 0 {
            input.read_uleb128()?;
            input.read_u8()?;
            for number in 0.. {
                most = most.max(number);
                match (input.read_uleb128()?, input.read_uleb128()?) {
                    (0, 0) => break,
                    // Its value stands here.
                    (_, form) if form == u64::from(gimli::DW_FORM_implicit_const.0) => {
                        input.read_sleb128()?;
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    };
    // gimli reports the damage better.
    let _ = read();
    Ok((before - input.len(), most))
}
