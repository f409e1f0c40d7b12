//! Modules that only have a source map, as AssemblyScript writes it.

use crate::support::binary::leb128;
use crate::support::session::{connect, frames, set_lines, start, symbols};
use crate::support::{fixture, record};
use rr_dap::component::{Component, ModuleId, component_bytes, module_with_custom_sections};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// `seen += sum;` of tally.ts, and where it is called.
const SEEN: i64 = 10;
const CALL: i64 = 18;

/// Records a module, its source map beside it.
fn record_tally(dir: &Path, module: &[u8], map: Option<&[u8]>) -> PathBuf {
    let app = dir.join("tally.wasm");
    std::fs::write(&app, module).unwrap();
    if let Some(map) = map {
        std::fs::write(dir.join("tally.wasm.map"), map).unwrap();
    }
    let trace = dir.join("tally.rrtrace");
    let recorded = record(&app, &[], &[], "", &trace);
    assert!(recorded.status.success(), "{recorded:?}");
    trace
}

fn tally() -> (Vec<u8>, Vec<u8>) {
    let read = |name: &str| std::fs::read(fixture(&format!("tally/{name}"))).unwrap();
    (read("tally.wasm"), read("tally.wasm.map"))
}

/// Lines passed with `next` from the second call of `scaled`, and the way back.
fn walk(trace: &Path, source: &Value, launch: &Value) -> Vec<(String, i64)> {
    let mut launch = launch.clone();
    launch["trace"] = json!(trace);
    let mut client = start(launch, |client| {
        let set = set_lines(client, source, &[SEEN]);
        assert_eq!(
            (&set[0]["verified"], &set[0]["line"]),
            (&json!(true), &json!(SEEN))
        );
    });
    client.go("continue");
    let mut passed = Vec::new();
    for motion in [
        "next",
        "next",
        "next",
        "stepIn",
        "next",
        "stepBack",
        "reverseContinue",
    ] {
        let frames = frames(&mut client);
        let name = |frame: &Value| frame["name"].as_str().unwrap().to_owned();
        passed.push((name(&frames[0]), frames[0]["line"].as_i64().unwrap()));
        if passed.len() == 1 {
            assert_eq!(frames[1]["line"], CALL, "{frames:#?}");
        }
        client.go(motion);
    }
    assert_eq!(frames(&mut client)[0]["line"], SEEN);
    passed
}

#[test]
fn lines_of_a_source_map_are_walked_like_others() {
    let (module, map) = tally();
    let dir = tempfile::tempdir().unwrap();
    let trace = record_tally(dir.path(), &module, Some(&map));
    // Without the source on this machine, the map's text is the source.
    let launch = json!({ "trace": trace, "stopAt": "end" });
    let mut client = start(launch, |_| {});
    let symbols = symbols(&mut client);
    assert!(
        symbols.iter().any(|s| s.starts_with("source map from ")),
        "{symbols:?}"
    );
    let sources = client.ask("loadedSources", json!({}));
    let sources = sources["sources"].as_array().unwrap();
    let source = sources.iter().find(|s| s["name"] == "tally.ts").unwrap();
    let text = client.ask(
        "source",
        json!({ "source": source, "sourceReference": source["sourceReference"] }),
    );
    let expected = std::fs::read_to_string(fixture("tally/tally.ts")).unwrap();
    assert_eq!(text["content"], expected);
    let set = set_lines(&mut client, source, &[SEEN, 6]);
    assert_eq!(set[0]["verified"], true, "{set}");
    client.go("reverseContinue");
    let top = &frames(&mut client)[0];
    assert_eq!((&top["line"], &top["source"]), (&json!(SEEN), source));
    let lines = client.ask(
        "breakpointLocations",
        json!({ "source": source, "line": 8, "endLine": 12 }),
    );
    let lines: Vec<i64> = lines["breakpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["line"].as_i64().unwrap())
        .collect();
    assert_eq!(lines, [9, 10, 11]);

    // With it there, the file is.
    let file = dir.path().join("tally.ts");
    std::fs::copy(fixture("tally/tally.ts"), &file).unwrap();
    let passed = walk(&trace, &json!({ "path": file }), &json!({}));
    let lines: Vec<i64> = passed.iter().map(|(_, line)| *line).collect();
    assert_eq!(lines[..2], [10, 11], "{passed:?}");
    assert!(
        lines[2..].iter().all(|line| (8..=20).contains(line)),
        "{passed:?}"
    );

    // Nor does it matter where the map comes from.
    let dir = tempfile::tempdir().unwrap();
    let unmapped = record_tally(dir.path(), &module, None);
    let named = json!({ "debugFiles": [trace.with_file_name("tally.wasm.map")] });
    assert_eq!(walk(&unmapped, &json!({ "path": file }), &named), passed);
    let elsewhere = json!({
        "debugFiles": [trace.with_file_name("tally.wasm.map")],
        "sourceMap": { file.parent().unwrap().to_str().unwrap(): "/elsewhere" },
    });
    assert_eq!(
        walk(
            &unmapped,
            &json!({ "path": "/elsewhere/tally.ts" }),
            &elsewhere
        ),
        passed
    );
}

/// A map made of sections says the same as one that is not.
#[test]
fn a_map_may_be_made_of_sections() {
    let (module, map) = tally();
    let mut map: Value = serde_json::from_slice(&map).unwrap();
    let passed = |map: &Value| {
        let dir = tempfile::tempdir().unwrap();
        let map = serde_json::to_vec(map).unwrap();
        let trace = record_tally(dir.path(), &module, Some(&map));
        let file = dir.path().join("tally.ts");
        std::fs::copy(fixture("tally/tally.ts"), &file).unwrap();
        walk(&trace, &json!({ "path": file }), &json!({}))
    };
    let whole = passed(&map);
    // The first mapping is at 135; as one of a section from 100 on, it is at 35.
    let mappings = map["mappings"].as_str().unwrap();
    let moved = mappings.strip_prefix("uI").expect("135 in base 64 digits");
    map["mappings"] = format!("mC{moved}").into();
    let other =
        json!({ "version": 3, "sources": ["other.ts"], "names": [], "mappings": "AAAA,oIAAA" });
    let sections = json!([
        { "offset": { "line": 0, "column": 0 }, "map": other },
        { "offset": { "line": 0, "column": 100 }, "map": map },
    ]);
    assert_eq!(
        passed(&json!({ "version": 3, "sections": sections })),
        whole
    );
}

#[test]
fn a_map_may_be_in_the_module() {
    let (module, map) = tally();
    let url = format!("data:application/json;base64,{}", base64(&map));
    let dir = tempfile::tempdir().unwrap();
    let mut section = Vec::new();
    leb128(url.len(), &mut section);
    section.extend(url.as_bytes());
    let module = module_with_custom_sections(&module, &[("sourceMappingURL".into(), section)]);
    let trace = record_tally(dir.path(), &module, None);
    let mut client = start(json!({ "trace": trace, "stopAt": "end" }), |_| {});
    let symbols = symbols(&mut client);
    assert!(
        symbols.iter().any(|s| s.starts_with("source map")),
        "{symbols:?}"
    );
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number =
            chunk.iter().fold(0_u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            text.push(match i <= chunk.len() {
                true => DIGITS[(number >> (18 - 6 * i)) as usize & 63] as char,
                false => '=',
            });
        }
    }
    text
}

#[test]
fn a_map_that_is_missing_or_damaged_is_a_note() {
    let (module, _) = tally();
    let with = |map: &str| map.as_bytes().to_vec();
    let sources = r#""version":3,"sources":["a.ts"]"#;
    for (map, says) in [
        (None, "tally.wasm.map, which is not there"),
        (Some(with("{")), "not a source map"),
        (Some(with(r#"{"version":3}"#)), "it has no mappings"),
        (
            Some(with(r#"{"version":2,"sources":[],"mappings":""}"#)),
            "version is 2",
        ),
        (
            Some(with(&format!("{{{sources},\"mappings\":\"AC?A\"}}"))),
            "is not a digit",
        ),
        (
            Some(with(&format!("{{{sources},\"mappings\":\"AEAA\"}}"))),
            "source 2, of 1",
        ),
        (
            Some(with(&format!("{{{sources},\"mappings\":\"DAAA\"}}"))),
            "offset -1",
        ),
        (
            Some(with(&format!(
                "{{{sources},\"mappings\":\"AAggggggggggggA\"}}"
            ))),
            "too long",
        ),
        (
            Some(with(&format!("{{{sources},\"mappings\":\"AAAg\"}}"))),
            "cut short",
        ),
        (
            Some(with(&format!("{{{sources},\"mappings\":\"AA\"}}"))),
            "2 fields",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let trace = record_tally(dir.path(), &module, map.as_deref());
        let mut client = start(json!({ "trace": trace, "stopAt": "end" }), |_| {});
        let symbols = symbols(&mut client);
        assert!(
            symbols.iter().any(|s| s.contains(says)),
            "{says}: {symbols:?}"
        );
        // Who names it is told at once.
        if map.is_some() {
            let mut client = connect();
            client.initialize();
            let file = dir.path().join("tally.wasm.map");
            let said = client.refusal("launch", json!({ "trace": trace, "debugFiles": [file] }));
            assert!(
                said.contains(says) && said.contains("tally.wasm.map"),
                "{said}"
            );
        }
    }
}

#[test]
fn mappings_beyond_the_code_are_left_out() {
    let (module, _) = tally();
    let dir = tempfile::tempdir().unwrap();
    // Offsets 0 and some megabytes.
    let map = br#"{"version":3,"sources":["a.ts"],"mappings":"AAAA,ggggGAAA"}"#;
    let trace = record_tally(dir.path(), &module, Some(map));
    let mut client = start(json!({ "trace": trace, "stopAt": "end" }), |_| {});
    assert_eq!(client.ask("loadedSources", json!({}))["sources"], json!([]));
    let component = component_bytes(&dir.path().join("tally.wasm")).unwrap();
    assert!(
        Component::parse(component)
            .unwrap()
            .module(ModuleId(0))
            .is_some()
    );
}
