//! A system in Perfetto's format: a process for each node, its hostcalls and its conversations as slices,
//! and a flow for each message.
//!
//! Where every recording tells the time, that is what the slices are laid out by; else a step in the
//! order of the system is a microsecond, as times and steps cannot stand on one axis.

pub(crate) mod packets;

use self::packets::{
    DebugAnnotation, INSTANT, Packets, ProcessDescriptor, SLICE_BEGIN, TrackDescriptor, TrackEvent,
    note,
};
use super::{System, plain};
use crate::system::conversation::{End, EndKind, Place};
use crate::system::message::{EndId, Message, NodeId, Site};
use crate::system::words;
use crate::trace::{Edge, Trace, Way};
use std::io::{self, Write};
use std::sync::Arc;

/// Names of slices are cut there.
const MOST_NAME: usize = 200;
/// A step in the order, in nanoseconds.
const STEP: u64 = 1000;

/// Writes the trace: `traces` are the recordings of the nodes.
///
/// # Errors
///
/// If it cannot be written.
pub fn write(system: System<'_>, traces: &[Arc<Trace>], to: impl Write) -> io::Result<()> {
    let by_order = !system.nodes.iter().all(|node| system.tells_time(node));
    let mut writing = Writing {
        system,
        packets: Packets::new(to),
        by_order,
        next_track: 1,
    };
    let mut messages = Vec::new();
    for (node, trace) in (0..).map(NodeId).zip(traces) {
        let process = writing.process(node)?;
        messages.push(writing.track(process, "messages")?);
        let hostcalls = writing.track(process, "hostcalls")?;
        writing.hostcalls(node, trace, hostcalls)?;
        writing.conversations(node, process)?;
    }
    let all = system.matches.messages();
    let mut order: Vec<(u64, u64, u64)> = (0..)
        .zip(all)
        .map(|(number, message)| {
            let rank = |site: &Site| system.rank(site.end.node, site.place);
            (rank(&message.from), rank(&message.to), number)
        })
        .collect();
    order.sort_unstable();
    let names = system.conversations();
    for (_, _, number) in order {
        if let Some(message) = all.get(number as usize) {
            let said = words::said(message, &names);
            writing.message(number, message, &said, &messages)?;
        }
    }
    writing.packets.flush()
}

struct Writing<'a, W> {
    system: System<'a>,
    packets: Packets<W>,
    by_order: bool,
    next_track: u64,
}

impl<W: Write> Writing<'_, W> {
    fn number(&mut self) -> u64 {
        self.next_track += 1;
        self.next_track - 1
    }

    fn process(&mut self, node: NodeId) -> io::Result<u64> {
        let uuid = self.number();
        let process = ProcessDescriptor {
            pid: Some(node.0 as i32 + 1),
            process_name: Some(plain(self.system.name(node), MOST_NAME)),
        };
        self.packets.track(TrackDescriptor {
            uuid: Some(uuid),
            process: Some(process),
            ..TrackDescriptor::default()
        })?;
        Ok(uuid)
    }

    fn track(&mut self, process: u64, name: &str) -> io::Result<u64> {
        let uuid = self.number();
        self.packets.track(TrackDescriptor {
            uuid: Some(uuid),
            name: Some(name.to_owned()),
            parent_uuid: Some(process),
            ..TrackDescriptor::default()
        })?;
        Ok(uuid)
    }

    /// When a node was at a place, in nanoseconds; `None` where its recording does not tell.
    fn at(&self, node: NodeId, place: Place, event: Option<u64>) -> Option<u64> {
        if self.by_order {
            return Some(self.system.rank(node, place).saturating_mul(STEP));
        }
        let nanos = self.system.nanos(node, place, event)?;
        u64::try_from(nanos).ok()
    }

    /// Every hostcall of a recording, as far as it can be read.
    fn hostcalls(&mut self, node: NodeId, trace: &Trace, track: u64) -> io::Result<()> {
        let mut cursor = trace.events();
        // What is open: the number of a hostcall, or `None` for a call of the guest.
        let mut open = trace.no_calls();
        let mut now = 0;
        loop {
            let number = cursor.event();
            let Ok(Some(event)) = cursor.next() else {
                break;
            };
            let is_call = event.kind.edge() == Some(Edge::Begins(Way::Out));
            let ended = open.follow(&event, || is_call.then_some(number));
            match event.kind.edge() {
                Some(Edge::Begins(Way::Out)) => {
                    let place = Place::in_call(number);
                    now = self.at(node, place, Some(number)).unwrap_or(now).max(now);
                    let crossing = trace.component().crossing(event.crossing);
                    let name = crossing.map_or("?", |crossing| &crossing.name);
                    let name = self.packets.name(name)?;
                    self.packets.event(
                        now,
                        TrackEvent {
                            kind: Some(SLICE_BEGIN),
                            name_iid: Some(name),
                            track_uuid: Some(track),
                            debug_annotations: vec![note("hostcall", number)],
                            ..TrackEvent::default()
                        },
                    )?;
                }
                Some(Edge::Ends(_)) => {
                    if let Some(call) = ended.and_then(|ended| ended.of) {
                        // In the order it ends where all that was made in it has ended.
                        let made = if self.by_order {
                            cursor.event()
                        } else {
                            call + 1
                        };
                        let place = Place::after(made);
                        now = self.at(node, place, Some(call)).unwrap_or(now).max(now);
                        self.packets.end(track, now)?;
                    }
                }
                Some(Edge::Begins(Way::In)) | None => {}
            }
        }
        for _ in open.all().filter(|call| call.of.is_some()) {
            self.packets.end(track, now)?;
        }
        Ok(())
    }

    /// Requests and connections of a node: those at the same time on tracks beside each other.
    fn conversations(&mut self, node: NodeId, process: u64) -> io::Result<()> {
        let Some(of_node) = self.system.node(node) else {
            return Ok(());
        };
        for (kinds, name) in [
            (&[EndKind::HttpServer][..], "requests"),
            (&[EndKind::HttpClient][..], "requests made"),
            (
                &[EndKind::TcpConnected, EndKind::TcpAccepted][..],
                "connections",
            ),
        ] {
            let mut spans: Vec<(u64, u64, u32)> = Vec::new();
            for (number, end) in (0..).zip(&of_node.conversations.ends) {
                if kinds.contains(&end.kind) {
                    let (from, to) = self.span(node, end);
                    spans.push((from, to, number));
                }
            }
            spans.sort_unstable();
            let mut lanes: Vec<(u64, u64)> = Vec::new();
            for (from, to, number) in spans {
                let free = lanes.iter_mut().find(|(_, until)| *until <= from);
                let track = match free {
                    Some((track, until)) => {
                        *until = to;
                        *track
                    }
                    None => {
                        let track = self.track(process, name)?;
                        lanes.push((track, to));
                        track
                    }
                };
                let end = EndId { node, end: number };
                self.conversation(end, (from, to), track)?;
            }
        }
        Ok(())
    }

    /// From where a conversation began to where the last was said of it.
    fn span(&self, node: NodeId, end: &End) -> (u64, u64) {
        let mut places = vec![end.began];
        for direction in [&end.sent, &end.received] {
            places.extend(direction.head.as_ref().map(|head| head.place));
            places.extend(direction.pieces.last().map(|piece| piece.place));
            places.extend(direction.ended);
        }
        let at = |place: Place| self.at(node, place, Some(place.events));
        let from = match end.kind {
            // It came in before the first hostcall that it made.
            EndKind::HttpServer => self.at(node, end.began, None),
            _ => at(end.began),
        };
        let from = from.unwrap_or(0);
        let to = places.into_iter().filter_map(at).max().unwrap_or(from);
        (from, to.max(from))
    }

    fn conversation(&mut self, id: EndId, (from, to): (u64, u64), track: u64) -> io::Result<()> {
        let Some(end) = self.system.end(id) else {
            return Ok(());
        };
        let mut name = words::end(end);
        if let Some((_, answer)) = end.exchange()
            && let Some(head) = &answer.head
        {
            name = format!("{name}: {}", words::start(head));
        }
        let mut notes = vec![
            note("conversation", u64::from(id.end)),
            note("hostcall", end.began.events),
            note("bytes sent", end.sent.length),
            note("bytes received", end.received.length),
        ];
        notes.extend(end.error.as_deref().map(|error| told("error", error)));
        self.packets.event(
            from,
            TrackEvent {
                kind: Some(SLICE_BEGIN),
                name: Some(plain(&name, MOST_NAME)),
                track_uuid: Some(track),
                debug_annotations: notes,
                ..TrackEvent::default()
            },
        )?;
        self.packets.end(track, to)
    }

    /// A message: where it was sent and where it was received, with a flow from the one to the other.
    fn message(
        &mut self,
        number: u64,
        message: &Message,
        said: &str,
        tracks: &[u64],
    ) -> io::Result<()> {
        let at = |site: &Site| self.at(site.end.node, site.place, site.event);
        let sent = at(&message.from).unwrap_or(0);
        // Clocks of two hosts may disagree: what was sent was received after that, which the
        // order knows, and `took` tells what the clocks say.
        let received = at(&message.to).unwrap_or(sent).max(sent);
        for (site, other, now, way) in [
            (&message.from, &message.to, sent, "to"),
            (&message.to, &message.from, received, "from"),
        ] {
            let name = format!("{said} {way} {}", self.system.name(other.end.node));
            let mut notes = vec![
                note("message", number),
                note("bytes", message.length),
                told("evidence", message.evidence.told()),
            ];
            notes.extend(site.hostcall().map(|event| note("hostcall", event)));
            notes.extend(message.took.map(|took| DebugAnnotation {
                name: Some("took, ns".to_owned()),
                int_value: Some(took.nanos),
                ..DebugAnnotation::default()
            }));
            self.packets.event(
                now,
                TrackEvent {
                    kind: Some(INSTANT),
                    name: Some(plain(&name, MOST_NAME)),
                    track_uuid: tracks.get(site.end.node.0 as usize).copied(),
                    debug_annotations: notes,
                    // Numbers of flows begin with 1.
                    flow_ids: vec![number + 1],
                    ..TrackEvent::default()
                },
            )?;
        }
        Ok(())
    }
}

/// A text beside a slice.
fn told(name: &str, value: &str) -> DebugAnnotation {
    DebugAnnotation {
        name: Some(name.to_owned()),
        string_value: Some(plain(value, MOST_NAME)),
        ..DebugAnnotation::default()
    }
}
