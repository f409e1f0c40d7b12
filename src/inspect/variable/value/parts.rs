//! What a value is made of, for those who know what they look for: summaries of
//! standard containers, expressions.

use super::{Look, Of, Value};
use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::scalar;
use crate::source::{Bits, Composite, Count, EntryId, Member, Type};

impl Look<'_> {
    /// The name of what a value is of.
    pub(in crate::inspect) fn type_name(&self, of: &Of) -> String {
        match of {
            Of::Type(id) => self.source.type_name(Some(*id)),
            Of::Array { element, counts } => {
                let counts: Vec<_> = counts.iter().copied().map(Count::Known).collect();
                self.source.array_name(Some(*element), &counts)
            }
            Of::Said(_) | Of::Lost(_) => String::new(),
        }
    }

    /// The name of pointers to what a value is of.
    pub(in crate::inspect) fn pointer_name(&self, of: &Of) -> String {
        match of {
            Of::Type(id) => self.source.pointer_name(*id),
            _ => format!("{} *", self.type_name(of)),
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
            Of::Said(_) | Of::Lost(_) => 0,
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
        // Wrappers in expressions are at most this deep.
        self.find_within(value, name, 4)
    }

    /// The same, so many levels deep.
    pub(in crate::inspect) fn find_within(
        &self,
        value: &Value,
        name: &str,
        deepest: usize,
    ) -> Option<Value> {
        // Wrappers in standard libraries are at most this many.
        const WIDEST: usize = 64;
        let mut level = vec![value.clone()];
        for _ in 0..deepest {
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

    pub(in crate::inspect) fn member_place(&self, member: &Member, place: &Place) -> Option<Place> {
        let place = place.after(member.offset);
        match member.bits {
            Some(bits) => self.read_bits(bits, member.type_id?, &place).ok(),
            None => Some(place),
        }
    }

    fn read_bits(&self, bits: Bits, of: EntryId, place: &Place) -> Result<Place, Unavailable> {
        let last = bits.first.saturating_add(bits.count);
        let bytes = place.read(last.div_ceil(8).min(16), self.state)?;
        let width = 128_u32.saturating_sub(u32::try_from(bits.count).unwrap_or(128));
        let first = u32::try_from(bits.first).unwrap_or(0).min(127);
        // Up to the top and down again, to lose the neighbours.
        let top = (scalar::unsigned(&bytes) >> first)
            .checked_shl(width)
            .unwrap_or(0);
        let is_signed = matches!(
            self.source.resolved(of)?.1,
            Type::Base {
                encoding: gimli::DW_ATE_signed | gimli::DW_ATE_signed_char,
                ..
            }
        );
        let number = if is_signed {
            top.cast_signed()
                .checked_shr(width)
                .unwrap_or(0)
                .cast_unsigned()
        } else {
            top.checked_shr(width).unwrap_or(0)
        };
        Ok(Place::copied(number.to_le_bytes().to_vec()))
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

    /// What values of a type are aligned to. Debug information says sizes only:
    /// scalars are aligned to theirs, and everything is made of scalars.
    pub(in crate::inspect) fn alignment(&self, of: EntryId) -> Result<u64, Unavailable> {
        self.alignment_within(of, 8)
    }

    fn alignment_within(&self, of: EntryId, depth: usize) -> Result<u64, Unavailable> {
        // The alignment of WebAssembly's vectors and C's `long double`.
        const LARGEST: u64 = 16;
        self.spend(1)?;
        let Some(deeper) = depth.checked_sub(1) else {
            return Ok(1);
        };
        Ok(match self.source.resolved(of)?.1 {
            Type::Base { size, .. }
            | Type::Pointer { size, .. }
            | Type::Enumeration { size, .. } => size.clamp(1, LARGEST),
            // A pointer to a member function is two pointers.
            Type::MemberPointer { .. } => 4,
            Type::Array {
                element: Some(element),
                ..
            } => self.alignment_within(element, deeper)?,
            Type::Composite(composite) => {
                let mut largest = 1;
                for member in &composite.members {
                    if let Some(of) = member.type_id {
                        largest = largest.max(self.alignment_within(of, deeper)?);
                    }
                }
                largest
            }
            _ => 1,
        })
    }
}
