//! What an expression comes to while it is evaluated.

use super::syntax::Comparison;
use crate::component::types::CoreValue;
use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::hostcall::wave;
use crate::inspect::variable::notation::Notation;
use crate::inspect::variable::place::{Unavailable, little_endian};
use crate::inspect::variable::scalar::{self, Number};
use crate::inspect::variable::summary::summary;
use crate::inspect::variable::value::{Look, Of, Value, View};
use crate::source::{Composite, Type};
use std::cmp::Ordering;

/// The longest text that is compared, in bytes.
const LONGEST_TEXT: u64 = 1 << 16;
/// How far references to references are followed to text.
const DEEPEST: usize = 4;

/// A value on the way.
#[derive(Debug, Clone)]
pub(super) enum Datum {
    /// Of the program, typed.
    Typed(Value),
    /// The address of something typed.
    Address {
        address: u64,
        of: Of,
    },
    Number(Number),
    Truth(bool),
    Text(String),
    Core(CoreValue),
    /// `$mem[…]`
    Bytes {
        address: u64,
        bytes: Vec<u8>,
    },
    /// Of the component level.
    Lifted(Lifted),
    /// A function of the program, and what a pointer to it is, if there is any.
    Function {
        name: String,
        index: Option<u32>,
    },
    /// A name that is not a variable's: compared with a case or an enumerator, it may be
    /// one of those.
    Unknown(String),
}

/// Reads data through the frame; without one, only data that hold themselves.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a>(pub(super) Option<&'a Look<'a>>);

impl Reading<'_> {
    /// The number that a datum is.
    pub(super) fn number(self, datum: &Datum) -> Result<Option<Number>, Unavailable> {
        Ok(match datum {
            Datum::Typed(value) => match self.0 {
                Some(look) => typed_number(look, value)?,
                None => None,
            },
            Datum::Address { address, .. } => Some(Number::Whole((*address).into())),
            Datum::Number(number) => Some(*number),
            Datum::Truth(truth) => Some(Number::Whole((*truth).into())),
            Datum::Core(value) => core_number(*value),
            Datum::Bytes { bytes, .. } if bytes.len() <= 8 => {
                Some(Number::Whole(little_endian(bytes).into()))
            }
            Datum::Lifted(lifted) => lifted_number(lifted),
            Datum::Text(text) => {
                let mut characters = text.chars();
                match (characters.next(), characters.next()) {
                    (Some(one), None) => Some(Number::Whole(u32::from(one).into())),
                    _ => None,
                }
            }
            Datum::Function { index, .. } => index.map(|index| Number::Whole(index.into())),
            Datum::Bytes { .. } | Datum::Unknown(_) => None,
        })
    }

    /// The text that a datum is, unquoted.
    fn text(self, datum: &Datum) -> Result<Option<String>, Unavailable> {
        Ok(match datum {
            Datum::Text(text) => Some(text.clone()),
            Datum::Bytes { bytes, .. } => Some(String::from_utf8_lossy(bytes).into_owned()),
            Datum::Lifted(Lifted::String(text)) => Some(text.text.clone()),
            Datum::Lifted(Lifted::Bytes(bytes)) => {
                Some(String::from_utf8_lossy(&bytes.head).into_owned())
            }
            Datum::Typed(value) => match self.0 {
                Some(look) => typed_text(look, value, DEEPEST)?,
                None => None,
            },
            _ => None,
        })
    }

    /// The enumerator or case that a datum stands at.
    fn case(self, datum: &Datum) -> Result<Option<String>, Unavailable> {
        Ok(match (datum, self.0) {
            (Datum::Typed(value), Some(look)) if !cases(look, value)?.is_empty() => {
                match look.view(value)? {
                    View::Fields { name, .. } => name,
                    View::Scalar(text) => Some(text),
                    _ => None,
                }
            }
            (Datum::Lifted(lifted), _) => lifted_case(lifted),
            _ => None,
        })
    }

    /// Whether a name can be that of an enumerator or case of a datum.
    fn may_be(self, datum: &Datum, name: &str) -> Result<bool, Unavailable> {
        Ok(match (datum, self.0) {
            (Datum::Typed(value), Some(look)) => {
                let cases = cases(look, value)?;
                cases.iter().any(|case| is_same_case(case, name))
            }
            // Its type is not at hand.
            (Datum::Lifted(lifted), _) => lifted_case(lifted).is_some(),
            _ => false,
        })
    }

    /// One line, as people are shown the datum.
    pub(super) fn shown(self, datum: &Datum) -> Result<String, Unavailable> {
        Ok(match datum {
            Datum::Typed(value) => match self.0 {
                Some(look) => summary(look, &look.view(value)?),
                None => String::new(),
            },
            Datum::Address { address, .. } => format!("{address:#x}"),
            Datum::Number(number) => number.to_string(),
            Datum::Truth(truth) => truth.to_string(),
            Datum::Text(text) => format!("{text:?}"),
            Datum::Core(value) => core_text(*value),
            Datum::Bytes { bytes, .. } => scalar::quoted(bytes, false),
            Datum::Lifted(lifted) => wave::text(lifted, LONGEST_TEXT as usize),
            Datum::Function { name, index } => match index {
                // As a pointer to it is shown.
                Some(index) => format!("{index:#x} {name}"),
                None => name.clone(),
            },
            Datum::Unknown(name) => name.clone(),
        })
    }

    /// Whether a datum counts as true: no zero, no empty text, neither `false` nor
    /// nothing.
    pub(super) fn truth(self, datum: &Datum) -> Result<bool, Unavailable> {
        if let Datum::Text(text) = datum {
            return Ok(!text.is_empty());
        }
        Ok(match self.number(datum)? {
            Some(Number::Whole(number)) => number != 0,
            Some(Number::Real(number)) => number != 0.0,
            None => {
                let shown = self.case(datum)?.map_or_else(|| self.shown(datum), Ok)?;
                !matches!(
                    shown.as_str(),
                    "false" | "null" | "none" | "None" | "err" | "\"\"" | ""
                )
            }
        })
    }

    /// Compares two data; `None` where there is nothing to compare.
    ///
    /// A literal text decides that texts are compared, a name that is not a variable's that
    /// cases are; else numbers as numbers, and at last what is shown.
    pub(super) fn compare(
        self,
        left: &Datum,
        right: &Datum,
    ) -> Result<Option<Compared>, Unavailable> {
        let is_text = |datum: &Datum| matches!(datum, Datum::Text(_));
        let is_name = |datum: &Datum| matches!(datum, Datum::Unknown(_));
        if is_name(left) || is_name(right) {
            return self.compare_cases(left, right);
        }
        if is_text(left) || is_text(right) {
            if let (Some(a), Some(b)) = (self.text(left)?, self.text(right)?) {
                return Ok(Some(Compared::Ordered(a.cmp(&b))));
            }
            if let (Some(a), Some(b)) = (self.number(left)?, self.number(right)?) {
                return Ok(Some(compare_numbers(a, b)));
            }
            return self.compare_shown(left, right);
        }
        if let (Some(a), Some(b)) = (self.number(left)?, self.number(right)?) {
            return Ok(Some(compare_numbers(a, b)));
        }
        match (self.text(left)?, self.text(right)?) {
            (Some(a), Some(b)) => Ok(Some(Compared::Ordered(a.cmp(&b)))),
            _ => self.compare_shown(left, right),
        }
    }

    fn compare_cases(self, left: &Datum, right: &Datum) -> Result<Option<Compared>, Unavailable> {
        let (name, other) = match (left, right) {
            (Datum::Unknown(name), other) | (other, Datum::Unknown(name)) => (name, other),
            _ => return Ok(None),
        };
        let name = name.rsplit("::").next().unwrap_or(name);
        if !self.may_be(other, name)? {
            return Ok(None);
        }
        let case = self.case(other)?;
        Ok(case.map(|case| Compared::Equality(is_same_case(&case, name))))
    }

    fn compare_shown(self, left: &Datum, right: &Datum) -> Result<Option<Compared>, Unavailable> {
        let shown = |datum: &Datum| match datum {
            Datum::Text(text) => Ok(text.clone()),
            Datum::Lifted(lifted) => match lifted_case(lifted) {
                Some(case) => Ok(case),
                None => self.shown(datum),
            },
            other => self.shown(other),
        };
        let (a, b) = (shown(left)?, shown(right)?);
        let quotes = ['"', '\''];
        let (a, b) = (a.trim_matches(quotes), b.trim_matches(quotes));
        Ok(Some(Compared::Equality(a == b)))
    }
}

/// The names of an enumeration's enumerators, of an enum's cases.
fn cases(look: &Look<'_>, value: &Value) -> Result<Vec<String>, Unavailable> {
    let Of::Type(id) = value.of else {
        return Ok(Vec::new());
    };
    Ok(match look.source.resolved(id)?.1 {
        Type::Enumeration { enumerators, .. } => {
            enumerators.into_iter().map(|(name, _)| name).collect()
        }
        Type::Composite(Composite {
            variants: Some(variants),
            ..
        }) => {
            let names = variants.cases.into_iter().map(|case| case.member.name);
            names.flatten().collect()
        }
        _ => Vec::new(),
    })
}

/// How two data compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    Ordered(Ordering),
    /// There is no order between them.
    Equality(bool),
}

impl Compared {
    /// Whether a comparison holds; `None` if it asks for an order that there is not.
    pub(super) fn admits(self, comparison: Comparison) -> Option<bool> {
        let is_equal = match self {
            Compared::Ordered(ordering) => ordering.is_eq(),
            Compared::Equality(is_equal) => is_equal,
        };
        Some(match (comparison, self) {
            (Comparison::Equal, _) => is_equal,
            (Comparison::Unequal, _) => !is_equal,
            (Comparison::Less, Compared::Ordered(ordering)) => ordering.is_lt(),
            (Comparison::Greater, Compared::Ordered(ordering)) => ordering.is_gt(),
            (Comparison::LessOrEqual, Compared::Ordered(ordering)) => ordering.is_le(),
            (Comparison::GreaterOrEqual, Compared::Ordered(ordering)) => ordering.is_ge(),
            (_, Compared::Equality(_)) => return None,
        })
    }
}

fn compare_numbers(a: Number, b: Number) -> Compared {
    let ordering = match (a, b) {
        (Number::Whole(a), Number::Whole(b)) => Some(a.cmp(&b)),
        _ => a.real().partial_cmp(&b.real()),
    };
    // Not a number is not even equal to itself.
    ordering.map_or(Compared::Equality(false), Compared::Ordered)
}

/// Names of WIT are written with dashes, those of Rust and C in their own ways.
fn is_same_case(a: &str, b: &str) -> bool {
    let bare = |name: &str| -> String {
        let letters = name.chars().filter(|c| !matches!(c, '-' | '_'));
        letters.flat_map(char::to_lowercase).collect()
    };
    a == b || bare(a) == bare(b)
}

fn typed_text(look: &Look<'_>, value: &Value, depth: usize) -> Result<Option<String>, Unavailable> {
    let Some(deeper) = depth.checked_sub(1) else {
        return Ok(None);
    };
    if let Some(text) = look.pointed_text(value, LONGEST_TEXT as usize)? {
        return Ok(Some(text));
    }
    match look.view(value)? {
        View::Text(_, elements) => {
            let length = elements.count.min(LONGEST_TEXT);
            let mut bytes = elements.first.read(length, look.state)?;
            if is_array(look, value)
                && let Some(end) = bytes.iter().position(|&byte| byte == 0)
            {
                bytes.truncate(end);
            }
            Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
        }
        view => match look.behind(value, &view)? {
            Some(inside) => typed_text(look, &inside, deeper),
            None => Ok(None),
        },
    }
}

/// The number that a value is, refers to or holds; of a pointer, the address, unless it
/// refers to text.
fn typed_number(look: &Look<'_>, value: &Value) -> Result<Option<Number>, Unavailable> {
    let mut seen = value.clone();
    for _ in 0..DEEPEST {
        match look.behind(&seen, &look.view(&seen)?)? {
            Some(next) => seen = next,
            None => break,
        }
    }
    let is_itself = look.pointer(value)?.is_none();
    match look.numeric(&seen)? {
        Some(number) => Ok(Some(number)),
        None if is_itself || typed_text(look, &seen, DEEPEST)?.is_some() => Ok(None),
        None => look.numeric(value),
    }
}

/// Text in an array of C ends where a zero is.
pub(super) fn is_array(look: &Look<'_>, value: &Value) -> bool {
    match value.of {
        Of::Array { .. } => true,
        Of::Type(id) => matches!(look.source.resolved(id), Ok((_, Type::Array { .. }))),
        Of::Said(_) | Of::Lost(_) => false,
    }
}

fn core_number(value: CoreValue) -> Option<Number> {
    Some(match value {
        CoreValue::I32(number) => Number::Whole(number.into()),
        CoreValue::I64(number) => Number::Whole(number.into()),
        CoreValue::F32(bits) => Number::Real(f32::from_bits(bits).into()),
        CoreValue::F64(bits) => Number::Real(f64::from_bits(bits)),
        CoreValue::V128(bits) => Number::Whole(i128::try_from(bits).ok()?),
        CoreValue::Ref(_) => return None,
    })
}

/// A value of the core level as text, with whole numbers written in a certain way.
pub fn core_text_in(value: CoreValue, notation: Notation) -> String {
    match (notation, value) {
        (Notation::Natural | Notation::Text, _) => core_text(value),
        (_, CoreValue::I32(number)) => notation.bytes(&number.to_le_bytes()),
        (_, CoreValue::I64(number)) => notation.bytes(&number.to_le_bytes()),
        _ => core_text(value),
    }
}

/// A value of the core level as text.
pub fn core_text(value: CoreValue) -> String {
    match value {
        CoreValue::I32(number) => number.to_string(),
        CoreValue::I64(number) => number.to_string(),
        CoreValue::F32(bits) => format!("{:?}", f32::from_bits(bits)),
        CoreValue::F64(bits) => format!("{:?}", f64::from_bits(bits)),
        CoreValue::V128(bits) => format!("{bits:#034x}"),
        CoreValue::Ref(true) => "null".to_owned(),
        CoreValue::Ref(false) => "a reference".to_owned(),
    }
}

fn lifted_number(lifted: &Lifted) -> Option<Number> {
    Some(match lifted {
        Lifted::Bool(truth) => Number::Whole((*truth).into()),
        Lifted::Signed(number) => Number::Whole((*number).into()),
        Lifted::Unsigned(number) => Number::Whole((*number).into()),
        Lifted::F32(number) => Number::Real((*number).into()),
        Lifted::F64(number) => Number::Real(*number),
        Lifted::Char(character) => Number::Whole(u32::from(*character).into()),
        Lifted::Handle(handle) => Number::Whole(handle.index.into()),
        _ => return None,
    })
}

fn lifted_case(lifted: &Lifted) -> Option<String> {
    Some(match lifted {
        Lifted::Enum(case) | Lifted::Variant(case, _) => case.clone(),
        Lifted::Option(Some(_)) => "some".to_owned(),
        Lifted::Option(None) => "none".to_owned(),
        Lifted::Result(Ok(_)) => "ok".to_owned(),
        Lifted::Result(Err(_)) => "err".to_owned(),
        _ => return None,
    })
}
