//! Connections, and output that is another's input: cut into other pieces on both sides.

use super::http::piece;
use super::{Talk, World};
use rr_dap::system::conversation::{Direction, End, EndKind, Place};
use rr_dap::system::message::EndId;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

pub(super) fn address(node: u32, port: u16) -> SocketAddr {
    SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, node as u8), port).into()
}

pub(super) fn connect(world: &mut World) {
    let (client, server) = world.two_nodes();
    if world.is_dead(client) || world.is_dead(server) {
        return;
    }
    let event = world.call(client);
    let mut end = End::new(EndKind::TcpConnected, Place::in_call(event));
    end.remote = Some(address(server, 7000));
    let port = 20_000 + (world.begun % 40_000) as u16;
    // Some programs ask for their own address, most do not.
    end.local = (world.below(3) == 0).then(|| address(client, port));
    let here = world.add(client, end);
    let event = world.call(server);
    let mut end = End::new(EndKind::TcpAccepted, Place::after(event + 1));
    // A server that listens at all its addresses may be any; that and the same words as others
    // and a client that was not recorded is more than anybody could see through.
    end.local = Some(match world.nature.alike {
        0 => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 7000).into(),
        _ => address(server, 7000),
    });
    end.remote = Some(address(client, port));
    if world.nature.nat {
        // A port of the outside leads there.
        world.end(here).remote = Some(address(99, 7100 + server as u16));
        world.end(here).local = None;
        end.remote = Some(address(98, port ^ 1));
    }
    let there = world.add(server, end);
    world.belong(here, there);
    let (request, answer) = (world.words(2000), world.words(2000));
    world.talks.push(Box::new(Connection {
        flows: vec![
            Flow::new(here, there, request),
            Flow::new(there, here, answer),
        ],
        now: 0,
    }));
}

/// Each node has one standard output and one standard input.
pub(super) fn pipe(world: &mut World) {
    let (from, to) = world.two_nodes();
    let is_free = |world: &World, node: u32, kind: EndKind| {
        let ends = &world.nodes[node as usize].said.ends;
        ends.iter().all(|end| end.kind != kind)
    };
    if from == to
        || !is_free(world, from, EndKind::StandardOutput)
        || !is_free(world, to, EndKind::StandardInput)
    {
        return;
    }
    let here = Place::after(world.events(from));
    let there = Place::after(world.events(to));
    let here = world.add(from, End::new(EndKind::StandardOutput, here));
    let there = world.add(to, End::new(EndKind::StandardInput, there));
    world.belong(here, there);
    // If two said the same and one's recording were missing, nothing could tell.
    let words = world.own_words(2000);
    world.talks.push(Box::new(Connection {
        flows: vec![Flow::new(here, there, words)],
        now: 0,
    }));
}

struct Flow {
    from: EndId,
    to: EndId,
    bytes: Vec<u8>,
    sent: usize,
    received: usize,
}

impl Flow {
    fn new(from: EndId, to: EndId, bytes: Vec<u8>) -> Flow {
        Flow {
            from,
            to,
            bytes,
            sent: 0,
            received: 0,
        }
    }
}

struct Connection {
    flows: Vec<Flow>,
    now: usize,
}

impl Talk for Connection {
    fn step(&mut self, world: &mut World) -> bool {
        let cut = 1 + world.below(500) as usize;
        let sends = world.below(2) == 0;
        let Some(flow) = self.flows.get_mut(self.now) else {
            return false;
        };
        if [flow.from, flow.to]
            .iter()
            .any(|end| world.is_dead(end.node.0))
        {
            return false;
        }
        if sends && flow.sent < flow.bytes.len() {
            let event = world.call(flow.from.node.0);
            let place = Place::in_call(event);
            let sent: &mut Direction = &mut world.end(flow.from).sent;
            if !piece(sent, &flow.bytes, &mut flow.sent, cut, place, event) {
                sent.ended = Some(place);
            }
        } else if flow.received < flow.sent {
            let event = world.call(flow.to.node.0);
            let place = Place::after(event + 1);
            let all = flow.sent == flow.bytes.len();
            let received: &mut Direction = &mut world.end(flow.to).received;
            let there = &flow.bytes[..flow.sent];
            if !piece(received, there, &mut flow.received, cut, place, event) && all {
                received.ended = Some(place);
                self.now += 1;
            }
        }
        true
    }
}
