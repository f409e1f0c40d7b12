//! Breakpoints on functions that the compiler has put into their callers: they stop as in a
//! build without optimisation.

use crate::support::client::Client;
use crate::support::session::connect;
use crate::support::{fixture, record, rr_dap, text};
use serde_json::{Value, json};

/// Functions of `kitchen.c`. Optimised, four of these have no code of their own, and
/// `copy_lines` is in its callers as well as by itself.
const FUNCTIONS: [&str; 9] = [
    "show_env",
    "show_clock",
    "show_random",
    "show_dir",
    "write_file",
    "copy_lines",
    "cat",
    "pause_for",
    "all",
];

/// The innermost function at each stop, with the one that called it.
fn stops(client: &mut Client, motion: &str) -> Vec<(String, String)> {
    let mut stops = Vec::new();
    while client.go(motion)["reason"] == "function breakpoint" {
        let stack = client.ask("stackTrace", json!({ "threadId": 1, "levels": 2 }));
        let name = |at: usize| {
            stack["stackFrames"][at]["name"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        stops.push((name(0), name(1)));
    }
    stops
}

/// The stops on the way from the start to the end, and from there back.
fn stops_of(app: &str) -> [Vec<(String, String)>; 2] {
    let dir = tempfile::tempdir().unwrap();
    let (trace, work) = (dir.path().join("t.rrtrace"), dir.path().join("work"));
    std::fs::create_dir(&work).unwrap();
    let mapped = format!("{}::/work", work.display());
    let recorded = record(
        &fixture(app),
        &["--dir", &mapped],
        &["all", "/work"],
        "salt\npepper\n",
        &trace,
    );
    assert!(recorded.status.success(), "{recorded:?}");
    let mut client = connect();
    client.initialize();
    client.ask("launch", json!({ "trace": trace, "stopOnEntry": true }));
    client.event("initialized");
    let breakpoints: Vec<Value> = FUNCTIONS.map(|name| json!({ "name": name })).into();
    let set = client.ask(
        "setFunctionBreakpoints",
        json!({ "breakpoints": breakpoints }),
    );
    let mut set = set["breakpoints"].as_array().unwrap().iter();
    assert!(
        set.all(|breakpoint| breakpoint["verified"] == true),
        "{set:?}"
    );
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    let both = ["continue", "reverseContinue"].map(|motion| stops(&mut client, motion));
    client.ask("disconnect", Value::Null);
    both
}

#[test]
fn breakpoints_on_inlined_functions_stop_as_those_on_others_do() {
    let [plain, plain_back] = stops_of("kitchen.wasm");
    let [optimised, optimised_back] = stops_of("kitchen-O2.wasm");
    assert_eq!(plain.len(), 11, "{plain:?}");
    assert_eq!(optimised, plain);
    assert!(plain_back.iter().rev().eq(&plain), "{plain_back:?}");
    assert!(
        optimised_back.iter().rev().eq(&optimised),
        "{optimised_back:?}"
    );
}

/// A function that begins with an inlined call stops before that call, and its condition is one
/// of its own variables.
#[test]
fn conditions_see_the_frame_that_the_stop_shows() {
    let app = fixture("motion/inlined-O1.wasm");
    for (function, holds, never, shown) in [
        ("twice_on_a_line", "b == 4", "b == 5", "(int) b = 4"),
        ("sum_of_squares", "a == 1", "a == 7", "(int) a = 1"),
        ("loops_inside", "n == 2", "n == 3", "(int) n = 2"),
    ] {
        let set = |condition: &str| format!("break {function} if {condition}");
        let (never, holds) = (set(never), set(holds));
        let variable = &shown[6..7];
        let print = format!("print {variable}");
        let mut line = vec!["debug", "--batch", "--color", "never", "--no-init"];
        for command in [&never, &holds, "continue", &print, "info breakpoints"] {
            line.extend(["-x", command]);
        }
        line.push(app.to_str().unwrap());
        let session = rr_dap(&line, "");
        let told = text(&session.stdout);
        assert_eq!(text(&session.stderr), "", "{function}");
        assert!(told.contains(shown), "{function}: {told}");
        assert!(!told.contains("no variable"), "{function}: {told}");
        let (_, listed) = told.split_once("info breakpoints\n").unwrap();
        let hit: Vec<bool> = listed
            .lines()
            .map(|line| line.contains("hit once"))
            .collect();
        assert_eq!(hit, [false, true], "{function}: {listed}");
    }
}
