//! Datagrams: each once, where it was sent, or where it came in if nobody in these recordings sent it.

use super::addresses::{Addresses, Known, Who};
use super::connection::Moment;
use super::packet::MOST_IN_DATAGRAM;
use crate::system::conversation::{Direction, End, EndKind, Piece};
use crate::system::export::System;
use crate::system::message::EndId;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

/// One datagram.
#[derive(Debug)]
pub(super) struct Datagram<'a> {
    pub(super) at: Moment,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) captured: &'a [u8],
    pub(super) length: u16,
    pub(super) remark: Option<String>,
}

/// All datagrams, by socket.
pub(super) fn all<'a>(system: System<'a>, addresses: &mut Addresses) -> Vec<Datagram<'a>> {
    let mut all = Vec::new();
    let sockets = || system.ends().filter(|(_, end)| end.kind == EndKind::Udp);
    let locals: HashMap<EndId, Known> = sockets()
        .map(|(id, end)| (id, Known::of(end.local)))
        .collect();
    let mut ports: HashMap<EndId, u16> = HashMap::new();
    for (id, end) in sockets() {
        let mut one = Socket {
            system,
            id,
            end,
            addresses,
            ports: &mut ports,
        };
        let mut arrived: HashMap<u32, Vec<(EndId, Option<SocketAddr>)>> = HashMap::new();
        for message in system.matches.sent_by(id) {
            let Some(piece) = message.from.piece else {
                continue;
            };
            let peer = message.to.piece.and_then(|piece| {
                let other = system.end(message.to.end)?;
                other.received.pieces.get(piece as usize)?.peer
            });
            arrived
                .entry(piece)
                .or_default()
                .push((message.to.end, peer));
        }
        for (number, piece) in (0..).zip(&end.sent.pieces) {
            let copies = arrived.get(&number).map(Vec::as_slice).unwrap_or_default();
            let receiver = copies.first().and_then(|(of, _)| locals.get(of)).copied();
            let other = Known::of(piece.peer)
                .or(Known::of(end.remote))
                .or(receiver.unwrap_or_default());
            let seen_as = copies.first().and_then(|(_, peer)| *peer);
            let who = copies
                .first()
                .map_or(Who::Outside(None), |(of, _)| Who::Node(of.node));
            let (own, peer) = one.addresses(Known::of(seen_as), (who, other));
            let mut datagram = one.datagram(&end.sent, piece, own, peer);
            let told = match copies.len() {
                0 if end.sent.unseen => None,
                0 => Some("no recording has received it".to_owned()),
                1 => None,
                more => Some(format!("it was received {more} times")),
            };
            datagram.remark = join(datagram.remark, told);
            all.push(datagram);
        }
        let known: HashSet<u32> = system
            .matches
            .received_by(id)
            .filter_map(|message| message.to.piece)
            .collect();
        for (number, piece) in (0..).zip(&end.received.pieces) {
            if known.contains(&number) {
                continue;
            }
            let other = Known::of(piece.peer).or(Known::of(end.remote));
            let (own, peer) = one.addresses(Known::default(), (Who::Outside(None), other));
            all.push(one.datagram(&end.received, piece, peer, own));
        }
    }
    all
}

fn join(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("{one}; {other}")),
        (one, other) => one.or(other),
    }
}

/// A socket whose datagrams are written out.
struct Socket<'a, 's> {
    system: System<'a>,
    id: EndId,
    end: &'a End,
    addresses: &'s mut Addresses,
    ports: &'s mut HashMap<EndId, u16>,
}

impl<'a> Socket<'a, '_> {
    /// The socket's own address, and the other one's: `seen_as` is what others know of the own.
    fn addresses(
        &mut self,
        seen_as: Known,
        (who, other): (Who<'_>, Known),
    ) -> (SocketAddr, SocketAddr) {
        let own = Known::of(self.end.local).or(seen_as);
        let is_6 = other.ip.or(own.ip).is_some_and(|ip| ip.is_ipv6());
        let ip = self.addresses.ip(Who::Node(self.id.node), own.ip, is_6);
        let peer = self.addresses.ip(who, other.ip, is_6);
        let port = match own.port {
            Some(port) => port,
            None => *self
                .ports
                .entry(self.id)
                .or_insert_with(|| self.addresses.port(ip)),
        };
        // What nobody knows is no port of anybody's.
        let other_port = other.port.unwrap_or(9);
        (SocketAddr::new(ip, port), SocketAddr::new(peer, other_port))
    }

    fn datagram(
        &self,
        direction: &'a Direction,
        piece: &Piece,
        from: SocketAddr,
        to: SocketAddr,
    ) -> Datagram<'a> {
        let captured = direction.bytes_of(piece);
        let length = piece.length.min(MOST_IN_DATAGRAM);
        let is_too_long = piece.length > MOST_IN_DATAGRAM;
        let captured = captured.get(..length as usize).unwrap_or(captured);
        let missing = length - captured.len() as u64;
        let mut remark = None;
        if is_too_long {
            let told = format!("it has {} bytes, more than a packet can", piece.length);
            remark = Some(told);
        }
        if missing > 0 {
            remark = join(remark, Some(format!("{missing} bytes are in no recording")));
        }
        Datagram {
            at: Moment::of(self.system, self.id.node, piece.place, piece.event),
            from,
            to,
            captured,
            length: length as u16,
            remark,
        }
    }
}
