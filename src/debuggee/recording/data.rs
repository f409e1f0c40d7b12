//! Bytes of memory to be watched: which a person means, and when they change.

use super::{Recording, address};
use crate::debuggee::{
    BreakpointState, Data, DataBreakpointRequest, DataId, DataMeant, DebuggeeError, Format,
    FrameId, Output, Page, StopText, VariableView,
};
use crate::replay::InstanceId;
use crate::timeline::travel::motion::{
    BreakpointId, Direction, MemoryRange, Motion, Place, Reason,
};
use crate::timeline::{Interrupt, Pass};

/// Nobody watches a variable of more bytes.
const MOST_BYTES: u64 = 1 << 20;
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

fn understood(id: &DataId) -> Result<MemoryRange, DebuggeeError> {
    range_of(id).ok_or_else(|| failed(format!("`{}` does not name data of this recording", id.0)))
}

impl Recording {
    pub(super) fn data_meant(&mut self, meant: &DataMeant) -> Result<Data, DebuggeeError> {
        match meant {
            DataMeant::Inside { of, name } => {
                let children = self.values_in(of, Page::default(), Format::default())?;
                let mut children = children.into_iter();
                let found = children.find(|view| view.name == *name);
                watched(found.ok_or_else(|| failed(format!("there is no `{name}` here")))?)
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

    fn data_of(&mut self, text: &str, frame: Option<FrameId>) -> Result<Data, DebuggeeError> {
        watched(self.evaluate_in(text, frame, Format::default())?)
    }

    pub(super) fn break_at_data(
        &mut self,
        requests: &[DataBreakpointRequest],
    ) -> Vec<BreakpointState> {
        let place = |request: &DataBreakpointRequest| {
            understood(&request.data)
                .map(|range| vec![Place::Change(range)])
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
        let ids = match &self.timeline.here().reason {
            Reason::Breakpoints(ids) => ids.clone(),
            _ => Vec::new(),
        };
        let change = ids
            .iter()
            .find_map(|id: &BreakpointId| self.timeline.change_here(*id))?;
        let text = format!(
            "{} were written: {} before, {} now",
            change.range,
            bytes(&change.old),
            bytes(&change.new)
        );
        Some(StopText {
            description: Some("Paused after a write".to_owned()),
            text: Some(text),
        })
    }

    pub(super) fn motion_to_change(
        of: &DataId,
        direction: Direction,
    ) -> Result<Motion, DebuggeeError> {
        let range = understood(of)?;
        Ok(match direction {
            Direction::Backward => Motion::LastChange(range),
            Direction::Forward => Motion::NextChange(range),
        })
    }
}

/// The bytes that hold a value.
fn watched(view: VariableView) -> Result<Data, DebuggeeError> {
    let id = view.data.ok_or_else(|| {
        failed(format!(
            "`{}` is not in memory here, so its changes cannot be watched",
            view.name
        ))
    })?;
    let range = understood(&id)?;
    Ok(Data {
        description: format!("{} ({range})", view.name),
        id,
    })
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
