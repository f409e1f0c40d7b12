//! Debugging at the prompt, with what is typed piped in.

use crate::support;
use crate::support::ledger::ledger;
use crate::support::prompt::{debug, shown, without_parts};
use crate::support::{fixture, rr_dap, text};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// How lines of a session begin that were typed.
const PROMPT: &str = "(rr-dap) ";

/// A session as it was, against the one written down: what was typed is in it.
#[track_caller]
fn check_session(file: &Path, written: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/debug_prompt")
        .join(written);
    let expected = std::fs::read_to_string(&path).unwrap();
    let typed: String = expected
        .lines()
        .filter_map(|line| line.strip_prefix(PROMPT))
        .flat_map(|typed| [typed, "\n"])
        .collect();
    // What was printed is told at stops once it is known; compiled code is kept.
    debug(&[], file, "output\n");
    let session = debug(&[], file, &typed);
    let happened = text(&session.stdout);
    if std::env::var_os("UPDATE_SESSIONS").is_some() {
        std::fs::write(&path, &happened).unwrap();
    }
    assert_eq!(
        without_parts(&happened),
        without_parts(&expected),
        "{}",
        text(&session.stderr)
    );
    assert_eq!(text(&session.stderr), "");
    assert!(session.status.success());
}

#[test]
fn a_session_goes_forth_and_back() {
    let directory = tempfile::tempdir().unwrap();
    check_session(&ledger(directory.path()), "forth_and_back.txt");
}

#[test]
fn who_wrote_is_shown_where_it_wrote() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let session = [
        "watch account->balance",
        "rc",
        "p to->balance",
        "next",
        "delete",
        "next write transfer->amount",
    ];
    let told = without_parts(&shown(&recording, "end", &session));
    let expected = "\
(rr-dap) rc
Watchpoint 1 (account->balance), apply at ledger.c:50 wrote account->balance: -18086 -> -15686 [event 40 of 52]
->   50    to->balance += transfer->amount;
(rr-dap) p to->balance
(int32_t) to->balance = -15686
(rr-dap) next
apply at ledger.c:51 [event 40 of 52]
->   51    to->transfers++;
(rr-dap) delete
(rr-dap) next write transfer->amount
";
    assert!(told.contains(expected), "{told}");
    let expected =
        "parse_line at ledger.c:39 wrote transfer->amount: 2400 -> 5000 [event 42 of 52]";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn writes_by_a_library_show_who_called_it() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let session = [
        "tbreak apply",
        "c",
        "watch --all transfer->to if 1 < 2",
        "info watchpoints",
        "rc",
        "p to",
        "wrote transfer->to",
        "p to",
    ];
    let told = without_parts(&shown(&recording, "entry", &session));
    let expected = "\
(rr-dap) info watchpoints
Watchpoint 2: all writes of transfer->to if 1 < 2
(rr-dap) rc
Watchpoint 2 (transfer->to), sn_write at vsnprintf.c:29 wrote transfer->to: \
62 6f 62 00 00 00 00 00 00 00 00 00 -> 62 6f 62 00 00 00 00 00 00 00 00 00 (the same value) \
[event 15 of 52]
#4 parse_line at ledger.c:38
->   38    snprintf(transfer->to, sizeof transfer->to, \"%s\", to);
(rr-dap) p to
";
    assert!(told.contains(expected), "{told}");
    let expected = "\
#5 parse_line at ledger.c:38
->   38    snprintf(transfer->to, sizeof transfer->to, \"%s\", to);
(rr-dap) p to
(char *) to = ";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn too_little_address_space_is_told_with_what_helps() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let session = Command::new("sh")
        .args(["-c", "ulimit -v 3000000; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_rr-dap"))
        .args(["debug", "--batch", "--at", "end", "-x", "when"])
        .arg(&recording)
        .env("RR_DAP_CACHE", support::cache_dir())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = text(&session.stdout) + &text(&session.stderr);
    let remedy = "Cannot allocate memory (os error 12); there is too little address space: \
        raise its limit (`ulimit -v`)";
    assert!(told.contains(remedy), "{told}");
}

#[test]
fn finish_leaves_the_frame_that_is_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let called = ["tbreak find", "c", "up"];
    for (command, ends) in [("finish", "ledger.c:85"), ("reverse-finish", "ledger.c:85")] {
        let session = [&called[..], &[command]].concat();
        let told = shown(&recording, "entry", &session);
        let last = told
            .split_once(&format!("(rr-dap) {command}\n"))
            .expect("the command")
            .1;
        assert!(last.starts_with(&format!("main at {ends}")), "{told}");
    }
    // Not looked at, it is the innermost one.
    let told = shown(&recording, "entry", &["tbreak find", "c", "finish"]);
    assert!(
        told.contains("(rr-dap) finish\napply at ledger.c:45"),
        "{told}"
    );
    // Breakpoints on the way end it, as any step.
    let session = ["tbreak find", "c", "break ledger.c:50", "up", "finish"];
    let told = shown(&recording, "entry", &session);
    assert!(
        told.contains("Breakpoint 2, apply at ledger.c:50"),
        "{told}"
    );
}

#[test]
fn whether_an_interrupt_stays_is_set() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let session = debug(
        &[
            "--batch",
            "-x",
            "set interrupt-stays off",
            "-x",
            "set interrupt-stays maybe",
        ],
        &recording,
        "",
    );
    let complaint = text(&session.stderr);
    assert!(
        complaint.contains("`maybe` is neither `on` nor `off`"),
        "{complaint}"
    );
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
}

#[test]
fn the_end_of_the_input_ends_the_session() {
    let directory = tempfile::tempdir().unwrap();
    let session = debug(
        &["--at", "end"],
        &ledger(directory.path()),
        "print account->name",
    );
    assert!(session.status.success());
    let shown = text(&session.stdout);
    assert!(shown.contains("check at ledger.c:68"), "{shown}");
    // What the program has printed may come last.
    let printed = "(rr-dap) print account->name\n(char[12]) account->name = \"bob\"\n";
    assert!(shown.contains(printed), "{shown}");
}

#[test]
fn wrong_commands_are_told_of_and_fail_a_script() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    for (typed, told) in [
        ("print nobody", "no variable `nobody` is in scope"),
        ("print", "print what?"),
        ("di", "disable, display, disassemble"),
        ("next twice", "is not a count"),
        (
            "break nowhere.c:3",
            "no source is named nowhere.c; `info sources`",
        ),
        ("break ledger.c:9999", "no code at or after line 9999"),
        (
            "break no_such_function",
            "no function and no hostcall is named",
        ),
        ("break *0x3", "no instruction at 0x3"),
        ("break main if (", "condition is not understood"),
        ("delete 7", "there is no breakpoint 7; `info breakpoints`"),
        ("catch fish", "catch what? trap, panic, throw, hostcall"),
        ("frame 99", "there is no frame 99"),
        ("down", "innermost"),
        ("info nothing", "info about what?"),
        ("x/4q path", "`q` is neither a format"),
        ("list ledger.c:9999", "lines"),
        ("help mx", "there is no command `mx`"),
        ("undisplay 3", "there is no display 3"),
        ("quit now", "nothing follows"),
    ] {
        let session = debug(
            &["--batch", "--command", typed, "-x", "print 6 * 7"],
            &recording,
            "",
        );
        let complaint = text(&session.stderr);
        assert!(
            complaint.contains(told),
            "{typed}: {complaint:?} should say {told:?}"
        );
        assert_eq!(complaint.lines().count(), 1, "{typed}: {complaint}");
        assert_eq!(session.status.code(), Some(1), "{typed}");
        // The session goes on.
        let shown = text(&session.stdout);
        assert!(shown.ends_with("6 * 7 = 42\n"), "{typed}: {shown}");
    }
}

#[test]
fn handles_are_listed_once() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let options = [
        "--batch",
        "--at",
        "end",
        "-x",
        "handles",
        "-x",
        "resources 1",
    ];
    let shown = text(&debug(&options, &recording, "").stdout);
    let tables = shown.lines().filter(|line| line.contains("instance 0"));
    // The tables, and the one in which handle 1 is.
    assert_eq!(tables.count(), 2, "{shown}");
}

#[test]
fn start_goes_to_where_one_s_own_code_begins() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let stands = |options: &[&str]| {
        let session = debug(
            &[options, &["--batch", "-x", "when"]].concat(),
            &recording,
            "",
        );
        let told = text(&session.stdout);
        // What the program has printed may come later.
        let (_, position) = told.split_once("position ").expect("a position");
        // Where the end is may not be known yet.
        let position = position.split_whitespace().next().unwrap();
        position.trim_end_matches(';').to_owned()
    };
    let entry = stands(&["--at", "entry"]);
    assert_ne!(stands(&["--at", "end"]), entry);
    assert_eq!(stands(&["--at", "end", "-x", "start"]), entry);
}

#[test]
fn a_program_is_recorded_first() {
    let directory = tempfile::tempdir().unwrap();
    let shared = format!("{}::/work", fixture("").display());
    let kept = directory.path().join("kept.rrtrace");
    let options = [
        "--dir",
        &shared,
        "-o",
        kept.to_str().unwrap(),
        "--batch",
        "-x",
        "p argc",
    ];
    let session = debug(&options, &fixture("ledger.wasm"), "");
    let shown = text(&session.stdout);
    assert!(session.status.success(), "{}", text(&session.stderr));
    assert!(
        shown.contains("12. alice pays dave and has 118886 left\n"),
        "{shown}"
    );
    assert!(shown.contains("\n(int) argc = 1\n"), "{shown}");
    assert_eq!(support::replay(&kept).status.code(), Some(134));
    // What is there stays, as with `record`, unless it is said to go.
    let file = directory.path().join("precious.txt");
    std::fs::write(&file, "precious").unwrap();
    let to_file = ["--dir", &shared, "--batch", "-o", file.to_str().unwrap()];
    for options in [&options[..], &to_file] {
        let refused = debug(options, &fixture("ledger.wasm"), "");
        let told = text(&refused.stderr);
        assert!(
            told.contains("File exists") && told.contains("--force to overwrite it"),
            "{told}"
        );
        assert_eq!(refused.status.code(), Some(1));
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    let forced = [&to_file[..], &["--force"]].concat();
    let session = debug(&forced, &fixture("ledger.wasm"), "");
    assert!(session.status.success(), "{}", text(&session.stderr));
    assert_eq!(support::replay(&file).status.code(), Some(134));
}

#[test]
fn what_cannot_be_opened_is_told_of() {
    let directory = tempfile::tempdir().unwrap();
    let missing = debug(&[], &directory.path().join("missing.rrtrace"), "");
    assert!(!missing.status.success());
    let told = text(&missing.stderr);
    assert!(
        told.contains("missing.rrtrace") && told.contains("give a recording"),
        "{told}"
    );

    for (name, content, says) in [
        ("empty.wasm", "", "empty.wasm is empty: it is neither"),
        ("text.wasm", "text", "does not begin as WebAssembly does"),
        (
            "main.c",
            "int main;",
            "compile it to wasm with debug information",
        ),
    ] {
        let file = directory.path().join(name);
        std::fs::write(&file, content).unwrap();
        let told = text(&debug(&[], &file, "").stderr);
        assert!(told.contains(says) && !told.contains("record`"), "{told}");
    }

    let other = directory.path().join("other.rrtrace");
    std::fs::write(&other, "no recording").unwrap();
    let session = debug(&[], &other, "");
    assert!(!session.status.success());
    assert!(
        text(&session.stderr).contains("other.rrtrace"),
        "{}",
        text(&session.stderr)
    );
    assert_eq!(text(&session.stdout), "");
}

#[test]
fn a_truncated_recording_is_debugged_up_to_there() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let whole = std::fs::read(&recording).unwrap();
    let cut = directory.path().join("cut.rrtrace");
    std::fs::write(&cut, &whole[..whole.len() - 200]).unwrap();
    let session = debug(&["--at", "end", "--batch", "-x", "when"], &cut, "");
    assert!(session.status.success(), "{}", text(&session.stderr));
    let shown = text(&session.stdout);
    assert!(shown.contains("The recording was cut off"), "{shown}");

    std::fs::write(&cut, &whole[..3000]).unwrap();
    let session = debug(&[], &cut, "when\n");
    assert!(!session.status.success());
    let told = text(&session.stderr);
    assert!(
        told.contains("cut off before the component was complete"),
        "{told}"
    );
}

#[test]
fn colours_are_for_terminals_or_on_request() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let plain = debug(&[], &recording, "list\n");
    assert!(!text(&plain.stdout).contains('\x1b'));
    let coloured = debug(&["--color", "always"], &recording, "list\n");
    assert!(text(&coloured.stdout).contains("\x1b[1;32m->"));
}

#[test]
fn shells_and_man_are_served() {
    let script = rr_dap(&["completions", "bash"], "");
    assert!(text(&script.stdout).contains("--source-map"));
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man1");
    let written = rr_dap(&["man", "--out", pages.to_str().unwrap()], "");
    assert!(written.status.success(), "{}", text(&written.stderr));
    for page in ["rr-dap.1", "rr-dap-debug.1", "rr-dap-trace-events.1"] {
        let page = std::fs::read_to_string(pages.join(page)).unwrap();
        assert!(page.contains("Example"), "{page}");
    }
}

#[test]
fn an_interrupt_stops_a_motion_and_not_the_session() {
    let program = fixture("motion/long.wat");
    let mut session = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
        .args(["debug", "--at", "start", "--invoke", "run()"])
        .args(["-x", "hostcall next", "-x", "continue"])
        .arg(program)
        .env("RR_DAP_CACHE", support::cache_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut shown = BufReader::new(session.stdout.take().unwrap()).lines();
    let mut until = |wanted: &str| {
        let lines = shown.by_ref().map(Result::unwrap);
        let mut lines = lines.skip_while(|line| !line.contains(wanted));
        lines.next().unwrap_or_else(|| panic!("no {wanted:?}"))
    };
    until("(rr-dap) continue");
    let interrupt = |session: &std::process::Child| {
        let kill = Command::new("kill")
            .args(["-INT", &session.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    };
    interrupt(&session);
    assert!(until("[event").starts_with("interrupted"));
    // Here nothing moves: it changes nothing.
    interrupt(&session);
    let mut typed = session.stdin.take().unwrap();
    typed.write_all(b"print 6 * 7\n").unwrap();
    assert!(until("= 42").ends_with("6 * 7 = 42"));
    drop(typed);
    assert!(session.wait().unwrap().success());
}

#[test]
fn options_for_programs_are_refused_with_recordings() {
    let directory = tempfile::tempdir().unwrap();
    let recording = ledger(directory.path());
    let session = debug(&["--dir", "."], &recording, "");
    assert!(!session.status.success());
    let told = text(&session.stderr);
    assert!(
        told.contains("is a recording") && told.contains(".wasm"),
        "{told}"
    );
}
