//! Steps out of what a library has called, and of a library: in one's own code, both ways.

use crate::support::client::Client;
use crate::support::session::{frames, start};
use crate::support::{fixture, golden, record};
use serde_json::{Value, json};

/// A session with a recording of `closures.rs`, stopped at the first call of a function.
fn stopped_in(function: &str) -> (tempfile::TempDir, Client) {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.rrtrace");
    let app = fixture("motion/closures-O0.wasm");
    assert!(record(&app, &["--quiet"], &[], "", &trace).status.success());
    let mut client = start(json!({ "trace": trace, "stopAt": "start" }), |client| {
        let breakpoints = json!({ "breakpoints": [{ "name": function }] });
        let set = client.ask("setFunctionBreakpoints", breakpoints);
        assert_eq!(set["breakpoints"][0]["verified"], true, "{set}");
    });
    client.go("continue");
    client.ask("setFunctionBreakpoints", json!({ "breakpoints": [] }));
    (dir, client)
}

/// The innermost frame's function, and its line.
fn here(client: &mut Client) -> (String, Value) {
    let innermost = frames(client).remove(0);
    let name = innermost["name"].as_str().unwrap().to_owned();
    (name, innermost["line"].clone())
}

fn back_out(client: &mut Client) -> (String, Value) {
    let out = json!({ "direction": "backward", "unit": "line", "kind": "out" });
    client.ask("rr/step", out);
    client.event("stopped");
    here(client)
}

#[test]
fn back_out_of_a_closure_passes_the_library_that_calls_it() {
    let (_dir, mut client) = stopped_in("<closures::Square as closures::Shape>::area");
    let all: Vec<String> = frames(&mut client)
        .iter()
        .map(|frame| frame["name"].to_string())
        .collect();
    assert!(all[2].contains("fold"), "a library's: {all:?}");
    let (name, line) = back_out(&mut client);
    assert!(name.contains("{closure"), "{name}");
    assert_eq!(line, 72);
    assert_eq!(back_out(&mut client), ("_start".to_owned(), json!(72)));
    // As forward.
    let (_dir, mut client) = stopped_in("<closures::Square as closures::Shape>::area");
    client.go("stepOut");
    client.go("stepOut");
    assert_eq!(here(&mut client).0, "_start");
}

#[test]
fn what_an_inlined_library_calls_is_a_part_of_the_line_that_it_is_in() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("values.wasm");
    std::fs::write(&app, golden("values-rust-O2")).unwrap();
    let trace = dir.path().join("t.rrtrace");
    assert!(record(&app, &["--quiet"], &[], "", &trace).status.success());
    let mut client = start(json!({ "trace": trace, "stopAt": "start" }), |_| {});
    // The seed of a hash map: the library's code is inlined into the function that makes one.
    let hostcall = json!({ "direction": "forward", "unit": "hostcall", "kind": "into" });
    let seeded = |client: &mut Client| {
        client.ask("rr/step", hostcall.clone());
        client.event("stopped");
        let all = frames(client);
        assert!(all[0]["name"].as_str().unwrap().starts_with("wasi:random/"));
    };
    seeded(&mut client);
    client.go("next");
    assert_eq!(
        here(&mut client),
        ("values::containers".to_owned(), json!(124))
    );
    client.ask("rr/seek", json!({ "to": "start" }));
    client.event("stopped");
    seeded(&mut client);
    assert_eq!(
        back_out(&mut client),
        ("values::main".to_owned(), json!(210))
    );
    client.ask("rr/seek", json!({ "to": "start" }));
    client.event("stopped");
    seeded(&mut client);
    client.go("stepOut");
    assert_eq!(here(&mut client).0, "values::main");
}
