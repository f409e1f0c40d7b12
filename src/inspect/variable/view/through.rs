//! Values seen through what is around them: references, smart pointers, cells, options.
//! People ask for `self.name[0]`, not for `self.inner.value.0.name[0]`.

use crate::inspect::variable::library::cpp;
use crate::inspect::variable::place::Unavailable;
use crate::inspect::variable::value::{Look, Of, Value, View};
use crate::source::Type;

/// The most wrappers around a value.
const MOST: usize = 8;

/// Types of Rust that hold one value, which people mean when they name the holder.
const CELLS: [&str; 7] = [
    "Cell",
    "RefCell",
    "Mutex",
    "RwLock",
    "ReentrantLock",
    "Cow",
    "Reverse",
];

impl Look<'_> {
    /// What a type around one value holds: a cell or `Some` of Rust, an optional of C++.
    pub(in crate::inspect) fn held(&self, value: &Value) -> Result<Option<Value>, Unavailable> {
        let Some(composite) = self.composite(value)? else {
            return Ok(None);
        };
        if !composite.is_rust {
            return Ok(cpp::held(self, &composite, &value.place));
        }
        let kind = composite.name.as_deref().unwrap_or_default();
        let kind = kind.split('<').next().unwrap_or_default();
        if kind != "Option" && !CELLS.contains(&kind) {
            return Ok(None);
        }
        Ok(match self.view(value)? {
            View::Fields { fields, .. } => fields.into_iter().next().map(|field| field.value),
            _ => None,
        })
    }

    /// The value that `unwrap` gives: of `Some`, `Ok`, a cell; a value that holds no other
    /// is that itself. `None` where there is nothing in it.
    pub(in crate::inspect) fn unwrapped(
        &self,
        value: &Value,
    ) -> Result<Option<Value>, Unavailable> {
        Ok(match self.view(value)? {
            View::Scalar(text) if matches!(text.as_str(), "None" | "nullopt") => None,
            View::Fields {
                name: Some(case), ..
            } if matches!(case.as_str(), "Err" | "None" | "unexpected") => None,
            View::Fields {
                name: Some(case),
                fields,
                ..
            } if case == "Some" || case == "Ok" => {
                fields.into_iter().next().map(|field| field.value)
            }
            View::Pointer {
                target: Some(target),
                is_transparent: true,
                ..
            } => self.unwrapped(&target)?,
            _ => Some(self.held(value)?.unwrap_or_else(|| value.clone())),
        })
    }

    /// What is picked from a value, else from what it refers to or holds.
    pub(in crate::inspect) fn seen_through<T>(
        &self,
        value: &Value,
        pick: impl Fn(View) -> Option<T>,
    ) -> Result<Option<T>, Unavailable> {
        let mut value = value.clone();
        for _ in 0..MOST {
            let view = self.view(&value)?;
            let next = self.behind(&value, &view)?;
            if let Some(found) = pick(view) {
                return Ok(Some(found));
            }
            match next {
                Some(next) => value = next,
                None => break,
            }
        }
        Ok(None)
    }

    /// What a value, of which this is the view, refers to or holds.
    pub(in crate::inspect) fn behind(
        &self,
        value: &Value,
        view: &View,
    ) -> Result<Option<Value>, Unavailable> {
        match view {
            View::Pointer {
                target: Some(target),
                is_transparent: true,
                ..
            } => Ok(Some(target.clone())),
            _ => self.held(value),
        }
    }

    /// Whether a value is a `std::optional` or `std::expected`, which `*` looks into.
    pub(in crate::inspect) fn is_optional(&self, value: &Value) -> bool {
        let composite = self.composite(value).ok().flatten();
        let name = composite.filter(|c| !c.is_rust).and_then(|c| c.name);
        name.is_some_and(|name| name.starts_with("optional<") || name.starts_with("expected<"))
    }

    /// Whether a value is a pointer of C or C++ to an array: those of Zig and references are
    /// indexed as the array itself.
    pub(in crate::inspect) fn is_array_pointer_of_c(&self, value: &Value) -> bool {
        let Of::Type(id) = value.of else {
            return false;
        };
        let of = self.source.resolved(id).map(|(_, of)| of);
        let Ok(Type::Pointer {
            name: None,
            target: Some(target),
            is_reference: false,
            ..
        }) = of
        else {
            return false;
        };
        matches!(self.source.resolved(target), Ok((_, Type::Array { .. })))
    }

    /// Whether a value is a pointer to a function.
    pub(in crate::inspect) fn is_function_pointer(&self, value: &Value) -> bool {
        let target = self.pointer(value).ok().flatten();
        let target = target.and_then(|(_, target)| self.source.resolved(target).ok());
        matches!(target, Some((_, Type::Function { .. })))
    }

    /// Whether a value is a smart pointer of C++.
    pub(in crate::inspect) fn is_smart_pointer(&self, value: &Value) -> Result<bool, Unavailable> {
        let composite = self.composite(value)?.filter(|c| !c.is_rust);
        Ok(composite
            .and_then(|c| c.name)
            .is_some_and(|name| name.starts_with("unique_ptr<") || name.starts_with("shared_ptr<")))
    }
}
