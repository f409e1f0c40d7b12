//! Calls of exported functions (`record --invoke`), of libraries in component form
//! and in core form.

use crate::support::client::Client;
use crate::support::{cache_dir, events, fixture, plain, record, replay, rr_dap, text};
use rr_dap::component::component_bytes;
use rr_dap::trace::{Outcome, Trace};
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};

/// A call: the fixture, the exported instance, and the call in WAVE.
struct Case {
    app: &'static str,
    interface: Option<&'static str>,
    call: &'static str,
}

const fn case(app: &'static str, interface: Option<&'static str>, call: &'static str) -> Case {
    Case {
        app,
        interface,
        call,
    }
}

const SHOP: Option<&str> = Some("rr-dap:guests/shop@1.2.0");
const COUNTING: Option<&str> = Some("rr-dap:guests/counting@1.2.0");

const CASES: &[Case] = &[
    case("library.wasm", None, r#"greet("Ünïcode \"🌍\"")"#),
    case("library.wasm", None, "sum([1, 2, -5, 9000000000])"),
    case("library.wasm", None, "sum([])"),
    case("library.wasm", None, r#"fail("not at all")"#),
    case("library.wasm", None, r#"fail("exit")"#),
    case("library.wasm", None, r#"fail("trap")"#),
    case("library.wasm", SHOP, "total(nothing, {gift})"),
    case(
        "library.wasm",
        SHOP,
        r#"total(one({name: "tea", pieces: 2, price: 1.5}), {gift, fast})"#,
    ),
    case(
        "library.wasm",
        SHOP,
        r#"total(several([{name: "a", pieces: 1, price: 0.5}, {name: "", pieces: 3, price: -1}]), {})"#,
    ),
    case(
        "library.wasm",
        SHOP,
        r#"labels([{name: "tea", pieces: 2, price: 1.5}], some(large))"#,
    ),
    // A last argument that is an option may be left out.
    case(
        "library.wasm",
        SHOP,
        r#"labels([{name: "tea", pieces: 2, price: 1.5}])"#,
    ),
    case("library.wasm", COUNTING, "total()"),
    case(
        "wat/values.wat",
        None,
        r#"run([{item: "tea", pieces: 2, price: 1.5, wishes: {gift}}])"#,
    ),
    // The component behind keeps UTF-16.
    case("wat/greeter.wat", None, r#"run("Ädä")"#),
    case("wat/handles.wat", None, "leak()"),
    case("wat/trap.wat", None, "run()"),
];

impl Case {
    fn spelled(&self) -> String {
        match self.interface {
            Some(interface) => format!("{interface}#{}", self.call),
            None => self.call.to_owned(),
        }
    }
}

#[test]
fn a_call_answers_as_without_the_recorder_and_replays() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("call.rrtrace");
    for case in CASES {
        let what = format!("{} {}", case.app, case.call);
        let app = fixture(case.app);
        let plain = plain::call(&component_bytes(&app).unwrap(), case.interface, case.call);
        let call = case.spelled();
        let recorded = record(&app, &["--invoke", &call], &[], "", &trace);
        assert_eq!(text(&recorded.stdout), text(&plain.stdout), "{what}");
        assert_eq!(recorded.status.code(), Some(plain.status), "{what}");
        let replayed = replay(&trace);
        assert_eq!(text(&replayed.stdout), text(&recorded.stdout), "{what}");
        assert_eq!(replayed.status.code(), Some(plain.status), "{what}");
        let verified = rr_dap(&["replay", "--verify", trace.to_str().unwrap()], "");
        assert!(verified.status.success(), "{what}: {verified:?}");
        let opened = Trace::open(&trace).unwrap();
        assert_eq!(opened.metadata().invoke.as_ref(), Some(&call), "{what}");
        if let Outcome::Returned { result, .. } = opened.outcome() {
            let last = text(&plain.stdout);
            assert_eq!(result.as_deref(), last.lines().last(), "{what}");
        }
    }
}

#[test]
fn two_recordings_of_a_call_are_equal() {
    let dir = tempfile::tempdir().unwrap();
    let app = fixture("library.wasm");
    let [first, second] = ["first", "second"].map(|name| {
        let trace = dir.path().join(name);
        let call = r#"labels([{name: "tea", pieces: 2, price: 1.5}])"#;
        record(&app, &["--invoke", call], &[], "", &trace);
        events(&trace)
    });
    assert!(first.len() > 4 && first == second);
}

#[test]
fn a_function_has_several_spellings() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("call.rrtrace");
    for (call, answer) in [
        (
            "rr-dap:guests/shop@1.2.0#total(nothing, {})",
            "err(\"nothing ordered\")",
        ),
        (
            "rr-dap:guests/shop.total@1.2.0(nothing, {})",
            "err(\"nothing ordered\")",
        ),
        (
            "rr-dap:guests/shop#total(nothing, {})",
            "err(\"nothing ordered\")",
        ),
        ("rr-dap:guests/counting.total()", "100"),
        ("labels([])", "[]"),
        (" sum ( [1] ) ", "1"),
        ("[constructor]counter(5)", "(a value that WAVE cannot tell)"),
    ] {
        let recorded = record(
            &fixture("library.wasm"),
            &["--invoke", call],
            &[],
            "",
            &trace,
        );
        assert_eq!(
            text(&recorded.stdout),
            format!("{answer}\n"),
            "{call}: {recorded:?}"
        );
        let replayed = replay(&trace);
        assert_eq!(text(&replayed.stdout), format!("{answer}\n"), "{call}");
    }
}

/// What recording this answers on standard error; no file may come of it.
fn refused(app: &Path, options: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("refused.rrtrace");
    let output = record(app, options, &[], "", &trace);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!trace.exists(), "a recording of nothing was left behind");
    text(&output.stderr)
}

#[test]
fn a_call_that_cannot_be_made_is_explained() {
    let library = fixture("library.wasm");
    for (call, says) in [
        (
            "summ([1])",
            &["no function `summ`", "sum: func(numbers: list<s64>) -> s64"][..],
        ),
        ("sum", &["is not a call", "NAME(ARGUMENTS)"]),
        ("sum([1]", &["unexpected end", "sum: func"]),
        ("sum(\"x\")", &["sum(\"x\")", "sum: func"]),
        ("sum()", &["1 required", "sum: func"]),
        ("total()", &["shop@1.2.0#total", "counting@1.2.0#total"]),
        ("[method]counter.next(1)", &["self: borrow<…>"]),
    ] {
        let why = refused(&library, &["--invoke", call]);
        for part in says {
            assert!(why.contains(part), "{call}: {why:?} should say {part:?}");
        }
    }
}

#[test]
fn a_library_without_a_call_lists_what_can_be_called() {
    let why = refused(&fixture("library.wasm"), &[]);
    for part in [
        "no wasi:cli/run",
        "--invoke",
        "greet: func(name: string) -> string",
        "rr-dap:guests/shop@1.2.0#total: func(order: variant",
        "wishes: flags { gift, fast }) -> result<f64, string>",
        "[constructor]counter: func(start: u32) -> own<…>",
    ] {
        assert!(why.contains(part), "{why:?} should say {part:?}");
    }
}

#[test]
fn asynchronous_functions_can_be_called() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("call.rrtrace");
    for (app, call, answer) in [
        ("wat/callback.wat", "run(\"hello\")", "\"*ello\"\n"),
        ("wat/handles-later.wat", "run()", "4321\n"),
    ] {
        let recorded = record(&fixture(app), &["--invoke", call], &[], "", &trace);
        assert_eq!(text(&recorded.stdout), answer, "{app}: {recorded:?}");
        let replayed = replay(&trace);
        assert_eq!(text(&replayed.stdout), answer, "{app}: {replayed:?}");
    }
}

/// A debugging session with a server of its own.
fn session() -> (std::process::Child, Client) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
        .env("RR_DAP_CACHE", cache_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (input, output) = (server.stdin.take().unwrap(), server.stdout.take().unwrap());
    let mut client = Client::new(Box::new(output), Box::new(input));
    client.initialize();
    (server, client)
}

#[test]
fn a_debugger_launches_a_call() {
    let (mut server, mut client) = session();
    let launch = json!({
        "program": fixture("library.wasm"),
        "invoke": "greet(\"Ada\")",
        "env": {"SECRET": "x"},
        "wasi": ["inherit-network", "tcp=n"],
        "stopAt": "end",
    });
    client.ask("launch", launch);
    client.event("initialized");
    let mut said = String::new();
    while !said.contains("hello, Ada\"\n") {
        said += client.event("output")["output"].as_str().unwrap();
    }
    assert!(
        said.contains("greeting 3 bytes\n\"hello, Ada\"\n"),
        "{said:?}"
    );
    client.ask("configurationDone", json!(null));
    client.event("stopped");
    client.ask("disconnect", json!({}));
    drop(client);
    server.wait().unwrap();
}

#[test]
fn a_launch_that_records_nothing_does_not_open_an_older_recording() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("older.rrtrace");
    record(
        &fixture("library.wasm"),
        &["--invoke", "sum([])"],
        &[],
        "",
        &trace,
    );
    let (mut server, mut client) = session();
    let launch = json!({
        "program": fixture("library.wasm"), "invoke": "summ([])", "recordTo": trace,
    });
    let why = client.refusal("launch", launch);
    assert!(why.contains("no function `summ`"), "{why}");
    drop(client);
    server.wait().unwrap();
}

#[test]
fn a_trace_tells_the_call_it_is_of() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("call.rrtrace");
    record(
        &fixture("library.wasm"),
        &["--invoke", "sum([4, 5])"],
        &[],
        "",
        &trace,
    );
    let info = text(&rr_dap(&["trace", "info", trace.to_str().unwrap()], "").stdout);
    assert!(info.contains("sum([4, 5])"), "{info}");
    assert!(info.contains("returned 9"), "{info}");
}

/// A library is initialised by a start function: its frame stands on one of a module that
/// has no code of its own.
#[test]
fn a_call_is_walked_from_the_library_s_initialisation_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("call.rrtrace");
    let (mut server, mut client) = session();
    client.ask(
        "launch",
        json!({
            "program": fixture("library.wasm"), "invoke": "sum([4, 5])", "recordTo": trace,
            "stopOnEntry": true,
        }),
    );
    client.event("initialized");
    client.ask("configurationDone", json!(null));
    assert_eq!(client.event("stopped")["reason"], "entry");
    let top = |client: &mut Client| {
        let stack = client.ask("stackTrace", json!({ "threadId": 1 }));
        stack["stackFrames"][0]["name"].as_str().map(str::to_owned)
    };
    assert_eq!(top(&mut client).as_deref(), Some("_initialize"));
    let breakpoints = json!({ "breakpoints": [{ "name": "*library_sum" }] });
    client.ask("setFunctionBreakpoints", breakpoints);
    assert_eq!(client.go("continue")["reason"], "function breakpoint");
    let sum = top(&mut client);
    assert!(sum.as_ref().unwrap().contains("sum"), "{sum:?}");
    assert_eq!(client.go("stepBack")["reason"], "start");
    assert_eq!(client.go("continue")["reason"], "function breakpoint");
    assert_eq!(top(&mut client), sum);
    client.ask("disconnect", json!({}));
    drop(client);
    server.wait().unwrap();
}
