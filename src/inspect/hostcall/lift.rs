//! Lift values: from core values and memory to component-level values.
//!
//! What is lifted is what a program really passed, right or wrong: a pointer out of
//! bounds, bytes that are not UTF-8, a discriminant that names no case become
//! [`Lifted::Invalid`] in their place, and the rest of the value is lifted all the
//! same. Nothing here fails, and the work for one value is bounded by [`Limits`].

use super::flat::Flat;
use super::lift_bits::{case, flags, scalar};
use super::lift_text;
pub use super::lifted::{Bytes, Handle, HandleKind, Lifted, List, Subtask, holds_handles};
pub use super::memory::Memory;
use crate::component::layout::{
    self, Lift, Params, Pointer, Returned, Shape, joined_payloads, variant_layout,
};
use crate::component::status::LoweredAnswer;
use crate::component::types::{CoreType, CoreValue, FunctionType, StringEncoding, ValueType};

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
    /// The memory that the canonical options of the crossing name.
    pub memory: &'a Memory<'a>,
    /// The canonical option `string-encoding`.
    pub encoding: StringEncoding,
    /// How wide addresses and lengths are in that memory.
    pub pointer: Pointer,
    /// How much of each value is read.
    pub limits: Limits,
}

/// Which side of the boundary a function was called across.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Boundary {
    /// The guest called a `canon lower`ed function.
    Lowered {
        /// Whether with the canonical option `async`.
        is_async: bool,
    },
    /// The guest's function behind `canon lift` was called.
    Lifted(Lift),
}

impl Boundary {
    /// How parameters and result of a function cross here at core level.
    pub fn shape(self, function: &FunctionType, pointer: Pointer) -> Shape {
        match self {
            Self::Lowered { is_async } => layout::lowered(function, pointer, is_async),
            Self::Lifted(lift) => layout::lifted(function, pointer, lift),
        }
    }
}

impl<'a> Lifter<'a> {
    /// One with the default limits.
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
    match LoweredAnswer::of(status.cast_unsigned()) {
        LoweredAnswer::Returned => None,
        LoweredAnswer::Pending { subtask, state } => Some(Subtask {
            handle: subtask,
            state,
        }),
    }
}

fn invalid(why: impl Into<String>) -> Lifted {
    Lifted::Invalid { why: why.into() }
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
                let after = flat.remaining().saturating_sub(slots.len());
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
        if length > 0 && !start.is_multiple_of(u64::from(stride.align)) {
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
