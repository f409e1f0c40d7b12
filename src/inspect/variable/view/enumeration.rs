//! The names of enumerations' values.

use crate::inspect::variable::place::little_endian;
use crate::inspect::variable::scalar::{self, mask};

/// The enumerator with a value; several joined by `|` for flags.
pub(super) fn enumerator(enumerators: &[(String, i128)], bytes: &[u8]) -> String {
    let number = little_endian(bytes);
    let mask = mask(bytes.len() as u64);
    // The low bits are what counts: enumerators may be written with a sign.
    let of = |value: &i128| (*value as u64) & mask;
    if let Some((name, _)) = enumerators.iter().find(|(_, value)| of(value) == number) {
        return name.clone();
    }
    let mut rest = number;
    let mut names = Vec::new();
    for (name, value) in enumerators {
        let bit = of(value);
        if bit.is_power_of_two() && rest & bit != 0 {
            rest &= !bit;
            names.push(name.as_str());
        }
    }
    if names.is_empty() || rest != 0 {
        return match enumerators.iter().any(|(_, value)| *value < 0) {
            true => scalar::signed(bytes).to_string(),
            false => number.to_string(),
        };
    }
    names.join(" | ")
}
