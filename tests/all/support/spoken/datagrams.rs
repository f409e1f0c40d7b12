//! Datagrams between sockets that each node has one of.

use super::streams::address;
use super::{Talk, World};
use rr_dap::system::conversation::{End, EndKind, Piece, Place};
use rr_dap::system::message::EndId;
use std::net::SocketAddr;

pub(super) struct Socket {
    node: u32,
    end: EndId,
}

pub(super) struct InAir {
    to: EndId,
    peer: SocketAddr,
    bytes: Vec<u8>,
    sent: (EndId, u32),
}

pub(super) fn begin(world: &mut World) {
    let (from, to) = world.two_nodes();
    if from != to {
        let count = 1 + world.below(5);
        world.talks.push(Box::new(Sending { from, to, count }));
    }
}

fn socket(world: &mut World, node: u32) -> EndId {
    if let Some(socket) = world.sockets.iter().find(|socket| socket.node == node) {
        return socket.end;
    }
    let event = world.call(node);
    let mut end = End::new(EndKind::Udp, Place::in_call(event));
    end.local = Some(address(node, 5353));
    let end = world.add(node, end);
    world.sockets.push(Socket { node, end });
    end
}

struct Sending {
    from: u32,
    to: u32,
    count: u64,
}

impl Talk for Sending {
    fn step(&mut self, world: &mut World) -> bool {
        if world.is_dead(self.from) || world.is_dead(self.to) {
            return false;
        }
        let (from, to) = (socket(world, self.from), socket(world, self.to));
        let bytes = world.words(60);
        let event = world.call(self.from);
        let (seen_as, to_address) = match world.nature.nat {
            true => (
                address(98, 6000 + self.from as u16),
                address(99, 6000 + self.to as u16),
            ),
            false => (address(self.from, 5353), address(self.to, 5353)),
        };
        let at = say(
            world,
            from,
            true,
            Place::in_call(event),
            event,
            &bytes,
            to_address,
        );
        let copies = match world.below(100) {
            chance if chance < world.nature.lost => 0,
            chance if chance < world.nature.lost + world.nature.doubled => 2,
            _ => 1,
        };
        for _ in 0..copies {
            world.in_air.push_back(InAir {
                to,
                peer: seen_as,
                bytes: bytes.clone(),
                sent: (from, at),
            });
        }
        // What is in the air comes down in any order.
        if world.below(2) == 0 {
            deliver_one(world);
        }
        self.count -= 1;
        self.count > 0
    }
}

fn say(
    world: &mut World,
    end: EndId,
    is_sent: bool,
    place: Place,
    event: u64,
    bytes: &[u8],
    peer: SocketAddr,
) -> u32 {
    let end = world.end(end);
    let direction = if is_sent {
        &mut end.sent
    } else {
        &mut end.received
    };
    let mut left = usize::MAX;
    direction.push(
        Piece {
            place,
            event: Some(event),
            offset: 0,
            length: bytes.len() as u64,
            peer: Some(peer),
        },
        bytes,
        &mut left,
    );
    direction.pieces.len() as u32 - 1
}

fn deliver_one(world: &mut World) {
    let waiting = world.in_air.len() as u64;
    if waiting == 0 {
        return;
    }
    let at = world.below(waiting) as usize;
    if let Some(one) = world.in_air.swap_remove_back(at)
        && !world.is_dead(one.to.node.0)
    {
        let event = world.call(one.to.node.0);
        let place = Place::after(event + 1);
        let at = say(world, one.to, false, place, event, &one.bytes, one.peer);
        world.datagrams.insert((one.to, at), one.sent);
    }
}

pub(super) fn deliver_all(world: &mut World) {
    while !world.in_air.is_empty() {
        deliver_one(world);
    }
}
