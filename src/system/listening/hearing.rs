//! What is known of a recording's conversations while it is listened to: which handles stand for
//! what, and what went through them.

use crate::component::CrossingId;
use crate::system::conversation::{Conversations, Direction, End, EndKind, Piece, Place};
use crate::trace::Instance;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

/// Conversations, flows and handles that are remembered: of those beyond, nothing is known.
const MOST: usize = 1 << 20;
/// Bytes that are kept of all that was said.
const MOST_BYTES: usize = 256 << 20;

/// A sequence of bytes, or datagrams, that goes one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FlowId(u32);

/// A conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct EndIndex(u32);

/// What a handle stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Thing {
    /// Bytes that the program reads: an `input-stream`.
    Input(FlowId),
    /// Bytes that it writes: an `output-stream`.
    Output(FlowId),
    /// The end of a `stream<u8>` that is read from.
    Readable(FlowId),
    /// The one that is written to.
    Writable(FlowId),
    /// What only the protocol that it belongs to knows.
    Http(super::http::Thing),
    /// The same.
    Socket(super::sockets::Thing),
}

/// A handle of a component instance.
pub(super) type Handle = (Instance, u32);

/// A copy from or to a `stream<u8>` that has not ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Copying {
    pub(super) crossing: CrossingId,
    pub(super) address: u64,
    pub(super) event: u64,
}

/// An end, and the flows that are its directions.
#[derive(Debug)]
struct Draft {
    end: End,
    sent: Option<FlowId>,
    received: Option<FlowId>,
}

/// All that is known so far.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    drafts: Vec<Draft>,
    flows: Vec<Direction>,
    things: HashMap<Handle, Thing>,
    pub(super) copies: HashMap<Handle, Copying>,
    /// Writes of WASI 0.2 that have not been answered, by their numbers.
    pub(super) writes: HashMap<u64, FlowId>,
    /// Streams that the program made itself.
    made: HashSet<FlowId>,
    /// Those that have become a part of another.
    led: HashMap<FlowId, FlowId>,
    /// Those of WASI 0.2 that end when the program lets go of its output stream.
    end_when_dropped: HashSet<FlowId>,
    kept: usize,
    pub(super) is_full: bool,
}

impl Hearing {
    /// A conversation begins.
    pub(super) fn begin(&mut self, end: End) -> EndIndex {
        // The one that takes all beyond is the last: it is told that there are too many.
        if self.drafts.len() >= MOST {
            self.is_full = true;
            return EndIndex(MOST as u32 - 1);
        }
        self.drafts.push(Draft {
            end,
            sent: None,
            received: None,
        });
        EndIndex(self.drafts.len() as u32 - 1)
    }

    pub(super) fn end(&mut self, of: EndIndex) -> Option<&mut End> {
        self.drafts
            .get_mut(of.0 as usize)
            .map(|draft| &mut draft.end)
    }

    /// Bytes that are not known to belong to anything yet.
    pub(super) fn flow(&mut self) -> FlowId {
        if self.flows.len() >= MOST {
            self.is_full = true;
            return FlowId(MOST as u32 - 1);
        }
        self.flows.push(Direction::default());
        FlowId(self.flows.len() as u32 - 1)
    }

    pub(super) fn direction(&mut self, of: FlowId) -> Option<&mut Direction> {
        let of = self.led.get(&of).copied().unwrap_or(of);
        self.flows.get_mut(of.0 as usize)
    }

    /// The bytes of a stream that the program makes.
    pub(super) fn made_flow(&mut self) -> FlowId {
        let flow = self.flow();
        self.made.insert(flow);
        flow
    }

    /// Whether the program has made a stream, so that all that goes through it is its own.
    pub(super) fn is_made(&self, flow: FlowId) -> bool {
        self.made.contains(&flow)
    }

    /// From now on the bytes of one flow are a part of another, to which none lead yet.
    pub(super) fn leads_to(&mut self, from: FlowId, to: FlowId) {
        let before = self.direction(from).map(std::mem::take).unwrap_or_default();
        for piece in &before.pieces {
            // They were counted when they came.
            self.kept -= before.bytes_of(piece).len().min(self.kept);
            let said = (before.bytes_of(piece), piece.length);
            self.push(to, (piece.place, piece.event), said, piece.peer);
        }
        if let Some(ended) = before.ended {
            self.ended(to, ended);
        }
        self.led.insert(from, to);
    }

    /// A flow of WASI 0.2 ends when the program lets go of its output stream.
    pub(super) fn ends_when_dropped(&mut self, flow: FlowId) {
        self.end_when_dropped.insert(flow);
    }

    /// The program lets go of what a handle stands for.
    pub(super) fn dropped(&mut self, handle: Handle, place: Place) {
        if let Some(Thing::Output(flow)) = self.take(handle)
            && self.end_when_dropped.contains(&flow)
        {
            self.ended(flow, place);
        }
    }

    /// A flow is what a conversation sends.
    pub(super) fn sends(&mut self, end: EndIndex, flow: FlowId) {
        if let Some(draft) = self.drafts.get_mut(end.0 as usize) {
            draft.sent = Some(flow);
        }
    }

    /// A flow is what a conversation receives.
    pub(super) fn receives(&mut self, end: EndIndex, flow: FlowId) {
        if let Some(draft) = self.drafts.get_mut(end.0 as usize) {
            draft.received = Some(flow);
        }
    }

    /// Bytes go through a flow, `known` the first of them.
    pub(super) fn push(
        &mut self,
        flow: FlowId,
        (place, event): (Place, Option<u64>),
        (known, length): (&[u8], u64),
        peer: Option<SocketAddr>,
    ) {
        let mut left = MOST_BYTES.saturating_sub(self.kept);
        let before = left;
        if let Some(direction) = self.direction(flow) {
            let piece = Piece {
                place,
                event,
                offset: 0,
                length,
                peer,
            };
            direction.push(piece, known, &mut left);
            // Only one of several handles of the same stream was let go of.
            direction.ended = None;
        }
        self.kept += before - left;
    }

    /// No more bytes come.
    pub(super) fn ended(&mut self, flow: FlowId, place: Place) {
        if let Some(direction) = self.direction(flow) {
            direction.ended.get_or_insert(place);
        }
    }

    /// More bytes may have gone through a flow than the program had.
    pub(super) fn unseen(&mut self, flow: FlowId) {
        if let Some(direction) = self.direction(flow) {
            direction.unseen = true;
        }
    }

    pub(super) fn put(&mut self, handle: Handle, thing: Thing) {
        if self.things.len() < MOST {
            self.things.insert(handle, thing);
        } else {
            self.is_full = true;
        }
    }

    pub(super) fn get(&self, handle: Handle) -> Option<&Thing> {
        self.things.get(&handle)
    }

    pub(super) fn get_mut(&mut self, handle: Handle) -> Option<&mut Thing> {
        self.things.get_mut(&handle)
    }

    pub(super) fn take(&mut self, handle: Handle) -> Option<Thing> {
        self.things.remove(&handle)
    }

    pub(super) fn knows_nothing(&self) -> bool {
        self.things.is_empty()
    }

    /// The end of a stream that a host function is given: whose bytes it takes.
    pub(super) fn take_readable(&mut self, handle: Handle) -> Option<FlowId> {
        match self.take(handle)? {
            Thing::Readable(flow) => Some(flow),
            other => {
                self.put(handle, other);
                None
            }
        }
    }

    /// All conversations, in the order in which they began.
    pub(super) fn conversations(&mut self, events: u64) -> Conversations {
        // Of what was being written in the end, nobody knows how much went.
        let writing = self
            .copies
            .keys()
            .filter_map(|handle| match self.get(*handle)? {
                Thing::Writable(flow) => Some(*flow),
                _ => None,
            });
        let writing: Vec<FlowId> = writing.chain(self.writes.values().copied()).collect();
        for flow in writing {
            self.unseen(flow);
        }
        let mut flows = std::mem::take(&mut self.flows);
        let mut uses: HashMap<FlowId, usize> = HashMap::new();
        for draft in &self.drafts {
            for flow in [draft.sent, draft.received].into_iter().flatten() {
                *uses.entry(flow).or_default() += 1;
            }
        }
        let mut fill = |direction: &mut Direction, flow: Option<FlowId>| {
            let Some(from) = flow.and_then(|flow| flows.get_mut(flow.0 as usize)) else {
                return;
            };
            let head = direction.head.take();
            let is_last = flow
                .and_then(|flow| uses.get_mut(&flow))
                .is_none_or(|uses| {
                    *uses -= 1;
                    *uses == 0
                });
            *direction = match is_last {
                true => std::mem::take(from),
                false => from.clone(),
            };
            direction.head = head;
        };
        let mut ends: Vec<End> = Vec::with_capacity(self.drafts.len());
        for mut draft in std::mem::take(&mut self.drafts) {
            fill(&mut draft.end.sent, draft.sent);
            fill(&mut draft.end.received, draft.received);
            if said_something(&mut draft.end) {
                ends.push(draft.end);
            }
        }
        ends.sort_by_key(|end| end.began);
        Conversations {
            ends,
            events,
            cut_short: self
                .is_full
                .then(|| "there are too many conversations to remember all".to_owned()),
        }
    }
}

/// Every program has standard streams, and not every one uses them: whether this end is no such
/// one. Where they begin is where something is said.
fn said_something(end: &mut End) -> bool {
    let direction = match end.kind {
        EndKind::StandardInput => &end.received,
        EndKind::StandardOutput => &end.sent,
        _ => return true,
    };
    if let Some(first) = direction.pieces.first() {
        end.began = first.place;
    }
    !direction.pieces.is_empty() || direction.unseen
}
