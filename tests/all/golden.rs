//! What a stopped program shows, compared with what its source says must be shown: the
//! sources in `fixtures/golden` have an `expect` for each variable, a `type` for some, and
//! an `evaluate` for what people write about them.

use crate::support::client::Client;
use crate::support::{fixture, golden, record};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Child;

/// What is asked about.
enum Asked {
    /// The variable's name, and those of children on the way down.
    Value(Vec<String>),
    /// The variable's name.
    Type(String),
    Expression(String),
}

/// One `// expect: NAME = VALUE`, or `NAME ~ PART` of a value; `// type: NAME = TYPE`;
/// `// evaluate: EXPRESSION => VALUE`, or `EXPRESSION ~> PART`.
struct Expected {
    line: usize,
    asked: Asked,
    is_whole: bool,
    value: String,
}

impl Expected {
    fn read(line: usize, text: &str) -> Option<Expected> {
        let of = |word: &str| text.split_once(word).map(|(_, said)| said);
        let (said, signs) = match of("// evaluate: ") {
            Some(said) => (said, [" => ", " ~> "]),
            None => (of("// expect: ").or(of("// type: "))?, [" = ", " ~ "]),
        };
        let [whole, part] = signs.map(|sign| said.split_once(sign));
        let length = |of: Option<(&str, &str)>| of.map_or(usize::MAX, |(name, _)| name.len());
        let is_whole = length(whole) < length(part);
        let (name, value) = if is_whole { whole } else { part }.expect("NAME = VALUE");
        let asked = match signs {
            [" => ", _] => Asked::Expression(name.to_owned()),
            _ if text.contains("// type: ") => Asked::Type(name.to_owned()),
            _ => Asked::Value(name.split(" > ").map(str::to_owned).collect()),
        };
        Some(Expected {
            line,
            asked,
            is_whole,
            value: value.to_owned(),
        })
    }

    fn about(&self) -> String {
        match &self.asked {
            Asked::Value(path) => path.join(" > "),
            Asked::Type(name) => format!("the type of {name}"),
            Asked::Expression(text) => text.clone(),
        }
    }

    fn is_met(&self, shown: &str) -> bool {
        match self.is_whole {
            true => shown == self.value,
            false => shown.contains(&self.value),
        }
    }
}

/// The marked lines of a source, each with what is expected there.
fn stops(source: &str) -> Vec<(usize, Vec<Expected>)> {
    let mut stops = Vec::new();
    let mut expected = Vec::new();
    for (line, text) in (1..).zip(source.lines()) {
        expected.extend(Expected::read(line, text));
        if text.ends_with("// stop") {
            stops.push((line, std::mem::take(&mut expected)));
        }
    }
    assert!(expected.is_empty(), "an `expect` after the last `stop`");
    stops
}

struct Session {
    child: Child,
    client: Client,
    _dir: tempfile::TempDir,
}

impl Session {
    fn open(guest: &str) -> Session {
        let dir = tempfile::tempdir().unwrap();
        let app: PathBuf = dir.path().join("guest.wasm");
        std::fs::write(&app, golden(guest)).unwrap();
        let trace = dir.path().join("guest.rrtrace");
        let recorded = record(&app, &[], &[], "", &trace);
        assert!(recorded.status.success(), "{recorded:?}");
        let (child, mut client) = Client::spawn();
        client.initialize();
        client.ask("launch", json!({ "trace": trace, "stopOnEntry": true }));
        client.event("initialized");
        client.ask("configurationDone", Value::Null);
        client.event("stopped");
        Session {
            child,
            client,
            _dir: dir,
        }
    }

    /// Runs to a line, and returns the frame that stands there.
    fn run_to(&mut self, source: &str, line: usize) -> Value {
        let path = format!("/rr-dap/fixtures/golden/{source}");
        let breakpoints = json!({ "source": { "path": path }, "breakpoints": [{ "line": line }] });
        let set = self.client.ask("setBreakpoints", breakpoints);
        assert_eq!(set["breakpoints"][0]["line"], line, "{set:#}");
        self.client.go("continue");
        let stack = self.client.ask("stackTrace", json!({ "threadId": 1 }));
        let frames = stack["stackFrames"].as_array().unwrap();
        let there = frames.iter().find(|frame| frame["line"] == line);
        there.unwrap_or_else(|| panic!("{stack:#}")).clone()
    }

    fn values(&mut self, of: &Value) -> Vec<Value> {
        match of["variablesReference"].as_i64() {
            None | Some(0) => Vec::new(),
            Some(reference) => {
                let asked = json!({ "variablesReference": reference });
                let mut body = self.client.ask("variables", asked);
                body["variables"]
                    .as_array_mut()
                    .unwrap()
                    .drain(..)
                    .collect()
            }
        }
    }

    /// The source's variables in a frame, by name.
    fn variables(&mut self, frame: &Value) -> HashMap<String, Value> {
        let scopes = self.client.ask("scopes", json!({ "frameId": frame["id"] }));
        let mut found = HashMap::new();
        for scope in scopes["scopes"].as_array().unwrap() {
            let name = scope["name"].as_str().unwrap();
            if ["Arguments", "Locals", "Statics"].contains(&name) {
                for value in self.values(scope) {
                    let name = value["name"].as_str().unwrap().to_owned();
                    found.entry(name).or_insert(value);
                }
            }
        }
        found
    }

    /// What is shown of what is asked; `None` if it is not there.
    fn shown(&mut self, frame: &Value, of: &Asked, all: &HashMap<String, Value>) -> Option<String> {
        match of {
            Asked::Value(path) => self.value(frame, path, all),
            Asked::Type(name) => Some(all.get(name)?["type"].as_str()?.to_owned()),
            Asked::Expression(text) => {
                let asked = json!({
                    "expression": text, "frameId": frame["id"], "context": "watch",
                });
                let seq = self.client.send("evaluate", asked);
                let told = self.client.response(seq);
                match told["success"] == true {
                    true => Some(told["body"]["result"].as_str()?.to_owned()),
                    // What makes it an error in optimised code.
                    false if told.to_string().contains("optimised out") => None,
                    false => Some(told["body"].to_string()),
                }
            }
        }
    }

    /// What is shown at the end of a path; `None` if it is not there.
    fn value(
        &mut self,
        frame: &Value,
        path: &[String],
        all: &HashMap<String, Value>,
    ) -> Option<String> {
        let first = &path[0];
        let mut value = match all.get(first) {
            Some(value) => value.clone(),
            None if first.contains("::") => {
                let asked = json!({
                    "expression": first, "frameId": frame["id"], "context": "watch",
                });
                let mut told = self.client.ask("evaluate", asked);
                told["value"] = told["result"].take();
                told
            }
            None => return None,
        };
        for step in &path[1..] {
            if value["value"] == "<optimised out>" {
                break;
            }
            let mut children = self.values(&value).into_iter();
            value = children.find(|child| child["name"] == *step)?;
        }
        Some(value["value"].as_str().unwrap().to_owned())
    }
}

/// Unoptimised code shows everything. Optimised code may have lost a variable, and says
/// so; what it shows is right.
fn check(source: &str, guest: &str, least: usize) {
    let text = std::fs::read_to_string(fixture(&format!("golden/{source}"))).unwrap();
    let mut session = Session::open(guest);
    let is_optimised = guest.ends_with("O2");
    let (mut right, mut wrong) = (0, Vec::new());
    for (line, expected) in stops(&text) {
        let frame = session.run_to(source, line);
        let all = session.variables(&frame);
        for of in expected {
            let shown = session.shown(&frame, &of.asked, &all);
            match shown.as_deref() {
                Some(shown) if of.is_met(shown) => right += 1,
                None | Some("<optimised out>") if is_optimised => {}
                shown => wrong.push(format!(
                    "{source}:{}: {} is {shown:?}, not {}",
                    of.line,
                    of.about(),
                    of.value
                )),
            }
        }
    }
    session.client.ask("disconnect", json!({}));
    drop(session.client);
    session.child.wait().unwrap();
    assert!(wrong.is_empty(), "{guest}: {wrong:#?}");
    assert!(right >= least, "{guest}: only {right} are shown");
}

#[test]
fn unoptimised_c_shows_what_its_source_says() {
    check("values.c", "values-c-O0", 30);
}

#[test]
fn optimised_c_shows_no_wrong_value() {
    check("values.c", "values-c-O2", 20);
}

#[test]
fn unoptimised_cpp_shows_what_its_source_says() {
    check("values.cpp", "values-cpp-O0", 60);
}

#[test]
fn optimised_cpp_shows_no_wrong_value() {
    check("values.cpp", "values-cpp-O2", 20);
}

#[test]
fn unoptimised_rust_shows_what_its_source_says() {
    check("values.rs", "values-rust-O0", 70);
}

#[test]
fn unoptimised_zig_shows_what_its_source_says() {
    check("values.zig", "values-zig-O0", 15);
}

#[test]
fn optimised_zig_shows_no_wrong_value() {
    check("values.zig", "values-zig-O2", 15);
}

#[test]
fn optimised_rust_shows_no_wrong_value() {
    check("values.rs", "values-rust-O2", 20);
}

#[test]
fn collections_of_rust_crates_show_what_their_source_says() {
    check("crates.rs", "values-crates-O0", 10);
}

/// An argument that is a reference of Rust refers to something: where it shows nothing, the
/// debug information named an operand that an instruction had already taken.
#[test]
fn references_in_optimised_rust_are_never_null() {
    let mut session = Session::open("values-rust-O2");
    let (mut seen, mut wrong) = (0, Vec::new());
    // Where all functions begin: steps stay out of the library's.
    let all = json!({ "breakpoints": [{ "name": "*" }] });
    session.client.ask("setFunctionBreakpoints", all);
    for _ in 0..120 {
        session.client.go("continue");
        let stack = session
            .client
            .ask("stackTrace", json!({ "threadId": 1, "levels": 3 }));
        for frame in stack["stackFrames"].as_array().unwrap() {
            let asked = json!({ "frameId": frame["id"] });
            let scopes = session.client.ask("scopes", asked);
            let mut scopes = scopes["scopes"].as_array().unwrap().iter();
            let Some(arguments) = scopes.find(|scope| scope["name"] == "Arguments") else {
                continue;
            };
            for argument in session.values(arguments) {
                let (of, value) = (&argument["type"], argument["value"].as_str().unwrap());
                seen += usize::from(of.as_str().unwrap().starts_with('&'));
                if of.as_str().unwrap().starts_with('&') && value == "0x0" {
                    wrong.push(format!("{} of {}", argument["name"], frame["name"]));
                }
            }
        }
    }
    session.client.ask("disconnect", json!({}));
    drop(session.client);
    session.child.wait().unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 20, "only {seen} references were seen");
}
