//! A value of a source-level type: what it is, where, and what it is made of.

mod parts;
mod text;

use super::notation::Notation;
use super::place::{FrameState, Place, Unavailable};
use crate::source::{EntryId, ModuleSource, SourceError};
use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;
pub(super) use text::is_binary;

/// The most values, members and enumerators that are looked at to answer one
/// request.
const MOST_VALUES: usize = 200_000;
/// The most bytes of one text that are shown.
pub(in crate::inspect) const LONGEST_TEXT: usize = 256;

/// What a value is of.
#[derive(Debug, Clone)]
pub(in crate::inspect) enum Of {
    Type(EntryId),
    /// An array of arrays, less its outer dimensions.
    Array {
        element: EntryId,
        counts: Vec<u64>,
    },
    /// No value of the guest's, but what there is to say in its place.
    Said(String),
    /// A value that cannot be reached.
    Lost(Unavailable),
}

/// A value: what it is and where.
#[derive(Debug, Clone)]
pub(in crate::inspect) struct Value {
    pub(in crate::inspect) of: Of,
    pub(in crate::inspect) place: Place,
}

impl Value {
    pub(in crate::inspect) fn said(text: impl Into<String>) -> Value {
        Value {
            of: Of::Said(text.into()),
            place: Place::copied(Vec::new()),
        }
    }

    pub(super) fn lost(why: Unavailable) -> Value {
        Value {
            of: Of::Lost(why),
            place: Place::copied(Vec::new()),
        }
    }
}

/// A part of a value.
#[derive(Debug, Clone)]
pub(in crate::inspect) struct Field {
    pub(in crate::inspect) name: String,
    pub(in crate::inspect) value: Value,
}

/// Elements of one size, one after the other.
#[derive(Debug, Clone)]
pub(in crate::inspect) struct Elements {
    pub(in crate::inspect) of: Of,
    pub(in crate::inspect) first: Place,
    pub(in crate::inspect) stride: u64,
    pub(in crate::inspect) count: u64,
}

impl Elements {
    pub(in crate::inspect) fn at(&self, index: u64) -> Value {
        Value {
            of: self.of.clone(),
            place: self.first.after(index.wrapping_mul(self.stride)),
        }
    }
}

/// What a value shows.
#[derive(Debug, Clone)]
pub(in crate::inspect) enum View {
    /// Nothing inside.
    Scalar(String),
    /// Text; its bytes can be looked at one by one.
    Text(String, Elements),
    /// An address, and the value there if that can be looked at.
    Pointer {
        text: String,
        target: Option<Value>,
        /// References and smart pointers show what they refer to.
        is_transparent: bool,
        /// What is kept with the target: the counts of a shared pointer.
        beside: Vec<Field>,
    },
    /// A line that says it all; the fields are for those who look inside.
    Told {
        text: String,
        fields: Vec<Field>,
    },
    Fields {
        /// The case of an enum, the name of a Rust struct.
        name: Option<String>,
        fields: Vec<Field>,
        is_tuple: bool,
    },
    Elements(Elements),
    /// Values apart from each other.
    Items(Items),
}

/// What the values of a container are to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inspect) enum ItemsKind {
    /// In an order, named by their number.
    List,
    /// Without a key apart from themselves.
    Set,
    /// Named by their keys.
    Map,
}

/// The values of a container.
#[derive(Debug, Clone)]
pub(in crate::inspect) struct Items {
    pub(in crate::inspect) kind: ItemsKind,
    /// As many as the container says it has.
    pub(in crate::inspect) count: u64,
    pub(in crate::inspect) walk: Rc<dyn Walk>,
}

impl Items {
    pub(in crate::inspect) fn new(kind: ItemsKind, count: u64, walk: impl Walk + 'static) -> Items {
        Items {
            kind,
            count,
            walk: Rc::new(walk),
        }
    }

    /// The items with these numbers. Where they cannot be reached, the last one says
    /// why.
    pub(in crate::inspect) fn page(&self, look: &Look<'_>, range: Range<u64>) -> Vec<Item> {
        let range = range.start..range.end.min(self.count);
        let mut found = Vec::new();
        if range.is_empty() {
            return found;
        }
        if let Err(why) = self.walk.walk(look, range, &mut found) {
            found.push(Item {
                key: None,
                value: Value::lost(why),
            });
        }
        found
    }
}

/// One value, with its key in a map.
#[derive(Debug, Clone)]
pub(in crate::inspect) struct Item {
    pub(in crate::inspect) key: Option<Value>,
    pub(in crate::inspect) value: Value,
}

/// A way through a container's values in the guest's memory.
pub(in crate::inspect) trait Walk: std::fmt::Debug {
    /// Adds the values with these numbers, as far as they can be reached.
    fn walk(
        &self,
        look: &Look<'_>,
        range: Range<u64>,
        found: &mut Vec<Item>,
    ) -> Result<(), Unavailable>;
}

/// Looks at values of one frame, with a bound on the work for one request.
pub(in crate::inspect) struct Look<'a> {
    pub(in crate::inspect) source: &'a ModuleSource,
    pub(in crate::inspect) state: &'a dyn FrameState,
    /// How numbers are written in what values show.
    pub(in crate::inspect) notation: Notation,
    left: Cell<usize>,
}

impl<'a> Look<'a> {
    pub(in crate::inspect) fn new(source: &'a ModuleSource, state: &'a dyn FrameState) -> Self {
        Look {
            source,
            state,
            notation: Notation::Natural,
            left: Cell::new(MOST_VALUES),
        }
    }

    /// The same, with numbers written in a certain way.
    pub(in crate::inspect) fn written(self, notation: Notation) -> Self {
        Look { notation, ..self }
    }

    pub(in crate::inspect) fn spend(&self, work: usize) -> Result<(), Unavailable> {
        let left = self.left.get().checked_sub(work);
        let excess = SourceError::Excessive("the value is too large to show");
        self.left.set(left.ok_or(excess)?);
        Ok(())
    }
}
