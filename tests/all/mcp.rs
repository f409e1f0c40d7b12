//! The tools for programs that reason about a recording, over the real binary.

use crate::support::ledger::own_ledger;
use crate::support::tool_client::ToolClient;
use crate::support::{fixture, record, rr_dap, text};
use serde_json::{Value, json};

/// The first moment in a text that comes behind these words: `1:2:0x3`.
fn moment_behind(text: &str, words: &str) -> String {
    let (_, behind) = text
        .split_once(words)
        .unwrap_or_else(|| panic!("no {words:?} in {text}"));
    let is_moment = |word: &&str| word.contains(":0x") && !word.starts_with('@');
    let words = behind.split(|c: char| c.is_whitespace() || "()".contains(c));
    words
        .into_iter()
        .find(is_moment)
        .unwrap_or_else(|| panic!("no moment behind that in {behind}"))
        .to_owned()
}

#[test]
fn an_agent_finds_the_bug_of_the_ledger_in_five_calls() {
    let (_directory, trace) = own_ledger();
    let mut agent = ToolClient::start(&[&trace]);
    // Whose balance is wrong, and by which expression.
    let why = agent.call("why", json!({}));
    assert!(
        why.contains("balance") && why.contains("ledger.c:66"),
        "{why}"
    );
    assert!(why.contains("bob is overdrawn"), "{why}");
    // How it became so: a payment to bob, at line 50, that took from him.
    let writes = agent.call("writes", json!({ "expression": "account->balance" }));
    let row = writes
        .lines()
        .find(|row| row.contains("ledger.c:50") && row.contains("-> -"))
        .unwrap_or_else(|| panic!("no payment that took in {writes}"));
    let paid = moment_behind(row, "#");
    // What was paid.
    let amount = agent.call(
        "evaluate",
        json!({ "expression": "transfer->amount", "at": paid }),
    );
    assert!(amount.contains("-25536"), "{amount}");
    // Where that came from: a number that did not fit.
    let origin = agent.call(
        "origin",
        json!({ "expression": "transfer->amount", "at": paid }),
    );
    assert!(origin.contains("strtol"), "{origin}");
    let read = moment_behind(
        &origin,
        "stored to transfer->amount in parse_line at ledger.c:39",
    );
    // What the file says.
    let line = agent.call("evaluate", json!({ "expression": "amount", "at": read }));
    assert!(line.contains("40000"), "{line}");
    assert_eq!(agent.calls, 5);
    assert!(agent.end().success());
}

#[test]
fn a_tool_answers_what_every_other_door_does() {
    let (_directory, trace) = own_ledger();
    let trace_text = trace.to_str().expect("a path");
    let mut client = ToolClient::start(&[&trace]);
    for (tool, given, question) in [
        ("why", json!({}), "why"),
        (
            "visits",
            json!({ "place": "ledger.c:48", "limit": 4 }),
            "visits --limit 4 ledger.c:48",
        ),
        (
            "calls",
            json!({ "function": "apply", "where": "transfer->amount < 0" }),
            "calls apply --where transfer->amount < 0",
        ),
        (
            "values",
            json!({ "expression": "transfer->amount, from->name", "place": "ledger.c:48" }),
            "values transfer->amount, from->name at ledger.c:48",
        ),
        (
            "writes",
            json!({ "expression": "account->balance", "all": true }),
            "writes --all account->balance",
        ),
        (
            "ask",
            json!({ "question": "visits ledger.c:39" }),
            "visits ledger.c:39",
        ),
    ] {
        let told = client.call(tool, given);
        let asked = rr_dap(&["ask", trace_text, question], "");
        assert!(asked.status.success(), "{asked:?}");
        assert_eq!(told.trim(), text(&asked.stdout).trim(), "{question}");
    }
    // Each of them has left what is looked at where it was.
    assert!(client.call("seek", json!({})).contains("(100 %), in check"));
}

#[test]
fn what_is_listed_is_listed_in_pages_without_gaps() {
    let (_directory, trace) = own_ledger();
    let mut client = ToolClient::start(&[&trace]);
    let whole = client.call("hostcalls", json!({ "limit": 200 }));
    let whole: Vec<&str> = whole.lines().collect();
    assert!(whole.len() > 40);
    let (mut pages, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = client.call("hostcalls", json!({ "limit": 7, "after": after }));
        let (rows, more) = match page.rsplit_once("\n… ") {
            Some((rows, more)) => (rows.to_owned(), Some(more.to_owned())),
            None => (page, None),
        };
        pages.extend(rows.lines().map(str::to_owned));
        let Some(more) = more else {
            break;
        };
        let number = more.rsplit('=').next().expect("how to go on");
        after = json!(number.parse::<u64>().expect("a number"));
    }
    assert_eq!(pages, whole);
    // Rows of questions, too.
    let whole = client.call("visits", json!({ "place": "ledger.c:27", "limit": 100 }));
    let whole: Vec<&str> = whole.lines().filter(|row| row.starts_with('#')).collect();
    let mut pages = Vec::new();
    while pages.len() < whole.len() {
        let given = json!({ "place": "ledger.c:27", "limit": 30, "after": pages.len() });
        let page = client.call("visits", given);
        let before = pages.len();
        pages.extend(
            page.lines()
                .filter(|row| row.starts_with('#'))
                .map(str::to_owned),
        );
        assert!(pages.len() > before, "{page}");
    }
    assert_eq!(pages, whole);
    let first = client.call("stack", json!({ "limit": 2 }));
    assert!(
        first.starts_with("#0 check at ledger.c:68\n#1 main"),
        "{first}"
    );
    assert!(first.ends_with("after=2"), "{first}");
    let next = client.call("stack", json!({ "limit": 2, "after": 2 }));
    assert!(next.starts_with("#2 "), "{next}");
}

#[test]
fn variables_are_told_a_few_at_a_time_and_in_the_programs_own_frame() {
    let (_directory, trace) = own_ledger();
    let mut client = ToolClient::start(&[&trace]);
    // In a hostcall, several frames of libraries deep.
    let told = client.call("variables", json!({ "at": "42" }));
    assert!(told.contains("transfer"), "{told}");
    assert!(!told.contains("memory"), "{told}");
    let parts = client.call(
        "variables",
        json!({ "at": "end", "of": "accounts", "limit": 3 }),
    );
    assert_eq!(parts.lines().count(), 4, "{parts}");
    assert!(parts.ends_with("… 1 more: after=3"), "{parts}");
    let rest = client.call("variables", json!({ "of": "accounts", "after": 3 }));
    assert!(rest.contains("[3]") && rest.contains("dave"), "{rest}");
    let refused = client.refusal("variables", json!({ "scope": "nonsense" }));
    assert!(refused.contains("Locals"), "{refused}");
    assert!(
        client
            .refusal("stack", json!({ "frame": 1 }))
            .contains("after")
    );
    assert!(
        client
            .refusal("variables", json!({ "frame": 99 }))
            .contains("the stack has")
    );
}

#[test]
fn what_looks_like_a_secret_is_hidden_unless_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let trace = directory.path().join("kitchen.rrtrace");
    let secret = "correct-horse-battery";
    let environment = [
        "--env",
        "DB_PASSWORD=correct-horse-battery",
        "--env",
        "COLOUR=blue",
    ];
    record(&fixture("kitchen.wasm"), &environment, &[], "", &trace);
    let mut client = ToolClient::start(&[&trace]);
    let asked = json!({ "path": "get-environment" });
    let hidden = client.call("hostcalls", asked.clone());
    assert!(
        hidden.contains("DB_PASSWORD") && hidden.contains("blue"),
        "{hidden}"
    );
    assert!(
        !hidden.contains(secret) && hidden.contains("hidden"),
        "{hidden}"
    );
    let mut asked = asked;
    asked["secrets"] = json!(true);
    assert!(client.call("hostcalls", asked).contains(secret));
}

#[test]
fn the_client_opens_recordings_and_is_told_what_is_wrong() {
    let (_directory, trace) = own_ledger();
    let mut client = ToolClient::start(&[]);
    assert!(client.refusal("seek", json!({})).contains("`open`"));
    let missing = json!({ "recording": "/no/such.rrtrace" });
    assert!(client.refusal("open", missing).contains("/no/such.rrtrace"));
    let not_one = json!({ "recording": fixture("ledger.c") });
    assert!(client.refusal("open", not_one).contains("recording"));
    let summary = client.call("open", json!({ "recording": trace }));
    assert!(
        summary.starts_with("ledger.wasm: 52 hostcalls; the run trapped"),
        "{summary}"
    );
    for (tool, given, says) in [
        ("seek", json!({ "to": "nowhere" }), "is not a moment"),
        ("seek", json!({ "to": 3 }), "type string"),
        ("evaluate", json!({ "expression": "no_such" }), "no_such"),
        ("evaluate", json!({}), "`expression` is missing"),
        ("visits", json!({ "place": "nowhere.c:1" }), "nowhere.c"),
        (
            "ask",
            json!({ "question": "what is it?" }),
            "not a question",
        ),
    ] {
        let refused = client.refusal(tool, given);
        assert!(refused.contains(says), "{tool}: {refused}");
    }
    let unknown = json!({ "name": "no-such-tool", "arguments": {} });
    assert_eq!(
        client.ask("tools/call", unknown).expect_err("none")["code"],
        -32602
    );
    // And goes on.
    assert!(
        client
            .call("seek", json!({ "to": "start" }))
            .contains("event 0")
    );
}

#[test]
fn each_tool_tells_what_it_takes() {
    let mut client = ToolClient::start(&[]);
    let listed = client.ask("tools/list", json!({})).expect("a list");
    let tools = listed["tools"].as_array().expect("tools");
    let names: Vec<&str> = tools
        .iter()
        .filter_map(|tool| tool["name"].as_str())
        .collect();
    for name in [
        "open",
        "why",
        "origin",
        "writes",
        "visits",
        "calls",
        "values",
        "seek",
        "stack",
        "variables",
        "evaluate",
        "hostcalls",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    for tool in tools {
        assert!(
            jsonschema::validator_for(&tool["inputSchema"]).is_ok(),
            "{tool}"
        );
        assert_eq!(tool["annotations"]["readOnlyHint"], json!(true));
        assert!(!tool["description"].as_str().expect("words").is_empty());
    }
}
