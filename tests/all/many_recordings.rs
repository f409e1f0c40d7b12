//! Commands that go through many recordings: a directory of them, damaged ones among them.

use crate::support::server::{Server, recordings};
use crate::support::{fixture, record, rr_dap, text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::process::Output;

fn objects(output: &Output) -> Vec<Value> {
    let told = text(&output.stdout);
    let lines = told.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// How many objects there are of each recording.
fn counts(rows: &[Value]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        let name = row["recording"].as_str().unwrap().to_owned();
        *counts.entry(name).or_insert(0) += 1;
    }
    counts
}

#[test]
fn a_directory_is_streamed_and_what_is_damaged_is_told_in_a_line() {
    let dir = tempfile::tempdir().unwrap();
    // Recordings that name their program, which lies beside them.
    let server = Server::start(&dir.path().join("served"), &[], "answer.wasm");
    server.get("/hello");
    server.get("/status/503");
    server.end();
    let served = recordings(&dir.path().join("served"));
    let length = |path: &std::path::Path| fs::metadata(path).unwrap().len();
    assert!(length(&served[0]) < length(&fixture("answer.wasm")) / 2);
    let ran = dir.path().join("ran.rrtrace");
    record(&fixture("wat/chatty.wat"), &[], &[], "", &ran);
    // No recording at all, and one in which a byte is another.
    fs::write(dir.path().join("none.rrtrace"), "no recording").unwrap();
    let mut bytes = fs::read(&served[0]).unwrap();
    bytes[40] ^= 0xff;
    fs::write(dir.path().join("served/damaged.rrtrace"), bytes).unwrap();

    let directory = dir.path().to_str().unwrap();
    for options in [&[][..], &["--lowered"]] {
        let mut line = vec!["trace", "events", "--json", directory];
        line.extend(options);
        let output = rr_dap(&line, "");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = text(&output.stderr);
        let said: Vec<&str> = said.lines().collect();
        assert_eq!(said.len(), 2, "{said:#?}");
        assert!(said[0].contains("none.rrtrace") && said[1].contains("damaged.rrtrace"));

        let counts = counts(&objects(&output));
        let name = |path: &std::path::Path| {
            let inside = path.strip_prefix(dir.path()).unwrap();
            inside.to_str().unwrap().to_owned()
        };
        for file in served.iter().chain([&ran]) {
            // As many as of each alone, which is named as it is given.
            let alone = ["trace", "events", "--json", file.to_str().unwrap()];
            let alone = rr_dap(&alone, "");
            assert!(alone.status.success(), "{alone:?}");
            let alone = objects(&alone);
            assert!(
                alone
                    .iter()
                    .all(|row| row["recording"] == file.to_str().unwrap())
            );
            assert_eq!(counts.get(&name(file)), Some(&alone.len()), "{counts:?}");
        }
    }
    // In text, each is named before its hostcalls.
    let output = rr_dap(&["trace", "events", "--count", "1", directory], "");
    let told = text(&output.stdout);
    assert_eq!(told.lines().next(), Some("none.rrtrace"), "{told}");
    assert_eq!(told.lines().nth(1), Some("ran.rrtrace"), "{told}");

    // Several files, all of them whole.
    let files = [served[0].to_str().unwrap(), ran.to_str().unwrap()];
    let line = [
        "trace", "events", "--json", "--from", "3", files[0], files[1],
    ];
    let output = rr_dap(&line, "");
    assert!(output.status.success(), "{output:?}");
    assert!(
        objects(&output)
            .iter()
            .all(|row| row["event"].as_u64() >= Some(3))
    );
}

#[test]
fn whoever_verifies_many_is_told_what_differs_from_what_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let verify = |file: &std::path::Path| {
        let output = rr_dap(
            &["replay", "--verify", "--json", file.to_str().unwrap()],
            "",
        );
        let facts: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
        assert_eq!(facts["recording"], file.to_str().unwrap());
        (output.status.code(), facts)
    };
    let ran = dir.path().join("ran.rrtrace");
    record(&fixture("wat/chatty.wat"), &[], &[], "", &ran);
    let (code, facts) = verify(&ran);
    assert_eq!(
        (code, &facts["verified"]),
        (Some(0), &Value::Bool(true)),
        "{facts}"
    );
    assert_eq!(facts["missing"], Value::Null);

    let none = dir.path().join("none.rrtrace");
    fs::write(&none, "no recording").unwrap();
    for file in [none, dir.path().join("nowhere.rrtrace")] {
        let (code, facts) = verify(&file);
        assert_eq!(
            (code, &facts["verified"]),
            (Some(3), &Value::Bool(false)),
            "{facts}"
        );
        let error = facts["error"].as_str().unwrap();
        assert!(error.contains(file.to_str().unwrap()), "{facts}");
    }
}
