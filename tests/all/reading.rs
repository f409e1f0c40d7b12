//! What the command line tells of a recording: its facts, its hostcalls, where replay
//! goes another way, and replay with another build of the component.

use crate::support;
use crate::support::client::Client;
use crate::support::command::{Call, command};
use crate::support::stripped::stripped;
use crate::support::{events, fixture, parse, record, rewrite, rr_dap, text};
use rr_dap::component::Component;
use rr_dap::component::types::CoreValue;
use rr_dap::trace::{EventKind, Trace};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn chatty(dir: &Path) -> PathBuf {
    let trace = dir.join("chatty.rrtrace");
    let recorded = record(&fixture("wat/chatty.wat"), &[], &[], "", &trace);
    assert!(recorded.status.success(), "{recorded:?}");
    trace
}

/// The lines that a reading command prints.
fn lines(command: &[&str], trace: &Path) -> Vec<String> {
    let mut line = command.to_vec();
    line.push(trace.to_str().unwrap());
    let output = rr_dap(&line, "");
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout).lines().map(str::to_owned).collect()
}

fn objects(command: &[&str], trace: &Path) -> Vec<Value> {
    let lines = lines(command, trace);
    lines
        .iter()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

#[test]
fn facts_name_the_component_its_modules_and_its_crossings() {
    let dir = tempfile::tempdir().unwrap();
    let trace = chatty(dir.path());
    let facts = &objects(&["trace", "info", "--json"], &trace)[0];
    let component = parse(&fixture("wat/chatty.wat"));
    assert_eq!(facts["component"]["bytes"], component.bytes().len());
    let hash = rr_dap::component::hash(component.bytes());
    assert_eq!(facts["component"]["sha256"], hash);
    assert_eq!(hash.len(), 64);
    let modules = facts["component"]["modules"].as_array().unwrap();
    assert_eq!(modules.len(), component.modules().len());
    assert!(
        modules
            .iter()
            .all(|m| m["codeSha256"].as_str().unwrap().len() == 64)
    );
    assert_eq!(facts["outcomeInferred"], false);
    assert_eq!(facts["hostcalls"], 20_001);
    assert_eq!(facts["metadata"]["engine"]["nan-canonicalization"], "true");
    let told = lines(&["trace", "info"], &trace).join("\n");
    assert!(told.contains(&hash), "{told}");
    let counts = facts["crossings"].as_array().unwrap();
    let wall = counts
        .iter()
        .find(|c| c["name"].as_str().unwrap().contains("wall-clock"));
    assert_eq!(wall.unwrap()["calls"], 5000);
    assert_eq!(wall.unwrap()["bytesWritten"], 5000 * 16);
}

#[test]
fn hostcalls_are_listed_by_path_and_by_number() {
    let dir = tempfile::tempdir().unwrap();
    let trace = chatty(dir.path());
    let list = |options: &[&str]| -> Vec<Value> {
        let command = [&["trace", "events", "--json"], options].concat();
        objects(&command, &trace)
    };
    let all = list(&[]);
    assert_eq!(all.len(), 20_001);
    let slice = list(&["--from", "777", "--count", "5"]);
    assert_eq!(slice, all[777..782]);
    let numbered =
        |list: &[Value]| -> Vec<Value> { list.iter().map(|c| c["event"].clone()).collect() };
    for filter in [
        "wasi:clocks",
        "wasi:clocks/*#now",
        "*clock*",
        "wasi:clocks/wall-clock#now",
    ] {
        let filtered = list(&["--filter", filter]);
        let wanted = |call: &&Value| {
            let name = call["name"].as_str().unwrap();
            name.contains("wall-clock") || (name.contains("clock") && !filter.contains("wall"))
        };
        let expected: Vec<Value> = all.iter().filter(wanted).cloned().collect();
        assert!(!expected.is_empty());
        assert_eq!(numbered(&filtered), numbered(&expected), "{filter}");
    }
    assert!(list(&["--filter", "clicks"]).is_empty());

    // The same hostcalls as they are in the file.
    let lowered = list(&["--lowered", "--from", "777", "--count", "5"]);
    assert_eq!(numbered(&lowered), numbered(&slice));
    for (lowered, call) in lowered.iter().zip(&slice) {
        assert_eq!(lowered["name"], call["name"]);
        assert_eq!(lowered["lowered"], call["lowered"]);
    }
    let told = lines(&["trace", "events", "--from", "2", "--count", "3"], &trace);
    assert!(
        told[1].contains("wasi:random/random@0.2.6#get-random-u64() -> "),
        "{told:?}"
    );
    assert!(told[2].contains("contents: b\""), "{told:?}");
    let told = lines(&["trace", "events", "--lowered", "--count", "2"], &trace);
    assert!(
        told[1].contains("wall-clock@0.2.6#now(32), 16 bytes written"),
        "{told:?}"
    );

    let output = rr_dap(
        &[
            "trace",
            "events",
            "--from",
            "20001",
            trace.to_str().unwrap(),
        ],
        "",
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("the last of this recording is 20000"),
        "{output:?}"
    );
}

/// The chatty command inside another component that calls it.
fn chatty_inside(dir: &Path) -> PathBuf {
    let text = std::fs::read_to_string(fixture("wat/chatty.wat")).unwrap();
    let inner = &text[text.find("(component").unwrap()..];
    let imports = &inner["(component".len()..inner.find("(core module $libc").unwrap()];
    let given: String = imports
        .split("(import \"")
        .skip(1)
        .map(|import| {
            let (name, rest) = import.split_once('"').unwrap();
            let instance = rest.split_whitespace().nth(1).unwrap();
            format!("(with \"{name}\" (instance {instance}))")
        })
        .collect();
    let inner = inner.replacen("(component", "(component $inner", 1);
    let path = dir.join("inside.wat");
    std::fs::write(
        &path,
        format!(
            r#"(component {imports} {inner}
  (instance $inner (instantiate $inner {given}))
  (alias export $inner "wasi:cli/run@0.2.6" (instance $inner-run))
  (component $driver
    (import "inner" (instance $inner (export "run" (func (result (result))))))
    (core func $call (canon lower (func $inner "run")))
    (core module $code
      (import "inner" "call" (func $call (result i32)))
      (func (export "run") (result i32) (call $call)))
    (core instance $m (instantiate $code
      (with "inner" (instance (export "call" (func $call))))))
    (func (export "run") (result (result)) (canon lift (core func $m "run"))))
  (instance $driver (instantiate $driver (with "inner" (instance $inner-run))))
  (instance $run (export "run" (func $driver "run")))
  (export "wasi:cli/run@0.2.6" (instance $run)))"#
        ),
    )
    .unwrap();
    path
}

#[test]
fn a_listing_does_not_wait_for_ever_for_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("inside.rrtrace");
    let recorded = record(&chatty_inside(dir.path()), &[], &[], "", &trace);
    assert!(recorded.status.success(), "{recorded:?}");
    let listed = objects(&["trace", "events", "--json"], &trace);
    let numbers: Vec<u64> = listed
        .iter()
        .map(|c| c["event"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (0..20_002).collect::<Vec<_>>());
    // The first call holds all others.
    assert_eq!(listed[0]["answered"], Value::Null);
    assert_eq!(listed[0]["depth"], 0);
    assert!(
        listed[1..]
            .iter()
            .all(|c| c["depth"] == 1 && c["answered"] == true)
    );
    let told = lines(&["trace", "events", "--count", "1"], &trace);
    assert!(told[0].contains("comes after many more"), "{told:?}");
}

#[test]
fn hostcalls_before_a_cut_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let trace = chatty(dir.path());
    let file = std::fs::read(&trace).unwrap();
    let sections = support::file::sections(&file);
    let last = sections
        .iter()
        .rfind(|s| s.id == support::file::EVENTS)
        .unwrap();
    // Written in small sections, so that there is something before the cut.
    let component = Trace::open(&trace).unwrap().component().clone();
    let outcome = Trace::open(&trace).unwrap().outcome().clone();
    assert!(last.plain.len() > 1000);
    let small = dir.path().join("small");
    rewrite::write(component, &events(&trace), &outcome, 1000, &small);
    let file = std::fs::read(&small).unwrap();
    let sections = support::file::sections(&file);
    let cut = dir.path().join("cut");
    std::fs::write(&cut, &file[..sections[20].at + 5]).unwrap();
    let calls = Trace::open(&cut).unwrap().hostcalls().unwrap();
    assert!(calls > 1000 && calls < 20_000);
    let listed = objects(&["trace", "events", "--json"], &cut);
    assert_eq!(listed.len() as u64, calls);
    assert_eq!(
        objects(&["trace", "events", "--json", "--lowered"], &cut).len() as u64,
        calls
    );
}

#[test]
fn a_divergence_is_told_in_the_terms_of_wit() {
    let dir = tempfile::tempdir().unwrap();
    let trace = chatty(dir.path());
    let opened = Trace::open(&trace).unwrap();
    let mut forged = events(&trace);
    // The random number of the third round is another, so another byte is written.
    let random = |kind: &EventKind, name: &str| {
        matches!(kind, EventKind::Return(_)) && name.contains("random")
    };
    let component = opened.component().clone();
    let name = |id| component.crossing(id).unwrap().name.clone();
    let third = (0..forged.len())
        .filter(|i| random(&forged[*i].kind, &name(forged[*i].crossing)))
        .nth(2)
        .unwrap();
    // The byte itself is not a flat value; the address it is written from is.
    let write = (third..forged.len())
        .find(|i| matches!(forged[*i].kind, EventKind::Call(_)))
        .unwrap();
    let EventKind::Call(args) = &mut forged[write].kind else {
        unreachable!("found as a call");
    };
    args[2] = CoreValue::I32(7);
    let path = dir.path().join("forged");
    rewrite::write(component.clone(), &forged, opened.outcome(), 100, &path);

    let output = rr_dap(&["replay", path.to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(1));
    // What was printed before is there.
    assert_eq!(output.stdout.len(), 2);
    let said = text(&output.stderr);
    let path_of_write = "wasi:io/streams@0.2.6#[method]output-stream.blocking-write-and-flush";
    assert!(
        said.contains(&format!("diverged at event 12, at {path_of_write}")),
        "{said}"
    );
    for (side, bytes) in [
        ("recorded", "\\x00\\x00\\x00\\x00\\x00\\x00\""),
        ("replayed", "\""),
    ] {
        let line = said.lines().find(|line| line.contains(side)).unwrap();
        assert!(
            line.contains(&format!("{path_of_write}(self: borrow<output-stream> ")),
            "{line}"
        );
        assert!(
            line.contains("contents: b\"") && line.contains(bytes),
            "{line}"
        );
    }
    assert!(
        said.contains(", 64, 7, 80)") && said.contains(", 64, 1, 80)"),
        "{said}"
    );

    let output = rr_dap(
        &["replay", "--verify", "--json", path.to_str().unwrap()],
        "",
    );
    assert_eq!(output.status.code(), Some(1));
    let facts: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(facts["verified"], false);
    let divergence = &facts["divergence"];
    assert_eq!(divergence["event"], 12);
    assert_eq!(divergence["crossing"], path_of_write);
    assert!(
        divergence["recorded"]["lifted"]
            .as_str()
            .unwrap()
            .starts_with(path_of_write)
    );
    assert!(
        divergence["replayed"]["lowered"]
            .as_str()
            .unwrap()
            .contains(", 64, 1, 80)")
    );

    // What the command returned.
    let mut forged = events(&trace);
    let last = forged
        .iter_mut()
        .rfind(|e| matches!(e.kind, EventKind::Leave(_)));
    last.unwrap().kind = EventKind::Leave(vec![CoreValue::I32(1)]);
    rewrite::write(component, &forged, opened.outcome(), 1000, &path);
    let said = text(&rr_dap(&["replay", "--verify", path.to_str().unwrap()], "").stderr);
    assert!(
        said.contains("recorded: wasi:cli/run@0.2.6#run -> err"),
        "{said}"
    );
    assert!(
        said.contains("replayed: wasi:cli/run@0.2.6#run -> ok"),
        "{said}"
    );
}

/// A recording of the ledger without its debug information.
fn stripped_ledger(dir: &Path) -> PathBuf {
    let original = std::fs::read(fixture("ledger.wasm")).unwrap();
    let app = dir.join("stripped.wasm");
    std::fs::write(&app, stripped(&original)).unwrap();
    assert!(std::fs::metadata(&app).unwrap().len() < original.len() as u64 * 3 / 4);
    let trace = dir.join("stripped.rrtrace");
    let work = format!("--dir={}::/work", fixture("").display());
    let recorded = record(&app, &[&work], &[], "", &trace);
    assert_eq!(recorded.status.code(), Some(134), "{recorded:?}");
    trace
}

#[test]
fn a_recording_replays_with_another_build_of_the_same_code_only() {
    let dir = tempfile::tempdir().unwrap();
    let trace = stripped_ledger(dir.path());
    let replay = |component: &str| {
        let component = fixture(component);
        let line = ["replay", "--verify", "--json", "--component"];
        let line = [
            &line[..],
            &[component.to_str().unwrap(), trace.to_str().unwrap()],
        ]
        .concat();
        rr_dap(&line, "")
    };
    let output = replay("ledger.wasm");
    assert!(output.status.success(), "{output:?}");
    let facts: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(facts["verified"], true);
    assert!(facts["events"].as_u64().unwrap() > 0);

    // Another program, with the same adapter around it.
    let output = replay("kitchen.wasm");
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    let hash_of = |app: &str| {
        let component = Component::parse(std::fs::read(fixture(app)).unwrap()).unwrap();
        rr_dap::component::code_hash(component.modules().next().unwrap())
    };
    let (ledger, kitchen) = (hash_of("ledger.wasm"), hash_of("kitchen.wasm"));
    for fact in [
        "core module 0",
        &ledger,
        &kitchen,
        "recorded another program",
    ] {
        assert!(said.contains(fact), "{fact}: {said}");
    }
    let app = command("recursion", Call::Number("run", 145), dir.path());
    let output = replay(app.to_str().unwrap());
    assert!(text(&output.stderr).contains("core modules"), "{output:?}");
}

/// A component whose code is the same, wired another way, is another program.
#[test]
fn another_wiring_of_the_same_modules_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let trace = chatty(dir.path());
    let original = std::fs::read_to_string(fixture("wat/chatty.wat")).unwrap();
    for (from, to, says) in [
        (
            "(export \"random\" (func $random))",
            "(export \"random\" (func $monotonic))",
            "puts its core modules together",
        ),
        (
            "wasi:random/random@0.2.6",
            "wasi:random/insecure@0.2.6",
            "crossing 2",
        ),
    ] {
        let path = dir.path().join("other.wat");
        assert!(original.contains(from));
        let other = original.replace(from, to).replace(
            "get-random",
            match says {
                "crossing 2" => "get-insecure-random",
                _ => "get-random",
            },
        );
        std::fs::write(&path, other).unwrap();
        let line = [
            "replay",
            "--component",
            path.to_str().unwrap(),
            trace.to_str().unwrap(),
        ];
        let output = rr_dap(&line, "");
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(says), "{output:?}");
    }
}

#[test]
fn a_session_shows_sources_of_the_build_that_it_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let trace = stripped_ledger(dir.path());
    let start = |component: &str| {
        let (child, mut client) = Client::spawn();
        client.initialize();
        let launch = json!({
            "trace": trace, "component": fixture(component), "stopOnEntry": true,
        });
        (child, client, launch)
    };
    let (mut child, mut client, launch) = start("ledger.wasm");
    client.ask("launch", launch);
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    let stack = client.ask("stackTrace", json!({ "threadId": 1 }));
    let top = &stack["stackFrames"][0];
    assert!(
        top["source"]["path"]
            .as_str()
            .unwrap()
            .ends_with("ledger.c"),
        "{stack:#}"
    );
    assert!(top["line"].as_i64().unwrap() > 1);
    client.ask("disconnect", json!({}));
    drop(client);
    child.wait().unwrap();

    let (mut child, mut client, launch) = start("kitchen.wasm");
    let refusal = client.refusal("launch", launch);
    assert!(
        refusal.contains("core module 0") && refusal.contains("hash"),
        "{refusal}"
    );
    drop(client);
    child.wait().unwrap();
}
