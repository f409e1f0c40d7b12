//! Perfetto's trace format: stacks as nested slices, a tick as a nanosecond.

use super::timed;
use crate::inspect::profile::{Profile, StackId};
use crate::replay::Tick;
use crate::replay::contexts::Crossed;
use crate::system::export::perfetto::packets::{
    BYTES, COUNTER, CounterDescriptor, InternedData, Packets, ProcessDescriptor, SLICE_BEGIN,
    SourceLocation, ThreadDescriptor, TrackDescriptor, TrackEvent, note,
};
use crate::trace::{HostTimes, Trace};
use std::io::{self, Write};

const PROCESS: u64 = 1;
const GUEST: u64 = 2;
const HOSTCALLS: u64 = 3;
const EXPORTS: u64 = 4;
const MEMORY: u64 = 5;

/// Writes a profile.
pub(super) fn write(profile: &Profile, trace: &Trace, to: &mut impl Write) -> io::Result<()> {
    let mut writing = Writing {
        packets: Packets::new(to),
    };
    writing.tracks(trace)?;
    writing.places(profile)?;
    writing.stacks(profile)?;
    writing.crossings(profile, trace)?;
    for slice in profile.contexts().slices() {
        writing.packets.event(
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

struct Writing<W> {
    packets: Packets<W>,
}

impl<W: Write> Writing<W> {
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
        for track in all {
            self.packets.track(track)?;
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
            self.packets.intern(&function.name, &mut interned);
            if let Some((file, line)) = &frame.at {
                interned.source_locations.push(SourceLocation {
                    iid: Some(nth),
                    file_name: Some(file.to_string()),
                    function_name: Some(function.name.to_string()),
                    line_number: Some(*line),
                });
            }
        }
        self.packets.interned(interned)
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
                self.packets.end(GUEST, ran.ticks.start)?;
            }
            open.truncate(kept);
            for begun in stack.into_iter().skip(kept) {
                self.begin(profile, begun, ran.ticks.start)?;
                open.push(begun);
            }
            now = ran.ticks.end;
        }
        for _ in open {
            self.packets.end(GUEST, now)?;
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
        let name = name.and_then(|function| self.packets.known_name(&function.name));
        self.packets.event(
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
                    self.packets.end(track, end.0)?;
                }
                self.crossing(track, crossed, &name, &times)?;
                open.push(end);
            }
            while let Some(end) = open.pop() {
                self.packets.end(track, end.0)?;
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
        let name = self.packets.name(name)?;
        let mut notes = vec![note("hostcall", crossed.event)];
        let elapsed = times.at(crossed.event).map(|time| time.elapsed());
        notes.extend(elapsed.map(|at| note("host time, ns", at.as_nanos() as u64)));
        let took = (track == HOSTCALLS).then(|| times.duration(crossed.event));
        notes.extend(
            took.flatten()
                .map(|took| note("took on the host, ns", took.as_nanos() as u64)),
        );
        self.packets.event(
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
