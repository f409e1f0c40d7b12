//! The texts that entries name. One text may be named by every entry, so nobody reads more
//! of it than there is use for.

use super::sections::Reader;
use gimli::{AttributeValue, Reader as _, Section as _, UnitRef};

/// What is longer is cut: no compiler writes such names, and nobody reads them.
const LONGEST: usize = 16 * 1024;
/// Strings that are longer end the section of strings: looking for the end of one takes
/// time, whoever does it.
const LONGEST_STORED: usize = 1 << 20;

/// The text of a string attribute.
pub(super) fn text(unit: UnitRef<'_, Reader>, value: AttributeValue<Reader>) -> Option<String> {
    let (strings, offset) = match value {
        AttributeValue::String(text) => return cut(&text),
        AttributeValue::DebugStrRef(offset) => (unit.dwarf.debug_str.reader(), offset.0),
        AttributeValue::DebugLineStrRef(offset) => (unit.dwarf.debug_line_str.reader(), offset.0),
        AttributeValue::DebugStrOffsetsIndex(index) => {
            let offset = unit.string_offset(index).ok()?;
            (unit.dwarf.debug_str.reader(), offset.0)
        }
        _ => return None,
    };
    let mut text = strings.clone();
    text.skip(offset).ok()?;
    let is_long = text.len() > LONGEST;
    if is_long {
        text.truncate(LONGEST + 1).ok()?;
    }
    match text.find(0) {
        Ok(end) => text.truncate(end).ok()?,
        Err(_) if is_long => {}
        Err(_) => return None,
    }
    cut(&text)
}

/// A text that has been found, cut if nobody would read all of it.
pub(super) fn cut(text: &Reader) -> Option<String> {
    let mut text = text.clone();
    let is_long = text.len() > LONGEST;
    if is_long {
        text.truncate(LONGEST).ok()?;
    }
    let mut read = text.to_string_lossy().ok()?.into_owned();
    if is_long {
        read.push('…');
    }
    Some(read)
}

/// How much of a section of strings is used.
pub(super) fn usable(strings: &[u8]) -> usize {
    let mut end = 0;
    for text in strings.split_inclusive(|byte| *byte == 0) {
        if text.len() > LONGEST_STORED {
            return end;
        }
        end += text.len();
    }
    end
}
