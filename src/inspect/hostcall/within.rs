//! Which part of a component-level value some bytes of memory are.

use super::lift::{Bytes, Lifted, List};
use super::lifted::Text;
use crate::component::layout::{self, Pointer, layout, variant_layout};
use crate::component::types::ValueType;
use std::ops::Range;

/// A part of a value, by its path.
#[derive(Debug, Clone, PartialEq)]
pub struct Within {
    /// As `result.ok[3].name`; of text and byte lists with the bytes meant, as `[12..14]`.
    pub path: String,
    /// The part, where it was lifted.
    pub value: Option<Lifted>,
}

/// What is looked for.
struct Sought<'a> {
    bytes: &'a Range<u64>,
    pointer: Pointer,
}

/// The smallest part of a value that some bytes are of; `None` if they are of none. `address`
/// says where the value itself is, if it is in memory.
pub fn within(
    name: &str,
    (ty, value): (&ValueType, &Lifted),
    address: Option<u64>,
    bytes: &Range<u64>,
    pointer: Pointer,
) -> Option<Within> {
    let sought = Sought { bytes, pointer };
    sought.within(name.to_owned(), ty, value, address)
}

impl Sought<'_> {
    fn is_in(&self, address: u64, length: u64) -> bool {
        address <= self.bytes.start && self.bytes.end <= address.saturating_add(length)
    }

    fn within(
        &self,
        path: String,
        ty: &ValueType,
        value: &Lifted,
        address: Option<u64>,
    ) -> Option<Within> {
        use ValueType as V;
        let children = match (ty, value) {
            (V::Record(record), Lifted::Record(fields)) => {
                let types = || record.fields.iter().map(|(_, ty)| ty);
                let offsets = layout::sequence(types(), self.pointer).offsets;
                let parts = fields.iter().zip(types()).zip(offsets);
                self.first(parts.map(|(((name, value), ty), offset)| {
                    let at = address.map(|address| address.saturating_add(offset));
                    (format!("{path}.{name}"), ty, value, at)
                }))
            }
            (V::Tuple(types), Lifted::Tuple(values)) => {
                let offsets = layout::sequence(types.iter(), self.pointer).offsets;
                let parts = values.iter().zip(types.iter()).zip(offsets).enumerate();
                self.first(parts.map(|(number, ((value, ty), offset))| {
                    let at = address.map(|address| address.saturating_add(offset));
                    (format!("{path}.{number}"), ty, value, at)
                }))
            }
            (V::Option(some), Lifted::Option(Some(value))) => {
                self.payload(&path, ("some", some, value), ty, address)
            }
            (V::Result(Some(ok), _), Lifted::Result(Ok(Some(value)))) => {
                self.payload(&path, ("ok", ok, value), ty, address)
            }
            (V::Result(_, Some(err)), Lifted::Result(Err(Some(value)))) => {
                self.payload(&path, ("err", err, value), ty, address)
            }
            (V::Variant(variant), Lifted::Variant(name, Some(value))) => {
                let mut cases = variant.cases.iter();
                let case = cases.find(|(case, _)| case == name);
                case.and_then(|(_, payload)| payload.as_ref())
                    .and_then(|payload| self.payload(&path, (name, payload, value), ty, address))
            }
            (
                _,
                Lifted::Bytes(Bytes {
                    length,
                    pointer,
                    head,
                }),
            ) if self.is_in(*pointer, *length) => {
                let (from, to) = (self.bytes.start - pointer, self.bytes.end - pointer);
                let shown = head.get(from as usize..to as usize);
                Some(Within {
                    path: format!("{path}[{from}..{to}]"),
                    value: shown.map(|shown| {
                        Lifted::Bytes(Bytes {
                            length: to - from,
                            pointer: self.bytes.start,
                            head: shown.to_vec(),
                        })
                    }),
                })
            }
            (
                _,
                Lifted::String(Text {
                    text,
                    more,
                    pointer,
                }),
            ) if self.is_in(*pointer, (text.len() as u64).saturating_add(*more)) => {
                let (from, to) = (self.bytes.start - pointer, self.bytes.end - pointer);
                Some(Within {
                    path: format!("{path}[{from}..{to}]"),
                    value: Some(value.clone()),
                })
            }
            (_, Lifted::List(list)) => self.element(&path, list),
            _ => None,
        };
        if children.is_some() {
            return children;
        }
        let size = layout(ty, self.pointer).size;
        let own = address.is_some_and(|address| self.is_in(address, size));
        own.then(|| Within {
            path,
            value: Some(value.clone()),
        })
    }

    fn first<'v>(
        &self,
        parts: impl Iterator<Item = (String, &'v ValueType, &'v Lifted, Option<u64>)>,
    ) -> Option<Within> {
        let mut parts = parts;
        parts.find_map(|(path, ty, value, at)| self.within(path, ty, value, at))
    }

    fn payload(
        &self,
        path: &str,
        (case, ty, value): (&str, &ValueType, &Lifted),
        of: &ValueType,
        address: Option<u64>,
    ) -> Option<Within> {
        let offset = variant_layout(of, self.pointer)?.payload_offset;
        let at = address.map(|address| address.saturating_add(offset));
        self.within(format!("{path}.{case}"), ty, value, at)
    }

    fn element(&self, path: &str, list: &List) -> Option<Within> {
        let start = list.pointer?;
        let size = layout(&list.element, self.pointer).size;
        if size > 0 && self.is_in(start, size.saturating_mul(list.length)) {
            let number = (self.bytes.start - start) / size;
            let at = start.saturating_add(number.saturating_mul(size));
            let path = format!("{path}[{number}]");
            let value = list.head.get(number as usize);
            let inside =
                value.and_then(|value| self.within(path.clone(), &list.element, value, Some(at)));
            return Some(inside.unwrap_or(Within { path, value: None }));
        }
        // Behind the pointers in its elements.
        let elements = list.head.iter().enumerate();
        self.first(
            elements
                .map(|(number, value)| (format!("{path}[{number}]"), &list.element, value, None)),
        )
    }
}
