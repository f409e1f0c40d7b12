//! Values that refer to other things: pointers to values, functions, members.

use crate::inspect::variable::notation::Notation;
use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::value::{Look, Of, Value, View};
use crate::source::{EntryId, Type};

impl Look<'_> {
    pub(super) fn view_pointer(
        &self,
        target: Option<EntryId>,
        size: u64,
        is_transparent: bool,
        place: &Place,
    ) -> Result<View, Unavailable> {
        let address = place.read_number(size, self.state)?;
        let resolved = match target {
            Some(target) => self.source.resolved(target).ok(),
            None => None,
        };
        if let Some((_, Type::Function { .. })) = &resolved {
            return Ok(View::Scalar(self.function(address)));
        }
        let target = match (&resolved, target) {
            (Some((_, Type::Unspecified { .. })), _) | (None, _) => None,
            (Some(_), target) => target.filter(|_| address != 0),
        };
        let text = match target {
            Some(target) => self.pointer_text(address, &Of::Type(target))?,
            None => self.address_text(address),
        };
        Ok(View::Pointer {
            text,
            is_transparent: is_transparent && target.is_some(),
            target: target.map(|id| {
                self.object(Value {
                    of: Of::Type(id),
                    place: Place::Memory(address),
                })
            }),
            beside: Vec::new(),
        })
    }

    fn address_text(&self, address: u64) -> String {
        match self.notation {
            Notation::Natural | Notation::Text | Notation::Character => format!("{address:#x}"),
            notation => notation.number(address.into()),
        }
    }

    /// A pointer in one line: the address, and what is there if that is text.
    pub(in crate::inspect) fn pointer_text(
        &self,
        address: u64,
        to: &Of,
    ) -> Result<String, Unavailable> {
        let text = self.address_text(address);
        let units = match to {
            Of::Type(target) if address != 0 && !self.notation.is_of_numbers() => {
                self.units_of(*target)?
            }
            _ => None,
        };
        Ok(match units {
            Some(units) => format!("{text} {}", self.text_at(address, units)),
            None => text,
        })
    }

    /// A function's place in the table, and its name.
    fn function(&self, index: u64) -> String {
        let name = u32::try_from(index).ok();
        match name.and_then(|index| self.source.function_in_table(index)) {
            Some(name) => format!("{index:#x} {name}"),
            None => format!("{index:#x}"),
        }
    }

    /// C++'s pointers to members: an offset, or a function with an adjustment.
    pub(super) fn view_member_pointer(
        &self,
        class: Option<EntryId>,
        target: Option<EntryId>,
        size: u64,
        place: &Place,
    ) -> Result<View, Unavailable> {
        let target = target.and_then(|target| self.source.resolved(target).ok());
        if let Some((_, Type::Function { .. })) = target {
            let half = size / 2;
            let function = place.read_number(half, self.state)?;
            let adjustment = place.after(half).read_number(half, self.state)?;
            // The lowest bit of the adjustment tells a virtual function, found by its
            // offset in the table of the object's class.
            return Ok(View::Scalar(match (function, adjustment & 1) {
                (0, 0) => "nullptr".to_owned(),
                (offset, 1) => format!("virtual function at {offset:#x}"),
                (index, _) => self.function(index),
            }));
        }
        let offset = place.read_number(size, self.state)?;
        if offset == super::mask(size) {
            return Ok(View::Scalar("nullptr".to_owned()));
        }
        let named = class.and_then(|class| {
            let Ok((_, Type::Composite(class))) = self.source.resolved(class) else {
                return None;
            };
            let mut members = class.members.into_iter();
            let member = members.find(|m| m.offset == offset && !m.is_base_class)?;
            Some(format!("&{}::{}", class.name?, member.name?))
        });
        Ok(View::Scalar(
            named.unwrap_or_else(|| format!("offset {offset:#x}")),
        ))
    }
}
