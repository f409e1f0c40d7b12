//! Stops in hostcalls, as editors show them: in the call, with a reason for which the frame of
//! the person's own code comes first, and shims and libraries subdued.

use crate::support::client::Client;
use crate::support::ledger::own_ledger;
use crate::support::session::{connect, frames, start};
use serde_json::{Value, json};

/// A session with a recording of a program of the C library, at `main`.
fn ledger() -> (tempfile::TempDir, Client) {
    let (dir, trace) = own_ledger();
    (
        dir,
        start(json!({ "trace": trace, "stopAt": "entry" }), |_| {}),
    )
}

/// What VS Code shows: the innermost frame with a source, unless it is subdued and the reason
/// is not one for which it shows those, too.
fn shown(client: &mut Client, reason: &str) -> String {
    let takes_subdued = ["breakpoint", "step", "function breakpoint"].contains(&reason);
    let is_subdued = |frame: &Value| {
        let of_frame = frame["presentationHint"].as_str().unwrap_or_default();
        ["subtle", "deemphasize"].contains(&of_frame)
    };
    let frames = frames(client);
    let top = frames
        .iter()
        .find(|frame| frame["source"].is_object() && (takes_subdued || !is_subdued(frame)));
    let top = top.expect("a frame with a source");
    top["source"]["name"].as_str().expect("a name").to_owned()
}

fn step(client: &mut Client, arguments: Value) -> (String, Value, String) {
    client.ask("rr/step", arguments);
    let stopped = client.event("stopped");
    let reason = stopped["reason"].as_str().expect("a reason").to_owned();
    let phase = client.ask("rr/when", json!({}))["phase"].take();
    let shown = shown(client, &reason);
    (reason, phase, shown)
}

#[test]
fn a_hostcall_is_stepped_into_unless_told_otherwise_and_shows_its_caller() {
    let (_dir, mut client) = ledger();
    let is = |stop: (String, Value, String), phase: &str| {
        assert_eq!(stop, ("hostcall".into(), json!(phase), "ledger.c".into()));
    };
    // The first ones are made before `main`.
    client.ask("rr/seek", json!({ "event": 20 }));
    assert_eq!(client.event("stopped")["reason"], "goto");
    assert_eq!(shown(&mut client, "goto"), "ledger.c");
    for direction in ["forward", "backward"] {
        let stop = json!({ "direction": direction, "unit": "hostcall" });
        is(step(&mut client, stop), "calling");
    }
    let over = json!({ "direction": "forward", "unit": "hostcall", "kind": "over" });
    is(step(&mut client, over), "answered");
    let into = json!({ "direction": "forward", "unit": "hostcall", "kind": "into" });
    is(step(&mut client, into), "calling");
    let frames = frames(&mut client);
    let name = frames[0]["name"].as_str().expect("a name");
    assert!(name.starts_with("wasi:"), "{name}");
    let line = json!({ "direction": "forward", "unit": "line" });
    assert_eq!(step(&mut client, line).0, "step");
}

#[test]
fn breakpoints_on_hostcalls_show_the_caller_too() {
    let (_dir, mut client) = ledger();
    let filters = json!([{ "filterId": "failedHostcall", "condition": "" }]);
    client.ask(
        "setExceptionBreakpoints",
        json!({ "filters": [], "filterOptions": filters }),
    );
    let named = json!({ "breakpoints": [{ "name": "blocking-write-and-flush" }] });
    client.ask("setFunctionBreakpoints", named);
    for (motion, times) in [("continue", 3), ("reverseContinue", 2)] {
        for _ in 0..times {
            client.ask(motion, json!({ "threadId": 1 }));
            let stopped = client.event("stopped");
            assert_eq!(stopped["reason"], "hostcall", "{stopped}");
            assert_eq!(stopped["description"], "Paused at a hostcall");
            let hit = stopped["hitBreakpointIds"].as_array().expect("which");
            assert_eq!(hit.len(), 1);
            assert_eq!(shown(&mut client, "hostcall"), "ledger.c");
        }
    }
}

#[test]
fn vs_code_is_told_as_many_frames_as_it_takes_to_show_one_of_the_person_s_own() {
    let (dir, mut client) = ledger();
    client.ask("rr/seek", json!({ "event": 20 }));
    client.event("stopped");
    let one = json!({ "threadId": 1, "startFrame": 0, "levels": 1 });
    let told = client.ask("stackTrace", one.clone());
    assert_eq!(told["stackFrames"].as_array().expect("frames").len(), 1);
    let all = frames(&mut client);
    let trace = dir.path().join("ledger.rrtrace");
    let mut code = connect();
    let code_s = json!({ "adapterID": "rr-dap", "clientID": "vscode" });
    code.ask("initialize", code_s);
    code.ask("launch", json!({ "trace": trace, "stopAt": "20" }));
    code.event("initialized");
    code.ask("configurationDone", Value::Null);
    code.event("stopped");
    let told = code.ask("stackTrace", one)["stackFrames"].take();
    let told = told.as_array().expect("frames");
    let names = |frames: &[Value]| -> Vec<Value> {
        frames.iter().map(|frame| frame["name"].clone()).collect()
    };
    assert_eq!(names(told), names(&all)[..told.len()]);
    let last = told.last().expect("a frame");
    assert_eq!(
        (&last["presentationHint"], &last["source"]["name"]),
        (&json!("normal"), &json!("ledger.c"))
    );
    assert!(told.len() > 2, "{told:?}");
}
