//! What the far side writes into guest memory while it lowers values is in memory in
//! replay when the guest can see it.

mod chain;
mod inside;
mod shapes;

use chain::{Ran, Realloc};
use shapes::{ENCODINGS, SHAPES, STRINGS};
use wasmtime::component::Val;

/// What each function is called with: each string alone, and all of them, so that what
/// is written around them lies in memory meanwhile.
fn calls() -> Vec<(&'static str, Val)> {
    let mut calls = Vec::new();
    for shape in SHAPES {
        for string in STRINGS {
            calls.push((shape.name, (shape.value)(&[&string()])));
        }
        let all: Vec<String> = STRINGS.iter().map(|string| string()).collect();
        let mut all: Vec<&str> = all.iter().map(String::as_str).collect();
        calls.push((shape.name, (shape.value)(&all)));
        all.reverse();
        calls.push((shape.name, (shape.value)(&all)));
        calls.push((shape.name, (shape.value)(&[])));
    }
    calls
}

/// Passes everything from the host through two components and back: once plain, once
/// recorded, and replays that. The components tell the host the sums of what has been
/// written into their memories, so replay compares these at each call.
fn holds(realloc: Realloc) {
    let calls = calls();
    for near in ENCODINGS {
        for far in ENCODINGS {
            let what = format!("{realloc:?}, {near} to {far}");
            let component = chain::component(near, far, realloc);
            let plain = chain::plain(&component, &calls);
            assert_eq!(plain.sums.len(), calls.len() * 2, "{what}");
            for ((name, given), returned) in calls.iter().zip(&plain.results) {
                assert_eq!(returned, given, "{what}: {name}");
            }
            let (recorded, checks) = chain::recorded_and_replayed(&component, &calls)
                .unwrap_or_else(|e| panic!("{what}: {e}"));
            let Ran { results, sums } = recorded;
            assert_eq!(results, plain.results, "{what}");
            assert_eq!(sums, plain.sums, "{what}");
            assert!(checks.hashes > 10, "{what}: {checks:?}");
        }
    }
}

#[test]
fn where_realloc_always_moves() {
    holds(Realloc::Moves);
}

#[test]
fn where_realloc_sometimes_moves() {
    holds(Realloc::MovesEachSecond);
}

#[test]
fn where_realloc_never_moves() {
    holds(Realloc::Stays);
}
