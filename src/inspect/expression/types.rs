//! Casts: to the types of the debug information, and to the numbers of C and Rust by
//! their names.

use crate::inspect::variable::scalar::Number;
use crate::inspect::variable::value::Look;
use crate::source::{EntryId, Type};

/// A type of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    Signed(u32),
    Unsigned(u32),
    Real(u32),
    Bool,
}

/// The numbers that C and Rust name, in bits. `long` has 32 in WebAssembly.
pub(super) fn scalar(name: &str) -> Option<Scalar> {
    Some(match name {
        "i8" | "int8_t" | "signed char" | "char" => Scalar::Signed(8),
        "i16" | "int16_t" | "short" | "short int" => Scalar::Signed(16),
        "i32" | "int32_t" | "int" | "signed" | "signed int" | "long" | "long int" | "isize"
        | "ptrdiff_t" | "ssize_t" | "intptr_t" => Scalar::Signed(32),
        "i64" | "int64_t" | "long long" | "long long int" => Scalar::Signed(64),
        "i128" | "__int128" => Scalar::Signed(128),
        "u8" | "uint8_t" | "unsigned char" => Scalar::Unsigned(8),
        "u16" | "uint16_t" | "unsigned short" => Scalar::Unsigned(16),
        "u32" | "uint32_t" | "unsigned" | "unsigned int" | "unsigned long"
        | "long unsigned int" | "usize" | "size_t" | "uintptr_t" => Scalar::Unsigned(32),
        "u64" | "uint64_t" | "unsigned long long" | "long long unsigned int" => {
            Scalar::Unsigned(64)
        }
        "u128" | "unsigned __int128" => Scalar::Unsigned(128),
        "f32" | "float" => Scalar::Real(32),
        "f64" | "double" => Scalar::Real(64),
        "bool" | "_Bool" => Scalar::Bool,
        _ => return None,
    })
}

impl Scalar {
    /// In bytes.
    pub(super) fn size(self) -> u64 {
        match self {
            Scalar::Signed(bits) | Scalar::Unsigned(bits) | Scalar::Real(bits) => {
                u64::from(bits / 8)
            }
            Scalar::Bool => 1,
        }
    }

    /// A number as one of this type: wrapped, or cut to the nearest.
    pub(super) fn of(self, number: Number) -> Number {
        match (self, number) {
            (Scalar::Real(32), number) => Number::Real((number.real() as f32).into()),
            (Scalar::Real(_), number) => Number::Real(number.real()),
            (Scalar::Bool, Number::Whole(number)) => Number::Whole((number != 0).into()),
            (Scalar::Bool, Number::Real(number)) => Number::Whole((number != 0.0).into()),
            (Scalar::Signed(bits), number) => {
                let up = 128_u32.saturating_sub(bits);
                Number::Whole(whole(number).wrapping_shl(up).wrapping_shr(up))
            }
            (Scalar::Unsigned(bits), number) => {
                let up = 128_u32.saturating_sub(bits);
                let kept = whole(number).cast_unsigned() << up >> up;
                Number::Whole(kept.cast_signed())
            }
        }
    }

    /// The bytes of a number of this type.
    pub(super) fn bytes(self, number: Number) -> Vec<u8> {
        match (self, self.of(number)) {
            (Scalar::Real(32), number) => (number.real() as f32).to_le_bytes().to_vec(),
            (Scalar::Real(_), number) => number.real().to_le_bytes().to_vec(),
            (Scalar::Signed(bits) | Scalar::Unsigned(bits), number) => {
                let bytes = whole(number).to_le_bytes();
                bytes.into_iter().take(bits as usize / 8).collect()
            }
            (Scalar::Bool, number) => vec![u8::from(whole(number) != 0)],
        }
    }

    /// What a base or enumeration type of the debug information holds.
    pub(super) fn of_type(of: &Type) -> Option<Scalar> {
        let bits = |size: u64| u32::try_from(size).ok()?.checked_mul(8);
        Some(match of {
            Type::Base { encoding, size, .. } => match *encoding {
                gimli::DW_ATE_float => Scalar::Real(bits(*size)?),
                gimli::DW_ATE_signed | gimli::DW_ATE_signed_char => Scalar::Signed(bits(*size)?),
                gimli::DW_ATE_boolean => Scalar::Bool,
                _ => Scalar::Unsigned(bits(*size)?),
            },
            Type::Enumeration { size, .. } => Scalar::Unsigned(bits(*size)?),
            _ => return None,
        })
    }
}

fn whole(number: Number) -> i128 {
    match number {
        Number::Whole(number) => number,
        Number::Real(number) => number as i128,
    }
}

/// The type with a name; numbers by any of their names.
pub(super) fn find(look: &Look<'_>, name: &str) -> Option<EntryId> {
    let last = name.rsplit("::").next().unwrap_or(name);
    if let Some(found) = look
        .source
        .type_named(name)
        .or_else(|| look.source.type_named(last))
    {
        return Some(found);
    }
    let wanted = scalar(name)?;
    look.source
        .base_type(|of| Scalar::of_type(of) == Some(wanted))
}
