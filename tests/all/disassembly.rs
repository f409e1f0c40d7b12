//! Code without debug information is shown as text, and is a place to stop at like any
//! source.

use crate::support::client::Client;
use crate::support::session::{frames, set_lines, start};
use crate::support::stripped::stripped;
use crate::support::{fixture, record};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

fn record_bare(dir: &Path) -> PathBuf {
    let app = dir.join("app.wasm");
    let whole = std::fs::read(fixture("ledger.wasm")).unwrap();
    std::fs::write(&app, stripped(&whole)).unwrap();
    let trace = dir.join("app.rrtrace");
    let work = format!("--dir={}::/work", fixture("").display());
    record(&app, &[&work], &[], "", &trace);
    trace
}

/// A session at the second call of a write.
fn at_write(trace: &Path) -> Client {
    let mut client = start(json!({ "trace": trace }), |client| {
        let filter = json!({ "filterId": "hostcall", "condition": "write" });
        let arguments = json!({ "filters": [], "filterOptions": [filter] });
        client.ask("setExceptionBreakpoints", arguments);
    });
    client.go("continue");
    client
}

fn text_of(client: &mut Client, source: &Value) -> String {
    let arguments = json!({ "source": source, "sourceReference": source["sourceReference"] });
    let text = client.ask("source", arguments);
    text["content"].as_str().unwrap().to_owned()
}

/// The offset that a line of a listing begins with.
fn offset(line: &str) -> Option<u64> {
    let hex = line.strip_prefix("0x")?.split(' ').next()?;
    Some(u64::from_str_radix(hex, 16).unwrap())
}

/// The offset in its module of a frame's instruction.
fn pc(frame: &Value) -> u64 {
    let address = frame["instructionPointerReference"].as_str().unwrap();
    u64::from_str_radix(&address[2..], 16).unwrap() & 0xffff_ffff
}

fn guest_frames(client: &mut Client) -> Vec<Value> {
    let frames = frames(client);
    let guest = frames
        .into_iter()
        .filter(|f| !f["instructionPointerReference"].is_null());
    guest.collect()
}

#[test]
fn frames_without_lines_stand_in_the_text_of_their_function() {
    let dir = tempfile::tempdir().unwrap();
    let trace = record_bare(dir.path());
    let mut client = at_write(&trace);
    let first = guest_frames(&mut client);
    assert!(first.len() > 4, "{first:#?}");
    let mut texts = HashMap::new();
    for (i, frame) in first.iter().enumerate() {
        let text = text_of(&mut client, &frame["source"]);
        let line = frame["line"].as_u64().unwrap() as usize;
        let line = text.lines().nth(line - 1).unwrap();
        assert_eq!(offset(line), Some(pc(frame)), "{line} in {text}");
        assert!(line.contains(" call"), "frame {i}: {line}");
        texts.insert(frame["source"]["sourceReference"].clone(), text);
    }
    // Of the function that calls the host, the call says what it calls.
    let named = texts.values().any(|text| text.contains("wasi:io/streams@"));
    assert!(named, "{texts:#?}");

    // The same function is the same source at another stop.
    client.go("continue");
    for frame in guest_frames(&mut client) {
        if let Some(known) = texts.get(&frame["source"]["sourceReference"]) {
            assert_eq!(&text_of(&mut client, &frame["source"]), known);
        }
    }
    let again = guest_frames(&mut client);
    let outermost = |frames: &[Value]| frames.last().unwrap()["source"].clone();
    assert_eq!(outermost(&again), outermost(&first));
}

#[test]
fn breakpoints_stand_on_lines_of_a_listing() {
    let dir = tempfile::tempdir().unwrap();
    let trace = record_bare(dir.path());
    let mut client = at_write(&trace);
    let frame = guest_frames(&mut client)[1].clone();
    let source = &frame["source"];
    let text = text_of(&mut client, source);
    let expected: Vec<i64> = (1..)
        .zip(text.lines())
        .filter(|(_, line)| offset(line).is_some())
        .map(|(number, _)| number)
        .collect();
    let all = json!({ "source": source, "line": 1, "endLine": 1_000_000 });
    let points = client.ask("breakpointLocations", all);
    let points = points["breakpoints"].as_array().unwrap();
    let lines: Vec<i64> = points.iter().map(|p| p["line"].as_i64().unwrap()).collect();
    assert_eq!(lines, expected);

    // The first line has the function's name and no instruction.
    let set = set_lines(&mut client, source, &[1]);
    assert_eq!(set[0]["verified"], true, "{set}");
    assert_eq!(set[0]["line"], expected[0]);
    client.ask("setExceptionBreakpoints", json!({ "filters": [] }));
    client.go("reverseContinue");
    let top = &frames(&mut client)[0];
    assert_eq!(
        (&top["source"], &top["line"]),
        (source, &json!(expected[0]))
    );
    let beyond = set_lines(&mut client, source, &[1_000_000]);
    assert_eq!(beyond[0]["verified"], false, "{beyond}");
}

#[test]
fn the_disassembly_view_has_the_text_of_the_listing() {
    let dir = tempfile::tempdir().unwrap();
    let trace = record_bare(dir.path());
    let mut client = at_write(&trace);
    for frame in &guest_frames(&mut client)[..3] {
        let text = text_of(&mut client, &frame["source"]);
        let lines: HashMap<u64, (i64, &str)> = (1..)
            .zip(text.lines())
            .filter_map(|(number, line)| Some((offset(line)?, (number, line))))
            .collect();
        let arguments = json!({
            "memoryReference": frame["instructionPointerReference"],
            "instructionOffset": -3, "instructionCount": 7,
        });
        let view = client.ask("disassemble", arguments);
        let mut compared = 0;
        for instruction in view["instructions"].as_array().unwrap() {
            let address = instruction["address"].as_str().unwrap();
            let pc = u64::from_str_radix(&address[2..], 16).unwrap() & 0xffff_ffff;
            let Some((number, line)) = lines.get(&pc) else {
                continue;
            };
            let own = instruction["instruction"].as_str().unwrap();
            if own == "(no instruction)" {
                continue;
            }
            compared += 1;
            assert!(line.ends_with(own), "{own}: {line}");
            assert_eq!(instruction["line"], *number, "{instruction}");
            assert_eq!(instruction["symbol"], frame["name"]);
        }
        assert!(compared > 2, "{view:#}");
    }
}

#[test]
fn a_listing_is_the_same_source_in_a_later_session() {
    let dir = tempfile::tempdir().unwrap();
    let trace = record_bare(dir.path());
    let mut client = at_write(&trace);
    let frame = guest_frames(&mut client)[2].clone();
    let (source, line) = (&frame["source"], frame["line"].as_i64().unwrap());
    let text = text_of(&mut client, source);
    drop(client);
    // What an editor keeps of it; the number is the next thing's.
    let kept = json!({ "name": source["name"], "sourceReference": 1, "adapterData": source["adapterData"] });
    let mut client = start(json!({ "trace": trace }), |client| {
        let set = set_lines(client, &kept, &[line]);
        assert_eq!(
            (&set[0]["verified"], &set[0]["line"]),
            (&json!(true), &json!(line))
        );
    });
    let top = &frames(&mut client)[0];
    assert_eq!(top["source"]["adapterData"], source["adapterData"]);
    assert_eq!(top["line"], line);
    assert_eq!(text_of(&mut client, &kept), text);
}
