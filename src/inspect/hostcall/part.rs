//! Parts of component-level values with their types, for walking them by name.

use super::lift::{Bytes, Lifted, Lifter, List};
use crate::component::types::{TypeName, ValueType};
use crate::inspect::ChildCount;
use std::ops::Range;

/// A component-level value in its place: an argument, a field, an element.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The name of the argument, field or case; `[3]` for an element.
    pub name: String,
    /// As it was lifted: of a long list, the beginning.
    pub value: Lifted,
    /// `None` where the canonical ABI has no type for it, as for what built-ins are
    /// given.
    pub ty: Option<ValueType>,
}

/// Why there is no such part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// No field, case or tuple part has the name.
    #[error("{of} has no `{name}`; it has {}", list(.there))]
    NoSuchName {
        /// The name of the part that was looked into.
        of: String,
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        there: Vec<String>,
    },
    /// An index beyond the end of a list.
    #[error("{of} has {length} elements, so none of number {index}")]
    NoSuchElement {
        /// The name of the list.
        of: String,
        /// The index that was asked for, from 0.
        index: u64,
        /// In elements.
        length: u64,
    },
    /// An index into what is not a list, or into an empty one.
    #[error("{of} has no elements")]
    NotAList {
        /// The name of the part that was looked into.
        of: String,
    },
    /// The whole of a path that does not begin and go on with `.name` or `[3]`.
    #[error("`{0}` is not a path into a value: write `.name` for a field and `[3]` for an element")]
    Path(String),
}

fn list(names: &[String]) -> String {
    match names {
        [] => "no parts".to_owned(),
        names => names.join(", "),
    }
}

impl Part {
    /// A value with a name and, where it has one, its type.
    pub fn new(name: impl Into<String>, value: Lifted, ty: Option<ValueType>) -> Part {
        Part {
            name: name.into(),
            value,
            ty,
        }
    }

    /// The type as WIT has it, a named one with its interface.
    pub fn type_name(&self) -> Option<String> {
        let ty = self.ty.as_ref()?;
        Some(full_name(ty).map_or_else(|| ty.to_string(), ToString::to_string))
    }

    /// How much is inside.
    pub fn inside(&self) -> ChildCount {
        match &self.value {
            Lifted::List(List { length: 0, .. }) | Lifted::Bytes(Bytes { length: 0, .. }) => {
                ChildCount::None
            }
            Lifted::List(List { length, .. }) | Lifted::Bytes(Bytes { length, .. }) => {
                ChildCount::Indexed(*length)
            }
            value => match value.children().len() {
                0 => ChildCount::None,
                named => ChildCount::Named(named as u64),
            },
        }
    }

    /// The parts with these numbers. Elements of lists are read now, and at most as
    /// many as the lifter's limits let in.
    pub fn children(&self, lifter: &Lifter<'_>, range: Range<u64>) -> Vec<Part> {
        let count = range.end.saturating_sub(range.start);
        match &self.value {
            Lifted::List(list) => {
                let elements = lifter.page(list, range.start, count);
                numbered(elements, range.start, &list.element)
            }
            Lifted::Bytes(bytes) => {
                let left = bytes.length.saturating_sub(range.start);
                let count = count.min(left).min(lifter.limits.elements);
                let at = bytes.pointer.saturating_add(range.start);
                let read = match count {
                    0 => None,
                    count => (lifter.memory)(at, count),
                };
                let bytes = read.unwrap_or_default().into_iter();
                let elements = bytes.map(|byte| Lifted::Unsigned(byte.into())).collect();
                numbered(elements, range.start, &ValueType::U8)
            }
            value => {
                let types = self.types_inside();
                let children = value.children().into_iter().zip(types);
                let start = usize::try_from(range.start).unwrap_or(usize::MAX);
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                let some = children.skip(start).take(count);
                some.map(|((name, value), ty)| Part::new(name, value.clone(), ty))
                    .collect()
            }
        }
    }

    /// The part that a path leads to: `.field[3].ok`; an empty one leads to this part.
    ///
    /// # Errors
    ///
    /// If there is no such part.
    pub fn at(&self, lifter: &Lifter<'_>, path: &str) -> Result<Part, PartError> {
        let mut part = self.clone();
        let mut rest = path;
        while !rest.is_empty() {
            let (step, after) = step(rest).ok_or_else(|| PartError::Path(path.to_owned()))?;
            part = match step {
                PathStep::Name(name) => part.named(lifter, name)?,
                PathStep::Index(index) => part.element(lifter, index)?,
            };
            rest = after;
        }
        Ok(part)
    }

    /// The field, case or tuple part of this name.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn named(&self, lifter: &Lifter<'_>, name: &str) -> Result<Part, PartError> {
        let parts = match self.inside() {
            ChildCount::Named(count) => self.children(lifter, 0..count),
            ChildCount::None | ChildCount::Indexed(_) => Vec::new(),
        };
        let there = || parts.iter().map(|part| part.name.clone()).collect();
        let found = parts.iter().find(|part| part.name == name).cloned();
        found.ok_or_else(|| PartError::NoSuchName {
            of: self.name.clone(),
            name: name.to_owned(),
            there: there(),
        })
    }

    /// The element of this number.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn element(&self, lifter: &Lifter<'_>, index: u64) -> Result<Part, PartError> {
        let of = || self.name.clone();
        match self.inside() {
            ChildCount::Indexed(length) => {
                let found = self.children(lifter, index..index.saturating_add(1));
                found
                    .into_iter()
                    .next()
                    .ok_or_else(|| PartError::NoSuchElement {
                        of: of(),
                        index,
                        length,
                    })
            }
            ChildCount::None | ChildCount::Named(_) => Err(PartError::NotAList { of: of() }),
        }
    }

    /// The types of what [`Lifted::children`] has, in its order.
    fn types_inside(&self) -> Vec<Option<ValueType>> {
        use ValueType as V;
        let one = |ty: Option<&ValueType>| vec![ty.cloned()];
        match (&self.value, &self.ty) {
            (Lifted::Record(_), Some(V::Record(record))) => {
                let fields = record.fields.iter();
                fields.map(|(_, ty)| Some(ty.clone())).collect()
            }
            (Lifted::Tuple(_), Some(V::Tuple(types))) => types.iter().cloned().map(Some).collect(),
            (Lifted::Variant(name, _), Some(V::Variant(variant))) => {
                let case = variant.cases.iter().find(|(case, _)| case == name);
                one(case.and_then(|(_, ty)| ty.as_ref()))
            }
            (Lifted::Option(_), Some(V::Option(some))) => one(Some(some)),
            (Lifted::Result(Ok(_)), Some(V::Result(ok, _))) => one(ok.as_deref()),
            (Lifted::Result(Err(_)), Some(V::Result(_, err))) => one(err.as_deref()),
            (value, _) => vec![None; value.children().len()],
        }
    }
}

fn numbered(elements: Vec<Lifted>, first: u64, ty: &ValueType) -> Vec<Part> {
    let numbers = first..;
    let parts = numbers.zip(elements);
    parts
        .map(|(number, value)| Part::new(format!("[{number}]"), value, Some(ty.clone())))
        .collect()
}

fn full_name(ty: &ValueType) -> Option<&TypeName> {
    match ty {
        ValueType::Record(record) => record.name.as_ref(),
        ValueType::Variant(variant) => variant.name.as_ref(),
        ValueType::Enum(labels) | ValueType::Flags(labels) => labels.name.as_ref(),
        _ => None,
    }
}

enum PathStep<'p> {
    Name(&'p str),
    Index(u64),
}

/// The first step of a path, and what is left.
fn step(path: &str) -> Option<(PathStep<'_>, &str)> {
    if let Some(rest) = path.strip_prefix('[') {
        let (index, rest) = rest.split_once(']')?;
        return Some((PathStep::Index(index.trim().parse().ok()?), rest));
    }
    let rest = path.strip_prefix('.')?;
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    let (name, rest) = rest.split_at_checked(end)?;
    (!name.is_empty()).then_some((PathStep::Name(name), rest))
}
