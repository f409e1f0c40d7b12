//! What a session shows of the calls out of the guest and into it: frames, arguments,
//! results, the core level; and what the guest printed.

use crate::support::client::Client;
use crate::support::{cache_dir, fixture, record, rr_dap, text};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A session of the real server with a recording.
struct Session {
    client: Client,
    child: Child,
}

impl Drop for Session {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Session {
    fn open(trace: &Path) -> Session {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
            .env("RR_DAP_CACHE", cache_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut client = Client::new(
            Box::new(child.stdout.take().unwrap()),
            Box::new(child.stdin.take().unwrap()),
        );
        client.initialize();
        client.ask("launch", json!({ "trace": trace, "stopOnEntry": true }));
        client.event("initialized");
        client.ask("configurationDone", Value::Null);
        client.event("stopped");
        // What handles mean is found out in the background: this waits for it.
        let asked = client.send("rr/resources", json!({ "at": "end" }));
        client.response(asked);
        Session { client, child }
    }

    fn go_to_event(&mut self, event: u64) {
        let expression = format!("rr goto event {event}");
        self.client.ask(
            "evaluate",
            json!({ "expression": expression, "context": "repl" }),
        );
        self.client.event("stopped");
    }

    fn step_instruction(&mut self) {
        let arguments = json!({ "threadId": 1, "granularity": "instruction" });
        self.client.ask("stepIn", arguments);
        self.client.event("stopped");
    }

    fn frames(&mut self) -> Vec<(String, i64)> {
        let trace = self.client.ask("stackTrace", json!({ "threadId": 1 }));
        let frames = trace["stackFrames"].as_array().unwrap();
        frames
            .iter()
            .map(|f| {
                (
                    f["name"].as_str().unwrap().to_owned(),
                    f["id"].as_i64().unwrap(),
                )
            })
            .collect()
    }

    fn names(&mut self) -> Vec<String> {
        self.frames().into_iter().map(|(name, _)| name).collect()
    }

    fn variables(&mut self, arguments: Value) -> Vec<Value> {
        let body = self.client.ask("variables", arguments);
        body["variables"].as_array().unwrap().clone()
    }

    /// The rows of a frame's scope whose name begins so.
    fn scope(&mut self, frame: i64, name: &str) -> Vec<Value> {
        let scopes = self.client.ask("scopes", json!({ "frameId": frame }));
        let scopes = scopes["scopes"].as_array().unwrap().clone();
        let scope = scopes
            .iter()
            .find(|scope| scope["name"].as_str().unwrap().starts_with(name));
        let core_level = || {
            let all = scopes.iter().find(|scope| scope["name"] == "WebAssembly")?;
            let all = json!({ "variablesReference": all["variablesReference"] });
            let groups = self.variables(all);
            groups.into_iter().find(|group| group["name"] == name)
        };
        let scope = scope.cloned().or_else(core_level);
        let scope = scope.unwrap_or_else(|| panic!("no {name} in {scopes:#?}"));
        self.variables(json!({ "variablesReference": scope["variablesReference"] }))
    }

    fn evaluate(&mut self, expression: &str, frame: i64) -> Value {
        let arguments = json!({ "expression": expression, "frameId": frame, "context": "watch" });
        self.client.ask("evaluate", arguments)
    }
}

fn told(rows: &[Value]) -> Vec<[String; 3]> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    rows.iter()
        .map(|row| [text(row, "name"), text(row, "type"), text(row, "value")])
        .collect()
}

/// A recording of a command that prints the lines of a file.
fn cat(dir: &Path) -> PathBuf {
    std::fs::write(dir.join("a.txt"), "line one\nline two\n").unwrap();
    let trace = dir.join("cat.rrtrace");
    let mount = format!("{}::/work", dir.display());
    let args = ["cat", "/work/a.txt"];
    let recorded = record(
        &fixture("kitchen.wasm"),
        &["--dir", &mount],
        &args,
        "",
        &trace,
    );
    assert!(recorded.status.success(), "{recorded:?}");
    trace
}

/// The number of the first hostcall with this in its name.
fn event_of(trace: &Path, name: &str) -> u64 {
    let line = ["trace", "events", "--json", trace.to_str().unwrap()];
    let listed = text(&rr_dap(&line, "").stdout);
    let calls = listed
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap());
    let mut own = calls.filter(|call| call["name"].as_str().unwrap().contains(name));
    own.next().unwrap()["event"].as_u64().unwrap()
}

#[test]
fn a_hostcall_shows_what_it_was_given_and_what_it_will_answer() {
    let dir = tempfile::tempdir().unwrap();
    let trace = cat(dir.path());
    let mut session = Session::open(&trace);
    session.go_to_event(event_of(&trace, "descriptor.open-at"));
    let (name, frame) = session.frames()[0].clone();
    assert_eq!(
        name,
        "wasi:filesystem/types@0.2.12#[method]descriptor.open-at"
    );
    let types = "wasi:filesystem/types@0.2.12";
    let row = |name: &str, ty: &str, value: &str| [name, ty, value].map(str::to_owned);
    let arguments = session.scope(frame, "Arguments");
    let opened = "own<descriptor> 5 (descriptor of \"/work/a.txt\")";
    assert_eq!(
        told(&arguments),
        [
            row(
                "self",
                "borrow<descriptor>",
                "borrow<descriptor> 4 (preopened directory \"/work\")"
            ),
            row(
                "path-flags",
                &format!("{types}#path-flags"),
                "{symlink-follow}"
            ),
            row("path", "string", "\"a.txt\""),
            row("open-flags", &format!("{types}#open-flags"), "{}"),
            row("flags", &format!("{types}#descriptor-flags"), "{read}"),
        ]
    );
    let result = session.scope(frame, "Result (what will be returned)");
    let expected = format!("ok({opened})");
    assert_eq!(
        told(&result),
        [row("result", "result<descriptor, error-code>", &expected)]
    );
    assert_eq!(session.evaluate("$result.ok", frame)["result"], opened);
    let guest = session.frames()[1].1;
    assert_eq!(session.evaluate("$arg.path", guest)["result"], "\"a.txt\"");

    let lowered = session.scope(frame, "Lowered");
    let names: Vec<&str> = lowered
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names[..7],
        [
            "self",
            "path-flags",
            "path (address)",
            "path (length)",
            "open-flags",
            "flags",
            "return area (address)"
        ]
    );
    let block = &lowered[7];
    assert_eq!(block["value"], "61 2e 74 78 74  b\"a.txt\"");
    let memory = json!({ "memoryReference": block["memoryReference"], "count": 5 });
    assert_eq!(session.client.ask("readMemory", memory)["data"], "YS50eHQ=");
    // What will be written, not what is there.
    let area = &lowered[8];
    assert!(
        area["name"]
            .as_str()
            .unwrap()
            .starts_with("return area at 0x")
    );
    assert!(
        area["value"]
            .as_str()
            .unwrap()
            .starts_with("00 00 00 00 05 00 00 00"),
        "{area}"
    );

    // When it has returned, the same is there.
    let arguments = json!({ "threadId": 1, "granularity": "instruction" });
    session.client.ask("next", arguments);
    session.client.event("stopped");
    assert!(!session.names()[0].contains("open-at"));
    let read = json!({ "memoryReference": area["memoryReference"], "count": 8 });
    assert_eq!(
        session.client.ask("readMemory", read)["data"],
        "AAAAAAUAAAA="
    );
}

#[test]
fn calls_into_the_guest_are_frames_where_they_were_made() {
    let dir = tempfile::tempdir().unwrap();
    let trace = cat(dir.path());
    let mut session = Session::open(&trace);
    let read = "wasi:io/streams@0.2.12#[method]input-stream.blocking-read";
    session.go_to_event(event_of(&trace, read));
    let before = session.names();
    assert_eq!(before[0], read);
    assert_eq!(before.last().unwrap(), "wasi:cli/run@0.2.12#run (export)");
    while !session.names()[0].contains("realloc") {
        session.step_instruction();
    }
    let inside = session.names();
    let asked =
        format!("realloc(old=0, old_size=0, align=1, new_size=18) for the result of {read}");
    assert_eq!(inside[1], asked);
    // Below it, the stack is as it was.
    assert_eq!(inside[2..], before[..]);

    let frames = session.frames();
    let arguments = session.scope(frames[1].1, "Arguments");
    let values: Vec<String> = told(&arguments)
        .into_iter()
        .map(|[.., value]| value)
        .collect();
    assert_eq!(values, ["0", "0", "1", "18"]);
    let pointer = session.scope(frames[1].1, "Result (what will be returned)");
    let pointer: u64 = pointer[0]["value"].as_str().unwrap().parse().unwrap();
    // The result of the call that asks for it lies there.
    let result = session.evaluate("$result.ok", frames[2].1);
    let at = result["memoryReference"]
        .as_str()
        .unwrap()
        .trim_start_matches("0x");
    assert_eq!(u64::from_str_radix(at, 16).unwrap() & 0xffff_ffff, pointer);
    assert_eq!(result["result"], "b\"line one\\nline two\\n\"");
    let page = json!({
        "variablesReference": result["variablesReference"], "filter": "indexed", "start": 5, "count": 3,
    });
    let page = told(&session.variables(page));
    let element = |i: u32, value: u8| [format!("[{i}]"), "u8".to_owned(), value.to_string()];
    assert_eq!(page, [element(5, b'o'), element(6, b'n'), element(7, b'e')]);
    let outermost = frames.last().unwrap().1;
    assert_eq!(session.scope(outermost, "Result")[0]["value"], "ok");
}

#[test]
fn components_that_call_each_other_are_on_one_stack_in_either_variant() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("nested.rrtrace");
    let app = fixture("wat/nested.wat");
    let recorded = record(&app, &["--invoke", "run()"], &[], "", &trace);
    assert!(recorded.status.success(), "{recorded:?}");
    let mut session = Session::open(&trace);
    session.go_to_event(1);
    // Optimised: the guest has no debug information.
    let optimised = session.frames();
    let names: Vec<&str> = optimised.iter().map(|(name, _)| &**name).collect();
    let crossings = ["below", "value (export)", "left", "run (export)"];
    assert_eq!([names[0], names[2], names[3], names[5]], crossings);
    assert_eq!(names.len(), 6);
    let ended = session.scope(optimised[2].1, "Result (what will be returned)");
    assert_eq!(ended[0]["value"], "11");
    // And compiled for debugging.
    session.step_instruction();
    session.go_to_event(1);
    assert_eq!(session.frames(), optimised);
    let locals = session.scope(optimised[1].1, "Wasm locals");
    assert!(locals.is_empty(), "{locals:?}");
}

#[test]
fn the_core_level_has_names_tables_and_memories() {
    let dir = tempfile::tempdir().unwrap();
    let trace = cat(dir.path());
    let mut session = Session::open(&trace);
    session.go_to_event(event_of(&trace, "descriptor.open-at"));
    let frames = session.frames();
    let main = frames.iter().find(|(name, _)| name == "main").unwrap().1;
    let globals = told(&session.scope(main, "Globals"));
    assert_eq!(globals[0][..2], ["global0 __stack_pointer", "mut i32"]);
    let tables = session.scope(main, "Tables");
    let size = tables[0]["indexedVariables"].as_u64().unwrap();
    let table = tables[0]["variablesReference"].clone();
    let elements = told(&session.variables(json!({ "variablesReference": table })));
    assert_eq!(elements.len() as u64, size);
    assert_eq!(elements[0][2], "null");
    let by_name = elements
        .iter()
        .position(|[.., value]| value.ends_with(" by_name"));
    let page = json!({ "variablesReference": table, "start": by_name, "count": 1 });
    assert_eq!(
        told(&session.variables(page))[0],
        elements[by_name.unwrap()]
    );
    let memory = session.scope(main, "Memories")[0].clone();
    assert!(
        memory["value"].as_str().unwrap().contains(" pages"),
        "{memory}"
    );
    let inside = json!({ "variablesReference": memory["variablesReference"] });
    let data = session.variables(inside);
    assert!(
        data[0]["name"].as_str().unwrap().contains(".rodata"),
        "{data:?}"
    );
    let read = json!({ "memoryReference": memory["memoryReference"], "count": 16 });
    assert!(session.client.ask("readMemory", read)["data"].is_string());
}

#[test]
fn a_result_that_comes_late_is_shown_with_who_brings_it() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("callback.rrtrace");
    let app = fixture("wat/callback.wat");
    let recorded = record(&app, &["--invoke", "run(\"Ada\")"], &[], "", &trace);
    assert!(recorded.status.success(), "{recorded:?}");
    let mut session = Session::open(&trace);
    session.go_to_event(0);
    let frame = session.frames()[0].1;
    let rows = told(&session.scope(frame, "Result (comes later)"));
    assert_eq!(rows[0], ["result", "string", "\"Ada\""]);
    assert_eq!(rows[1][0], "delivered");
    assert!(
        rows[1][2].contains("as callback run is told before event 4"),
        "{rows:?}"
    );
}

#[test]
fn a_wrong_handle_is_explained_where_the_run_ends() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("wrong.rrtrace");
    let app = fixture("wat/handles.wat");
    let recorded = record(&app, &["--invoke", "wrong-type()"], &[], "", &trace);
    assert!(!recorded.status.success());
    let mut session = Session::open(&trace);
    session.client.go("continue");
    // The stop tells what is known by then; whoever asks waits for it.
    let why = json!({ "threadId": 1 });
    let why = session.client.ask("exceptionInfo", why);
    let said = why["description"].as_str().unwrap();
    assert!(said.contains("handle 1 is wanted as"), "{said}");
    assert!(said.contains("created by resource.new (event 0)"), "{said}");
}

#[test]
fn what_was_printed_is_told_with_the_calls_that_wrote_it() {
    let dir = tempfile::tempdir().unwrap();
    let trace = cat(dir.path());
    let pieces = |options: &[&str]| -> Vec<Value> {
        let mut line = vec!["trace", "output", "--json", trace.to_str().unwrap()];
        line.extend(options);
        let output = rr_dap(&line, "");
        assert!(output.status.success(), "{output:?}");
        text(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let all = pieces(&[]);
    let whole: String = all.iter().map(|p| p["text"].as_str().unwrap()).collect();
    assert_eq!(whole, "line 1: line one\nline 2: line two\n");
    let mut offset = 0;
    for piece in &all {
        assert_eq!(piece["stream"], "stdout");
        assert_eq!(piece["offset"], offset);
        offset += piece["length"].as_u64().unwrap();
    }
    let first = event_of(&trace, "blocking-write-and-flush");
    assert_eq!(all[0]["event"], first);
    assert!(pieces(&["--at", &first.to_string()]).is_empty());
    assert_eq!(pieces(&["--at", &(first + 1).to_string()]), all[..1]);
    let line = ["trace", "output", trace.to_str().unwrap()];
    let told = text(&rr_dap(&line, "").stdout);
    let expected = format!("{first:>8}  stdout at 0: b\"line 1: \"");
    assert_eq!(told.lines().next().unwrap(), expected);
    let late = rr_dap(
        &["trace", "output", "--at", "9999", trace.to_str().unwrap()],
        "",
    );
    assert!(text(&late.stderr).contains("there is no hostcall 9999"));
}

/// With WASI 0.3, a stream takes what is written to it when it likes.
#[test]
fn what_is_printed_through_streams_belongs_to_the_write() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("sleepers.rrtrace");
    let app = fixture("sleepers.wasm");
    let recorded = record(&app, &[], &["one", "two"], "input", &trace);
    assert!(recorded.status.success(), "{recorded:?}");
    let line = ["trace", "output", "--json", trace.to_str().unwrap()];
    let listed = text(&rr_dap(&line, "").stdout);
    let pieces: Vec<Value> = listed
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    for (stream, expected) in [("stdout", &recorded.stdout), ("stderr", &recorded.stderr)] {
        let own = pieces.iter().filter(|piece| piece["stream"] == stream);
        let printed: String = own.map(|piece| piece["text"].as_str().unwrap()).collect();
        assert_eq!(printed, text(expected));
    }
    let line = ["trace", "events", "--json", trace.to_str().unwrap()];
    let events = text(&rr_dap(&line, "").stdout);
    let events: Vec<Value> = events
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    for piece in &pieces {
        let event = &events[piece["event"].as_u64().unwrap() as usize];
        assert_eq!(event["name"], "stream.write u8", "{piece}");
    }
}
