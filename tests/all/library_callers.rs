//! What is the program's own where libraries call it, or are called by nobody of it: steps pass
//! them, and a stop shows what there is to see.

use crate::support::client::Client;
use crate::support::session::{frames, start};
use crate::support::{fixture, record};
use serde_json::{Value, json};

/// A session with a recording of a program, with some sources as a library's.
fn session(app: &str, library: &str, begin: &str) -> (tempfile::TempDir, Client) {
    let dir = tempfile::tempdir().expect("a directory");
    let trace = dir.path().join("t.rrtrace");
    record(&fixture(app), &["--quiet"], &[], "", &trace);
    let launch = json!({ "trace": trace, "stopAt": begin, "libraries": [library] });
    (dir, start(launch, |_| {}))
}

/// The innermost function and its line.
fn place(client: &mut Client) -> (String, i64) {
    let frame = frames(client).remove(0);
    let name = frame["name"].as_str().expect("a name").to_owned();
    (name, frame["line"].as_i64().expect("a line"))
}

fn goes(client: &mut Client, command: &str, to: (&str, i64)) {
    let stopped = client.go(command);
    assert_eq!(
        place(client),
        (to.0.to_owned(), to.1),
        "{command}: {stopped}"
    );
}

/// `visit` traps when it is called for the third time, by the body of `each` in `work`.
#[test]
fn steps_out_of_what_an_inlined_library_calls_are_to_who_called_the_library() {
    let (_dir, mut client) = session("motion/visits-O1.wasm", "/vendor/", "end");
    assert_eq!(place(&mut client).0, "visit");
    goes(&mut client, "stepBack", ("visit", 8));
    goes(&mut client, "stepBack", ("visit", 7));
    // The next one back is the caller's, not one of the library's loop.
    goes(&mut client, "stepBack", ("work", 14));
    goes(&mut client, "stepBack", ("work", 13));
    client.ask("rr/seek", json!({ "to": "end" }));
    client.event("stopped");
    client.ask(
        "rr/step",
        json!({ "direction": "backward", "unit": "line", "kind": "out" }),
    );
    client.event("stopped");
    assert_eq!(place(&mut client), ("work".to_owned(), 14));
}

#[test]
fn a_step_out_of_main_is_to_the_end() {
    let (_dir, mut client) = session("kitchen.wasm", "/rt/", "entry");
    assert_eq!(place(&mut client).0, "main");
    let stopped = client.go("stepOut");
    assert_eq!(stopped["reason"], "end", "{stopped}");
}

/// The C library looks for its directories before `main`.
#[test]
fn a_hostcall_that_nobody_of_the_program_has_made_is_shown_where_it_is_listed() {
    let (_dir, mut client) = session("kitchen.wasm", "/rt/", "start");
    client.ask(
        "rr/step",
        json!({ "direction": "forward", "unit": "hostcall" }),
    );
    assert_eq!(client.event("stopped")["reason"], "hostcall");
    let call = frames(&mut client).remove(0);
    assert_eq!(call["presentationHint"], "normal", "{call}");
    assert_eq!(
        (&call["source"]["name"], &call["line"]),
        (&json!("hostcalls"), &json!(1))
    );
    assert!(
        call["source"]
            .get("presentationHint")
            .is_none_or(Value::is_null)
    );
    // With a frame of the program's own, that is the one to be shown.
    client.ask("rr/seek", json!({ "to": "end" }));
    client.event("stopped");
    client.ask(
        "rr/step",
        json!({ "direction": "backward", "unit": "hostcall" }),
    );
    client.event("stopped");
    let all = frames(&mut client);
    let has_own = all.iter().any(|frame| frame["name"] == "main");
    assert_eq!(all[0]["source"].is_object(), !has_own, "{all:?}");
}
