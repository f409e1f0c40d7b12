//! Types of C++'s standard library (libc++), shown as what they hold. Recognised
//! by their fields: another layout is shown field by field.

mod chrono;
mod containers;
mod dynamic;
mod iterators;
mod text;
mod wrappers;

pub(in crate::inspect) use dynamic::is_table;

use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::value::{Look, Value, View};
use crate::source::{Composite, EntryId, Type};

/// How deep the library hides what it keeps, in base classes above all.
const DEEPEST: usize = 12;

/// What a value of the standard library shows; `None` for any other.
pub(in crate::inspect) fn view(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let Some(value) = library(look, composite, place) else {
        return Ok(None);
    };
    match value.kind {
        "basic_string" => text::string(&value),
        "basic_string_view" => text::string_view(&value),
        "duration" | "time_point" => chrono::view(&value),
        "__map_iterator"
        | "__map_const_iterator"
        | "__hash_map_iterator"
        | "__hash_map_const_iterator"
        | "__tree_iterator"
        | "__tree_const_iterator"
        | "__hash_iterator"
        | "__hash_const_iterator" => iterators::view(&value),
        "pair" | "tuple" | "optional" | "expected" | "variant" | "unique_ptr" | "shared_ptr"
        | "weak_ptr" | "atomic" | "reference_wrapper" | "complex" | "bitset" | "queue"
        | "stack" | "priority_queue" | "function" | "__wrap_iter" => wrappers::view(&value),
        _ => containers::view(&value),
    }
}

/// The number that an atomic one is, or a duration.
pub(in crate::inspect) fn number_in(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Option<Value> {
    let value = library(look, composite, place)?;
    match value.kind {
        "atomic" => wrappers::atomic(&value),
        "duration" => chrono::count(&value),
        _ => None,
    }
}

/// What an optional or expected value is, if it is there.
pub(in crate::inspect) fn held(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Option<Value> {
    let value = library(look, composite, place)?;
    match value.kind {
        "optional" => wrappers::engaged(&value),
        "expected" => wrappers::as_expected(&value),
        _ => None,
    }
}

fn library<'a>(
    look: &'a Look<'a>,
    composite: &'a Composite,
    place: &'a Place,
) -> Option<Library<'a>> {
    let name = composite.name.as_deref()?;
    Some(Library {
        look,
        kind: name.split_once('<')?.0,
        composite,
        place,
    })
}

/// A value that is of the library by its name.
struct Library<'a> {
    look: &'a Look<'a>,
    /// The name of the template.
    kind: &'a str,
    composite: &'a Composite,
    place: &'a Place,
}

impl Library<'_> {
    /// A member, of base classes too.
    fn part(&self, name: &str) -> Option<Value> {
        let own = self.look.member(self.composite, self.place, name);
        own.or_else(|| {
            let parts = self.look.parts(self.composite, self.place);
            parts.iter().find_map(|part| self.within(part, name))
        })
    }

    /// A member of a member or of its base classes.
    fn within(&self, value: &Value, name: &str) -> Option<Value> {
        self.look.find_within(value, name, DEEPEST)
    }

    /// A number, that older versions keep in a pair with something of no size.
    fn number(&self, value: &Value) -> Option<u64> {
        let number = self.look.number(value);
        let number = number.or_else(|| self.look.number(&self.within(value, "__value_")?));
        number.and_then(|number| u64::try_from(number).ok())
    }

    /// The first of these members that is a number.
    fn number_of(&self, names: &[&str]) -> Option<u64> {
        let mut parts = names.iter().filter_map(|name| self.part(name));
        parts.find_map(|part| self.number(&part))
    }

    /// A pointer's address, that older versions keep in a pair too.
    fn address(&self, value: &Value) -> Result<Option<(u64, EntryId)>, Unavailable> {
        if let Some(found) = self.look.pointer(value)? {
            return Ok(Some(found));
        }
        match self.within(value, "__value_") {
            Some(inside) => self.look.pointer(&inside),
            None => Ok(None),
        }
    }

    /// A type argument by its place.
    fn argument(&self, at: usize) -> Option<EntryId> {
        self.composite.arguments.get(at)?.1
    }

    fn element_of(&self, array: &Value) -> Result<Option<EntryId>, Unavailable> {
        let crate::inspect::variable::value::Of::Type(id) = array.of else {
            return Ok(None);
        };
        match self.look.source.resolved(id)?.1 {
            Type::Array { element, .. } => Ok(element),
            _ => Ok(None),
        }
    }
}
