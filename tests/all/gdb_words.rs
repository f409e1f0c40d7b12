//! What people know from gdb, at the prompt and in consoles: the answers are right, and what
//! cannot be says why.

use crate::support::client::Client;
use crate::support::ledger::ledger;
use crate::support::{fixture, rr_dap, rr_dap_with, text, without_waiting};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

/// Runs commands, none of which needs anybody's files.
fn session(recording: &Path, home: &Path, commands: &[&str]) -> Output {
    let sources = format!("/rr-dap/fixtures={}", fixture("").display());
    let sources = sources.trim_end_matches('/');
    let mut line = vec!["debug", "--batch", "--source-map", sources];
    for command in commands {
        line.extend(["-x", command]);
    }
    line.push(recording.to_str().unwrap());
    without_waiting(rr_dap_with(&line, &[("HOME", home.to_str().unwrap())], ""))
}

/// What came after each command was shown.
fn answers(output: &Output, commands: &[&str]) -> Vec<String> {
    let shown = text(&output.stdout);
    let mut rest = shown.as_str();
    let mut parts = Vec::new();
    for command in commands {
        let prompt = format!("(rr-dap) {command}\n");
        let (before, after) = rest
            .split_once(&prompt)
            .unwrap_or_else(|| panic!("no {command} in {shown}"));
        parts.push(before.trim_end().to_owned());
        rest = after;
    }
    parts.push(rest.trim_end().to_owned());
    parts.remove(0);
    parts
}

#[test]
fn commands_of_gdb_answer_as_people_expect() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let commands = [
        "tbreak apply",
        "continue",
        "print/x *transfer",
        "p/t transfer->amount",
        "p transfer->amount",
        "p $ + 1",
        "p $$",
        "p accounts,[2],x",
        "p sizeof(struct account)",
        "p ACCOUNTS",
        "bt full 1",
        "bt -1",
        "info symbol $pc",
        "info line 48",
        "info line find",
        "info types trans",
        "info variables acc",
        "info functions par",
        "info threads",
        "info source",
        "x/1i $pc",
        "p $pc",
        "until 50",
        "p from->name",
        "show values",
    ];
    let session = session(&recording, directory.path(), &commands);
    assert_eq!(text(&session.stderr), "");
    let answers = answers(&session, &commands);
    for (command, (answer, expected)) in commands.iter().zip(answers.iter().zip([
        "Breakpoint 1: apply at ledger.c:45",
        "Breakpoint 1, apply at ledger.c:45",
        "amount: 0x4b0}",
        "(int16_t) transfer->amount = 0b10010110000",
        "(int16_t) transfer->amount = 1200",
        "(number) $ + 1 = 1201",
        "(int16_t) transfer->amount = 1200",
        "balance: 0x15f90, transfers: 0x0}",
        "(number) sizeof(struct account) = 20",
        "ACCOUNTS = ACCOUNTS",
        "transfer = 0x",
        "wasi:cli/run",
        "in the code is in apply + ",
        "line 48 begins at 0x",
        "line 26 begins at 0x",
        "transfer",
        "accounts  ledger.c:21",
        "parse_line  ledger.c:32",
        "* 1  main, event",
        "line  45",
        "-> 0x",
        "(number) $pc = 0x",
        "apply at ledger.c:50",
        "\"alice\"",
        "$1  *transfer = {",
    ])) {
        assert!(
            answer.contains(expected),
            "{command}: {answer:?} has no {expected:?}"
        );
    }
}

#[test]
fn breakpoints_have_places_hits_and_commands_and_can_be_saved() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let file = directory.path().join("stops");
    let save = format!("save breakpoints {}", file.display());
    let source = format!("source {}", file.display());
    let commands = [
        "break apply if transfer->amount < 0",
        "break check",
        "commands",
        "silent",
        "print 6 * 7",
        "end",
        "continue",
        "continue",
        "info breakpoints",
        &save,
        "delete",
        &source,
        "info breakpoints",
    ];
    let session = session(&recording, directory.path(), &commands);
    assert_eq!(text(&session.stderr), "");
    let shown = text(&session.stdout);
    assert!(shown.contains("(number) 6 * 7 = 42\n"), "{shown}");
    assert!(!shown.contains("Breakpoint 2, check"), "{shown}");
    let listed = "Breakpoint 1: apply at ledger.c:45 if transfer->amount < 0, hit once\n\
                  Breakpoint 2: check at ledger.c:62, hit once\n    silent\n    print 6 * 7\n";
    assert!(shown.contains(listed), "{shown}");
    let again = "Breakpoint 3: apply at ledger.c:45 if transfer->amount < 0\n\
                 Breakpoint 4: check at ledger.c:62\n    silent\n    print 6 * 7\n";
    assert!(shown.ends_with(again), "{shown}");
}

#[test]
fn what_a_recording_cannot_do_says_what_there_is_instead() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    for (command, told) in [
        ("set var argc = 3", "the past cannot be changed"),
        ("call check()", "functions cannot be called"),
        ("jump 50", "`advance LINE`"),
        ("checkpoint", "`mark NAME`"),
        ("tui enable", "`list` shows the source"),
        ("rwatch argc", "`watch EXPRESSION` stops at writes"),
        ("info signals", "a component has none of that"),
        ("set args x", "record it anew"),
        ("end", "`commands N`"),
        ("p $9", "show values"),
        ("source /nowhere", "cannot read /nowhere"),
        ("directory /nowhere", "/nowhere is not a directory"),
    ] {
        let session = session(&recording, directory.path(), &[command]);
        let complaint = text(&session.stderr);
        assert!(complaint.contains(told), "{command}: {complaint}");
        assert!(!complaint.contains("nothing may follow"), "{complaint}");
        assert_eq!(session.status.code(), Some(1), "{command}");
    }
}

#[test]
fn a_session_begins_with_a_file_of_commands() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let init = "# mine\nset confirm off\nset listsize 2\ntbreak check\n";
    std::fs::write(directory.path().join(".rr-dapinit"), init).unwrap();
    let begun = session(
        &recording,
        directory.path(),
        &["list 21", "info breakpoints"],
    );
    let shown = text(&begun.stdout);
    assert!(
        shown.contains("Breakpoint 1: check at ledger.c:62 (once)\n"),
        "{shown}"
    );
    let listed = shown
        .lines()
        .filter(|line| line.contains("alice") || line.contains("accounts[]"));
    assert_eq!(listed.count(), 1, "{shown}");
}

#[test]
fn consoles_complete_fields_moments_and_types() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let (mut child, mut client) = Client::spawn();
    client.initialize();
    client.ask("launch", json!({ "trace": recording, "stopAt": "end" }));
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    let stack = client.ask("stackTrace", json!({ "threadId": 1 }));
    let frame = stack["stackFrames"][0]["id"].clone();
    client.ask("rr/mark", json!({ "name": "here" }));
    let mut offered = |typed: &str| {
        let asked = json!({ "text": typed, "column": typed.len() + 1, "frameId": frame });
        let found = client.ask("completions", asked);
        let targets = found["targets"].as_array().unwrap().clone();
        let of = |item: &Value| {
            let start = item["start"].as_u64().unwrap() as usize;
            format!("{}{}", &typed[..start], item["label"].as_str().unwrap())
        };
        targets.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(
        offered("account->"),
        ["account->name", "account->balance", "account->transfers"]
    );
    assert_eq!(offered("1 + accounts[0].b"), ["1 + accounts[0].balance"]);
    assert_eq!(
        offered("seek "),
        [
            "seek start",
            "seek entry",
            "seek end",
            "seek tick",
            "seek here"
        ]
    );
    assert_eq!(offered("unmark h"), ["unmark here"]);
    assert_eq!(offered("ptype trans"), ["ptype transfer"]);
    assert_eq!(offered("functions parse_l"), ["functions parse_line"]);
    assert!(offered("hostcall next ").contains(&"hostcall next failed".to_owned()));
    let streams = offered("hostcall next wasi:io/streams");
    assert!(
        streams
            .iter()
            .any(|text| text.ends_with("output-stream.blocking-write-and-flush"))
    );
    // What is typed with gdb's words in front is an expression all the same.
    let printed = |client: &mut Client, line: &str| {
        let asked = json!({ "expression": line, "context": "repl", "frameId": frame });
        client.ask("evaluate", asked)["result"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(printed(&mut client, "p account->name"), "\"bob\"");
    assert_eq!(printed(&mut client, "p/x account->transfers"), "0x6");
    let refused = json!({ "expression": "jump 50", "context": "repl", "frameId": frame });
    assert!(
        client
            .refusal("evaluate", refused)
            .contains("`advance LINE`")
    );
    client.ask("disconnect", json!({}));
    child.wait().unwrap();
}

#[test]
fn command_lines_that_are_wrong_say_what_was_meant() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let path = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let recording = recording.display().to_string();
    let empty = path("empty.wasm", b"");
    let wit = path("world.wit", b"package a:b; world w {}");
    let executable = path("program", b"\x7fELF\x02\x01");
    let core = path("core.wat", b"(module (func (export \"add\")))");
    let folder = directory.path().display().to_string();
    for (line, told) in [
        (vec!["app.wasm"], "tip: `rr-dap debug app.wasm`"),
        (vec![&recording], "debugs the recording"),
        (vec!["debug", "a.wasm", "one"], "rr-dap debug a.wasm -- one"),
        (
            vec!["record", "--dri", ".", "a.wasm"],
            "there is an option `--dir`",
        ),
        (vec!["record", &recording], "is a recording, not a program"),
        (vec!["record", &empty], "is empty"),
        (vec!["record", &wit], "is WIT"),
        (vec!["debug", &wit], "is WIT"),
        (vec!["record", &executable], "not of WebAssembly"),
        (vec!["debug", &executable], "not of WebAssembly"),
        (vec!["record", &folder], "is a directory"),
        (vec!["debug", &folder], "is a directory"),
        (vec!["record", &core], "without `_start`"),
        (vec!["debug", &core], "it exports add"),
        (vec!["replay", &empty], "`rr-dap debug"),
    ] {
        let ran = rr_dap(&line, "");
        let complaint = text(&ran.stderr);
        assert!(complaint.contains(told), "{line:?}: {complaint}");
        assert!(!complaint.contains("rr-dap: rr-dap:"), "{complaint}");
        assert!(!ran.status.success(), "{line:?}");
        let twice = complaint.matches(told).count();
        assert_eq!(twice, 1, "{line:?}: {complaint}");
    }
}
