//! Values that are text: arrays and pointers of characters.

use super::{Elements, LONGEST_TEXT, Look, Value, View};
use crate::inspect::variable::notation::Notation;
use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::scalar;
use crate::source::{EntryId, Type};

/// How text is made of bytes: by the size of its units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inspect) enum Units {
    Utf8,
    Utf16,
    Utf32,
}

impl Units {
    pub(in crate::inspect) fn of_size(size: u64) -> Option<Units> {
        match size {
            1 => Some(Units::Utf8),
            2 => Some(Units::Utf16),
            4 => Some(Units::Utf32),
            _ => None,
        }
    }

    fn size(self) -> usize {
        match self {
            Units::Utf8 => 1,
            Units::Utf16 => 2,
            Units::Utf32 => 4,
        }
    }

    /// The bytes up to the first unit that is zero.
    fn until_nul(self, bytes: &[u8]) -> Option<&[u8]> {
        let mut units = bytes.chunks_exact(self.size());
        let end = units.position(|unit| unit.iter().all(|&byte| byte == 0))?;
        bytes.get(..end * self.size())
    }

    fn quoted(self, bytes: &[u8], is_cut: bool) -> String {
        match self {
            Units::Utf8 => scalar::quoted(bytes, is_cut),
            Units::Utf16 | Units::Utf32 => scalar::quoted(self.text(bytes).as_bytes(), is_cut),
        }
    }

    fn text(self, bytes: &[u8]) -> String {
        let little = |unit: &[u8]| scalar::unsigned(unit) as u32;
        let units = bytes.chunks_exact(self.size()).map(little);
        match self {
            Units::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Units::Utf16 => char::decode_utf16(units.map(|unit| unit as u16))
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect(),
            Units::Utf32 => units
                .map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect(),
        }
    }
}

/// What kind of text an array of these is, if any.
fn text_units(of: &Type) -> Option<Units> {
    let Type::Base {
        name,
        encoding,
        size,
    } = of
    else {
        return None;
    };
    let is_text = match *encoding {
        gimli::DW_ATE_signed_char | gimli::DW_ATE_unsigned_char => *size == 1,
        // Rust's `char`: its arrays are lists, text is made of bytes.
        gimli::DW_ATE_UTF | gimli::DW_ATE_UCS => name != "char" || *size == 1,
        _ => name == "wchar_t",
    };
    Units::of_size(*size).filter(|_| is_text)
}

/// Whether these are more likely numbers than text: `uint8_t` is a character to C.
pub(in crate::inspect) fn is_binary(of: &Type, bytes: &[u8]) -> bool {
    let is_unsigned = matches!(
        of,
        Type::Base {
            encoding: gimli::DW_ATE_unsigned_char,
            ..
        }
    );
    let text = Units::Utf8.until_nul(bytes).unwrap_or(bytes);
    let is_control = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    let is_hidden = text.is_empty() && bytes.iter().any(|byte| *byte != 0);
    is_unsigned && (is_hidden || text.iter().any(is_control) || std::str::from_utf8(text).is_err())
}

impl Look<'_> {
    /// What kind of text an array of a type is, if any. In C, wide characters are numbers by
    /// another name.
    pub(in crate::inspect) fn units_of(&self, id: EntryId) -> Result<Option<Units>, Unavailable> {
        // Aliases of aliases: no more than this.
        const MOST: usize = 16;
        let mut id = id;
        for _ in 0..MOST {
            id = match self.source.type_at(id)? {
                Type::Alias { name, .. }
                    if matches!(name.as_str(), "wchar_t" | "char16_t" | "char32_t") =>
                {
                    return Ok(Units::of_size(self.source.size_of(id)?));
                }
                Type::Alias {
                    target: Some(target),
                    ..
                }
                | Type::Qualified {
                    target: Some(target),
                    ..
                } => target,
                other => return Ok(text_units(&other).or_else(|| self.forced_units(&other))),
            };
        }
        Ok(None)
    }

    /// Bytes are text where that is asked for.
    fn forced_units(&self, of: &Type) -> Option<Units> {
        let is_byte = matches!(of, Type::Base { size: 1, encoding, .. }
            if *encoding != gimli::DW_ATE_boolean);
        (is_byte && self.notation == Notation::Text).then_some(Units::Utf8)
    }

    /// The text at an address, up to where it ends.
    pub(in crate::inspect) fn text_at(&self, address: u64, units: Units) -> String {
        let (text, is_cut) = self.units_at(address, units, LONGEST_TEXT * units.size());
        units.quoted(&text, is_cut)
    }

    /// The text that a pointer of C points to, as far as it is text.
    pub(in crate::inspect) fn pointed_text(
        &self,
        value: &Value,
        longest: usize,
    ) -> Result<Option<String>, Unavailable> {
        let Some((address, target)) = self.pointer(value)? else {
            return Ok(None);
        };
        let units = self.units_of(target)?;
        Ok(units.filter(|_| address != 0).map(|units| {
            let (text, _) = self.units_at(address, units, longest);
            units.text(&text)
        }))
    }

    /// The text of bytes at an address, up to a zero; `None` where there is none, or only
    /// after more than `longest` bytes.
    pub(in crate::inspect) fn c_string(&self, address: u64, longest: usize) -> Option<String> {
        let (text, is_cut) = self.units_at(address, Units::Utf8, longest);
        (!is_cut).then(|| String::from_utf8_lossy(&text).into_owned())
    }

    /// The bytes of a text, and whether there are more. Reads in small steps: it may end
    /// close to the end of memory.
    fn units_at(&self, address: u64, units: Units, longest: usize) -> (Vec<u8>, bool) {
        let mut text = Vec::new();
        let mut step = 32;
        while text.len() < longest {
            let at = address.wrapping_add(text.len() as u64);
            match self.state.memory(at, step) {
                Some(bytes) if bytes.is_empty() => break,
                Some(bytes) => match units.until_nul(&bytes) {
                    Some(last) => {
                        text.extend_from_slice(last);
                        return (text, false);
                    }
                    None => text.extend(bytes),
                },
                None if step > units.size() => step = units.size(),
                None => break,
            }
        }
        (text, true)
    }

    /// Elements that are units of text.
    pub(in crate::inspect) fn view_text(
        &self,
        elements: Elements,
        ends_at_nul: bool,
    ) -> Result<View, Unavailable> {
        let units = Units::of_size(elements.stride).unwrap_or(Units::Utf8);
        let shown = elements.count.min(LONGEST_TEXT as u64);
        let bytes = match &elements.first {
            // An empty text may be anywhere.
            Place::Memory(_) if shown == 0 => Vec::new(),
            first => first.read(shown.saturating_mul(elements.stride), self.state)?,
        };
        let ended = ends_at_nul.then(|| units.until_nul(&bytes)).flatten();
        let is_cut = ended.is_none() && shown < elements.count;
        let text = units.quoted(ended.unwrap_or(&bytes), is_cut);
        Ok(View::Text(text, elements))
    }
}
