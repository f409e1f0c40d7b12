//! Types, read from the debug information one at a time, when asked for.

use super::sections::Reader;
use super::units::{EntryId, Unit};
use super::{ModuleSource, SourceError};
use gimli::{Attribute, AttributeValue, DwTag};

/// How deep types may refer to types before they count as endless.
const DEEPEST: usize = 64;

/// One type, with references to the types it is made of.
#[derive(Debug, Clone)]
pub(crate) enum Type {
    Base {
        name: String,
        encoding: gimli::DwAte,
        size: u64,
    },
    Pointer {
        /// Rust names its pointer types: `&str`, `*const u8`.
        name: Option<String>,
        target: Option<EntryId>,
        size: u64,
        is_reference: bool,
    },
    Array {
        element: Option<EntryId>,
        /// One for each dimension; `None` where the type does not say.
        counts: Vec<Option<u64>>,
    },
    Composite(Composite),
    Enumeration {
        name: Option<String>,
        size: u64,
        enumerators: Vec<(String, i128)>,
    },
    /// `typedef`
    Alias {
        name: String,
        target: Option<EntryId>,
    },
    /// `const`, `volatile` and the like.
    Qualified {
        qualifier: &'static str,
        target: Option<EntryId>,
    },
    Function {
        result: Option<EntryId>,
        parameters: Vec<Option<EntryId>>,
    },
    /// A type without layout: `decltype(nullptr)`, `!`.
    Unspecified {
        name: String,
    },
}

/// A struct, class, union or Rust enum.
#[derive(Debug, Clone, Default)]
pub(crate) struct Composite {
    pub(crate) name: Option<String>,
    pub(crate) size: u64,
    pub(crate) is_union: bool,
    pub(crate) is_declaration: bool,
    pub(crate) is_rust: bool,
    pub(crate) members: Vec<Member>,
    pub(crate) variants: Option<Variants>,
    /// Type arguments by parameter name.
    pub(crate) arguments: Vec<(String, Option<EntryId>)>,
}

/// A member of a composite type.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// `None` for anonymous structs and unions.
    pub(crate) name: Option<String>,
    pub(crate) type_id: Option<EntryId>,
    pub(crate) offset: u64,
    pub(crate) bits: Option<Bits>,
    pub(crate) is_base_class: bool,
}

/// The bits of a bit field, counted from the lowest bit at the member's offset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bits {
    pub(crate) first: u64,
    pub(crate) count: u64,
}

/// The cases of a Rust enum.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variants {
    /// `None` where there is one case only.
    pub(crate) discriminant: Option<Member>,
    pub(crate) cases: Vec<Case>,
}

/// One case of a Rust enum.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// `None` for the case that all other discriminants mean (in niche layouts).
    pub(crate) discriminant: Option<u64>,
    pub(crate) member: Member,
}

impl ModuleSource {
    /// Reads one type.
    pub(crate) fn type_at(&self, id: EntryId) -> Result<Type, SourceError> {
        let read = TypeReader::new(self, id)?;
        let read = read.read()?;
        match read {
            Type::Composite(composite) if composite.is_declaration => self.definition_of(composite),
            other => Ok(other),
        }
    }

    /// The type behind aliases and qualifiers.
    pub(crate) fn resolved(&self, id: EntryId) -> Result<(EntryId, Type), SourceError> {
        let mut id = id;
        for _ in 0..DEEPEST {
            match self.type_at(id)? {
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
    pub(crate) fn size_of(&self, id: EntryId) -> Result<u64, SourceError> {
        let mut id = id;
        let mut factor: u64 = 1;
        for _ in 0..DEEPEST {
            let size = match self.resolved(id)?.1 {
                Type::Base { size, .. }
                | Type::Pointer { size, .. }
                | Type::Enumeration { size, .. } => size,
                Type::Composite(composite) => composite.size,
                Type::Array {
                    element: Some(element),
                    counts,
                    ..
                } => {
                    for count in counts {
                        factor = factor.saturating_mul(count.unwrap_or(0));
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

    /// The name of a type as its language writes it.
    pub(crate) fn type_name(&self, id: Option<EntryId>) -> String {
        self.type_name_within(id, 12)
    }

    fn type_name_within(&self, id: Option<EntryId>, depth: usize) -> String {
        let Some(id) = id else {
            return "void".to_owned();
        };
        let Some(deeper) = depth.checked_sub(1) else {
            return "…".to_owned();
        };
        match TypeReader::new(self, id).and_then(TypeReader::read) {
            Ok(read) => self.spell(read, deeper),
            Err(_) => "?".to_owned(),
        }
    }

    fn spell(&self, spelled: Type, depth: usize) -> String {
        match spelled {
            Type::Base { name, .. } | Type::Alias { name, .. } | Type::Unspecified { name } => name,
            Type::Pointer {
                name: Some(name), ..
            } => name,
            Type::Pointer {
                target,
                is_reference,
                ..
            } => self.spell_pointer(target, is_reference, depth),
            Type::Array {
                element, counts, ..
            } => {
                let mut name = self.type_name_within(element, depth);
                for count in counts.iter().take(8) {
                    let count = count.map_or(String::new(), |count| count.to_string());
                    name = format!("{name}[{count}]");
                }
                name
            }
            Type::Composite(Composite { name, is_union, .. }) => {
                let kind = if is_union { "union" } else { "struct" };
                name.unwrap_or_else(|| format!("{kind} {{…}}"))
            }
            Type::Enumeration { name, .. } => name.unwrap_or_else(|| "enum {…}".to_owned()),
            Type::Qualified { qualifier, target } => {
                let name = self.type_name_within(target, depth);
                if name.ends_with('*') {
                    format!("{name} {qualifier}")
                } else {
                    format!("{qualifier} {name}")
                }
            }
            Type::Function { result, parameters } => {
                let result = self.type_name_within(result, depth);
                format!("{result} ({})", self.spell_parameters(&parameters, depth))
            }
        }
    }

    fn spell_pointer(&self, target: Option<EntryId>, is_reference: bool, depth: usize) -> String {
        let sign = if is_reference { '&' } else { '*' };
        if let Some(id) = target
            && let Ok(Type::Function { result, parameters }) = self.type_at(id)
        {
            let result = self.type_name_within(result, depth);
            let parameters = self.spell_parameters(&parameters, depth);
            return format!("{result} ({sign})({parameters})");
        }
        let name = self.type_name_within(target, depth);
        let space = if name.ends_with('*') { "" } else { " " };
        format!("{name}{space}{sign}")
    }

    fn spell_parameters(&self, parameters: &[Option<EntryId>], depth: usize) -> String {
        // Each name may be as deep again: few are enough to recognise a type.
        let shown = parameters.iter().take(6);
        let names: Vec<_> = shown
            .map(|&parameter| self.type_name_within(parameter, depth.min(3)))
            .collect();
        names.join(", ")
    }

    /// Finds the definition of a type that a unit only declares.
    fn definition_of(&self, declared: Composite) -> Result<Type, SourceError> {
        let definition = declared.name.as_deref().and_then(|name| {
            let definitions = self.definitions.get_or_init(|| self.read_definitions());
            definitions.get(name).copied()
        });
        match definition {
            Some(id) => TypeReader::new(self, id)?.read(),
            None => Ok(Type::Composite(declared)),
        }
    }

    fn read_definitions(&self) -> std::collections::HashMap<String, EntryId> {
        let mut found = std::collections::HashMap::new();
        for (index, unit) in self.units.all.iter().enumerate() {
            let Ok(index) = u32::try_from(index) else {
                break;
            };
            // What was read before a damage stays useful.
            let _ = self.read_definitions_of(index, unit, &mut found);
        }
        found
    }

    fn read_definitions_of(
        &self,
        index: u32,
        unit: &Unit,
        found: &mut std::collections::HashMap<String, EntryId>,
    ) -> Result<(), SourceError> {
        let mut entries = unit.dwarf.entries_raw(None)?;
        let mut attributes = Vec::new();
        while !entries.is_empty() {
            let offset = entries.next_offset();
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            if !is_composite(abbreviation.tag()) {
                entries.skip_attributes(abbreviation.attributes())?;
                continue;
            }
            entries.read_attributes(abbreviation.attributes(), &mut attributes)?;
            let find = |name| attributes.iter().find(move |a| a.name() == name);
            let name = find(gimli::DW_AT_name).and_then(|a| self.text(index, a.value()));
            if let (Some(name), None) = (name, find(gimli::DW_AT_declaration)) {
                let id = super::units::entry_id(index, offset)?;
                found.entry(name).or_insert(id);
            }
        }
        Ok(())
    }
}

fn is_composite(tag: DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type | gimli::DW_TAG_union_type
    )
}

/// Reads one type's entry and its children.
struct TypeReader<'a> {
    source: &'a ModuleSource,
    id: EntryId,
    unit: &'a Unit,
}

type Entries<'a> = gimli::EntriesRaw<'a, Reader>;
type Attributes = Vec<Attribute<Reader>>;

impl<'a> TypeReader<'a> {
    fn new(source: &'a ModuleSource, id: EntryId) -> Result<Self, SourceError> {
        let unit = source.units.get(id.unit);
        Ok(TypeReader {
            source,
            id,
            unit: unit.ok_or(SourceError::DanglingReference)?,
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
            | gimli::DW_TAG_rvalue_reference_type
            | gimli::DW_TAG_ptr_to_member_type => Type::Pointer {
                name,
                target,
                size: size.unwrap_or_else(|| u64::from(self.unit.dwarf.header.address_size())),
                is_reference: matches!(
                    tag,
                    gimli::DW_TAG_reference_type | gimli::DW_TAG_rvalue_reference_type
                ),
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
                    is_rust: self.unit.language == Some(gimli::DW_LANG_Rust),
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

    /// Calls `take` for each child, not for their children.
    fn each_child(
        &self,
        entries: &mut Entries<'_>,
        mut take: impl FnMut(DwTag, &Attributes, &mut Entries<'_>) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        let mut attributes = Vec::new();
        let depth = entries.next_depth();
        // Depth 0 means that the entry has no children at all.
        while depth > 0 && !entries.is_empty() && entries.next_depth() >= depth {
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            entries.read_attributes(abbreviation.attributes(), &mut attributes)?;
            take(abbreviation.tag(), &attributes, entries)?;
            while entries.next_depth() > depth && !entries.is_empty() {
                if let Some(below) = entries.read_abbreviation()? {
                    entries.skip_attributes(below.attributes())?;
                }
            }
        }
        Ok(())
    }

    fn dimensions(&self, entries: &mut Entries<'_>) -> Result<Vec<Option<u64>>, SourceError> {
        let mut counts = Vec::new();
        self.each_child(entries, |tag, attributes, _| {
            if tag == gimli::DW_TAG_subrange_type || tag == gimli::DW_TAG_enumeration_type {
                let count = unsigned(attributes, gimli::DW_AT_count).or_else(|| {
                    let upper = unsigned(attributes, gimli::DW_AT_upper_bound)?;
                    let lower = unsigned(attributes, gimli::DW_AT_lower_bound).unwrap_or(0);
                    // An upper bound of -1 is an array of unknown length.
                    upper.checked_sub(lower)?.checked_add(1)
                });
                counts.push(count);
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

    /// `None` for static members, which are no part of the value.
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
                self.source.size_of(storage).ok()
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
            let die = self.source.entry(id)?;
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
                    });
                }
                Ok(())
            })
        })?;
        Ok(variants)
    }

    fn text(&self, attributes: &Attributes, name: gimli::DwAt) -> Option<String> {
        self.source.text(self.id.unit, find(attributes, name)?)
    }

    fn reference(&self, attributes: &Attributes, name: gimli::DwAt) -> Option<EntryId> {
        let value = find(attributes, name)?;
        self.source.units.reference(self.id.unit, &value).ok()
    }
}

fn find(attributes: &Attributes, name: gimli::DwAt) -> Option<AttributeValue<Reader>> {
    let attribute = attributes.iter().find(|a| a.name() == name)?;
    Some(attribute.value())
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
