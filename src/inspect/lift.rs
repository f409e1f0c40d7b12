//! Lift values: from core values and memory to component-level values.
//!
//! What is lifted is what a program really passed, right or wrong: a pointer out of
//! bounds, bytes that are no UTF-8, a discriminant that names no case become
//! [`Lifted::Invalid`] in their place, and the rest of the value is lifted all the
//! same. Nothing here fails, and the work for one value is bounded by [`Limits`].

use std::sync::Arc;

use super::lift_text::{self, Text};
use crate::component::layout::{
    self, Lift, Params, Pointer, Returned, Shape, joined_payloads, variant_layout,
};
use crate::component::types::{
    CoreType, CoreValue, FunctionType, Labels, Resource, StringEncoding, ValueType,
};

/// Reads guest memory: so many bytes from an address, or nothing if not all of
/// them are in bounds.
pub type Memory<'a> = dyn Fn(u64, u64) -> Option<Vec<u8>> + 'a;

/// A component-level value, as much of it as [`Limits`] let in.
#[derive(Debug, Clone, PartialEq)]
pub enum Lifted {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    F32(f32),
    F64(f64),
    Char(char),
    String(Text),
    /// `list<u8>`.
    Bytes(Bytes),
    List(List),
    Record(Vec<(String, Lifted)>),
    Tuple(Vec<Lifted>),
    Variant(String, Option<Box<Lifted>>),
    Enum(String),
    Option(Option<Box<Lifted>>),
    Result(Result<Option<Box<Lifted>>, Option<Box<Lifted>>>),
    /// The labels that are set.
    Flags(Vec<String>),
    Handle(Handle),
    /// An asynchronous call has not returned yet.
    Pending(Subtask),
    /// What stands here is no value of its type.
    Invalid {
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
    /// 0 starting, 1 started, 3 and 4 cancelled.
    pub state: u32,
}

/// An index into the handle table of the component instance that was given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle {
    pub kind: HandleKind,
    pub index: u32,
}

/// What a handle in a value is a handle to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandleKind {
    Own(Arc<Resource>),
    Borrow(Arc<Resource>),
    Stream(Option<Arc<ValueType>>),
    Future(Option<Arc<ValueType>>),
    ErrorContext,
}

/// A list: its first elements, and where the others are.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    pub element: ValueType,
    pub length: u64,
    /// Where the first element lies; `None` for a fixed-length list passed flat,
    /// whose elements are all in `head`.
    pub pointer: Option<u64>,
    pub head: Vec<Lifted>,
}

/// A list of bytes: the first ones, and where the others are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytes {
    pub length: u64,
    pub pointer: u64,
    pub head: Vec<u8>,
}

/// How much is lifted at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Elements of each list.
    pub elements: u64,
    /// Bytes of each string and byte list.
    pub bytes: u64,
    /// Values in all.
    pub values: u32,
    /// Values within values.
    pub depth: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            elements: 100,
            bytes: 4096,
            values: 10_000,
            depth: 64,
        }
    }
}

/// Lifts the values of one crossing.
#[derive(Clone, Copy)]
pub struct Lifter<'a> {
    pub memory: &'a Memory<'a>,
    pub encoding: StringEncoding,
    pub pointer: Pointer,
    pub limits: Limits,
}

/// Which side of the boundary a function was called across.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Boundary {
    /// The guest called a `canon lower`ed function.
    Lowered { is_async: bool },
    /// The guest's function behind `canon lift` was called.
    Lifted(Lift),
}

impl Boundary {
    pub fn shape(self, function: &FunctionType, pointer: Pointer) -> Shape {
        match self {
            Self::Lowered { is_async } => layout::lowered(function, pointer, is_async),
            Self::Lifted(lift) => layout::lifted(function, pointer, lift),
        }
    }
}

impl<'a> Lifter<'a> {
    pub fn new(memory: &'a Memory<'a>, encoding: StringEncoding, pointer: Pointer) -> Self {
        Self {
            memory,
            encoding,
            pointer,
            limits: Limits::default(),
        }
    }

    /// The parameters of a call by name, from its core arguments.
    pub fn params(
        &self,
        function: &FunctionType,
        boundary: Boundary,
        args: &[CoreValue],
    ) -> Vec<(String, Lifted)> {
        let types = || function.params.iter().map(|(_, ty)| ty);
        let shape = boundary.shape(function, self.pointer);
        let values = self.row(types(), &shape.params, args);
        let names = function.params.iter().map(|(name, _)| name.clone());
        names.zip(values).collect()
    }

    /// The result of a call, from its core arguments and results; `None` for a
    /// function that has none, or hands it to `task.return`.
    pub fn result(
        &self,
        function: &FunctionType,
        boundary: Boundary,
        args: &[CoreValue],
        results: &[CoreValue],
    ) -> Option<Lifted> {
        let ty = function.result.as_ref()?;
        let mut work = Work::new(self);
        if let (Boundary::Lowered { is_async: true }, Some(CoreValue::I32(status))) =
            (boundary, results.first())
            && let Some(subtask) = not_returned(*status)
        {
            return Some(Lifted::Pending(subtask));
        }
        match (boundary.shape(function, self.pointer).returned, boundary) {
            (Returned::Task, _) => None,
            (Returned::Nothing | Returned::Flat(_), _) => {
                Some(work.flat(ty, &mut Flat::new(results)))
            }
            (Returned::Area(_), Boundary::Lowered { .. }) => {
                let mut area = Flat::new(args.last().map_or(&[], std::slice::from_ref));
                Some(work.pointed(ty, &mut area))
            }
            (Returned::Area(_), Boundary::Lifted(_)) => {
                Some(work.pointed(ty, &mut Flat::new(results)))
            }
        }
    }

    /// The result that a guest hands to `task.return`, from its core arguments.
    pub fn task_return(&self, result: Option<&ValueType>, args: &[CoreValue]) -> Option<Lifted> {
        let params = layout::task_return(result, self.pointer);
        self.row(result.into_iter(), &params, args).pop()
    }

    /// A value in memory.
    pub fn stored(&self, ty: &ValueType, address: u64) -> Lifted {
        Work::new(self).stored(ty, address)
    }

    /// A value passed as core values.
    pub fn flat(&self, ty: &ValueType, values: &[CoreValue]) -> Lifted {
        Work::new(self).flat(ty, &mut Flat::new(values))
    }

    /// Elements of a list, `count` of them from number `first` on, within the
    /// limit of elements.
    pub fn page(&self, list: &List, first: u64, count: u64) -> Vec<Lifted> {
        let count = count
            .min(list.length.saturating_sub(first))
            .min(self.limits.elements);
        match list.pointer {
            Some(pointer) => Work::new(self).elements(&list.element, pointer, first, count),
            None => {
                let first = usize::try_from(first).unwrap_or(usize::MAX);
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                list.head.iter().skip(first).take(count).cloned().collect()
            }
        }
    }

    fn row<'t>(
        &self,
        types: impl Iterator<Item = &'t ValueType>,
        params: &Params,
        args: &[CoreValue],
    ) -> Vec<Lifted> {
        let mut work = Work::new(self);
        let mut flat = Flat::new(args);
        match params {
            Params::Flat(_) => types.map(|ty| work.flat(ty, &mut flat)).collect(),
            Params::Spilled(sequence) => match flat.pointer() {
                Ok(base) => types
                    .zip(&sequence.offsets)
                    .map(|(ty, offset)| work.stored(ty, base.saturating_add(*offset)))
                    .collect(),
                Err(why) => types.map(|_| invalid(why)).collect(),
            },
        }
    }
}

fn not_returned(status: i32) -> Option<Subtask> {
    const RETURNED: u32 = 2;
    let status = status.cast_unsigned();
    let (handle, state) = (status >> 4, status & 15);
    (state != RETURNED).then_some(Subtask { handle, state })
}

fn invalid(why: impl Into<String>) -> Lifted {
    Lifted::Invalid { why: why.into() }
}

/// The core values of a flat form, taken one by one.
struct Flat<'v> {
    values: &'v [CoreValue],
}

impl<'v> Flat<'v> {
    fn new(values: &'v [CoreValue]) -> Self {
        Self { values }
    }

    /// The next value as the type it was before cases of a variant joined it
    /// with others into a wider slot.
    fn take(&mut self, want: CoreType) -> Result<u64, &'static str> {
        let (value, rest) = self.values.split_first().ok_or("a core value is missing")?;
        self.values = rest;
        let low_half = u64::from(u32::MAX);
        match (*value, want) {
            (CoreValue::I32(bits), CoreType::I32 | CoreType::F32) => {
                Ok(u64::from(bits.cast_unsigned()))
            }
            (CoreValue::I64(bits), CoreType::I32 | CoreType::F32) => {
                Ok(bits.cast_unsigned() & low_half)
            }
            (CoreValue::I64(bits), CoreType::I64 | CoreType::F64) => Ok(bits.cast_unsigned()),
            (CoreValue::F32(bits), CoreType::F32) => Ok(u64::from(bits)),
            (CoreValue::F64(bits), CoreType::F64) => Ok(bits),
            _ => Err("a core value is of the wrong type"),
        }
    }

    /// The next value as an address or a length, of whichever width it is.
    fn pointer(&mut self) -> Result<u64, &'static str> {
        match self.values.first() {
            Some(CoreValue::I64(_)) => self.take(CoreType::I64),
            _ => self.take(CoreType::I32),
        }
    }

    fn skip_to(&mut self, remaining: usize) {
        let surplus = self.values.len().saturating_sub(remaining);
        self.values = self.values.get(surplus..).unwrap_or(&[]);
    }
}

/// One lifting: counts down what the limits allow.
struct Work<'l, 'a> {
    lifter: &'l Lifter<'a>,
    values: u32,
    depth: u32,
}

impl<'l, 'a> Work<'l, 'a> {
    fn new(lifter: &'l Lifter<'a>) -> Self {
        Self {
            lifter,
            values: lifter.limits.values,
            depth: lifter.limits.depth,
        }
    }

    /// Runs one level down, unless the limits are reached.
    fn within(&mut self, lift: impl FnOnce(&mut Self) -> Lifted) -> Lifted {
        let (Some(values), Some(depth)) = (self.values.checked_sub(1), self.depth.checked_sub(1))
        else {
            return Lifted::Elided;
        };
        self.values = values;
        self.depth = depth;
        let lifted = lift(self);
        self.depth = depth + 1;
        lifted
    }

    fn read(&self, address: u64, size: u32) -> Result<u64, String> {
        let bytes = (self.lifter.memory)(address, u64::from(size))
            .filter(|bytes| bytes.len() <= 8)
            .ok_or_else(|| format!("address {address:#x} is outside of memory"))?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// The pointer and length of a string or list.
    fn read_span(&self, address: u64) -> Result<(u64, u64), String> {
        let size = self.lifter.pointer.size();
        let length = address.saturating_add(u64::from(size));
        Ok((self.read(address, size)?, self.read(length, size)?))
    }

    fn stored(&mut self, ty: &ValueType, address: u64) -> Lifted {
        self.within(|work| match work.try_stored(ty, address) {
            Ok(lifted) => lifted,
            Err(why) => invalid(why),
        })
    }

    fn try_stored(&mut self, ty: &ValueType, address: u64) -> Result<Lifted, String> {
        use ValueType as V;
        let pointer = self.lifter.pointer;
        match ty {
            V::String => {
                let (start, length) = self.read_span(address)?;
                Ok(self.string(start, length))
            }
            V::List(element) => {
                let (start, length) = self.read_span(address)?;
                Ok(self.list(element, start, length))
            }
            V::Map(key, value) => {
                let (start, length) = self.read_span(address)?;
                Ok(self.list(&pair(key, value), start, length))
            }
            V::FixedList(element, count) => Ok(self.list(element, address, u64::from(*count))),
            V::Record(record) => {
                let row = layout::sequence(record.fields.iter().map(|(_, ty)| ty), pointer);
                let fields = record.fields.iter().zip(row.offsets);
                Ok(Lifted::Record(
                    fields
                        .map(|((name, ty), offset)| {
                            (
                                name.clone(),
                                self.stored(ty, address.saturating_add(offset)),
                            )
                        })
                        .collect(),
                ))
            }
            V::Tuple(types) => {
                let row = layout::sequence(types.iter(), pointer);
                Ok(Lifted::Tuple(
                    types
                        .iter()
                        .zip(row.offsets)
                        .map(|(ty, offset)| self.stored(ty, address.saturating_add(offset)))
                        .collect(),
                ))
            }
            V::Flags(labels) => {
                let size = layout::layout(ty, pointer).size;
                let words = (0..size.div_ceil(4)).map(|word| {
                    let offset = word * 4;
                    let width = u32::try_from((size - offset).min(4)).unwrap_or(4);
                    self.read(address.saturating_add(offset), width)
                });
                Ok(flags(labels, &words.collect::<Result<Vec<_>, _>>()?))
            }
            V::Enum(_) | V::Option(_) | V::Result(..) | V::Variant(_) => {
                let Some(layout) = variant_layout(ty, pointer) else {
                    return Err("a variant has no discriminant".into());
                };
                let discriminant = self.read(address, layout.discriminant_size)?;
                let payload = address.saturating_add(layout.payload_offset);
                Ok(case(ty, discriminant, |ty| self.stored(ty, payload)))
            }
            _ => {
                let size = u32::try_from(layout::layout(ty, pointer).size).unwrap_or(0);
                Ok(scalar(ty, self.read(address, size)?))
            }
        }
    }

    /// A value behind a pointer that is passed as a core value.
    fn pointed(&mut self, ty: &ValueType, flat: &mut Flat) -> Lifted {
        match flat.pointer() {
            Ok(address) => self.stored(ty, address),
            Err(why) => invalid(why),
        }
    }

    fn flat(&mut self, ty: &ValueType, flat: &mut Flat) -> Lifted {
        self.within(|work| match work.try_flat(ty, flat) {
            Ok(lifted) => lifted,
            Err(why) => invalid(why),
        })
    }

    fn try_flat(&mut self, ty: &ValueType, flat: &mut Flat) -> Result<Lifted, &'static str> {
        use ValueType as V;
        match ty {
            V::String => {
                let (start, length) = (flat.pointer()?, flat.pointer()?);
                Ok(self.string(start, length))
            }
            V::List(element) => {
                let (start, length) = (flat.pointer()?, flat.pointer()?);
                Ok(self.list(element, start, length))
            }
            V::Map(key, value) => {
                let (start, length) = (flat.pointer()?, flat.pointer()?);
                Ok(self.list(&pair(key, value), start, length))
            }
            V::FixedList(element, count) => Ok(Lifted::List(List {
                element: ValueType::clone(element),
                length: u64::from(*count),
                pointer: None,
                // More elements than core values can be only if they are empty.
                head: (0..(*count).min(layout::MAX_FLAT_PARAMS as u32))
                    .map(|_| self.flat(element, flat))
                    .collect(),
            })),
            V::Record(record) => Ok(Lifted::Record(
                record
                    .fields
                    .iter()
                    .map(|(name, ty)| (name.clone(), self.flat(ty, flat)))
                    .collect(),
            )),
            V::Tuple(types) => Ok(Lifted::Tuple(
                types.iter().map(|ty| self.flat(ty, flat)).collect(),
            )),
            V::Flags(labels) => {
                let words =
                    (0..layout::flag_words(labels.labels.len())).map(|_| flat.take(CoreType::I32));
                Ok(flags(labels, &words.collect::<Result<Vec<_>, _>>()?))
            }
            V::Enum(_) | V::Option(_) | V::Result(..) | V::Variant(_) => {
                let discriminant = flat.take(CoreType::I32)?;
                let slots = joined_payloads(ty, self.lifter.pointer).unwrap_or_default();
                let after = flat.values.len().saturating_sub(slots.len());
                let lifted = case(ty, discriminant, |ty| self.flat(ty, flat));
                flat.skip_to(after);
                Ok(lifted)
            }
            V::S64 | V::U64 => Ok(scalar(ty, flat.take(CoreType::I64)?)),
            V::F32 => Ok(scalar(ty, flat.take(CoreType::F32)?)),
            V::F64 => Ok(scalar(ty, flat.take(CoreType::F64)?)),
            _ => Ok(scalar(ty, flat.take(CoreType::I32)?)),
        }
    }

    fn string(&self, start: u64, length: u64) -> Lifted {
        let Lifter {
            memory,
            encoding,
            pointer,
            limits,
        } = *self.lifter;
        match lift_text::read(memory, encoding, pointer, start, length, limits.bytes) {
            Ok(text) => Lifted::String(text),
            Err(why) => invalid(why),
        }
    }

    fn list(&mut self, element: &ValueType, start: u64, length: u64) -> Lifted {
        let stride = layout::layout(element, self.lifter.pointer);
        if length > 0 && start % u64::from(stride.align) != 0 {
            return invalid(format!("a list at {start:#x} is not aligned"));
        }
        let Some(size) = stride.size.checked_mul(length) else {
            return invalid(format!("a list of {length} elements fits no memory"));
        };
        // All of it must be there, although only its beginning is read.
        let end = start.saturating_add(size);
        if size > 0 && (self.lifter.memory)(end - 1, 1).is_none() {
            return invalid(format!(
                "a list of {length} elements at {start:#x} reaches outside of memory"
            ));
        }
        if matches!(element, ValueType::U8) {
            return self.bytes(start, length);
        }
        let count = length.min(self.lifter.limits.elements);
        Lifted::List(List {
            element: element.clone(),
            length,
            pointer: Some(start),
            head: self.elements(element, start, 0, count),
        })
    }

    fn bytes(&self, pointer: u64, length: u64) -> Lifted {
        let shown = length.min(self.lifter.limits.bytes);
        let head = if shown == 0 {
            Some(Vec::new())
        } else {
            (self.lifter.memory)(pointer, shown)
        };
        match head {
            Some(head) => Lifted::Bytes(Bytes {
                length,
                pointer,
                head,
            }),
            None => invalid(format!(
                "{length} bytes at {pointer:#x} are outside of memory"
            )),
        }
    }

    fn elements(&mut self, ty: &ValueType, start: u64, first: u64, count: u64) -> Vec<Lifted> {
        let stride = layout::layout(ty, self.lifter.pointer).size;
        (first..first.saturating_add(count))
            .map_while(|number| {
                // The elements left out can be asked for, so no `Elided` stands for them.
                let offset = number.saturating_mul(stride);
                (self.values > 0).then(|| self.stored(ty, start.saturating_add(offset)))
            })
            .collect()
    }
}

fn pair(key: &ValueType, value: &ValueType) -> ValueType {
    ValueType::Tuple([key.clone(), value.clone()].into())
}

/// A value of one core value, from its bits; those above its width are not its own.
fn scalar(ty: &ValueType, bits: u64) -> Lifted {
    use ValueType as V;
    let low = bits as u32;
    let handle = |kind| Lifted::Handle(Handle { kind, index: low });
    match ty {
        V::Bool => Lifted::Bool(low != 0),
        V::S8 => Lifted::Signed(i64::from(low as i8)),
        V::U8 => Lifted::Unsigned(u64::from(low as u8)),
        V::S16 => Lifted::Signed(i64::from(low as i16)),
        V::U16 => Lifted::Unsigned(u64::from(low as u16)),
        V::S32 => Lifted::Signed(i64::from(low.cast_signed())),
        V::U32 => Lifted::Unsigned(u64::from(low)),
        V::S64 => Lifted::Signed(bits.cast_signed()),
        V::U64 => Lifted::Unsigned(bits),
        V::F32 => Lifted::F32(f32::from_bits(low)),
        V::F64 => Lifted::F64(f64::from_bits(bits)),
        V::Char => match char::from_u32(low) {
            Some(char) => Lifted::Char(char),
            None => invalid(format!("{low:#x} is no character")),
        },
        V::Own(resource) => handle(HandleKind::Own(resource.clone())),
        V::Borrow(resource) => handle(HandleKind::Borrow(resource.clone())),
        V::Stream(element) => handle(HandleKind::Stream(element.clone())),
        V::Future(element) => handle(HandleKind::Future(element.clone())),
        V::ErrorContext => handle(HandleKind::ErrorContext),
        _ => invalid("this is no scalar type"),
    }
}

/// The labels whose bits are set; bits without a label are ignored, as they are by
/// the canonical ABI.
fn flags(labels: &Labels, words: &[u64]) -> Lifted {
    let is_set = |bit: usize| {
        words
            .get(bit / 32)
            .is_some_and(|word| word >> (bit % 32) & 1 == 1)
    };
    let set = labels.labels.iter().enumerate();
    Lifted::Flags(
        set.filter(|(bit, _)| is_set(*bit))
            .map(|(_, label)| label.clone())
            .collect(),
    )
}

/// The case that a discriminant names, its payload lifted by `lift`.
fn case(ty: &ValueType, discriminant: u64, mut lift: impl FnMut(&ValueType) -> Lifted) -> Lifted {
    let number = usize::try_from(discriminant).unwrap_or(usize::MAX);
    let mut boxed = |ty: &Option<Arc<ValueType>>| ty.as_ref().map(|ty| Box::new(lift(ty)));
    match (ty, number) {
        (ValueType::Option(_), 0) => Lifted::Option(None),
        (ValueType::Option(some), 1) => Lifted::Option(boxed(&Some(some.clone()))),
        (ValueType::Result(ok, _), 0) => Lifted::Result(Ok(boxed(ok))),
        (ValueType::Result(_, err), 1) => Lifted::Result(Err(boxed(err))),
        (ValueType::Enum(labels), _) if number < labels.labels.len() => {
            Lifted::Enum(labels.labels.get(number).cloned().unwrap_or_default())
        }
        (ValueType::Variant(variant), _) => match variant.cases.get(number) {
            Some((name, payload)) => {
                let payload = payload.as_ref().map(|ty| Box::new(lift(ty)));
                Lifted::Variant(name.clone(), payload)
            }
            None => no_such_case(ty, discriminant),
        },
        _ => no_such_case(ty, discriminant),
    }
}

fn no_such_case(ty: &ValueType, discriminant: u64) -> Lifted {
    let count = layout::case_count(ty).unwrap_or(0);
    invalid(format!("there is no case {discriminant}, only {count}"))
}

impl Lifted {
    /// What is inside, with the names of parts, for showing as a tree. The elements
    /// of a list are those in its head; [`Lifter::page`] has the others.
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
        if let Self::Handle(handle) = self {
            visit(handle);
        }
        for (_, child) in self.children() {
            child.for_each_handle(visit);
        }
    }
}
