//! What is inside values: fields, elements, items of containers.

use super::datum::Datum;
use super::error::{ExpressionError, Fault};
use super::evaluator::{Evaluated, Evaluator};
use super::inside::{
    element_behind, element_of, field_of, items_of, listed, null, pointed, within,
};
use super::syntax::{Comparison, Node};
use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::variable::scalar::Number;
use crate::inspect::variable::value::{Items, ItemsKind, Of, Value, View};
use crate::inspect::variable::variables::{Inside, inside};

/// The most keys of a map that are compared, and how many at once.
const MOST_KEYS: u64 = 100_000;
const KEYS_AT_ONCE: u64 = 256;

impl Evaluator<'_> {
    pub(super) fn field(
        &self,
        node: &Node,
        of: Datum,
        name: &str,
        is_arrow: bool,
    ) -> Evaluated<Datum> {
        let (look, mut value) = match of {
            Datum::Lifted(lifted) => return self.lifted_field(node, &lifted, name),
            Datum::Typed(value) => (self.look(node)?, value),
            Datum::Address { address, of } => (self.look(node)?, pointed(address, of)),
            other => return Err(self.no_field(node, &other, name)),
        };
        if is_arrow {
            // In front of `->`, an array is a pointer to its first element.
            let view = look.view(&value).map_err(|why| self.fault(node, why))?;
            if let View::Elements(elements) = view {
                value = within(&elements, 0).map_err(|fault| self.fault(node, fault))?;
            }
        }
        match field_of(look, &value, name) {
            Ok(Ok(found)) => Ok(Datum::Typed(found)),
            Ok(Err(reached)) => Err(self.no_field(node, &Datum::Typed(reached), name)),
            Err(why) => Err(self.fault(node, why)),
        }
    }

    pub(super) fn lifted_field(&self, node: &Node, of: &Lifted, name: &str) -> Evaluated<Datum> {
        let children = of.children();
        let found = children.iter().find(|(known, _)| known == name);
        match found {
            Some((_, value)) => Ok(Datum::Lifted((*value).clone())),
            None => Err(self.no_field(node, &Datum::Lifted(of.clone()), name)),
        }
    }

    pub(super) fn no_field(&self, node: &Node, of: &Datum, name: &str) -> ExpressionError {
        if let (Datum::Typed(value), Some(look)) = (of, self.reading().0)
            && let Some(fault) = null(look, value)
        {
            return self.fault(node, fault);
        }
        let known = match of {
            Datum::Lifted(lifted) => {
                let children = lifted.children();
                listed(children.iter().map(|(name, _)| name.as_str()))
            }
            Datum::Typed(value) => self.field_names(value),
            _ => "none".to_owned(),
        };
        let fault = Fault::NoField {
            of: self.described(of),
            name: name.to_owned(),
            known,
        };
        self.fault(node, fault)
    }

    pub(super) fn field_names(&self, of: &Value) -> String {
        let Some(look) = self.reading().0 else {
            return "none".to_owned();
        };
        match look.view(of).and_then(|view| inside(look, &view)) {
            Ok(Inside::Fields(fields)) => listed(fields.iter().map(|field| field.name.as_str())),
            _ => "none".to_owned(),
        }
    }

    pub(super) fn element(&self, node: &Node, of: &Datum, index: i128) -> Evaluated<Datum> {
        let found = match of {
            Datum::Lifted(lifted) => self.lifted_element(lifted, index),
            Datum::Bytes { bytes, .. } => byte_at(bytes, index),
            Datum::Address { address, of } => {
                let look = self.look(node)?;
                element_behind(look, &pointed(*address, of.clone()), index).map(Datum::Typed)
            }
            Datum::Typed(value) => element_of(self.look(node)?, value, index).map(Datum::Typed),
            other => Err(Fault::NotIndexable(self.described(other))),
        };
        found.map_err(|fault| self.fault(node, fault))
    }

    /// A value of a container that keeps them apart from each other: by its key in a map,
    /// by its number elsewhere. `None` if it is not such a container.
    pub(super) fn item(&self, node: &Node, of: &Datum, index: &Node) -> Evaluated<Option<Datum>> {
        let (Datum::Typed(value), Some(look)) = (of, self.reading().0) else {
            return Ok(None);
        };
        let items = items_of(look, value).map_err(|why| self.fault(node, why))?;
        let Some(items) = items else {
            return Ok(None);
        };
        if items.kind == ItemsKind::Map {
            return self.by_key(index, &items).map(Some);
        }
        self.numbered(node, &items, self.whole(index)?).map(Some)
    }

    /// The same, by its number in any of them.
    pub(super) fn item_at(
        &self,
        node: &Node,
        of: &Datum,
        number: i128,
    ) -> Evaluated<Option<Datum>> {
        let (Datum::Typed(value), Some(look)) = (of, self.reading().0) else {
            return Ok(None);
        };
        let items = items_of(look, value).map_err(|why| self.fault(node, why))?;
        items
            .map(|items| self.numbered(node, &items, number))
            .transpose()
    }

    fn numbered(&self, node: &Node, items: &Items, number: i128) -> Evaluated<Datum> {
        let look = self.look(node)?;
        let at = u64::try_from(number).unwrap_or(u64::MAX);
        let found = items
            .page(look, at..at.saturating_add(1))
            .into_iter()
            .next();
        let count = items.count;
        let outside = Fault::OutOfRange {
            index: number,
            count,
        };
        let found = found.ok_or_else(|| self.fault(node, outside))?;
        Ok(Datum::Typed(found.value))
    }

    pub(super) fn by_key(&self, index: &Node, items: &Items) -> Evaluated<Datum> {
        let look = self.look(index)?;
        let wanted = self.known(index)?;
        let mut at = 0;
        while at < items.count.min(MOST_KEYS) {
            let page = items.page(look, at..at + KEYS_AT_ONCE);
            if page.is_empty() {
                break;
            }
            at += page.len() as u64;
            for item in page {
                let Some(key) = item.key.map(Datum::Typed) else {
                    // What stopped the walk takes the place of a value.
                    return Ok(Datum::Typed(item.value));
                };
                let compared = self.reading().compare(&key, &wanted);
                let compared = compared.map_err(|why| self.fault(index, why))?;
                if compared.and_then(|c| c.admits(Comparison::Equal)) == Some(true) {
                    return Ok(Datum::Typed(item.value));
                }
            }
        }
        let compared = items.count.min(MOST_KEYS);
        let of = items.count;
        Err(self.fault(
            index,
            match compared < of {
                true => Fault::KeyNotReached { compared, of },
                false => Fault::NoKey(of),
            },
        ))
    }

    pub(super) fn lifted_element(&self, of: &Lifted, index: i128) -> Result<Datum, Fault> {
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let (found, count) = match of {
            Lifted::List(list) => (list.head.get(at).cloned(), list.length),
            Lifted::Tuple(values) => (values.get(at).cloned(), values.len() as u64),
            Lifted::Bytes(bytes) => {
                let byte = bytes
                    .head
                    .get(at)
                    .map(|byte| Lifted::Unsigned((*byte).into()));
                (byte, bytes.length)
            }
            other => {
                let shown = self.described(&Datum::Lifted(other.clone()));
                return Err(Fault::NotIndexable(shown));
            }
        };
        found.map(Datum::Lifted).ok_or(match at as u64 >= count {
            true => Fault::OutOfRange { index, count },
            false => Fault::NotLifted,
        })
    }

    /// Elements of an array or slice; behind a pointer, as many as are asked for.
    pub(super) fn slice(&self, node: &Node, of: &Datum, from: i128, to: i128) -> Evaluated<Datum> {
        let count = u64::try_from(to.saturating_sub(from));
        let count = count.map_err(|_| self.fault(node, Fault::Backward { from, to }))?;
        let Datum::Typed(first) = self.element(node, of, from)? else {
            return Err(self.fault(node, Fault::NotIndexable(self.described(of))));
        };
        if count > 1 && !matches!(of, Datum::Address { .. }) {
            self.element(node, of, to - 1)?;
        }
        self.array(node, first, count)
    }

    /// `a@n`, as gdb has it: so many values from `a` on.
    pub(super) fn repeated(&self, node: &Node, first: &Node, count: &Node) -> Evaluated<Datum> {
        let value = self.known(first)?;
        let to = self.whole(count)?;
        let count = u64::try_from(to);
        let count = count.map_err(|_| self.fault(node, Fault::Backward { from: 0, to }))?;
        match value {
            Datum::Typed(value) if value.place.address().is_some() => {
                self.array(node, value, count)
            }
            _ => Err(self.fault(first, Fault::NoAddress)),
        }
    }

    /// So many values of one type, one after the other.
    fn array(&self, node: &Node, first: Value, count: u64) -> Evaluated<Datum> {
        let of = match first.of {
            Of::Type(element) => Of::Array {
                element,
                counts: vec![count],
            },
            Of::Array {
                element,
                mut counts,
            } => {
                counts.insert(0, count);
                Of::Array { element, counts }
            }
            Of::Said(_) | Of::Lost(_) => {
                let shown = self.described(&Datum::Typed(first));
                return Err(self.fault(node, Fault::NotIndexable(shown)));
            }
        };
        Ok(Datum::Typed(Value {
            of,
            place: first.place,
        }))
    }
}

fn byte_at(bytes: &[u8], index: i128) -> Result<Datum, Fault> {
    let at = usize::try_from(index).ok();
    let byte = at.and_then(|at| bytes.get(at));
    let count = bytes.len() as u64;
    let byte = byte.ok_or(Fault::OutOfRange { index, count })?;
    Ok(Datum::Number(Number::Whole((*byte).into())))
}
