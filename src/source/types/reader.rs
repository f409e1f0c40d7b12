//! Reading the entries of types.

use super::shape::{Bits, Case, Composite, Count, Member, Type, Variants};
use crate::source::budget::Budget;
use crate::source::error::SourceError;
use crate::source::scopes::MOST_ENTRIES;
use crate::source::sections::Reader;
use crate::source::type_names::{TypeNames, is_composite};
use crate::source::units::{EntryId, Unit, Units};
use gimli::{Attribute, AttributeValue, DwTag};
use std::cell::RefCell;

/// The most that the names in one type take, in bytes.
const MOST_OF_NAMES: usize = 16 << 20;
/// How deep types may refer to types before they count as endless.
const DEEPEST: usize = 64;

/// The types of a module.
#[derive(Clone, Copy)]
pub(crate) struct Types<'a> {
    units: &'a Units,
    names: &'a TypeNames,
}

impl<'a> Types<'a> {
    pub(in crate::source) fn new(units: &'a Units, names: &'a TypeNames) -> Types<'a> {
        Types { units, names }
    }

    /// Whether the unit of a type is Rust's.
    pub(super) fn is_rust(self, id: EntryId) -> bool {
        self.units.is_rust(id.unit)
    }

    /// Reads one type.
    pub(in crate::source) fn read(self, id: EntryId) -> Result<Type, SourceError> {
        match self.entry(id)? {
            Type::Composite(composite) if composite.is_declaration => self.definition_of(composite),
            other => Ok(other),
        }
    }

    /// The type behind aliases and qualifiers.
    pub(in crate::source) fn resolved(self, id: EntryId) -> Result<(EntryId, Type), SourceError> {
        let mut id = id;
        for _ in 0..DEEPEST {
            match self.read(id)? {
                Type::Alias {
                    target: Some(target),
                    ..
                }
                | Type::Qualified {
                    target: Some(target),
                    ..
                } => id = target,
                other => return Ok((id, other)),
            }
        }
        Err(SourceError::Excessive("a type is an alias without end"))
    }

    /// The size of a type in bytes; 0 for what has none.
    pub(in crate::source) fn size_of(self, id: EntryId) -> Result<u64, SourceError> {
        let mut id = id;
        let mut factor: u64 = 1;
        for _ in 0..DEEPEST {
            let size = match self.resolved(id)?.1 {
                Type::Base { size, .. }
                | Type::Pointer { size, .. }
                | Type::MemberPointer { size, .. }
                | Type::Enumeration { size, .. } => size,
                Type::Composite(composite) => composite.size,
                Type::Array {
                    element: Some(element),
                    counts,
                    ..
                } => {
                    for count in counts {
                        factor = factor.saturating_mul(count.known().unwrap_or(0));
                    }
                    id = element;
                    continue;
                }
                _ => 0,
            };
            return Ok(factor.saturating_mul(size));
        }
        Err(SourceError::Excessive("a type contains itself"))
    }

    /// The first base type that is like this.
    pub(in crate::source) fn base(self, is_like: impl Fn(&Type) -> bool) -> Option<EntryId> {
        let mut bases = self.names.bases(self.units).iter().copied();
        bases.find(|&id| self.read(id).is_ok_and(|of| is_like(&of)))
    }

    /// One type as its entry has it: a declaration stays one.
    pub(super) fn entry(self, id: EntryId) -> Result<Type, SourceError> {
        TypeReader::new(self, id)?.read()
    }

    /// Finds the definition of a type that a unit only declares.
    fn definition_of(self, declared: Composite) -> Result<Type, SourceError> {
        let definition = declared.name.as_deref();
        let definition = definition.and_then(|name| self.names.composite(self.units, name));
        match definition {
            Some(id) => self.entry(id),
            None => Ok(Type::Composite(declared)),
        }
    }
}

/// Reads one type's entry and its children.
struct TypeReader<'a> {
    types: Types<'a>,
    id: EntryId,
    unit: &'a Unit,
    /// For the names of its members; those beyond it have none.
    left: RefCell<Budget>,
}

type Entries<'a> = gimli::EntriesRaw<'a, Reader>;
type Attributes = Vec<Attribute<Reader>>;

impl<'a> TypeReader<'a> {
    fn new(types: Types<'a>, id: EntryId) -> Result<Self, SourceError> {
        let unit = types.units.of(id.unit)?;
        Ok(TypeReader {
            types,
            id,
            unit,
            left: RefCell::new(Budget::new("names of a type", MOST_OF_NAMES)),
        })
    }

    fn read(self) -> Result<Type, SourceError> {
        let offset = self.id.unit_offset();
        let mut entries = self.unit.dwarf.entries_raw(Some(offset))?;
        let abbreviation = entries.read_abbreviation()?;
        let abbreviation = abbreviation.ok_or(SourceError::DanglingReference)?;
        let mut attributes = Vec::new();
        entries.read_attributes(abbreviation.attributes(), &mut attributes)?;
        self.read_tagged(abbreviation.tag(), &attributes, &mut entries)
    }

    fn read_tagged(
        &self,
        tag: DwTag,
        attributes: &Attributes,
        entries: &mut Entries<'_>,
    ) -> Result<Type, SourceError> {
        let name = self.text(attributes, gimli::DW_AT_name);
        let target = self.reference(attributes, gimli::DW_AT_type);
        let size = unsigned(attributes, gimli::DW_AT_byte_size);
        let qualified = |qualifier| Type::Qualified { qualifier, target };
        Ok(match tag {
            gimli::DW_TAG_base_type => Type::Base {
                name: name.unwrap_or_else(|| "?".to_owned()),
                encoding: encoding(attributes),
                size: size.unwrap_or(0),
            },
            gimli::DW_TAG_pointer_type
            | gimli::DW_TAG_reference_type
            | gimli::DW_TAG_rvalue_reference_type => Type::Pointer {
                name,
                target,
                size: size.unwrap_or_else(|| u64::from(self.unit.dwarf.header.address_size())),
                is_reference: matches!(
                    tag,
                    gimli::DW_TAG_reference_type | gimli::DW_TAG_rvalue_reference_type
                ),
            },
            gimli::DW_TAG_ptr_to_member_type => Type::MemberPointer {
                class: self.reference(attributes, gimli::DW_AT_containing_type),
                target,
                size: size.unwrap_or_else(|| self.member_pointer_size(target)),
            },
            gimli::DW_TAG_array_type => Type::Array {
                element: target,
                counts: self.dimensions(entries)?,
            },
            tag if is_composite(tag) => {
                let mut composite = Composite {
                    name,
                    size: size.unwrap_or(0),
                    is_union: tag == gimli::DW_TAG_union_type,
                    is_declaration: find(attributes, gimli::DW_AT_declaration).is_some(),
                    is_rust: self.unit.is_rust(),
                    ..Composite::default()
                };
                self.members(&mut composite, entries)?;
                Type::Composite(composite)
            }
            gimli::DW_TAG_enumeration_type => Type::Enumeration {
                name,
                size: size.unwrap_or(4),
                enumerators: self.enumerators(entries)?,
            },
            gimli::DW_TAG_typedef | gimli::DW_TAG_template_alias => Type::Alias {
                name: name.unwrap_or_else(|| "?".to_owned()),
                target,
            },
            gimli::DW_TAG_const_type => qualified("const"),
            gimli::DW_TAG_volatile_type => qualified("volatile"),
            gimli::DW_TAG_restrict_type => qualified("restrict"),
            gimli::DW_TAG_atomic_type => qualified("_Atomic"),
            gimli::DW_TAG_subroutine_type => Type::Function {
                result: target,
                parameters: self.parameters(entries)?,
            },
            _ => Type::Unspecified {
                name: name.unwrap_or_else(|| "?".to_owned()),
            },
        })
    }

    /// Pointers to member functions have an adjustment of the object too.
    fn member_pointer_size(&self, target: Option<EntryId>) -> u64 {
        let size = u64::from(self.unit.dwarf.header.address_size());
        let target = target.and_then(|target| self.types.resolved(target).ok());
        match target {
            Some((_, Type::Function { .. })) => size * 2,
            _ => size,
        }
    }

    /// Calls `take` for each child, not for their children.
    fn each_child(
        &self,
        entries: &mut Entries<'_>,
        mut take: impl FnMut(DwTag, &Attributes, &mut Entries<'_>) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        // More than any type has.
        const MOST: usize = 1 << 16;
        let mut attributes = Vec::new();
        let (mut children, mut below) = (0, 0);
        let depth = entries.next_depth();
        // Depth 0 means that the entry has no children at all.
        while depth > 0 && !entries.is_empty() && entries.next_depth() >= depth {
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            entries.read_attributes(abbreviation.attributes(), &mut attributes)?;
            children += 1;
            if children > MOST || below > MOST_ENTRIES {
                return Err(SourceError::Excessive("a type has too many members"));
            }
            take(abbreviation.tag(), &attributes, entries)?;
            while entries.next_depth() > depth && !entries.is_empty() {
                below += 1;
                if let Some(abbreviation) = entries.read_abbreviation()? {
                    entries.skip_attributes(abbreviation.attributes())?;
                }
            }
        }
        Ok(())
    }

    fn dimensions(&self, entries: &mut Entries<'_>) -> Result<Vec<Count>, SourceError> {
        let mut counts = Vec::new();
        self.each_child(entries, |tag, attributes, _| {
            if tag == gimli::DW_TAG_subrange_type || tag == gimli::DW_TAG_enumeration_type {
                let known = unsigned(attributes, gimli::DW_AT_count).or_else(|| {
                    let upper = unsigned(attributes, gimli::DW_AT_upper_bound)?;
                    let lower = unsigned(attributes, gimli::DW_AT_lower_bound).unwrap_or(0);
                    // An upper bound of -1 is an array of unknown length.
                    upper.checked_sub(lower)?.checked_add(1)
                });
                // A number that is a reference is the place of a variable's entry.
                let variable = || self.reference(attributes, gimli::DW_AT_count);
                counts.push(match known {
                    Some(count) => Count::Known(count),
                    None => variable().map_or(Count::Unknown, Count::Variable),
                });
            }
            Ok(())
        })?;
        Ok(counts)
    }

    fn parameters(&self, entries: &mut Entries<'_>) -> Result<Vec<Option<EntryId>>, SourceError> {
        let mut found = Vec::new();
        self.each_child(entries, |tag, attributes, _| {
            if tag == gimli::DW_TAG_formal_parameter {
                found.push(self.reference(attributes, gimli::DW_AT_type));
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn enumerators(&self, entries: &mut Entries<'_>) -> Result<Vec<(String, i128)>, SourceError> {
        let mut found = Vec::new();
        self.each_child(entries, |tag, attributes, _| {
            let name = self.text(attributes, gimli::DW_AT_name);
            let value = find(attributes, gimli::DW_AT_const_value);
            if let (gimli::DW_TAG_enumerator, Some(name), Some(value)) = (tag, name, value) {
                let wide = |value: &AttributeValue<Reader>| match value {
                    AttributeValue::Udata(value) => Some(i128::from(*value)),
                    value => value.sdata_value().map(i128::from),
                };
                found.extend(wide(&value).map(|value| (name, value)));
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn members(
        &self,
        composite: &mut Composite,
        entries: &mut Entries<'_>,
    ) -> Result<(), SourceError> {
        self.each_child(entries, |tag, attributes, entries| {
            match tag {
                gimli::DW_TAG_member | gimli::DW_TAG_inheritance => {
                    let member = self.member(tag, attributes);
                    composite.members.extend(member);
                }
                gimli::DW_TAG_variant_part => {
                    composite.variants = Some(self.variants(attributes, entries)?);
                }
                gimli::DW_TAG_template_type_parameter => {
                    let name = self.text(attributes, gimli::DW_AT_name);
                    let argument = self.reference(attributes, gimli::DW_AT_type);
                    composite
                        .arguments
                        .push((name.unwrap_or_default(), argument));
                }
                _ => {}
            }
            Ok(())
        })
    }

    /// `None` for static members, which are not part of the value.
    fn member(&self, tag: DwTag, attributes: &Attributes) -> Option<Member> {
        if find(attributes, gimli::DW_AT_external).is_some()
            || find(attributes, gimli::DW_AT_declaration).is_some()
        {
            return None;
        }
        let mut offset = unsigned(attributes, gimli::DW_AT_data_member_location).unwrap_or(0);
        let bits = unsigned(attributes, gimli::DW_AT_bit_size).map(|count| {
            let first = self.first_bit(attributes, count, &mut offset);
            Bits { first, count }
        });
        Some(Member {
            name: self.text(attributes, gimli::DW_AT_name),
            type_id: self.reference(attributes, gimli::DW_AT_type),
            offset,
            bits,
            is_base_class: tag == gimli::DW_TAG_inheritance,
        })
    }

    /// Where a bit field starts, in both ways in which DWARF says it.
    fn first_bit(&self, attributes: &Attributes, count: u64, offset: &mut u64) -> u64 {
        if let Some(first) = unsigned(attributes, gimli::DW_AT_data_bit_offset) {
            *offset = offset.saturating_add(first / 8);
            return first % 8;
        }
        // Before DWARF 4: counted from the highest bit of the storage unit.
        let from_top = unsigned(attributes, gimli::DW_AT_bit_offset).unwrap_or(0);
        let storage = unsigned(attributes, gimli::DW_AT_byte_size)
            .or_else(|| {
                let storage = self.reference(attributes, gimli::DW_AT_type)?;
                self.types.size_of(storage).ok()
            })
            .unwrap_or(4);
        let bits = storage.saturating_mul(8);
        bits.saturating_sub(from_top).saturating_sub(count)
    }

    fn variants(
        &self,
        attributes: &Attributes,
        entries: &mut Entries<'_>,
    ) -> Result<Variants, SourceError> {
        let discriminant = self.reference(attributes, gimli::DW_AT_discr);
        let mut variants = Variants::default();
        if let Some(id) = discriminant {
            let die = self.types.units.entry(id)?;
            variants.discriminant = self.member(die.tag(), &die.attrs().to_vec());
        }
        self.each_child(entries, |tag, attributes, entries| {
            if tag != gimli::DW_TAG_variant {
                return Ok(());
            }
            let discriminant = find(attributes, gimli::DW_AT_discr_value)
                .and_then(|value| value.udata_value().or_else(|| signed(&value)));
            self.each_child(entries, |tag, attributes, _| {
                if let (gimli::DW_TAG_member, Some(member)) = (tag, self.member(tag, attributes)) {
                    variants.cases.push(Case {
                        discriminant,
                        member,
                        declared: declared(attributes),
                    });
                }
                Ok(())
            })
        })?;
        Ok(variants)
    }

    fn text(&self, attributes: &Attributes, name: gimli::DwAt) -> Option<String> {
        let text = self
            .types
            .units
            .text(self.id.unit, find(attributes, name)?)?;
        self.left.borrow_mut().spend::<String>(text.len()).ok()?;
        Some(text)
    }

    fn reference(&self, attributes: &Attributes, name: gimli::DwAt) -> Option<EntryId> {
        let value = find(attributes, name)?;
        self.types.units.reference(self.id.unit, &value).ok()
    }
}

fn find(attributes: &Attributes, name: gimli::DwAt) -> Option<AttributeValue<Reader>> {
    let attribute = attributes.iter().find(|a| a.name() == name)?;
    Some(attribute.value())
}

fn declared(attributes: &Attributes) -> Option<(u64, u32)> {
    let file = match find(attributes, gimli::DW_AT_decl_file)? {
        AttributeValue::FileIndex(index) => index,
        value => value.udata_value()?,
    };
    let line = u32::try_from(unsigned(attributes, gimli::DW_AT_decl_line)?).ok()?;
    (line > 0).then_some((file, line))
}

fn unsigned(attributes: &Attributes, name: gimli::DwAt) -> Option<u64> {
    find(attributes, name)?.udata_value()
}

fn encoding(attributes: &Attributes) -> gimli::DwAte {
    match find(attributes, gimli::DW_AT_encoding) {
        Some(AttributeValue::Encoding(encoding)) => encoding,
        _ => gimli::DW_ATE_unsigned,
    }
}

fn signed(value: &AttributeValue<Reader>) -> Option<u64> {
    value.sdata_value().map(i64::cast_unsigned)
}
