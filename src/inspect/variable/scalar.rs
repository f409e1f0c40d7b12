//! Numbers, characters and text, as a person wants to read them.

use gimli::DwAte;

/// A number as a value holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::inspect) enum Number {
    Whole(i128),
    Real(f64),
}

impl Number {
    pub(in crate::inspect) fn real(self) -> f64 {
        match self {
            Number::Whole(number) => number as f64,
            Number::Real(number) => number,
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Number::Whole(number) => number.fmt(f),
            Number::Real(number) => write!(f, "{number:?}"),
        }
    }
}

/// A base type's bytes as a number, if they are one.
pub(in crate::inspect) fn number(encoding: DwAte, bytes: &[u8]) -> Option<Number> {
    match encoding {
        gimli::DW_ATE_float => match bytes.len() {
            4 => {
                let single = f32::from_le_bytes(bytes.try_into().ok()?);
                Some(Number::Real(single.into()))
            }
            8 => Some(Number::Real(f64::from_le_bytes(bytes.try_into().ok()?))),
            16 => {
                let bits = u128::from_le_bytes(bytes.try_into().ok()?);
                Some(Number::Real(quadruple(bits)))
            }
            _ => None,
        },
        gimli::DW_ATE_signed | gimli::DW_ATE_signed_char => Some(Number::Whole(signed(bytes))),
        _ => i128::try_from(unsigned(bytes)).ok().map(Number::Whole),
    }
}

/// A base type's bytes as text.
pub(in crate::inspect) fn base(name: &str, encoding: DwAte, bytes: &[u8]) -> String {
    match encoding {
        _ if bytes.is_empty() => "()".to_owned(),
        gimli::DW_ATE_boolean => boolean(bytes),
        gimli::DW_ATE_float => float(bytes),
        gimli::DW_ATE_complex_float => complex(bytes),
        _ if name == "wchar_t" => character(name, unsigned(bytes)),
        gimli::DW_ATE_signed => signed(bytes).to_string(),
        gimli::DW_ATE_signed_char => with_character(signed(bytes), bytes),
        gimli::DW_ATE_unsigned_char => with_character(unsigned(bytes), bytes),
        gimli::DW_ATE_UTF | gimli::DW_ATE_UCS | gimli::DW_ATE_ASCII => {
            character(name, unsigned(bytes))
        }
        _ => unsigned(bytes).to_string(),
    }
}

fn boolean(bytes: &[u8]) -> String {
    match unsigned(bytes) {
        0 => "false".to_owned(),
        1 => "true".to_owned(),
        // Neither, in a damaged or uninitialised variable: worth seeing.
        other => format!("{other} (no bool)"),
    }
}

fn float(bytes: &[u8]) -> String {
    if let Ok(bytes) = bytes.try_into() {
        return format!("{:?}", f32::from_le_bytes(bytes));
    }
    if let Ok(bytes) = bytes.try_into() {
        return format!("{:?}", f64::from_le_bytes(bytes));
    }
    match bytes.try_into() {
        Ok(bytes) => format!("{:?}", quadruple(u128::from_le_bytes(bytes))),
        Err(_) => format!("{:#x}", unsigned(bytes)),
    }
}

/// The real part, then the imaginary one.
fn complex(bytes: &[u8]) -> String {
    let (real, imaginary) = bytes.split_at(bytes.len() / 2);
    let (real, imaginary) = (float(real), float(imaginary));
    match imaginary.strip_prefix('-') {
        Some(imaginary) => format!("{real} - {imaginary}i"),
        None => format!("{real} + {imaginary}i"),
    }
}

/// The `f64` nearest to zero from an IEEE quadruple, C's `long double` in
/// WebAssembly.
fn quadruple(bits: u128) -> f64 {
    let negative = bits >> 127 == 1;
    let exponent = (bits >> 112) as u16 & 0x7fff;
    let fraction = (bits >> 60) as u64 & ((1 << 52) - 1);
    let exponent = match exponent {
        0x7fff => 0x7ff,
        small if small <= 0x3c00 => return if negative { -0.0 } else { 0.0 },
        large if large >= 0x43ff => {
            return if negative {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            };
        }
        fits => u64::from(fits - 0x3c00),
    };
    f64::from_bits(u64::from(negative) << 63 | exponent << 52 | fraction)
}

/// A little-endian number with the sign of its highest bit.
pub(in crate::inspect) fn signed(bytes: &[u8]) -> i128 {
    let fill = match bytes.last() {
        Some(high) if high & 0x80 != 0 => 0xff,
        _ => 0,
    };
    let mut wide = [fill; 16];
    for (to, from) in wide.iter_mut().zip(bytes) {
        *to = *from;
    }
    i128::from_le_bytes(wide)
}

/// A little-endian number.
pub(in crate::inspect) fn unsigned(bytes: &[u8]) -> u128 {
    let mut wide = [0; 16];
    for (to, from) in wide.iter_mut().zip(bytes) {
        *to = *from;
    }
    u128::from_le_bytes(wide)
}

fn with_character(number: impl std::fmt::Display, bytes: &[u8]) -> String {
    match bytes {
        [byte] => format!("{number} '{}'", byte.escape_ascii()),
        _ => number.to_string(),
    }
}

fn character(name: &str, code: u128) -> String {
    let character = u32::try_from(code).ok().and_then(char::from_u32);
    match character {
        Some(character) => format!("{character:?}"),
        None => format!("{code:#x} (no {name})"),
    }
}

/// Text in quotes, with what is not text escaped.
pub(in crate::inspect) fn quoted(bytes: &[u8], is_cut: bool) -> String {
    let more = if is_cut { "…" } else { "" };
    let mut text = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character == '\'' {
                text.push(character);
            } else {
                text.extend(character.escape_debug());
            }
        }
        // A character cut in half by the bound is not damage.
        if is_cut && chunk.invalid().len() < 4 && bytes.ends_with(chunk.invalid()) {
            continue;
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text.push('"');
    text.push_str(more);
    text
}

/// The bits of a number of so many bytes.
pub(super) fn mask(size: u64) -> u64 {
    match size {
        0..8 => (1 << (size * 8)) - 1,
        _ => u64::MAX,
    }
}
