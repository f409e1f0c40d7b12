//! What happened before what in several recordings, and where they can stand at a time.

use crate::support::random_requests::Random;
use crate::support::spoken::{Nature, World};
use rr_dap::system::conversation::{EndKind, Place, Way};
use rr_dap::system::matching::match_ends;
use rr_dap::system::message::{EndId, Evidence, Message, NodeId, Site, What};
use rr_dap::system::order::{Cut, NodeExtent, NodePlace, Order, Relation};

/// A few nodes that say this and that to each other: each message takes place in simulated time, so
/// that they do not contradict.
fn random_messages(random: &mut Random, nodes: usize, calls: u64) -> (Vec<u64>, Vec<Message>) {
    let mut events = vec![0_u64; nodes];
    let mut air: Vec<(usize, Place)> = Vec::new();
    let mut messages = Vec::new();
    for _ in 0..calls {
        let node = random.below(nodes);
        let event = events[node];
        events[node] += 1;
        if random.chance(40) {
            air.push((node, Place::in_call(event)));
        }
        if !air.is_empty() && random.chance(40) {
            let (from, sent) = air.swap_remove(random.below(air.len()));
            let place = match random.chance(80) {
                true => Place::after(event + 1),
                false => Place::in_call(event),
            };
            messages.push(message(from, sent, node, place));
        }
    }
    (events, messages)
}

fn message(from: usize, sent: Place, to: usize, received: Place) -> Message {
    let site = |node: usize, way: Way, place: Place| Site {
        end: EndId {
            node: NodeId(node as u32),
            end: 0,
        },
        way,
        piece: None,
        place,
        event: None,
    };
    Message {
        from: site(from, Way::Sent, sent),
        to: site(to, Way::Received, received),
        what: What::Bytes,
        offset: 0,
        length: 1,
        evidence: Evidence::Bytes,
        took: None,
    }
}

fn order_of(events: &[u64], messages: &[Message]) -> Order {
    let extents: Vec<NodeExtent<'_>> = events
        .iter()
        .map(|events| NodeExtent {
            events: *events,
            clock: None,
        })
        .collect();
    Order::of(&extents, messages)
}

fn place(step: u64) -> Place {
    Place {
        events: step / 2,
        in_call: step % 2 == 1,
    }
}

fn step(place: Place) -> u64 {
    place.events * 2 + u64::from(place.in_call)
}

/// All that is reached, by looking at every message again and again.
fn future(events: &[u64], messages: &[Message], node: usize, from: u64) -> Vec<u64> {
    // The first step of each node that is after this one.
    let mut first = vec![u64::MAX; events.len()];
    first[node] = from;
    loop {
        let before = first.clone();
        for message in messages {
            let (sender, receiver) = (message.from.end.node.0, message.to.end.node.0);
            if first[sender as usize] <= step(message.from.place) {
                let at = &mut first[receiver as usize];
                *at = (*at).min(step(message.to.place).max(1));
            }
        }
        if before == first {
            return first;
        }
    }
}

#[test]
fn happens_before_is_what_a_closure_over_all_messages_says() {
    for seed in 0..60 {
        let random = &mut Random(seed);
        let (events, messages) = random_messages(random, 4, 60);
        let order = order_of(&events, &messages);
        assert_eq!(order.contradictions(), []);
        for (node, count) in events.iter().enumerate() {
            for from in 1..=count * 2 {
                let first = future(&events, &messages, node, from);
                let here = NodePlace {
                    node: NodeId(node as u32),
                    place: place(from),
                };
                for (other, count) in events.iter().enumerate() {
                    for to in 1..=count * 2 {
                        let there = NodePlace {
                            node: NodeId(other as u32),
                            place: place(to),
                        };
                        let told = order.before(here, there);
                        let is_before = first[other] <= to && here != there;
                        assert_eq!(
                            told == Relation::Before,
                            is_before,
                            "{seed} {here:?} {there:?}"
                        );
                        // One total order has it in this order, too.
                        if is_before {
                            assert!(order.index_of(here) < order.index_of(there));
                            assert_eq!(order.before(there, here), Relation::After);
                        }
                    }
                }
            }
        }
    }
}

/// By the definition.
fn is_consistent(cut: &Cut, messages: &[Message]) -> bool {
    messages.iter().all(|message| {
        let at = |site: &Site| step(cut.places[site.end.node.0 as usize]);
        let received = at(&message.to) >= step(message.to.place).max(1);
        !received || at(&message.from) >= step(message.from.place)
    })
}

#[test]
fn cuts_are_consistent_wherever_nodes_go_and_nobody_goes_farther_than_needed() {
    for seed in 100..160 {
        let random = &mut Random(seed);
        let (events, messages) = random_messages(random, 5, 120);
        let order = order_of(&events, &messages);
        let mut cut = order.start();
        assert!(is_consistent(&cut, &messages));
        for _ in 0..100 {
            let node = random.below(events.len());
            let target = place(random.next() % (events[node] * 2 + 1));
            let moved = order.cut(NodeId(node as u32), target, &cut);
            let next = &moved.cut;
            assert_eq!(next.places[node], target);
            assert!(is_consistent(next, &messages), "{seed}");
            assert_eq!(order.is_consistent(next), is_consistent(next, &messages));
            for (other, (was, is)) in cut.places.iter().zip(&next.places).enumerate() {
                let is_moved = moved.moved.contains(&NodeId(other as u32));
                assert_eq!(is_moved, was != is && other != node);
                if !is_moved {
                    continue;
                }
                // One step less, and somebody knows what was not said.
                let forward = step(*is) > step(*was);
                assert_eq!(forward, step(target) > step(cut.places[node]));
                let mut less = next.clone();
                less.places[other] = place(if forward {
                    step(*is) - 1
                } else {
                    step(*is) + 1
                });
                assert!(!is_consistent(&less, &messages), "{seed} {other}");
            }
            cut = moved.cut;
        }
    }
}

#[test]
fn every_moment_of_the_total_order_is_a_consistent_cut() {
    for seed in 200..240 {
        let random = &mut Random(seed);
        let (events, messages) = random_messages(random, 5, 80);
        let order = order_of(&events, &messages);
        let all: u64 = events.iter().map(|events| events * 2).sum();
        assert_eq!(order.len(), all);
        for steps in 0..=all {
            let cut = order.cut_at(steps);
            assert!(is_consistent(&cut, &messages), "{seed} {steps}");
            let made: u64 = cut.places.iter().map(|place| step(*place)).sum();
            assert_eq!(made, steps);
        }
        for (node, count) in events.iter().enumerate() {
            for at in 1..=count * 2 {
                let node = NodeId(node as u32);
                let index = order.index_of(NodePlace {
                    node,
                    place: place(at),
                });
                let there = order.cut_at(index).places[node.0 as usize];
                let before = order.cut_at(index - 1).places[node.0 as usize];
                assert_eq!((there, before), (place(at), place(at - 1)));
            }
        }
    }
}

#[test]
fn messages_that_contradict_are_told_and_the_others_stay() {
    // The second says that it answered before it was asked.
    let messages = [
        message(0, Place::in_call(4), 1, Place::after(5)),
        message(1, Place::in_call(7), 0, Place::after(2)),
        message(0, Place::in_call(1), 1, Place::after(1)),
    ];
    let order = order_of(&[10, 10], &messages);
    let [contradiction] = order.contradictions() else {
        panic!("{:?}", order.contradictions());
    };
    let mut cycle = contradiction.cycle.clone();
    cycle.sort_unstable();
    assert_eq!(cycle, [0, 1]);
    let at = |node, place| NodePlace {
        node: NodeId(node),
        place,
    };
    let kept = 1 - contradiction.left_out;
    let (from, to) = (&messages[kept].from, &messages[kept].to);
    let (from, to) = (at(from.end.node.0, from.place), at(to.end.node.0, to.place));
    assert_eq!(order.before(from, to), Relation::Before);
    assert_eq!(
        order.before(at(0, Place::in_call(1)), at(1, Place::after(1))),
        Relation::Before
    );
}

#[test]
fn random_contradictions_are_told_and_what_is_left_has_an_order() {
    for seed in 300..340 {
        let random = &mut Random(seed);
        let (events, mut messages) = random_messages(random, 4, 60);
        if messages.len() < 4 || events.contains(&0) {
            continue;
        }
        for _ in 0..4 {
            let (from, to) = (random.below(4), random.below(4));
            let sent = Place::in_call(random.next() % events[from]);
            let received = Place::after(1 + random.next() % events[to]);
            messages.push(message(from, sent, to, received));
        }
        let order = order_of(&events, &messages);
        let left_out: Vec<usize> = order
            .contradictions()
            .iter()
            .map(|of| of.left_out)
            .collect();
        for contradiction in order.contradictions() {
            // Each is received before the next is sent, and the last before the first.
            let cycle = &contradiction.cycle;
            for (one, next) in cycle.iter().zip(cycle.iter().cycle().skip(1)) {
                let (received, sent) = (&messages[*one].to, &messages[*next].from);
                assert_eq!(received.end.node, sent.end.node, "{seed} {contradiction:?}");
                assert!(received.place <= sent.place, "{seed} {contradiction:?}");
            }
            assert!(cycle.contains(&contradiction.left_out));
        }
        let kept: Vec<Message> = (0..messages.len())
            .filter(|number| !left_out.contains(number))
            .map(|number| messages[number].clone())
            .collect();
        assert_eq!(order_of(&events, &kept).contradictions(), []);
        for steps in 0..=order.len() {
            assert!(is_consistent(&order.cut_at(steps), &kept), "{seed} {steps}");
        }
    }
}

#[test]
fn a_system_that_speaks_has_an_order_by_its_clocks() {
    let nature = Nature {
        nodes: 4,
        conversations: 80,
        at_once: 4,
        alike: 0,
        nat: false,
        lost: 10,
        doubled: 10,
        clocks: true,
        one_way: false,
        killed_after: None,
        kinds: vec![EndKind::HttpClient, EndKind::TcpConnected, EndKind::Udp],
    };
    let system = World::system(&nature, 7);
    let matches = match_ends(&system.conversations());
    let order = Order::of(&system.extents(), matches.messages());
    assert_eq!(order.contradictions(), []);
    assert!(matches.messages().iter().all(|message| {
        // The simulation has one clock, and sends before it receives.
        message.took.is_some_and(|took| took.nanos >= 0)
    }));
    for steps in (0..=order.len()).step_by(7) {
        assert!(is_consistent(&order.cut_at(steps), matches.messages()));
    }
}
