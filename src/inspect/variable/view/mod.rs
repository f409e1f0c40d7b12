//! What a value shows: a scalar, text, fields, elements, or what a library holds in it.
//!
//! It is in methods of [`Look`], so that libraries can look at what is inside of their own
//! values without depending on this.

mod enumeration;
mod numbers;
mod pointers;
mod through;

use super::library::{cpp, rust, zig};
use super::notation::Notation;
use super::place::{Place, Unavailable};
use super::scalar::mask;
use super::value::{Elements, Field, LONGEST_TEXT, Look, Of, Value, View, is_binary};
use crate::source::{Case, Composite, Count, EntryId, Member, Type, Variants, short};
use enumeration::enumerator;

impl Look<'_> {
    pub(in crate::inspect) fn view(&self, value: &Value) -> Result<View, Unavailable> {
        self.spend(1)?;
        match &value.of {
            Of::Array { element, counts } => self.view_array(*element, counts, &value.place),
            Of::Type(id) => {
                let (id, resolved) = self.source.resolved(*id)?;
                self.view_type(id, resolved, &value.place)
            }
            Of::Said(text) => Ok(View::Scalar(text.clone())),
            Of::Lost(why) => Err(why.clone()),
        }
    }

    fn view_type(&self, id: EntryId, of: Type, place: &Place) -> Result<View, Unavailable> {
        match of {
            Type::Base {
                name,
                encoding,
                size,
            } => {
                let bytes = place.read(size, self.state)?;
                Ok(View::Scalar(self.notation.base(&name, encoding, &bytes)))
            }
            Type::Pointer {
                target,
                size,
                is_reference,
                name,
            } => {
                let is_transparent = is_reference || name.is_some_and(|name| !is_raw(&name));
                self.view_pointer(target, size, is_transparent, place)
            }
            Type::Array {
                element: Some(element),
                counts,
                ..
            } => {
                let known: Vec<u64> = counts.iter().map(|c| c.known().unwrap_or(0)).collect();
                match (counts.first(), place.address()) {
                    (Some(Count::Unknown), Some(address)) => {
                        self.view_endless(element, &known, address)
                    }
                    _ => self.view_array(element, &known, place),
                }
            }
            Type::Composite(composite) => self.view_composite(id, &composite, place),
            Type::Enumeration {
                size, enumerators, ..
            } => {
                self.spend(enumerators.len())?;
                let bytes = place.read(size, self.state)?;
                Ok(View::Scalar(match self.notation.is_of_numbers() {
                    true => self.notation.bytes(&bytes),
                    false => enumerator(&enumerators, &bytes),
                }))
            }
            Type::MemberPointer {
                class,
                target,
                size,
            } => self.view_member_pointer(class, target, size, place),
            Type::Function { .. } => Ok(View::Scalar("function".to_owned())),
            Type::Unspecified { name } => Ok(View::Scalar(name)),
            Type::Array { element: None, .. } | Type::Alias { .. } | Type::Qualified { .. } => {
                Ok(View::Scalar("void".to_owned()))
            }
        }
    }

    fn view_array(
        &self,
        element: EntryId,
        counts: &[u64],
        place: &Place,
    ) -> Result<View, Unavailable> {
        let Some((&count, inner)) = counts.split_first() else {
            return Ok(View::Scalar("[]".to_owned()));
        };
        let mut stride = self.source.size_of(element)?;
        for count in inner {
            stride = stride.saturating_mul(*count);
        }
        let elements = Elements {
            of: if inner.is_empty() {
                Of::Type(element)
            } else {
                Of::Array {
                    element,
                    counts: inner.to_vec(),
                }
            },
            first: place.clone(),
            stride,
            count,
        };
        if !inner.is_empty() {
            return Ok(View::Elements(elements));
        }
        let (_, of) = self.source.resolved(element)?;
        let shown = count.min(LONGEST_TEXT as u64);
        let is_text = self.units_of(element)?.is_some()
            && !self.notation.is_of_numbers()
            && !(stride == 1
                && self.notation != Notation::Text
                && is_binary(&of, &place.read(shown, self.state)?));
        if is_text {
            return self.view_text(elements, true);
        }
        Ok(View::Elements(elements))
    }

    /// An array whose length only the program knows: like a pointer to its first element.
    fn view_endless(
        &self,
        element: EntryId,
        counts: &[u64],
        address: u64,
    ) -> Result<View, Unavailable> {
        let of = match counts.split_first() {
            Some((_, inner)) if !inner.is_empty() => Of::Array {
                element,
                counts: inner.to_vec(),
            },
            _ => Of::Type(element),
        };
        let text = self.units_of(element)?.map_or(String::new(), |units| {
            format!(" {}", self.text_at(address, units))
        });
        Ok(View::Pointer {
            text: format!("{address:#x}{text}"),
            target: Some(Value {
                of,
                place: Place::Memory(address),
            }),
            is_transparent: false,
            beside: Vec::new(),
        })
    }

    fn view_composite(
        &self,
        id: EntryId,
        composite: &Composite,
        place: &Place,
    ) -> Result<View, Unavailable> {
        self.spend(composite.members.len())?;
        if composite.is_declaration {
            return Ok(View::Scalar("<incomplete type>".to_owned()));
        }
        if let Some(view) = rust::coroutines::view(self, id, composite, place)? {
            return Ok(view);
        }
        if let Some(variants) = &composite.variants {
            return self.view_case(variants, place);
        }
        let known = if composite.is_rust {
            rust::view(self, composite, place)?
        } else {
            match zig::view(self, composite, place)? {
                Some(view) => Some(view),
                None => cpp::view(self, composite, place)?,
            }
        };
        if let Some(view) = known {
            return Ok(view);
        }
        self.view_members(composite, place, None)
    }

    /// The active case of a Rust enum; where none is, the number that stands for no case.
    pub(in crate::inspect) fn active_case<'v>(
        &self,
        variants: &'v Variants,
        place: &Place,
    ) -> Result<Result<&'v Case, u64>, Unavailable> {
        let discriminant = match &variants.discriminant {
            Some(member) => {
                let of = member.type_id;
                let size = of.map_or(Ok(0), |of| self.source.size_of(of))?;
                let place = place.after(member.offset);
                Some((place.read_number(size, self.state)?, mask(size)))
            }
            None => None,
        };
        let is_active = |case: &&Case| match (case.discriminant, discriminant) {
            (Some(wanted), Some((found, mask))) => wanted & mask == found & mask,
            (_, None) => true,
            (None, Some(_)) => false,
        };
        let default = || {
            variants
                .cases
                .iter()
                .find(|case| case.discriminant.is_none())
        };
        let active = variants.cases.iter().find(is_active).or_else(default);
        Ok(active.ok_or_else(|| discriminant.map_or(0, |(found, _)| found)))
    }

    fn view_case(&self, variants: &Variants, place: &Place) -> Result<View, Unavailable> {
        let case = match self.active_case(variants, place)? {
            Ok(case) => case,
            Err(found) => {
                return Ok(View::Scalar(format!("<no case has discriminant {found}>")));
            }
        };
        let name = case.member.name.clone();
        let place = place.after(case.member.offset);
        match case.member.type_id.map(|of| self.source.resolved(of)) {
            Some(Ok((_, Type::Composite(body)))) => self.view_members(&body, &place, name),
            _ => Ok(View::Scalar(name.unwrap_or_default())),
        }
    }

    fn view_members(
        &self,
        composite: &Composite,
        place: &Place,
        case: Option<String>,
    ) -> Result<View, Unavailable> {
        let is_tuple = composite.is_rust
            && !composite.members.is_empty()
            && composite.members.iter().all(is_tuple_member);
        let mut fields = Vec::new();
        for member in &composite.members {
            if composite.is_rust || !cpp::is_table(member.name.as_deref()) {
                fields.extend(self.field(member, place)?);
            }
        }
        Ok(View::Fields {
            name: case.or_else(|| self.shown_name(composite)),
            fields,
            is_tuple,
        })
    }

    /// The name that goes before the fields: of a Rust struct, as `Debug` writes it, and of
    /// a C++ class whose objects may be of another than the program says.
    fn shown_name(&self, composite: &Composite) -> Option<String> {
        let name = composite.name.as_deref()?;
        if !composite.is_rust {
            return self.has_table(composite).then(|| short(name, false));
        }
        let name = name.split('<').next().unwrap_or(name);
        let is_path = !name.is_empty() && !name.starts_with(['(', '&', '*', '[']);
        is_path.then(|| name.to_owned())
    }

    /// A member's value. Anonymous structs and unions get no name.
    fn field(&self, member: &Member, place: &Place) -> Result<Option<Field>, Unavailable> {
        let Some(type_id) = member.type_id else {
            return Ok(None);
        };
        let name = match &member.name {
            Some(name) => name
                .strip_prefix("__")
                .filter(|n| is_number(n))
                .unwrap_or(name),
            None if member.is_base_class => &self.source.type_name(Some(type_id)),
            None => "",
        };
        let Some(place) = self.member_place(member, place) else {
            return Ok(None);
        };
        Ok(Some(Field {
            name: name.to_owned(),
            value: Value {
                of: Of::Type(type_id),
                place,
            },
        }))
    }
}

/// Rust spells raw pointers `*const T`, `*mut T`, Zig `*T`, `[*]T`, `?*T`; C and C++ do
/// not name pointers.
fn is_raw(name: &str) -> bool {
    name.trim_start_matches(['?', '[']).starts_with('*')
}

fn is_tuple_member(member: &Member) -> bool {
    let name = member
        .name
        .as_deref()
        .and_then(|name| name.strip_prefix("__"));
    name.is_some_and(is_number)
}

fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}
