//! Exceptions of WebAssembly: what is caught is caught in replay, what is not ends the run
//! as a trap does, and no component catches what another has thrown.

use crate::support::client::Client;
use crate::support::file::{self, END, INDEX, sections};
use crate::support::session::{frames, start, variables};
use crate::support::{cache_dir, fixture, plain, record, replay, rr_dap, text};
use rr_dap::component::component_bytes;
use rr_dap::inspect::ending::WholeReplay;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Compared, Compiled, Ended};
use rr_dap::trace::{Outcome, Trace};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const UNCAUGHT: &str = "wasm trap: uncaught exception propagated out of component";

/// Functions of `wat/thrown-across.wat` that end in an exception: each comes from another
/// kind of call into a component.
const ENDING: [&str; 7] = [
    "lifted",
    "returned",
    "transcoded",
    "dropped",
    "called-back",
    "begun",
    "own",
];

fn recorded(function: &str, dir: &Path) -> (PathBuf, std::process::Output) {
    let path = dir.join(format!("{function}.rrtrace"));
    let app = fixture("wat/thrown-across.wat");
    let call = format!("{function}()");
    let output = record(&app, &["--invoke", &call], &[], "", &path);
    (path, output)
}

fn replayed(trace: &Arc<Trace>, variant: Variant) -> (Ended, Compared) {
    let cache = CacheDir::open(&cache_dir()).unwrap();
    let compiled = Compiled::prepare(trace, &cache, variant, &|_, _| {}).unwrap();
    let mut whole = WholeReplay::new(trace.clone(), &compiled, |_, _| {}).unwrap();
    let verified = whole.run().unwrap();
    (verified.ended, verified.compared)
}

const VARIANTS: [Variant; 5] = [
    Variant::Plain,
    Variant::Fast,
    Variant::Exact,
    Variant::Profile,
    Variant::Debug,
];

#[test]
fn exceptions_stop_at_the_boundary_of_components() {
    let dir = tempfile::tempdir().unwrap();
    let component = component_bytes(&fixture("wat/thrown-across.wat")).unwrap();
    for function in ENDING {
        let (path, output) = recorded(function, dir.path());
        let plain = plain::call(&component, None, &format!("{function}()"));
        assert_eq!(plain.status, 134, "{function}");
        assert_eq!(output.status.code(), Some(134), "{function}");
        let said = text(&output.stderr);
        assert_eq!(said, format!("rr-dap: the guest trapped: {UNCAUGHT}\n"));
        let trace = Arc::new(Trace::open(&path).unwrap());
        assert_eq!(*trace.outcome(), Outcome::Trapped(UNCAUGHT.into()));
        for variant in VARIANTS {
            let ended = replayed(&trace, variant);
            let expected = (Ended::Trapped(UNCAUGHT.into()), Compared::Same);
            assert_eq!(ended, expected, "{function}, {variant:?}");
        }
        let output = replay(&path);
        assert_eq!(output.status.code(), Some(134), "{function}");
        let said = text(&output.stderr);
        let expected = format!("rr-dap: the recorded run trapped: {UNCAUGHT}\n");
        assert_eq!(said, expected, "{function}");
    }
}

#[test]
fn exceptions_are_caught_where_the_guest_catches_them() {
    let dir = tempfile::tempdir().unwrap();
    let (path, output) = recorded("within", dir.path());
    assert_eq!((text(&output.stdout).as_str()), "42\n");
    assert_eq!(output.status.code(), Some(0));
    let trace = Arc::new(Trace::open(&path).unwrap());
    for variant in VARIANTS {
        let ended = replayed(&trace, variant);
        assert_eq!(ended, (Ended::Returned, Compared::Same), "{variant:?}");
    }
}

/// An exception in a start function ends the run before there is an instance.
#[test]
fn start_functions_throw() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("start.wat");
    let guest = r#"(component
        (core module $m (tag $t) (func $start (throw $t)) (start $start) (func (export "run")))
        (core instance $i (instantiate $m))
        (func (export "run") (canon lift (core func $i "run"))))"#;
    std::fs::write(&app, guest).unwrap();
    let path = dir.path().join("start.rrtrace");
    let output = record(&app, &["--invoke", "run()"], &[], "", &path);
    assert_eq!(output.status.code(), Some(134), "{}", text(&output.stderr));
    let trace = Arc::new(Trace::open(&path).unwrap());
    for variant in VARIANTS {
        let expected = (Ended::Trapped(UNCAUGHT.into()), Compared::Same);
        assert_eq!(replayed(&trace, variant), expected, "{variant:?}");
    }
}

/// Recordings used to tell an exception that nobody caught as a failure of the host.
#[test]
fn older_recordings_of_exceptions_end_alike() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = recorded("own", dir.path());
    let told = Outcome::HostError("thrown Wasm exception".into());
    let mut parts = sections(&std::fs::read(&path).unwrap());
    parts.retain(|part| part.id != INDEX);
    let end = parts.iter_mut().find(|part| part.id == END).unwrap();
    end.plain = serde_json::to_vec(&told).unwrap();
    std::fs::write(&path, file::build(&parts)).unwrap();
    let trace = Arc::new(Trace::open(&path).unwrap());
    assert_eq!(*trace.outcome(), told);
    let expected = (Ended::Trapped(UNCAUGHT.into()), Compared::Same);
    assert_eq!(replayed(&trace, Variant::Fast), expected);
}

/// The functions and payloads of what is thrown, as stops at the filter tell them.
fn throws(client: &mut Client, command: &str) -> Vec<(String, String)> {
    let mut told = Vec::new();
    loop {
        client.ask(command, json!({ "threadId": 1 }));
        let stopped = client.event("stopped");
        if stopped["reason"] != "exception" || !stopped["hitBreakpointIds"].is_array() {
            return told;
        }
        assert_eq!(stopped["description"], "Paused on exception");
        let info = client.ask("exceptionInfo", json!({ "threadId": 1 }));
        assert_eq!(info["breakMode"], "always");
        assert_eq!(info["description"], stopped["text"]);
        let stack = frames(client);
        let text = stopped["text"].as_str().unwrap();
        told.push((names(&stack)[0].to_owned(), text.to_owned()));
    }
}

fn filter(client: &mut Client, condition: Option<&str>) -> Value {
    let option = json!({ "filterId": "throw", "condition": condition });
    let arguments = json!({ "filters": [], "filterOptions": [option] });
    client.ask("setExceptionBreakpoints", arguments)["breakpoints"][0].take()
}

#[test]
fn the_filter_stops_where_something_is_thrown_in_both_directions() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fails.rrtrace");
    let app = fixture("motion/rethrown.wat");
    record(&app, &["--invoke", "fails()"], &[], "", &path);
    let mut client = start(json!({ "trace": path, "stopAt": "start" }), |_| {});
    assert_eq!(filter(&mut client, None)["verified"], true);
    let throw = |function: &str, text: &str| (function.to_owned(), format!("throws {text}"));
    let mut expected = vec![
        throw("bottom", "thrown(12)"),
        throw("again", "what was caught before"),
        throw("twice", "what was caught before"),
        throw("bottom", "thrown(58)"),
        throw("again", "what was caught before"),
    ];
    assert_eq!(throws(&mut client, "continue"), expected);
    // The last one ends the run, and is not left to get there.
    let back = throws(&mut client, "reverseContinue");
    expected.reverse();
    assert_eq!(back, expected);
    assert_eq!(filter(&mut client, Some("$local0 == 24"))["verified"], true);
    assert_eq!(
        throws(&mut client, "continue"),
        [throw("again", "what was caught before")]
    );
    assert_eq!(filter(&mut client, Some("$local0 =="))["verified"], false);
}

#[test]
fn where_nothing_is_thrown_the_filter_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nested.rrtrace");
    record(
        &fixture("wat/nested.wat"),
        &["--invoke", "run()"],
        &[],
        "",
        &path,
    );
    let mut client = start(json!({ "trace": path, "stopAt": "start" }), |_| {});
    let state = filter(&mut client, None);
    assert_eq!(state["verified"], false);
    let why = "no instruction of the program throws an exception of WebAssembly";
    assert_eq!(state["message"], why);
}

#[test]
fn the_prompt_catches_what_is_thrown() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = recorded("dropped", dir.path());
    let typed = "catch throw\ncontinue\nbt\ncontinue\nreverse-continue\n";
    let trace = path.to_str().unwrap();
    let session = rr_dap(&["debug", "--at", "start", trace], typed);
    let shown = text(&session.stdout);
    assert!(session.status.success(), "{shown}{}", text(&session.stderr));
    for told in [
        "Catchpoint 1: exception",
        "throws why(6), throw at throw.wat:8",
        "#2  resource destructor thing",
        &format!("The run trapped: {UNCAUGHT}; thrown: why(6)"),
    ] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
}

/// The names of the frames, innermost first.
fn names(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|f| f["name"].as_str().unwrap()).collect()
}

#[test]
fn the_end_is_where_it_was_thrown() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = recorded("dropped", dir.path());
    let mut client = start(json!({ "trace": path, "stopAt": "end" }), |_| {});
    let info = client.ask("exceptionInfo", json!({ "threadId": 1 }));
    assert_eq!(
        (&info["exceptionId"], &info["breakMode"]),
        (&json!("trap"), &json!("unhandled"))
    );
    let why = info["description"].as_str().unwrap();
    assert!(
        why.starts_with(&format!("{UNCAUGHT}; thrown: why")),
        "{why}"
    );
    let stack = frames(&mut client);
    let expected = [
        "throw",
        "func[5]",
        "resource destructor thing",
        "resource.drop thrower#thing",
        "call",
        "guarded",
        "func[13]",
        "dropped (export)",
    ];
    assert_eq!(names(&stack), expected);
    // So far in optimised code; and the same compiled for debugging, where more is seen.
    let mut go = |command: &str| {
        client.ask(
            command,
            json!({ "threadId": 1, "granularity": "instruction" }),
        );
        client.event("stopped")["reason"].take()
    };
    assert_eq!(go("stepBack"), "step");
    assert_eq!(go("next"), "exception");
    let debugged = frames(&mut client);
    assert_eq!(names(&debugged), expected);
    let place = |frame: &Value| frame["instructionPointerReference"].clone();
    assert!(debugged.iter().map(place).eq(stack.iter().map(place)));
    let scopes = variables(&mut client, &debugged[0]);
    let mut scopes = scopes.as_array().unwrap().iter();
    let scope = scopes
        .find(|scope| scope["scope"] == "Wasm locals")
        .unwrap();
    let locals: Vec<&Value> = scope["variables"].as_array().unwrap().iter().collect();
    let values: Vec<&str> = locals
        .iter()
        .map(|local| local["value"].as_str().unwrap())
        .collect();
    assert_eq!(values.len(), 2, "{locals:?}");
    assert!(
        values[0].starts_with('3') && values[1].starts_with('6'),
        "{values:?}"
    );
}
