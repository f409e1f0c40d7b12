//! Writing a recording once more with other bytes in it.

use super::error::TraceError;
use super::event::{Event, EventKind};
use super::host_time::HostTime;
use super::metadata::{Metadata, Outcome};
use super::raw::{Kind, header};
use super::reader::Trace;
use super::request::{Note, NotedRequest};
use super::writer::{HeldProgram, RecordsError, Writer};
use crate::component::CrossingId;
use crate::component::types::CoreValue;
use std::io::Write;

/// What is put in the place of what a recording says.
#[derive(Debug)]
pub struct Said {
    /// The settings of the run.
    pub metadata: Metadata,
    /// What the host noted of requests.
    pub requests: Vec<NotedRequest>,
    /// How the run ended, where the recording says it.
    pub outcome: Outcome,
}

impl Said {
    /// What a recording says.
    pub fn of(trace: &Trace) -> Said {
        Said {
            metadata: trace.metadata().clone(),
            requests: trace.noted_requests().to_vec(),
            outcome: trace.outcome().clone(),
        }
    }
}

/// Why a recording could not be written once more.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] TraceError),
    /// The new one cannot be written.
    #[error(transparent)]
    Write(#[from] RecordsError),
}

/// Gives `see` each event of a recording, with the number of the innermost call out of the guest
/// that is in progress, and when it happened, where the recording tells.
///
/// # Errors
///
/// If the recording is damaged.
pub fn each_event(
    trace: &Trace,
    mut see: impl FnMut(Option<u64>, Event, Option<HostTime>) -> Result<(), RewriteError>,
) -> Result<(), RewriteError> {
    let mut cursor = trace.events_ahead();
    let mut calls = 0;
    let mut open = trace.no_calls();
    while let Some(event) = cursor.next()? {
        let is_call = matches!(event.kind, EventKind::Call(_));
        open.follow(&event, || is_call.then_some(calls));
        calls += u64::from(is_call);
        let innermost = open.running().iter().rev().find_map(|call| call.of);
        see(innermost, event, cursor.time())?;
    }
    Ok(())
}

/// Writes a recording of the same crossings that stands alone. `edit` is given the bytes of each
/// write into the guest's memory, where they begin, and the number of the call out that they belong
/// to. Hashes of memory, which would be others, are left out.
///
/// # Errors
///
/// If the recording is damaged, or the new one cannot be written.
pub fn rewrite(
    trace: &Trace,
    said: Said,
    out: impl Write,
    mut edit: impl FnMut(Option<u64>, u64, &mut [u8]),
) -> Result<(), RewriteError> {
    let component = &trace.stored().component;
    let program = HeldProgram::whole(component).map_err(RecordsError::Write)?;
    let mut writer = Writer::with_program(out, component.clone(), &program, &said.metadata)?;
    let mut told = None;
    each_event(trace, |call, mut event, time| {
        match &mut event.kind {
            EventKind::Write { address, bytes } => edit(call, *address, bytes),
            EventKind::Hash(_) => return Ok(()),
            _ => {}
        }
        if let Some(time) = time.filter(|_| time != told) {
            told = Some(time);
            writer.records(event.instance, &clock(time))?;
        }
        Ok(writer.records(event.instance, &raw(&event))?)
    })?;
    for request in said.requests {
        writer.note(Note::Request(request))?;
    }
    match trace.has_end() {
        true => _ = writer.finish(&said.outcome)?,
        false => writer.flush()?,
    }
    Ok(())
}

/// What the clock says, as a recorder's record.
fn clock(time: HostTime) -> Vec<u8> {
    // Not of any crossing.
    let mut out = header(Kind::Time, CrossingId(0)).to_le_bytes().to_vec();
    out.extend(time.nanoseconds.to_le_bytes());
    out.extend(time.set_by.to_le_bytes());
    out
}

/// An event as a recorder's record.
fn raw(event: &Event) -> Vec<u8> {
    let record = |kind| header(kind, event.crossing).to_le_bytes().to_vec();
    let with_values = |kind, values: &[CoreValue]| {
        let mut out = record(kind);
        for value in values {
            match value {
                CoreValue::I32(v) => out.extend(v.to_le_bytes()),
                CoreValue::I64(v) => out.extend(v.to_le_bytes()),
                CoreValue::F32(bits) => out.extend(bits.to_le_bytes()),
                CoreValue::F64(bits) => out.extend(bits.to_le_bytes()),
                // They do not cross.
                CoreValue::V128(_) | CoreValue::Ref(_) => {}
            }
        }
        out
    };
    match &event.kind {
        EventKind::Call(values) => with_values(Kind::Call, values),
        EventKind::Return(values) => with_values(Kind::Return, values),
        EventKind::Enter(values) => with_values(Kind::Enter, values),
        EventKind::Leave(values) => with_values(Kind::Leave, values),
        EventKind::Write { address, bytes } => {
            let mut out = record(Kind::Write);
            out.extend(address.to_le_bytes());
            out.extend((bytes.len() as u32).to_le_bytes());
            out.extend(bytes);
            out
        }
        EventKind::Hash(hash) => {
            let mut out = record(Kind::Hash);
            out.extend(hash.to_le_bytes());
            out
        }
        EventKind::Resume(after) => {
            let mut out = record(Kind::Resume);
            out.extend(after.to_le_bytes());
            out
        }
    }
}
