//! Perfetto's trace format: stacks as nested slices, a tick as a nanosecond.
//!
//! Of the format's hundreds of messages these few are used; they are declared here, with the
//! field numbers of `protos/perfetto/trace/`, and `prost` writes them: the most used crate for
//! protocol buffers, which needs no compiler of its own for messages that are declared so.

use super::timed;
use crate::inspect::profile::{Profile, StackId};
use crate::replay::Tick;
use crate::replay::contexts::Crossed;
use crate::trace::{HostTimes, Trace};
use prost::Message;
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

/// One packet of a trace, as an element of its field 1.
#[derive(Message)]
struct OnePacket {
    #[prost(message, optional, tag = "1")]
    packet: Option<TracePacket>,
}

#[derive(Message)]
struct TracePacket {
    #[prost(uint64, optional, tag = "8")]
    timestamp: Option<u64>,
    #[prost(uint32, optional, tag = "10")]
    trusted_packet_sequence_id: Option<u32>,
    #[prost(message, optional, tag = "11")]
    track_event: Option<TrackEvent>,
    #[prost(message, optional, tag = "12")]
    interned_data: Option<InternedData>,
    #[prost(uint32, optional, tag = "13")]
    sequence_flags: Option<u32>,
    #[prost(message, optional, tag = "60")]
    track_descriptor: Option<TrackDescriptor>,
}

#[derive(Message)]
struct TrackEvent {
    #[prost(message, repeated, tag = "4")]
    debug_annotations: Vec<DebugAnnotation>,
    #[prost(uint32, optional, tag = "9")]
    kind: Option<u32>,
    #[prost(uint64, optional, tag = "10")]
    name_iid: Option<u64>,
    #[prost(uint64, optional, tag = "11")]
    track_uuid: Option<u64>,
    #[prost(int64, optional, tag = "30")]
    counter_value: Option<i64>,
    #[prost(uint64, optional, tag = "34")]
    source_location_iid: Option<u64>,
}

const SLICE_BEGIN: u32 = 1;
const SLICE_END: u32 = 2;
const COUNTER: u32 = 4;

#[derive(Message)]
struct DebugAnnotation {
    #[prost(uint64, optional, tag = "3")]
    uint_value: Option<u64>,
    #[prost(string, optional, tag = "10")]
    name: Option<String>,
}

#[derive(Message)]
struct InternedData {
    #[prost(message, repeated, tag = "2")]
    event_names: Vec<EventName>,
    #[prost(message, repeated, tag = "4")]
    source_locations: Vec<SourceLocation>,
}

#[derive(Message)]
struct EventName {
    #[prost(uint64, optional, tag = "1")]
    iid: Option<u64>,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
}

#[derive(Message)]
struct SourceLocation {
    #[prost(uint64, optional, tag = "1")]
    iid: Option<u64>,
    #[prost(string, optional, tag = "2")]
    file_name: Option<String>,
    #[prost(string, optional, tag = "3")]
    function_name: Option<String>,
    #[prost(uint32, optional, tag = "4")]
    line_number: Option<u32>,
}

#[derive(Message)]
struct TrackDescriptor {
    #[prost(uint64, optional, tag = "1")]
    uuid: Option<u64>,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
    #[prost(message, optional, tag = "3")]
    process: Option<ProcessDescriptor>,
    #[prost(message, optional, tag = "4")]
    thread: Option<ThreadDescriptor>,
    #[prost(uint64, optional, tag = "5")]
    parent_uuid: Option<u64>,
    #[prost(message, optional, tag = "8")]
    counter: Option<CounterDescriptor>,
}

#[derive(Message)]
struct ProcessDescriptor {
    #[prost(int32, optional, tag = "1")]
    pid: Option<i32>,
    #[prost(string, optional, tag = "6")]
    process_name: Option<String>,
}

#[derive(Message)]
struct ThreadDescriptor {
    #[prost(int32, optional, tag = "1")]
    pid: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    tid: Option<i32>,
    #[prost(string, optional, tag = "5")]
    thread_name: Option<String>,
}

#[derive(Message)]
struct CounterDescriptor {
    #[prost(int32, optional, tag = "3")]
    unit: Option<i32>,
}

/// The counter is of bytes.
const BYTES: i32 = 3;

/// All packets are of one sequence.
const SEQUENCE: u32 = 1;
const STATE_CLEARED: u32 = 1;
const NEEDS_STATE: u32 = 2;

const PROCESS: u64 = 1;
const GUEST: u64 = 2;
const HOSTCALLS: u64 = 3;
const EXPORTS: u64 = 4;
const MEMORY: u64 = 5;

/// Writes a profile.
pub(super) fn write(profile: &Profile, trace: &Trace, to: &mut impl Write) -> io::Result<()> {
    let mut writing = Writing {
        to,
        names: HashMap::new(),
    };
    writing.tracks(trace)?;
    writing.places(profile)?;
    writing.stacks(profile)?;
    writing.crossings(profile, trace)?;
    for slice in profile.contexts().slices() {
        writing.event(
            slice.end.0,
            TrackEvent {
                kind: Some(COUNTER),
                track_uuid: Some(MEMORY),
                counter_value: Some(slice.memory.cast_signed()),
                ..TrackEvent::default()
            },
        )?;
    }
    Ok(())
}

struct Writing<'a, W> {
    to: &'a mut W,
    /// Numbers of names.
    names: HashMap<Arc<str>, u64>,
}

impl<W: Write> Writing<'_, W> {
    fn packet(&mut self, packet: TracePacket) -> io::Result<()> {
        let packet = TracePacket {
            trusted_packet_sequence_id: Some(SEQUENCE),
            sequence_flags: packet.sequence_flags.or(Some(NEEDS_STATE)),
            ..packet
        };
        let packet = OnePacket {
            packet: Some(packet),
        };
        self.to.write_all(&packet.encode_to_vec())
    }

    fn event(&mut self, at: u64, event: TrackEvent) -> io::Result<()> {
        self.packet(TracePacket {
            timestamp: Some(at),
            track_event: Some(event),
            ..TracePacket::default()
        })
    }

    fn tracks(&mut self, trace: &Trace) -> io::Result<()> {
        let program = &trace.metadata().program;
        let program = program.rsplit('/').next().unwrap_or(program);
        let process = ProcessDescriptor {
            pid: Some(1),
            process_name: Some(program.to_owned()),
        };
        let thread = ThreadDescriptor {
            pid: Some(1),
            tid: Some(1),
            thread_name: Some("guest".to_owned()),
        };
        let track = |uuid, name: &str| TrackDescriptor {
            uuid: Some(uuid),
            name: Some(name.to_owned()),
            parent_uuid: Some(PROCESS),
            ..TrackDescriptor::default()
        };
        let of_process = TrackDescriptor {
            uuid: Some(PROCESS),
            process: Some(process),
            ..TrackDescriptor::default()
        };
        let of_thread = TrackDescriptor {
            uuid: Some(GUEST),
            thread: Some(thread),
            ..TrackDescriptor::default()
        };
        let memory = TrackDescriptor {
            counter: Some(CounterDescriptor { unit: Some(BYTES) }),
            ..track(MEMORY, "linear memories")
        };
        let all = [
            of_process,
            of_thread,
            track(HOSTCALLS, "hostcalls"),
            track(EXPORTS, "calls of exports"),
            memory,
        ];
        for (nth, track) in all.into_iter().enumerate() {
            self.packet(TracePacket {
                timestamp: Some(0),
                // What was interned before, nothing is.
                sequence_flags: (nth == 0).then_some(STATE_CLEARED),
                track_descriptor: Some(track),
                ..TracePacket::default()
            })?;
        }
        Ok(())
    }

    /// Names, and where frames are: the number of a frame's place is one more than its own.
    fn places(&mut self, profile: &Profile) -> io::Result<()> {
        let mut interned = InternedData::default();
        for (nth, frame) in (1..).zip(profile.frames()) {
            let Some(function) = profile.function(frame.function) else {
                continue;
            };
            let next = self.names.len() as u64 + 1;
            let name = self.names.entry(function.name.clone());
            name.or_insert_with(|| {
                interned.event_names.push(EventName {
                    iid: Some(next),
                    name: Some(function.name.to_string()),
                });
                next
            });
            if let Some((file, line)) = &frame.at {
                interned.source_locations.push(SourceLocation {
                    iid: Some(nth),
                    file_name: Some(file.to_string()),
                    function_name: Some(function.name.to_string()),
                    line_number: Some(*line),
                });
            }
        }
        self.packet(TracePacket {
            timestamp: Some(0),
            interned_data: Some(interned),
            ..TracePacket::default()
        })
    }

    /// The number of a name, which is said first if it has none.
    fn name(&mut self, name: &str) -> io::Result<u64> {
        if let Some(number) = self.names.get(name) {
            return Ok(*number);
        }
        let number = self.names.len() as u64 + 1;
        self.names.insert(name.into(), number);
        let event_names = vec![EventName {
            iid: Some(number),
            name: Some(name.to_owned()),
        }];
        self.packet(TracePacket {
            timestamp: Some(0),
            interned_data: Some(InternedData {
                event_names,
                ..InternedData::default()
            }),
            ..TracePacket::default()
        })?;
        Ok(number)
    }

    /// What ran, one stack behind the other: what two have in common goes on.
    fn stacks(&mut self, profile: &Profile) -> io::Result<()> {
        let mut open: Vec<StackId> = Vec::new();
        let mut now = 0;
        for ran in timed::ran(profile) {
            let below = |stack: &StackId| profile.stacks().get(stack.0 as usize)?.below;
            let mut stack: Vec<StackId> = std::iter::successors(Some(ran.stack), below).collect();
            stack.reverse();
            let kept = open
                .iter()
                .zip(&stack)
                .take_while(|(a, b)| same(profile, **a, **b));
            let kept = kept.count();
            for _ in kept..open.len() {
                self.end(ran.ticks.start)?;
            }
            open.truncate(kept);
            for begun in stack.into_iter().skip(kept) {
                self.begin(profile, begun, ran.ticks.start)?;
                open.push(begun);
            }
            now = ran.ticks.end;
        }
        for _ in open {
            self.end(now)?;
        }
        Ok(())
    }

    fn begin(&mut self, profile: &Profile, stack: StackId, at: u64) -> io::Result<()> {
        let stack = profile.stacks().get(stack.0 as usize);
        let Some((number, frame)) = stack.and_then(|stack| {
            let frame = profile.frame(stack.frame)?;
            Some((stack.frame, frame))
        }) else {
            return Ok(());
        };
        let name = profile.function(frame.function);
        let name = name.and_then(|function| self.names.get(&function.name).copied());
        self.event(
            at,
            TrackEvent {
                kind: Some(SLICE_BEGIN),
                name_iid: name,
                track_uuid: Some(GUEST),
                source_location_iid: frame.at.as_ref().map(|_| u64::from(number) + 1),
                ..TrackEvent::default()
            },
        )
    }

    fn end(&mut self, at: u64) -> io::Result<()> {
        self.event(
            at,
            TrackEvent {
                kind: Some(SLICE_END),
                track_uuid: Some(GUEST),
                ..TrackEvent::default()
            },
        )
    }

    /// Hostcalls and calls of exports: each begins and ends within what is around it.
    fn crossings(&mut self, profile: &Profile, trace: &Trace) -> io::Result<()> {
        let contexts = profile.contexts();
        let times = HostTimes::of(trace);
        for (track, all) in [
            (HOSTCALLS, contexts.hostcalls()),
            (EXPORTS, contexts.entries()),
        ] {
            let mut open: Vec<Tick> = Vec::new();
            let names = match track {
                EXPORTS => timed::names_of_entries(trace, all),
                _ => all.iter().map(|crossed| hostcall(trace, crossed)).collect(),
            };
            for (crossed, name) in all.iter().zip(names) {
                let end = crossed.end.unwrap_or(profile.end());
                while let Some(end) =
                    open.pop_if(|end| *end <= crossed.begin && *end < profile.end())
                {
                    self.end_on(track, end)?;
                }
                self.crossing(track, crossed, &name, &times)?;
                open.push(end);
            }
            while let Some(end) = open.pop() {
                self.end_on(track, end)?;
            }
        }
        Ok(())
    }

    fn crossing(
        &mut self,
        track: u64,
        crossed: &Crossed,
        name: &str,
        times: &HostTimes,
    ) -> io::Result<()> {
        let name = self.name(name)?;
        let note = |name: &str, value: u64| DebugAnnotation {
            name: Some(name.to_owned()),
            uint_value: Some(value),
        };
        let mut notes = vec![note("hostcall", crossed.event)];
        let elapsed = times.at(crossed.event).map(|time| time.elapsed());
        notes.extend(elapsed.map(|at| note("host time, ns", at.as_nanos() as u64)));
        let took = (track == HOSTCALLS).then(|| times.duration(crossed.event));
        notes.extend(
            took.flatten()
                .map(|took| note("took on the host, ns", took.as_nanos() as u64)),
        );
        self.event(
            crossed.begin.0,
            TrackEvent {
                kind: Some(SLICE_BEGIN),
                name_iid: Some(name),
                track_uuid: Some(track),
                debug_annotations: notes,
                ..TrackEvent::default()
            },
        )
    }

    fn end_on(&mut self, track: u64, at: Tick) -> io::Result<()> {
        self.event(
            at.0,
            TrackEvent {
                kind: Some(SLICE_END),
                track_uuid: Some(track),
                ..TrackEvent::default()
            },
        )
    }
}

fn hostcall(trace: &Trace, crossed: &Crossed) -> String {
    let crossing = trace.component().crossing(crossed.crossing);
    crossing.map_or_else(String::new, |crossing| crossing.name.to_string())
}

/// Whether two stacks are of the same functions at their top: the line may be another.
fn same(profile: &Profile, a: StackId, b: StackId) -> bool {
    let function = |stack: StackId| {
        let stack = profile.stacks().get(stack.0 as usize)?;
        Some(profile.frame(stack.frame)?.function)
    };
    a == b || function(a) == function(b)
}
