//! What a guest, a recording or a client says does no harm to the terminal and the listener.

use crate::support::{cache_dir, fixture, record, rr_dap, text};
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::{Command, Stdio};

/// A name that clears the screen, and one that is written from right to left.
const HOSTILE: &str = "a\u{1b}[2Jb\u{202e}c";
const WRITTEN: &str = "a\\u{1b}[2Jb\\u{202e}c";

#[track_caller]
fn check(shown: &str) {
    let steers = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
    assert!(!shown.chars().any(steers), "{shown:?}");
}

#[test]
fn a_file_s_name_does_not_steer_the_terminal() {
    for command in [
        &["debug", HOSTILE][..],
        &["replay", HOSTILE],
        &["replay", "--verify", HOSTILE],
        &["record", HOSTILE],
        &["trace", "info", HOSTILE],
        &["trace", "events", HOSTILE],
        &["instrument", "-o", "/nowhere/x.wasm", HOSTILE],
        &["--trace", HOSTILE],
        &[HOSTILE],
        &["trace", "info", "x", HOSTILE],
    ] {
        let output = rr_dap(command, "");
        let told = text(&output.stderr);
        check(&told);
        // What is wrong with the command line is told without sequences.
        let is_parsed = !told.starts_with("error: ");
        let written = if is_parsed { WRITTEN } else { "ab\\u{202e}c" };
        assert!(told.contains(written), "{command:?}: {told}");
        assert!(!output.status.success(), "{command:?}");
    }
}

#[test]
fn an_argument_that_was_recorded_does_not_steer_the_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let recording = directory.path().join("t.rrtrace");
    record(
        &fixture("ledger.wasm"),
        &["--quiet"],
        &[HOSTILE],
        "",
        &recording,
    );
    let recording = recording.to_str().unwrap();
    let info = text(&rr_dap(&["trace", "info", recording], "").stdout);
    check(&info);
    assert!(info.contains(WRITTEN), "{info}");
    let json = text(&rr_dap(&["trace", "info", "--json", recording], "").stdout);
    check(&json);
    assert!(json.contains("a\\u001b[2Jb\\u202ec"), "{json}");
    let echoed = format!("print \"{HOSTILE}\"");
    let line = ["debug", "--color", "always", "--batch", "-x", &echoed];
    let session = rr_dap(&[&line[..], &[recording]].concat(), "");
    let shown = text(&session.stdout);
    assert!(shown.contains(WRITTEN), "{shown:?}");
    assert!(!shown.contains("\u{1b}[2J"), "{shown:?}");
}

#[test]
fn a_mark_of_any_length_is_listed() {
    let directory = tempfile::tempdir().unwrap();
    let recording = directory.path().join("t.rrtrace");
    record(&fixture("ledger.wasm"), &["--quiet"], &[], "", &recording);
    let recording = recording.to_str().unwrap();
    let name = "m".repeat(65_536);
    let mark = format!("mark {name}");
    let session = rr_dap(
        &["debug", "--batch", "-x", &mark, "-x", "marks", recording],
        "",
    );
    assert!(session.status.success(), "{}", text(&session.stderr));
    assert!(text(&session.stdout).contains(&format!("{name}  ")));
}

#[test]
fn a_browser_s_request_is_not_executed() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut announced = Vec::new();
    let mut stdout = server.stdout.take().unwrap();
    while announced.last() != Some(&b'\n') {
        let mut byte = [0];
        stdout.read_exact(&mut byte).unwrap();
        announced.push(byte[0]);
    }
    let port: u16 = text(&announced)
        .trim_start_matches("LISTENING ")
        .trim()
        .parse()
        .unwrap();
    let request =
        r#"{"seq":1,"type":"request","command":"initialize","arguments":{"adapterID":"x"}}"#;
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = request.len();
    let post = format!("POST /a:b HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{request}");
    client.write_all(post.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // The server closes with bytes unread, which may reset the connection.
    _ = client.read_to_end(&mut answer);
    let answer = text(&answer);
    assert!(!answer.contains("supportsStepBack"), "{answer}");
    server.kill().unwrap();
    let ended = server.wait_with_output().unwrap();
    let logged = text(&ended.stderr);
    assert!(logged.contains("`POST /a` is not a field"), "{logged}");
    assert_eq!(logged.lines().count(), 1, "{logged}");
}

/// A terminal of a test's own: what programs write to, and where that is read.
fn a_terminal() -> (OwnedFd, File) {
    let (mut ours, mut theirs) = (0, 0);
    // SAFETY: the pointers are to two descriptors, which the call fills in; of the others
    // it allows that they are null.
    let opened = unsafe {
        libc::openpty(
            &raw mut ours,
            &raw mut theirs,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    };
    assert_eq!(opened, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: just opened, and nobody else's.
    unsafe { (OwnedFd::from_raw_fd(theirs), File::from_raw_fd(ours)) }
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let directory = tempfile::tempdir().unwrap();
    let recording = directory.path().join("t.rrtrace");
    record(&fixture("ledger.wasm"), &["--quiet"], &[], "", &recording);
    let debug = |env: &[(&str, &str)], on_stdout: bool| {
        let (theirs, mut ours) = a_terminal();
        let mut command = Command::new(env!("CARGO_BIN_EXE_rr-dap"));
        command
            .args([
                "debug", "--batch", "-x", "when", "-x", "bt", "-x", "nonsense",
            ])
            .arg(&recording)
            .env("RR_DAP_CACHE", cache_dir())
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        match on_stdout {
            true => command.stdout(theirs),
            false => command.stderr(theirs),
        };
        let reading = std::thread::spawn(move || {
            let mut shown = Vec::new();
            // The end of a terminal is an error.
            _ = ours.read_to_end(&mut shown);
            shown
        });
        let mut child = command.spawn().unwrap();
        // Its end of the terminal is ours, too, until then.
        drop(command);
        let mut piped = Vec::new();
        match on_stdout {
            true => child.stderr.take().unwrap().read_to_end(&mut piped),
            false => child.stdout.take().unwrap().read_to_end(&mut piped),
        }
        .unwrap();
        child.wait().unwrap();
        (text(&reading.join().unwrap()), text(&piped))
    };
    let (shown, piped) = debug(&[], true);
    assert!(
        shown.contains("\u{1b}[") && shown.contains("position "),
        "{shown:?}"
    );
    assert!(!piped.contains('\u{1b}'), "{piped:?}");
    for env in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
        let (shown, piped) = debug(&env, true);
        assert!(shown.contains("position "), "{shown:?}");
        assert!(
            !shown.contains('\u{1b}') && !piped.contains('\u{1b}'),
            "{shown:?}{piped:?}"
        );
    }
    // Only standard error is one: what goes into the pipe is plain.
    let (_, piped) = debug(&[], false);
    assert!(piped.contains("position "), "{piped:?}");
    assert!(!piped.contains('\u{1b}'), "{piped:?}");
}
