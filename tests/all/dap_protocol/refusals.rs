//! What a session refuses, and what it does not understand.

use super::{connect, launch};
use serde_json::{Value, json};

#[test]
fn requests_out_of_place_are_refused_with_a_reason() {
    let mut client = connect();
    assert!(
        client
            .refusal("stackTrace", json!({ "threadId": 1 }))
            .contains("initialize")
    );
    client.initialize();
    assert!(
        client
            .refusal("initialize", json!({ "adapterID": "x" }))
            .contains("already")
    );
    assert!(
        client
            .refusal("next", json!({ "threadId": 1 }))
            .contains("launch")
    );
    assert!(
        client
            .refusal("launch", json!({}))
            .contains("nothing to debug")
    );
    assert!(
        client
            .refusal("launch", json!({ "program": "a", "args": "b" }))
            .contains("`args`")
    );
    assert_eq!(
        client.refusal("launch", launch("missing.wasm")),
        "missing.wasm is not there"
    );
    assert!(
        client
            .refusal("launch", launch("panics.wasm"))
            .contains("scripted")
    );
    client.ask("launch", launch("demo.wasm"));
    assert!(
        client
            .refusal("launch", launch("demo.wasm"))
            .contains("already")
    );
    assert_eq!(
        client.refused("scopes", json!({ "frameId": 1 }))["message"],
        "notStopped"
    );
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    assert!(client.refusal("scopes", json!({})).contains("frameId"));
    assert!(
        client
            .refusal("scopes", json!({ "frameId": 9 }))
            .contains("no such frame")
    );
    assert!(
        client
            .refusal("scopes", json!({ "frameId": 0 }))
            .contains("no frame 0")
    );
    assert!(
        client
            .refusal("variables", json!({ "variablesReference": 77 }))
            .contains("77")
    );
    let too_many = json!({ "memoryReference": "0", "count": i64::MAX });
    assert!(client.refusal("readMemory", too_many).contains("bytes"));
    let nowhere = json!({ "source": { "path": "/x" }, "breakpoints": [{ "line": i64::MIN }] });
    assert!(
        client
            .refusal("setBreakpoints", nowhere)
            .contains("no line")
    );
    for writing in [
        (
            "setVariable",
            json!({ "variablesReference": 1, "name": "x", "value": "1" }),
        ),
        ("setExpression", json!({ "expression": "x", "value": "1" })),
        ("writeMemory", json!({ "memoryReference": "0", "data": "" })),
    ] {
        assert!(
            client
                .refusal(writing.0, writing.1)
                .contains("past cannot be changed")
        );
    }
    for line in [
        "rr nonsense",
        "rr goto event 5",
        "rr goto position 1:2",
        "rr where to",
    ] {
        client.refusal("evaluate", json!({ "expression": line, "context": "repl" }));
    }
    assert_eq!(
        client.ask("evaluate", json!({ "expression": "at", "context": "repl" }))["result"],
        "10"
    );
}

#[test]
fn what_is_not_understood_is_one_error_and_the_session_goes_on() {
    let mut client = connect();
    client.initialize();
    for garbage in [
        "",
        "{",
        "[1]",
        "3",
        "\u{0}",
        "{\"seq\":1}x",
        &"[".repeat(100_000),
    ] {
        client.framed(garbage);
        let said = client.event("output");
        assert_eq!(said["category"], "important");
        assert!(
            said["output"].as_str().unwrap().contains("not understood"),
            "{said}"
        );
    }
    for (wrong, says) in [
        (json!({ "seq": 70, "type": "request" }), "`command`"),
        (
            json!({ "seq": 71, "type": "hello", "command": "next" }),
            "`type`",
        ),
    ] {
        client.framed(&wrong.to_string());
        let response = client.response(wrong["seq"].as_i64().unwrap());
        assert!(
            response["message"].as_str().unwrap().contains(says),
            "{response}"
        );
    }
    client.framed(
        &json!({ "seq": 1, "type": "response", "request_seq": 1, "success": true, "command": "x" })
            .to_string(),
    );
    client.framed(
        &json!({ "seq": 90, "type": "request", "command": "fly", "arguments": 3 }).to_string(),
    );
    assert!(
        client.response(90)["message"]
            .as_str()
            .unwrap()
            .contains("`fly`")
    );
    client.framed(
        &json!({ "seq": 91, "type": "request", "command": "threads", "arguments": {} }).to_string(),
    );
    assert_eq!(client.response(91)["success"], true);

    let too_long = 17 << 20;
    client.raw(format!("Content-Length: {too_long}\r\n\r\n").as_bytes());
    client.raw(&vec![b'x'; too_long]);
    assert!(
        client.event("output")["output"]
            .as_str()
            .unwrap()
            .contains("left out")
    );
    client.ask("launch", launch("demo.wasm"));
}

#[test]
fn a_lost_frame_boundary_ends_the_session_with_one_error() {
    for garbage in [
        "Content-Length: many\r\n\r\n{}",
        "GET / HTTP/1.1\r\n\r\n",
        "\r\n\r\n",
    ] {
        let mut client = connect();
        client.initialize();
        client.raw(garbage.as_bytes());
        let rest = client.rest();
        assert_eq!(rest.len(), 1, "{rest:#?}");
        assert_eq!(rest[0]["event"], "output");
    }
}
