//! From bits to values: scalars, flags, and the cases that discriminants name.

use std::sync::Arc;

use super::lifted::{Handle, HandleKind, Lifted};
use crate::component::layout;
use crate::component::types::{Labels, ValueType};

fn invalid(why: impl Into<String>) -> Lifted {
    Lifted::Invalid { why: why.into() }
}

/// A value of one core value, from its bits; those above its width are not its own.
pub(in crate::inspect) fn scalar(ty: &ValueType, bits: u64) -> Lifted {
    use ValueType as V;
    let low = bits as u32;
    let handle = |kind| Lifted::Handle(Handle { kind, index: low });
    match ty {
        V::Bool => Lifted::Bool(low != 0),
        V::S8 => Lifted::Signed(i64::from(low as i8)),
        V::U8 => Lifted::Unsigned(u64::from(low as u8)),
        V::S16 => Lifted::Signed(i64::from(low as i16)),
        V::U16 => Lifted::Unsigned(u64::from(low as u16)),
        V::S32 => Lifted::Signed(i64::from(low.cast_signed())),
        V::U32 => Lifted::Unsigned(u64::from(low)),
        V::S64 => Lifted::Signed(bits.cast_signed()),
        V::U64 => Lifted::Unsigned(bits),
        V::F32 => Lifted::F32(f32::from_bits(low)),
        V::F64 => Lifted::F64(f64::from_bits(bits)),
        V::Char => match char::from_u32(low) {
            Some(char) => Lifted::Char(char),
            None => invalid(format!("{low:#x} is not a character")),
        },
        V::Own(resource) => handle(HandleKind::Own(resource.clone())),
        V::Borrow(resource) => handle(HandleKind::Borrow(resource.clone())),
        V::Stream(element) => handle(HandleKind::Stream(element.clone())),
        V::Future(element) => handle(HandleKind::Future(element.clone())),
        V::ErrorContext => handle(HandleKind::ErrorContext),
        _ => invalid("this is not a scalar type"),
    }
}

/// The labels whose bits are set; bits without a label are ignored, as they are by
/// the canonical ABI.
pub(in crate::inspect) fn flags(labels: &Labels, words: &[u64]) -> Lifted {
    let is_set = |bit: usize| {
        words
            .get(bit / 32)
            .is_some_and(|word| word >> (bit % 32) & 1 == 1)
    };
    let set = labels.labels.iter().enumerate();
    Lifted::Flags(
        set.filter(|(bit, _)| is_set(*bit))
            .map(|(_, label)| label.clone())
            .collect(),
    )
}

/// The case that a discriminant names, its payload lifted by `lift`.
pub(in crate::inspect) fn case(
    ty: &ValueType,
    discriminant: u64,
    mut lift: impl FnMut(&ValueType) -> Lifted,
) -> Lifted {
    let number = usize::try_from(discriminant).unwrap_or(usize::MAX);
    let mut boxed = |ty: &Option<Arc<ValueType>>| ty.as_ref().map(|ty| Box::new(lift(ty)));
    match (ty, number) {
        (ValueType::Option(_), 0) => Lifted::Option(None),
        (ValueType::Option(some), 1) => Lifted::Option(boxed(&Some(some.clone()))),
        (ValueType::Result(ok, _), 0) => Lifted::Result(Ok(boxed(ok))),
        (ValueType::Result(_, err), 1) => Lifted::Result(Err(boxed(err))),
        (ValueType::Enum(labels), _) if number < labels.labels.len() => {
            Lifted::Enum(labels.labels.get(number).cloned().unwrap_or_default())
        }
        (ValueType::Variant(variant), _) => match variant.cases.get(number) {
            Some((name, payload)) => {
                let payload = payload.as_ref().map(|ty| Box::new(lift(ty)));
                Lifted::Variant(name.clone(), payload)
            }
            None => no_such_case(ty, discriminant),
        },
        _ => no_such_case(ty, discriminant),
    }
}

fn no_such_case(ty: &ValueType, discriminant: u64) -> Lifted {
    let count = layout::case_count(ty).unwrap_or(0);
    invalid(format!("there is no case {discriminant}, only {count}"))
}
