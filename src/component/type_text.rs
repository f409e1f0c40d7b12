//! Types as text: as WIT would refer to them.

use std::fmt::{self, Display};

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
        use ValueType as V;
        match self {
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
            V::List(element) => write!(f, "list<{element}>"),
            V::FixedList(element, count) => write!(f, "list<{element}, {count}>"),
            V::Map(key, value) => write!(f, "map<{key}, {value}>"),
            V::Tuple(types) => {
                f.write_str("tuple<")?;
                write_list(f, types.iter())?;
                f.write_str(">")
            }
            V::Option(some) => write!(f, "option<{some}>"),
            V::Result(None, None) => f.write_str("result"),
            V::Result(Some(ok), None) => write!(f, "result<{ok}>"),
            V::Result(None, Some(err)) => write!(f, "result<_, {err}>"),
            V::Result(Some(ok), Some(err)) => write!(f, "result<{ok}, {err}>"),
            V::Record(record) => match &record.name {
                Some(name) => f.write_str(&name.name),
                None => write_fields(f, "record", &record.fields),
            },
            V::Variant(variant) => match &variant.name {
                Some(name) => f.write_str(&name.name),
                None => write_cases(f, &variant.cases),
            },
            V::Enum(labels) => write_labels(f, "enum", labels.name.as_ref(), &labels.labels),
            V::Flags(labels) => write_labels(f, "flags", labels.name.as_ref(), &labels.labels),
            V::Own(resource) => write!(f, "{resource}"),
            V::Borrow(resource) => write!(f, "borrow<{resource}>"),
            V::Stream(element) => write_applied(f, "stream", element.as_deref()),
            V::Future(element) => write_applied(f, "future", element.as_deref()),
        }
    }
}

impl Display for FunctionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_async {
            "async func("
        } else {
            "func("
        })?;
        for (number, (name, ty)) in self.params.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}{name}: {ty}")?;
        }
        f.write_str(")")?;
        match &self.result {
            Some(ty) => write!(f, " -> {ty}"),
            None => Ok(()),
        }
    }
}

/// What a type is made of, for named types too: `record { key: string }`.
pub fn definition(ty: &ValueType) -> String {
    struct Definition<'t>(&'t ValueType);
    impl Display for Definition<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.0 {
                ValueType::Record(record) => write_fields(f, "record", &record.fields),
                ValueType::Variant(variant) => write_cases(f, &variant.cases),
                ValueType::Enum(labels) => write_labels(f, "enum", None, &labels.labels),
                ValueType::Flags(labels) => write_labels(f, "flags", None, &labels.labels),
                ty => write!(f, "{ty}"),
            }
        }
    }
    Definition(ty).to_string()
}

pub(crate) fn write_applied(
    f: &mut fmt::Formatter,
    name: &str,
    of: Option<&ValueType>,
) -> fmt::Result {
    match of {
        Some(ty) => write!(f, "{name}<{ty}>"),
        None => f.write_str(name),
    }
}

fn write_list<'t>(
    f: &mut fmt::Formatter,
    types: impl Iterator<Item = &'t ValueType>,
) -> fmt::Result {
    for (number, ty) in types.enumerate() {
        let comma = if number == 0 { "" } else { ", " };
        write!(f, "{comma}{ty}")?;
    }
    Ok(())
}

fn write_fields(
    f: &mut fmt::Formatter,
    keyword: &str,
    fields: &[(String, ValueType)],
) -> fmt::Result {
    let fields = fields.iter().map(|(name, ty)| format!("{name}: {ty}"));
    write_braced(f, keyword, fields)
}

fn write_cases(f: &mut fmt::Formatter, cases: &[(String, Option<ValueType>)]) -> fmt::Result {
    let cases = cases.iter().map(|(name, payload)| match payload {
        Some(ty) => format!("{name}({ty})"),
        None => name.clone(),
    });
    write_braced(f, "variant", cases)
}

fn write_labels(
    f: &mut fmt::Formatter,
    keyword: &str,
    name: Option<&TypeName>,
    labels: &[String],
) -> fmt::Result {
    match name {
        Some(name) => f.write_str(&name.name),
        None => write_braced(f, keyword, labels.iter().cloned()),
    }
}

fn write_braced(
    f: &mut fmt::Formatter,
    keyword: &str,
    parts: impl Iterator<Item = String>,
) -> fmt::Result {
    write!(f, "{keyword} {{")?;
    for (number, part) in parts.enumerate() {
        let comma = if number == 0 { " " } else { ", " };
        write!(f, "{comma}{part}")?;
    }
    f.write_str(" }")
}
