//! Asynchronous hostcalls as people think of them: without the component model's plumbing, with
//! what came of them later, and with a way there.

use crate::concurrency::{go, recording, timeline};
use crate::support::client::Client;
use crate::support::session::{frames, start, variables};
use crate::support::{cache_dir, concurrent, fixture, record, rr_dap, text};
use parking_lot::Mutex;
use rr_dap::component::{Builtin, Component, CrossingId, CrossingKind, Transmit};
use rr_dap::inspect::hostcall::arrivals::Arrivals;
use rr_dap::inspect::hostcall::builtin_call::number;
use rr_dap::inspect::hostcall::delivery;
use rr_dap::inspect::hostcall::hostcalls::{Hostcall, each_hostcall_arriving};
use rr_dap::inspect::hostcall::in_progress::overlay;
use rr_dap::inspect::hostcall::lift::{Bytes, Lifted, Lifter, List};
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Compiled, Phase};
use rr_dap::timeline::travel::motion::Direction::{Backward, Forward};
use rr_dap::timeline::travel::motion::{HostcallFilter, Motion, Reason};
use rr_dap::trace::{EventKind, Trace};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::sync::Arc;
use wasmtime::component::Val;

const GUESTS: [&str; 6] = [
    "callback",
    "subtasks",
    "waiting",
    "streams",
    "futures",
    "handles-later",
];

/// What comes after so many other calls is left out: a guest may ask that often whether something
/// has come.
const FAR: u64 = 9_000;

/// What is called, in order.
fn called(trace: &Trace) -> Vec<CrossingId> {
    let mut cursor = trace.events_from(0).expect("events");
    let mut called = Vec::new();
    while let Some(event) = cursor.next().expect("sound events") {
        if let EventKind::Call(_) = event.kind {
            called.push(event.crossing);
        }
    }
    called
}

/// The events of what is called and is no plumbing.
pub fn meant(trace: &Trace) -> Vec<u64> {
    let component = trace.component();
    let is_plumbing = |id| component.crossing(id).expect("a crossing").is_plumbing();
    let called = (0..).zip(called(trace));
    called
        .filter(|(_, id)| !is_plumbing(*id))
        .map(|(event, _)| event)
        .collect()
}

#[test]
fn motions_pass_plumbing_by() {
    for name in ["callback", "streams", "futures"] {
        let (_dir, trace) = recording(&format!("wat/{name}.wat"));
        let meant = meant(&trace);
        let all = trace.hostcalls().expect("a count") as usize;
        assert!(!meant.is_empty() && meant.len() < all, "{name}");
        let mut timeline = timeline(trace);
        let mut walked = Vec::new();
        loop {
            let stop = go(
                &mut timeline,
                Motion::Hostcall(Forward, HostcallFilter::MEANT),
            );
            if matches!(stop.reason, Reason::End(_)) {
                break;
            }
            walked.push(stop.event);
        }
        assert_eq!(walked, meant, "{name}");
        for event in meant.iter().rev() {
            let back = Motion::Hostcall(Backward, HostcallFilter::MEANT);
            assert_eq!(go(&mut timeline, back).event, *event, "{name}");
        }
        // From before the first one, over it.
        go(&mut timeline, Motion::Start);
        let over = Motion::OverHostcall(Forward, HostcallFilter::MEANT);
        let stop = go(&mut timeline, over);
        assert_eq!(stop.position.phase, Phase::Answered, "{name}");
        assert!(stop.event > meant[0], "{name}");
        // Who names plumbing means it.
        go(&mut timeline, Motion::Start);
        let stop = go(
            &mut timeline,
            Motion::Hostcall(Forward, HostcallFilter::named("waitable")),
        );
        assert!(!meant.contains(&stop.event), "{name}");
        let crossing = timeline.crossing().expect("asks").expect("in a hostcall");
        let crossing = timeline
            .trace()
            .component()
            .crossing(crossing.calling.crossing);
        assert!(crossing.expect("a crossing").name.starts_with("waitable"));
    }
}

/// All hostcalls with what came of them.
fn listed(trace: &Arc<Trace>, arrivals: &Arc<Arrivals>) -> Vec<Hostcall> {
    let cache = CacheDir::open(&cache_dir()).expect("a cache");
    let compiled = Compiled::prepare(trace, &cache, Variant::Fast, &|_, _| {}).expect("compiles");
    let listed = Arc::new(Mutex::new(Vec::new()));
    let shared = listed.clone();
    let told = each_hostcall_arriving(trace.clone(), &compiled, arrivals.clone(), move |call| {
        shared.lock().push(call);
        ControlFlow::<()>::Continue(())
    });
    assert_eq!(told.expect("replays"), ControlFlow::Continue(()));
    std::mem::take(&mut *listed.lock())
}

/// The first elements of a list.
fn first_of(value: &Lifted, count: u64) -> Lifted {
    let most = usize::try_from(count).expect("a count");
    match value {
        Lifted::Bytes(bytes) => Lifted::Bytes(Bytes {
            length: count,
            head: bytes.head.iter().copied().take(most).collect(),
            ..bytes.clone()
        }),
        Lifted::List(list) => Lifted::List(List {
            length: count,
            head: list.head.iter().take(most).cloned().collect(),
            ..list.clone()
        }),
        other => panic!("{other:?}"),
    }
}

/// The value that is in memory when the program is told of it is the one that is made of all that
/// was written into the memory of the program from the call on; what was taken of what it wrote is
/// the beginning of what it offered.
#[test]
fn what_came_is_what_was_written_meanwhile() {
    let (mut results, mut reads, mut writes) = (0, 0, 0);
    for name in GUESTS {
        let (_dir, trace) = recording(&format!("wat/{name}.wat"));
        let component = trace.component().clone();
        let arrivals = Arc::new(Arrivals::of_while(&trace, || true).expect("all of it"));
        let listed = listed(&trace, &arrivals);
        let numbers = listed.iter().map(|call| call.call.event);
        assert!(numbers.eq(0..listed.len() as u64), "{name}: in order");
        for call in &listed {
            let event = call.call.event;
            let crossing = component.crossing(call.call.crossing).expect("a crossing");
            let Some(arrival) = arrivals.of(event) else {
                continue;
            };
            let args = &call.call.args;
            let handle = || number(args.first()).expect("a handle") as u32;
            let handle = arrival.subtask.unwrap_or_else(handle);
            let instance = call.call.instance;
            let found = delivery::delivery(&trace, event, crossing.id, instance, handle);
            let found = found.expect("sound events");
            let told = arrival.told;
            assert_eq!(
                told.map(|told| (told.event, told.resolution)),
                found.as_ref().map(|found| (found.event, found.resolution)),
                "{name} {event}"
            );
            let Some(found) = found else {
                assert_eq!(call.brought, None, "{name} {event}");
                continue;
            };
            if found.event - event > FAR {
                continue;
            }
            let memory = |address, length| {
                let mut bytes = vec![0; usize::try_from(length).ok()?];
                overlay(&found.writes, address, &mut bytes);
                Some(bytes)
            };
            let lifter = Lifter::new(&memory, crossing.encoding, crossing.pointer);
            let written = found.resolution.brought(&lifter, crossing, args);
            let offered = |name: &str| {
                let mut arguments = call.arguments.iter();
                let offered = arguments.find(|(argument, _)| argument == name);
                &offered.expect("the argument").1
            };
            match &crossing.kind {
                CrossingKind::Builtin(Builtin::Stream(Transmit::Write, Some(_))) => {
                    if let Some(brought) = &call.brought {
                        let count = match brought {
                            Lifted::Bytes(bytes) => bytes.length,
                            Lifted::List(list) => list.length,
                            other => panic!("{name} {event}: {other:?}"),
                        };
                        assert_eq!(*brought, first_of(offered("elements"), count));
                        writes += 1;
                    }
                }
                CrossingKind::Builtin(Builtin::Future(Transmit::Write, Some(_))) => {
                    if let Some(brought) = &call.brought {
                        assert_eq!(brought, offered("value"), "{name} {event}");
                        writes += 1;
                    }
                }
                CrossingKind::Builtin(_) => {
                    assert_eq!(call.brought, written, "{name} {event}");
                    reads += u32::from(written.is_some());
                }
                _ => {
                    assert_eq!(call.brought, written, "{name} {event}");
                    results += u32::from(written.is_some());
                }
            }
        }
    }
    let all = (results, reads, writes);
    assert!(results >= 4 && reads >= 2 && writes >= 1, "{all:?}");
}

/// What `trace events` prints.
fn events(trace: &Trace, options: &[&str]) -> String {
    let path = trace.path().to_str().expect("a name").to_owned();
    let mut args = vec!["trace", "events"];
    args.extend(options);
    args.push(&path);
    let listed = rr_dap(&args, "");
    assert!(listed.status.success(), "{listed:?}");
    text(&listed.stdout)
}

fn objects(lines: &str) -> Vec<Value> {
    let lines = lines.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn lists_tell_what_came_at_the_call_and_where_the_program_is_told() {
    for name in GUESTS {
        let (_dir, trace) = recording(&format!("wat/{name}.wat"));
        let listed = objects(&events(&trace, &["--json"]));
        let mut expected = Vec::new();
        for call in &listed {
            let later = &call["later"];
            let told_in = later["event"].as_u64();
            if told_in.is_some_and(|event| event < listed.len() as u64) {
                expected.push((told_in, call["event"].clone(), later["result"].clone()));
            }
        }
        let mut told = Vec::new();
        for call in &listed {
            for ended in call["told"].as_array().into_iter().flatten() {
                let event = call["event"].as_u64();
                told.push((event, ended["event"].clone(), ended["result"].clone()));
                if ended["inCall"] == true {
                    let name = call["name"].as_str().expect("a name");
                    let tells = name.starts_with("waitable-set.") || name.contains("cancel");
                    assert!(tells, "{call}");
                }
            }
        }
        let key = |(event, begun, _): &(Option<u64>, Value, Value)| (*event, begun.as_u64());
        expected.sort_by_key(key);
        told.sort_by_key(key);
        assert!(!told.is_empty(), "{name}");
        assert_eq!(told, expected, "{name}");
    }
    let (_dir, trace) = recording("wat/subtasks.wat");
    let listed = events(&trace, &[]);
    // It is what the program prints and returns.
    for value in ["\"after 5 ms\"", "\"after 30 ms\""] {
        assert!(
            listed.contains(&format!("{value} returned before event")),
            "{listed}"
        );
        assert!(listed.contains(&format!(": {value} returned)")), "{listed}");
    }
}

#[test]
fn lists_dim_plumbing_or_leave_it_out() {
    let (_dir, trace) = recording("wat/streams.wat");
    let meant = meant(&trace);
    let all = trace.hostcalls().expect("a count");
    let listed = objects(&events(&trace, &["--json"]));
    assert_eq!(listed.len() as u64, all);
    let shown = |listed: &[Value]| -> Vec<u64> {
        let shown = listed.iter().filter(|call| call["builtin"] == false);
        shown.map(|call| call["event"].as_u64().unwrap()).collect()
    };
    assert_eq!(shown(&listed), meant);
    let hidden = objects(&events(&trace, &["--json", "--builtins=hide"]));
    assert_eq!((shown(&hidden), hidden.len()), (meant.clone(), meant.len()));
    let flat = objects(&events(&trace, &["--json", "--builtins=hide", "--lowered"]));
    assert_eq!(shown(&flat), meant);
    let named = events(&trace, &["--builtins=hide", "--filter", "waitable"]);
    assert!(named.contains("waitable.join"), "{named}");
    // Counts that people read are of what they mean.
    let path = trace.path().to_str().expect("a name");
    let told = text(&rr_dap(&["trace", "info", path], "").stdout);
    let (hostcalls, plumbing) = (meant.len(), all as usize - meant.len());
    let counted = format!("{hostcalls} hostcalls, {plumbing} built-ins, ");
    assert!(told.contains(&counted), "{counted}: {told}");
    let dir = tempfile::tempdir().expect("a directory");
    let plain = dir.path().join("t.rrtrace");
    let app = fixture("wat/errors.wat");
    record(&app, &["--quiet", "--invoke", "run()"], &[], "", &plain);
    let plain = plain.to_str().expect("a name");
    let told = text(&rr_dap(&["trace", "info", plain], "").stdout);
    assert!(!told.contains("built-in"), "{told}");
}

/// Two attempts at once, the first of which fails later.
const ATTEMPTS: &str = r#"(component
  (import "host" (instance $host
    (export "attempt" (func async (param "ms" u32) (result (result u32 (error u32)))))))
  (core module $libc (memory (export "memory") 1))
  (core instance $l (instantiate $libc))
  (alias export $host "attempt" (func $attempt))
  (core func $attempt' (canon lower (func $attempt) async (memory $l "memory")))
  (core func $return (canon task.return (result u32)))
  (core func $set-new (canon waitable-set.new))
  (core func $join (canon waitable.join))
  (core module $code
    (import "libc" "memory" (memory 1))
    (import "" "attempt" (func $attempt (param i32 i32) (result i32)))
    (import "" "return" (func $return (param i32)))
    (import "" "set-new" (func $set-new (result i32)))
    (import "" "join" (func $join (param i32 i32)))
    (global $set (mut i32) (i32.const 0))
    (global $done (mut i32) (i32.const 0))
    (func $begin (param $ms i32) (param $area i32)
      (call $join
        (i32.shr_u (call $attempt (local.get $ms) (local.get $area)) (i32.const 4))
        (global.get $set)))
    (func (export "run") (result i32)
      (global.set $set (call $set-new))
      (call $begin (i32.const 5) (i32.const 32))
      (call $begin (i32.const 8) (i32.const 48))
      (i32.or (i32.const 2) (i32.shl (global.get $set) (i32.const 4))))
    (func (export "callback") (param i32 i32 i32) (result i32)
      (global.set $done (i32.add (global.get $done) (i32.const 1)))
      (if (i32.lt_u (global.get $done) (i32.const 2))
        (then (return (i32.or (i32.const 2) (i32.shl (global.get $set) (i32.const 4))))))
      (call $return (i32.add (i32.load (i32.const 36)) (i32.load (i32.const 52))))
      (i32.const 0)))
  (core instance $m (instantiate $code (with "libc" (instance $l)) (with "" (instance
    (export "attempt" (func $attempt')) (export "return" (func $return))
    (export "set-new" (func $set-new)) (export "join" (func $join))))))
  (func (export "run") async (result u32)
    (canon lift (core func $m "run") async (callback (func $m "callback")))))"#;

#[test]
fn an_error_that_comes_later_is_a_failure_of_the_call() {
    let bytes = wat::parse_str(ATTEMPTS).unwrap_or_else(|e| panic!("{e}"));
    let component = Arc::new(Component::parse(bytes).expect("parses"));
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("t.rrtrace");
    let (ran, recorded) = concurrent::record(&component, &path);
    recorded.expect("is recorded");
    assert_eq!(ran.result, Ok(Some(Val::U32(508))));
    let trace = Trace::open(&path).expect("opens");
    let mut client = session(&trace);
    let failed = client.ask("rr/hostcalls", json!({ "failed": true }));
    assert_eq!(failed["total"], 1, "{failed}");
    let call = &failed["hostcalls"][0];
    assert_eq!(
        (&call["function"], &call["arguments"]),
        (&json!("attempt"), &json!("ms: 5"))
    );
    assert_eq!(call["later"]["result"], "err(500)", "{call}");
    let step = |direction| json!({ "direction": direction, "unit": "hostcall", "failed": true });
    let there = moved(&mut client, "rr/step", step("forward"));
    assert_eq!(there["moment"]["event"], call["event"], "{there}");
    moved(&mut client, "rr/seek", json!({ "to": "end" }));
    let there = moved(&mut client, "rr/step", step("backward"));
    assert_eq!(there["moment"]["event"], call["event"], "{there}");
    let filters = json!({ "filters": ["failedHostcall"] });
    client.ask("setExceptionBreakpoints", filters);
    moved(&mut client, "rr/seek", json!({ "to": "start" }));
    client.go("continue");
    let there = client.ask("rr/when", json!({}));
    assert_eq!(there["moment"]["event"], call["event"], "{there}");
    client.go("continue");
    assert_eq!(client.ask("rr/when", json!({}))["phase"], "end");
}

/// A session with a recording, at its start.
fn session(trace: &Trace) -> Client {
    start(json!({ "trace": trace.path(), "stopAt": "start" }), |_| {})
}

fn moved(client: &mut Client, command: &str, arguments: Value) -> Value {
    client.ask(command, arguments);
    client.event("stopped");
    client.ask("rr/when", json!({}))
}

fn over_to_result(direction: &str) -> Value {
    json!({ "direction": direction, "unit": "hostcall", "kind": "over", "result": true })
}

/// Where the program is told of the end of a hostcall, the frame that tells shows what came.
fn check_arrived(client: &mut Client, call: &Value, in_call: bool) {
    let scope = if in_call { "Result" } else { "Arguments" };
    let frames = frames(client);
    let is_teller = |frame: &&Value| {
        let name = frame["name"].as_str().unwrap();
        in_call || name.starts_with("callback ")
    };
    let teller = frames.iter().find(is_teller).expect("what tells");
    let shown = variables(client, teller);
    let scopes = shown.as_array().unwrap().iter();
    let rows = scopes
        .filter(|of| of["scope"].as_str().unwrap().starts_with(scope))
        .flat_map(|of| of["variables"].as_array().unwrap());
    let rows: Vec<&Value> = rows.collect();
    let value = |name: &str| {
        let mut rows = rows.iter();
        let row = rows.find(|row| row["name"] == name)?;
        row["value"].as_str()
    };
    let of = value("of").unwrap_or_else(|| panic!("{call} {shown}"));
    let event = &call["event"];
    assert!(
        of.contains(&format!("of hostcall {event}: ")),
        "{of} {call}"
    );
    let later = &call["later"];
    match later["result"].as_str() {
        Some(result) => {
            let arrived = value("arrived").unwrap_or_else(|| panic!("{call} {shown}"));
            assert!(arrived.contains(result), "{arrived} {later}");
            // It is a value like others.
            let asked =
                json!({ "expression": "$arrived", "frameId": teller["id"], "context": "hover" });
            assert_eq!(client.ask("evaluate", asked)["result"], arrived);
        }
        None => assert_eq!(value("arrived"), None, "{call} {shown}"),
    }
}

#[test]
fn over_to_a_result_and_back() {
    let mut untold = 0;
    for name in ["callback", "subtasks", "waiting", "streams", "futures"] {
        let (_dir, trace) = recording(&format!("wat/{name}.wat"));
        let mut client = session(&trace);
        let all = client.ask("rr/hostcalls", json!({ "builtins": true }));
        let all = all["hostcalls"].as_array().expect("a list").clone();
        let few = client.ask("rr/hostcalls", json!({}));
        assert_eq!(few["total"], meant(&trace).len(), "{name}");
        let mut arrived = 0;
        for call in &all {
            let (event, later) = (&call["event"], &call["later"]);
            if later.is_null() {
                continue;
            }
            let when = moved(&mut client, "rr/seek", json!({ "event": event }));
            assert_eq!(
                (&when["moment"]["event"], &when["phase"]),
                (event, &json!("calling"))
            );
            let Some(told) = later["event"].as_u64() else {
                let refused = client.refusal("rr/step", over_to_result("forward"));
                assert!(refused.contains("its end was never told"), "{refused}");
                untold += 1;
                continue;
            };
            arrived += 1;
            // The frame of the call shows what the list does.
            let frame = &frames(&mut client)[0]["id"];
            let hovered = json!({ "expression": "$result", "frameId": frame, "context": "hover" });
            let shown = client.ask("evaluate", hovered)["result"].clone();
            if let Some(result) = later["result"].as_str() {
                let shown = shown.as_str().expect("a text");
                let expected = [result.to_owned(), format!("completed({result})")];
                let is_it = expected.contains(&shown.to_owned()) || shown.contains(result);
                assert!(is_it, "{name} {event}: {shown} {later}");
            }
            let there = moved(&mut client, "rr/step", over_to_result("forward"));
            let in_call = later["text"].as_str().unwrap().contains(" in event ");
            check_arrived(&mut client, call, in_call);
            let at = there["moment"]["event"].as_u64().expect("a number");
            match in_call {
                true => {
                    assert_eq!(there["phase"], "answered", "{name} {event}: {there}");
                    assert!(at > told, "{name} {event}: {there}");
                }
                false => assert!(at <= told, "{name} {event}: {there}"),
            }
            // Forward from there is on to another one, and back from there to the call.
            let back = moved(&mut client, "rr/step", over_to_result("backward"));
            assert_eq!(back["moment"]["event"], *event, "{name}: {later} {there}");
        }
        assert!(arrived > 0, "{name}");
        moved(&mut client, "rr/seek", json!({ "to": "start" }));
        let refused = client.refusal("rr/step", over_to_result("backward"));
        assert!(
            refused.contains("told of no result before this"),
            "{refused}"
        );
        moved(&mut client, "rr/seek", json!({ "to": "end" }));
        let refused = client.refusal("rr/step", over_to_result("forward"));
        assert!(refused.contains("no hostcall from here on"), "{refused}");
    }
    println!("{untold} were never told");
}

#[test]
fn the_console_leads_to_results_and_lists_without_plumbing() {
    let (_dir, trace) = recording("wat/subtasks.wat");
    let mut client = session(&trace);
    let said = |client: &mut Client, line: &str| {
        let asked = json!({ "expression": line, "context": "repl" });
        let said = client.ask("evaluate", asked)["result"].clone();
        said.as_str().expect("a text").to_owned()
    };
    let few = said(&mut client, "hostcalls");
    assert!(
        few.contains("\"after 30 ms\" returned before event"),
        "{few}"
    );
    assert!(!few.contains("waitable"), "{few}");
    let all = said(&mut client, "hostcalls --builtins");
    assert!(all.contains("·") && all.contains("waitable.join"), "{all}");
    assert!(said(&mut client, "hostcalls waitable").contains("waitable.join"));
    let none = said(&mut client, "hostcalls nothing-like-it");
    let count = meant(&trace).len();
    assert_eq!(none, format!("none of the {count} hostcalls is like that"));
    said(&mut client, "hostcall over --result");
    client.event("stopped");
    let there = client.ask("rr/when", json!({}));
    said(&mut client, "hostcall back --result");
    client.event("stopped");
    let back = client.ask("rr/when", json!({}));
    let arrivals = Arrivals::of_while(&trace, || true).expect("all of it");
    let (first, _) = arrivals.begun_from(0).expect("one");
    assert_eq!(back["moment"]["event"], first, "{there} {back}");
}
