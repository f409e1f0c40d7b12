//! Recordings that name their program instead of holding it: where it is found, and how they
//! are made to stand alone.

use crate::support::counter::{Then, counter};
use crate::support::rewrite::raw;
use crate::support::session::start;
use crate::support::{cache_dir, events, fixture, parse, plain, record, replay_here, rr_dap, text};
use rr_dap::component::Component;
use rr_dap::trace::{
    HeldProgram, Metadata, Note, NotedAnswer, NotedRequest, Outcome, ProgramId, Trace, TraceError,
    Writer, tail_path,
};
use serde_json::json;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

fn request(number: u64) -> NotedRequest {
    NotedRequest {
        number,
        method: "GET".into(),
        target: format!("/{number}"),
        ..NotedRequest::default()
    }
}

/// The same events as in a recording, in one that names its program, with notes.
fn named(trace: &Path, program: &Path, has_end: bool, to: &Path) {
    let component = parse(program);
    let opened = Trace::open(trace).unwrap();
    let name = program.file_name().unwrap().to_string_lossy().into_owned();
    let metadata = Metadata {
        program: name,
        ..opened.metadata().clone()
    };
    let file = std::fs::File::create(to).unwrap();
    let held = HeldProgram::named(&component);
    let mut writer = Writer::with_program(file, component, &held, &metadata).unwrap();
    writer.note(Note::Request(request(1))).unwrap();
    for event in events(trace) {
        writer.records(event.instance, &raw(&event)).unwrap();
    }
    let answer = NotedAnswer {
        status: Some(418),
        ..NotedAnswer::default()
    };
    writer.note(Note::Answered { number: 1, answer }).unwrap();
    match has_end {
        true => _ = writer.finish(opened.outcome()).unwrap(),
        false => writer.flush().unwrap(),
    }
}

/// A recording of a program of a kind of its own.
fn recorded(program: &Path, args: &[&str], dir: &Path) -> PathBuf {
    let trace = dir.join("whole.rrtrace");
    record(program, &[], args, "", &trace);
    trace
}

fn ran(args: &[&str]) -> String {
    let output = rr_dap(args, "");
    let told = text(&output.stderr);
    assert!(output.status.success(), "{args:?}: {told}");
    text(&output.stdout)
}

fn refused(args: &[&str]) -> String {
    let output = rr_dap(args, "");
    assert!(!output.status.success(), "{args:?}");
    text(&output.stderr)
}

/// Packs it, and checks that what comes out says the same, with nothing beside it.
fn packs(trace: &Path, options: &[&str]) {
    let apart = tempfile::tempdir().unwrap();
    let out = apart.path().join("packed.rrtrace");
    let (from, to) = (trace.to_str().unwrap(), out.to_str().unwrap());
    let pack = [&["trace", "pack", from, "-o", to], options].concat();
    ran(&pack);
    let told = refused(&pack);
    assert!(told.contains("--force to overwrite"), "{told}");
    ran(&[&pack[..], &["--force"]].concat());
    assert_eq!(std::fs::read_dir(apart.path()).unwrap().count(), 1);
    assert_eq!(out.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let programs: Vec<PathBuf> = options.iter().skip(1).map(PathBuf::from).collect();
    let (was, is) = (
        Trace::open_with(trace, &programs).unwrap(),
        Trace::open(&out).unwrap(),
    );
    assert_eq!(is.program(), None);
    assert_eq!(is.metadata(), was.metadata());
    assert_eq!(is.component().bytes(), was.component().bytes());
    assert_eq!(is.has_end(), was.has_end());
    assert_eq!(is.outcome(), was.outcome());
    assert_eq!(is.noted_requests(), was.noted_requests());
    assert_eq!(is.hostcalls().unwrap(), was.hostcalls().unwrap());
    let list = |trace: &Trace| crate::support::rest_of(trace.events());
    assert_eq!(list(&is), list(&was));
    let (is, was) = (Arc::new(is), Arc::new(was));
    assert_eq!(
        replay_here(is).unwrap().1,
        replay_here(was).unwrap().1,
        "{trace:?}"
    );
}

#[test]
fn a_recording_of_each_kind_is_packed_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let kitchen = fixture("kitchen.wasm");
    let whole = recorded(&kitchen, &["args", "a", "b"], dir.path());
    packs(&whole, &[]);
    let given = kitchen.to_str().unwrap();
    for has_end in [true, false] {
        let trace = dir.path().join(format!("{has_end}.rrtrace"));
        named(&whole, &kitchen, has_end, &trace);
        packs(&trace, &["--program", given]);
        let found = Trace::open_with(&trace, std::slice::from_ref(&kitchen)).unwrap();
        assert_eq!(found.noted_requests().len(), 1);
    }
    // One whose end does not tell where its sections are.
    let trace = dir.path().join("true.rrtrace");
    let mut bytes = std::fs::read(&trace).unwrap();
    let length = bytes.len();
    bytes[length - 1] ^= 1;
    std::fs::write(&trace, bytes).unwrap();
    packs(&trace, &["--program", given]);
}

#[test]
fn a_recording_that_was_cut_off_is_packed_with_its_tail() {
    let dir = tempfile::tempdir().unwrap();
    let app = counter(99_999_999, Then::Return, dir.path());
    let trace = dir.path().join("cut.rrtrace");
    let mut child = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
        .args(["record", "-o"])
        .args([&trace, &app])
        .env("RR_DAP_CACHE", cache_dir())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut some = vec![0; 200_000];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut some).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(tail_path(&trace).exists());
    packs(&trace, &[]);
}

#[test]
fn a_component_records_itself_without_its_program() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("kitchen-O2.wasm");
    std::fs::copy(fixture("kitchen-O2.wasm"), &app).unwrap();
    let instrument = |sink: &str, options: &[&str]| {
        let out = dir.path().join("app.rec.wasm");
        let args = ["instrument", app.to_str().unwrap(), "--sink", sink, "-o"];
        ran(&[&args[..], &[out.to_str().unwrap()], options].concat());
        std::fs::read(out).unwrap()
    };
    let bytes = instrument("file=/work/small", &["--no-program"]);
    assert!(bytes.len() < instrument("file=/work/small", &[]).len());
    let args = ["args", "x"];
    plain::run(&bytes, "kitchen-O2.wasm", &args, dir.path(), "");
    let trace = dir.path().join("small.rrtrace");
    assert!(trace.metadata().unwrap().len() < 5_000);
    assert_eq!(Trace::open(&trace).unwrap().program(), Some(&*app));
    packs(&trace, &[]);
    // The log lies elsewhere than the program.
    let bytes = instrument("stderr", &["--no-program"]);
    let run = plain::run(&bytes, "kitchen-O2.wasm", &args, dir.path(), "");
    let elsewhere = tempfile::tempdir().unwrap();
    let log = elsewhere.path().join("app.log");
    std::fs::write(&log, &run.stderr).unwrap();
    packs(&log, &["--program", dir.path().to_str().unwrap()]);
    let told = refused(&["instrument", "--no-program", "a.wasm", "-o", "b.wasm"]);
    assert!(told.contains("--sink"), "{told}");
}

#[test]
fn a_program_is_found_as_what_a_person_has() {
    let module = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start") (call $exit (i32.const 0))))"#;
    let dir = tempfile::tempdir().unwrap();
    let app = |name: &str, bytes: &[u8]| {
        let path = dir.path().join("apps").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let kitchen = std::fs::read(fixture("kitchen.wasm")).unwrap();
    for program in [
        app("kitchen.wasm", &kitchen),
        app("module.wasm", &wat::parse_str(module).unwrap()),
        app("text.wat", module.as_bytes()),
    ] {
        let whole = recorded(&program, &["args"], dir.path());
        let trace = dir.path().join("named.rrtrace");
        named(&whole, &program, true, &trace);
        let file = trace.to_str().unwrap();
        let sha256 = ProgramId::of(parse(&program).bytes()).sha256;
        let told = refused(&["replay", file]);
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(told.contains(&sha256), "{told}");
        assert!(told.contains("--program"), "{told}");
        let nested = program.parent().unwrap();
        // By its name, and by the name that recorders give it.
        let hashed = dir.path().join("hashed");
        std::fs::create_dir_all(&hashed).unwrap();
        let bytes = parse(&program).bytes().to_vec();
        std::fs::write(hashed.join(format!("{sha256}.wasm")), bytes).unwrap();
        for place in [&program, nested, &hashed] {
            let place = place.to_str().unwrap();
            let with = ["--program", "/nowhere", "--program", place, file];
            for command in [
                &["replay", "--verify"][..],
                &["trace", "info"],
                &["trace", "events"],
                &["trace", "output"],
                &["trace", "resources"],
                &["debug", "--no-save", "--batch", "-x", "info output"],
            ] {
                ran(&[command, &with].concat());
            }
        }
    }
}

#[test]
fn an_editor_says_where_the_program_is() {
    let dir = tempfile::tempdir().unwrap();
    let kitchen = fixture("kitchen.wasm");
    let whole = recorded(&kitchen, &["args"], dir.path());
    let trace = dir.path().join("named.rrtrace");
    named(&whole, &kitchen, true, &trace);
    let mut client = start(
        json!({ "trace": trace, "programs": [fixture("")], "stopAt": "end" }),
        |_| {},
    );
    assert!(client.ask("threads", json!({}))["threads"][0]["id"].is_number());
    let mut without = crate::support::session::connect();
    without.initialize();
    let told = without.refusal("launch", json!({ "trace": trace }));
    assert!(told.contains("`programs`"), "{told}");
}

#[test]
fn another_program_is_not_taken_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let kitchen = fixture("kitchen.wasm");
    let whole = recorded(&kitchen, &["args"], dir.path());
    let trace = dir.path().join("named.rrtrace");
    named(&whole, &kitchen, true, &trace);
    // As long, also under the name of the right one, and a component all the same.
    let mut bytes = std::fs::read(&kitchen).unwrap();
    let at = bytes
        .windows(11)
        .rposition(|w| w == b".debug_info")
        .unwrap();
    bytes[at + 1] ^= 0x20;
    Component::parse(bytes.clone()).unwrap();
    let other = dir.path().join("other.wasm");
    std::fs::write(&other, &bytes).unwrap();
    let right = ProgramId::of(parse(&kitchen).bytes());
    std::fs::write(dir.path().join(format!("{}.wasm", right.sha256)), &bytes).unwrap();
    let file = trace.to_str().unwrap();
    let told = refused(&["replay", "--program", other.to_str().unwrap(), file]);
    assert!(told.contains("other.wasm (another program)"), "{told}");
    let places = [other, dir.path().to_owned(), "/dev/zero".into()];
    let error = Trace::open_with(&trace, &places).unwrap_err();
    let TraceError::ProgramMissing { searched, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(searched.len(), 4, "{searched:?}");
    assert_eq!(
        *Trace::open(&whole).unwrap().outcome(),
        Outcome::Returned {
            success: true,
            result: None
        }
    );
}
