//! What people know from gdb, at the prompt and in consoles: the answers are right, and what
//! cannot be says why.

use crate::support::client::Client;
use crate::support::ledger::ledger;
use crate::support::prompt::{answers, session};
use crate::support::{cache_dir, fixture, rr_dap, text};
use serde_json::{Value, json};
use std::process::Command;

#[test]
fn commands_of_gdb_answer_as_people_expect() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let commands = [
        "tbreak apply",
        "continue",
        "print/x *transfer",
        "p/t transfer->amount",
        "p transfer->amount",
        "p $ + 1",
        "p $$",
        "p accounts,[2],x",
        "p sizeof(struct account)",
        "p ACCOUNTS",
        "bt full 1",
        "bt -1",
        "info symbol $pc",
        "info line 48",
        "info line find",
        "info types trans",
        "info variables acc",
        "info functions par",
        "info threads",
        "info source",
        "x/1i $pc",
        "p $pc",
        "until 50",
        "p from->name",
        "show values",
    ];
    let session = session(&recording, directory.path(), &commands);
    assert_eq!(text(&session.stderr), "");
    let answers = answers(&session, &commands);
    for (command, (answer, expected)) in commands.iter().zip(answers.iter().zip([
        "Breakpoint 1: apply at ledger.c:45",
        "Breakpoint 1, apply at ledger.c:45",
        "amount: 0x4b0}",
        "(int16_t) transfer->amount = 0b10010110000",
        "(int16_t) transfer->amount = 1200",
        "(number) $ + 1 = 1201",
        "(int16_t) transfer->amount = 1200",
        "balance: 0x15f90, transfers: 0x0}",
        "(number) sizeof(struct account) = 20",
        "ACCOUNTS = ACCOUNTS",
        "transfer = 0x",
        "wasi:cli/run",
        "in the code is in apply + ",
        "line 48 begins at 0x",
        "line 26 begins at 0x",
        "transfer",
        "accounts  ledger.c:21",
        "parse_line  ledger.c:32",
        "* 1  main, event",
        "line  45",
        "-> 0x",
        "(number) $pc = 0x",
        "apply at ledger.c:50",
        "\"alice\"",
        "$1  *transfer = {",
    ])) {
        assert!(
            answer.contains(expected),
            "{command}: {answer:?} has no {expected:?}"
        );
    }
}

#[test]
fn types_are_told_whole_or_by_their_names_and_functions_by_what_they_take() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let expected = [
        ("tbreak apply", "Breakpoint 1: apply at ledger.c:45"),
        ("continue", "Breakpoint 1, apply at ledger.c:45"),
        ("ptype find", "account *(const char *)"),
        ("ptype check", "void (void)"),
        ("whatis main", "int (int, char **)"),
        ("whatis snprintf", "..."),
        ("whatis transfer", "const transfer *"),
        ("whatis *transfer", "const transfer"),
        ("whatis accounts", "account[4]"),
        ("whatis int16_t", "short"),
        ("p (char *)transfer", " \"alice\""),
        ("p (char *)accounts[1].name", " \"bob\""),
        ("p/x (char *)accounts", "(char *)accounts = 0x"),
        ("info display", "There are no auto-display expressions now"),
        ("seek start", "Start of the recording"),
        ("whatis find", "account *(const char *)"),
        ("ptype transfer", "amount: int16_t"),
        ("tbreak 48", "Breakpoint 2: at ledger.c:48"),
        ("info watchpoints", "There are no watchpoints"),
    ];
    let commands: Vec<&str> = expected.iter().map(|(command, _)| *command).collect();
    let session = session(&recording, directory.path(), &commands);
    assert_eq!(text(&session.stderr), "");
    for ((command, told), answer) in expected.iter().zip(answers(&session, &commands)) {
        assert!(answer.contains(told), "{command}: {answer:?}");
        // A name alone is one line.
        assert!(
            !command.starts_with("whatis") || !answer.contains('\n'),
            "{answer}"
        );
    }
}

#[test]
fn who_wrote_is_asked_of_the_frame_that_is_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let commands = [
        "break find",
        "continue",
        "frame function apply",
        "wrote transfer->amount",
        "delete",
        "tbreak report",
        "continue",
        "wrote accounts[0].transfers",
        "wrote accounts[0].transfers",
        "frame function main",
        "frame function nobody",
        "frame nobody",
        "info scope main",
        "no such words",
        "tbreak check",
        "display 6 * 7",
        "stepi",
        "stepi",
    ];
    let session = session(&recording, directory.path(), &commands);
    let answers = answers(&session, &commands);
    for (at, told) in [
        (2, "#1 apply at ledger.c:45"),
        (3, "parse_line at ledger.c:39 wrote transfer->amount: "),
        (
            7,
            "apply at ledger.c:49 wrote accounts[0].transfers: 0 -> 1",
        ),
        (8, "had not been written before this write"),
        (9, "#1 main at ledger.c:"),
        (15, "1: 6 * 7 = 42"),
        // Whether or not it has changed.
        (16, "1: 6 * 7 = 42"),
        (17, "1: 6 * 7 = 42"),
    ] {
        assert!(answers[at].contains(told), "{at}: {}", answers[at]);
    }
    let complaints = text(&session.stderr);
    for told in [
        "no frame is of a function `nobody`",
        "`nobody` is not the number of a frame",
        "scope: `info locals` shows what is in scope",
        "nor is this a command: `help` lists those",
    ] {
        assert_eq!(complaints.matches(told).count(), 1, "{told}: {complaints}");
    }
    for wrong in ["invalid digit", "the editor has it", "rr help"] {
        assert!(!complaints.contains(wrong), "{wrong}: {complaints}");
    }
}

#[test]
fn ignored_breakpoints_are_passed_from_now_on() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let commands = [
        "break report",
        "continue",
        "ignore 1 2",
        "info breakpoints",
        "continue",
        "print number",
        "ignore 1 1",
        "reverse-continue",
        "print number",
        "list ledger.c:3",
        "list 21,22",
    ];
    let session = session(&recording, directory.path(), &commands);
    let answers = answers(&session, &commands);
    for (answer, told) in [
        (2, "Will ignore next 2 crossings of breakpoint 1."),
        (3, ", ignored at the next 2 hits, hit once"),
        (5, "number = 4"),
        (8, "number = 2"),
        (10, "{\"alice\", 90000, 0}"),
    ] {
        assert!(answers[answer].contains(told), "{answers:?}");
    }
}

#[test]
fn code_is_shown_from_where_a_function_begins() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let commands = [
        "tbreak find",
        "continue",
        "backtrace 2",
        "disassemble find",
        "x/2i find",
        "x/1i &find",
        "disassemble nosuch",
        "info symbol find",
        "up",
        "backtrace 1",
    ];
    let session = session(&recording, directory.path(), &commands);
    let answers = answers(&session, &commands);
    assert!(answers[2].contains(" (name=0x") && answers[2].contains(" \"alice\") at ledger.c:"));
    assert!(answers[2].contains("apply (transfer=0x"), "{answers:?}");
    let whole: Vec<&str> = answers[3].lines().collect();
    assert_eq!(whole[0], "find");
    assert!(
        whole.len() > 20 && whole.last().unwrap().ends_with("  )"),
        "{whole:?}"
    );
    // The breakpoint is behind the prologue.
    assert!(
        whole[3..].iter().any(|row| row.starts_with("-> ")),
        "{whole:?}"
    );
    assert_eq!(answers[4].lines().collect::<Vec<_>>(), &whole[..3]);
    assert_eq!(answers[5].trim_start(), whole[1].trim_start());
    assert!(
        answers[7].contains("in the code is in find + "),
        "{answers:?}"
    );
    let complaint = text(&session.stderr);
    assert!(complaint.contains("is named nosuch"), "{complaint}");
}

#[test]
fn what_is_written_of_structs_and_arrays_is_told_by_its_parts() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let commands = [
        "tbreak apply",
        "continue",
        "watch accounts",
        "continue",
        "continue",
        "delete 2",
        "next write *to",
    ];
    let session = session(&recording, directory.path(), &commands);
    let answers = answers(&session, &commands);
    for (answer, told) in [
        (
            3,
            "apply at ledger.c:48 wrote accounts[0].balance: 90000 -> 88800",
        ),
        (
            4,
            "apply at ledger.c:49 wrote accounts[0].transfers: 0 -> 1",
        ),
        (6, "apply at ledger.c:50 wrote to->balance: 20000 -> 21200"),
    ] {
        assert!(answers[answer].contains(told), "{answers:?}");
    }
}

#[test]
fn moments_that_are_not_there_are_told_with_what_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let last = "the recording has 52, and the last one is 51";
    for (command, told) in [
        ("seek 999", last),
        ("seek event 999", last),
        (
            "seek tick 99999999",
            "there is no tick 99999999: the recording ends in tick ",
        ),
        ("seek 120%", "`120` is not between 0 and 100 %"),
        ("seek event -1", "`-1` is not an event number"),
    ] {
        let session = session(&recording, directory.path(), &[command]);
        let all = text(&session.stdout) + &text(&session.stderr);
        assert_eq!(all.matches(told).count(), 1, "{command}: {all}");
        assert_eq!(session.status.code(), Some(1), "{command}");
    }
    let there = format!("{}@999", recording.display());
    let opened = rr_dap(&["debug", "--batch", "-x", "when", &there], "");
    let all = text(&opened.stdout) + &text(&opened.stderr);
    assert_eq!(all.matches(last).count(), 1, "{all}");
}

#[test]
fn where_sources_are_is_said_in_the_prompt_s_words() {
    let directory = tempfile::tempdir().unwrap();
    // Beside the program, or beneath the folder it is started in, its source would be found.
    let app = directory.path().join("app.wasm");
    std::fs::copy(fixture("ledger.wasm"), &app).unwrap();
    let directories = fixture("").display().to_string();
    let ran = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
        .current_dir(directory.path())
        .env("RR_DAP_CACHE", cache_dir())
        .args(["debug", "--batch", "--no-init", "-x", "list find"])
        .args(["-x", &format!("directory {directories}"), "-x", "list find"])
        .arg(&app)
        .output()
        .unwrap();
    let shown = text(&ran.stdout);
    let (_, listed) = shown.split_once("(rr-dap) list find\n").expect("a list");
    let told = "ledger.c is not here; `directory DIR` or --source-map FROM=TO says where it is";
    assert!(listed.starts_with("     25  // find\n"), "{shown}");
    assert!(listed.lines().nth(1).unwrap().contains(told), "{shown}");
    assert!(
        listed.contains("25  static struct account *find(const char *name) {"),
        "{shown}"
    );
}

#[test]
fn breakpoints_have_places_hits_and_commands_and_can_be_saved() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let file = directory.path().join("stops");
    let save = format!("save breakpoints {}", file.display());
    let source = format!("source {}", file.display());
    let commands = [
        "break apply if transfer->amount < 0",
        "break check",
        "commands",
        "silent",
        "print 6 * 7",
        "end",
        "continue",
        "continue",
        "info breakpoints",
        "ignore 2 3",
        &save,
        "delete",
        &source,
        "info breakpoints",
    ];
    let session = session(&recording, directory.path(), &commands);
    assert_eq!(text(&session.stderr), "");
    let shown = text(&session.stdout);
    assert!(shown.contains("(number) 6 * 7 = 42\n"), "{shown}");
    assert!(!shown.contains("Breakpoint 2, check"), "{shown}");
    let listed = "Breakpoint 1: apply at ledger.c:45 if transfer->amount < 0, hit once\n\
                  Breakpoint 2: check at ledger.c:62, hit once\n    silent\n    print 6 * 7\n";
    assert!(shown.contains(listed), "{shown}");
    let again = "Breakpoint 3: apply at ledger.c:45 if transfer->amount < 0\n\
                 Breakpoint 4: check at ledger.c:62, ignored at the next 3 hits\n    silent\n    print 6 * 7\n";
    assert!(shown.ends_with(again), "{shown}");
}

#[test]
fn what_a_recording_cannot_do_says_what_there_is_instead() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    for (command, told) in [
        ("set var argc = 3", "the past cannot be changed"),
        ("call check()", "functions cannot be called"),
        ("jump 50", "`advance LINE`"),
        ("checkpoint", "`mark NAME`"),
        ("tui enable", "`list` shows the source"),
        ("rwatch argc", "`watch EXPRESSION` stops at writes"),
        ("info signals", "a component has none of that"),
        ("set args x", "record it anew"),
        ("end", "`commands N`"),
        ("p $9", "show values"),
        ("source /nowhere", "cannot read /nowhere"),
        ("directory /nowhere", "/nowhere is not a directory"),
    ] {
        let session = session(&recording, directory.path(), &[command]);
        let complaint = text(&session.stderr);
        assert!(complaint.contains(told), "{command}: {complaint}");
        assert!(!complaint.contains("nothing may follow"), "{complaint}");
        assert_eq!(session.status.code(), Some(1), "{command}");
    }
}

#[test]
fn a_session_begins_with_a_file_of_commands() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let init = "# mine\nset confirm off\nset listsize 2\ntbreak check\n";
    std::fs::write(directory.path().join(".rr-dapinit"), init).unwrap();
    let begun = session(
        &recording,
        directory.path(),
        &["list 21", "info breakpoints"],
    );
    let shown = text(&begun.stdout);
    assert!(
        shown.contains("Breakpoint 1: check at ledger.c:62 (once)\n"),
        "{shown}"
    );
    let listed = shown
        .lines()
        .filter(|line| line.contains("alice") || line.contains("accounts[]"));
    assert_eq!(listed.count(), 1, "{shown}");
}

#[test]
fn consoles_complete_fields_moments_and_types() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let (mut child, mut client) = Client::spawn();
    client.initialize();
    client.ask("launch", json!({ "trace": recording, "stopAt": "end" }));
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    let stack = client.ask("stackTrace", json!({ "threadId": 1 }));
    let frame = stack["stackFrames"][0]["id"].clone();
    client.ask("rr/mark", json!({ "name": "here" }));
    let mut offered = |typed: &str| {
        let asked = json!({ "text": typed, "column": typed.len() + 1, "frameId": frame });
        let found = client.ask("completions", asked);
        let targets = found["targets"].as_array().unwrap().clone();
        let of = |item: &Value| {
            let start = item["start"].as_u64().unwrap() as usize;
            format!("{}{}", &typed[..start], item["label"].as_str().unwrap())
        };
        targets.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(
        offered("account->"),
        ["account->name", "account->balance", "account->transfers"]
    );
    assert_eq!(offered("1 + accounts[0].b"), ["1 + accounts[0].balance"]);
    assert_eq!(
        offered("seek "),
        [
            "seek start",
            "seek entry",
            "seek end",
            "seek tick",
            "seek here"
        ]
    );
    assert_eq!(offered("unmark h"), ["unmark here"]);
    assert_eq!(offered("ptype trans"), ["ptype transfer"]);
    assert_eq!(offered("functions parse_l"), ["functions parse_line"]);
    assert!(offered("hostcall next ").contains(&"hostcall next failed".to_owned()));
    let streams = offered("hostcall next wasi:io/streams");
    assert!(
        streams
            .iter()
            .any(|text| text.ends_with("output-stream.blocking-write-and-flush"))
    );
    // What is typed with gdb's words in front is an expression all the same.
    let printed = |client: &mut Client, line: &str| {
        let asked = json!({ "expression": line, "context": "repl", "frameId": frame });
        client.ask("evaluate", asked)["result"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(printed(&mut client, "p account->name"), "\"bob\"");
    assert_eq!(printed(&mut client, "p/x account->transfers"), "0x6");
    let refused = json!({ "expression": "jump 50", "context": "repl", "frameId": frame });
    assert!(
        client
            .refusal("evaluate", refused)
            .contains("`advance LINE`")
    );
    client.ask("disconnect", json!({}));
    child.wait().unwrap();
}

#[test]
fn command_lines_that_are_wrong_say_what_was_meant() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let path = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let recording = recording.display().to_string();
    let empty = path("empty.wasm", b"");
    let wit = path("world.wit", b"package a:b; world w {}");
    let executable = path("program", b"\x7fELF\x02\x01");
    let core = path("core.wat", b"(module (func (export \"add\")))");
    let folder = directory.path().display().to_string();
    let nothing = directory.path().join("nothing");
    std::fs::create_dir(&nothing).unwrap();
    let nothing = nothing.display().to_string();
    let ledger = fixture("ledger.wasm").display().to_string();
    for (line, told) in [
        (vec!["app.wasm"], "tip: `rr-dap debug app.wasm`"),
        (vec![&recording], "debugs the recording"),
        (vec!["debug", "a.wasm", "one"], "rr-dap debug a.wasm -- one"),
        (
            vec!["record", "--dri", ".", "a.wasm"],
            "there is an option `--dir`",
        ),
        (vec!["record", &recording], "is a recording, not a program"),
        (vec!["record", &empty], "is empty"),
        (vec!["record", &wit], "is WIT"),
        (vec!["debug", &wit], "is WIT"),
        (vec!["record", &executable], "not of WebAssembly"),
        (vec!["debug", &executable], "not of WebAssembly"),
        (vec!["record", &folder], "is a directory"),
        (vec!["debug", &nothing], "is a directory without recordings"),
        (vec!["record", &core], "without `_start`"),
        (vec!["debug", &core], "it exports add"),
        (vec!["replay", &empty], "`rr-dap debug"),
        (
            vec!["debug", "--batch", "--dir", "/nowhere/there", &ledger],
            "/nowhere/there",
        ),
    ] {
        let ran = rr_dap(&line, "");
        let complaint = text(&ran.stderr);
        assert!(complaint.contains(told), "{line:?}: {complaint}");
        assert_eq!(text(&ran.stdout), "", "{line:?}");
        assert!(!complaint.contains("rr-dap: rr-dap:"), "{complaint}");
        assert!(!ran.status.success(), "{line:?}");
        let twice = complaint.matches(told).count();
        assert_eq!(twice, 1, "{line:?}: {complaint}");
    }
}
