//! What it takes to find out who spoke with whom, and in which order.
//!
//! `cargo test --bench systems`: systems of nodes that send requests to each other, made up in
//! memory. Each request has a body, and is one conversation at both ends with four messages.

use rr_dap::system::conversation::{
    Conversations, Direction, End, EndKind, Head, Piece, Place, Start,
};
use rr_dap::system::matching::{NodeConversations, match_ends};
use rr_dap::system::message::NodeId;
use rr_dap::system::order::{NodeExtent, Order};
use std::time::Instant;

fn main() {
    println!(
        "{:<34}{:>10}{:>10}{:>10}{:>12}{:>12}",
        "", "messages", "matching", "order", "a cut", "contradict"
    );
    for (nodes, each, alike) in [
        (10, 10_000, false),
        (10, 10_000, true),
        (100, 10_000, false),
        (100, 10_000, true),
        (100, 40_000, false),
    ] {
        let system = requests(nodes, each / 4, alike);
        let listed: Vec<NodeConversations<'_>> = system
            .iter()
            .map(|conversations| NodeConversations {
                name: "node",
                conversations,
                clock: None,
            })
            .collect();
        let extents: Vec<NodeExtent<'_>> = system
            .iter()
            .map(|conversations| NodeExtent {
                events: conversations.events,
                clock: None,
            })
            .collect();
        let begun = Instant::now();
        let matches = match_ends(&listed);
        let matched = begun.elapsed();
        let begun = Instant::now();
        let order = Order::of(&extents, matches.messages());
        let ordered = begun.elapsed();
        let mut cut = order.start();
        let begun = Instant::now();
        let rounds = 1000_u64;
        for round in 0..rounds {
            let node = (round % nodes as u64) as u32;
            let events = extents[node as usize].events;
            let place = Place::after(round.wrapping_mul(0x9e37_79b9) % events);
            cut = order.cut(NodeId(node), place, &cut).cut;
        }
        let moved = begun.elapsed() / rounds as u32;
        let what = if alike { "the same" } else { "its own" };
        println!(
            "{:<34}{:>10}{:>10}{:>10}{:>12}{:>12}",
            format!("{nodes} nodes, {each} each, {what}"),
            matches.messages().len(),
            format!("{:.2} s", matched.as_secs_f64()),
            format!("{:.2} s", ordered.as_secs_f64()),
            format!("{:.1} us", moved.as_secs_f64() * 1e6),
            order.contradictions().len(),
        );
    }
}

/// Each node sends so many requests, in turn to all others; with one body for all, or each its own.
fn requests(nodes: usize, each: usize, alike: bool) -> Vec<Conversations> {
    let mut system = vec![Conversations::default(); nodes];
    for number in 0..each {
        for client in 0..nodes {
            let server = (client + 1 + number % (nodes - 1)) % nodes;
            let text = match alike {
                true => format!("the same from {client}"),
                false => format!("request {number} of {client}"),
            };
            let at = |system: &mut Vec<Conversations>, node: usize| {
                system[node].events += 1;
                system[node].events - 1
            };
            let (asks, sends) = (at(&mut system, client), at(&mut system, client));
            let (hears, reads) = (at(&mut system, server), at(&mut system, server));
            let (answers, writes) = (at(&mut system, server), at(&mut system, server));
            let (gets, ends) = (at(&mut system, client), at(&mut system, client));
            let mut here = End::new(EndKind::HttpClient, Place::in_call(asks));
            let mut there = End::new(EndKind::HttpServer, Place::after(hears + 1));
            here.authority = Some(format!("node-{server}:8080"));
            there.authority.clone_from(&here.authority);
            let request = Start::Request {
                method: Some("POST".to_owned()),
                target: Some("/rpc".to_owned()),
            };
            let response = Start::Response { status: 200 };
            let answer = format!("answer to {text}");
            here.sent = said(Place::in_call, asks, sends, &request, &text);
            there.received = said(|at| Place::after(at + 1), hears, reads, &request, &text);
            there.sent = said(Place::in_call, answers, writes, &response, &answer);
            here.received = said(|at| Place::after(at + 1), gets, ends, &response, &answer);
            system[client].ends.push(here);
            system[server].ends.push(there);
        }
    }
    system
}

fn said(
    place: impl Fn(u64) -> Place,
    first: u64,
    second: u64,
    start: &Start,
    text: &str,
) -> Direction {
    let mut direction = Direction {
        head: Some(Head {
            place: place(first),
            event: Some(first),
            start: start.clone(),
            headers: Vec::new(),
        }),
        ..Direction::default()
    };
    let piece = Piece {
        place: place(second),
        event: Some(second),
        offset: 0,
        length: text.len() as u64,
        peer: None,
    };
    let mut left = usize::MAX;
    direction.push(piece, text.as_bytes(), &mut left);
    direction.ended = Some(place(second));
    direction
}
