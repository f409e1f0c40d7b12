//! Types as text: as WIT would refer to them.

use std::fmt::{self, Display, Write};

use super::types::{FunctionType, Resource, TypeName, ValueType};

impl Display for Resource {
    /// Its short name, or its number within its component.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(&name.name),
            None => write!(f, "resource-{}", self.id),
        }
    }
}

impl Display for ValueType {
    /// As WIT would refer to it: named types by their short names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bounded(f, |text| write_type(text, self))
    }
}

impl Display for FunctionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bounded(f, |text| write_function(text, self))
    }
}

fn write_function(f: &mut Bounded<'_>, function: &FunctionType) -> fmt::Result {
    f.write_str(if function.is_async {
        "async func("
    } else {
        "func("
    })?;
    for (number, (name, ty)) in function.params.iter().enumerate() {
        let comma = if number == 0 { "" } else { ", " };
        write!(f, "{comma}{name}: ")?;
        write_type(f, ty)?;
    }
    f.write_str(")")?;
    match &function.result {
        Some(ty) => {
            f.write_str(" -> ")?;
            write_type(f, ty)
        }
        None => Ok(()),
    }
}

/// What a type is made of, for named types too: `record { key: string }`.
pub fn definition(ty: &ValueType) -> String {
    struct Definition<'t>(&'t ValueType);
    impl Display for Definition<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            bounded(f, |text| match self.0 {
                ValueType::Record(record) => write_fields(text, &record.fields),
                ValueType::Variant(variant) => write_cases(text, &variant.cases),
                ValueType::Enum(labels) => write_labels(text, "enum", None, &labels.labels),
                ValueType::Flags(labels) => write_labels(text, "flags", None, &labels.labels),
                ty => write_type(text, ty),
            })
        }
    }
    Definition(ty).to_string()
}

/// `name<of>`.
#[cfg(feature = "debugger")]
pub(crate) fn write_applied(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    of: Option<&ValueType>,
) -> fmt::Result {
    bounded(f, |text| write_of(text, name, of))
}

/// A few types that share their parts can be written as a text without end: what is longer
/// than anybody reads ends with an ellipsis.
struct Bounded<'a> {
    out: &'a mut dyn Write,
    left: usize,
}

const LONGEST: usize = 16 * 1024;

impl Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match self.left.checked_sub(text.len()) {
            Some(left) => {
                self.left = left;
                self.out.write_str(text)
            }
            None => {
                let end = text.floor_char_boundary(self.left);
                self.left = 0;
                self.out.write_str(text.get(..end).unwrap_or_default())?;
                Err(fmt::Error)
            }
        }
    }
}

fn bounded(
    f: &mut fmt::Formatter<'_>,
    write: impl FnOnce(&mut Bounded<'_>) -> fmt::Result,
) -> fmt::Result {
    let mut text = Bounded {
        out: f,
        left: LONGEST,
    };
    match write(&mut text) {
        Err(_) if text.left == 0 => f.write_str("…"),
        other => other,
    }
}

fn write_type(f: &mut Bounded<'_>, ty: &ValueType) -> fmt::Result {
    use ValueType as V;
    match ty {
        V::Bool => f.write_str("bool"),
        V::S8 => f.write_str("s8"),
        V::U8 => f.write_str("u8"),
        V::S16 => f.write_str("s16"),
        V::U16 => f.write_str("u16"),
        V::S32 => f.write_str("s32"),
        V::U32 => f.write_str("u32"),
        V::S64 => f.write_str("s64"),
        V::U64 => f.write_str("u64"),
        V::F32 => f.write_str("f32"),
        V::F64 => f.write_str("f64"),
        V::Char => f.write_str("char"),
        V::String => f.write_str("string"),
        V::ErrorContext => f.write_str("error-context"),
        V::List(element) => write_of(f, "list", Some(element)),
        V::FixedList(element, count) => {
            f.write_str("list<")?;
            write_type(f, element)?;
            write!(f, ", {count}>")
        }
        V::Map(key, value) => {
            f.write_str("map<")?;
            write_list(f, [&**key, &**value].into_iter())?;
            f.write_str(">")
        }
        V::Tuple(types) => {
            f.write_str("tuple<")?;
            write_list(f, types.iter())?;
            f.write_str(">")
        }
        V::Option(some) => write_of(f, "option", Some(some)),
        V::Result(None, None) => f.write_str("result"),
        V::Result(Some(ok), None) => write_of(f, "result", Some(ok)),
        V::Result(None, Some(err)) => {
            f.write_str("result<_, ")?;
            write_type(f, err)?;
            f.write_str(">")
        }
        V::Result(Some(ok), Some(err)) => {
            f.write_str("result<")?;
            write_list(f, [&**ok, &**err].into_iter())?;
            f.write_str(">")
        }
        V::Record(record) => match &record.name {
            Some(name) => f.write_str(&name.name),
            None => write_fields(f, &record.fields),
        },
        V::Variant(variant) => match &variant.name {
            Some(name) => f.write_str(&name.name),
            None => write_cases(f, &variant.cases),
        },
        V::Enum(labels) => write_labels(f, "enum", labels.name.as_ref(), &labels.labels),
        V::Flags(labels) => write_labels(f, "flags", labels.name.as_ref(), &labels.labels),
        V::Own(resource) => write!(f, "{resource}"),
        V::Borrow(resource) => write!(f, "borrow<{resource}>"),
        V::Stream(element) => write_of(f, "stream", element.as_deref()),
        V::Future(element) => write_of(f, "future", element.as_deref()),
    }
}

fn write_of(f: &mut Bounded<'_>, name: &str, of: Option<&ValueType>) -> fmt::Result {
    f.write_str(name)?;
    match of {
        Some(ty) => {
            f.write_str("<")?;
            write_type(f, ty)?;
            f.write_str(">")
        }
        None => Ok(()),
    }
}

fn write_list<'t>(f: &mut Bounded<'_>, types: impl Iterator<Item = &'t ValueType>) -> fmt::Result {
    for (number, ty) in types.enumerate() {
        let comma = if number == 0 { "" } else { ", " };
        f.write_str(comma)?;
        write_type(f, ty)?;
    }
    Ok(())
}

fn write_fields(f: &mut Bounded<'_>, fields: &[(String, ValueType)]) -> fmt::Result {
    write_braced(f, "record", fields, |f, (name, ty)| {
        write!(f, "{name}: ")?;
        write_type(f, ty)
    })
}

fn write_cases(f: &mut Bounded<'_>, cases: &[(String, Option<ValueType>)]) -> fmt::Result {
    write_braced(f, "variant", cases, |f, (name, payload)| {
        f.write_str(name)?;
        match payload {
            Some(ty) => {
                f.write_str("(")?;
                write_type(f, ty)?;
                f.write_str(")")
            }
            None => Ok(()),
        }
    })
}

fn write_labels(
    f: &mut Bounded<'_>,
    keyword: &str,
    name: Option<&TypeName>,
    labels: &[String],
) -> fmt::Result {
    match name {
        Some(name) => f.write_str(&name.name),
        None => write_braced(f, keyword, labels, |f, label| f.write_str(label)),
    }
}

fn write_braced<'w, T>(
    f: &mut Bounded<'w>,
    keyword: &str,
    parts: &[T],
    write: impl Fn(&mut Bounded<'w>, &T) -> fmt::Result,
) -> fmt::Result {
    write!(f, "{keyword} {{")?;
    for (number, part) in parts.iter().enumerate() {
        f.write_str(if number == 0 { " " } else { ", " })?;
        write(f, part)?;
    }
    f.write_str(" }")
}
