//! Stops where no code of the program runs: the start, and the end of a run that returned.
//! They have a frame that says so, and lead on in both directions.

use crate::support::client::Client;
use crate::support::session::{frames, start};
use crate::support::{fixture, record};
use serde_json::{Value, json};

/// A session with a recording of a call that returned 222.
fn returned(begin: &str) -> (tempfile::TempDir, Client) {
    let dir = tempfile::tempdir().expect("a directory");
    let trace = dir.path().join("nested.rrtrace");
    let options = ["--invoke", "run()"];
    record(&fixture("wat/nested.wat"), &options, &[], "", &trace);
    (
        dir,
        start(json!({ "trace": trace, "stopAt": begin }), |_| {}),
    )
}

const START: &str = "start of the recording: nothing has run yet";
const END: &str = "end of the recording: the program returned 222";

/// The one frame of this stop, which is none of the program's.
fn label(client: &mut Client) -> Value {
    let mut all = frames(client);
    assert_eq!(all.len(), 1, "{all:?}");
    let label = all.remove(0);
    assert_eq!(label["presentationHint"], "label");
    assert!(label.get("source").is_none_or(Value::is_null), "{label}");
    label
}

fn go(client: &mut Client, command: &str) -> Value {
    client.ask(command, json!({ "threadId": 1 }));
    client.event("stopped")
}

#[test]
fn the_ends_say_where_one_is_and_have_nothing_inside() {
    for (begin, name) in [("start", START), ("end", END)] {
        let (_dir, mut client) = returned(begin);
        let label = label(&mut client);
        assert_eq!(label["name"], name);
        let of_it = json!({ "frameId": label["id"] });
        assert_eq!(client.ask("scopes", of_it.clone())["scopes"], json!([]));
        assert_eq!(client.ask("stepInTargets", of_it)["targets"], json!([]));
        let window = json!({ "threadId": 1, "startFrame": 1, "levels": 19 });
        let beyond = client.ask("stackTrace", window);
        assert_eq!(
            (&beyond["stackFrames"], &beyond["totalFrames"]),
            (&json!([]), &json!(1))
        );
        let moment = json!({ "expression": "$event", "frameId": label["id"], "context": "watch" });
        let event = client.ask("rr/when", json!({}))["moment"]["event"].to_string();
        assert_eq!(client.ask("evaluate", moment)["result"], json!(event));
        let none = json!({ "expression": "total", "frameId": label["id"], "context": "hover" });
        client.refusal("evaluate", none);
        let names = json!({ "text": "$ev", "column": 4, "frameId": label["id"] });
        assert_eq!(
            client.ask("completions", names)["targets"][0]["label"],
            "$event"
        );
    }
}

#[test]
fn every_motion_leads_away_or_says_that_it_stays() {
    let (_dir, mut client) = returned("end");
    for forward in ["continue", "next", "stepIn", "stepOut"] {
        assert_eq!(go(&mut client, forward)["reason"], "end", "{forward}");
        assert_eq!(label(&mut client)["name"], END, "{forward}");
    }
    go(&mut client, "stepBack");
    let last = frames(&mut client);
    assert_ne!(last[0]["presentationHint"], "label", "{last:?}");
    client.ask("rr/seek", json!({ "to": "end" }));
    client.event("stopped");
    assert_eq!(label(&mut client)["name"], END);
    assert_eq!(go(&mut client, "reverseContinue")["reason"], "start");
    assert_eq!(label(&mut client)["name"], START);
    assert_eq!(go(&mut client, "stepBack")["reason"], "start");
    assert_eq!(label(&mut client)["name"], START);
    go(&mut client, "stepIn");
    assert_ne!(frames(&mut client)[0]["presentationHint"], "label");
}
