//! What the whole recording answers: how often, who wrote, with which values. All doors say the
//! same, breakpoints are the oracle, and the session stays where it is.

use crate::support::client::Client;
use crate::support::ledger::own_ledger;
use crate::support::prompt::{answers, session};
use crate::support::session::{frames, set_lines, start};
use crate::support::{fixture, record, rr_dap, text};
use serde_json::{Value, json};
use std::path::Path;

/// What `rr-dap ask` prints.
fn asked(trace: &Path, words: &[&str]) -> String {
    let mut line = vec!["ask", trace.to_str().unwrap()];
    line.extend(words);
    let output = rr_dap(&line, "");
    assert!(
        output.status.success(),
        "{words:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// The answer to one question.
fn answer(trace: &Path, question: &str) -> Value {
    let line = asked(trace, &["--json", question]);
    let mut told: Value = serde_json::from_str(&line).unwrap();
    told["answer"].take()
}

/// What is said of a question that has no answer.
fn refused(trace: &Path, question: &str) -> String {
    let output = rr_dap(&["ask", trace.to_str().unwrap(), question], "");
    assert!(
        !output.status.success(),
        "{question}: {}",
        text(&output.stdout)
    );
    text(&output.stderr)
}

fn launch(trace: &Path) -> Client {
    start(json!({ "trace": trace, "stopOnEntry": true }), |_| {})
}

/// What the console answers.
fn console(client: &mut Client, line: &str) -> String {
    let answer = client.ask("evaluate", json!({ "expression": line, "context": "repl" }));
    answer["result"].as_str().unwrap().to_owned()
}

fn position(client: &mut Client) -> Value {
    client.ask("rr/when", Value::Null)["moment"]["position"].take()
}

/// The positions at which breakpoints on a line stop, from the start to the end.
fn stops(trace: &Path, line: i64) -> Vec<String> {
    let mut client = start(json!({ "trace": trace, "stopAt": "start" }), |client| {
        let source = frames_source();
        let set = set_lines(client, &source, &[line]);
        assert_eq!(set[0]["verified"], true, "{set}");
    });
    let mut stops = Vec::new();
    loop {
        let stop = client.go("continue");
        if stop["reason"] != "breakpoint" {
            return stops;
        }
        stops.push(position(&mut client).as_str().unwrap().to_owned());
    }
}

fn frames_source() -> Value {
    json!({ "path": "/rr-dap/fixtures/ledger.c" })
}

/// Of what is told at one end; nothing, where the other end has all.
fn positions(rows: &Value) -> Vec<String> {
    let rows = rows.as_array().into_iter().flatten();
    let position = |row: &Value| row["moment"]["position"].as_str().unwrap().to_owned();
    rows.map(position).collect()
}

#[test]
fn visits_are_where_a_breakpoint_stops() {
    let (_dir, trace) = own_ledger();
    for line in [27, 48, 66, 68, 84] {
        let told = answer(&trace, &format!("visits ledger.c:{line} --limit 1000"));
        let stops = stops(&trace, line);
        assert_eq!(told["count"], stops.len(), "line {line}");
        let visits = [&told["first"], &told["last"]].map(positions).concat();
        assert_eq!(visits, stops, "line {line}");
    }
    // A part of them is the first and the last of all.
    let all = answer(&trace, "visits ledger.c:27 --limit 1000");
    let all = positions(&all["first"]);
    let few = answer(&trace, "visits ledger.c:27 --limit 5");
    assert_eq!(few["count"], all.len());
    assert_eq!(positions(&few["first"]), all[..3]);
    assert_eq!(positions(&few["last"]), all[all.len() - 2..]);
}

/// All rows of a question, page by page.
fn paged(trace: &Path, question: &str, limit: u64) -> (Vec<Value>, u64) {
    let (mut rows, mut pages) = (Vec::new(), 0);
    loop {
        let after = rows.len();
        let page = answer(
            trace,
            &format!("{question} --limit {limit} --after {after}"),
        );
        assert!(page["last"].is_null(), "{page}");
        let told = page["first"].as_array().unwrap();
        assert!(told.len() as u64 <= limit, "{page}");
        rows.extend(told.iter().cloned());
        pages += 1;
        if told.is_empty() || rows.len() as u64 == page["count"].as_u64().unwrap() {
            return (rows, pages);
        }
    }
}

#[test]
fn pages_reach_every_row() {
    let (_dir, trace) = own_ledger();
    for (question, limit) in [
        ("visits ledger.c:27", 7),
        ("visits ledger.c:27 --where i > 0", 7),
        ("calls apply", 5),
        ("values i at ledger.c:27", 20),
        ("writes accounts[1].balance", 4),
    ] {
        let whole = answer(&trace, &format!("{question} --limit 10000"));
        let rows = |end: &str| whole[end].as_array().cloned().unwrap_or_default();
        let expected = [rows("first"), rows("last")].concat();
        let (paged, pages) = paged(&trace, question, limit);
        assert!(pages > 1, "{question}");
        assert_eq!(paged, expected, "{question}");
        // What is told of all is told with each page.
        let page = answer(&trace, &format!("{question} --limit 1 --after 2"));
        assert_eq!(page["count"], whole["count"], "{question}");
        assert_eq!(page["different"], whole["different"], "{question}");
    }
    let text = asked(&trace, &["visits ledger.c:27 --limit 3 --after 2"]);
    assert!(text.contains("\n#3 ") && text.contains("\n#5 "), "{text}");
    assert!(text.trim_end().ends_with("more: --after 5 …"), "{text}");
    let beyond = answer(&trace, "visits ledger.c:27 --after 1000000");
    assert_eq!(beyond["first"], json!([]));
    assert!(refused(&trace, "memory --after 3").contains("means nothing"));
    // The hottest, too.
    let whole = answer(&trace, "hottest --limit 10000");
    let behind = answer(&trace, "hottest --limit 3 --after 2");
    let whole = whole["hottest"].as_array().unwrap();
    assert_eq!(behind["hottest"].as_array().unwrap(), &whole[2..5]);
    assert_eq!(behind["more"], whole.len() - 5);
}

#[test]
fn conditions_narrow_visits() {
    let (_dir, trace) = own_ledger();
    let told = answer(&trace, "visits ledger.c:48 --where transfer->amount > 2000");
    assert_eq!(told["count"], 5);
    let told = answer(
        &trace,
        "visits ledger.c:48 --where transfer->amount > 1000000",
    );
    assert_eq!(told["count"], 0);
    assert!(refused(&trace, "visits ledger.c:48 --where (").contains("not understood"));
    let nowhere = answer(&trace, "visits ledger.c:48 --where nonsense > 3");
    assert!(
        nowhere["problem"].as_str().unwrap().contains("nonsense"),
        "{nowhere}"
    );
}

#[test]
fn calls_tell_arguments_callers_and_results() {
    let (_dir, trace) = own_ledger();
    let told = answer(&trace, "calls apply --limit 2");
    assert_eq!(told["count"], 12);
    let first = &told["first"][0];
    assert_eq!(first["caller"], "main at ledger.c:85", "{first}");
    assert_eq!(first["result"], "1", "{first}");
    assert_eq!(first["arguments"][0]["name"], "transfer", "{first}");
    let amount = first["arguments"][0]["value"].as_str().unwrap();
    assert!(amount.contains("amount: 1200"), "{first}");
    // A call that never returned has no result: `check` traps.
    let told = answer(&trace, "calls check");
    assert_eq!(told["count"], 1);
    assert_eq!(told["first"][0].get("result"), None, "{told}");
    // Hostcalls are called, too.
    let told = answer(&trace, "calls get-type --limit 1");
    let result = told["first"][0]["result"].as_str().unwrap();
    assert!(result.starts_with("ok("), "{told}");
    assert!(refused(&trace, "calls appl").contains("did you mean apply?"));
}

#[test]
fn values_are_a_table() {
    let (_dir, trace) = own_ledger();
    let told = answer(
        &trace,
        "values transfer->amount, from->balance at ledger.c:48 --limit 3",
    );
    assert_eq!(told["count"], 12);
    assert_eq!(told["first"][0]["values"], json!(["1200", "90000"]));
    assert_eq!(told["last"][0]["values"], json!(["5000", "123886"]));
    assert_eq!(told["different"][0]["count"], 12);
    assert_eq!(told["different"][1]["count"], 11);
    assert_eq!(told["different"][1]["most"][0], json!(["5000", 2]));
    let why = refused(&trace, "values nonsense at ledger.c:48");
    assert!(why.contains("nonsense"), "{why}");
}

/// One went below zero; what wrote it is what a step back through its writes shows.
#[test]
fn writes_are_what_going_back_to_each_shows() {
    let (_dir, trace) = own_ledger();
    let told = answer(&trace, "writes accounts[1].balance");
    let rows = told["first"].as_array().unwrap();
    assert_eq!(told["count"], rows.len());
    let mut client = start(json!({ "trace": trace, "stopAt": "end" }), |_| {});
    let value = json!({ "expression": "accounts[1].balance" });
    for row in rows.iter().skip(1).rev() {
        client.ask("rr/whoWrote", value.clone());
        let stop = client.event("stopped");
        let said = stop["text"].as_str().unwrap();
        let by = row["by"].as_str().unwrap();
        let change = row["change"].as_str().unwrap();
        assert_eq!(said, format!("{by} wrote {change}"));
        assert_eq!(position(&mut client), row["moment"]["position"]);
    }
    // The first is the data of the module.
    assert_eq!(rows[0]["change"], "accounts[1].balance: 0 -> 20000");
    assert!(refused(&trace, "writes nonsense").contains("nonsense"));
}

#[test]
fn all_doors_say_the_same_and_the_session_stays() {
    let (dir, trace) = own_ledger();
    let questions = [
        "visits ledger.c:48",
        "calls apply --limit 3",
        "values i at ledger.c:27 --limit 4",
        "writes accounts[1].balance",
    ];
    let mut client = launch(&trace);
    let stands = position(&mut client);
    let shown = frames(&mut client);
    let prompt = session(&trace, dir.path(), &questions);
    let at_prompt = answers(&prompt, &questions);
    for (question, at_prompt) in questions.iter().zip(&at_prompt) {
        let by_command = asked(&trace, &[question]);
        let by_command = by_command.trim_end();
        assert_eq!(console(&mut client, question), by_command, "{question}");
        assert_eq!(at_prompt, by_command, "{question}");
        let by_request = client.ask("rr/ask", json!({ "question": question }));
        assert_eq!(by_request["text"], by_command, "{question}");
        assert_eq!(by_request["answer"], answer(&trace, question), "{question}");
        assert_eq!(position(&mut client), stands, "{question}");
    }
    assert_eq!(frames(&mut client), shown);
}

/// Every position that is told is a moment that `seek` takes, and the program is there.
#[test]
fn positions_lead_where_they_say() {
    let (_dir, trace) = own_ledger();
    let told = answer(&trace, "visits ledger.c:66 --limit 3");
    let mut client = launch(&trace);
    for at in positions(&told["first"]) {
        client.ask("rr/seek", json!({ "position": at }));
        client.event("stopped");
        assert_eq!(client.top_line(), 66);
        assert_eq!(position(&mut client), Value::String(at));
    }
}

/// Several questions of one run, a script, and what is wrong with either.
#[test]
fn several_are_asked_at_once() {
    let (dir, trace) = own_ledger();
    let script = dir.path().join("questions.txt");
    std::fs::write(
        &script,
        "# how often\nvisits ledger.c:48\n\ncalls report --limit 1\n",
    )
    .unwrap();
    let script = script.to_str().unwrap();
    let told = asked(
        &trace,
        &[
            "--script",
            script,
            "calls",
            "apply",
            "--limit",
            "1",
            "visits",
            "ledger.c:84",
        ],
    );
    let heads: Vec<&str> = told
        .lines()
        .filter(|line| !line.starts_with(['#', '…']))
        .collect();
    assert_eq!(
        heads,
        [
            "apply at ledger.c:45 was called 12 times",
            "ledger.c:84 ran once",
            "ledger.c:48 ran 12 times",
            "report at ledger.c:56 was called 12 times",
        ]
    );
    std::fs::write(
        dir.path().join("questions.txt"),
        "visits ledger.c:48\nnonsense\n",
    )
    .unwrap();
    let output = rr_dap(&["ask", "--script", script, trace.to_str().unwrap()], "");
    let said = text(&output.stderr);
    assert!(
        said.contains("questions.txt:2") && said.contains("nonsense"),
        "{said}"
    );
    let output = rr_dap(&["ask", trace.to_str().unwrap()], "");
    let said = text(&output.stderr);
    assert!(
        said.contains("what is the question?") && said.contains("visits FILE:LINE"),
        "{said}"
    );
}

/// Many visits are counted, not looked at, and those that are told are numbered as if all were.
#[test]
fn what_runs_often_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("kitchen.rrtrace");
    let lines = "a line\n".repeat(1500);
    record(&fixture("kitchen.wasm"), &[], &["echo"], &lines, &trace);
    let all = answer(&trace, "values 1 at fgets --limit 10000");
    let count = all["count"].as_u64().unwrap();
    assert!(count > 1500, "{count}");
    let rows = [&all["first"], &all["last"]].map(positions).concat();
    assert_eq!(rows.len() as u64, count);
    let few = answer(&trace, "visits fgets.c:15 --limit 1");
    let few_calls = answer(&trace, "calls fgets --limit 4");
    assert_eq!(
        (&few["count"], &few_calls["count"]),
        (&all["count"], &all["count"])
    );
    assert_eq!(positions(&few_calls["first"]), rows[..2]);
    assert_eq!(positions(&few_calls["last"]), rows[rows.len() - 2..]);
    let numbers = |rows: &Value| -> Vec<u64> {
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&few_calls["first"]), [1, 2]);
    assert_eq!(numbers(&few_calls["last"]), [count - 1, count]);
    let page = answer(&trace, "calls fgets --limit 3 --after 1400");
    assert_eq!(page["count"], all["count"]);
    assert_eq!(positions(&page["first"]), rows[1400..1403]);
    assert_eq!(numbers(&page["first"]), [1401, 1402, 1403]);
}

/// The session is asked other things while a question is answered, and the question is given
/// up: nothing is left of it, and the next one is answered.
#[test]
fn a_question_is_given_up_and_leaves_nothing() {
    let (_dir, trace) = own_ledger();
    let mut client = launch(&trace);
    let stands = position(&mut client);
    let asked = client.send("rr/ask", json!({ "question": "values i at ledger.c:27" }));
    client.ask("cancel", json!({ "requestId": asked }));
    assert!(!frames(&mut client).is_empty());
    let response = client.response(asked);
    // It may have been quicker.
    if response["success"] == false {
        assert_eq!(response["message"], "cancelled", "{response}");
    }
    assert_eq!(position(&mut client), stands);
    let told = client.ask("rr/ask", json!({ "question": "visits ledger.c:48" }));
    assert_eq!(told["answer"]["count"], 12);
    assert_eq!(position(&mut client), stands);
    client.go("next");
    assert_ne!(position(&mut client), stands);
}

#[test]
fn a_directory_is_asked_recording_by_recording() {
    let (dir, trace) = own_ledger();
    std::fs::copy(&trace, dir.path().join("other.rrtrace")).unwrap();
    let told = asked(dir.path(), &["visits", "ledger.c:48", "--limit", "1"]);
    let heads: Vec<&str> = told
        .lines()
        .filter(|line| !line.starts_with(['#', '…']))
        .collect();
    let ran = "ledger.c:48 ran 12 times";
    assert_eq!(heads, ["ledger.rrtrace:", ran, "other.rrtrace:", ran]);
    let told = asked(dir.path(), &["--json", "visits ledger.c:48"]);
    let named: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["recording"].take())
        .collect();
    assert_eq!(named, ["ledger.rrtrace", "other.rrtrace"]);
}

/// Two runs with other input: the hostcall that read it answers otherwise, and then a branch leads
/// elsewhere.
#[test]
fn runs_part_where_they_are_told_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let run = |name: &str, input: &str| {
        let trace = dir.path().join(name);
        record(&fixture("kitchen.wasm"), &[], &["echo"], input, &trace);
        trace
    };
    let one = run("one.rrtrace", "a line\nanother\n");
    let same = run("same.rrtrace", "a line\nanother\n");
    let other = run("other.rrtrace", "a line\n");
    let told = answer(&one, &format!("diff {}", same.display()));
    assert_eq!(told["same"], true, "{told}");
    let told = answer(&one, &format!("diff {}", other.display()));
    assert_eq!(told["same"], false);
    let call = &told["hostcalls"][0];
    let name = call["call"].as_str().unwrap();
    assert!(name.contains("read"), "{told}");
    assert_ne!(call["here"], call["there"]);
    let branch = &told["branch"];
    assert_ne!(
        branch["here"]["moment"]["position"],
        branch["there"]["moment"]["position"]
    );
    // Both came there by the same way: what is around it is the same.
    let around = |side: &str| branch[side]["stack"].as_array().unwrap()[1..].to_vec();
    assert!(!around("here").is_empty(), "{branch}");
    assert_eq!(around("here"), around("there"));
    let (_ledger, ledger) = own_ledger();
    let why = refused(&one, &format!("diff {}", ledger.display()));
    assert!(why.contains("another program"), "{why}");
    let why = refused(&one, "diff /nowhere.rrtrace");
    assert!(why.contains("/nowhere.rrtrace"), "{why}");
}
