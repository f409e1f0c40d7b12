//! Frames and variables in more words: names with parameters, places of declarations;
//! and an opening that is given up.

use crate::support::client::Client;
use crate::support::fixture;
use crate::support::ledger::own_ledger;
use crate::support::session::{connect_to, frames, start};
use rr_dap::dap::transport::Server;
use rr_dap::debuggee::recording::RecordingLauncher;
use rr_dap::replay::variant::CacheDir;
use rr_dap::timeline::{First, Options};
use serde_json::{Value, json};
use std::sync::Arc;

/// A session in `report`, at its second call.
fn in_report() -> (tempfile::TempDir, Client) {
    let (dir, trace) = own_ledger();
    let client = start(json!({ "trace": trace }), |client| {
        let report = json!({ "name": "report", "hitCondition": "2" });
        client.ask("setFunctionBreakpoints", json!({ "breakpoints": [report] }));
    });
    (dir, client)
}

fn names(client: &mut Client, format: Value) -> Vec<String> {
    let trace = client.ask("stackTrace", json!({ "threadId": 1, "format": format }));
    let frames = trace["stackFrames"].as_array().expect("frames");
    let name = |frame: &Value| frame["name"].as_str().expect("a name").to_owned();
    frames.iter().map(name).collect()
}

#[test]
fn names_of_frames_hold_what_is_asked_for() {
    let (_dir, mut client) = in_report();
    let plain = names(&mut client, json!({}));
    assert_eq!(plain[..2], ["report", "main"]);
    let all = json!({
        "parameters": true, "parameterTypes": true, "parameterNames": true,
        "parameterValues": true, "line": true,
    });
    let full = names(&mut client, all);
    assert_eq!(full.len(), plain.len());
    assert!(
        full[0].starts_with("report(number: int = 2, transfer: const transfer * = 0x"),
        "{full:#?}"
    );
    let line = frames(&mut client)[0]["line"].clone();
    assert!(full[0].ends_with(&format!(", line {line}")), "{full:#?}");
    let named = names(&mut client, json!({ "parameters": true }));
    assert_eq!(named[0], "report(number, transfer)");
    let typed = names(&mut client, json!({ "parameterTypes": true }));
    assert_eq!(typed[0], "report(int, const transfer *)");
    let hex = json!({ "parameterNames": true, "parameterValues": true, "hex": true });
    assert!(names(&mut client, hex)[0].starts_with("report(number = 0x2, transfer = 0x"));
    let module = names(&mut client, json!({ "module": true, "line": true }));
    let (of, rest) = module[0].split_once('!').expect("a module");
    assert!(!of.is_empty());
    assert_eq!(rest, format!("report, line {line}"));
    // A function without parameters, and a hostcall with its own.
    client.ask(
        "setFunctionBreakpoints",
        json!({ "breakpoints": [{ "name": "check" }, { "name": "wasi:io/streams*write*" }] }),
    );
    let mut seen = Vec::new();
    while seen.len() < 40 {
        client.ask("continue", json!({ "threadId": 1 }));
        if client.event("stopped")["reason"] == "exception" {
            break;
        }
        seen.push(names(&mut client, json!({ "parameters": true }))[0].clone());
    }
    assert!(seen.contains(&"check()".to_owned()), "{seen:#?}");
    let hostcall = |name: &String| name.contains("write") && name.ends_with("(self, contents)");
    assert!(seen.iter().any(hostcall), "{seen:#?}");
}

#[test]
fn variables_lead_to_their_declarations() {
    let (_dir, mut client) = in_report();
    let code = std::fs::read_to_string(fixture("ledger.c")).expect("the source");
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for level in 0..2 {
        let trace = client.ask("stackTrace", json!({ "threadId": 1 }));
        let frame = trace["stackFrames"][level]["id"].clone();
        let scopes = client.ask("scopes", json!({ "frameId": frame }))["scopes"].take();
        for scope in scopes.as_array().expect("scopes") {
            if !["Arguments", "Locals", "Statics"].contains(&scope["name"].as_str().unwrap_or("")) {
                continue;
            }
            let of = json!({ "variablesReference": scope["variablesReference"] });
            let variables = client.ask("variables", of)["variables"].take();
            for variable in variables.as_array().expect("variables") {
                let reference = &variable["declarationLocationReference"];
                let place = client.ask("locations", json!({ "locationReference": reference }));
                assert_eq!(place["source"]["name"], "ledger.c");
                let line = place["line"].as_u64().expect("a line") as usize - 1;
                let name = variable["name"].as_str().expect("a name");
                assert!(lines[line].contains(name), "{name} in {}", lines[line]);
                found.push(name.to_owned());
            }
        }
    }
    for name in ["number", "transfer", "argc", "path", "line", "accounts"] {
        assert!(found.iter().any(|f| f == name), "{name} in {found:?}");
    }
}

/// Compiling the ledger takes longer than a request does.
#[test]
fn an_opening_is_given_up_while_it_compiles() {
    let (dir, trace) = own_ledger();
    let cache = dir.path().join("cache");
    let options = Options::new(
        env!("CARGO_BIN_EXE_rr-dap").into(),
        CacheDir::open(&cache).expect("a cache"),
    );
    let mut client = connect_to(Server::new(Arc::new(RecordingLauncher::new(options, None))));
    client.initialize();
    let launching = client.send("launch", json!({ "trace": trace }));
    client.ask("cancel", json!({ "requestId": launching }));
    assert_eq!(client.response(launching)["message"], "cancelled");
    // Nothing is in its way for the next time.
    client.ask("launch", json!({ "trace": trace, "stopOnEntry": true }));
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    assert_eq!(client.event("stopped")["reason"], "entry");
}

/// Optimised code has no locals; code that has is compiled once they are asked for.
#[test]
fn what_could_not_be_shown_at_first_is_announced() {
    let (dir, trace) = own_ledger();
    let options = Options {
        first: First::Fast,
        ..Options::new(
            env!("CARGO_BIN_EXE_rr-dap").into(),
            CacheDir::open(&dir.path().join("cache")).expect("a cache"),
        )
    };
    let mut client = connect_to(Server::new(Arc::new(RecordingLauncher::new(options, None))));
    client.ask(
        "initialize",
        json!({ "adapterID": "rr-dap", "supportsInvalidatedEvent": true }),
    );
    client.ask("launch", json!({ "trace": trace, "stopAt": "start" }));
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    let next = json!({ "expression": "hostcall next", "context": "repl" });
    for _ in 0..2 {
        client.ask("evaluate", next.clone());
        client.event("stopped");
    }
    let locals = |client: &mut Client| {
        let frame = frames(client)[1]["id"].clone();
        let scopes = client.ask("scopes", json!({ "frameId": frame }))["scopes"].take();
        let scopes = scopes.as_array().expect("scopes").clone();
        let locals = scopes
            .into_iter()
            .find(|scope| scope["name"] == "Wasm locals");
        json!({ "variablesReference": locals.expect("locals")["variablesReference"] })
    };
    let asked = locals(&mut client);
    let refusal = client.refusal("variables", asked);
    assert!(
        refusal.contains("being compiled for debugging"),
        "{refusal}"
    );
    assert_eq!(client.event("invalidated")["areas"], json!(["all"]));
    let asked = locals(&mut client);
    let shown = client.ask("variables", asked)["variables"].take();
    assert!(!shown.as_array().expect("variables").is_empty());
}
