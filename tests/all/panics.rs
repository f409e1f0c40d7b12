//! Stops where a program gives up, with what it says of why.

use crate::support::client::Client;
use crate::support::session::{frames, start};
use crate::support::{fixture, record, rr_dap, text};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn recorded(app: &str, dir: &Path) -> PathBuf {
    let trace = dir.join("t.rrtrace");
    let recorded = record(&fixture(app), &["--quiet"], &[], "", &trace);
    assert_eq!(recorded.status.code(), Some(134), "{recorded:?}");
    trace
}

fn session(trace: &Path, at: &str, condition: Option<&str>) -> Client {
    let mut panics = json!({ "filterId": "panic" });
    if let Some(condition) = condition {
        panics["condition"] = condition.into();
    }
    let launch = json!({ "trace": trace, "stopAt": at });
    start(launch, |client| {
        let filters = json!({ "filters": ["trap"], "filterOptions": [panics] });
        let set = client.ask("setExceptionBreakpoints", filters);
        assert_eq!(set["breakpoints"][1]["verified"], true, "{set}");
    })
}

#[test]
fn a_panic_stops_once_with_its_message_from_both_sides() {
    let dir = tempfile::tempdir().unwrap();
    let trace = recorded("wat/panic.wat", dir.path());
    let mut client = session(&trace, "start", None);
    let is_panic = |client: &mut Client, stopped: &Value| {
        assert_eq!(stopped["reason"], "exception", "{stopped}");
        assert_eq!(stopped["description"], "Paused on panic");
        assert_eq!(stopped["text"], "attempt to divide by zero");
        let names: Vec<Value> = frames(client).iter().map(|f| f["name"].clone()).collect();
        assert_eq!(names[0], "rust_panic");
        assert_eq!(names[2], "shop::divide");
        let info = client.ask("exceptionInfo", json!({ "threadId": 1 }));
        assert_eq!(info["exceptionId"], "panic");
        assert_eq!(info["description"], "attempt to divide by zero");
    };
    let stopped = client.go("continue");
    is_panic(&mut client, &stopped);
    // `abort` within it is the same panic.
    let end = client.go("continue");
    assert_eq!(end["description"], "Paused on trap", "{end}");
    let stopped = client.go("reverseContinue");
    is_panic(&mut client, &stopped);
    assert_eq!(client.go("reverseContinue")["reason"], "start");
}

#[test]
fn a_condition_is_a_part_of_the_message() {
    let dir = tempfile::tempdir().unwrap();
    let trace = recorded("wat/panic.wat", dir.path());
    for (part, stops) in [("Divide", true), ("overflow", false)] {
        let mut client = session(&trace, "start", Some(part));
        let stopped = client.go("continue");
        let description = if stops {
            "Paused on panic"
        } else {
            "Paused on trap"
        };
        assert_eq!(stopped["description"], description, "{part}: {stopped}");
    }
}

#[test]
fn a_failed_assertion_shows_the_frame_that_asserts() {
    let dir = tempfile::tempdir().unwrap();
    let trace = recorded("half.wasm", dir.path());
    let trace = trace.to_str().unwrap();
    let message = "Assertion failed: number % 2 == 0 (/rr-dap/fixtures/half.c: half: 6)";
    for (at, motion) in [("start", "continue"), ("end", "reverse-continue")] {
        let line = [
            "debug",
            "--batch",
            "--at",
            at,
            "-x",
            "catch panic",
            "-x",
            motion,
        ];
        let ran = rr_dap(&[&line[..], &["-x", "print number", trace]].concat(), "");
        let told = text(&ran.stdout);
        assert!(told.contains("Catchpoint 1"), "{told}");
        assert!(told.contains(message), "{told}");
        assert!(told.contains("half at half.c:6"), "{told}");
        assert!(
            told.contains("->    6    assert(number % 2 == 0);"),
            "{told}"
        );
        assert!(told.trim_end().ends_with("= 3"), "{told}");
    }
}

#[test]
fn a_program_that_cannot_panic_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.rrtrace");
    record(&fixture("wat/chatty.wat"), &["--quiet"], &[], "", &trace);
    start(json!({ "trace": trace, "stopAt": "start" }), |client| {
        let set = client.ask("setExceptionBreakpoints", json!({ "filters": ["panic"] }));
        assert_eq!(set["breakpoints"][0]["verified"], false, "{set}");
    });
}
