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
    Bool,
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
    F32,
    F64,
    Char,
    String,
    ErrorContext,
    List(Arc<ValueType>),
    /// `list<T, N>`: exactly `N` elements, laid out in place.
    FixedList(Arc<ValueType>, u32),
    /// `map<K, V>`, laid out as a list of pairs.
    Map(Arc<ValueType>, Arc<ValueType>),
    Tuple(Arc<[ValueType]>),
    Option(Arc<ValueType>),
    Result(Option<Arc<ValueType>>, Option<Arc<ValueType>>),
    Record(Arc<Record>),
    Variant(Arc<Variant>),
    Enum(Arc<Labels>),
    Flags(Arc<Labels>),
    Own(Arc<Resource>),
    Borrow(Arc<Resource>),
    Stream(Option<Arc<ValueType>>),
    Future(Option<Arc<ValueType>>),
}

/// `record`: fields in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    pub name: Option<TypeName>,
    pub fields: Vec<(String, ValueType)>,
}

/// `variant`: cases in order, each with an optional payload.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Variant {
    pub name: Option<TypeName>,
    pub cases: Vec<(String, Option<ValueType>)>,
}

/// The labels of an `enum` or of `flags`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Labels {
    pub name: Option<TypeName>,
    pub labels: Vec<String>,
}

/// A resource type, as one component sees it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resource {
    pub name: Option<TypeName>,
    /// Tells apart resource types of equal or missing names; equal for two uses
    /// of one type within one component.
    pub id: u32,
}

/// The name of a type: the interface it comes from and its own name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TypeName {
    /// `wasi:io/streams@0.2.6`, or empty for a type of the world itself.
    pub interface: String,
    /// `output-stream`
    pub name: String,
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
    pub params: Vec<(String, ValueType)>,
    pub result: Option<ValueType>,
    pub is_async: bool,
}

/// A type of the core level that may cross the boundary or live in a local.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CoreType {
    I32,
    I64,
    F32,
    F64,
}

/// A core function signature of a crossing: canonical ABI signatures hold
/// numbers only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct CoreSignature {
    pub params: Vec<CoreType>,
    pub results: Vec<CoreType>,
}

/// A value of the core level. Floats are kept as bits: NaN payloads matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum CoreValue {
    I32(i32),
    I64(i64),
    /// The bits of an `f32`.
    F32(u32),
    /// The bits of an `f64`.
    F64(u64),
    V128(u128),
    /// A reference; `true` if it is null.
    Ref(bool),
}

/// How strings are encoded in the memory of a crossing (canonical option
/// `string-encoding`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StringEncoding {
    #[default]
    Utf8,
    Utf16,
    /// `latin1+utf16`: the top bit of the length tells which.
    CompactUtf16,
}
