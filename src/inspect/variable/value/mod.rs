//! A value of a source-level type: what it shows and what it is made of.

mod enumeration;
mod parts;
mod pointers;
mod text;
mod through;

use super::containers::Items;
use super::library::{cpp, rust, zig};
use super::place::{FrameState, Place, Unavailable};
use super::scalar;
use crate::source::{
    Bits, Composite, Count, EntryId, Member, ModuleSource, SourceError, Type, Variants, short,
};
use enumeration::enumerator;
use std::cell::Cell;
use text::is_binary;

/// The most values, members and enumerators that are looked at to answer one
/// request.
const MOST_VALUES: usize = 200_000;
/// The most bytes of one text that are shown.
pub(in crate::inspect) const LONGEST_TEXT: usize = 256;

/// What a value is of.
#[derive(Debug, Clone)]
pub(in crate::inspect) enum Of {
    Type(EntryId),
    /// An array of arrays, less its outer dimensions.
    Array {
        element: EntryId,
        counts: Vec<u64>,
    },
    /// No value of the guest's, but what there is to say in its place.
    Said(String),
    /// A value that cannot be reached.
    Lost(Unavailable),
}

/// A value: what it is and where.
#[derive(Debug, Clone)]
pub(in crate::inspect) struct Value {
    pub(in crate::inspect) of: Of,
    pub(in crate::inspect) place: Place,
}

impl Value {
    pub(in crate::inspect) fn said(text: impl Into<String>) -> Value {
        Value {
            of: Of::Said(text.into()),
            place: Place::copied(Vec::new()),
        }
    }

    pub(super) fn lost(why: Unavailable) -> Value {
        Value {
            of: Of::Lost(why),
            place: Place::copied(Vec::new()),
        }
    }
}

/// A part of a value.
#[derive(Debug, Clone)]
pub(in crate::inspect) struct Field {
    pub(in crate::inspect) name: String,
    pub(in crate::inspect) value: Value,
}

/// Elements of one size, one after the other.
#[derive(Debug, Clone)]
pub(in crate::inspect) struct Elements {
    pub(in crate::inspect) of: Of,
    pub(in crate::inspect) first: Place,
    pub(in crate::inspect) stride: u64,
    pub(in crate::inspect) count: u64,
}

impl Elements {
    pub(in crate::inspect) fn at(&self, index: u64) -> Value {
        Value {
            of: self.of.clone(),
            place: self.first.after(index.wrapping_mul(self.stride)),
        }
    }
}

/// What a value shows.
#[derive(Debug, Clone)]
pub(in crate::inspect) enum View {
    /// Nothing inside.
    Scalar(String),
    /// Text; its bytes can be looked at one by one.
    Text(String, Elements),
    /// An address, and the value there if that can be looked at.
    Pointer {
        text: String,
        target: Option<Value>,
        /// References and smart pointers show what they refer to.
        is_transparent: bool,
        /// What is kept with the target: the counts of a shared pointer.
        beside: Vec<Field>,
    },
    /// A line that says it all; the fields are for those who look inside.
    Told {
        text: String,
        fields: Vec<Field>,
    },
    Fields {
        /// The case of an enum, the name of a Rust struct.
        name: Option<String>,
        fields: Vec<Field>,
        is_tuple: bool,
    },
    Elements(Elements),
    /// Values apart from each other.
    Items(Items),
}

/// Looks at values of one frame, with a bound on the work for one request.
pub(in crate::inspect) struct Look<'a> {
    pub(in crate::inspect) source: &'a ModuleSource,
    pub(in crate::inspect) state: &'a dyn FrameState,
    left: Cell<usize>,
}

impl<'a> Look<'a> {
    pub(in crate::inspect) fn new(source: &'a ModuleSource, state: &'a dyn FrameState) -> Self {
        Look {
            source,
            state,
            left: Cell::new(MOST_VALUES),
        }
    }

    pub(in crate::inspect) fn view(&self, value: &Value) -> Result<View, Unavailable> {
        self.spend(1)?;
        match &value.of {
            Of::Array { element, counts } => self.view_array(*element, counts, &value.place),
            Of::Type(id) => {
                let (_, resolved) = self.source.resolved(*id)?;
                self.view_type(resolved, &value.place)
            }
            Of::Said(text) => Ok(View::Scalar(text.clone())),
            Of::Lost(why) => Err(why.clone()),
        }
    }

    pub(super) fn spend(&self, work: usize) -> Result<(), Unavailable> {
        let left = self.left.get().checked_sub(work);
        let excess = SourceError::Excessive("the value is too large to show");
        self.left.set(left.ok_or(excess)?);
        Ok(())
    }

    fn view_type(&self, of: Type, place: &Place) -> Result<View, Unavailable> {
        match of {
            Type::Base {
                name,
                encoding,
                size,
            } => {
                let bytes = place.read(size, self.state)?;
                Ok(View::Scalar(scalar::base(&name, encoding, &bytes)))
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
            Type::Composite(composite) => self.view_composite(&composite, place),
            Type::Enumeration {
                size, enumerators, ..
            } => {
                self.spend(enumerators.len())?;
                let bytes = place.read(size, self.state)?;
                Ok(View::Scalar(enumerator(&enumerators, &bytes)))
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
            && !(stride == 1 && is_binary(&of, &place.read(shown, self.state)?));
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

    fn view_composite(&self, composite: &Composite, place: &Place) -> Result<View, Unavailable> {
        self.spend(composite.members.len())?;
        if composite.is_declaration {
            return Ok(View::Scalar("<incomplete type>".to_owned()));
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

    /// The active case of a Rust enum.
    fn view_case(&self, variants: &Variants, place: &Place) -> Result<View, Unavailable> {
        let discriminant = match &variants.discriminant {
            Some(member) => {
                let of = member.type_id;
                let size = of.map_or(Ok(0), |of| self.source.size_of(of))?;
                let place = place.after(member.offset);
                Some((place.read_number(size, self.state)?, mask(size)))
            }
            None => None,
        };
        let is_active = |case: &&crate::source::Case| match (case.discriminant, discriminant) {
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
        let Some(case) = variants.cases.iter().find(is_active).or_else(default) else {
            let found = discriminant.map_or(0, |(found, _)| found);
            return Ok(View::Scalar(format!("<no case has discriminant {found}>")));
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

fn mask(size: u64) -> u64 {
    match size {
        0..8 => (1 << (size * 8)) - 1,
        _ => u64::MAX,
    }
}
