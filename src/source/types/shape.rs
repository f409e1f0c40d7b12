//! One type as it is read: what it is, and which types it is made of.

use crate::source::units::EntryId;

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
    /// The number of a file in the type's unit, and a line: where the case is declared, or, of
    /// a coroutine's state, where it is suspended.
    pub(crate) declared: Option<(u64, u32)>,
}
