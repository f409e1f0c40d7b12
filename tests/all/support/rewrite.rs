//! Traces made of other traces' events: as a recorder would commit them.

use rr_dap::component::Component;
use rr_dap::component::types::CoreValue;
use rr_dap::trace::raw::{Kind, header};
use rr_dap::trace::{Event, EventKind, Metadata, Outcome, Writer};
use std::path::Path;
use std::sync::Arc;

/// An event as a recorder's record.
pub fn raw(event: &Event) -> Vec<u8> {
    let record = |kind| header(kind, event.crossing).to_le_bytes().to_vec();
    let with_values = |kind, values: &[CoreValue]| {
        let mut out = record(kind);
        for value in values {
            match value {
                CoreValue::I32(v) => out.extend(v.to_le_bytes()),
                CoreValue::I64(v) => out.extend(v.to_le_bytes()),
                CoreValue::F32(bits) => out.extend(bits.to_le_bytes()),
                CoreValue::F64(bits) => out.extend(bits.to_le_bytes()),
                CoreValue::V128(_) | CoreValue::Ref(_) => unreachable!("not in crossings"),
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

/// Writes a trace of these events, `per_section` of them to a section.
pub fn write(
    component: Arc<Component>,
    events: &[Event],
    outcome: &Outcome,
    per_section: usize,
    path: &Path,
) {
    let file = std::fs::File::create(path).unwrap();
    let writer = Writer::new(file, component, &Metadata::default()).unwrap();
    let mut writer = writer.unchecked();
    for section in events.chunks(per_section) {
        for event in section {
            writer.records(event.instance, &raw(event)).unwrap();
        }
        writer.flush().unwrap();
    }
    writer.finish(outcome).unwrap();
}
