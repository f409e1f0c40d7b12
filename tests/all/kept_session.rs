//! What a session leaves beside its recording for the next one, and moments handed on.

use crate::support::client::Client;
use crate::support::ledger::own_ledger;
use crate::support::session::start;
use crate::support::{fixture, rr_dap, text};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn beside(trace: &Path) -> PathBuf {
    PathBuf::from(format!("{}.session.json", trace.display()))
}

fn session(trace: &Path) -> Client {
    start(json!({ "trace": trace, "stopAt": "end" }), |_| {})
}

fn marks(client: &mut Client) -> Vec<(String, u64)> {
    let marks = client.ask("rr/marks", json!({}))["marks"].take();
    let marks = marks.as_array().expect("marks").clone();
    let told = |mark: &Value| {
        let name = mark["name"].as_str().expect("a name").to_owned();
        (name, mark["moment"]["event"].as_u64().expect("an event"))
    };
    marks.iter().map(told).collect()
}

fn seek(client: &mut Client, to: Value) {
    client.ask("rr/seek", to);
    client.event("stopped");
}

/// What the prompt says to these lines, asked one after the other.
fn prompt(arguments: &[&str], lines: &str) -> String {
    let sources = format!("/rr-dap/fixtures={}", fixture("").display());
    let mut all = vec!["debug", "--color", "never", "--source-map", &sources];
    all.extend(arguments);
    let output = rr_dap(&all, lines);
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn marks_are_there_in_the_next_session_until_the_recording_is_another() {
    let (_dir, trace) = own_ledger();
    let mut client = session(&trace);
    seek(&mut client, json!({ "event": 20 }));
    client.ask("rr/mark", json!({ "name": "the second read" }));
    seek(&mut client, json!({ "event": 30 }));
    client.ask("rr/mark", json!({ "name": "wrong" }));
    drop(client);
    let both = [("the second read".to_owned(), 20), ("wrong".to_owned(), 30)];
    let mut client = session(&trace);
    assert_eq!(marks(&mut client), both);
    seek(&mut client, json!({ "mark": "wrong" }));
    assert_eq!(client.ask("rr/when", json!({}))["moment"]["event"], 30);
    client.ask("rr/unmark", json!({ "name": "wrong" }));
    drop(client);
    assert_eq!(marks(&mut session(&trace)), both[..1]);
    // The same name, another run.
    let mut kept: Value =
        serde_json::from_slice(&std::fs::read(beside(&trace)).expect("the file")).expect("JSON");
    kept["recording"]["started"] = json!(1);
    std::fs::write(beside(&trace), kept.to_string()).expect("is written");
    assert_eq!(marks(&mut session(&trace)), []);
    // Nothing is left of a mark that is gone.
    let mut client = session(&trace);
    client.ask("rr/mark", json!({ "name": "a" }));
    assert!(beside(&trace).exists());
    client.ask("rr/unmark", json!({ "name": "a" }));
    assert!(!beside(&trace).exists());
}

#[test]
fn what_lies_beside_a_recording_may_be_anything() {
    let (_dir, trace) = own_ledger();
    let mut client = session(&trace);
    client.ask("rr/mark", json!({ "name": "a" }));
    drop(client);
    let good: Value =
        serde_json::from_slice(&std::fs::read(beside(&trace)).expect("the file")).expect("JSON");
    let with = |marks: Value| {
        let mut all = good.clone();
        all["marks"] = marks;
        all.to_string().into_bytes()
    };
    let mark =
        |name: &str, position: &str| json!({ "name": name, "position": position, "event": 1 });
    let many: Vec<Value> = (0..5000)
        .map(|n| mark(&format!("m{n}"), "1:1:0x1"))
        .collect();
    for (hostile, expected) in [
        (b"{".to_vec(), 0),
        (vec![0xff; 3 << 20], 0),
        (with(json!([mark("\u{1b}[2J", "1:1:0x1")])), 0),
        (with(json!([mark("here", "nowhere")])), 0),
        (with(json!([mark(&"x".repeat(5000), "1:1:0x1")])), 0),
        (with(json!([mark("far", "99999999999:9:0x9")])), 1),
        (with(json!(many)), 1000),
        (with(json!({})), 0),
    ] {
        std::fs::write(beside(&trace), hostile).expect("is written");
        let mut client = session(&trace);
        assert_eq!(marks(&mut client).len(), expected);
        if expected == 1 {
            // It leads nowhere, and the session goes on.
            seek(&mut client, json!({ "mark": "far" }));
            client.ask("rr/when", json!({}));
        }
    }
    std::fs::remove_file(beside(&trace)).expect("is removed");
    std::fs::create_dir(beside(&trace)).expect("is made");
    let mut client = session(&trace);
    client.ask("rr/mark", json!({ "name": "a" }));
    assert_eq!(marks(&mut client).len(), 1);
}

#[test]
fn breakpoints_of_the_prompt_are_there_the_next_time() {
    let (_dir, trace) = own_ledger();
    let file = trace.to_str().expect("a path");
    let set = "break ledger.c:44 if number == 3\nbreak apply\ndisable 2\ncatch failed\ntbreak check\n\
               watch accounts[0].balance\nmark here\n";
    prompt(&["--at", "end", file], set);
    let listed = prompt(&[file], "info breakpoints\nmarks\ncontinue\n");
    for part in [
        "4 breakpoints of an earlier session",
        "Breakpoint 1: at ledger.c:",
        "if number == 3",
        "Breakpoint 2: apply at ledger.c:45 (disabled)",
        "Catchpoint 3: failed hostcall",
        "Watchpoint 4: accounts[0].balance",
        "here  event",
    ] {
        assert!(listed.contains(part), "no {part} in {listed}");
    }
    assert!(!listed.contains("check (once)"), "{listed}");
    // Scripts do the same every time, and who does not want any has none.
    for arguments in [&["--batch", file][..], &["--no-save", file]] {
        let listed = prompt(arguments, "info breakpoints\n");
        assert!(listed.contains("There are no breakpoints"), "{listed}");
    }
    prompt(&[file], "delete\nunmark here\n");
    assert!(!beside(&trace).exists());
}

#[test]
fn a_recording_is_opened_at_a_moment_that_was_handed_on() {
    let (_dir, trace) = own_ledger();
    let file = trace.to_str().expect("a path");
    let told = prompt(
        &["--batch", "--at", "end", file],
        "seek 20\ninfo position\n",
    );
    let link = told
        .lines()
        .find_map(|line| line.strip_prefix(file)?.strip_prefix('@'));
    let link = link.unwrap_or_else(|| panic!("no link in {told}"));
    for moment in [link, "20"] {
        let opened = format!("{file}@{moment}");
        let told = prompt(&["--batch", &opened], "info position\n");
        assert!(told.contains(&format!("{file}@{link}")), "{told}");
        let mut client = start(json!({ "trace": trace, "stopAt": moment }), |_| {});
        let when = client.ask("rr/when", json!({}));
        assert_eq!(
            (&when["moment"]["position"], &when["phase"]),
            (&json!(link), &json!("calling"))
        );
    }
    let marked = prompt(&[file], "seek 20\nmark here\n");
    assert!(marked.contains("mark here is"), "{marked}");
    let opened = prompt(&["--batch", &format!("{file}@here")], "info position\n");
    assert!(opened.contains(&format!("{file}@{link}")), "{opened}");
    let wrong = prompt(&["--batch", &format!("{file}@10:")], "");
    assert!(wrong.contains("`10:` is not a moment"), "{wrong}");
    // What the recording does not have leaves one at `main`.
    for (moment, says) in [
        ("nowhere", "there is no mark `nowhere`"),
        ("999", "there is no event 999"),
        ("99999999:3:0x1f4", "99999999"),
    ] {
        let told = prompt(&["--batch", &format!("{file}@{moment}")], "p $event\nbt\n");
        assert!(told.contains(says), "{moment}: {told}");
        assert!(told.contains("*#0  main "), "{moment}: {told}");
    }
    let program = format!("{}@20", fixture("ledger.wasm").display());
    let wrong = prompt(&["--batch", &program], "");
    assert!(wrong.contains("is a program to record"), "{wrong}");
}

#[test]
fn ignored_hits_are_kept_and_commands_are_said_not_to_be() {
    let (_dir, trace) = own_ledger();
    let file = trace.to_str().expect("a path");
    let lines = "break report\nignore 1 3\ncommands 1\nprint 6 * 7\nend\n";
    let told = prompt(&[file], lines);
    assert!(
        told.contains("These commands are of this session only"),
        "{told}"
    );
    let told = prompt(&[file], "info breakpoints\ncontinue\nprint number\n");
    assert!(told.contains(", ignored at the next 3 hits"), "{told}");
    assert!(told.contains("number = 4"), "{told}");
    assert!(!told.contains("= 42"), "{told}");
}
