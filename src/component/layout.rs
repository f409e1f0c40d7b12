//! Where values lie: the canonical ABI's sizes, alignments, offsets and flat
//! forms, computed over owned [`ValueType`]s.
//!
//! Sizes are 64-bit and saturate: nested fixed-length lists can claim more bytes
//! than any memory has, and such a size must fail a bounds check, not wrap into
//! one that passes.

use super::types::{CoreSignature, CoreType, FunctionType, ValueType};

/// Most flat parameters of a function before they are spilled to memory.
pub const MAX_FLAT_PARAMS: usize = 16;
/// Most flat parameters of a function lowered with `async`.
pub const MAX_FLAT_ASYNC_PARAMS: usize = 4;

/// The width of pointers and lengths in the memory of a crossing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pointer {
    /// 32 bits: a memory that is addressed with `i32`, or none.
    #[default]
    Wasm32,
    /// 64 bits: a memory that is addressed with `i64`.
    Wasm64,
}

impl Pointer {
    /// In bytes; also the alignment.
    pub fn size(self) -> u32 {
        match self {
            Self::Wasm32 => 4,
            Self::Wasm64 => 8,
        }
    }

    /// What carries such a pointer or length flat.
    pub fn core_type(self) -> CoreType {
        match self {
            Self::Wasm32 => CoreType::I32,
            Self::Wasm64 => CoreType::I64,
        }
    }
}

/// Size and alignment of a value in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout {
    /// In bytes; `u64::MAX` for a type that fits no memory.
    pub size: u64,
    /// A power of two, at most 8.
    pub align: u32,
}

impl Layout {
    const EMPTY: Self = Self { size: 0, align: 1 };

    fn scalar(size: u32) -> Self {
        Self {
            size: u64::from(size),
            align: size,
        }
    }
}

/// A row of values in memory: a record, a tuple, spilled parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// Where each value begins, from the beginning of the row.
    pub offsets: Vec<u64>,
    /// Of the whole row, with the padding after its last value.
    pub layout: Layout,
}

/// A variant in memory, whichever way it is spelled (`variant`, `enum`,
/// `option`, `result`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VariantLayout {
    /// 1, 2 or 4 bytes at the beginning.
    pub discriminant_size: u32,
    /// Where every payload begins.
    pub payload_offset: u64,
    /// Of the whole value, with room for its largest payload.
    pub layout: Layout,
}

/// Size and alignment of a value of this type in memory.
pub fn layout(ty: &ValueType, pointer: Pointer) -> Layout {
    use ValueType as V;
    match ty {
        V::Bool | V::S8 | V::U8 => Layout::scalar(1),
        V::S16 | V::U16 => Layout::scalar(2),
        V::S32 | V::U32 | V::F32 | V::Char => Layout::scalar(4),
        V::S64 | V::U64 | V::F64 => Layout::scalar(8),
        V::ErrorContext | V::Own(_) | V::Borrow(_) | V::Stream(_) | V::Future(_) => {
            Layout::scalar(4)
        }
        V::String | V::List(_) | V::Map(..) => Layout {
            size: u64::from(pointer.size()) * 2,
            align: pointer.size(),
        },
        V::FixedList(element, count) => {
            let element = layout(element, pointer);
            Layout {
                size: element.size.saturating_mul(u64::from(*count)),
                align: element.align,
            }
        }
        V::Record(record) => sequence(record.fields.iter().map(|(_, ty)| ty), pointer).layout,
        V::Tuple(types) => sequence(types.iter(), pointer).layout,
        V::Flags(flags) => flags_layout(flags.labels.len()),
        V::Enum(_) | V::Option(_) | V::Result(..) | V::Variant(_) => {
            variant_layout(ty, pointer).map_or(Layout::EMPTY, |variant| variant.layout)
        }
    }
}

/// Values one after the other, each at its alignment.
pub fn sequence<'a>(types: impl Iterator<Item = &'a ValueType>, pointer: Pointer) -> Sequence {
    let mut offsets = Vec::new();
    let mut row = Layout::EMPTY;
    for ty in types {
        let value = layout(ty, pointer);
        let offset = align_up(row.size, value.align);
        offsets.push(offset);
        row.size = offset.saturating_add(value.size);
        row.align = row.align.max(value.align);
    }
    row.size = align_up(row.size, row.align);
    Sequence {
        offsets,
        layout: row,
    }
}

/// The parts of a variant in memory; `None` for a type that has no discriminant.
pub fn variant_layout(ty: &ValueType, pointer: Pointer) -> Option<VariantLayout> {
    let discriminant = Layout::scalar(discriminant_size(case_count(ty)?));
    let mut payload = Layout::EMPTY;
    for case in payloads(ty) {
        let case = layout(case, pointer);
        payload.size = payload.size.max(case.size);
        payload.align = payload.align.max(case.align);
    }
    let payload_offset = align_up(discriminant.size, payload.align);
    let align = discriminant.align.max(payload.align);
    Some(VariantLayout {
        discriminant_size: discriminant.align,
        payload_offset,
        layout: Layout {
            size: align_up(payload_offset.saturating_add(payload.size), align),
            align,
        },
    })
}

/// The flat form of a value; `None` if it takes more than [`MAX_FLAT_PARAMS`]
/// core values, for then no function passes it flat.
pub fn flatten(ty: &ValueType, pointer: Pointer) -> Option<Vec<CoreType>> {
    let mut flat = Vec::new();
    flatten_into(ty, pointer, &mut flat)?;
    Some(flat)
}

/// The flat form of values in a row, under the same limit as [`flatten`].
pub fn flatten_all<'a>(
    types: impl Iterator<Item = &'a ValueType>,
    pointer: Pointer,
) -> Option<Vec<CoreType>> {
    let mut flat = Vec::new();
    for ty in types {
        flatten_into(ty, pointer, &mut flat)?;
    }
    Some(flat)
}

/// The core type that can carry either of two, for cases of a variant that share
/// a flat slot.
pub fn join(a: CoreType, b: CoreType) -> CoreType {
    use CoreType::{F32, I32, I64};
    match (a, b) {
        _ if a == b => a,
        (I32, F32) | (F32, I32) => I32,
        _ => I64,
    }
}

fn flatten_into(ty: &ValueType, pointer: Pointer, flat: &mut Vec<CoreType>) -> Option<()> {
    use ValueType as V;
    match ty {
        V::Bool | V::S8 | V::U8 | V::S16 | V::U16 | V::S32 | V::U32 | V::Char => {
            push(flat, CoreType::I32)
        }
        V::ErrorContext | V::Own(_) | V::Borrow(_) | V::Stream(_) | V::Future(_) => {
            push(flat, CoreType::I32)
        }
        V::S64 | V::U64 => push(flat, CoreType::I64),
        V::F32 => push(flat, CoreType::F32),
        V::F64 => push(flat, CoreType::F64),
        V::String | V::List(_) | V::Map(..) => {
            push(flat, pointer.core_type())?;
            push(flat, pointer.core_type())
        }
        V::FixedList(element, count) => repeat(&flatten(element, pointer)?, *count, flat),
        V::Record(record) => record
            .fields
            .iter()
            .try_for_each(|(_, ty)| flatten_into(ty, pointer, flat)),
        V::Tuple(types) => types
            .iter()
            .try_for_each(|ty| flatten_into(ty, pointer, flat)),
        V::Flags(flags) => {
            (0..flag_words(flags.labels.len())).try_for_each(|_| push(flat, CoreType::I32))
        }
        V::Enum(_) => push(flat, CoreType::I32),
        V::Option(_) | V::Result(..) | V::Variant(_) => {
            push(flat, CoreType::I32)?;
            joined_payloads(ty, pointer)?
                .into_iter()
                .try_for_each(|slot| push(flat, slot))
        }
    }
}

/// The flat slots after the discriminant of a variant: the join of every case's
/// payload. Empty for a type without cases.
pub fn joined_payloads(ty: &ValueType, pointer: Pointer) -> Option<Vec<CoreType>> {
    let mut joined: Vec<CoreType> = Vec::new();
    for payload in payloads(ty) {
        let payload = flatten(payload, pointer)?;
        for (slot, ty) in joined.iter_mut().zip(&payload) {
            *slot = join(*slot, *ty);
        }
        joined.extend(payload.into_iter().skip(joined.len()));
    }
    Some(joined)
}

fn push(flat: &mut Vec<CoreType>, ty: CoreType) -> Option<()> {
    (flat.len() < MAX_FLAT_PARAMS).then(|| flat.push(ty))
}

fn repeat(element: &[CoreType], count: u32, flat: &mut Vec<CoreType>) -> Option<()> {
    // Without this, four billion elements of no flat values would keep us busy.
    if element.is_empty() {
        return Some(());
    }
    (0..count).try_for_each(|_| element.iter().try_for_each(|ty| push(flat, *ty)))
}

/// How many cases a variant has; `None` for a type that has no discriminant.
pub fn case_count(ty: &ValueType) -> Option<usize> {
    match ty {
        ValueType::Enum(labels) => Some(labels.labels.len()),
        ValueType::Option(_) | ValueType::Result(..) => Some(2),
        ValueType::Variant(variant) => Some(variant.cases.len()),
        _ => None,
    }
}

fn payloads(ty: &ValueType) -> impl Iterator<Item = &ValueType> {
    cases(ty).into_iter().map(|(_, payload)| payload)
}

/// The cases of a variant that have a payload, by name.
pub fn cases(ty: &ValueType) -> Vec<(&str, &ValueType)> {
    match ty {
        ValueType::Option(some) => vec![("some", &**some)],
        ValueType::Result(ok, err) => {
            let ok = ok.iter().map(|ty| ("ok", &**ty));
            ok.chain(err.iter().map(|ty| ("err", &**ty))).collect()
        }
        ValueType::Variant(variant) => {
            let cases = variant.cases.iter();
            cases
                .filter_map(|(name, ty)| Some((name.as_str(), ty.as_ref()?)))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Bytes of the discriminant of a variant with so many cases.
pub fn discriminant_size(cases: usize) -> u32 {
    match cases {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

fn flags_layout(count: usize) -> Layout {
    match count {
        0 => Layout::EMPTY,
        1..=8 => Layout::scalar(1),
        9..=16 => Layout::scalar(2),
        _ => Layout {
            size: (flag_words(count) as u64).saturating_mul(4),
            align: 4,
        },
    }
}

/// 32-bit words that so many flags take. The component model allows 32 flags;
/// older binaries may have more.
pub fn flag_words(count: usize) -> usize {
    count.div_ceil(32)
}

fn align_up(size: u64, align: u32) -> u64 {
    let mask = u64::from(align).saturating_sub(1);
    match size.checked_add(mask) {
        Some(sum) => sum & !mask,
        None => u64::MAX,
    }
}

/// How the parameters of a function cross the core boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Params {
    /// The core parameters, each argument's flat form after the one before.
    Flat(Vec<CoreType>),
    /// One pointer to all of them, laid out in a row.
    Spilled(Sequence),
}

impl Params {
    fn new(types: &[&ValueType], limit: usize, pointer: Pointer) -> Self {
        match flatten_all(types.iter().copied(), pointer) {
            Some(flat) if flat.len() <= limit => Self::Flat(flat),
            _ => Self::Spilled(sequence(types.iter().copied(), pointer)),
        }
    }

    fn core_types(&self, pointer: Pointer) -> Vec<CoreType> {
        match self {
            Self::Flat(flat) => flat.clone(),
            Self::Spilled(_) => vec![pointer.core_type()],
        }
    }
}

/// How the result of a function crosses the core boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// The function has no result, or one of no core values.
    Nothing,
    /// The one core value that the result flattens to, as the core result.
    Flat(CoreType),
    /// Lowered: the last core parameter points to the caller's return area.
    /// Lifted: the core result points to the callee's.
    Area(Layout),
    /// Lifted with `async`: the guest hands the result to `task.return`, and the
    /// core function answers a status.
    Task,
}

/// A component function as core functions see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// How its arguments are passed, without the address of a return area.
    pub params: Params,
    /// How its result comes back.
    pub returned: Returned,
    /// Of the core function: return areas and `async` statuses included.
    pub signature: CoreSignature,
}

/// The shape of `canon lower`: what the guest calls.
pub fn lowered(function: &FunctionType, pointer: Pointer, is_async: bool) -> Shape {
    let limit = if is_async {
        MAX_FLAT_ASYNC_PARAMS
    } else {
        MAX_FLAT_PARAMS
    };
    let params = Params::new(&param_types(function), limit, pointer);
    let returned = match &function.result {
        None => Returned::Nothing,
        Some(ty) if is_async => Returned::Area(layout(ty, pointer)),
        Some(ty) => returned(ty, pointer),
    };
    let mut core_params = params.core_types(pointer);
    let mut results = Vec::new();
    match returned {
        Returned::Area(_) => core_params.push(pointer.core_type()),
        Returned::Flat(ty) => results.push(ty),
        Returned::Nothing | Returned::Task => {}
    }
    if is_async {
        // The subtask's state, and its handle unless it has already returned.
        results = vec![CoreType::I32];
    }
    Shape {
        params,
        returned,
        signature: CoreSignature {
            params: core_params,
            results,
        },
    }
}

/// The shape of the core function behind `canon lift`: what the guest exports.
pub fn lifted(function: &FunctionType, pointer: Pointer, lift: Lift) -> Shape {
    let params = Params::new(&param_types(function), MAX_FLAT_PARAMS, pointer);
    let (returned, results) = match (lift, &function.result) {
        (Lift::AsyncCallback, _) => (Returned::Task, vec![CoreType::I32]),
        (Lift::AsyncStackful, _) => (Returned::Task, vec![]),
        (Lift::Sync, None) => (Returned::Nothing, vec![]),
        (Lift::Sync, Some(ty)) => {
            let returned = returned(ty, pointer);
            let results = match returned {
                Returned::Flat(ty) => vec![ty],
                Returned::Area(_) => vec![pointer.core_type()],
                Returned::Nothing | Returned::Task => vec![],
            };
            (returned, results)
        }
    };
    Shape {
        signature: CoreSignature {
            params: params.core_types(pointer),
            results,
        },
        params,
        returned,
    }
}

/// How `canon lift` runs the core function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lift {
    /// Without `async`: the task is over when the core function returns.
    Sync,
    /// `async` with a `callback`: the core function answers what to wait for.
    AsyncCallback,
    /// `async` without: the core function blocks on its own stack.
    AsyncStackful,
}

/// How `task.return` takes a result: as parameters.
pub fn task_return(result: Option<&ValueType>, pointer: Pointer) -> Params {
    let types: Vec<&ValueType> = result.into_iter().collect();
    Params::new(&types, MAX_FLAT_PARAMS, pointer)
}

fn returned(ty: &ValueType, pointer: Pointer) -> Returned {
    // More than one flat result is returned in memory.
    match flatten(ty, pointer).as_deref() {
        Some([]) => Returned::Nothing,
        Some([one]) => Returned::Flat(*one),
        _ => Returned::Area(layout(ty, pointer)),
    }
}

fn param_types(function: &FunctionType) -> Vec<&ValueType> {
    function.params.iter().map(|(_, ty)| ty).collect()
}
