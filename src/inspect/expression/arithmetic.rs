//! Arithmetic: whole numbers without bounds of their types, as people calculate.

use super::error::Fault;
use super::syntax::Binary;
use crate::inspect::variable::scalar::Number;

pub(super) fn binary(operator: Binary, a: Number, b: Number) -> Result<Number, Fault> {
    match (a, b) {
        (Number::Whole(a), Number::Whole(b)) => whole(operator, a, b).map(Number::Whole),
        _ => real(operator, a.real(), b.real()).map(Number::Real),
    }
}

fn whole(operator: Binary, a: i128, b: i128) -> Result<i128, Fault> {
    let shift = |shift: fn(i128, u32) -> Option<i128>| {
        let by = u32::try_from(b).ok()?;
        shift(a, by)
    };
    let number = match operator {
        Binary::Add => a.checked_add(b),
        Binary::Subtract => a.checked_sub(b),
        Binary::Multiply => a.checked_mul(b),
        Binary::Divide if b == 0 => return Err(Fault::DivisionByZero),
        Binary::Remainder if b == 0 => return Err(Fault::DivisionByZero),
        Binary::Divide => a.checked_div(b),
        Binary::Remainder => a.checked_rem(b),
        Binary::BitAnd => Some(a & b),
        Binary::BitOr => Some(a | b),
        Binary::BitXor => Some(a ^ b),
        Binary::ShiftLeft => shift(|a, by| a.checked_mul(1_i128.checked_shl(by)?)),
        Binary::ShiftRight => shift(i128::checked_shr),
        Binary::And | Binary::Or | Binary::Compare(_) | Binary::Repeat => None,
    };
    number.ok_or(Fault::TooLarge)
}

fn real(operator: Binary, a: f64, b: f64) -> Result<f64, Fault> {
    Ok(match operator {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        Binary::Remainder => a % b,
        _ => return Err(Fault::NotWhole),
    })
}
