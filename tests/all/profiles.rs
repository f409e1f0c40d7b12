//! Profiles: what is in the files, held against each other and against the question that adds
//! them up; and what is told of a heap.

use crate::support::{fixture, record, rr_dap, text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Ticks by the names on a stack, outermost first.
type Folded = BTreeMap<Vec<String>, u64>;

struct Recorded {
    dir: tempfile::TempDir,
    path: PathBuf,
}

impl Recorded {
    fn of(app: &Path, options: &[&str]) -> Recorded {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("run.rrtrace");
        let output = record(app, options, &[], "", &path);
        assert!(path.exists(), "{}", text(&output.stderr));
        Recorded { dir, path }
    }

    /// Writes a profile; how many ticks it says that there are.
    fn profile(&self, name: &str) -> (u64, PathBuf) {
        let to = self.dir.path().join(name);
        let (to_text, from) = (
            to.to_str().expect("text"),
            self.path.to_str().expect("text"),
        );
        let output = rr_dap(&["replay", "--profile", to_text, from], "");
        let said = text(&output.stderr);
        assert!(output.status.success(), "{said}");
        let ticks = said
            .split_whitespace()
            .nth(1)
            .and_then(|word| word.parse().ok());
        (ticks.unwrap_or_else(|| panic!("{said}")), to)
    }

    fn folded(&self) -> (u64, Folded) {
        let (ticks, path) = self.profile("run.folded");
        let mut folded = Folded::new();
        for line in std::fs::read_to_string(path).expect("a profile").lines() {
            let (stack, count) = line.rsplit_once(' ').expect("a count");
            let stack = stack.split(';').map(str::to_owned).collect();
            let before = folded.insert(stack, count.parse().expect("a number"));
            assert!(before.is_none(), "{line} is there twice");
        }
        (ticks, folded)
    }

    fn ask(&self, question: &str) -> Value {
        let path = self.path.to_str().expect("text");
        let output = rr_dap(&["ask", path, "--json", question], "");
        assert!(output.status.success(), "{}", text(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        answer["answer"].clone()
    }
}

/// A column of a table that has as many rows as it says.
fn column<'a>(table: &'a Value, name: &str) -> &'a Vec<Value> {
    let column = table[name].as_array();
    let column = column.unwrap_or_else(|| panic!("no {name} in {table}"));
    assert_eq!(
        Some(column.len() as u64),
        table["length"].as_u64(),
        "{name}"
    );
    column
}

/// Stacks of a processed profile with their weights, by the rules of that format.
fn of_firefox(profile: &Value) -> (Folded, BTreeMap<String, u64>) {
    assert_eq!(profile["meta"]["preprocessedProfileVersion"], 55);
    let thread = &profile["threads"][0];
    let strings = thread["stringArray"].as_array().expect("strings");
    let string = |index: &Value| {
        let index = index.as_u64().expect("a string's number") as usize;
        strings[index].as_str().expect("a string").to_owned()
    };
    let (frames, functions) = (&thread["frameTable"], &thread["funcTable"]);
    let index = |value: &Value| value.as_u64().expect("a number") as usize;
    for name in [
        "address",
        "category",
        "subcategory",
        "line",
        "column",
        "nativeSymbol",
    ] {
        column(frames, name);
    }
    for name in [
        "isJS",
        "relevantForJS",
        "resource",
        "lineNumber",
        "columnNumber",
    ] {
        column(functions, name);
    }
    let mut lines = BTreeMap::new();
    let stacks = &thread["stackTable"];
    let prefixes = column(stacks, "prefix");
    let mut named: Vec<Vec<String>> = Vec::new();
    for (at, frame) in column(stacks, "frame").iter().enumerate() {
        let frame = index(frame);
        let function = index(&column(frames, "func")[frame]);
        let mut stack = match &prefixes[at] {
            Value::Null => Vec::new(),
            prefix => {
                assert!(index(prefix) < at, "a prefix comes first");
                named[index(prefix)].clone()
            }
        };
        stack.push(string(&column(functions, "name")[function]));
        named.push(stack);
    }
    let samples = &thread["samples"];
    let (mut folded, mut now) = (Folded::new(), 0.0);
    let deltas = column(samples, "timeDeltas").iter();
    let weights = column(samples, "weight").iter().zip(deltas);
    for (stack, (weight, delta)) in column(samples, "stack").iter().zip(weights) {
        let delta = delta.as_f64().expect("a time");
        assert!(delta >= 0.0, "time goes on");
        now += delta;
        let weight = weight.as_u64().expect("a weight");
        *folded.entry(named[index(stack)].clone()).or_default() += weight;
        let frame = index(&column(stacks, "frame")[index(stack)]);
        let function = index(&column(frames, "func")[frame]);
        let file = &column(functions, "fileName")[function];
        if let (Some(line), false) = (column(frames, "line")[frame].as_u64(), file.is_null()) {
            *lines.entry(format!("{}:{line}", string(file))).or_default() += weight;
        }
    }
    let end = thread["unregisterTime"].as_f64().expect("an end");
    assert!(now <= end, "{now} {end}");
    let markers = &thread["markers"];
    for name in ["name", "category", "phase", "startTime", "endTime", "data"] {
        column(markers, name);
    }
    let counter = &profile["counters"][0]["samples"];
    for name in ["timeDeltas", "number", "count"] {
        column(counter, name);
    }
    (folded, lines)
}

/// What was called `name` on a stack, or called from there, once for each stack.
fn totals(folded: &Folded) -> BTreeMap<String, (u64, u64)> {
    let mut totals: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (stack, ticks) in folded {
        let mut names = stack.clone();
        totals
            .entry(names.last().expect("a frame").clone())
            .or_default()
            .0 += ticks;
        names.sort();
        names.dedup();
        for name in names {
            totals.entry(name).or_default().1 += ticks;
        }
    }
    totals
}

fn agree(recorded: &Recorded) -> (Folded, Value) {
    let (ticks, folded) = recorded.folded();
    assert_eq!(folded.values().sum::<u64>(), ticks);
    let (_, path) = recorded.profile("run.json");
    let profile = std::fs::read_to_string(&path).expect("a profile");
    let (_, packed) = recorded.profile("run.json.gz");
    let packed = std::fs::File::open(packed).expect("a profile");
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(packed)
        .read_to_string(&mut unpacked)
        .expect("gzip");
    assert_eq!(unpacked, profile);
    let profile: Value = serde_json::from_str(&profile).expect("JSON");
    let (of_firefox, mut lines) = of_firefox(&profile);
    assert_eq!(of_firefox, folded);
    // The question adds up the same.
    let hottest = recorded.ask("hottest --limit 10000");
    assert_eq!(hottest["ticks"], ticks);
    let mut told: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for hot in hottest["hottest"].as_array().expect("functions") {
        let name = hot["function"].as_str().expect("a name").to_owned();
        let (own, total) = (hot["own"].as_u64(), hot["total"].as_u64());
        let entry = told.entry(name).or_default();
        entry.0 += own.expect("ticks");
        // Functions of one name are told one by one.
        entry.1 = entry.1.max(total.expect("ticks"));
    }
    let mut expected = totals(&folded);
    // Hostcalls take no ticks, and those that are called in one are not theirs.
    expected.retain(|name, _| told.contains_key(name));
    assert_eq!(told, expected);
    let by_line = recorded.ask("hottest --lines --limit 10000");
    for hot in by_line["hottest"].as_array().expect("lines") {
        let place = hot["place"].as_str().expect("a line");
        let own = lines.remove(place).unwrap_or(0);
        assert_eq!(hot["own"].as_u64(), Some(own), "{place}");
    }
    (folded, profile)
}

#[test]
fn profiles_of_c_add_up() {
    let recorded = Recorded::of(&fixture("motion/steps-O0.wasm"), &[]);
    let (folded, _) = agree(&recorded);
    let recursive = ["factorial"; 4];
    assert!(
        folded
            .keys()
            .any(|stack| stack.ends_with(&recursive.map(str::to_owned))),
        "{folded:?}"
    );
}

#[test]
fn inlined_calls_have_frames() {
    let recorded = Recorded::of(&fixture("motion/inlined-O1.wasm"), &[]);
    let (_, profile) = agree(&recorded);
    let frames = &profile["threads"][0]["frameTable"];
    let inlined = column(frames, "subcategory")
        .iter()
        .filter(|of| **of == 1)
        .count();
    assert!(inlined > 0, "{frames}");
}

#[test]
fn hostcalls_are_markers() {
    let fixtures = fixture("");
    let dir = format!("{}::/work", fixtures.display());
    let recorded = Recorded::of(&fixture("ledger.wasm"), &["--dir", &dir]);
    let (_, path) = recorded.profile("run.json");
    let profile = std::fs::read(path).expect("a profile");
    let profile: Value = serde_json::from_slice(&profile).expect("JSON");
    let data = column(&profile["threads"][0]["markers"], "data");
    let events: Vec<u64> = data
        .iter()
        .filter(|marker| marker["type"] == "hostcall")
        .map(|marker| marker["event"].as_u64().expect("a number"))
        .collect();
    assert!(events.len() > 10 && events.is_sorted(), "{events:?}");
    assert_eq!(events, (0..events.len() as u64).collect::<Vec<_>>());
    assert!(data.iter().any(|marker| marker["type"] == "export"));
}

#[test]
fn what_cannot_be_written_is_said() {
    let recorded = Recorded::of(&fixture("motion/steps-O2.wasm"), &[]);
    let from = recorded.path.to_str().expect("text");
    for (to, said) in [
        ("run.profile", ".json.gz for the Firefox"),
        ("/no/such/folder/run.json", "cannot write /no/such/folder"),
    ] {
        let output = rr_dap(&["replay", "--profile", to, from], "");
        assert!(!output.status.success());
        let told = text(&output.stderr);
        assert!(told.contains(said), "{told}");
    }
}

/// An allocator that never uses a block again, and who calls it.
const HEAP: &str = r#"(component
  (core module $m
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 1024))
    (func $bump (param $n i32) (result i32)
      (if (i32.gt_u (i32.add (global.get $free) (local.get $n)) (i32.shl (memory.size) (i32.const 16)))
        (then (drop (memory.grow (i32.const 1)))))
      (global.get $free)
      (global.set $free (i32.add (global.get $free) (local.get $n))))
    (func $malloc (param $n i32) (result i32)
      (if (i32.gt_u (local.get $n) (i32.const 100000)) (then (return (i32.const 0))))
      (local.set $n (i32.and (i32.add (local.get $n) (i32.const 7)) (i32.const -8)))
      (call $bump (local.get $n)))
    (func $calloc (param i32 i32) (result i32)
      (call $malloc (i32.mul (local.get 0) (local.get 1))))
    (func $free (param i32))
    (func $realloc (param i32 i32) (result i32)
      (call $free (local.get 0))
      (call $malloc (local.get 1)))
    (func $one (result i32) (call $malloc (i32.const 5)))
    (func $two (result i32) (call $calloc (i32.const 3) (i32.const 7)))
    (func $three (param i32) (result i32) (call $realloc (local.get 0) (i32.const 70000)))
    (func (export "run") (local $i i32)
      (call $free (call $one))
      (loop $again
        (drop (call $one))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (i32.const 1000))))
      (call $free (i32.const 12))
      (call $free (i32.const 0))
      (drop (call $malloc (i32.const 200000)))
      (drop (call $three (call $two)))))
  (core instance $i (instantiate $m))
  (func (export "run") (canon lift (core func $i "run"))))"#;

#[test]
fn a_heap_is_followed() {
    let dir = tempfile::tempdir().expect("a directory");
    let app = dir.path().join("heap.wat");
    std::fs::write(&app, HEAP).expect("writes");
    let recorded = Recorded::of(&app, &["--invoke", "run()"]);
    let memory = recorded.ask("memory");
    assert_eq!(memory["bytes"], 2 << 16);
    let growth = &memory["growth"][0];
    assert_eq!(growth["grown"], 1 << 16);
    assert_eq!(growth["by"][0], "bump");
    assert_eq!(growth["by"][2], "realloc");
    let leaks = recorded.ask("leaks");
    assert_eq!(memory["heap"], leaks["heap"]);
    let heap = &memory["heap"];
    assert_eq!(heap["blocks"], 1001);
    assert_eq!(heap["bytes"], 5000 + 70_000);
    assert_eq!(heap["peakBytes"], 5000 + 70_000);
    // Six of them free, and what these call of each other does not count.
    assert_eq!(heap["calls"], 1 + 1 + 1000 + 2 + 1 + 1 + 1);
    assert_eq!(heap["failed"], 1);
    assert_eq!(heap["strange"], 1);
    let places = heap["places"].as_array().expect("places");
    let told = |at: usize, what: &str| places[at][what].clone();
    assert_eq!(places.len(), 2);
    assert_eq!(
        (told(0, "by"), told(0, "blocks"), told(0, "bytes")),
        ("three".into(), 1.into(), 70_000.into())
    );
    assert_eq!(
        (told(1, "by"), told(1, "blocks"), told(1, "bytes")),
        ("one".into(), 1000.into(), 5000.into())
    );
    assert_eq!(told(1, "made"), 1001);
    assert_eq!(leaks["handles"], serde_json::json!([]));
}
