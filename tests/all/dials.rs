//! What the host may choose, chosen at random: guests that are right do the same, others
//! fail, and what they did replays.

use crate::support::client::Client;
use crate::support::concurrent::{Ran, plain, record_dialled};
use crate::support::plain as plain_host;
use crate::support::server::{Server, recordings};
use crate::support::{events, fixture, handle_history, parse, record, replay_here, rr_dap, text};
use rr_dap::component::types::CoreValue;
use rr_dap::trace::{EventKind, Metadata, Trace};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

/// Records a call of an exported function.
fn invoke(app: &Path, dial: &str, call: &str, trace: &Path) -> Output {
    record(app, &[dial, "--invoke", call], &[], "", trace)
}

fn verified(trace: &Path) {
    let output = rr_dap(&["replay", "--verify", trace.to_str().unwrap()], "");
    let told = text(&output.stdout);
    assert!(
        told.starts_with("verified: "),
        "{told}{}",
        text(&output.stderr)
    );
}

/// The one word that each call of a function answered.
fn answers(trace: &Path, function: &str) -> Vec<i32> {
    let opened = Trace::open(trace).unwrap();
    let component = opened.component();
    let is_of = |crossing| {
        let crossing = component.crossing(crossing);
        crossing.is_some_and(|crossing| crossing.name.contains(function))
    };
    let events = events(trace).into_iter();
    events
        .filter(|event| is_of(event.crossing))
        .filter_map(|event| match event.kind {
            EventKind::Return(results) => match results.first() {
                Some(CoreValue::I32(word)) => Some(*word),
                _ => None,
            },
            _ => None,
        })
        .collect()
}

fn info(trace: &Path) -> Value {
    let output = rr_dap(&["trace", "info", "--json", trace.to_str().unwrap()], "");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Makes `count` resources, and drops each at once if `drops`.
const MANY: &str = r#"(component
  (type $jar (resource (rep i32)))
  (core func $new (canon resource.new $jar))
  (core func $drop (canon resource.drop $jar))
  (core module $code
    (import "jar" "new" (func $new (param i32) (result i32)))
    (import "jar" "drop" (func $drop (param i32)))
    (func (export "make") (param $count i32) (param $drops i32) (local $jar i32)
      (loop $again
        (local.set $jar (call $new (local.get $count)))
        (if (local.get $drops) (then (call $drop (local.get $jar))))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $again (local.get $count)))))
  (core instance $m (instantiate $code
    (with "jar" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
  (func (export "make") (param "count" u32) (param "drops" bool)
    (canon lift (core func $m "make"))))"#;

#[test]
fn indices_are_random_and_not_used_again_and_the_same_by_the_same_seed() {
    let dir = tempfile::tempdir().unwrap();
    let (app, trace) = (dir.path().join("many.wat"), dir.path().join("t.rrtrace"));
    std::fs::write(&app, MANY).unwrap();
    let indices = |dial: &str, call: &str| {
        let output = invoke(&app, dial, call, &trace);
        assert!(output.status.success(), "{}", text(&output.stderr));
        answers(&trace, "resource.new")
    };
    // More than are shuffled at first, alive and not.
    for call in ["make(3000, false)", "make(3000, true)"] {
        let first = indices("--handles=shuffle:1", call);
        verified(&trace);
        assert_eq!(first.len(), 3000);
        let different: BTreeSet<_> = first.iter().collect();
        assert_eq!(different.len(), 3000, "{call}");
        let neighbours = first
            .windows(2)
            .filter(|pair| pair[0].abs_diff(pair[1]) < 3);
        assert!(neighbours.count() < 100, "{call}");
        assert_eq!(indices("--handles=shuffle:1", call), first);
        assert_ne!(indices("--handles=shuffle:2", call), first);
    }
    assert_eq!(info(&trace)["metadata"]["handles"], json!(2));
    // Longer than indices are kept.
    let many = indices("--handles=shuffle:1", "make(20000, true)");
    verified(&trace);
    for recent in many.windows(8000).step_by(500) {
        assert_eq!(recent.iter().collect::<BTreeSet<_>>().len(), 8000);
    }
    // Without, they are as the runtime gives them.
    assert_eq!(indices("--quiet", "make(3, false)"), [1, 2, 3]);
    assert_eq!(info(&trace)["metadata"]["handles"], json!(null));
}

#[test]
fn a_seed_that_is_chosen_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.rrtrace");
    let app = fixture("wat/handles.wat");
    let output = record(
        &app,
        &["--handles=shuffle", "--chaos", "--invoke", "run()"],
        &[],
        "",
        &trace,
    );
    let told = text(&output.stderr);
    let metadata = &info(&trace)["metadata"];
    let (handles, chaos) = (&metadata["handles"], &metadata["chaos"]);
    let repeated = format!("--handles=shuffle:{handles} --chaos={chaos}\n");
    assert!(told.ends_with(&repeated), "{told}");
    let output = rr_dap(&["trace", "info", trace.to_str().unwrap()], "");
    let told = text(&output.stdout);
    assert!(
        told.contains(&format!("handles     shuffled, by seed {handles}\n")),
        "{told}"
    );
    assert!(
        told.contains(&format!("chaos       by seed {chaos}\n")),
        "{told}"
    );
    // As it is written by who has just written the other.
    let output = invoke(&app, "--chaos:7", "run()", &trace);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(info(&trace)["metadata"]["chaos"], json!(7));
    for wrong in [
        "--handles=mixed",
        "--handles=shuffle:",
        "--handles=shuffle:x",
        "--chaos=-1",
    ] {
        let output = invoke(&app, wrong, "run()", &trace);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn mixed_up_handles_trap_and_are_explained() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.rrtrace");
    let app = fixture("wat/mixed-up.wat");
    for (call, says, explained) in [
        (
            "stale()",
            "20\n",
            "is gone: it was own<resource-0>, created by resource.new (event 0), dropped by \
             resource.drop (event 1); indices of handles were shuffled (seed 7)",
        ),
        (
            "foreign()",
            "10\n",
            "was never given out; to instance 0 it was: own<resource-0>, created by resource.new \
             (event 2); indices of handles were shuffled (seed 7)",
        ),
    ] {
        let output = invoke(&app, "--quiet", call, &trace);
        assert_eq!(text(&output.stdout), says);
        let output = invoke(&app, "--handles=shuffle:7", call, &trace);
        assert_eq!(output.status.code(), Some(1), "{call}");
        let told = text(&output.stderr);
        assert!(told.contains("trace resources"), "{told}");
        verified(&trace);
        let trace = trace.to_str().unwrap();
        let output = rr_dap(&["trace", "resources", trace], "");
        assert!(
            text(&output.stdout).contains(explained),
            "{}",
            text(&output.stdout)
        );
        let line = ["debug", "--batch", "--at", "end", "--command", "bt", trace];
        let session = rr_dap(&line, "");
        let told = text(&session.stdout) + &text(&session.stderr);
        assert!(told.contains(explained), "{told}");
    }
}

#[test]
fn a_session_turns_them_for_the_run_that_it_records() {
    let (mut server, mut client) = Client::spawn();
    client.initialize();
    let launch = |handles: &str| {
        json!({
            "program": fixture("wat/mixed-up.wat"),
            "invoke": "stale()",
            "handles": handles,
            "chaos": 3,
            "stopAt": "end",
        })
    };
    let refused = client.refusal("launch", launch("mixed"));
    assert!(refused.contains("shuffle or shuffle:SEED"), "{refused}");
    client.ask("launch", launch("shuffle:7"));
    client.event("initialized");
    client.ask("configurationDone", json!(null));
    let stopped = client.event("stopped");
    let thread = &stopped["threadId"];
    let told = client.ask("exceptionInfo", json!({ "threadId": thread }));
    let told = told.to_string();
    assert!(told.contains("were shuffled (seed 7)"), "{told}");
    client.ask("disconnect", json!({}));
    drop(client);
    server.wait().unwrap();
}

/// What a run printed and how it ended.
fn seen(output: &Output) -> (String, Option<i32>) {
    (text(&output.stdout), output.status.code())
}

fn copied(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::copy(fixture(name), &path).unwrap();
    path
}

/// Programs that are right, with what they are recorded with and their arguments.
const RIGHT: &[(&str, &[&str], &[&str])] = &[
    ("kitchen.wasm", &[], &["echo"]),
    ("kitchen.wasm", &[], &["cat", "/work/ledger.csv"]),
    ("kitchen.wasm", &[], &["dir", "/work"]),
    (
        "kitchen.wasm",
        &[],
        &["write", "/work/new", "some words, and some more"],
    ),
    ("ledger.wasm", &[], &[]),
    ("later.wasm", &[], &["one", "two and a half", "three"]),
    ("sleepers.wasm", &[], &[]),
    ("wat/nested.wat", &["--invoke", "run()"], &[]),
    ("composed/stand-ins.wat", &["--invoke", "run()"], &[]),
    ("wat/handles.wat", &["--invoke", "run()"], &[]),
];

fn runs_alike(dials: &[String]) {
    let dir = tempfile::tempdir().unwrap();
    let traces = tempfile::tempdir().unwrap();
    let trace = traces.path().join("t.rrtrace");
    copied(dir.path(), "ledger.csv");
    let given = format!("--dir={}::/work", dir.path().display());
    let input = "a line\nand another, which is longer than the first\n".repeat(40);
    for (app, options, args) in RIGHT {
        let run = |dial: &str| {
            let options = [&[dial, &given], *options].concat();
            record(&fixture(app), &options, args, &input, &trace)
        };
        let usual = seen(&run("--quiet"));
        for dial in dials {
            assert_eq!(seen(&run(dial)), usual, "{dial} {app} {args:?}");
            verified(&trace);
            let opened = Arc::new(Trace::open(&trace).unwrap());
            let found = handle_findings(&opened);
            assert_eq!(found, Vec::<String>::new(), "{dial} {app} {args:?}");
        }
    }
}

fn handle_findings(trace: &Arc<Trace>) -> Vec<String> {
    let history = handle_history(trace);
    let findings = history.findings().iter();
    findings.map(|found| history.explained(found)).collect()
}

#[test]
fn right_guests_do_the_same_with_shuffled_handles() {
    runs_alike(&[1, 2].map(|seed| format!("--handles=shuffle:{seed}")));
}

#[test]
fn right_guests_do_the_same_in_chaos() {
    runs_alike(&[0, 1, 2, 3].map(|seed| format!("--chaos={seed}")));
}

/// Records the run of a component with the host of [`concurrent`](crate::support::concurrent).
fn ran_with(name: &str, handles: Option<u32>, chaos: Option<u32>) -> (Ran, Arc<Trace>) {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.rrtrace");
    let component = parse(&fixture(name));
    let metadata = Metadata {
        handles,
        chaos,
        ..Metadata::default()
    };
    let (ran, recorded) = record_dialled(&component, &metadata, &trace);
    recorded.unwrap_or_else(|e| panic!("{name}: {e}"));
    let opened = Arc::new(Trace::open(&trace).unwrap());
    replay_here(opened.clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
    (ran, opened)
}

#[test]
fn waitables_have_random_indices_too() {
    for name in ["wat/callback.wat", "wat/futures.wat", "wat/streams.wat"] {
        let expected = plain(&parse(&fixture(name)));
        for seed in 0..3 {
            let (ran, trace) = ran_with(name, Some(seed), None);
            assert_eq!(ran, expected, "{name}, seed {seed}");
            assert_eq!(handle_findings(&trace), Vec::<String>::new());
        }
    }
}

#[test]
fn who_supposes_that_streams_copy_all_fails() {
    let failed = |seed: &u32| {
        ran_with("wat/streams.wat", None, Some(*seed))
            .0
            .result
            .is_err()
    };
    assert!((0..5).any(|seed| failed(&seed)));
}

#[test]
fn a_right_guest_does_the_same_by_any_of_twenty_seeds() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.rrtrace");
    let app = fixture("kitchen.wasm");
    let input = "a line, and more than one\n".repeat(30);
    let usual = seen(&record(&app, &["--quiet"], &["echo"], &input, &trace));
    for seed in 0..20 {
        let dials = [
            format!("--chaos={seed}"),
            format!("--handles=shuffle:{seed}"),
        ];
        let options = [dials[0].as_str(), &dials[1]];
        let output = record(&app, &options, &["echo"], &input, &trace);
        assert_eq!(seen(&output), usual, "seed {seed}");
        verified(&trace);
    }
}

#[test]
fn who_supposes_that_a_read_fills_its_buffer_fails_and_that_replays() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.rrtrace");
    let app = fixture("wat/one-read.wat");
    let input = "0123456789abcdef".repeat(4);
    let usual = record(&app, &["--quiet"], &[], &input, &trace);
    assert_eq!(seen(&usual), (input.clone(), Some(0)));
    let mut statuses = BTreeSet::new();
    for seed in 0..20 {
        let dial = format!("--chaos={seed}");
        let output = record(&app, &[&dial], &[], &input, &trace);
        let status = output.status.code().unwrap();
        statuses.insert(status);
        verified(&trace);
        let replayed = rr_dap(&["replay", trace.to_str().unwrap()], "");
        assert_eq!(replayed.status.code(), Some(status), "seed {seed}");
    }
    assert_eq!(statuses, [0, 134].into());
}

#[test]
fn who_writes_more_than_is_permitted_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.rrtrace");
    let app = fixture("wat/overdrawn.wat");
    let usual = invoke(&app, "--quiet", "run()", &trace);
    assert!(usual.status.success(), "{}", text(&usual.stderr));
    let mut statuses = BTreeSet::new();
    for seed in 0..20 {
        let output = invoke(&app, &format!("--chaos={seed}"), "run()", &trace);
        let status = output.status.code().unwrap();
        statuses.insert(status);
        verified(&trace);
        let told = text(&output.stderr);
        let why = "a write of 100 bytes to an output stream where `check-write` had permitted ";
        assert_eq!(told.contains(why), status != 0, "{told}");
    }
    assert_eq!(statuses, [0, 1].into());
}

#[test]
fn the_same_seed_makes_the_same_recording_and_others_make_others() {
    let dir = tempfile::tempdir().unwrap();
    copied(dir.path(), "ledger.csv");
    let given = format!("--dir={}::/work", dir.path().display());
    let app = fixture("kitchen.wasm");
    let recorded = |seed: u32| {
        let trace = dir.path().join("t.rrtrace");
        let dial = format!("--chaos={seed}");
        let args = ["cat", "/work/ledger.csv"];
        record(&app, &[&dial, &given], &args, "", &trace);
        let recorded = events(&trace);
        std::fs::remove_file(&trace).unwrap();
        recorded
    };
    let first: Vec<_> = (0..6).map(recorded).collect();
    let again: Vec<_> = (0..6).map(recorded).collect();
    assert!(first == again);
    let different = first.iter().filter(|events| **events != first[0]).count();
    assert!(different > 2, "{different}");
}

#[test]
fn of_what_is_ready_some_is_told_in_any_order() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.rrtrace");
    let app = fixture("wat/polled.wat");
    let usual = invoke(&app, "--quiet", "run()", &trace);
    assert_eq!(text(&usual.stdout), "1234\n");
    let told: BTreeSet<String> = (0..20)
        .map(|seed| {
            let output = invoke(&app, &format!("--chaos={seed}"), "run()", &trace);
            assert!(output.status.success(), "{}", text(&output.stderr));
            verified(&trace);
            text(&output.stdout).trim().to_owned()
        })
        .collect();
    assert!(told.len() > 5, "{told:?}");
    for ready in told {
        let mut digits: Vec<char> = ready.chars().collect();
        digits.sort_unstable();
        digits.dedup();
        assert_eq!(digits.len(), ready.len(), "{ready}");
        assert!((1..=4).contains(&ready.len()) && digits.iter().all(|d| "1234".contains(*d)));
    }
}

#[test]
fn instances_of_a_service_have_seeds_of_their_own() {
    for guest in ["answer.wasm", "answers.wasm"] {
        let dir = tempfile::tempdir().unwrap();
        let dials = ["--handles=shuffle:30", "--chaos=40"];
        let server = Server::start(dir.path(), &dials, guest);
        for _ in 0..3 {
            assert_eq!(server.get("/hello"), (200, "hello".into()));
        }
        let large = server.get("/large?bytes=100000");
        assert_eq!((large.0, large.1.len()), (200, 100_000));
        server.end();
        for (number, path) in (0..).zip(recordings(dir.path())) {
            verified(&path);
            let opened = Arc::new(Trace::open(&path).unwrap());
            let metadata = opened.metadata();
            assert_eq!(metadata.handles, Some(30 + number));
            assert_eq!(metadata.chaos, Some(40 + number));
            assert_eq!(handle_findings(&opened), Vec::<String>::new(), "{guest}");
        }
    }
}

#[test]
fn a_component_that_records_itself_turns_its_dials_itself() {
    let dir = tempfile::tempdir().unwrap();
    copied(dir.path(), "ledger.csv");
    let app = fixture("kitchen.wasm");
    let made = dir.path().join("made.wasm");
    let line = [
        "instrument",
        app.to_str().unwrap(),
        "-o",
        made.to_str().unwrap(),
        "--sink=file",
        "--handles=shuffle:5",
        "--chaos=9",
    ];
    let output = rr_dap(&line, "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let component = std::fs::read(&made).unwrap();
    let args = ["cat", "/work/ledger.csv"];
    let ran = plain_host::run(&component, "kitchen.wasm", &args, dir.path(), "");
    let usual = std::fs::read(&app).unwrap();
    let usual = plain_host::run(&usual, "kitchen.wasm", &args, dir.path(), "");
    assert_eq!(text(&ran.stdout), text(&usual.stdout));
    let trace = dir.path().join("kitchen.rrtrace");
    verified(&trace);
    let metadata = &info(&trace)["metadata"];
    assert_eq!(
        (&metadata["handles"], &metadata["chaos"]),
        (&json!(5), &json!(9))
    );
    let given = answers(&trace, "get-stdout");
    assert!(given.iter().any(|index| *index > 10), "{given:?}");
    // Nobody would know the seeds.
    let line = ["instrument", app.to_str().unwrap(), "-o", "x", "--chaos=9"];
    let output = rr_dap(&line, "");
    assert!(
        text(&output.stderr).contains("--sink"),
        "{}",
        text(&output.stderr)
    );
}
