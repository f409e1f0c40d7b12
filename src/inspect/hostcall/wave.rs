//! Values and types as text: values as WAVE writes them, types as WIT does.
//!
//! Where WAVE has no word for it, the text says what it is: bytes are `b"…"`,
//! handles `own<descriptor> 3`, what was left out `… 98 more`.

use std::fmt::{self, Display, Write};

use super::lift::{Handle, HandleKind, Lifted};
pub use crate::component::type_text::definition;
use crate::component::type_text::write_applied;

/// The value as text, of at most about `limit` bytes; a cut is marked by `…`.
pub fn text(value: &Lifted, limit: usize) -> String {
    text_with(value, limit, &|_| None)
}

/// The same, with what `stands_for` knows of a handle behind it in parentheses.
pub fn text_with(value: &Lifted, limit: usize, stands_for: &StandsFor<'_>) -> String {
    let mut out = Limited {
        text: String::new(),
        limit,
        stands_for,
    };
    if write_value(&mut out, value).is_err() {
        out.text.push('…');
    }
    out.text
}

/// What a handle stands for, if that is known.
pub type StandsFor<'a> = dyn Fn(&Handle) -> Option<String> + 'a;

/// Text up to a limit. Writing past it fails, which ends the writing of the value.
struct Limited<'a> {
    text: String,
    limit: usize,
    stands_for: &'a StandsFor<'a>,
}

impl Write for Limited<'_> {
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

fn write_value(out: &mut Limited<'_>, value: &Lifted) -> fmt::Result {
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
        Lifted::Handle(handle) => {
            write!(out, "{handle}")?;
            match (out.stands_for)(handle) {
                Some(meaning) => write!(out, " ({meaning})"),
                None => Ok(()),
            }
        }
        Lifted::Pending(subtask) if subtask.handle == 0 => out.write_str("<not returned>"),
        Lifted::Pending(subtask) => write!(out, "<not returned: subtask {}>", subtask.handle),
        Lifted::Invalid { why } => write!(out, "<invalid: {why}>"),
        Lifted::Elided => out.write_char('…'),
    }
}

fn write_row(out: &mut Limited<'_>, values: &[Lifted]) -> fmt::Result {
    for (number, value) in values.iter().enumerate() {
        out.write_str(if number == 0 { "" } else { ", " })?;
        write_value(out, value)?;
    }
    Ok(())
}

fn write_case(out: &mut Limited<'_>, name: &str, payload: Option<&Lifted>) -> fmt::Result {
    out.write_str(name)?;
    let Some(payload) = payload else {
        return Ok(());
    };
    out.write_char('(')?;
    write_value(out, payload)?;
    out.write_char(')')
}

fn write_more(out: &mut Limited<'_>, more: u64) -> fmt::Result {
    if more == 0 {
        return Ok(());
    }
    let space = if out.text.ends_with('[') { "" } else { " " };
    write!(out, "{space}… {more} more")
}

fn write_char(out: &mut Limited<'_>, char: char, quote: char) -> fmt::Result {
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
fn write_bytes(out: &mut Limited<'_>, bytes: &[u8]) -> fmt::Result {
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
