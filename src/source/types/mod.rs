//! Types, read from the debug information one at a time, when asked for.

mod reader;

use super::spelling::short;
use super::units::EntryId;
use super::{ModuleSource, SourceError};
use reader::TypeReader;

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
    /// A pointer to a member of a class.
    MemberPointer {
        class: Option<EntryId>,
        target: Option<EntryId>,
        size: u64,
    },
    Array {
        element: Option<EntryId>,
        /// One for each dimension.
        counts: Vec<Count>,
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

/// How many elements an array has in one dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    Known(u64),
    /// As many as the variable with this entry says: C's arrays of variable length.
    Variable(EntryId),
    /// The type does not say: C's flexible array members.
    Unknown,
}

impl Count {
    pub(crate) fn known(self) -> Option<u64> {
        match self {
            Count::Known(count) => Some(count),
            Count::Variable(_) | Count::Unknown => None,
        }
    }
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
            Ok(read) => self.spell(read, self.is_rust(id.unit), deeper),
            Err(_) => "?".to_owned(),
        }
    }

    /// The bytes of an address, as the unit that describes a type has them.
    pub(crate) fn address_size(&self, of: EntryId) -> u64 {
        let unit = self.units.get(of.unit);
        unit.map_or(4, |unit| u64::from(unit.dwarf.header.address_size()))
    }

    /// The name of arrays of a type, of arrays of those and so on, the outermost first.
    pub(crate) fn array_name(&self, element: Option<EntryId>, counts: &[Count]) -> String {
        self.array_name_within(element, counts, 12)
    }

    fn array_name_within(
        &self,
        element: Option<EntryId>,
        counts: &[Count],
        depth: usize,
    ) -> String {
        let name = self.type_name_within(element, depth);
        let counts = counts.iter().take(8);
        let counts = counts.map(|count| {
            let known = count.known();
            known.map_or(String::new(), |count| count.to_string())
        });
        if element.is_some_and(|element| self.is_rust(element.unit)) {
            return counts.rfold(name, |name, count| format!("[{name}; {count}]"));
        }
        counts.fold(name, |name, count| format!("{name}[{count}]"))
    }

    /// The name of pointers to a type, as an expression makes them.
    pub(crate) fn pointer_name(&self, target: EntryId) -> String {
        match self.is_rust(target.unit) {
            true => format!("&{}", self.type_name(Some(target))),
            false => self.spell_pointer(Some(target), false, 12),
        }
    }

    fn is_template(&self, id: EntryId) -> bool {
        let resolved = self.resolved(id);
        matches!(resolved, Ok((_, Type::Composite(of))) if !of.arguments.is_empty())
    }

    fn is_rust(&self, unit: u32) -> bool {
        let unit = self.units.get(unit);
        unit.is_some_and(|unit| unit.is_rust())
    }

    fn spell(&self, spelled: Type, is_rust: bool, depth: usize) -> String {
        match spelled {
            // What the library calls its own types among itself.
            Type::Alias {
                name,
                target: Some(target),
            } if name.starts_with("__") && self.is_template(target) => {
                self.type_name_within(Some(target), depth)
            }
            Type::Base { name, .. } | Type::Alias { name, .. } | Type::Unspecified { name } => {
                short(&name, is_rust)
            }
            Type::Pointer {
                name: Some(name), ..
            } => short(&name, is_rust),
            Type::Pointer {
                target,
                is_reference,
                ..
            } => self.spell_pointer(target, is_reference, depth),
            Type::MemberPointer { class, target, .. } => {
                let class = self.type_name_within(class, depth);
                let target = self.type_name_within(target, depth);
                format!("{target} {class}::*")
            }
            Type::Array {
                element, counts, ..
            } => self.array_name_within(element, &counts, depth),
            Type::Composite(Composite { name, is_union, .. }) => {
                let kind = if is_union { "union" } else { "struct" };
                name.map_or_else(|| format!("{kind} {{…}}"), |name| short(&name, is_rust))
            }
            Type::Enumeration { name, .. } => {
                name.map_or_else(|| "enum {…}".to_owned(), |name| short(&name, is_rust))
            }
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
        let definition = declared.name.as_deref();
        let definition = definition.and_then(|name| self.composite_named(name));
        match definition {
            Some(id) => TypeReader::new(self, id)?.read(),
            None => Ok(Type::Composite(declared)),
        }
    }
}
