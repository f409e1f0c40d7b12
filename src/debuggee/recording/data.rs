//! Bytes of memory to be watched: which a person means, and when they change.

use super::{Recording, address};
use crate::component::ModuleId;
use crate::debuggee::{
    AFTER_WRITE, BreakpointState, Data, DataBreakpointRequest, DataId, DataMeant, DebuggeeError,
    Format, FrameId, Output, Page, StopText, VariableView,
};
use crate::inspect::variable::ValueType;
use crate::replay::InstanceId;
use crate::timeline::travel::motion::{
    BreakpointId, Direction, MemoryRange, Motion, Reason, Writes,
};
use crate::timeline::{Change, Interrupt, Pass};

/// Nobody watches a variable of more bytes.
const MOST_BYTES: u64 = 1 << 20;
/// Names of watched bytes that are remembered.
const MOST_NAMES: usize = 1024;
/// The most bytes of an old or new value that are told.
const SHOWN: usize = 16;

fn failed(error: impl Into<String>) -> DebuggeeError {
    DebuggeeError::other(error)
}

/// `INSTANCE:MEMORY:ADDRESS:LENGTH`
pub(super) fn id_of(range: MemoryRange) -> DataId {
    let (instance, memory) = (range.instance.0, range.memory);
    DataId(format!(
        "{instance}:{memory}:{:#x}:{}",
        range.address, range.length
    ))
}

fn range_of(id: &DataId) -> Option<MemoryRange> {
    let mut parts = id.0.split(':');
    let mut part = || parts.next();
    let (instance, memory) = (part()?.parse().ok()?, part()?.parse().ok()?);
    let address = u64::from_str_radix(part()?.strip_prefix("0x")?, 16).ok()?;
    Some(MemoryRange {
        instance: InstanceId(instance),
        memory,
        address,
        length: part()?.parse().ok()?,
    })
}

pub(super) fn understood(id: &DataId) -> Result<MemoryRange, DebuggeeError> {
    range_of(id).ok_or_else(|| failed(format!("`{}` does not name data of this recording", id.0)))
}

impl Recording {
    pub(super) fn data_meant(&mut self, meant: &DataMeant) -> Result<Data, DebuggeeError> {
        match meant {
            DataMeant::Inside { of, name } => {
                let children = self.values_in(of, Page::default(), Format::default())?;
                let mut children = children.into_iter();
                let found = children.find(|view| view.name == *name);
                let found = found.ok_or_else(|| failed(format!("there is no `{name}` here")))?;
                let frame = of.0.split('/').next().and_then(|first| first.parse().ok());
                self.watched(found, frame.map(FrameId))
            }
            DataMeant::Expression { text, frame } => self.data_of(text, *frame),
            DataMeant::Memory { reference, bytes } => {
                let (instance, memory, address) = address::parse_memory(reference, 0)
                    .ok_or_else(|| failed(format!("{reference} is not an address in memory")))?;
                let length = (*bytes).clamp(1, MOST_BYTES) as u32;
                let range = MemoryRange {
                    instance,
                    memory,
                    address,
                    length,
                };
                Ok(Data {
                    id: id_of(range),
                    description: range.to_string(),
                })
            }
        }
    }

    /// The bytes that hold a value, as seen from a frame.
    fn watched(
        &mut self,
        view: VariableView,
        frame: Option<FrameId>,
    ) -> Result<Data, DebuggeeError> {
        let id = view.data.ok_or_else(|| {
            failed(format!(
                "`{}` is not in memory here, so its changes cannot be watched",
                view.name
            ))
        })?;
        let range = understood(&id)?;
        let description = format!("{} ({range})", view.name);
        if self.names.len() >= MOST_NAMES {
            self.names.clear();
        }
        let name = view.evaluate_name.unwrap_or(view.name);
        let named = Named {
            of: self.type_of(&name, frame),
            name,
            type_name: view.type_name,
        };
        self.names.insert(range, named);
        Ok(Data { description, id })
    }

    fn data_of(&mut self, text: &str, frame: Option<FrameId>) -> Result<Data, DebuggeeError> {
        let view = self.evaluate_in(text, frame, Format::default())?;
        self.watched(view, frame)
    }

    pub(super) fn break_at_data(
        &mut self,
        requests: &[DataBreakpointRequest],
    ) -> Vec<BreakpointState> {
        let place = |request: &DataBreakpointRequest| {
            understood(&request.data)
                .map(|range| vec![request.writes.place(range)])
                .map_err(|error| error.to_string())
        };
        self.set_data(
            requests
                .iter()
                .map(|request| (place(request), &request.when)),
        )
    }

    /// Works out when watched bytes change, which takes a pass over the recording, before
    /// the program is to move.
    pub(super) fn find_changes(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<(), DebuggeeError> {
        for range in self.watched_ranges() {
            self.timeline.changes(range, interrupt, &|pass: Pass| {
                output.progress(pass.percent(), "looking for changes of the watched bytes");
            })?;
        }
        Ok(())
    }

    /// What changed where a data breakpoint stops.
    pub(super) fn describe_change(&mut self) -> Option<StopText> {
        let change = match &self.timeline.here().reason {
            Reason::Breakpoints(ids) => ids
                .iter()
                .find_map(|id: &BreakpointId| self.timeline.change_here(*id)),
            _ => self.timeline.changes_here().first(),
        };
        let change = change?.clone();
        let told = self.told_change(&change);
        let text = match self.told_writer() {
            Some(writer) => format!("{writer} wrote {told}"),
            None => told.replacen(": ", " written: ", 1),
        };
        let again = self
            .timeline
            .written_again()
            .map(|(times, last)| match times {
                1 => format!("; the same was written once more, in tick {}", last.0),
                _ => format!(
                    "; the same was written in {times} ticks since, the last is {}",
                    last.0
                ),
            });
        let text = text + &again.unwrap_or_default();
        Some(StopText {
            description: Some(AFTER_WRITE.to_owned()),
            text: Some(text),
            ..StopText::default()
        })
    }

    /// `balance: 3 -> 4`; of what has parts, each that differs. `balance: 3 -> 3 (the same
    /// value)` if nothing does.
    pub(super) fn told_change(&mut self, change: &Change) -> String {
        let named = self.names.get(&change.range).cloned();
        let values = (change.old.as_slice(), change.new.as_slice());
        let is_same = change.old == change.new;
        let of = named.as_ref().and_then(|named| named.of.as_ref());
        let of = of.filter(|_| !is_same);
        if let Some((named, of)) = named.as_ref().zip(of)
            && let Some(parts) = self.changes_of(of, &named.name, values)
        {
            return parts;
        }
        let (name, type_name) = match named {
            Some(named) => (named.name, named.type_name),
            None => (change.range.to_string(), None),
        };
        let type_name = type_name.as_deref();
        let (old, new) = (typed(values.0, type_name), typed(values.1, type_name));
        let same = if is_same { " (the same value)" } else { "" };
        format!("{name}: {old} -> {new}{same}")
    }

    pub(super) fn motion_to_write(
        of: &DataId,
        writes: Writes,
        direction: Direction,
    ) -> Result<Motion, DebuggeeError> {
        let range = understood(of)?;
        Ok(match (direction, writes) {
            (Direction::Backward, Writes::Changing) => Motion::LastChange(range),
            (Direction::Forward, Writes::Changing) => Motion::NextChange(range),
            (Direction::Backward, Writes::All) => Motion::LastWrite(range),
            (Direction::Forward, Writes::All) => Motion::NextWrite(range),
        })
    }
}

/// What some bytes have been called by who asked for them.
#[derive(Debug, Clone)]
pub(super) struct Named {
    name: String,
    type_name: Option<String>,
    of: Option<(ModuleId, ValueType)>,
}

/// A value that bytes are of the type of, in the words of C, C++, Rust and Zig; of other types,
/// as [`bytes`].
fn typed(raw: &[u8], type_name: Option<&str>) -> String {
    let mut name = type_name.unwrap_or_default().trim();
    while let Some(rest) = ["const ", "volatile ", "mut "]
        .iter()
        .find_map(|q| name.strip_prefix(q))
    {
        name = rest.trim_start();
    }
    let is_pointer = name.ends_with(['*', '&']) || name.starts_with(['*', '&']);
    let told = match (name, raw) {
        ("bool" | "_Bool", [0]) => Some("false".to_owned()),
        ("bool" | "_Bool", [1]) => Some("true".to_owned()),
        ("float" | "f32", raw) => raw
            .try_into()
            .ok()
            .map(|raw| f32::from_le_bytes(raw).to_string()),
        ("double" | "f64", raw) => raw
            .try_into()
            .ok()
            .map(|raw| f64::from_le_bytes(raw).to_string()),
        _ if is_pointer => unsigned(raw).map(|number| format!("{number:#x}")),
        _ if is_signed(name) => signed(raw),
        _ if name.starts_with("unsigned ") || is_unsigned(name) => {
            unsigned(raw).map(|number| number.to_string())
        }
        _ => None,
    };
    told.unwrap_or_else(|| bytes(raw))
}

fn is_signed(name: &str) -> bool {
    matches!(
        name,
        "int"
            | "short"
            | "long"
            | "long long"
            | "char"
            | "signed char"
            | "isize"
            | "i8"
            | "i16"
            | "i32"
            | "i64"
            | "int8_t"
            | "int16_t"
            | "int32_t"
            | "int64_t"
            | "ssize_t"
            | "ptrdiff_t"
    )
}

fn is_unsigned(name: &str) -> bool {
    matches!(
        name,
        "usize"
            | "u8"
            | "u16"
            | "u32"
            | "u64"
            | "uint8_t"
            | "uint16_t"
            | "uint32_t"
            | "uint64_t"
            | "size_t"
    )
}

fn unsigned(raw: &[u8]) -> Option<u64> {
    let mut wide = [0; 8];
    wide.get_mut(..raw.len())?.copy_from_slice(raw);
    Some(u64::from_le_bytes(wide))
}

fn signed(raw: &[u8]) -> Option<String> {
    let unused = 64u32.checked_sub(u32::try_from(raw.len()).ok()?.checked_mul(8)?)?;
    let wide = unsigned(raw)?.checked_shl(unused)?.cast_signed();
    Some((wide >> unused).to_string())
}

/// As a number if they are few, else in hexadecimal.
fn bytes(bytes: &[u8]) -> String {
    match bytes.len() {
        1 | 2 | 4 | 8 => {
            let mut wide = [0; 8];
            for (to, from) in wide.iter_mut().zip(bytes) {
                *to = *from;
            }
            let number = u64::from_le_bytes(wide);
            format!("{number} ({number:#x})")
        }
        length => {
            let shown = bytes.iter().take(SHOWN);
            let hex: Vec<String> = shown.map(|byte| format!("{byte:02x}")).collect();
            let more = if length > SHOWN { " …" } else { "" };
            format!("{}{more}", hex.join(" "))
        }
    }
}
