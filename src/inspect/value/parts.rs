//! What a value is made of, for those who know what they look for: summaries of
//! standard containers, expressions.

use super::{Look, Of, Value, is_text_unit};
use crate::inspect::place::{Place, Unavailable};
use crate::inspect::scalar::{self, Number};
use crate::source::{Composite, EntryId, Member, Type};

impl Look<'_> {
    /// The number that a value is: a pointer's is its address.
    pub(in crate::inspect) fn numeric(&self, value: &Value) -> Result<Option<Number>, Unavailable> {
        let Of::Type(id) = value.of else {
            return Ok(None);
        };
        Ok(match self.source.resolved(id)?.1 {
            Type::Base { encoding, size, .. } => {
                scalar::number(encoding, &value.place.read(size, self.state)?)
            }
            Type::Enumeration { size, .. } | Type::Pointer { size, .. } => {
                let number = value.place.read_number(size, self.state)?;
                Some(Number::Whole(number.into()))
            }
            _ => None,
        })
    }

    /// The whole number that a value is.
    pub(in crate::inspect) fn number(&self, value: &Value) -> Option<i128> {
        match self.numeric(value) {
            Ok(Some(Number::Whole(number))) => Some(number),
            _ => None,
        }
    }

    /// The text that a pointer of C points to, up to its zero.
    pub(in crate::inspect) fn c_text(
        &self,
        value: &Value,
        longest: u64,
    ) -> Result<Option<Vec<u8>>, Unavailable> {
        let Some((address, target)) = self.pointer(value)? else {
            return Ok(None);
        };
        if address == 0 || !is_text_unit(&self.source.resolved(target)?.1) {
            return Ok(None);
        }
        let longest = usize::try_from(longest).unwrap_or(usize::MAX);
        Ok(Some(self.text_until_nul(address, longest).0))
    }

    /// The name of what a value is of.
    pub(in crate::inspect) fn type_name(&self, of: &Of) -> String {
        match of {
            Of::Type(id) => self.source.type_name(Some(*id)),
            Of::Array { element, counts } => {
                let mut name = self.source.type_name(Some(*element));
                for count in counts {
                    name.push_str(&format!("[{count}]"));
                }
                name
            }
        }
    }

    pub(in crate::inspect) fn size(&self, of: &Of) -> u64 {
        match of {
            Of::Type(id) => self.source.size_of(*id).unwrap_or(0),
            Of::Array { element, counts } => {
                let one = self.source.size_of(*element).unwrap_or(0);
                counts
                    .iter()
                    .fold(one, |size, count| size.saturating_mul(*count))
            }
        }
    }

    /// The member of a composite value by name.
    pub(in crate::inspect) fn member(
        &self,
        composite: &Composite,
        place: &Place,
        name: &str,
    ) -> Option<Value> {
        let named = |member: &&Member| member.name.as_deref() == Some(name);
        let member = composite.members.iter().find(named)?;
        Some(Value {
            of: Of::Type(member.type_id?),
            place: place.after(member.offset),
        })
    }

    /// The values of a composite's members.
    pub(in crate::inspect) fn parts(&self, composite: &Composite, place: &Place) -> Vec<Value> {
        let members = composite.members.iter();
        let part = |member: &Member| {
            Some(Value {
                of: Of::Type(member.type_id?),
                place: self.member_place(member, place)?,
            })
        };
        members.filter_map(part).collect()
    }

    /// A member by name, also of what a value contains: base classes, anonymous
    /// structs, wrappers.
    pub(in crate::inspect) fn find_inside(&self, value: &Value, name: &str) -> Option<Value> {
        // Wrappers in standard libraries are at most this deep and this many.
        const DEEPEST: usize = 4;
        const WIDEST: usize = 64;
        let mut level = vec![value.clone()];
        for _ in 0..DEEPEST {
            let mut below = Vec::new();
            for value in &level {
                let Ok(Some(body)) = self.composite(value) else {
                    continue;
                };
                let named = |member: &&Member| member.name.as_deref() == Some(name);
                if let Some(member) = body.members.iter().find(named) {
                    return Some(Value {
                        of: Of::Type(member.type_id?),
                        place: self.member_place(member, &value.place)?,
                    });
                }
                below.extend(self.parts(&body, &value.place));
            }
            below.truncate(WIDEST);
            level = below;
        }
        None
    }

    pub(super) fn member_place(&self, member: &Member, place: &Place) -> Option<Place> {
        let place = place.after(member.offset);
        match member.bits {
            Some(bits) => self.read_bits(bits, member.type_id?, &place).ok(),
            None => Some(place),
        }
    }

    /// The type of a value that has members.
    pub(in crate::inspect) fn composite(
        &self,
        value: &Value,
    ) -> Result<Option<Composite>, Unavailable> {
        let Of::Type(id) = value.of else {
            return Ok(None);
        };
        match self.source.resolved(id)?.1 {
            Type::Composite(composite) => Ok(Some(composite)),
            _ => Ok(None),
        }
    }

    /// The address and the target of a pointer.
    pub(in crate::inspect) fn pointer(
        &self,
        value: &Value,
    ) -> Result<Option<(u64, EntryId)>, Unavailable> {
        let Of::Type(id) = value.of else {
            return Ok(None);
        };
        match self.source.resolved(id)?.1 {
            Type::Pointer {
                target: Some(target),
                size,
                ..
            } => Ok(Some((value.place.read_number(size, self.state)?, target))),
            _ => Ok(None),
        }
    }
}
