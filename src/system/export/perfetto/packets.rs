//! Perfetto's trace format, as far as it is used here.
//!
//! Of the format's hundreds of messages these few are; they are declared with the field numbers of
//! `protos/perfetto/trace/`, and `prost` writes them: the most used crate for protocol buffers, which
//! needs no compiler of its own for messages that are declared so.

use prost::Message;
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

/// One packet of a trace, as an element of its field 1.
#[derive(Message)]
pub(crate) struct OnePacket {
    #[prost(message, optional, tag = "1")]
    pub(crate) packet: Option<TracePacket>,
}

#[derive(Message)]
pub(crate) struct TracePacket {
    #[prost(uint64, optional, tag = "8")]
    pub(crate) timestamp: Option<u64>,
    #[prost(uint32, optional, tag = "10")]
    pub(crate) trusted_packet_sequence_id: Option<u32>,
    #[prost(message, optional, tag = "11")]
    pub(crate) track_event: Option<TrackEvent>,
    #[prost(message, optional, tag = "12")]
    pub(crate) interned_data: Option<InternedData>,
    #[prost(uint32, optional, tag = "13")]
    pub(crate) sequence_flags: Option<u32>,
    #[prost(message, optional, tag = "60")]
    pub(crate) track_descriptor: Option<TrackDescriptor>,
}

#[derive(Message)]
pub(crate) struct TrackEvent {
    #[prost(message, repeated, tag = "4")]
    pub(crate) debug_annotations: Vec<DebugAnnotation>,
    #[prost(uint32, optional, tag = "9")]
    pub(crate) kind: Option<u32>,
    #[prost(uint64, optional, tag = "10")]
    pub(crate) name_iid: Option<u64>,
    #[prost(uint64, optional, tag = "11")]
    pub(crate) track_uuid: Option<u64>,
    #[prost(string, optional, tag = "23")]
    pub(crate) name: Option<String>,
    #[prost(int64, optional, tag = "30")]
    pub(crate) counter_value: Option<i64>,
    #[prost(uint64, optional, tag = "34")]
    pub(crate) source_location_iid: Option<u64>,
    #[prost(fixed64, repeated, tag = "47")]
    pub(crate) flow_ids: Vec<u64>,
}

pub(crate) const SLICE_BEGIN: u32 = 1;
pub(crate) const SLICE_END: u32 = 2;
pub(crate) const INSTANT: u32 = 3;
pub(crate) const COUNTER: u32 = 4;

#[derive(Message)]
pub(crate) struct DebugAnnotation {
    #[prost(uint64, optional, tag = "3")]
    pub(crate) uint_value: Option<u64>,
    #[prost(int64, optional, tag = "4")]
    pub(crate) int_value: Option<i64>,
    #[prost(string, optional, tag = "6")]
    pub(crate) string_value: Option<String>,
    #[prost(string, optional, tag = "10")]
    pub(crate) name: Option<String>,
}

#[derive(Message)]
pub(crate) struct InternedData {
    #[prost(message, repeated, tag = "2")]
    pub(crate) event_names: Vec<EventName>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) source_locations: Vec<SourceLocation>,
}

#[derive(Message)]
pub(crate) struct EventName {
    #[prost(uint64, optional, tag = "1")]
    pub(crate) iid: Option<u64>,
    #[prost(string, optional, tag = "2")]
    pub(crate) name: Option<String>,
}

#[derive(Message)]
pub(crate) struct SourceLocation {
    #[prost(uint64, optional, tag = "1")]
    pub(crate) iid: Option<u64>,
    #[prost(string, optional, tag = "2")]
    pub(crate) file_name: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) function_name: Option<String>,
    #[prost(uint32, optional, tag = "4")]
    pub(crate) line_number: Option<u32>,
}

#[derive(Message)]
pub(crate) struct TrackDescriptor {
    #[prost(uint64, optional, tag = "1")]
    pub(crate) uuid: Option<u64>,
    #[prost(string, optional, tag = "2")]
    pub(crate) name: Option<String>,
    #[prost(message, optional, tag = "3")]
    pub(crate) process: Option<ProcessDescriptor>,
    #[prost(message, optional, tag = "4")]
    pub(crate) thread: Option<ThreadDescriptor>,
    #[prost(uint64, optional, tag = "5")]
    pub(crate) parent_uuid: Option<u64>,
    #[prost(message, optional, tag = "8")]
    pub(crate) counter: Option<CounterDescriptor>,
}

#[derive(Message)]
pub(crate) struct ProcessDescriptor {
    #[prost(int32, optional, tag = "1")]
    pub(crate) pid: Option<i32>,
    #[prost(string, optional, tag = "6")]
    pub(crate) process_name: Option<String>,
}

#[derive(Message)]
pub(crate) struct ThreadDescriptor {
    #[prost(int32, optional, tag = "1")]
    pub(crate) pid: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub(crate) tid: Option<i32>,
    #[prost(string, optional, tag = "5")]
    pub(crate) thread_name: Option<String>,
}

#[derive(Message)]
pub(crate) struct CounterDescriptor {
    #[prost(int32, optional, tag = "3")]
    pub(crate) unit: Option<i32>,
}

/// A counter is of bytes.
pub(crate) const BYTES: i32 = 3;

/// All packets are of one sequence.
pub(crate) const SEQUENCE: u32 = 1;
pub(crate) const STATE_CLEARED: u32 = 1;
pub(crate) const NEEDS_STATE: u32 = 2;

/// Writes packets, and names once each.
pub(crate) struct Packets<W> {
    to: W,
    /// Numbers of names.
    names: HashMap<Arc<str>, u64>,
    has_begun: bool,
}

impl<W: Write> Packets<W> {
    pub(crate) fn new(to: W) -> Packets<W> {
        Packets {
            to,
            names: HashMap::new(),
            has_begun: false,
        }
    }

    pub(crate) fn packet(&mut self, packet: TracePacket) -> io::Result<()> {
        // What was interned before the first packet, nothing is.
        let state = match std::mem::replace(&mut self.has_begun, true) {
            true => NEEDS_STATE,
            false => STATE_CLEARED,
        };
        let packet = TracePacket {
            trusted_packet_sequence_id: Some(SEQUENCE),
            sequence_flags: Some(state),
            ..packet
        };
        let packet = OnePacket {
            packet: Some(packet),
        };
        self.to.write_all(&packet.encode_to_vec())
    }

    pub(crate) fn track(&mut self, track: TrackDescriptor) -> io::Result<()> {
        self.packet(TracePacket {
            timestamp: Some(0),
            track_descriptor: Some(track),
            ..TracePacket::default()
        })
    }

    pub(crate) fn event(&mut self, at: u64, event: TrackEvent) -> io::Result<()> {
        self.packet(TracePacket {
            timestamp: Some(at),
            track_event: Some(event),
            ..TracePacket::default()
        })
    }

    /// The slice that was begun last on a track ends.
    pub(crate) fn end(&mut self, track: u64, at: u64) -> io::Result<()> {
        self.event(
            at,
            TrackEvent {
                kind: Some(SLICE_END),
                track_uuid: Some(track),
                ..TrackEvent::default()
            },
        )
    }

    /// The number of a name that has been said.
    pub(crate) fn known_name(&self, name: &str) -> Option<u64> {
        self.names.get(name).copied()
    }

    /// The number of a name, which is added to what is to be said if it has none.
    pub(crate) fn intern(&mut self, name: &Arc<str>, interned: &mut InternedData) -> u64 {
        let next = self.names.len() as u64 + 1;
        let number = self.names.entry(name.clone());
        *number.or_insert_with(|| {
            interned.event_names.push(EventName {
                iid: Some(next),
                name: Some(name.to_string()),
            });
            next
        })
    }

    pub(crate) fn interned(&mut self, interned: InternedData) -> io::Result<()> {
        self.packet(TracePacket {
            timestamp: Some(0),
            interned_data: Some(interned),
            ..TracePacket::default()
        })
    }

    /// The number of a name, which is said first if it has none.
    pub(crate) fn name(&mut self, name: &str) -> io::Result<u64> {
        if let Some(number) = self.known_name(name) {
            return Ok(number);
        }
        let mut interned = InternedData::default();
        let number = self.intern(&name.into(), &mut interned);
        self.interned(interned)?;
        Ok(number)
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A number beside a slice.
pub(crate) fn note(name: &str, value: u64) -> DebugAnnotation {
    DebugAnnotation {
        name: Some(name.to_owned()),
        uint_value: Some(value),
        ..DebugAnnotation::default()
    }
}
