//! Values and types as text: values as WAVE writes them, types as WIT does.
//!
//! Where WAVE has no word for it, the text says what it is: bytes are `b"…"`,
//! handles `own<descriptor> 3`, what was left out `… 98 more`.

use std::fmt::{self, Display, Write};

use super::lift::{Handle, HandleKind, Lifted};
use crate::component::types::{FunctionType, Resource, TypeName, ValueType};

/// The value as text, of at most about `limit` bytes; a cut is marked by `…`.
pub fn text(value: &Lifted, limit: usize) -> String {
    let mut out = Limited {
        text: String::new(),
        limit,
    };
    if write_value(&mut out, value).is_err() {
        out.text.push('…');
    }
    out.text
}

/// Text up to a limit. Writing past it fails, which ends the writing of the value.
struct Limited {
    text: String,
    limit: usize,
}

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.limit.saturating_sub(self.text.len());
        if text.len() <= room {
            self.text.push_str(text);
            return Ok(());
        }
        self.text
            .push_str(text.get(..text.floor_char_boundary(room)).unwrap_or(""));
        Err(fmt::Error)
    }
}

fn write_value(out: &mut Limited, value: &Lifted) -> fmt::Result {
    match value {
        Lifted::Bool(value) => write!(out, "{value}"),
        Lifted::Signed(value) => write!(out, "{value}"),
        Lifted::Unsigned(value) => write!(out, "{value}"),
        Lifted::F32(value) if value.is_nan() => out.write_str("nan"),
        Lifted::F64(value) if value.is_nan() => out.write_str("nan"),
        Lifted::F32(value) => write!(out, "{value:?}"),
        Lifted::F64(value) => write!(out, "{value:?}"),
        Lifted::Char(value) => {
            out.write_char('\'')?;
            write_char(out, *value, '\'')?;
            out.write_char('\'')
        }
        Lifted::String(text) => {
            out.write_char('"')?;
            text.text
                .chars()
                .try_for_each(|char| write_char(out, char, '"'))?;
            out.write_char('"')?;
            write_more(out, text.more)
        }
        Lifted::Bytes(bytes) => {
            out.write_str("b\"")?;
            write_bytes(out, &bytes.head)?;
            out.write_char('"')?;
            write_more(out, bytes.length.saturating_sub(bytes.head.len() as u64))
        }
        Lifted::List(list) => {
            out.write_char('[')?;
            write_row(out, &list.head)?;
            let more = list.length.saturating_sub(list.head.len() as u64);
            if more > 0 && !list.head.is_empty() {
                out.write_char(',')?;
            }
            write_more(out, more)?;
            out.write_char(']')
        }
        Lifted::Record(fields) => {
            out.write_char('{')?;
            for (number, (name, value)) in fields.iter().enumerate() {
                let comma = if number == 0 { "" } else { ", " };
                write!(out, "{comma}{name}: ")?;
                write_value(out, value)?;
            }
            out.write_char('}')
        }
        Lifted::Tuple(values) => {
            out.write_char('(')?;
            write_row(out, values)?;
            out.write_char(')')
        }
        Lifted::Variant(name, payload) => write_case(out, name, payload.as_deref()),
        Lifted::Enum(label) => out.write_str(label),
        Lifted::Option(None) => out.write_str("none"),
        Lifted::Option(payload) => write_case(out, "some", payload.as_deref()),
        Lifted::Result(Ok(payload)) => write_case(out, "ok", payload.as_deref()),
        Lifted::Result(Err(payload)) => write_case(out, "err", payload.as_deref()),
        Lifted::Flags(labels) => write!(out, "{{{}}}", labels.join(", ")),
        Lifted::Handle(handle) => write!(out, "{handle}"),
        Lifted::Pending(subtask) if subtask.handle == 0 => out.write_str("<not returned>"),
        Lifted::Pending(subtask) => write!(out, "<not returned: subtask {}>", subtask.handle),
        Lifted::Invalid { why } => write!(out, "<invalid: {why}>"),
        Lifted::Elided => out.write_char('…'),
    }
}

fn write_row(out: &mut Limited, values: &[Lifted]) -> fmt::Result {
    for (number, value) in values.iter().enumerate() {
        out.write_str(if number == 0 { "" } else { ", " })?;
        write_value(out, value)?;
    }
    Ok(())
}

fn write_case(out: &mut Limited, name: &str, payload: Option<&Lifted>) -> fmt::Result {
    out.write_str(name)?;
    let Some(payload) = payload else {
        return Ok(());
    };
    out.write_char('(')?;
    write_value(out, payload)?;
    out.write_char(')')
}

fn write_more(out: &mut Limited, more: u64) -> fmt::Result {
    if more == 0 {
        return Ok(());
    }
    let space = if out.text.ends_with('[') { "" } else { " " };
    write!(out, "{space}… {more} more")
}

fn write_char(out: &mut Limited, char: char, quote: char) -> fmt::Result {
    match char {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        '\\' => out.write_str("\\\\"),
        char if char == quote => write!(out, "\\{char}"),
        char if is_invisible(char) => write!(out, "\\u{{{:x}}}", u32::from(char)),
        char => out.write_char(char),
    }
}

/// Control characters, and those that turn the direction of what follows: a guest's
/// string must not rearrange the line it is shown in.
fn is_invisible(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Bytes with their text where they are UTF-8, and `\xNN` where not.
fn write_bytes(out: &mut Limited, bytes: &[u8]) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '\n' | '\r' | '\t' | '\\' | '"' => write_char(out, char, '"')?,
                char if char.is_ascii_control() => write!(out, "\\x{:02x}", u32::from(char))?,
                char => write_char(out, char, '"')?,
            }
        }
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

impl Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.index)
    }
}

impl Display for HandleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(resource) => write!(f, "own<{resource}>"),
            Self::Borrow(resource) => write!(f, "borrow<{resource}>"),
            Self::Stream(element) => write_applied(f, "stream", element.as_deref()),
            Self::Future(element) => write_applied(f, "future", element.as_deref()),
            Self::ErrorContext => f.write_str("error-context"),
        }
    }
}

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

fn write_applied(f: &mut fmt::Formatter, name: &str, of: Option<&ValueType>) -> fmt::Result {
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
