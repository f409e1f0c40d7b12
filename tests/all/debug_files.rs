//! Debug information that the recorded component does not have itself: a debug build
//! beside it, files that are named, split DWARF.

use crate::support::client::Client;
use crate::support::session::{connect, frames, set_lines, start, symbols, variables};
use crate::support::stripped::stripped;
use crate::support::{cache_dir, fixture, record};
use rr_dap::component::{Component, ModuleId, component_bytes, with_custom_sections};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const LEDGER: &str = "/rr-dap/fixtures/ledger.c";
const APPLY: i64 = 48;

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

/// Records the ledger, as `app` is, in a directory; answers the recording's path.
fn record_ledger(app: &[u8], dir: &Path) -> PathBuf {
    let path = dir.join("app.wasm");
    std::fs::write(&path, app).unwrap();
    let trace = dir.join("app.rrtrace");
    let work = format!("--dir={}::/work", fixture("").display());
    let recorded = record(&path, &[&work], &[], "", &trace);
    assert_eq!(recorded.status.code(), Some(134), "{recorded:?}");
    trace
}

fn stripped_ledger(dir: &Path) -> PathBuf {
    record_ledger(&stripped(&bytes("ledger.wasm")), dir)
}

/// What a session tells at a few stops: frames, variables, lines with code.
fn told(launch: Value) -> Value {
    let source = json!({ "path": LEDGER });
    let mut client = start(launch, |client| {
        let breakpoint = json!({ "line": APPLY, "condition": "transfer->amount > 1000" });
        let arguments = json!({ "source": source, "breakpoints": [breakpoint] });
        client.ask("setBreakpoints", arguments);
    });
    let mut told = Vec::new();
    for motion in ["next", "stepIn", "continue", "stepOut", "stepBack"] {
        let frames = frames(&mut client);
        let variables: Vec<Value> = frames
            .iter()
            .take(3)
            .map(|frame| variables(&mut client, frame))
            .collect();
        told.push(json!([frames, variables]));
        client.go(motion);
    }
    let lines = json!({ "source": source, "line": 1, "endLine": 200 });
    told.push(client.ask("breakpointLocations", lines));
    told.push(client.ask("loadedSources", json!({})));
    told.into()
}

#[test]
fn a_stripped_component_with_its_debug_file_is_told_as_the_whole_one() {
    let (whole, bare) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = record_ledger(&bytes("ledger.wasm"), whole.path());
    let expected = told(json!({ "trace": whole }));
    let top = &expected[0][0][0];
    assert_eq!(
        (&top["line"], &top["name"]),
        (&json!(APPLY), &json!("apply"))
    );
    let trace = stripped_ledger(bare.path());
    let launch = json!({ "trace": trace, "debugFiles": [fixture("ledger.wasm")] });
    assert_eq!(told(launch), expected);
}

#[test]
fn a_debug_file_may_be_one_core_module() {
    let dir = tempfile::tempdir().unwrap();
    let trace = stripped_ledger(dir.path());
    let component = Component::parse(bytes("ledger.wasm")).unwrap();
    let file = dir.path().join("core.wasm");
    std::fs::write(&file, component.module(ModuleId(0)).unwrap()).unwrap();
    let mut client = start(
        json!({ "trace": trace, "debugFiles": [file], "stopOnEntry": true }),
        |_| {},
    );
    assert_eq!(frames(&mut client)[0]["name"], "main");
    assert!(symbols(&mut client)[0].starts_with("DWARF 4 from "));
}

#[test]
fn debug_files_beside_the_component_are_found() {
    let refers_to = |file: &str| {
        let bare = Component::parse(stripped(&bytes("ledger.wasm"))).unwrap();
        let mut name = vec![file.len() as u8];
        name.extend(file.as_bytes());
        let section = ("external_debug_info".to_owned(), name);
        with_custom_sections(&bare, &BTreeMap::from([(ModuleId(0), vec![section])]))
    };
    let bare = stripped(&bytes("ledger.wasm"));
    for (app, file) in [
        (bare.clone(), "app.debug.wasm"),
        (bare, "app.wasm.debug.wasm"),
        (refers_to("debug/other.wasm"), "debug/other.wasm"),
        // As it was where the component was built.
        (refers_to("/build/other.wasm"), "other.wasm"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let trace = record_ledger(&app, dir.path());
        let launch = json!({ "trace": trace, "stopOnEntry": true });
        let before = symbols(&mut start(launch.clone(), |_| {}));
        assert!(before[0].starts_with("no debug information"), "{before:?}");
        let file = dir.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, bytes("ledger.wasm")).unwrap();
        let mut client = start(launch, |_| {});
        let after = symbols(&mut client);
        let expected = format!("DWARF 4 from {}", file.display());
        assert_eq!(after[0], expected);
        let here = frames(&mut client)[0]["source"]["path"].clone();
        assert_eq!(here, fixture("ledger.c").to_str().unwrap());
    }
}

#[test]
fn a_reference_to_a_file_that_is_not_there_is_a_note() {
    let bare = Component::parse(stripped(&bytes("ledger.wasm"))).unwrap();
    for (url, says) in [
        ("gone.wasm", "gone.wasm, which is not there"),
        ("https://example.org/x.wasm", "not fetched"),
    ] {
        let mut name = vec![url.len() as u8];
        name.extend(url.as_bytes());
        let section = ("external_debug_info".to_owned(), name);
        let app = with_custom_sections(&bare, &BTreeMap::from([(ModuleId(0), vec![section])]));
        let dir = tempfile::tempdir().unwrap();
        let trace = record_ledger(&app, dir.path());
        let mut client = start(json!({ "trace": trace, "stopAt": "end" }), |_| {});
        let symbols = symbols(&mut client);
        assert!(symbols[0].contains(says), "{symbols:?}");
        assert!(symbols[0].contains("--debug-file"), "{symbols:?}");
    }
}

#[test]
fn a_file_that_does_not_fit_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let trace = stripped_ledger(dir.path());
    let file = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let ledger = bytes("ledger.wasm");
    let fifo = dir.path().join("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    for (path, says) in [
        (fixture("kitchen.wasm"), "does not fit app.wasm"),
        (file("short.wasm", &ledger[..ledger.len() / 2]), "cut short"),
        (file("text", b"hello"), "neither WebAssembly"),
        (
            file("bare.wasm", &stripped(&ledger)),
            "no debug information",
        ),
        (file("list.map", b"{\"version\": 3}"), "not a source map"),
        (fixture("split/split.dwp"), "does not fit app.wasm"),
        (dir.path().to_owned(), "a directory"),
        (fifo, "a device"),
        (dir.path().join("gone"), "cannot read"),
    ] {
        let mut client = connect();
        client.initialize();
        let launch = json!({ "trace": trace, "debugFiles": [path] });
        let said = client.refusal("launch", launch);
        assert!(said.contains(says), "{said}");
        assert!(said.contains(path.to_str().unwrap()), "{said}");
    }
}

#[test]
fn a_server_is_given_debug_files_on_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let trace = stripped_ledger(dir.path());
    let mut child = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
        .arg("--debug-file")
        .arg(fixture("ledger.wasm"))
        .args(["--source-map", "/rr-dap=/home/me"])
        .env("RR_DAP_CACHE", cache_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (output, input) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let mut client = Client::new(Box::new(output), Box::new(input));
    let source = json!({ "path": "/home/me/fixtures/ledger.c" });
    client.initialize();
    client.ask("launch", json!({ "trace": trace }));
    client.event("initialized");
    let set = set_lines(&mut client, &source, &[APPLY]);
    assert_eq!(set[0]["verified"], true, "{set}");
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    let frames = frames(&mut client);
    assert_eq!(frames[0]["source"]["path"], source["path"]);
    assert_eq!(frames[0]["line"], APPLY);
    client.ask("disconnect", Value::Null);
    child.wait().unwrap();
}

/// Records the program whose units are split.
fn record_split(dir: &Path) -> PathBuf {
    let app = dir.join("split.wasm");
    std::fs::copy(fixture("split/split.wasm"), &app).unwrap();
    let trace = dir.join("split.rrtrace");
    let recorded = record(&app, &[], &[], "", &trace);
    assert!(recorded.status.success(), "{recorded:?}");
    trace
}

fn copy_beside(dir: &Path, names: &[&str]) {
    for name in names {
        std::fs::copy(fixture(&format!("split/{name}")), dir.join(name)).unwrap();
    }
}

/// The arguments and locals at the second call of `scaled`, as `name = value`.
fn split_variables(client: &mut Client) -> Vec<String> {
    client.go("continue");
    client.go("next");
    let frames = frames(client);
    assert_eq!(frames[0]["name"], "scaled");
    assert_eq!(frames[1]["name"], "_start");
    let mut told = Vec::new();
    for frame in &frames[..2] {
        let scopes = variables(client, frame);
        let of = |scope: &Value| scope["variables"].as_array().unwrap().clone();
        for variable in scopes.as_array().unwrap().iter().flat_map(of) {
            let field = |key: &str| variable[key].as_str().unwrap().to_owned();
            told.push(format!("{} = {}", field("name"), field("value")));
        }
    }
    told
}

#[test]
fn split_units_are_read_from_a_package_and_from_files() {
    let given = |launch: &mut Value, names: &[&str]| {
        let files = names.iter().map(|name| fixture(&format!("split/{name}")));
        launch["debugFiles"] = files
            .collect::<Vec<_>>()
            .into_iter()
            .map(|p| json!(p))
            .collect();
    };
    let package: &[&str] = &["split.dwp"];
    let files: &[&str] = &["pair.dwo", "start.dwo"];
    for (beside, named) in [
        (package, &[][..]),
        (files, &[]),
        (&[], package),
        (&[], files),
        (&files[..1], &files[1..]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let trace = record_split(dir.path());
        copy_beside(dir.path(), beside);
        let mut launch = json!({ "trace": trace });
        given(&mut launch, named);
        let source = json!({ "path": "/rr-dap/fixtures/split/pair.c" });
        let mut client = start(launch, |client| {
            set_lines(client, &source, &[6]);
        });
        let told = split_variables(&mut client);
        for variable in ["scale = 2", "sum = 14", "i = 2"] {
            assert!(told.iter().any(|t| t == variable), "{variable}: {told:?}");
        }
        assert!(told.iter().any(|t| t.starts_with("pair = 0x")), "{told:?}");
        let symbols = symbols(&mut client);
        assert!(symbols[0].starts_with("DWARF 5 from "), "{symbols:?}");
        assert!(!symbols[0].contains("not there"), "{symbols:?}");
    }
}

#[test]
fn without_split_units_there_are_lines_and_a_note() {
    let dir = tempfile::tempdir().unwrap();
    let trace = record_split(dir.path());
    copy_beside(dir.path(), &["start.dwo"]);
    let source = json!({ "path": "/rr-dap/fixtures/split/pair.c" });
    let mut client = start(json!({ "trace": trace }), |client| {
        set_lines(client, &source, &[6]);
    });
    let frames = frames(&mut client);
    assert_eq!(frames[0]["line"], 6);
    assert_eq!(frames[1]["name"], "_start");
    let symbols = symbols(&mut client);
    assert!(
        symbols[0].contains("1 of its compilation units"),
        "{symbols:?}"
    );
    assert!(symbols[0].contains("pair.dwo"), "{symbols:?}");
}

#[test]
fn damaged_split_units_are_an_error_at_worst() {
    let dir = tempfile::tempdir().unwrap();
    let trace = record_split(dir.path());
    let package = bytes("split/split.dwp");
    for at in (9..package.len()).step_by(97) {
        let mut damaged = package.clone();
        damaged[at] ^= 0xff;
        let path = dir.path().join("damaged.dwp");
        std::fs::write(&path, damaged).unwrap();
        let component = component_bytes(&dir.path().join("split.wasm")).unwrap();
        let component = Component::parse(component).unwrap();
        let search = rr_dap::source::external::Search {
            program: "split.wasm".into(),
            given: vec![path],
            beside: Vec::new(),
        };
        let Ok(found) = rr_dap::source::external::External::find(&component, &search) else {
            continue;
        };
        let Some(whole) = found.put_into(&component) else {
            continue;
        };
        let whole = Component::parse(whole).unwrap();
        let module = whole.module(ModuleId(0)).unwrap();
        let source = rr_dap::source::ModuleSource::read(module.into()).unwrap();
        assert!(source.has_lines());
        _ = source.functions().count();
    }
    assert!(trace.exists());
}
