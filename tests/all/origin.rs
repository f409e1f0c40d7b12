//! Where values come from: chains written down by hand, for each way that a value can take; and
//! whatever is said of a copy holds where one goes there.

use crate::support::asked::{answers, in_words};
use crate::support::client::Client;
use crate::support::ledger::own_ledger;
use crate::support::session::{frames, start};
use crate::support::{fixture, record, unpacked};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn origins(dir: &Path) -> PathBuf {
    let trace = dir.join("origins.rrtrace");
    let app = fixture("wat/origins.wat");
    record(&app, &["--quiet", "--invoke", "run(7)"], &[], "", &trace);
    trace
}

fn origin(trace: &Path, options: &[&str], value: &str) -> Value {
    let question = format!("origin {value}");
    answers(trace, options, &[&question]).remove(0)
}

/// The last of a way back, in a few words.
fn end_of(way: &Value) -> String {
    let (kind, told) = way["end"].as_object().unwrap().iter().next().unwrap();
    let word = |key: &str| told[key].as_str().unwrap_or("-").to_owned();
    match kind.as_str() {
        "constant" => format!("constant {}", word("value")),
        "computed" => {
            let inputs = told["inputs"].as_array().unwrap().iter();
            let values: Vec<&str> = inputs.map(|i| i["value"].as_str().unwrap()).collect();
            format!("{} of {}", word("operation"), values.join(", "))
        }
        "hostcall" => format!("{} of {}", word("part"), word("name")),
        "argument" => format!("{} of {}: {}", word("part"), word("name"), word("value")),
        "initial" => word("what"),
        "parts" => {
            let parts = told.as_array().unwrap().iter();
            let ends: Vec<String> = parts
                .map(|part| format!("{}+{} {}", part["from"], part["bytes"], end_of(part)))
                .collect();
            ends.join("; ")
        }
        other => format!("{other}: {told}"),
    }
}

/// The copies on the way, each in a word.
fn copies_of(way: &Value) -> String {
    let copies = way["copies"].as_array().unwrap().iter();
    let words = copies.map(|copy| {
        let how = copy["how"].as_object().unwrap();
        how.keys().next().unwrap().clone()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A place in memory, how its value was copied there, and what was before the first copy.
const CASES: &[(u32, u32, &str, &str)] = &[
    (1024, 4, "stored", "constant 42"),
    (1028, 4, "stored", "x of run: 7"),
    (1032, 4, "stored read stored", "constant 42"),
    (1044, 4, "moved stored", "x of run: 7"),
    (1048, 4, "stored read moved stored", "x of run: 7"),
    (1057, 1, "stored read stored", "constant 42"),
    (1064, 4, "stored kept read stored", "x of run: 7"),
    (1068, 4, "stored read stored", "x of run: 7"),
    (1072, 4, "stored read stored", "constant 42"),
    (1076, 4, "stored read stored", "x of run: 7"),
    (1080, 4, "stored returned given read stored", "x of run: 7"),
    (1084, 4, "stored returned given read stored", "x of run: 7"),
    (
        1088,
        4,
        "stored returned returned returned returned given given given given read stored",
        "x of run: 7",
    ),
    (1092, 4, "stored returned given read stored", "x of run: 7"),
    (1096, 4, "stored", "+ of 42, 7"),
    (1100, 4, "moved stored", "x of run: 7"),
    (1102, 1, "stored read stored", "x of run: 7"),
    (1104, 4, "stored read stored", "x of run: 7"),
    (1108, 2, "stored cut", "constant 13398"),
    (1108, 4, "", "0+2 constant 13398; 2+2 x of run: 7"),
    (
        1112,
        1,
        "stored read",
        "result[2..3] of wasi:random/random@0.2.6#get-random-bytes",
    ),
    (
        1116,
        4,
        "stored read",
        "result of wasi:random/random@0.2.6#get-random-bytes",
    ),
    (
        1120,
        8,
        "stored",
        "result of wasi:random/random@0.2.6#get-random-u64",
    ),
    (
        1128,
        4,
        "stored read",
        "what the core module has at 0x800 from the start",
    ),
    (
        1132,
        4,
        "stored read",
        "zero: nobody has written the bytes at 0xbb8",
    ),
    (1136, 4, "", "constant data segment 1 of the core module"),
    (1140, 4, "stored read stored", "x of run: 7"),
    (1144, 4, "stored read stored", "constant 42"),
    (1148, 4, "stored", "6, as the core module says of global 1"),
    (1152, 4, "stored read stored", "x of run: 7"),
    (1156, 4, "stored read stored", "x of run: 7"),
    (1160, 4, "stored given read stored", "x of run: 7"),
    (1164, 4, "stored read stored", "x of run: 7"),
];

#[test]
fn a_value_is_followed_back_through_each_kind_of_copy() {
    let dir = tempfile::tempdir().unwrap();
    let trace = origins(dir.path());
    let questions: Vec<String> = CASES
        .iter()
        .map(|(address, length, ..)| format!("origin $mem[{address}; {length}]"))
        .collect();
    let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
    let told = answers(&trace, &[], &questions);
    let mut wrong = Vec::new();
    for ((address, length, copies, end), way) in CASES.iter().zip(&told) {
        let found = (copies_of(way), end_of(way));
        if found != ((*copies).to_owned(), (*end).to_owned()) {
            wrong.push(format!(
                "{address}; {length}: {found:?}, not {:?}",
                (copies, end)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    copies_hold(&trace, &told);
}

fn console(client: &mut Client, line: &str) {
    client.ask("evaluate", json!({ "expression": line, "context": "repl" }));
    client.event("stopped");
}

fn evaluate(client: &mut Client, expression: &str) -> String {
    let frame = frames(client).remove(0)["id"].take();
    let asked = json!({ "expression": expression, "frameId": frame, "context": "watch" });
    client.ask("evaluate", asked)["result"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Bytes of memory, in hexadecimal, without their text.
fn bytes(client: &mut Client, memory: &str) -> Vec<String> {
    let told = evaluate(client, memory);
    let (hex, _) = told.split_once("  ").unwrap();
    hex.split(' ').map(str::to_owned).collect()
}

/// What was stored, or read, on a way back is the value: going there shows the same bytes.
fn copies_hold(trace: &Path, ways: &[Value]) {
    let mut client = start(json!({ "trace": trace, "stopAt": "start" }), |_| {});
    let mut checked = 0;
    for way in ways {
        // What was asked for is in memory, and its value are its bytes.
        let value = way["value"].as_str().unwrap();
        let Some((value, _)) = value.split_once("  ") else {
            continue;
        };
        let value: Vec<&str> = value.split(' ').collect();
        // Of what was cut, the bytes that are left were read.
        let wide = copies_of(way).contains("cut");
        for copy in way["copies"].as_array().unwrap() {
            let Some(memory) = copy["memory"].as_str().filter(|_| !wide) else {
                continue;
            };
            console(
                &mut client,
                &format!("seek {}", copy["at"]["position"].as_str().unwrap()),
            );
            if copy["how"].get("stored").is_some() {
                let step = json!({ "threadId": 1, "granularity": "instruction" });
                client.ask("stepIn", step);
                client.event("stopped");
            }
            let there = bytes(&mut client, memory);
            let known = there.len().min(value.len());
            assert_eq!(there[..known], value[..known], "{copy}\n{way}");
            checked += 1;
        }
    }
    assert!(checked >= ways.len() / 2, "only {checked} copies");
}

#[test]
fn what_a_computation_was_made_of_can_be_followed_on() {
    let dir = tempfile::tempdir().unwrap();
    let trace = origins(dir.path());
    let sum = origin(&trace, &[], "$mem[1096; 4]");
    let inputs = sum["end"]["computed"]["inputs"].as_array().unwrap();
    let asks: Vec<&str> = inputs.iter().map(|i| i["ask"].as_str().unwrap()).collect();
    let ends: Vec<String> = asks
        .iter()
        .map(|ask| end_of(&origin(&trace, &[], ask)))
        .collect();
    assert_eq!(ends, ["constant 42", "x of run: 7"]);
}

#[test]
fn the_ledgers_balance_comes_from_a_line_of_its_file() {
    let (_dir, trace) = own_ledger();
    let balance = origin(&trace, &[], "account->balance");
    assert_eq!(balance["value"], "-15686");
    assert_eq!(balance["copies"][0]["how"]["stored"], "accounts[1].balance");
    assert_eq!(balance["copies"][0]["at"]["function"], "apply");
    assert_eq!(balance["copies"][0]["at"]["line"], 50);
    let sum = &balance["end"]["computed"];
    assert_eq!(sum["operation"], "+");
    let inputs = sum["inputs"].as_array().unwrap();
    let named: Vec<(&str, &str)> = inputs
        .iter()
        .map(|i| (i["name"].as_str().unwrap(), i["value"].as_str().unwrap()))
        .collect();
    assert_eq!(
        named,
        [
            ("accounts[1].balance", "-18086"),
            ("transfer->amount", "2400")
        ]
    );
    // The amount is what `strtol` made of text; the text comes from the file.
    let amount = origin(&trace, &[], inputs[1]["ask"].as_str().unwrap());
    let copies = amount["copies"].as_array().unwrap();
    assert_eq!(copies[1]["how"]["stored"], "transfer->amount", "{amount}");
    assert_eq!(copies[2]["how"]["returned"], "strtol", "{amount}");
    let at = sum["at"]["position"].as_str().unwrap();
    let text = in_words(&trace, &["--at", at], "origin transfer->to[0]");
    assert!(text.contains("in memcpy at memcpy.c"), "{text}");
    assert!(
        text.contains("= result.ok[0..1] of hostcall 39, wasi:io/streams"),
        "{text}"
    );
    assert!(text.contains("b\"b\" (bytes 62)"), "{text}");
    // Parameters lead to who called.
    let given = origin(&trace, &["--at", at], "transfer");
    assert_eq!(given["copies"][1]["how"]["given"]["parameter"], "transfer");
    assert_eq!(given["copies"][1]["at"]["function"], "main");
    assert_eq!(given["copies"][1]["at"]["line"], 85);
}

#[test]
fn values_of_frames_further_out_are_followed_from_there() {
    let (_dir, trace) = own_ledger();
    let at = ["--at", "40%"];
    let told = origin(&trace, &at, "number");
    assert!(
        end_of(&told).starts_with("+ of") || end_of(&told) == "constant 1",
        "{told}"
    );
}

#[test]
fn what_has_no_way_back_says_so() {
    let (_dir, trace) = own_ledger();
    let told = in_words(&trace, &[], "origin 1 + 2");
    assert!(told.contains("? it speaks of no variable"), "{told}");
}

/// A recording of a program, which may be kept compressed.
fn program(name: &str, dir: &Path) -> PathBuf {
    let trace = dir.join("program.rrtrace");
    let mut app = fixture(name);
    if name.ends_with(".zst") {
        app = dir.join("program.wasm");
        std::fs::write(&app, unpacked(name)).unwrap();
    }
    record(&app, &["--quiet"], &[], "", &trace);
    trace
}

/// The first time that a line runs, or a function is called.
fn first(trace: &Path, question: &str) -> String {
    let told = answers(trace, &[], &[question]).remove(0);
    let position = &told["first"][0]["moment"]["position"];
    position.as_str().unwrap().to_owned()
}

/// Each step of a way back: how, in which function and in which line; then its end.
fn chain(way: &Value) -> Vec<String> {
    let place = |at: &Value| {
        let function = at["function"].as_str().unwrap();
        let function = function.rsplit("::").next().unwrap_or(function);
        format!("{function}:{}", at["line"])
    };
    let copies = way["copies"].as_array().unwrap().iter();
    let mut told: Vec<String> = copies
        .map(|copy| {
            let how = copy["how"].as_object().unwrap().keys().next().unwrap();
            format!("{how} {}", place(&copy["at"]))
        })
        .collect();
    let (_, end) = way["end"].as_object().unwrap().iter().next().unwrap();
    let at = end.get("at").map(|at| format!(" {}", place(at)));
    told.push(format!("{}{}", end_of(way), at.unwrap_or_default()));
    told
}

#[test]
fn values_of_optimised_c_are_followed_through_locals() {
    let dir = tempfile::tempdir().unwrap();
    let trace = program("motion/steps-O2.wasm", dir.path());
    let calls = answers(&trace, &[], &["calls square --limit 100"]).remove(0);
    let all = calls["first"].as_array().unwrap();
    let at = |nth: usize| all[nth]["moment"]["position"].as_str().unwrap();
    // The sixth is `square(square(2))` from outside.
    let x = origin(&trace, &["--at", at(5)], "x");
    assert_eq!(x["value"], "4");
    assert_eq!(
        chain(&x),
        [
            "given _start:82",
            "returned _start:82",
            "* of 2, 2 square:25"
        ]
    );
    // In `visit(i)`, called by code without lines with a number that it counts.
    let x = origin(&trace, &["--at", at(9)], "x");
    let chain = chain(&x);
    assert_eq!(chain[..2], ["given visit:53", "given quiet_each:null"]);
    assert!(chain[2].starts_with("+ of 1, 1 quiet_each"), "{chain:?}");
}

#[test]
fn values_of_cpp_are_followed_plain_and_optimised() {
    for (program_of, kind) in [
        ("golden/values-cpp-O0.wasm.zst", "constant 7 Dog:69"),
        ("golden/values-cpp-O2.wasm.zst", "constant 7 Named:64"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let trace = program(program_of, dir.path());
        let at = first(&trace, "visits values.cpp:150");
        let told = origin(&trace, &["--at", &at], "dog->kind");
        assert_eq!(told["value"], "7");
        assert_eq!(copies_of(&told), "stored", "{told}");
        assert_eq!(chain(&told).last().unwrap(), kind, "{told}");
        let stored = told["copies"][0]["how"]["stored"].as_str().unwrap();
        assert_eq!(stored, "this->kind");
    }
    let dir = tempfile::tempdir().unwrap();
    let trace = program("golden/values-cpp-O0.wasm.zst", dir.path());
    // A vector's elements come from a list that lies on the stack, by memcpy.
    let at = first(&trace, "visits values.cpp:172");
    let told = origin(&trace, &["--at", &at], "vector[1]");
    let told = chain(&told);
    assert!(told[0].contains("memcpy"), "{told:?}");
    assert_eq!(
        told[told.len() - 2..],
        ["stored containers:165", "constant 2 containers:165"]
    );
}

#[test]
fn values_of_rust_are_followed_through_calls_that_are_handed_on() {
    let dir = tempfile::tempdir().unwrap();
    let trace = program("motion/closures-O0.wasm", dir.path());
    let at = first(&trace, "calls largest");
    let told = origin(&trace, &["--at", &at], "values[1]");
    assert_eq!(told["value"], "10");
    assert_eq!(
        chain(&told),
        [
            "stored _start:64",
            "returned _start:64",
            "+ of 9, 1 wrapping_add:2457"
        ]
    );
    let told = origin(&trace, &["--at", &at], "values.length");
    assert_eq!(
        chain(&told),
        [
            "stored largest:33",
            "given _start:74",
            "constant 5 _start:73"
        ]
    );
}

#[test]
fn writes_are_found_in_a_run_that_ends_in_any_trap() {
    // Optimised code, which looks for writes, does not know the tick of such an end.
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trap.rrtrace");
    let app = fixture("wat/trap.wat");
    record(&app, &["--quiet", "--invoke", "run()"], &[], "", &trace);
    let told = origin(&trace, &[], "$mem[65520; 4]");
    assert_eq!(copies_of(&told), "stored");
    assert_eq!(end_of(&told), "constant 7");
}
