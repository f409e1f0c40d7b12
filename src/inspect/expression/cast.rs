//! Casts, and the sizes of types.

use super::datum::{Datum, is_array};
use super::declared::of_node;
use super::error::Fault;
use super::evaluator::{Evaluated, Evaluator};
use super::syntax::{Node, TypeName};
use super::types::{self, Scalar};
use crate::inspect::variable::place::Place;
use crate::inspect::variable::scalar::Number;
use crate::inspect::variable::value::{Of, Value};
use crate::source::EntryId;

/// Bytes of an address in a 32-bit memory.
const ADDRESS: u64 = 4;

impl Evaluator<'_> {
    pub(super) fn cast(&self, node: &Node, to: &TypeName, of: &Node) -> Evaluated<Datum> {
        let value = self.known(of)?;
        let unknown = || self.fault(node, Fault::UnknownType(to.name.clone()));
        if to.pointers > 1 {
            return Err(self.fault(node, Fault::PointerToPointer(to.name.clone())));
        }
        let Some(look) = self.reading().0 else {
            let scalar = types::scalar(&to.name).filter(|_| to.pointers == 0);
            let number = scalar.ok_or_else(unknown)?.of(self.number_of(of, &value)?);
            return Ok(Datum::Number(number));
        };
        let found = types::find(look, &to.name);
        if to.pointers == 1 {
            let address = self.address_in(of, &value)?;
            let to = found.ok_or_else(unknown)?;
            let address = self.adjusted(of, &value, address, to)?;
            let of = Of::Type(to);
            return Ok(Datum::Address { address, of });
        }
        let Some(found) = found else {
            let scalar = types::scalar(&to.name).ok_or_else(unknown)?;
            return Ok(Datum::Number(scalar.of(self.number_of(of, &value)?)));
        };
        let resolved = look.source.resolved(found);
        let (_, resolved) = resolved.map_err(|why| self.fault(node, why))?;
        if let Some(scalar) = Scalar::of_type(&resolved) {
            let place = Place::copied(scalar.bytes(self.number_of(of, &value)?));
            let of = Of::Type(found);
            return Ok(Datum::Typed(Value { of, place }));
        }
        // The same bytes, seen as something else.
        match value {
            Datum::Typed(value) => Ok(Datum::Typed(Value {
                of: Of::Type(found),
                place: value.place,
            })),
            other => Err(self.fault(of, Fault::NotIndexable(self.described(&other)))),
        }
    }

    /// The address of an object of C++ as one of another class: derived from the one that
    /// the pointer is to, or a base of it.
    fn adjusted(&self, node: &Node, from: &Datum, address: u64, to: EntryId) -> Evaluated<u64> {
        let pointer = self.as_pointer(from).map_err(|why| self.fault(node, why))?;
        let (Some((_, Of::Type(declared))), Some(look)) = (pointer, self.reading().0) else {
            return Ok(address);
        };
        let down = || {
            look.base_offset(to, declared)
                .map(|at| address.wrapping_sub(at))
        };
        let up = || {
            look.base_offset(declared, to)
                .map(|at| address.wrapping_add(at))
        };
        Ok(match address {
            0 => 0,
            _ => down().or_else(up).unwrap_or(address),
        })
    }

    /// The address that a pointer, an array or a number is.
    pub(super) fn address_in(&self, node: &Node, value: &Datum) -> Evaluated<u64> {
        let pointer = self
            .as_pointer(value)
            .map_err(|why| self.fault(node, why))?;
        if let Some((address, _)) = pointer {
            return Ok(address);
        }
        // Rust's references to what is not a pointer itself.
        if let (Datum::Typed(value), Some(look)) = (value, self.reading().0)
            && let Ok(Some((address, _))) = look.pointer(value)
        {
            return Ok(address);
        }
        // An array of C is where its first element is, also one that is text.
        if let (Datum::Typed(array), Some(look)) = (value, self.reading().0)
            && is_array(look, array)
            && let Some(address) = array.place.address()
        {
            return Ok(address);
        }
        let address = self.whole_of(node, value)?;
        // A negative `i32` is an address in the upper half.
        let address = match i32::try_from(address) {
            Ok(negative) if negative < 0 => i128::from(negative.cast_unsigned()),
            _ => address,
        };
        u64::try_from(address).map_err(|_| self.fault(node, Fault::TooLarge))
    }

    /// The size of a type.
    pub(super) fn size_of_type(&self, node: &Node, of: &TypeName) -> Evaluated<Datum> {
        let unknown = || self.fault(node, Fault::UnknownType(of.name.clone()));
        let scalar = types::scalar(&of.name).map(Scalar::size);
        let found = match self.reading().0 {
            Some(look) => types::find(look, &of.name).map(|id| match of.pointers {
                0 => look.size(&Of::Type(id)),
                _ => look.source.address_size(id),
            }),
            None => None,
        };
        let pointer = scalar.filter(|_| of.pointers > 0).map(|_| ADDRESS);
        let size = found.or(pointer).or(scalar).ok_or_else(unknown)?;
        Ok(Datum::Number(Number::Whole(size.into())))
    }

    /// The size of a value, or of the type with a name.
    pub(super) fn size_of(&self, of: &Node) -> Evaluated<Datum> {
        let look = self.look(of)?;
        let value = match (self.value(of), &self.variables) {
            // The type says it, whether or not there is a value.
            (Err(why), Ok(variables)) => match of_node(variables, of) {
                Some(of) => return Ok(Datum::Number(Number::Whole(look.size(&of).into()))),
                None => return Err(why),
            },
            (value, _) => value?,
        };
        let size = match value {
            Datum::Typed(value) => look.size(&value.of),
            Datum::Bytes { bytes, .. } => bytes.len() as u64,
            Datum::Address {
                of: Of::Type(target),
                ..
            } => look.source.address_size(target),
            Datum::Address { .. } | Datum::Function { .. } => ADDRESS,
            Datum::Unknown(name) => {
                let declared = self.variables.as_ref().ok();
                let constant = declared.and_then(|variables| variables.constant(&name));
                match (types::find(look, &name), constant) {
                    (Some(found), _) => look.size(&Of::Type(found)),
                    (None, Some(Datum::Typed(value))) => look.size(&value.of),
                    _ => return Err(self.fault(of, Fault::UnknownType(name))),
                }
            }
            other => {
                let described = self.described(&other);
                return Err(self.fault(of, Fault::NotIndexable(described)));
            }
        };
        Ok(Datum::Number(Number::Whole(size.into())))
    }
}
