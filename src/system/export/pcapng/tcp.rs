//! The packets of a connection: from its handshake to its end, in order and whole.

use super::connection::{Connection, Frame, Moment, Said};
use super::packet::{self, Payload};
use super::{Capture, Packaged};
use etherparse::{TcpHeader, TcpOptionElement};
use std::io::{self, Write};
use std::net::SocketAddr;

/// Bytes of one segment, over IPv4 in Ethernet; over IPv6 headers are longer by 20 bytes.
const SEGMENT: usize = 1460;
/// So many segments of a stretch that nobody kept are written, without what is in them; sequence
/// numbers go on behind the rest.
const MOST_MISSING: u64 = 64;
const WINDOW: u16 = u16::MAX;
/// What the window is multiplied by, as a power of two: large enough that nothing is ever too much.
const WINDOW_SCALE: u8 = 14;

/// What happens in a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Open,
    /// What a side says, by its place there.
    Say(usize, usize),
    /// The other side has it.
    Hear(usize, Moment),
    /// A side says no more.
    Finish(usize, Moment),
    /// Nothing came of it.
    Reset(Moment),
}

/// What happens in a connection, by the rank of each: they ascend.
pub(super) fn acts(connection: &Connection<'_>) -> Vec<(u64, Act)> {
    let mut acts = Vec::new();
    let mut last = connection.opened;
    for (way, flow) in connection.flows.iter().enumerate() {
        // Nothing is answered before it was asked, in one connection.
        let mut rank = match (connection.is_http, way) {
            (true, 1) => connection.flows[0]
                .said
                .first()
                .map_or(0, |said| said.at.rank),
            _ => 0,
        };
        for (at, said) in flow.said.iter().enumerate() {
            rank = rank.max(said.at.rank);
            acts.push((rank, Act::Say(way, at)));
            if said.at.rank >= last.rank {
                last = said.at;
            }
        }
        for heard in &flow.heard {
            acts.push((
                heard.rank.max(rank_of_first(connection, way)),
                Act::Hear(way, *heard),
            ));
            if heard.rank >= last.rank {
                last = *heard;
            }
        }
        if let Some(ended) = flow.ended.filter(|_| !connection.is_http) {
            acts.push((ended.rank.max(rank), Act::Finish(way, ended)));
        }
    }
    acts.sort_by_key(|(rank, _)| *rank);
    let end = acts
        .last()
        .map_or(last.rank, |(rank, _)| *rank)
        .max(last.rank);
    if connection.error.is_some() {
        acts.push((end, Act::Reset(last)));
    } else {
        // A server of HTTP that was told that nothing follows closes first; what was not closed when
        // a program ended is closed by its host.
        for way in [1, 0] {
            let flow = &connection.flows[way];
            let is_closed = !connection.is_http && flow.ended.is_some();
            if !is_closed && !flow.cut_short {
                acts.push((end, Act::Finish(way, last)));
            }
        }
    }
    let first = acts
        .first()
        .map_or(connection.opened.rank, |(rank, _)| *rank);
    acts.insert(0, (first.min(connection.opened.rank), Act::Open));
    acts
}

fn rank_of_first(connection: &Connection<'_>, way: usize) -> u64 {
    let first = connection.flows.get(way).and_then(|flow| flow.said.first());
    first.map_or(0, |said| said.at.rank)
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    /// The number of the next byte of each side.
    next: [u32; 2],
    /// What the other side has of it.
    heard: [u32; 2],
    finished: [bool; 2],
}

impl Progress {
    /// Before the first packet: `number` makes the numbers of bytes of each connection others.
    pub(super) fn new(number: u32) -> Progress {
        let first = number.wrapping_mul(0x9e37_79b1);
        let next = [first, first.rotate_left(16)];
        Progress {
            next,
            heard: next,
            finished: [false; 2],
        }
    }
}

/// A connection while it is written.
pub(super) struct Wire<'a, 'c> {
    pub(super) connection: &'c Connection<'a>,
    /// The client's address, and the server's.
    pub(super) addresses: [SocketAddr; 2],
    /// What the first packet says of it.
    pub(super) about: &'c dyn Fn() -> String,
}

/// Flags of a packet.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    syn: bool,
    ack: bool,
    fin: bool,
    rst: bool,
    psh: bool,
}

impl Wire<'_, '_> {
    pub(super) fn write<W: Write>(
        &self,
        act: Act,
        progress: &mut Progress,
        capture: &mut Capture<'_, W>,
    ) -> io::Result<()> {
        match act {
            Act::Open => self.open(progress, capture),
            Act::Say(way, at) => {
                let flow = self.connection.flows.get(way);
                match flow.and_then(|flow| flow.said.get(at)) {
                    Some(said) => self.say(way, said, progress, capture),
                    None => Ok(()),
                }
            }
            Act::Hear(way, at) => self.hear(way, at, progress, capture),
            Act::Finish(way, at) => {
                if progress.finished.get(way).copied().unwrap_or(true) {
                    return Ok(());
                }
                // Whoever closes has what came before.
                self.hear(1 - way, at, progress, capture)?;
                self.bare(way, flags("fa"), at, None, progress, capture)?;
                if let Some(finished) = progress.finished.get_mut(way) {
                    *finished = true;
                }
                self.hear(way, at, progress, capture)
            }
            Act::Reset(at) => {
                let error = self.connection.error.unwrap_or("an error");
                let remark = Some(super::plain(error, 500));
                self.bare(1, flags("ra"), at, remark, progress, capture)
            }
        }
    }

    fn open<W: Write>(
        &self,
        progress: &mut Progress,
        capture: &mut Capture<'_, W>,
    ) -> io::Result<()> {
        let at = self.connection.opened;
        let about = Some((self.about)());
        self.bare(0, flags("s"), at, about, progress, capture)?;
        let is_refused = self.connection.error.is_some()
            && !self.connection.is_http
            && self
                .connection
                .flows
                .iter()
                .all(|flow| flow.said.is_empty());
        if is_refused {
            progress.heard[0] = progress.next[0];
            return Ok(());
        }
        progress.heard[0] = progress.next[0];
        self.bare(1, flags("sa"), at, None, progress, capture)?;
        self.hear(1, at, progress, capture)
    }

    /// A packet without bytes: `SYN` and `FIN` count as one.
    fn bare<W: Write>(
        &self,
        way: usize,
        flags: Flags,
        at: Moment,
        remark: Option<String>,
        progress: &mut Progress,
        capture: &mut Capture<'_, W>,
    ) -> io::Result<()> {
        let nothing = Payload {
            captured: &[],
            length: 0,
        };
        self.packet((way, at), flags, nothing, remark, progress, capture)?;
        if (flags.syn || flags.fin)
            && let Some(next) = progress.next.get_mut(way)
        {
            *next = next.wrapping_add(1);
        }
        Ok(())
    }

    /// The other side tells that it has all that was said, if it has not.
    fn hear<W: Write>(
        &self,
        way: usize,
        at: Moment,
        progress: &mut Progress,
        capture: &mut Capture<'_, W>,
    ) -> io::Result<()> {
        if progress.heard.get(way) == progress.next.get(way) {
            return Ok(());
        }
        progress.heard[way] = progress.next[way];
        self.bare(1 - way, flags("a"), at, None, progress, capture)
    }

    fn say<W: Write>(
        &self,
        way: usize,
        said: &Said<'_>,
        progress: &mut Progress,
        capture: &mut Capture<'_, W>,
    ) -> io::Result<()> {
        let is_chunk = said.frame == Frame::Chunk;
        let size = match is_chunk {
            true => format!("{:x}\r\n", said.length()).into_bytes(),
            false => Vec::new(),
        };
        let most = match self.addresses[0] {
            SocketAddr::V4(_) => SEGMENT,
            SocketAddr::V6(_) => SEGMENT - 20,
        };
        let mut segments = Segments {
            wire: self,
            way,
            at: said.at,
            remark: Some(capture.moment(said.at, said.remark.as_deref())),
            most,
            pending: Vec::new(),
        };
        for bytes in [&said.text, &size, said.kept[0], said.kept[1]] {
            segments.take(bytes, progress, capture)?;
        }
        if said.missing > 0 {
            segments.miss(said.missing, progress, capture)?;
        }
        if is_chunk {
            segments.take(b"\r\n", progress, capture)?;
        }
        segments.send(0, true, progress, capture)?;
        // Whose recording is missing is taken to have had it at once.
        let hears = match way {
            0 => self.connection.server,
            _ => self.connection.client,
        };
        match hears {
            None => self.hear(way, said.at, progress, capture),
            Some(_) => Ok(()),
        }
    }

    fn packet<W: Write>(
        &self,
        (way, at): (usize, Moment),
        flags: Flags,
        payload: Payload<'_>,
        remark: Option<String>,
        progress: &Progress,
        capture: &mut Capture<'_, W>,
    ) -> io::Result<()> {
        let other = 1 - way;
        let mut header = TcpHeader::new(0, 0, progress.next[way], WINDOW);
        (header.syn, header.ack, header.fin) = (flags.syn, flags.ack, flags.fin);
        (header.rst, header.psh) = (flags.rst, flags.psh);
        if flags.ack {
            header.acknowledgment_number = progress.heard[other];
        }
        if flags.syn {
            let options = [
                TcpOptionElement::MaximumSegmentSize(SEGMENT as u16),
                TcpOptionElement::WindowScale(WINDOW_SCALE),
            ];
            header.set_options(&options).map_err(io::Error::other)?;
        }
        let ends = (self.addresses[way], self.addresses[other]);
        let packet = packet::tcp(ends, header, payload, capture.identification());
        let sender = match way {
            0 => self.connection.client,
            _ => self.connection.server,
        };
        capture.packet(Packaged {
            packet,
            nanos: at.nanos,
            rank: at.rank,
            interface: sender.map_or(at.node, |(id, _)| id.node),
            remark,
        })
    }
}

fn flags(letters: &str) -> Flags {
    Flags {
        syn: letters.contains('s'),
        ack: letters.contains('a'),
        fin: letters.contains('f'),
        rst: letters.contains('r'),
        psh: letters.contains('p'),
    }
}

/// What is said at one moment, cut into segments.
struct Segments<'w, 'a, 'c> {
    wire: &'w Wire<'a, 'c>,
    way: usize,
    at: Moment,
    /// For the first of them.
    remark: Option<String>,
    most: usize,
    pending: Vec<u8>,
}

impl Segments<'_, '_, '_> {
    fn take<W: Write>(
        &mut self,
        mut bytes: &[u8],
        progress: &mut Progress,
        capture: &mut Capture<'_, W>,
    ) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.pending.len() == self.most {
                self.send(0, false, progress, capture)?;
            }
            let room = self.most - self.pending.len();
            let (now, rest) = bytes.split_at(room.min(bytes.len()));
            self.pending.extend_from_slice(now);
            bytes = rest;
        }
        Ok(())
    }

    /// Bytes that nobody kept: packets that are longer than what is captured of them.
    fn miss<W: Write>(
        &mut self,
        mut missing: u64,
        progress: &mut Progress,
        capture: &mut Capture<'_, W>,
    ) -> io::Result<()> {
        let told = match self.remark.take() {
            Some(remark) => format!("{remark}; {missing} bytes are in no recording"),
            None => format!("{missing} bytes are in no recording"),
        };
        self.remark = Some(told);
        for _ in 0..MOST_MISSING {
            if missing == 0 {
                return Ok(());
            }
            let room = (self.most - self.pending.len()) as u64;
            let now = missing.min(room);
            missing -= now;
            self.send(now as usize, false, progress, capture)?;
        }
        let next = &mut progress.next[self.way];
        *next = next.wrapping_add(missing as u32);
        Ok(())
    }

    fn send<W: Write>(
        &mut self,
        missing: usize,
        is_last: bool,
        progress: &mut Progress,
        capture: &mut Capture<'_, W>,
    ) -> io::Result<()> {
        let length = self.pending.len() + missing;
        if length == 0 {
            return Ok(());
        }
        let payload = Payload {
            captured: &self.pending,
            length: length as u16,
        };
        let flags = flags(if is_last { "pa" } else { "a" });
        let remark = self.remark.take();
        self.wire.packet(
            (self.way, self.at),
            flags,
            payload,
            remark,
            progress,
            capture,
        )?;
        self.pending.clear();
        let next = &mut progress.next[self.way];
        *next = next.wrapping_add(length as u32);
        Ok(())
    }
}
