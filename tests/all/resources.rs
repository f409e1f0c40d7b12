//! `rr-dap trace resources`: the handle tables of recordings.

use crate::support::command::{Call, command};
use crate::support::processes::PATIENCE;
use crate::support::session::start;
use crate::support::{cache_dir, events, fixture, handle_history, record, rewrite, rr_dap, text};
use rr_dap::component::types::CoreValue;
use rr_dap::inspect::Meaning;
use rr_dap::inspect::handles::history::{HandleHistory, Untold};
use rr_dap::replay::Compiled;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::trace::{EventKind, Trace};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

fn resources(trace: &Path, options: &[&str]) -> Vec<Value> {
    let mut line = vec!["trace", "resources", "--json", trace.to_str().unwrap()];
    line.extend(options);
    let output = rr_dap(&line, "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn list<'a>(rows: &'a [Value], name: &str) -> Vec<&'a Value> {
    rows.iter().filter(|row| row["list"] == name).collect()
}

/// The numbers and arguments of a recording's hostcalls that have this name.
fn hostcalls(trace: &Path, name: &str) -> Vec<Value> {
    let line = ["trace", "events", "--json", trace.to_str().unwrap()];
    text(&rr_dap(&line, "").stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|call: &Value| call["name"].as_str().unwrap().contains(name))
        .collect()
}

#[test]
fn a_file_is_known_by_its_path_from_open_to_drop() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.txt"), "text\n").unwrap();
    let trace = dir.path().join("cat.rrtrace");
    let mount = format!("{}::/work", dir.path().display());
    let args = ["cat", "/work/a.txt"];
    let kitchen = fixture("kitchen.wasm");
    let recorded = record(&kitchen, &["--dir", &mount], &args, "", &trace);
    assert_eq!(text(&recorded.stdout), "line 1: text\n");

    let rows = resources(&trace, &["--all"]);
    assert_eq!(list(&rows, "finding"), [&Value::Null; 0]);
    let files: Vec<_> = list(&rows, "ended")
        .into_iter()
        .filter(|row| row["meaning"] == "descriptor of \"/work/a.txt\"")
        .collect();
    assert!(!files.is_empty());
    let opened = hostcalls(&trace, "descriptor.open-at");
    let dropped = hostcalls(&trace, "resource.drop wasi:filesystem/types");
    for file in files {
        assert_eq!(file["kind"], "own");
        let is_opening = |call: &&Value| call["event"] == file["created"]["event"];
        assert!(opened.iter().any(|call| is_opening(&call)), "{file}");
        let drop = dropped
            .iter()
            .find(|call| call["event"] == file["ended"]["event"])
            .unwrap_or_else(|| panic!("{file}"));
        assert_eq!(
            drop["lowered"]["arguments"][0]["i32"], file["index"],
            "{file}"
        );
        // It is there from the opening to the drop, and neither at the opening nor
        // at the drop.
        let [open, drop] =
            ["created", "ended"].map(|moment| file[moment]["event"].as_u64().unwrap());
        for (event, expected) in [
            (open, false),
            (open + 1, true),
            (drop - 1, true),
            (drop, false),
        ] {
            let rows = resources(&trace, &["--at", &event.to_string()]);
            let there = list(&rows, "table").into_iter().any(|row| {
                row["index"] == file["index"]
                    && row["meaning"] == file["meaning"]
                    && row["created"] == file["created"]
            });
            assert_eq!(there, expected, "event {event}: {file}");
        }
    }
    // The streams of WASI and the directory stay to the end.
    let leaks = list(&rows, "leak");
    let leaked = |meaning: &str| leaks.iter().any(|row| row["meaning"] == meaning);
    assert!(leaked("preopened directory \"/work\""), "{leaks:?}");

    let late = rr_dap(
        &[
            "trace",
            "resources",
            trace.to_str().unwrap(),
            "--at",
            "99999",
        ],
        "",
    );
    assert!(!late.status.success());
    assert!(text(&late.stderr).contains("there is no hostcall 99999"));
}

#[test]
fn resources_that_a_component_defines_are_followed_and_leaks_listed() {
    let dir = tempfile::tempdir().unwrap();
    let app = command("handles", Call::Number("leak", 2), dir.path());
    let trace = dir.path().join("leak.rrtrace");
    assert!(record(&app, &[], &[], "", &trace).status.success());
    let rows = resources(&trace, &["--all"]);
    assert_eq!(list(&rows, "finding"), [&Value::Null; 0]);
    let known = |row: &Value| (row["index"].as_u64(), row["rep"].as_u64());
    let leaks: Vec<_> = list(&rows, "leak").into_iter().map(known).collect();
    assert_eq!(leaks, [(Some(1), Some(1)), (Some(3), Some(3))]);
    let ended: Vec<_> = list(&rows, "ended").into_iter().map(known).collect();
    assert_eq!(ended, [(Some(2), Some(2))]);
    assert_ne!(
        list(&rows, "leak")[0]["type"],
        list(&rows, "ended")[0]["type"]
    );
}

#[test]
fn a_wrong_handle_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    for (call, message) in [
        ("use-after-drop", "handle 1 is gone: it was own<"),
        ("double-drop", "handle 1 is gone: it was own<"),
        ("wrong-type", "handle 1 is wanted as "),
    ] {
        let app = command("handles", Call::Nothing(call), dir.path());
        let trace = dir.path().join("wrong.rrtrace");
        record(&app, &[], &[], "", &trace);
        let rows = resources(&trace, &[]);
        let [finding] = list(&rows, "finding")[..] else {
            panic!("{call}: {rows:?}");
        };
        let told = finding["message"].as_str().unwrap();
        assert!(told.contains(message), "{call}: {told}");
        let shown = rr_dap(&["trace", "resources", trace.to_str().unwrap()], "");
        assert!(text(&shown.stdout).contains(told));
    }
}

/// A host that gives another index than the runtime would.
#[test]
fn tables_that_do_not_fit_are_an_error_and_no_guess() {
    let dir = tempfile::tempdir().unwrap();
    let recorded = dir.path().join("chatty.rrtrace");
    record(&fixture("wat/chatty.wat"), &[], &[], "", &recorded);
    let trace = Trace::open(&recorded).unwrap();
    let component = trace.component().clone();
    let mut forged = events(&recorded);
    for event in &mut forged {
        let name = &component.crossing(event.crossing).unwrap().name;
        let index = match &mut event.kind {
            EventKind::Return(results) if name.contains("get-stdout") => &mut results[0],
            EventKind::Call(args) if name.contains("write") => &mut args[0],
            _ => continue,
        };
        assert_eq!(*index, CoreValue::I32(1));
        *index = CoreValue::I32(6);
    }
    let path = dir.path().join("forged.rrtrace");
    rewrite::write(component, &forged, trace.outcome(), 1000, &path);
    let told = rr_dap(&["trace", "resources", path.to_str().unwrap()], "");
    assert!(!told.status.success());
    let error = text(&told.stderr);
    assert!(error.contains("are not known from event 0 on"), "{error}");

    let mut client = start(json!({ "trace": path, "stopAt": "start" }), |_| {});
    let resources = json!({ "expression": "resources", "context": "repl" });
    client.ask("evaluate", resources.clone());
    for _ in 0..3 {
        let next = json!({ "expression": "hostcall next", "context": "repl" });
        client.ask("evaluate", next);
        client.event("stopped");
    }
    let refusal = client.refusal("evaluate", resources);
    assert!(
        refusal.contains("are not known from event 0 on"),
        "{refusal}"
    );
}

#[test]
fn handles_pass_between_composed_components_under_the_names_they_export() {
    let dir = tempfile::tempdir().unwrap();
    let app = command("greeter", Call::Greeting, dir.path());
    let trace = dir.path().join("greeter.rrtrace");
    assert!(record(&app, &[], &[], "", &trace).status.success());
    let rows = resources(&trace, &["--all"]);
    assert_eq!(list(&rows, "finding"), [&Value::Null; 0]);
    assert_eq!(list(&rows, "leak"), [&Value::Null; 0]);

    let ended = list(&rows, "ended");
    let (passed, dropped) = ended
        .iter()
        .copied()
        .partition::<Vec<&Value>, _>(|row| row["ending"] == "passed on");
    // The keeper makes two and hands them out; the greeter asks and drops them.
    for row in &passed {
        assert_eq!(row["resource"], "keeper");
        assert_eq!(row["created"]["crossing"], "resource.new keeper");
        assert_eq!(row["instance"], passed[0]["instance"]);
    }
    for row in &dropped {
        assert_eq!(row["resource"], "keep#keeper");
        assert_eq!(row["uses"], 1);
        assert_eq!(row["lastUse"]["crossing"], "keep#get");
        assert_eq!(row["ended"]["crossing"], "resource.drop keep#keeper");
        assert_ne!(row["instance"], passed[0]["instance"]);
    }
    assert_eq!((passed.len(), dropped.len()), (2, 2));

    // Lent while the call is in progress.
    for call in hostcalls(&trace, "keep#get") {
        let event = call["event"].as_u64().unwrap().to_string();
        let rows = resources(&trace, &["--at", &event]);
        let lent = list(&rows, "table")
            .iter()
            .filter(|row| row["lent"] == 1)
            .count();
        assert_eq!(lent, 1, "event {event}");
    }
}

#[test]
fn the_tables_of_every_moment_agree_with_the_hostcalls_before_it() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..250 {
        std::fs::write(dir.path().join(format!("{number}.txt")), "").unwrap();
    }
    let file = dir.path().join("dir.rrtrace");
    let mount = format!("{}::/work", dir.path().display());
    let kitchen = fixture("kitchen-O2.wasm");
    let recorded = record(&kitchen, &["--dir", &mount], &["dir", "/work"], "", &file);
    assert!(recorded.status.success(), "{}", text(&recorded.stderr));

    let trace = Arc::new(Trace::open(&file).unwrap());
    let cache = CacheDir::open(&cache_dir()).unwrap();
    let compiled = Compiled::prepare(&trace, &cache, Variant::Fast, &|_, _| {}).unwrap();
    let (history, ended) = HandleHistory::build(trace, &compiled);
    ended.unwrap();
    assert!(history.findings().is_empty());
    let [(_, table)] = &history.end().unwrap()[..] else {
        panic!("one instance uses handles");
    };
    let preopened = table
        .entries()
        .find(|entry| matches!(entry.meaning, Some(Meaning::Preopened(_))))
        .unwrap();
    assert!(preopened.uses >= 250, "{preopened}");
    let uses: Vec<u64> = hostcalls(&file, "[method]descriptor.")
        .iter()
        .filter(|call| call["lowered"]["arguments"][0]["i32"] == preopened.index)
        .filter_map(|call| call["event"].as_u64())
        .filter(|event| *event > preopened.created.event)
        .collect();
    // More than one snapshot apart.
    assert!(history.events() > 1000, "{}", history.events());
    for event in preopened.created.event + 1..history.events() {
        for (in_call, until) in [(false, event), (true, event + 1)] {
            let tables = history.at(event, in_call).unwrap();
            let (_, table) = &tables[0];
            let expected = uses.iter().filter(|event| **event < until).count() as u64;
            let found = table.get(preopened.index).map(|entry| entry.uses);
            assert_eq!(found, Some(expected), "event {event}, in call: {in_call}");
        }
    }
}

/// A command that makes a handle that stays, and then others, one after the other, or all
/// of them to stay.
fn maker(handles: u32, each_goes: bool, dir: &Path) -> std::path::PathBuf {
    let ends = match each_goes {
        true => "(drop (call $rep (local.get $h))) (call $drop (local.get $h))",
        false => "",
    };
    let text = format!(
        r#"(component
  (type $thing (resource (rep i32)))
  (core func $new (canon resource.new $thing))
  (core func $rep (canon resource.rep $thing))
  (core func $drop (canon resource.drop $thing))
  (core module $code
    (import "own" "new" (func $new (param i32) (result i32)))
    (import "own" "rep" (func $rep (param i32) (result i32)))
    (import "own" "drop" (func $drop (param i32)))
    (func (export "run") (result i32) (local $n i32) (local $h i32)
      (drop (call $new (i32.const 77)))
      (loop $more
        (local.set $h (call $new (local.get $n)))
        {ends}
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $n) (i32.const {handles}))))
      (i32.const 0)))
  (core instance $m (instantiate $code
    (with "own" (instance (export "new" (func $new)) (export "rep" (func $rep))
      (export "drop" (func $drop))))))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $i (export "run" (func $run)))
  (export "wasi:cli/run@0.2.6" (instance $i)))"#
    );
    let path = dir.join("maker.wat");
    std::fs::write(&path, text).unwrap();
    path
}

/// Of many steps the last are kept; the others are told by another replay.
#[test]
fn the_tables_of_long_ago_are_told_though_they_are_not_kept() {
    const HANDLES: u32 = 150_000;
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("maker.rrtrace");
    let app = maker(HANDLES, true, dir.path());
    let recorded = record(&app, &[], &[], "", &trace);
    assert!(recorded.status.success(), "{}", text(&recorded.stderr));

    let history = handle_history(&Arc::new(Trace::open(&trace).unwrap()));
    assert!(matches!(history.at(32, true), Err(Untold::Forgotten)));
    // While the rep of one is asked for: of the tenth, and of the last.
    for number in [10, HANDLES - 1] {
        let event = 2 + 3 * u64::from(number);
        let rows = resources(&trace, &["--at", &event.to_string()]);
        let table = list(&rows, "table");
        let [stays, goes] = &table[..] else {
            panic!("{rows:?}");
        };
        assert_eq!((&stays["index"], &stays["rep"]), (&json!(1), &json!(77)));
        assert_eq!((&goes["index"], &goes["rep"]), (&json!(2), &json!(number)));
        assert_eq!(goes["created"]["event"], event - 1);
    }
    let all = [
        "trace",
        "resources",
        "--json",
        "--all",
        trace.to_str().unwrap(),
    ];
    let shown = text(&rr_dap(&all, "").stdout);
    let mut ended = shown.lines().filter(|l| l.contains(r#""list":"ended""#));
    let first: Value = serde_json::from_str(ended.next().unwrap()).unwrap();
    assert_eq!(
        (&first["rep"], &first["ended"]["event"]),
        (&json!(0), &json!(3))
    );
    let last: Value = serde_json::from_str(ended.next_back().unwrap()).unwrap();
    assert_eq!(last["rep"], HANDLES - 1);
    assert_eq!(ended.count() as u32, HANDLES - 2);

    // A session that has seen the end, and goes back.
    let mut client = start(json!({ "trace": trace, "stopAt": "end" }), |_| {});
    client.ask("rr/seek", json!({ "event": 32 }));
    client.event("stopped");
    let until = std::time::Instant::now() + PATIENCE;
    let handles = loop {
        let asked = client.send("rr/resources", json!({}));
        let answer = client.response(asked);
        if answer["success"] == true {
            break answer["body"].clone();
        }
        assert!(std::time::Instant::now() < until, "{answer}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let of = &handles["instances"][0]["handles"];
    assert_eq!(
        (&of[0]["rep"], &of[1]["rep"]),
        (&json!(77), &json!(10)),
        "{handles}"
    );
}

/// More handles at once than are followed: what was before is told.
#[test]
fn tables_beyond_all_measure_are_refused_by_name() {
    const HANDLES: u32 = 270_000;
    let dir = tempfile::tempdir().unwrap();
    let small = dir.path().join("small.rrtrace");
    record(&maker(1, false, dir.path()), &[], &[], "", &small);
    let returned = Trace::open(&small).unwrap().outcome().clone();
    // Wasmtime's host gives out fewer: this ends early, and goes on as another's would.
    let recorded = dir.path().join("recorded.rrtrace");
    record(&maker(HANDLES, false, dir.path()), &[], &[], "", &recorded);
    let component = Trace::open(&recorded).unwrap().component().clone();
    let template: Vec<_> = events(&recorded).into_iter().take(3).collect();
    let [enter, call, answer] = &template[..] else {
        panic!("{template:?}");
    };
    let mut forged = vec![enter.clone()];
    for number in 0..=HANDLES {
        let rep = number.checked_sub(1).unwrap_or(77);
        let values = [(call, rep), (answer, number + 1)];
        for (event, value) in values {
            let mut event = event.clone();
            let (EventKind::Call(values) | EventKind::Return(values)) = &mut event.kind else {
                panic!("{event:?}");
            };
            *values = vec![CoreValue::I32(value.cast_signed())];
            forged.push(event);
        }
    }
    let mut leave = enter.clone();
    leave.kind = EventKind::Leave(vec![CoreValue::I32(0)]);
    forged.push(leave);
    let trace = dir.path().join("forged.rrtrace");
    rewrite::write(component, &forged, &returned, 10_000, &trace);

    let line = ["trace", "resources", "--at", "2", trace.to_str().unwrap()];
    let shown = rr_dap(&line, "");
    assert!(text(&shown.stdout).contains("during hostcall 2: 2 handles"));
    let told = text(&shown.stderr);
    assert!(
        told.contains("are not known from event 262144 on"),
        "{told}"
    );
    let late = [
        "trace",
        "resources",
        "--at",
        "265000",
        trace.to_str().unwrap(),
    ];
    let shown = rr_dap(&late, "");
    assert!(!shown.status.success() && shown.stdout.is_empty());
}
