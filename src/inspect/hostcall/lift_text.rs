//! Strings of guests, in the three encodings of the canonical ABI.

use super::lifted::Text;
use super::memory::Memory;
use crate::component::layout::Pointer;
use crate::component::types::StringEncoding;

#[derive(Clone, Copy)]
enum Units {
    Utf8,
    Latin1,
    Utf16,
}

/// Reads the string that a pointer and a length in code units stand for, `limit`
/// bytes of it at most.
pub(in crate::inspect) fn read(
    memory: &Memory,
    encoding: StringEncoding,
    pointer: Pointer,
    start: u64,
    length: u64,
    limit: u64,
) -> Result<Text, String> {
    let (units, length) = units(encoding, pointer, length);
    let unit_size = if matches!(units, Units::Utf16) { 2 } else { 1 };
    let outside = || format!("a string of {length} units at {start:#x} reaches outside of memory");
    if length > 0 && !matches!(encoding, StringEncoding::Utf8) && !start.is_multiple_of(2) {
        return Err(format!("a string at {start:#x} is not aligned"));
    }
    let size = length.checked_mul(unit_size).ok_or_else(outside)?;
    if size == 0 {
        return Ok(Text {
            text: String::new(),
            more: 0,
            pointer: start,
        });
    }
    // All of it must be there, although only its beginning is read.
    let last = start.checked_add(size - 1).ok_or_else(outside)?;
    memory(last, 1).ok_or_else(outside)?;
    let shown = size.min(limit.max(4) & !1);
    let bytes = memory(start, shown).ok_or_else(outside)?;
    let (text, used) = match units {
        Units::Utf8 => utf8(bytes, shown < size)?,
        Units::Latin1 => (bytes.iter().map(|byte| char::from(*byte)).collect(), shown),
        Units::Utf16 => utf16(&bytes, shown < size)?,
    };
    Ok(Text {
        text,
        more: size.saturating_sub(used),
        pointer: start,
    })
}

fn units(encoding: StringEncoding, pointer: Pointer, length: u64) -> (Units, u64) {
    let top_bit = match pointer {
        Pointer::Wasm32 => 1 << 31,
        Pointer::Wasm64 => 1 << 63,
    };
    match encoding {
        StringEncoding::Utf8 => (Units::Utf8, length),
        StringEncoding::Utf16 => (Units::Utf16, length),
        StringEncoding::CompactUtf16 if length & top_bit != 0 => (Units::Utf16, length & !top_bit),
        StringEncoding::CompactUtf16 => (Units::Latin1, length),
    }
}

fn utf8(bytes: Vec<u8>, is_cut: bool) -> Result<(String, u64), String> {
    String::from_utf8(bytes)
        .map(|text| {
            let used = text.len() as u64;
            (text, used)
        })
        .or_else(|error| {
            let valid = error.utf8_error().valid_up_to();
            if !is_cut || error.utf8_error().error_len().is_some() {
                return Err(format!("a string is not UTF-8 at its byte {valid}"));
            }
            // The cut went through a character.
            let mut bytes = error.into_bytes();
            bytes.truncate(valid);
            let text = String::from_utf8(bytes).unwrap_or_default();
            Ok((text, valid as u64))
        })
}

fn utf16(bytes: &[u8], is_cut: bool) -> Result<(String, u64), String> {
    let units = bytes.as_chunks::<2>().0.iter().copied();
    let units = units.map(u16::from_le_bytes);
    let mut text = String::new();
    let mut used = 0;
    for decoded in char::decode_utf16(units) {
        match decoded {
            Ok(char) => {
                text.push(char);
                used += 2 * char.len_utf16() as u64;
            }
            // The cut went through a pair.
            Err(_) if is_cut && used + 2 == bytes.len() as u64 => break,
            Err(error) => {
                let unit = error.unpaired_surrogate();
                let at = used / 2;
                return Err(format!(
                    "a string is not UTF-16: half a pair, {unit:#x}, at its unit {at}"
                ));
            }
        }
    }
    Ok((text, used))
}
