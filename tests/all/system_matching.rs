//! Which ends of conversations belong together: never wrong, and found where it can be.

use crate::support::spoken::{Nature, System, World};
use rr_dap::system::conversation::{EndKind, Way};
use rr_dap::system::matching::{Matches, match_ends};
use rr_dap::system::message::{EndId, OtherEnd, What};
use rr_dap::system::order::Order;
use std::collections::BTreeMap;

fn nature() -> Nature {
    Nature {
        nodes: 4,
        conversations: 60,
        at_once: 5,
        alike: 0,
        nat: false,
        lost: 10,
        doubled: 10,
        clocks: false,
        one_way: false,
        killed_after: None,
        kinds: vec![
            EndKind::HttpClient,
            EndKind::TcpConnected,
            EndKind::Udp,
            EndKind::StandardOutput,
        ],
    }
}

/// What is known is true, and what is open leaves the truth open.
fn check(system: &System, matches: &Matches, what: &str) {
    for id in system.ends() {
        if system.end(id).kind == EndKind::Udp {
            continue;
        }
        let truth = system.truth.get(&id);
        match matches.other_end(id) {
            OtherEnd::Known(other, evidence) => {
                let told = format!("{what}: {id:?} by {evidence:?}: {:?}", system.end(id));
                assert_eq!(Some(other), truth, "{told}");
                assert!(
                    matches!(matches.other_end(*other), OtherEnd::Known(back, _) if *back == id)
                );
            }
            OtherEnd::Ambiguous(others) => {
                assert!(!others.is_empty(), "{what}: {id:?}");
            }
            OtherEnd::Several(_) => panic!("{what}: {id:?} is no socket for datagrams"),
            OtherEnd::Outside => {}
        }
    }
    for message in matches.messages() {
        let (from, to) = (&message.from, &message.to);
        if message.what == What::Datagram {
            let sent = system.datagrams.get(&(to.end, to.piece.unwrap()));
            assert_eq!(
                sent,
                Some(&(from.end, from.piece.unwrap())),
                "{what}: {message:?}"
            );
        }
        assert_eq!((from.way, to.way), (Way::Sent, Way::Received));
        let bytes = |end: EndId, way: Way| {
            let bytes = &system.end(end).direction(way).bytes;
            let start = message.offset as usize;
            bytes[start..start + message.length as usize].to_vec()
        };
        if message.what != What::Datagram {
            assert_eq!(
                bytes(from.end, from.way),
                bytes(to.end, to.way),
                "{what}: {message:?}"
            );
        }
    }
    // What is true contradicts nothing.
    let order = Order::of(&system.extents(), matches.messages());
    assert_eq!(order.contradictions(), [], "{what}");
}

fn known(system: &System, matches: &Matches) -> (usize, usize) {
    let streams = system
        .ends()
        .into_iter()
        .filter(|id| system.end(*id).kind != EndKind::Udp);
    let mut counts = (0, 0);
    for id in streams.filter(|id| system.truth.contains_key(id)) {
        counts.1 += 1;
        counts.0 += usize::from(matches!(matches.other_end(id), OtherEnd::Known(..)));
    }
    counts
}

fn natures() -> Vec<(String, Nature)> {
    let mut all = Vec::new();
    for nat in [false, true] {
        for clocks in [false, true] {
            for (alike, at_once) in [(0, 5), (50, 1), (50, 6), (100, 1), (100, 4)] {
                let nature = Nature {
                    nat,
                    clocks,
                    alike,
                    at_once,
                    ..nature()
                };
                all.push((format!("{nature:?}"), nature));
            }
        }
    }
    all
}

#[test]
fn what_nobody_else_says_is_found_and_nothing_else() {
    for (what, nature) in natures() {
        for seed in 0..12 {
            let system = World::system(&nature, seed);
            let matches = match_ends(&system.conversations());
            let what = format!("{what} seed {seed}");
            check(&system, &matches, &what);
            let (found, all) = known(&system, &matches);
            if nature.alike == 0 {
                assert_eq!(found, all, "{what}");
                // Datagrams, too: all that came, each from where it came.
                let datagrams = matches.messages().iter();
                let datagrams = datagrams.filter(|message| message.what == What::Datagram);
                assert_eq!(datagrams.count(), system.datagrams.len(), "{what}");
            }
        }
    }
}

#[test]
fn a_recording_that_is_left_out_leaves_the_others_right() {
    for (what, nature) in natures() {
        // Who says the same as somebody who is missing, and by no address of theirs, may be either.
        if nature.nat && nature.alike > 0 {
            continue;
        }
        for seed in 100..108 {
            for left_out in 0..nature.nodes {
                let system = World::system(&nature, seed).without(left_out);
                let matches = match_ends(&system.conversations());
                let what = format!("{what} seed {seed} without {left_out}");
                check(&system, &matches, &what);
                let (found, all) = known(&system, &matches);
                if nature.alike == 0 {
                    assert_eq!(found, all, "{what}");
                }
            }
        }
    }
}

#[test]
fn a_recording_that_was_cut_off_leaves_the_others_right() {
    for (what, nature) in natures() {
        for seed in 200..212 {
            let nature = Nature {
                killed_after: Some(30 + seed * 7 % 400),
                ..nature.clone()
            };
            let system = World::system(&nature, seed);
            let matches = match_ends(&system.conversations());
            check(&system, &matches, &format!("{what} seed {seed} killed"));
        }
        // One that lost its end, as it took too much room. The others know what came of it.
        for seed in 200..212 {
            if nature.alike > 0 {
                continue;
            }
            let mut system = World::system(&nature, seed);
            let events = system.nodes[1].said.events;
            system.cut_off(1, events * (seed % 10) / 10);
            let matches = match_ends(&system.conversations());
            check(&system, &matches, &format!("{what} seed {seed} cut off"));
        }
    }
}

#[test]
fn twenty_requests_that_are_the_same_are_told_apart_by_order() {
    let nature = Nature {
        nodes: 2,
        conversations: 60,
        at_once: 1,
        alike: 100,
        one_way: true,
        kinds: vec![EndKind::HttpClient],
        ..nature()
    };
    let system = World::system(&nature, 1);
    let matches = match_ends(&system.conversations());
    check(&system, &matches, "one after the other");
    let mut kinds = BTreeMap::new();
    for id in system.ends() {
        let other = matches.other_end(id);
        let evidence = match other {
            OtherEnd::Known(_, evidence) => evidence.told(),
            _ => "none",
        };
        *kinds.entry(evidence).or_insert(0) += 1;
    }
    assert!(
        kinds.get("order").is_some_and(|count| *count >= 40),
        "{kinds:?}"
    );
}
