//! Flat values between the trace and Wasmtime.

use crate::component::types::CoreValue;
use wasmtime::Val;

pub(crate) fn to_val(value: CoreValue) -> Val {
    match value {
        CoreValue::I32(v) => Val::I32(v),
        CoreValue::I64(v) => Val::I64(v),
        CoreValue::F32(bits) => Val::F32(bits),
        CoreValue::F64(bits) => Val::F64(bits),
        CoreValue::V128(bits) => Val::V128(bits.into()),
        // Crossings pass numbers only; nothing makes a reference of a value.
        CoreValue::Ref(_) => Val::null_func_ref(),
    }
}

/// `None` for a reference: crossings never pass one.
pub(crate) fn from_val(value: &Val) -> Option<CoreValue> {
    Some(match value {
        Val::I32(v) => CoreValue::I32(*v),
        Val::I64(v) => CoreValue::I64(*v),
        Val::F32(bits) => CoreValue::F32(*bits),
        Val::F64(bits) => CoreValue::F64(*bits),
        Val::V128(bits) => CoreValue::V128(bits.as_u128()),
        _ => return None,
    })
}

/// Flat values as text.
pub fn list(values: &[CoreValue]) -> String {
    let texts: Vec<String> = values
        .iter()
        .map(|value| match value {
            CoreValue::I32(v) => v.to_string(),
            CoreValue::I64(v) => format!("{v}i64"),
            CoreValue::F32(bits) => format!("{}f32", f32::from_bits(*bits)),
            CoreValue::F64(bits) => format!("{}f64", f64::from_bits(*bits)),
            CoreValue::V128(bits) => format!("{bits:#034x}"),
            CoreValue::Ref(null) => if *null { "null" } else { "reference" }.into(),
        })
        .collect();
    texts.join(", ")
}
