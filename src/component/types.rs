//! Component-level types, owned and by name, as a person wants to read them.
//!
//! wasmparser's types live in arenas that borrow from validation; everything
//! after parsing (lifting, display, handle tables) wants plain values, so the
//! types of crossings are converted once into these.

use std::sync::Arc;

/// A component-model value type. Named types carry the name under which the
/// component imports or exports them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// `bool`.
    Bool,
    /// `s8`.
    S8,
    /// `u8`.
    U8,
    /// `s16`.
    S16,
    /// `u16`.
    U16,
    /// `s32`.
    S32,
    /// `u32`.
    U32,
    /// `s64`.
    S64,
    /// `u64`.
    U64,
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// `char`: a Unicode scalar value, as an `i32`.
    Char,
    /// `string`: address and length, in the encoding of the crossing.
    String,
    /// `error-context`: a handle, as an `i32`.
    ErrorContext,
    /// `list<T>`: address and number of elements.
    List(Arc<ValueType>),
    /// `list<T, N>`: exactly `N` elements, laid out in place.
    FixedList(Arc<ValueType>, u32),
    /// `map<K, V>`, laid out as a list of pairs.
    Map(Arc<ValueType>, Arc<ValueType>),
    /// `tuple<T, U, ...>`: laid out as a record.
    Tuple(Arc<[ValueType]>),
    /// `option<T>`: a variant of `none` and `some`.
    Option(Arc<ValueType>),
    /// `result<T, E>`: `ok` and `err`; `None` for a case without payload.
    Result(Option<Arc<ValueType>>, Option<Arc<ValueType>>),
    /// `record`, with its fields.
    Record(Arc<Record>),
    /// `variant`, with its cases.
    Variant(Arc<Variant>),
    /// `enum`: one of the labels, by number.
    Enum(Arc<Labels>),
    /// `flags`: a bit for each label, from the lowest.
    Flags(Arc<Labels>),
    /// `own<R>`: a handle that is passed on with what it stands for, as an `i32`.
    Own(Arc<Resource>),
    /// `borrow<R>`: lent for the length of a call, as an `i32`.
    Borrow(Arc<Resource>),
    /// `stream<T>`: the handle of its readable end; `None` for one without elements.
    Stream(Option<Arc<ValueType>>),
    /// `future<T>`: the handle of its readable end; `None` for one without a value.
    Future(Option<Arc<ValueType>>),
}

impl ValueType {
    /// Whether values of the type are handles themselves.
    pub fn is_handle(&self) -> bool {
        use ValueType as V;
        matches!(
            self,
            V::Own(_) | V::Borrow(_) | V::Stream(_) | V::Future(_) | V::ErrorContext
        )
    }

    /// Whether values of the type can hold handles.
    pub fn holds_handles(&self) -> bool {
        use ValueType as V;
        match self {
            ty if ty.is_handle() => true,
            V::List(element) | V::FixedList(element, _) | V::Option(element) => {
                element.holds_handles()
            }
            V::Map(key, value) => key.holds_handles() || value.holds_handles(),
            V::Tuple(types) => types.iter().any(ValueType::holds_handles),
            V::Result(ok, err) => ok.iter().chain(err).any(|ty| ty.holds_handles()),
            V::Record(record) => record.fields.iter().any(|(_, ty)| ty.holds_handles()),
            V::Variant(variant) => {
                let mut payloads = variant.cases.iter().filter_map(|(_, ty)| ty.as_ref());
                payloads.any(ValueType::holds_handles)
            }
            _ => false,
        }
    }
}

/// `record`: fields in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// `None` if the component neither imports nor exports it by a name.
    pub name: Option<TypeName>,
    /// Names and types, in the order in which they lie in memory.
    pub fields: Vec<(String, ValueType)>,
}

/// `variant`: cases in order, each with an optional payload.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Variant {
    /// `None` if the component neither imports nor exports it by a name.
    pub name: Option<TypeName>,
    /// Names and payloads; a case's index is its discriminant.
    pub cases: Vec<(String, Option<ValueType>)>,
}

/// The labels of an `enum` or of `flags`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Labels {
    /// `None` if the component neither imports nor exports it by a name.
    pub name: Option<TypeName>,
    /// A label's index is its discriminant, or the number of its bit.
    pub labels: Vec<String>,
}

/// A resource type, as one component sees it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resource {
    /// `None` if the component neither imports nor exports it by a name.
    pub name: Option<TypeName>,
    /// Tells apart resource types of equal or missing names; equal for two uses
    /// of one type within one component.
    pub id: u32,
}

/// The name of a type: the interface it comes from and its own name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TypeName {
    /// `wasi:io/streams@0.2.6`, or empty for a type of the world itself.
    pub interface: Arc<str>,
    /// `output-stream`
    pub name: Arc<str>,
}

impl std::fmt::Display for TypeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.interface.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}#{}", self.interface, self.name)
        }
    }
}

/// A component-level function type with its parameter names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct FunctionType {
    /// Names and types, before lowering.
    pub params: Vec<(String, ValueType)>,
    /// `None` for a function that returns nothing.
    pub result: Option<ValueType>,
    /// Whether its type is `async`: that the far side may block, whatever ABI it is called with.
    pub is_async: bool,
}

/// A type of the core level that may cross the boundary or live in a local.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CoreType {
    /// `i32`.
    I32,
    /// `i64`.
    I64,
    /// `f32`.
    F32,
    /// `f64`.
    F64,
}

/// A core function signature of a crossing: canonical ABI signatures hold
/// numbers only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct CoreSignature {
    /// One for each flat argument.
    pub params: Vec<CoreType>,
    /// One for each flat result; the canonical ABI has at most one.
    pub results: Vec<CoreType>,
}

/// A value of the core level. Floats are kept as bits: NaN payloads matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum CoreValue {
    /// An `i32`, read as signed.
    I32(i32),
    /// An `i64`, read as signed.
    I64(i64),
    /// The bits of an `f32`.
    F32(u32),
    /// The bits of an `f64`.
    F64(u64),
    /// A vector, its first lane in the lowest bits; in locals and globals, never in crossings.
    V128(u128),
    /// A reference; `true` if it is null.
    Ref(bool),
}

/// How strings are encoded in the memory of a crossing (canonical option
/// `string-encoding`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StringEncoding {
    /// Lengths count bytes.
    #[default]
    Utf8,
    /// Little-endian; lengths count code units of two bytes.
    Utf16,
    /// `latin1+utf16`: the top bit of the length tells which.
    CompactUtf16,
}
