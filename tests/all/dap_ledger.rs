//! A session over a real recording, word for word: forward and back, into a hostcall, and
//! by commands of the console.

use crate::support::client::Client;
use crate::support::ledger::ledger;
use crate::support::session::{connect_logged, start};
use crate::support::{fixture, transcript};
use rr_dap::dap::outbox::MessageLog;
use serde_json::{Value, json};

const LEDGER: &str = "/rr-dap/fixtures/ledger.c";
/// `from->balance -= transfer->amount;`
const SUBTRACTS: i64 = 48;

fn set_lines(client: &mut Client, breakpoints: Value) {
    let source = json!({ "path": LEDGER });
    client.ask(
        "setBreakpoints",
        json!({ "source": source, "breakpoints": breakpoints }),
    );
}

fn set_filter(client: &mut Client, filter: Value) {
    client.ask(
        "setExceptionBreakpoints",
        json!({ "filters": [], "filterOptions": [filter] }),
    );
}

fn top(client: &mut Client, levels: i64) -> Value {
    let trace = client.ask("stackTrace", json!({ "threadId": 1, "levels": levels }));
    trace["stackFrames"][0]["id"].clone()
}

/// The frames, and what the topmost one holds.
fn look_around(client: &mut Client, levels: i64) {
    client.ask("threads", Value::Null);
    let frame = top(client, levels);
    let scopes = client.ask("scopes", json!({ "frameId": frame }));
    for scope in scopes["scopes"].as_array().unwrap() {
        let reference = &scope["variablesReference"];
        client.ask("variables", json!({ "variablesReference": reference }));
    }
}

fn console(client: &mut Client, line: &str) {
    client.ask("evaluate", json!({ "expression": line, "context": "repl" }));
}

fn travel(client: &mut Client, line: &str) {
    console(client, line);
    client.event("stopped");
}

fn tour(client: &mut Client, trace: &std::path::Path) {
    client.ask(
        "initialize",
        json!({ "adapterID": "rr-dap", "supportsVariableType": true, "supportsMemoryReferences": true }),
    );
    client.ask("launch", json!({ "trace": trace }));
    client.event("initialized");
    client.event("thread");
    let negative = json!({ "line": SUBTRACTS, "condition": "transfer->amount < 0" });
    set_lines(client, json!([negative]));
    client.ask("configurationDone", Value::Null);
    client.event("stopped");

    look_around(client, 3);
    let frame = top(client, 1);
    for expression in [
        "*transfer",
        "transfer->amount + 65536",
        "from->name",
        "no_such",
    ] {
        let asked = json!({ "expression": expression, "context": "watch", "frameId": frame });
        let seq = client.send("evaluate", asked);
        client.response(seq);
    }
    for motion in ["next", "stepBack", "stepBack", "stepIn", "stepOut"] {
        client.go(motion);
        top(client, 1);
    }
    set_lines(
        client,
        json!([{ "line": SUBTRACTS, "logMessage": "{transfer->from} pays {transfer->amount}" }]),
    );
    client.go("reverseContinue");
    set_lines(client, json!([{ "line": SUBTRACTS, "hitCondition": "3" }]));
    client.go("continue");
    client.go("continue");
    client.ask("exceptionInfo", json!({ "threadId": 1 }));
    client.go("reverseContinue");
    top(client, 2);

    set_lines(client, json!([]));
    set_filter(
        client,
        json!({ "filterId": "hostcall", "condition": "write" }),
    );
    client.go("continue");
    look_around(client, 4);
    client.go("reverseContinue");
    console(client, "when");
    console(client, "mark here");
    travel(client, "hostcall next write");
    travel(client, "hostcall over");
    look_around(client, 1);
    travel(client, "seek end");
    travel(client, "seek here");
    travel(client, "back in");
    travel(client, "back instruction");
    client.ask("rr/when", json!({}));
    client.ask("rr/marks", json!({}));
    client.ask(
        "rr/hostcalls",
        json!({ "filter": "*write*", "from": 20, "count": 3 }),
    );
    console(client, "hostcalls failed");
    client.ask("rr/seek", json!({ "to": "end" }));
    client.event("stopped");
    console(client, "when");
    client.ask("terminate", Value::Null);
    client.event("terminated");
    client.ask("disconnect", Value::Null);
}

#[test]
fn a_session_over_the_ledger_is_as_its_golden_transcript() {
    let directory = tempfile::tempdir().unwrap();
    let trace = ledger(directory.path());

    // What was printed is told at stops once it is known; compiled code is kept.
    let launch = json!({ "trace": &trace });
    console(&mut start(launch, |_| {}), "output");

    let log = directory.path().join("traffic.jsonl");
    let mut client = connect_logged(Some(MessageLog::create(&log).unwrap()));
    tour(&mut client, &trace);
    client.rest();
    let directory = directory.path().to_str().unwrap();
    let fixtures = fixture("").to_str().unwrap().to_owned();
    transcript::compare(&log, "ledger.golden.jsonl", |line| {
        // What the server can do is in the other transcript.
        let greeting = line.contains("\"command\":\"initialize\"");
        // The source is found where the tests run.
        let stable = line.replace(directory, "DIRECTORY");
        (!greeting).then(|| stable.replace(fixtures.trim_end_matches('/'), "/rr-dap/fixtures"))
    });
}
