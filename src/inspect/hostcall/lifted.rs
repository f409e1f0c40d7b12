//! Component-level values, right or wrong, as plain data.

use std::sync::Arc;

use crate::component::status::SubtaskState;
use crate::component::types::{Resource, ValueType};

/// A component-level value, as much of it as [`Limits`](super::lift::Limits) let in.
#[derive(Debug, Clone, PartialEq)]
pub enum Lifted {
    /// `bool`.
    Bool(bool),
    /// `s8` to `s64`.
    Signed(i64),
    /// `u8` to `u64`; indices, addresses and lengths that built-ins take.
    Unsigned(u64),
    /// `f32`.
    F32(f32),
    /// `f64`.
    F64(f64),
    /// `char`.
    Char(char),
    /// `string`.
    String(Text),
    /// `list<u8>`.
    Bytes(Bytes),
    /// Any other `list<T>`, `list<T, N>`, and `map<K, V>` as a list of pairs.
    List(List),
    /// The fields by name, in the order of the type.
    Record(Vec<(String, Lifted)>),
    /// `tuple`, part by part.
    Tuple(Vec<Lifted>),
    /// The name of the case, and its payload if it has one.
    Variant(String, Option<Box<Lifted>>),
    /// The name of the case.
    Enum(String),
    /// `None` for `none`.
    Option(Option<Box<Lifted>>),
    /// Without a payload where the type has none on that side.
    Result(Result<Option<Box<Lifted>>, Option<Box<Lifted>>>),
    /// The labels that are set.
    Flags(Vec<String>),
    /// `own`, `borrow`, `stream`, `future` or `error-context`.
    Handle(Handle),
    /// An asynchronous call has not returned yet.
    Pending(Subtask),
    /// What stands here is not a value of its type.
    Invalid {
        /// In words: an address outside of memory, a case that there is not.
        why: String,
    },
    /// There is something here, but the limits were reached.
    Elided,
}

/// Where an asynchronous call stands that has not returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subtask {
    /// Its handle, 0 if it has none.
    pub handle: u32,
    /// `None` for a code that there is not.
    pub state: Option<SubtaskState>,
}

/// An index into the handle table of the component instance that was given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle {
    /// From the type of the value.
    pub kind: HandleKind,
    /// The index; for a `borrow` given to the component that defines the resource, the rep.
    pub index: u32,
}

/// What a handle in a value is a handle to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandleKind {
    /// `own<R>`: the resource goes with the value.
    Own(Arc<Resource>),
    /// `borrow<R>`: it is lent to the call.
    Borrow(Arc<Resource>),
    /// The readable end of a `stream<T>`; `None` if it carries no values.
    Stream(Option<Arc<ValueType>>),
    /// The readable end of a `future<T>`; `None` if it carries no value.
    Future(Option<Arc<ValueType>>),
    /// `error-context`.
    ErrorContext,
}

/// A list: its first elements, and where the others are.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// The type of each element.
    pub element: ValueType,
    /// How many elements there are, in `head` or not.
    pub length: u64,
    /// Where the first element lies; `None` for a fixed-length list passed flat,
    /// whose elements are all in `head`.
    pub pointer: Option<u64>,
    /// The first elements, as many as the limits let in.
    pub head: Vec<Lifted>,
}

/// A list of bytes: the first ones, and where the others are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytes {
    /// How many bytes there are, in `head` or not.
    pub length: u64,
    /// Where the first one lies.
    pub pointer: u64,
    /// The first bytes, as many as the limits let in.
    pub head: Vec<u8>,
}

/// A string, or the beginning of a long one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// What was read of it: whole characters.
    pub text: String,
    /// Bytes in memory that are not in `text`.
    pub more: u64,
    /// Where it lies in memory.
    pub pointer: u64,
}

impl Lifted {
    /// What is inside, with the names of parts, for showing as a tree. The elements
    /// of a list are those in its head; [`Lifter::page`](super::lift::Lifter::page) has the others.
    pub fn children(&self) -> Vec<(String, &Lifted)> {
        let numbered = |values: &'_ [Lifted]| -> Vec<String> {
            (0..values.len())
                .map(|number| format!("[{number}]"))
                .collect()
        };
        match self {
            Self::Record(fields) => fields
                .iter()
                .map(|(name, value)| (name.clone(), value))
                .collect(),
            Self::Tuple(values) => (0..).map(|n: u32| n.to_string()).zip(values).collect(),
            Self::List(list) => numbered(&list.head).into_iter().zip(&list.head).collect(),
            Self::Variant(name, Some(payload)) => vec![(name.clone(), payload)],
            Self::Option(Some(payload)) => vec![("some".into(), payload)],
            Self::Result(Ok(Some(payload))) => vec![("ok".into(), payload)],
            Self::Result(Err(Some(payload))) => vec![("err".into(), payload)],
            _ => Vec::new(),
        }
    }

    /// Calls `visit` with every handle inside that was lifted, in the order of the
    /// canonical ABI.
    pub fn for_each_handle(&self, visit: &mut dyn FnMut(&Handle)) {
        match self {
            Self::Handle(handle) => visit(handle),
            Self::Record(fields) => fields
                .iter()
                .for_each(|(_, value)| value.for_each_handle(visit)),
            Self::Tuple(values) | Self::List(List { head: values, .. }) => {
                values.iter().for_each(|value| value.for_each_handle(visit))
            }
            Self::Variant(_, Some(payload))
            | Self::Option(Some(payload))
            | Self::Result(Ok(Some(payload)) | Err(Some(payload))) => {
                payload.for_each_handle(visit);
            }
            _ => {}
        }
    }
}

/// Whether values of a type can hold handles. Most crossings move none, and then the
/// handle table need not have their values lifted.
pub fn holds_handles(ty: &ValueType) -> bool {
    ty.holds_handles()
}
