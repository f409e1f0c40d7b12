//! Recording changes nothing, and replay does the same again.

use crate::support::command::{Call, command};
use crate::support::{
    events, fixture, parse, plain, record, replay, replay_here, rewrite, rr_dap, rr_dap_with, text,
};
use rr_dap::component::{Component, CrossingKind};
use rr_dap::instrument::record::instrument;
use rr_dap::trace::{EventKind, Outcome, Trace};
use std::path::Path;
use std::sync::Arc;

/// A run of a fixture in a directory of its own.
struct Run {
    app: &'static str,
    args: &'static [&'static str],
    stdin: &'static str,
    status: i32,
    /// Whether the same run prints the same again: no clock and no random numbers.
    repeats: bool,
}

const fn run(app: &'static str, args: &'static [&'static str], status: i32) -> Run {
    Run {
        app,
        args,
        stdin: "",
        status,
        repeats: true,
    }
}

const RUNS: &[Run] = &[
    run("ledger.wasm", &[], 134),
    run("kitchen.wasm", &["args", "a b", "ä"], 0),
    run("kitchen-O2.wasm", &["args", "a b", "ä"], 0),
    run("kitchen.wasm", &["dir", "/work"], 0),
    run("kitchen-O2.wasm", &["write", "/work/new.txt", "text"], 0),
    run("kitchen.wasm", &["cat", "/work/ledger.csv"], 0),
    run("kitchen.wasm", &["cat", "/work/missing"], 1),
    run(
        "kitchen-O2.wasm",
        &["move", "/work/ledger.csv", "/work/x"],
        0,
    ),
    run("kitchen.wasm", &["remove", "/work/ledger.csv"], 0),
    run("kitchen.wasm", &["exit", "0"], 0),
    run("kitchen.wasm", &["exit", "3"], 1),
    run("kitchen-O2.wasm", &["trap"], 134),
    run("kitchen.wasm", &["unheard-of"], 1),
    Run {
        stdin: "one\ntwo, without an end",
        ..run("kitchen.wasm", &["echo"], 0)
    },
    Run {
        repeats: false,
        ..run("kitchen.wasm", &["clock"], 0)
    },
    Run {
        repeats: false,
        ..run("kitchen-O2.wasm", &["random"], 0)
    },
    Run {
        repeats: false,
        stdin: "soup\n",
        ..run("kitchen.wasm", &["all", "/work"], 0)
    },
    Run {
        repeats: false,
        stdin: "soup\n",
        ..run("kitchen-O2.wasm", &["all", "/work"], 0)
    },
];

/// A directory with what the fixtures read.
fn work_dir() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(fixture("ledger.csv"), dir.path().join("ledger.csv")).unwrap();
    dir
}

fn dir_option(dir: &Path) -> String {
    format!("--dir={}::/work", dir.display())
}

#[test]
fn replay_prints_what_the_recorded_run_printed_and_exits_as_it_did() {
    for run in RUNS {
        let what = format!("{} {:?}", run.app, run.args);
        let (dir, out) = (work_dir(), tempfile::tempdir().unwrap());
        let trace = out.path().join("run.rrtrace");
        let options = [dir_option(dir.path())];
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let recorded = record(&fixture(run.app), &options, run.args, run.stdin, &trace);
        // Nothing that the run used may be needed again.
        drop(dir);
        let replayed = replay(&trace);
        assert_eq!(text(&replayed.stdout), text(&recorded.stdout), "{what}");
        assert_eq!(
            recorded.status.code(),
            Some(run.status),
            "{what}: {recorded:?}"
        );
        assert_eq!(replayed.status.code(), Some(run.status), "{what}");
        let printed = guest_lines(&recorded.stderr);
        assert_eq!(guest_lines(&replayed.stderr), printed, "{what}");
    }
}

/// Standard error without what rr-dap itself says.
fn guest_lines(stderr: &[u8]) -> Vec<String> {
    let text = text(stderr);
    let guest = text.lines().filter(|line| !line.starts_with("rr-dap:"));
    guest.map(str::to_owned).collect()
}

#[test]
fn recorded_runs_do_what_plain_runs_do() {
    let runs = RUNS.iter().filter(|run| run.repeats);
    for run in runs {
        let what = format!("{} {:?}", run.app, run.args);
        let (plain_dir, recorded_dir) = (work_dir(), work_dir());
        let component = std::fs::read(fixture(run.app)).unwrap();
        let plain = plain::run(&component, run.app, run.args, plain_dir.path(), run.stdin);
        let trace = recorded_dir.path().with_extension("rrtrace");
        let option = dir_option(recorded_dir.path());
        let recorded = record(&fixture(run.app), &[&option], run.args, run.stdin, &trace);
        std::fs::remove_file(trace).unwrap();
        assert_eq!(text(&recorded.stdout), text(&plain.stdout), "{what}");
        let stderr: Vec<String> = text(&plain.stderr).lines().map(str::to_owned).collect();
        assert_eq!(guest_lines(&recorded.stderr), stderr, "{what}");
        assert_eq!(recorded.status.code(), Some(plain.status), "{what}");
        assert_eq!(
            files(recorded_dir.path()),
            files(plain_dir.path()),
            "{what}"
        );
    }
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn verify_tells_how_much_was_checked() {
    let (dir, out) = (work_dir(), tempfile::tempdir().unwrap());
    let trace = out.path().join("run.rrtrace");
    let option = dir_option(dir.path());
    record(
        &fixture("kitchen.wasm"),
        &[&option],
        &["all", "/work"],
        "x",
        &trace,
    );
    let verified = rr_dap(
        &["replay", "--verify", "--json", trace.to_str().unwrap()],
        "",
    );
    assert!(verified.status.success(), "{verified:?}");
    let facts: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(facts["verified"], true);
    let calls = events(&trace)
        .iter()
        .filter(|event| matches!(event.kind, EventKind::Call(_)))
        .count();
    assert_eq!(facts["events"], calls);
    assert!(facts["values"].as_u64().unwrap() > calls as u64 / 2);
    assert!(facts["memoryHashes"].as_u64().unwrap() > 0);
}

/// The fixtures in text form: several component instances, resources with a guest
/// destructor, borrows, changes of encoding, recursion, traps.
const CALLS: &[(&str, Call)] = &[
    ("nested", Call::Number("run", 222)),
    ("recursion", Call::Number("run", 145)),
    ("errors", Call::Number("run", 90)),
    ("handles", Call::Number("run", 60)),
    ("handles", Call::Number("leak", 2)),
    ("handles", Call::Nothing("use-after-drop")),
    ("handles", Call::Nothing("wrong-type")),
    ("handles", Call::Nothing("double-drop")),
    ("trap", Call::NoNumber("run")),
    ("greeter", Call::Greeting),
];

#[test]
fn composed_components_record_and_replay() {
    let dir = tempfile::tempdir().unwrap();
    for (name, call) in CALLS {
        let what = format!("{name} {call:?}");
        let app = command(name, *call, dir.path());
        let trace = dir.path().join("run.rrtrace");
        let recorded = record(&app, &[], &[], "", &trace);
        let status = recorded.status.code();
        let opened = Arc::new(Trace::open(&trace).unwrap());
        match call {
            Call::NoNumber(_) | Call::Nothing(_) => {
                assert!(matches!(status, Some(1 | 134)), "{what}: {recorded:?}");
            }
            _ => assert_eq!(
                *opened.outcome(),
                Outcome::Returned {
                    success: true,
                    result: None
                },
                "{what}: {recorded:?}"
            ),
        }
        replay_here(opened).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(replay(&trace).status.code(), status, "{what}");
    }
}

#[test]
fn calls_of_a_called_component_nest_in_the_call() {
    let dir = tempfile::tempdir().unwrap();
    let app = command("greeter", Call::Greeting, dir.path());
    let trace = dir.path().join("run.rrtrace");
    record(&app, &[], &[], "", &trace);
    let listed = rr_dap(&["trace", "events", "--json", trace.to_str().unwrap()], "");
    assert!(listed.status.success(), "{listed:?}");
    let calls: Vec<serde_json::Value> = text(&listed.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let numbers: Vec<_> = calls
        .iter()
        .map(|call| call["event"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (0..calls.len() as u64).collect::<Vec<_>>());
    assert_eq!(calls[0]["depth"], 0);
    assert_eq!(calls[0]["result"], "\"Ada!!\"");
    // The first call contains all others, those of the keeper within the greeter's.
    assert!(
        calls[1..]
            .iter()
            .all(|call| call["depth"].as_u64() > Some(0))
    );
    let made = calls.iter().find(|call| call["depth"] == 2).unwrap();
    assert!(
        made["name"].as_str().unwrap().starts_with("resource.new"),
        "{made}"
    );
    assert!(calls.iter().all(|call| call["answered"] == true));
}

#[test]
fn core_modules_are_byte_identical_in_the_instrumented_component() {
    for name in [
        "ledger.wasm",
        "kitchen-O2.wasm",
        "wat/greeter.wat",
        "wat/nested.wat",
    ] {
        let component = parse(&fixture(name));
        let instrumented = Component::parse(instrument(&component).unwrap()).unwrap();
        let mut left = instrumented.modules();
        for (number, module) in component.modules().enumerate() {
            assert!(left.any(|found| found == module), "{name}: module {number}");
        }
        // Wrappers exist only for what crosses: the compute code is all there is more of.
        let realloc = |c: &&rr_dap::component::Crossing| c.kind == CrossingKind::Realloc;
        let reallocs = component.crossings().iter().filter(realloc).count();
        let after = instrumented.crossings().iter().filter(realloc).count();
        assert_eq!(reallocs, after, "{name}");
    }
}

#[test]
fn two_recordings_of_a_deterministic_run_are_equal() {
    let dir = work_dir();
    let option = dir_option(dir.path());
    for (app, args) in [
        ("ledger.wasm", &[][..]),
        ("kitchen.wasm", &["args", "x"][..]),
    ] {
        let traces = ["first", "second"].map(|name| dir.path().join(name));
        for trace in &traces {
            record(&fixture(app), &[&option], args, "", trace);
        }
        let [first, second] = traces.map(|trace| events(&trace));
        assert!(first == second, "{app}");
        assert!(first.len() > 10, "{app}");
    }
}

#[test]
fn the_environment_and_the_arguments_reach_the_guest_and_the_recording() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run.rrtrace");
    let app = fixture("kitchen.wasm");
    let line = [
        "record",
        "-o",
        trace.to_str().unwrap(),
        "--env",
        "GIVEN=x=y",
        "--env",
        "TAKEN",
        app.to_str().unwrap(),
        "env",
        "--force",
    ];
    let recorded = rr_dap_with(&line, &[("TAKEN", "from here"), ("HIDDEN", "z")], "");
    assert_eq!(
        text(&recorded.stdout),
        "env GIVEN=x=y\nenv TAKEN=from here\n"
    );
    let info = rr_dap(&["trace", "info", "--json", trace.to_str().unwrap()], "");
    let facts: serde_json::Value = serde_json::from_slice(&info.stdout).unwrap();
    let metadata = &facts["metadata"];
    assert_eq!(metadata["args"], serde_json::json!(["env", "--force"]));
    let env = serde_json::json!([["GIVEN", "x=y"], ["TAKEN", "from here"]]);
    assert_eq!(metadata["env"], env);
}

#[test]
fn what_cannot_be_recorded_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |app: &Path, options: &[&str]| {
        let trace = dir.path().join("refused.rrtrace");
        let output = record(app, options, &[], "", &trace);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(!trace.exists(), "a recording of nothing was left behind");
        text(&output.stderr)
    };
    let threads = dir.path().join("threads.wat");
    std::fs::write(
        &threads,
        "(component (core func (canon thread.available_parallelism)))",
    )
    .unwrap();
    let why = refused(&threads, &[]);
    assert!(
        why.contains("the canonical built-in thread.available-parallelism (at byte 0x"),
        "{why}"
    );
    let why = refused(&fixture("wat/trap.wat"), &[]);
    assert!(
        why.contains("wasi:cli/run") && why.contains("run: func() -> u32"),
        "{why}"
    );
    let why = refused(&fixture("ledger.csv"), &[]);
    assert!(
        why.contains("neither WebAssembly nor its text format"),
        "{why}"
    );
    let why = refused(&fixture("ledger.wasm"), &["--dir=/no/such/place::/work"]);
    assert!(why.contains("/no/such/place"), "{why}");
    for (options, says) in [
        (&["--env", "RR_DAP_TEST_NOT_SET"][..], "RR_DAP_TEST_NOT_SET"),
        (&["-S", "htpt"], "-S htpt is not known here; known are cli"),
        (&["-S", "tcp=maybe"], "y or n"),
        (&["-S", "cli=n"], "open it with -S cli"),
        (&["-W", "nan-canonicalization=n"], "leave it out"),
        (&["-W", "fuel=3"], "so that replay does the same again"),
        (&["-O", "opt-level=0"], "leave it out"),
    ] {
        let why = refused(&fixture("ledger.wasm"), options);
        assert!(why.contains(says), "{options:?}: {why}");
    }
}

#[test]
fn a_recording_is_not_overwritten_by_accident() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("precious");
    std::fs::write(&trace, "precious").unwrap();
    let (app, path) = (fixture("kitchen.wasm"), trace.to_str().unwrap());
    let output = rr_dap(&["record", "-o", path, app.to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--force"), "{output:?}");
    assert_eq!(std::fs::read(&trace).unwrap(), b"precious");
}

#[test]
fn switches_are_taken_as_wasmtime_spells_them_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run.rrtrace");
    let app = fixture("kitchen.wasm");
    let options = [
        "-S",
        "cli,http=y,inherit-stdout=n",
        "-Scli-exit-with-code",
        "-W",
        "component-model-async,nan-canonicalization=y",
    ];
    let recorded = record(&app, &options, &["args"], "", &trace);
    assert_eq!(recorded.status.code(), Some(0), "{recorded:?}");
    // The guest printed, but not here.
    assert_eq!(text(&recorded.stdout), "");
    let info = rr_dap(&["trace", "info", "--json", trace.to_str().unwrap()], "");
    let facts: serde_json::Value = serde_json::from_slice(&info.stdout).unwrap();
    let switches = &facts["metadata"]["switches"];
    assert_eq!(*switches, serde_json::json!(["http=y", "inherit-stdout=n"]));
    let info = rr_dap(&["trace", "info", trace.to_str().unwrap()], "");
    let info = text(&info.stdout);
    assert!(info.contains("inherit-stdout=n") && info.contains("nan-canonicalization=true"));
    let help = text(&rr_dap(&["record", "-S", "help"], "").stdout);
    assert!(help.contains("-S allow-ip-name-lookup[=y|n]"), "{help}");
}

#[test]
fn values_of_the_environment_can_be_left_out_of_the_metadata() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run.rrtrace");
    let app = fixture("kitchen.wasm");
    let options = ["--redact-env", "--env", "TOKEN=hush"];
    let recorded = record(&app, &options, &["args"], "", &trace);
    assert!(
        text(&recorded.stderr).contains("the results of its hostcalls"),
        "{recorded:?}"
    );
    let info = text(&rr_dap(&["trace", "info", trace.to_str().unwrap()], "").stdout);
    assert!(
        info.contains("TOKEN") && info.contains("left out"),
        "{info}"
    );
    let json = text(&rr_dap(&["trace", "info", "--json", trace.to_str().unwrap()], "").stdout);
    assert!(!json.contains("hush"), "{json}");
    // The guest is given the value all the same, and where it reads it, it stays.
    let recorded = record(&app, &options, &["env"], "", &trace);
    assert_eq!(text(&recorded.stdout), "env TOKEN=hush\n");
    assert_eq!(text(&replay(&trace).stdout), "env TOKEN=hush\n");
}

#[test]
fn an_exit_and_an_error_of_the_host_end_a_run_wherever_they_happen() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run.rrtrace");
    let recorded = record(&fixture("wat/leave.wat"), &[], &[], "", &trace);
    assert_eq!(recorded.status.code(), Some(1), "{recorded:?}");
    let opened = Arc::new(Trace::open(&trace).unwrap());
    assert_eq!(*opened.outcome(), Outcome::Exited(1));
    replay_here(opened).unwrap();

    let recorded = record(&fixture("wat/greedy.wat"), &[], &[], "", &trace);
    assert_eq!(recorded.status.code(), Some(1), "{recorded:?}");
    assert!(
        text(&recorded.stderr).contains("exceeds limit"),
        "{recorded:?}"
    );
    let opened = Arc::new(Trace::open(&trace).unwrap());
    let Outcome::HostError(message) = opened.outcome() else {
        panic!("{:?}", opened.outcome());
    };
    assert!(message.contains("exceeds limit"), "{message}");
    replay_here(opened).unwrap();
    assert_eq!(replay(&trace).status.code(), Some(1));
}

#[test]
fn commands_of_every_version_of_wasi_run() {
    let dir = tempfile::tempdir().unwrap();
    let (app, trace) = (dir.path().join("app.wat"), dir.path().join("run.rrtrace"));
    for version in ["0.2.0", "0.2.3", "0.2.12", "0.2.99"] {
        let command = r#"(component
          (core module $code (func (export "run") (result i32) (i32.const 1)))
          (core instance $code (instantiate $code))
          (func $run (result (result)) (canon lift (core func $code "run")))
          (instance $run (export "run" (func $run)))
          (export "wasi:cli/run@VERSION" (instance $run)))"#;
        std::fs::write(&app, command.replace("VERSION", version)).unwrap();
        let recorded = record(&app, &[], &[], "", &trace);
        assert_eq!(recorded.status.code(), Some(1), "{version}: {recorded:?}");
        assert_eq!(text(&recorded.stderr), "", "{version}");
        assert_eq!(replay(&trace).status.code(), Some(1), "{version}");
    }
}

#[test]
fn memory_is_hashed_where_the_guest_exits() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("exit.rrtrace");
    record(&fixture("kitchen.wasm"), &[], &["exit", "3"], "", &path);
    let events = events(&path);
    let [.., call, hash] = &events[..] else {
        panic!("{} events", events.len());
    };
    let component = parse(&fixture("kitchen.wasm"));
    assert!(component.may_exit(component.crossing(call.crossing).unwrap()));
    assert!(matches!(call.kind, EventKind::Call(_)), "{call:?}");
    assert!(matches!(hash.kind, EventKind::Hash(_)), "{hash:?}");
    // Replay compares it.
    let report = rr_dap(&["replay", "--verify", path.to_str().unwrap()], "");
    assert!(
        text(&report.stdout).contains("1 memory hashes"),
        "{report:?}"
    );
    let mut wrong = events.clone();
    wrong.last_mut().unwrap().kind = EventKind::Hash(1);
    let outcome = Trace::open(&path).unwrap().outcome().clone();
    let path = dir.path().join("wrong.rrtrace");
    rewrite::write(component, &wrong, &outcome, 100, &path);
    let error = replay_here(Arc::new(Trace::open(&path).unwrap())).expect_err("diverges");
    assert!(
        error.to_string().contains("guest memory has hash"),
        "{error}"
    );
}

#[test]
fn a_command_of_wasi_0_3_waits_and_prints_through_a_stream() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run.rrtrace");
    let app = fixture("later.wasm");
    let recorded = record(&app, &[], &["one", "two words"], "", &trace);
    assert_eq!(text(&recorded.stdout), "one\ntwo words\n", "{recorded:?}");
    assert_eq!(recorded.status.code(), Some(0));
    let replayed = replay(&trace);
    assert_eq!(text(&replayed.stdout), "one\ntwo words\n", "{replayed:?}");
    let callbacks = events(&trace)
        .iter()
        .filter(|event| matches!(event.kind, EventKind::Enter(_)))
        .count();
    assert!(callbacks > 1, "it was never called back");
    // Without an argument it says that it failed.
    let recorded = record(&app, &[], &[], "", &trace);
    assert_eq!(recorded.status.code(), Some(1), "{recorded:?}");
    assert_eq!(replay(&trace).status.code(), Some(1));
    let refused = record(&app, &["-S", "p3=n"], &[], "", &dir.path().join("none"));
    assert!(
        text(&refused.stderr).contains("open it with -S p3"),
        "{refused:?}"
    );
}
