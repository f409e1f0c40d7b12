//! The language server: what it tells of the ledger's source, over the real binary.

use crate::support::gate::HeldBack;
use crate::support::language_client::LanguageClient;
use crate::support::ledger::own_ledger;
use crate::support::{cache_dir, fixture, record, rr_dap, text};
use rr_dap::component::ModuleId;
use rr_dap::instrument::probe::Probe;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::timeline::travel::motion::Place;
use rr_dap::timeline::{Interrupt, Options, Timeline};
use rr_dap::trace::Trace;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// A server that has counted the ledger, and the source's URI.
fn counted() -> (tempfile::TempDir, LanguageClient, String) {
    let (directory, trace) = own_ledger();
    let mut client = LanguageClient::start(&[&trace]);
    let uri = client.open(&fixture("ledger.c"));
    client.wait_for("workspace/codeLens/refresh");
    (directory, client, uri)
}

/// The titles at a line, counted from 1.
fn titles(lenses: &[Value], line: u64) -> Vec<&str> {
    let there = |lens: &&Value| lens["range"]["start"]["line"] == json!(line - 1);
    let titles = lenses.iter().filter(there);
    titles
        .map(|lens| lens["command"]["title"].as_str().expect("a title"))
        .collect()
}

/// How often a breakpoint stops on each line of the ledger that has code: walked visit by visit.
fn walked(trace: &Path) -> Vec<(u64, usize)> {
    let cache = CacheDir::open(&cache_dir()).expect("a cache");
    let options = Options::new(env!("CARGO_BIN_EXE_rr-dap").into(), cache);
    let trace = Arc::new(Trace::open(trace).expect("a recording"));
    let interrupt = Interrupt::new();
    let mut timeline = Timeline::open(trace, &options, &interrupt, &|_| {}).expect("opens");
    let modules = timeline.modules().clone();
    let source = "/rr-dap/fixtures/ledger.c";
    let mut visits = Vec::new();
    for (id, module) in (0..).map(ModuleId).zip(modules.iter()) {
        for line in module.source.breakable_lines(source, 0..u32::MAX) {
            let places = module.source.breakpoint_places(source, line.line);
            let places = places.iter().map(|place| Place::Code {
                module: id,
                pc: place.pc,
            });
            let found = timeline.visits(places.collect(), 10_000, &interrupt, &|_| {});
            let found = found.expect("visits");
            assert!(!found.is_cut());
            visits.push((u64::from(line.line), found.visits.len()));
        }
    }
    visits
}

#[test]
fn each_line_that_ran_tells_how_often_as_breakpoints_count_it() {
    let (directory, mut client, uri) = counted();
    let hints = client.hints(&uri, 0, 200);
    let told: Vec<(u64, String)> = hints
        .iter()
        .map(|hint| {
            let line = hint["position"]["line"].as_u64().expect("a line");
            (
                line + 1,
                hint["label"].as_str().expect("a label").to_owned(),
            )
        })
        .collect();
    let walked = walked(&directory.path().join("ledger.rrtrace"));
    assert!(walked.iter().any(|(_, visits)| *visits == 0));
    let ran = walked.iter().filter(|(_, visits)| *visits > 0);
    let expected: Vec<_> = ran.map(|(line, n)| (*line, format!("×{n}"))).collect();
    assert_eq!(told, expected);
    // At the end of the line, as it is shown.
    let source = std::fs::read_to_string(fixture("ledger.c")).expect("a source");
    for hint in &hints {
        let line = hint["position"]["line"].as_u64().expect("a line") as usize;
        let text = source.lines().nth(line).expect("a line of it");
        assert_eq!(hint["position"]["character"], json!(text.len()), "{text}");
    }
    // Only those that are asked for.
    let some = client.hints(&uri, 48, 49);
    let lines: Vec<&Value> = some.iter().map(|hint| &hint["position"]["line"]).collect();
    assert_eq!(lines, [&json!(48), &json!(49)]);
    assert!(client.end().success());
}

#[test]
fn each_function_tells_how_often_it_was_called() {
    let (_directory, mut client, uri) = counted();
    let lenses = client.lenses(&uri);
    assert!(titles(&lenses, 44)[0].starts_with("called 12 times"));
    assert!(titles(&lenses, 25)[0].starts_with("called 36 times"));
    assert!(titles(&lenses, 61)[0].starts_with("called once"));
    assert_eq!(titles(&lenses, 44)[1..], ["first", "last"]);
    // An editor that has no debugger of its own asks the server to go there.
    let mut last = lenses
        .iter()
        .filter(|lens| lens["range"]["start"]["line"] == json!(43));
    let last = last.next_back().expect("a lens");
    assert_eq!(last["command"]["command"], "rr-dap.goTo");
    assert_eq!(last["command"]["arguments"][0]["which"], "last");
}

#[test]
fn until_the_pass_is_done_there_is_nothing_and_then_the_client_asks_again() {
    let (_directory, trace) = own_ledger();
    let cache = tempfile::tempdir().expect("a directory");
    let opened = Trace::open(&trace).expect("a recording");
    let held = HeldBack::variant(&opened, Variant::Probed(Probe::Count), cache.path());
    let mut client = LanguageClient::with(&[&trace], cache.path(), json!({}));
    let uri = client.open(&fixture("ledger.c"));
    assert_eq!(client.lenses(&uri), [json!(null); 0]);
    assert_eq!(client.hints(&uri, 0, 200), [json!(null); 0]);
    drop(held);
    client.wait_for("workspace/codeLens/refresh");
    client.wait_for("workspace/inlayHint/refresh");
    assert!(!client.lenses(&uri).is_empty());
    assert!(!client.hints(&uri, 0, 200).is_empty());
}

#[test]
fn a_server_whose_client_is_gone_while_it_counts_ends() {
    let (_directory, trace) = own_ledger();
    let cache = tempfile::tempdir().expect("a directory");
    let opened = Trace::open(&trace).expect("a recording");
    let held = HeldBack::variant(&opened, Variant::Probed(Probe::Count), cache.path());
    let client = LanguageClient::with(&[&trace], cache.path(), json!({}));
    assert!(client.vanish().success());
    let mut client = LanguageClient::with(&[&trace], cache.path(), json!({}));
    client.open(&fixture("ledger.c"));
    assert!(client.end().success());
    drop(held);
}

#[test]
fn settings_hide_what_is_not_wanted() {
    let (_directory, mut client, uri) = counted();
    let shown = client.hints(&uri, 0, 200).len();
    let configure = |client: &mut LanguageClient, settings: Value| {
        let settings = json!({ "settings": { "rr-dap": settings } });
        client.notify("workspace/didChangeConfiguration", settings);
        client.wait_for("workspace/codeLens/refresh");
    };
    configure(&mut client, json!({ "showUnrun": true }));
    let all = client.hints(&uri, 0, 200);
    let unrun = all.iter().filter(|hint| hint["label"] == "×0").count();
    assert!(unrun > 0);
    assert_eq!(all.len(), shown + unrun);
    configure(
        &mut client,
        json!({ "inlayHints": false, "codeLens": false }),
    );
    assert_eq!(client.hints(&uri, 0, 200), [json!(null); 0]);
    assert_eq!(client.lenses(&uri), [json!(null); 0]);
}

#[test]
fn the_variables_up_to_the_stop_are_for_the_session_to_evaluate() {
    let (_directory, mut client, uri) = counted();
    let at = |line: u32| json!({ "line": line, "character": 0 });
    let values = client.ask(
        "textDocument/inlineValue",
        json!({
            "textDocument": { "uri": uri },
            "range": { "start": at(43), "end": at(60) },
            "context": { "frameId": 1, "stoppedLocation": { "start": at(47), "end": at(47) } },
        }),
    );
    let told: Vec<(u64, &str)> = values
        .as_array()
        .expect("values")
        .iter()
        .map(|value| {
            let line = value["range"]["start"]["line"].as_u64().expect("a line");
            (
                line + 1,
                value["expression"].as_str().expect("an expression"),
            )
        })
        .collect();
    let expected = [
        (44, "transfer"),
        (45, "from"),
        (45, "transfer"),
        (46, "to"),
        (46, "transfer"),
        (47, "from"),
        (47, "to"),
        (48, "from"),
        (48, "transfer"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_makes_no_sense_is_refused_and_the_server_goes_on() {
    let (_directory, mut client, uri) = counted();
    let unknown = client.send("textDocument/rename", json!({}));
    let error = client.answer(unknown).expect_err("not understood");
    assert_eq!(error["code"], -32601);
    let wrong = client.send("textDocument/codeLens", json!({ "textDocument": 3 }));
    let error = client.answer(wrong).expect_err("not understood");
    assert_eq!(error["code"], -32602);
    client.notify("textDocument/didOpen", json!([]));
    client.notify("$/cancelRequest", json!({ "id": 12345 }));
    for other in ["untitled:1", "file:///no/such.c", "http://a/b.c"] {
        assert_eq!(client.lenses(other), [json!(null); 0]);
    }
    assert!(!client.lenses(&uri).is_empty());
    assert!(client.end().success());
}

#[test]
fn what_is_not_a_recording_is_told_at_once() {
    let ended = rr_dap(&["lsp", "/no/such.rrtrace"], "");
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        text(&ended.stderr).contains("/no/such.rrtrace"),
        "{ended:?}"
    );
    let ended = rr_dap(&["lsp"], "");
    assert_eq!(ended.status.code(), Some(2));
}

/// A place in a source: the line from 1, and the column where a text in it begins.
fn at(line: usize, text: &str) -> Value {
    let source = std::fs::read_to_string(fixture("ledger.c")).expect("a source");
    let column = source
        .lines()
        .nth(line - 1)
        .and_then(|line| line.find(text));
    let column = column.unwrap_or_else(|| panic!("no {text} in line {line}"));
    json!({ "line": line - 1, "character": column })
}

fn hover(client: &mut LanguageClient, uri: &str, position: Value) -> Option<String> {
    let asked = json!({ "textDocument": { "uri": uri }, "position": position });
    let told = client.ask("textDocument/hover", asked);
    Some(told["contents"]["value"].as_str()?.to_owned())
}

#[test]
fn a_hover_tells_which_values_a_variable_had_on_the_line() {
    let (directory, mut client, uri) = counted();
    let told = hover(&mut client, &uri, at(48, "amount")).expect("something");
    assert!(
        told.starts_with("This line ran 12 times. `transfer->amount` had 12 values."),
        "{told}"
    );
    assert!(told.contains("`-25536` ×1"), "{told}");
    assert!(told.contains("- first: `1200` at `"), "{told}");
    assert!(told.contains("- last: `5000` at `"), "{told}");
    // What is told there is what the question answers at another door.
    let trace = directory.path().join("ledger.rrtrace");
    let question = "values transfer->amount at ledger.c:48";
    let asked = rr_dap(&["ask", trace.to_str().expect("a path"), question], "");
    let first = text(&asked.stdout);
    let first = first
        .lines()
        .find(|row| row.starts_with("#1 "))
        .expect("a row");
    let moment = first
        .split_whitespace()
        .nth(1)
        .expect("a moment")
        .to_owned();
    assert!(
        told.contains(&format!("`{moment}  event")),
        "{told}: {first}"
    );
    // What is no variable: when the line ran.
    let told = hover(&mut client, &uri, at(44, "apply")).expect("something");
    assert!(
        told.starts_with("This line ran 12 times.\n- first: `"),
        "{told}"
    );
    assert!(told.contains("- last: `"), "{told}");
    // A line without code, and one that never ran.
    assert_eq!(hover(&mut client, &uri, at(43, "Moves")), None);
    let told = hover(&mut client, &uri, at(93, "puts")).expect("something");
    assert_eq!(told, "This line has never run.");
}

#[test]
fn references_of_a_variable_are_the_lines_that_wrote_it() {
    let (_directory, mut client, uri) = counted();
    let asked = |position: Value| {
        json!({
            "textDocument": { "uri": uri },
            "position": position,
            "context": { "includeDeclaration": false },
        })
    };
    // The balance of the account that is looked at last: it paid, and was paid.
    let found = client.ask("textDocument/references", asked(at(66, "balance")));
    let lines: Vec<u64> = found
        .as_array()
        .expect("locations")
        .iter()
        .map(|location| {
            assert_eq!(location["uri"], json!(uri));
            location["range"]["start"]["line"].as_u64().expect("a line") + 1
        })
        .collect();
    assert_eq!(lines, [48, 50]);
    let none = client.ask("textDocument/references", asked(at(43, "Moves")));
    assert_eq!(none, json!([]));
}

#[test]
fn a_lens_leads_to_a_moment_that_a_session_can_go_to() {
    let (directory, mut client, uri) = counted();
    let trace = directory.path().join("ledger.rrtrace");
    let lenses = client.lenses(&uri);
    let of_apply = lenses
        .iter()
        .filter(|lens| lens["range"]["start"]["line"] == json!(43));
    let go_to = |title: &str| {
        let mut lenses = of_apply.clone();
        let lens = lenses.find(|lens| lens["command"]["title"] == json!(title));
        lens.expect("a lens")["command"]["arguments"][0].clone()
    };
    let first = client.ask("rr/find", go_to("first"));
    let last = client.ask("rr/find", go_to("last"));
    // As the question has them.
    let question = ["ask", trace.to_str().expect("a path"), "calls apply"];
    let calls = text(&rr_dap(&question, "").stdout);
    for (found, number) in [(&first, "#1 "), (&last, "#12 ")] {
        let row = calls
            .lines()
            .find(|row| row.starts_with(number))
            .expect("a row");
        let position = found["position"].as_str().expect("a position");
        assert_eq!(row.split_whitespace().nth(1), Some(position), "{row}");
    }
    // From there on, and back.
    let mut next = go_to("first");
    next["which"] = json!("next");
    next["from"] = first["position"].clone();
    let second = client.ask("rr/find", next.clone());
    next["which"] = json!("previous");
    next["from"] = second["position"].clone();
    let back = client.ask("rr/find", next.clone());
    assert_eq!(back["position"], first["position"]);
    next["from"] = first["position"].clone();
    let none = client.send("rr/find", next.clone());
    let error = client.answer(none).expect_err("there is none before");
    assert_eq!(error["message"], "it has not run before");
    next["recording"] = json!("/another.rrtrace");
    let none = client.send("rr/find", next);
    client.answer(none).expect_err("it is not open");
    // A client that goes nowhere is told how.
    let command = json!({ "command": "rr-dap.goTo", "arguments": [go_to("last")] });
    client.ask("workspace/executeCommand", command);
    let told = client.wait_for("window/showMessage");
    let told = told["params"]["message"]
        .as_str()
        .expect("words")
        .to_owned();
    let seek = format!("`seek {}`", last["position"].as_str().expect("a position"));
    assert!(told.contains(&seek), "{told}");
}

/// Of the same program, another run: each lens says whose it is, and leads into that one.
#[test]
fn lenses_of_several_recordings_are_told_apart() {
    let (directory, trace) = own_ledger();
    std::fs::write(
        directory.path().join("ledger.csv"),
        "alice,bob,1\n".repeat(3),
    )
    .expect("a file");
    let short = directory.path().join("short.rrtrace");
    let data = format!("--dir={}::/work", directory.path().display());
    let recorded = record(&fixture("ledger.wasm"), &[&data], &[], "", &short);
    assert!(recorded.status.success(), "{recorded:?}");
    let mut client = LanguageClient::start(&[&trace, &short]);
    let uri = client.open(&fixture("ledger.c"));
    let told = loop {
        let lenses = client.lenses(&uri);
        let calls = titles(&lenses, 44).into_iter();
        let calls = calls.filter(|title| title.contains("called"));
        if calls.count() == 2 {
            break lenses;
        }
        client.wait_for("workspace/codeLens/refresh");
    };
    let titles = titles(&told, 44);
    assert_eq!(titles.len(), 6, "{titles:?}");
    assert!(
        titles[0].starts_with("ledger.rrtrace: called 12 times"),
        "{titles:?}"
    );
    assert!(
        titles[3].starts_with("short.rrtrace: called 3 times"),
        "{titles:?}"
    );
    let of_apply = told
        .iter()
        .filter(|lens| lens["range"]["start"]["line"] == json!(43));
    let lasts: Vec<Value> = of_apply
        .filter(|lens| lens["command"]["title"] == "last")
        .map(|lens| lens["command"]["arguments"][0].clone())
        .collect();
    for (last, (recording, number)) in lasts.iter().zip([(&trace, "#12 "), (&short, "#3 ")]) {
        assert_eq!(last["recording"], json!(recording));
        let found = client.ask("rr/find", last.clone());
        let question = ["ask", recording.to_str().expect("a path"), "calls apply"];
        let calls = text(&rr_dap(&question, "").stdout);
        let row = calls.lines().find(|row| row.starts_with(number));
        let row = row.unwrap_or_else(|| panic!("no {number}in {calls}"));
        let position = found["position"].as_str();
        assert_eq!(row.split_whitespace().nth(1), position, "{row}");
    }
    // Hints have no room for names: they are of all together.
    let hints = client.hints(&uri, 47, 47);
    assert_eq!(hints[0]["label"], "×15");
    assert!(client.end().success());
}

#[test]
fn a_question_that_is_cancelled_is_answered_so() {
    let (_directory, mut client, uri) = counted();
    // The second waits for the first, and is given up before it has begun.
    let asked = json!({ "textDocument": { "uri": uri }, "position": at(48, "amount") });
    let first = client.send("textDocument/hover", asked.clone());
    let second = client.send("textDocument/hover", asked);
    client.notify("$/cancelRequest", json!({ "id": second }));
    client.answer(first).expect("an answer");
    match client.answer(second) {
        Err(error) => assert_eq!(error["code"], -32800),
        // The machine was faster than the client.
        Ok(told) => assert!(told["contents"]["value"].is_string(), "{told}"),
    }
}
