//! Calls that only look: `v.len()`, `name.empty()`, `found.is_some()`. Nothing runs in a
//! recording; what these answer is read from the value.

use super::datum::Datum;
use super::error::Fault;
use super::evaluator::{Evaluated, Evaluator};
use super::syntax::{Method, Node};
use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::variable::scalar::Number;
use crate::inspect::variable::value::View;

impl Evaluator<'_> {
    pub(super) fn call(&self, node: &Node, of: Datum, method: Method) -> Evaluated<Datum> {
        match method {
            Method::Length => {
                let count = self.length(node, &of)?;
                Ok(Datum::Number(Number::Whole(count.into())))
            }
            Method::IsEmpty => Ok(Datum::Truth(self.length(node, &of)? == 0)),
            Method::Is(case) => Ok(Datum::Truth(self.is_case(node, &of, case)?)),
            Method::HasValue => Ok(Datum::Truth(!self.is_nothing(node, &of)?)),
            Method::Held => self.held(node, of),
            Method::First => self.nth(node, &of, 0),
            Method::Last => {
                let count = self.length(node, &of)?;
                self.nth(node, &of, i128::from(count) - 1)
            }
            Method::Itself => Ok(of),
        }
    }

    /// How many elements, entries or bytes of text there are.
    fn length(&self, node: &Node, of: &Datum) -> Evaluated<u64> {
        let found = match of {
            Datum::Typed(value) => {
                let look = self.look(node)?;
                let count = look.seen_through(value, |view| match view {
                    View::Elements(elements) | View::Text(_, elements) => Some(elements.count),
                    View::Items(items) => Some(items.count),
                    _ => None,
                });
                count.map_err(|why| self.fault(node, why))?
            }
            Datum::Text(text) => Some(text.len() as u64),
            Datum::Bytes { bytes, .. } => Some(bytes.len() as u64),
            Datum::Lifted(Lifted::List(list)) => Some(list.length),
            Datum::Lifted(Lifted::Bytes(bytes)) => Some(bytes.length),
            Datum::Lifted(Lifted::String(text)) => Some(text.text.len() as u64),
            _ => None,
        };
        found.ok_or_else(|| self.fault(node, Fault::NoLength(self.described(of))))
    }

    fn is_case(&self, node: &Node, of: &Datum, case: &str) -> Evaluated<bool> {
        let named = Datum::Unknown(case.to_owned());
        let compared = self.reading().compare(of, &named);
        let compared = compared.map_err(|why| self.fault(node, why))?;
        let holds = compared.and_then(|c| c.admits(super::syntax::Comparison::Equal));
        let no_such = || self.no_field(node, of, case);
        holds.ok_or_else(no_such)
    }

    /// Whether an optional value is not there.
    fn is_nothing(&self, node: &Node, of: &Datum) -> Evaluated<bool> {
        let shown = self.reading().shown(of);
        let shown = shown.map_err(|why| self.fault(node, why))?;
        Ok(matches!(shown.as_str(), "nullopt" | "None" | "none")
            || shown.starts_with("unexpected("))
    }

    pub(super) fn held(&self, node: &Node, of: Datum) -> Evaluated<Datum> {
        let nothing = |of: &Datum| {
            let shown = self.reading().shown(of).unwrap_or_default();
            self.fault(node, Fault::NothingHeld(shown))
        };
        match of {
            Datum::Lifted(Lifted::Option(Some(value)) | Lifted::Result(Ok(Some(value)))) => {
                Ok(Datum::Lifted(*value))
            }
            Datum::Lifted(Lifted::Option(None) | Lifted::Result(_)) => Err(nothing(&of)),
            Datum::Typed(value) => {
                let held = self.look(node)?.unwrapped(&value);
                let held = held.map_err(|why| self.fault(node, why))?;
                held.map(Datum::Typed)
                    .ok_or_else(|| nothing(&Datum::Typed(value)))
            }
            other => Ok(other),
        }
    }

    fn nth(&self, node: &Node, of: &Datum, index: i128) -> Evaluated<Datum> {
        match self.item_at(node, of, index)? {
            Some(item) => Ok(item),
            None => self.element(node, of, index),
        }
    }
}
