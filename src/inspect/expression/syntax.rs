//! What an expression is made of.

use std::ops::Range;

/// A part of an expression, and where it stands in the text (in bytes).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) at: Range<usize>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Whole(i128),
    Real(f64),
    Truth(bool),
    Character(char),
    Text(String),
    /// A variable, `a::b`, or an argument at a hostcall.
    Name(String),
    /// `$local0` and the like.
    Register(Register),
    /// `$event`, `$tick`, `$position`
    Moment(TimeName),
    /// `$node.NAME.event`: the next hostcall of another recording
    Elsewhere(String),
    /// `$mem[address; length]`
    Memory {
        address: Box<Node>,
        length: Option<Box<Node>>,
    },
    /// `$arg.NAME`
    Argument(String),
    /// `$result`
    Result,
    /// `$arrived`
    Arrived,
    /// `$return`
    Return,
    /// `a.b`, `a->b`
    Field {
        of: Box<Node>,
        name: String,
        is_arrow: bool,
    },
    /// `a.len()` and the like
    Call(Box<Node>, Method),
    /// `a[i]`
    Index(Box<Node>, Box<Node>),
    /// `a[i..j]`
    Slice(Box<Node>, Box<Node>, Box<Node>),
    Unary(Unary, Box<Node>),
    Binary(Binary, Box<Node>, Box<Node>),
    /// `(T *)a`, `a as T`
    Cast(TypeName, Box<Node>),
    /// `sizeof(a)`
    SizeOf(Box<Node>),
    /// `sizeof(struct T)`
    SizeOfType(TypeName),
    /// `a ? b : c`, `if a { b } else { c }`
    Choice(Box<Node>, Box<Node>, Box<Node>),
}

/// A value of the core level, in the frame's function or instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Register {
    Local(u32),
    /// Of the operand stack; 0 is the bottom.
    Operand(u32),
    Global(u32),
    /// `$pc`: where in its module the code stands.
    Code,
}

/// What tells one moment of a recording from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeName {
    Event,
    Tick,
    Position,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unary {
    Minus,
    Not,
    Complement,
    Target,
    Address,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Or,
    And,
    Compare(Comparison),
    BitOr,
    BitXor,
    BitAnd,
    ShiftLeft,
    ShiftRight,
    Add,
    Subtract,
    /// `a@n`: so many values from `a` on.
    Repeat,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
}

/// Binary operators with how tightly they bind; of two with a common beginning, the
/// longer comes first. As in Rust and unlike C, `a & b == c` means `(a & b) == c`.
pub(super) const OPERATORS: [(&str, Binary, u8); 19] = [
    ("||", Binary::Or, 1),
    ("&&", Binary::And, 2),
    ("==", Binary::Compare(Comparison::Equal), 3),
    ("!=", Binary::Compare(Comparison::Unequal), 3),
    ("<<", Binary::ShiftLeft, 7),
    (">>", Binary::ShiftRight, 7),
    ("<=", Binary::Compare(Comparison::LessOrEqual), 3),
    (">=", Binary::Compare(Comparison::GreaterOrEqual), 3),
    ("<", Binary::Compare(Comparison::Less), 3),
    (">", Binary::Compare(Comparison::Greater), 3),
    ("|", Binary::BitOr, 4),
    ("^", Binary::BitXor, 5),
    ("&", Binary::BitAnd, 6),
    ("@", Binary::Repeat, 8),
    ("+", Binary::Add, 9),
    ("-", Binary::Subtract, 9),
    ("*", Binary::Multiply, 10),
    ("/", Binary::Divide, 10),
    ("%", Binary::Remainder, 10),
];

/// A type as an expression names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeName {
    /// Without `struct` and qualifiers.
    pub(super) name: String,
    /// How many pointers are between: 1 for `T *`.
    pub(super) pointers: u32,
}

/// What is asked of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Length,
    IsEmpty,
    /// Whether it stands at the case with this name, in Rust.
    Is(&'static str),
    HasValue,
    /// What it holds, which there must be.
    Held,
    First,
    Last,
    /// What gives the same value in another dress: a guard, a reference, a pointer.
    Itself,
}

/// The methods by their names in Rust and C++.
const NAMES: [(Method, &[&str]); 11] = [
    (Method::Length, &["len", "size", "length"]),
    (Method::IsEmpty, &["is_empty", "empty"]),
    (Method::Is("Some"), &["is_some"]),
    (Method::Is("None"), &["is_none"]),
    (Method::Is("Ok"), &["is_ok"]),
    (Method::Is("Err"), &["is_err"]),
    (Method::HasValue, &["has_value"]),
    (Method::Held, &["unwrap", "value"]),
    (Method::First, &["first", "front"]),
    (Method::Last, &["last", "back"]),
    (
        Method::Itself,
        &[
            "get", "borrow", "lock", "read", "as_ref", "as_deref", "as_str", "as_slice", "deref",
            "c_str", "data", "clone",
        ],
    ),
];

impl Method {
    pub(super) fn named(name: &str) -> Option<Method> {
        let mut all = NAMES.iter();
        all.find(|(_, names)| names.contains(&name))
            .map(|(method, _)| *method)
    }
}

impl Node {
    /// Whether any part is of a kind.
    pub(super) fn any(&self, is: &dyn Fn(&Kind) -> bool) -> bool {
        is(&self.kind) || self.parts().into_iter().any(|part| part.any(is))
    }

    fn parts(&self) -> Vec<&Node> {
        match &self.kind {
            Kind::Memory { address, length } => std::iter::once(&**address)
                .chain(length.as_deref())
                .collect(),
            Kind::Field { of, .. }
            | Kind::Call(of, _)
            | Kind::Unary(_, of)
            | Kind::Cast(_, of)
            | Kind::SizeOf(of) => vec![of],
            Kind::Index(a, b) | Kind::Binary(_, a, b) => vec![a, b],
            Kind::Slice(a, b, c) | Kind::Choice(a, b, c) => vec![a, b, c],
            _ => Vec::new(),
        }
    }
}
