//! A result as a recorder has told it, in WAVE, beside the value in memory: are they the same?
//!
//! Compared piece by piece, so that neither a long text nor a large value is ever held twice.

use super::lift::{Lifted, Lifter, Limits, List, holds_handles};
use crate::component::types::ValueType;
use crate::trace::UNTOLD;

/// What a value is lifted with to be compared with text of that length: elements one by one,
/// strings in whole if they are no longer than the text.
pub(in crate::inspect) fn limits(text: &str) -> Limits {
    Limits {
        elements: 1,
        // In UTF-16, twice as many.
        bytes: (text.len() as u64).saturating_mul(2).saturating_add(16),
        values: 1 << 21,
        depth: 256,
    }
}

/// Whether text tells a value that was lifted with its [`limits`]. What could not be lifted for
/// its size passes.
pub(in crate::inspect) fn tells(
    lifter: &Lifter<'_>,
    text: &str,
    ty: &ValueType,
    value: &Lifted,
) -> bool {
    if text == UNTOLD {
        return holds_handles(ty) || holds_map(ty);
    }
    let mut telling = Telling { lifter, rest: text };
    match telling.value(ty, value) {
        Ok(()) => telling.rest.is_empty(),
        Err(Why::Differs) => false,
        Err(Why::TooLarge) => true,
    }
}

enum Why {
    Differs,
    TooLarge,
}

type Result = std::result::Result<(), Why>;

struct Telling<'l, 'a, 't> {
    lifter: &'l Lifter<'a>,
    rest: &'t str,
}

impl Telling<'_, '_, '_> {
    fn text(&mut self, piece: &str) -> Result {
        self.rest = self.rest.strip_prefix(piece).ok_or(Why::Differs)?;
        Ok(())
    }

    fn value(&mut self, ty: &ValueType, value: &Lifted) -> Result {
        use ValueType as V;
        match (ty, value) {
            (_, Lifted::Elided) => Err(Why::TooLarge),
            (_, Lifted::Bool(value)) => self.text(&value.to_string()),
            (_, Lifted::Signed(value)) => self.text(&value.to_string()),
            (_, Lifted::Unsigned(value)) => self.text(&value.to_string()),
            (_, Lifted::F32(value)) if value.is_nan() => self.text("nan"),
            (_, Lifted::F64(value)) if value.is_nan() => self.text("nan"),
            (_, Lifted::F32(value)) => self.text(&value.to_string()),
            (_, Lifted::F64(value)) => self.text(&value.to_string()),
            (_, Lifted::Char(char)) => {
                self.text("'")?;
                self.char(*char)?;
                self.text("'")
            }
            // What is longer than the text is not what the text tells.
            (_, Lifted::String(text)) if text.more == 0 => {
                self.text("\"")?;
                text.text.chars().try_for_each(|char| self.char(char))?;
                self.text("\"")
            }
            (_, Lifted::Bytes(bytes)) if bytes.length == bytes.head.len() as u64 => {
                self.text("[")?;
                for (number, byte) in bytes.head.iter().enumerate() {
                    self.comma(number == 0)?;
                    self.text(&byte.to_string())?;
                }
                self.text("]")
            }
            (V::List(element) | V::FixedList(element, _), Lifted::List(list)) => {
                self.list(element, list)
            }
            (V::Record(record), Lifted::Record(values)) => {
                self.text("{")?;
                let told = record.fields.iter().zip(values);
                let mut told = told.filter(|(_, (_, value))| *value != Lifted::Option(None));
                let mut is_first = true;
                told.try_for_each(|((name, ty), (_, value))| {
                    self.comma(std::mem::take(&mut is_first))?;
                    self.text(name)?;
                    self.text(": ")?;
                    self.value(ty, value)
                })?;
                // WAVE leaves out what is `none`; what nothing is left of would be flags.
                self.text(if is_first { ":}" } else { "}" })
            }
            (V::Tuple(types), Lifted::Tuple(values)) => {
                self.text("(")?;
                for (number, (ty, value)) in types.iter().zip(values).enumerate() {
                    self.comma(number == 0)?;
                    self.value(ty, value)?;
                }
                self.text(")")
            }
            (V::Variant(variant), Lifted::Variant(name, payload)) => {
                self.label(name)?;
                let case = variant.cases.iter().find(|(case, _)| case == name);
                self.payload(case.and_then(|(_, ty)| ty.as_ref()), payload.as_deref())
            }
            (_, Lifted::Enum(label)) => self.label(label),
            (_, Lifted::Option(None)) => self.text("none"),
            (V::Option(ty), Lifted::Option(payload)) => {
                self.text("some")?;
                self.payload(Some(ty), payload.as_deref())
            }
            (V::Result(ty, _), Lifted::Result(Ok(payload))) => {
                self.text("ok")?;
                self.payload(ty.as_deref(), payload.as_deref())
            }
            (V::Result(_, ty), Lifted::Result(Err(payload))) => {
                self.text("err")?;
                self.payload(ty.as_deref(), payload.as_deref())
            }
            (_, Lifted::Flags(labels)) => {
                self.text("{")?;
                for (number, label) in labels.iter().enumerate() {
                    self.comma(number == 0)?;
                    self.text(label)?;
                }
                self.text("}")
            }
            // What is not a value was not told, and what has no words was told as such.
            _ => Err(Why::Differs),
        }
    }

    fn list(&mut self, ty: &ValueType, list: &List) -> Result {
        self.text("[")?;
        for number in 0..list.length {
            self.comma(number == 0)?;
            let element = self.lifter.page(list, number, 1);
            self.value(ty, element.first().ok_or(Why::TooLarge)?)?;
        }
        self.text("]")
    }

    fn payload(&mut self, ty: Option<&ValueType>, value: Option<&Lifted>) -> Result {
        let (Some(ty), Some(value)) = (ty, value) else {
            return Ok(());
        };
        self.text("(")?;
        self.value(ty, value)?;
        self.text(")")
    }

    /// Before each part of a row.
    fn comma(&mut self, is_first: bool) -> Result {
        self.text(if is_first { "" } else { ", " })
    }

    /// The name of a case, marked where it is a word of WAVE.
    fn label(&mut self, name: &str) -> Result {
        if WORDS.contains(&name) {
            self.text("%")?;
        }
        self.text(name)
    }

    fn char(&mut self, char: char) -> Result {
        match char {
            '\\' | '"' | '\'' | '\t' | '\r' | '\n' => self.text(&char.escape_default().to_string()),
            char if char.is_control() => self.text(&char.escape_unicode().to_string()),
            char => self.text(&char.escape_debug().to_string()),
        }
    }
}

/// The words that WAVE has for itself.
const WORDS: [&str; 8] = ["true", "false", "inf", "nan", "some", "none", "ok", "err"];

/// Whether values of a type can hold a map, for which WAVE has no words.
fn holds_map(ty: &ValueType) -> bool {
    use ValueType as V;
    match ty {
        V::Map(..) => true,
        V::List(element) | V::FixedList(element, _) | V::Option(element) => holds_map(element),
        V::Tuple(types) => types.iter().any(holds_map),
        V::Result(ok, err) => ok.iter().chain(err).any(|ty| holds_map(ty)),
        V::Record(record) => record.fields.iter().any(|(_, ty)| holds_map(ty)),
        V::Variant(variant) => variant
            .cases
            .iter()
            .any(|(_, ty)| ty.as_ref().is_some_and(holds_map)),
        _ => false,
    }
}
