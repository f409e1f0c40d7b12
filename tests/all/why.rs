//! Why runs failed, as a person would say it: every fixture that traps.

use crate::support::asked::{answers, in_words};
use crate::support::ledger::own_ledger;
use crate::support::{fixture, record};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn recorded(app: &str, dir: &Path, options: &[&str]) -> PathBuf {
    let nth = std::fs::read_dir(dir).unwrap().count();
    let trace = dir.join(format!("{nth}.rrtrace"));
    let options = [&["--quiet"], options].concat();
    record(&fixture(app), &options, &[], "", &trace);
    trace
}

fn why(trace: &Path) -> (Value, String) {
    let told = answers(trace, &[], &["why"]).remove(0);
    (told, in_words(trace, &[], "why"))
}

#[test]
fn the_ledger_is_overdrawn_because_of_a_balance() {
    let (_dir, trace) = own_ledger();
    let (told, text) = why(&trace);
    assert_eq!(told["failed"], true);
    assert_eq!(told["what"], "unreachable");
    assert_eq!(told["at"]["function"], "check");
    assert_eq!(told["at"]["line"], 68);
    let decided = &told["decided"];
    assert_eq!(decided["text"], "if (account->balance < 0) {");
    assert_eq!(decided["values"][0]["name"], "accounts[1].balance");
    assert_eq!(decided["values"][0]["value"], "-15686");
    assert_eq!(told["value"]["end"]["computed"]["at"]["line"], 50);
    assert_eq!(told["printed"][0], "ledger: bob is overdrawn");
    assert!(text.contains("stderr: ledger: bob is overdrawn"), "{text}");
    let cause = told["cause"].as_str().unwrap();
    assert!(
        cause.contains("check ledger.c:68 | apply ledger.c:50"),
        "{cause}"
    );
}

#[test]
fn an_assertion_says_what_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let trace = recorded("half.wasm", dir.path(), &[]);
    let (told, text) = why(&trace);
    let message = "Assertion failed: number % 2 == 0 (/rr-dap/fixtures/half.c: half: 6)";
    assert_eq!(told["what"]["gaveUp"]["message"], message, "{text}");
    assert_eq!(told["at"]["function"], "half");
    assert_eq!(told["at"]["line"], 6);
    assert_eq!(told["decided"]["at"]["line"], 6);
}

#[test]
fn a_panic_is_told_with_its_message() {
    let dir = tempfile::tempdir().unwrap();
    let trace = recorded("wat/panic.wat", dir.path(), &[]);
    let (told, text) = why(&trace);
    assert_eq!(
        told["what"]["gaveUp"]["message"], "attempt to divide by zero",
        "{text}"
    );
}

#[test]
fn memory_out_of_bounds_is_told_with_where_it_ends_and_the_index() {
    let dir = tempfile::tempdir().unwrap();
    let trace = recorded("wat/trap.wat", dir.path(), &["--invoke", "run()"]);
    let (told, text) = why(&trace);
    let bounds = &told["what"]["outOfBounds"];
    assert_eq!(bounds["address"], 65536, "{text}");
    assert_eq!(bounds["memory"], 65536);
    assert_eq!(bounds["written"], false);
    assert!(
        text.contains("at 0x10000, and there are 0x10000 bytes"),
        "{text}"
    );
    assert!(told["value"]["copies"].is_array(), "{told}");
}

/// The last of where the wrong value comes from.
fn comes_from(told: &Value) -> String {
    let end = told["value"]["end"].as_object().unwrap();
    let (kind, told) = end.iter().next().unwrap();
    let value = told["value"].as_str().unwrap_or_default();
    match told["part"].as_str() {
        Some(part) => format!("{kind} {part}: {value}"),
        None => format!("{kind} {value}"),
    }
}

#[test]
fn each_trap_is_told_in_its_own_terms_with_where_the_value_comes_from() {
    let dir = tempfile::tempdir().unwrap();
    for (call, words, from) in [
        ("divide(7, 0)", "divided by zero", "argument b: 0"),
        (
            "null-call()",
            "a function pointer that is null",
            "constant 0",
        ),
        (
            "wild-call()",
            "a function pointer that is none of its type: entry 1",
            "constant 1",
        ),
        ("narrow(1e20)", "does not fit", "argument x: 1e20"),
        (
            "index(1000000)",
            "read memory that there is not: at 0x3d0920",
            "argument i: 1000000",
        ),
        ("grow(100000)", "(MemoryGrow)", "computed "),
        (
            "moved(1000000)",
            "copied by memory.copy in realloc",
            "argument i: 1000000",
        ),
        (
            "fill(65533)",
            "wrote memory that there is not: at 0xfffd",
            "argument at: 65533",
        ),
    ] {
        let trace = recorded("wat/faults.wat", dir.path(), &["--invoke", call]);
        let (told, text) = why(&trace);
        assert!(text.contains(words), "{call}: {text}");
        assert_eq!(
            comes_from(&told).replace("100000000000000000000", "1e20"),
            from,
            "{call}: {text}"
        );
        assert!(!told["cause"].as_str().unwrap().is_empty(), "{call}");
    }
}

#[test]
fn a_full_stack_is_told_with_who_calls_whom() {
    let dir = tempfile::tempdir().unwrap();
    let trace = recorded("motion/overflow.wat", dir.path(), &["--invoke", "run()"]);
    let (told, text) = why(&trace);
    let full = &told["what"]["stackOverflow"];
    assert_eq!(full["cycle"].as_array().unwrap().len(), 1, "{text}");
    assert!(full["frames"].as_u64().unwrap() > 100, "{text}");
    assert!(text.contains("calls itself"), "{text}");
}

#[test]
fn a_wrong_handle_is_told_with_its_story() {
    let dir = tempfile::tempdir().unwrap();
    for call in ["use-after-drop()", "wrong-type()", "double-drop()"] {
        let trace = recorded("wat/handles.wat", dir.path(), &["--invoke", call]);
        let (told, text) = why(&trace);
        let story = &told["what"]["handle"]["story"];
        assert!(story.is_string(), "{call}: {text}");
    }
}

#[test]
fn a_run_that_ended_well_says_so_and_what_failed_on_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let trace = recorded("wat/errors.wat", dir.path(), &["--invoke", "run()"]);
    let (told, text) = why(&trace);
    assert_eq!(told["failed"], false, "{text}");
    assert_eq!(told["cause"], "");
    assert!(text.starts_with("Nothing failed at the end"), "{text}");
    assert!(told["failedCall"]["event"].is_u64(), "{text}");
    assert!(text.contains("The last hostcall that failed is"), "{text}");
}

#[test]
fn an_exit_is_told_with_its_status_and_who_called_it() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.rrtrace");
    let data = format!("--dir={}::/work", fixture("").display());
    let options = ["--quiet", &data];
    record(
        &fixture("ledger.wasm"),
        &options,
        &["/work/none"],
        "",
        &trace,
    );
    let (told, text) = why(&trace);
    assert_eq!(told["what"]["exit"]["status"], 1, "{text}");
    assert!(
        told["failedCall"]["name"].as_str().unwrap().contains("#"),
        "{text}"
    );
}

#[test]
fn what_follows_the_word_is_refused() {
    let (_dir, trace) = own_ledger();
    let line = ["ask", trace.to_str().unwrap(), "why not"];
    let output = crate::support::rr_dap(&line, "");
    assert!(!output.status.success());
}
