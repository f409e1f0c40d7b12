//! How a person wants numbers written: as the program has them, or in another way.

use super::scalar;
use gimli::DwAte;

/// How numbers are written, and characters with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Notation {
    /// As their types say.
    #[default]
    Natural,
    /// `0xff`
    Hexadecimal,
    /// With a sign, whatever the type says.
    Decimal,
    /// Without a sign.
    Unsigned,
    /// `0o17`
    Octal,
    /// `0b101`
    Binary,
    /// As numbers and characters: `97 'a'`.
    Character,
    /// Bytes as text, also where the program has numbers.
    Text,
}

impl Notation {
    /// By the letter that debuggers have for it.
    pub fn of_letter(letter: char) -> Option<Notation> {
        Some(match letter.to_ascii_lowercase() {
            'x' | 'h' => Notation::Hexadecimal,
            'd' | 'i' => Notation::Decimal,
            'u' => Notation::Unsigned,
            'o' => Notation::Octal,
            't' | 'b' => Notation::Binary,
            'c' => Notation::Character,
            's' => Notation::Text,
            _ => return None,
        })
    }

    /// Whether characters are numbers like others, their arrays lists of such.
    pub(in crate::inspect) fn is_of_numbers(self) -> bool {
        !matches!(self, Notation::Natural | Notation::Text)
    }

    /// The bytes of a number, little-endian.
    pub(in crate::inspect) fn bytes(self, bytes: &[u8]) -> String {
        let unsigned = scalar::unsigned(bytes);
        match self {
            Notation::Hexadecimal => format!("{unsigned:#x}"),
            Notation::Octal => format!("{unsigned:#o}"),
            Notation::Binary => format!("{unsigned:#b}"),
            Notation::Decimal => scalar::signed(bytes).to_string(),
            Notation::Character | Notation::Text => character(bytes),
            Notation::Natural | Notation::Unsigned => unsigned.to_string(),
        }
    }

    /// A base type's bytes; those of real numbers and of nothing are always natural.
    pub(in crate::inspect) fn base(self, name: &str, encoding: DwAte, bytes: &[u8]) -> String {
        let is_real = matches!(encoding, gimli::DW_ATE_float | gimli::DW_ATE_complex_float);
        let is_one_byte = bytes.len() == 1;
        match self {
            Notation::Natural => scalar::base(name, encoding, bytes),
            _ if is_real || bytes.is_empty() => scalar::base(name, encoding, bytes),
            Notation::Text if !is_one_byte => scalar::base(name, encoding, bytes),
            other => other.bytes(bytes),
        }
    }

    /// A number that has no size of its own, below zero as 64 bits.
    pub fn number(self, number: i128) -> String {
        match self {
            Notation::Natural | Notation::Decimal | Notation::Text => number.to_string(),
            Notation::Character => match u8::try_from(number) {
                Ok(byte) => character(&[byte]),
                Err(_) => character(&number.to_le_bytes()),
            },
            _ => match (i64::try_from(number), u64::try_from(number)) {
                (_, Ok(number)) => self.bytes(&number.to_le_bytes()),
                (Ok(number), _) => self.bytes(&number.to_le_bytes()),
                _ => self.bytes(&number.to_le_bytes()),
            },
        }
    }

    /// What is a whole number in decimal; any other text as it is.
    pub fn text(self, text: &str) -> String {
        match (self, text.parse::<i128>()) {
            (Notation::Natural, _) | (_, Err(_)) => text.to_owned(),
            (_, Ok(number)) => self.number(number),
        }
    }
}

fn character(bytes: &[u8]) -> String {
    let code = scalar::unsigned(bytes);
    if let [byte] = bytes {
        return format!("{byte} '{}'", byte.escape_ascii());
    }
    match u32::try_from(code).ok().and_then(char::from_u32) {
        Some(character) => format!("{code} {character:?}"),
        None => code.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::Notation;

    #[test]
    fn numbers_are_written_as_asked() {
        for (letter, bytes, shown) in [
            ('x', &[0xfb, 0xff][..], "0xfffb"),
            ('d', &[0xfb, 0xff], "-5"),
            ('u', &[0xfb, 0xff], "65531"),
            ('o', &[8], "0o10"),
            ('t', &[5], "0b101"),
            ('c', &[97], "97 'a'"),
            ('c', &[0xac, 0x20, 0, 0], "8364 '€'"),
        ] {
            let notation = Notation::of_letter(letter).unwrap();
            assert_eq!(notation.bytes(bytes), shown, "{letter} {bytes:?}");
        }
        assert_eq!(Notation::of_letter('q'), None);
        assert_eq!(Notation::Hexadecimal.number(-1), "0xffffffffffffffff");
        assert_eq!(Notation::Hexadecimal.text("2.5"), "2.5");
        assert_eq!(Notation::Binary.text("6"), "0b110");
    }
}
