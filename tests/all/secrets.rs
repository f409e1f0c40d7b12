//! What is in a recording that others should not see: it is named, and replaced where the
//! program only handed it on.

use crate::support::{cache_dir, events, fixture, record, replay, rr_dap, text};
use rr_dap::trace::{EventKind, HostTime, HostTimes, Trace};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const TOKEN: &str = "s3cret-of-mine";

fn ran(args: &[&str]) -> String {
    let output = rr_dap(args, "");
    let told = text(&output.stderr);
    assert!(output.status.success(), "{args:?}: {told}");
    text(&output.stdout)
}

/// What the host's clock said at each hostcall.
fn times(trace: &Path) -> Vec<Option<HostTime>> {
    let opened = Trace::open(trace).unwrap();
    let times = HostTimes::of(&opened);
    let all = opened.hostcalls().unwrap();
    (0..all).map(|event| times.at(event)).collect()
}

/// Whether bytes are anywhere in what a recording says.
fn says(trace: &Path, secret: &str) -> bool {
    let opened = Trace::open(trace).unwrap();
    let beside = format!("{:?} {:?}", opened.metadata(), opened.noted_requests());
    let has = |bytes: &[u8]| bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
    let is_in = |kind: &EventKind| matches!(kind, EventKind::Write { bytes, .. } if has(bytes));
    beside.contains(secret) || events(trace).iter().any(|event| is_in(&event.kind))
}

fn crossings(trace: &Path) -> Vec<String> {
    // Hashes are of a memory with other bytes, and left out.
    let events = events(trace).into_iter();
    let events = events.filter(|event| !matches!(event.kind, EventKind::Hash(_)));
    let described = events.map(|event| match event.kind {
        EventKind::Write { address, bytes } => format!("write {address} {}", bytes.len()),
        kind => format!("{:?} {kind:?}", event.crossing),
    });
    described.collect()
}

#[test]
fn a_variable_is_replaced_where_it_is_handed_on() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run.rrtrace");
    let token = format!("TOKEN={TOKEN}");
    let options = ["--env", &token, "--env", "LANG=C", "--env", "PIN=~4~7"];
    let recorded = record(&fixture("kitchen.wasm"), &options, &["env"], "", &trace);
    assert!(says(&trace, TOKEN));
    let file = trace.to_str().unwrap();
    let told = ran(&["trace", "info", "--secrets", file]);
    assert!(told.contains("TOKEN") && !told.contains(TOKEN), "{told}");
    // WASI 0.1's adapter has strings written over one another where it only counts them.
    assert!(!told.contains("~4~7") && !told.contains(": ~4~"), "{told}");
    let told = ran(&["trace", "info", "--secrets", "--json", file]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let of_token = |found: &&Value| found["name"] == "TOKEN";
    let found = told["found"]
        .as_array()
        .unwrap()
        .iter()
        .find(of_token)
        .unwrap();
    assert_eq!(found["kind"], "environment");
    assert!(found["events"][0].is_u64());

    let out = dir.path().join("shown.rrtrace");
    let redact = [
        "trace",
        "redact",
        "--env",
        "TOKEN",
        file,
        "-o",
        out.to_str().unwrap(),
    ];
    let told = ran(&redact);
    assert!(told.contains("hostcalls agree"), "{told}");
    assert!(!says(&out, TOKEN) && !says(&out, "-of-mine"));
    assert_eq!(out.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(crossings(&out), crossings(&trace));
    let shown = text(&replay(&out).stdout);
    let x = "x".repeat(TOKEN.len());
    assert_eq!(shown, text(&recorded.stdout).replace(TOKEN, &x));
    assert!(shown.contains("LANG=C"), "{shown}");
    // A short one, too: it is nowhere else.
    let short = dir.path().join("short.rrtrace");
    let to = short.to_str().unwrap();
    ran(&["trace", "redact", "--env", "PIN", file, "-o", to]);
    assert!(says(&trace, "~4~7") && !says(&short, "~4~7"));
    assert!(text(&replay(&short).stdout).contains("PIN=xxxx"));
    // It is there now.
    assert!(text(&rr_dap(&redact, "").stderr).contains("--force"));
}

/// A command that looks at what the first variable begins with.
const LOOKS: &str = r#"(component
  (import "wasi:cli/environment@0.2.3" (instance $environment
    (export "get-environment" (func (result (list (tuple string string)))))))
  (core module $libc
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $next)
      (global.set $next (i32.add (global.get $next) (i32.const 256)))))
  (core instance $libc (instantiate $libc))
  (core func $get (canon lower (func $environment "get-environment")
    (memory $libc "memory") (realloc (func $libc "realloc"))))
  (core module $code
    (import "libc" "memory" (memory 1))
    (import "env" "get" (func $get (param i32)))
    (func (export "run") (result i32)
      (call $get (i32.const 16))
      (i32.ne (i32.load8_u (i32.load offset=8 (i32.load (i32.const 16)))) (i32.const 115))))
  (core instance $m (instantiate $code
    (with "libc" (instance $libc))
    (with "env" (instance (export "get" (func $get))))))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $i (export "run" (func $run)))
  (export "wasi:cli/run@0.2.3" (instance $i)))"#;

#[test]
fn what_the_program_looks_at_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("looks.wat");
    std::fs::write(&app, LOOKS).unwrap();
    let trace = dir.path().join("run.rrtrace");
    let token = format!("TOKEN={TOKEN}");
    let recorded = record(&app, &["--env", &token], &[], "", &trace);
    assert!(recorded.status.success(), "{}", text(&recorded.stderr));
    let out = dir.path().join("shown.rrtrace");
    let (file, to) = (trace.to_str().unwrap(), out.to_str().unwrap());
    let output = rr_dap(&["trace", "redact", "--env", "TOKEN", file, "-o", to], "");
    let told = text(&output.stderr);
    assert!(!output.status.success());
    assert!(told.contains("goes another way at hostcall 1"), "{told}");
    assert!(!told.contains(TOKEN), "{told}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "{told}");
    // Others than the one that is looked at may be replaced.
    ran(&["trace", "redact", "--env", "OTHER", file, "-o", to]);
}

/// What a service answers, and its recording.
fn served(dir: &Path, request: &str) -> (String, PathBuf) {
    let recordings = dir.join("recordings");
    let mut child = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
        .args(["serve", "--addr", "127.0.0.1:0", "-o"])
        .args([&recordings, &fixture("answer.wasm")])
        .env("RR_DAP_CACHE", cache_dir())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).unwrap();
    let mut stream = TcpStream::connect(address.trim().trim_end_matches('/')).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let pid = libc::pid_t::try_from(child.id()).unwrap();
    // SAFETY: a signal to a child of ours that has not been waited for.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
    _ = told.read_to_string(&mut line);
    child.wait().unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&recordings), 0o700);
    let entries = std::fs::read_dir(&recordings).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    assert!(paths.iter().all(|path| mode(path) == 0o600), "{paths:?}");
    paths.retain(|path| path.extension().is_some_and(|e| e == "rrtrace"));
    assert_eq!(paths.len(), 1, "{line}");
    (answer, paths.remove(0))
}

#[test]
fn headers_and_bodies_of_a_service_are_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let request = format!(
        "GET /headers HTTP/1.1\r\nhost: here\r\nAuthorization: Bearer {TOKEN}\r\n\
         x-plain: stays\r\nconnection: close\r\n\r\n"
    );
    let (answer, trace) = served(dir.path(), &request);
    assert!(answer.contains(TOKEN), "{answer}");
    let file = trace.to_str().unwrap();
    let told = ran(&["trace", "info", "--secrets", file]);
    assert!(
        told.contains("authorization: in what the host noted"),
        "{told}"
    );
    assert!(told.contains("authorization: 1 values, 21 bytes"), "{told}");
    assert!(!told.contains(TOKEN) && !told.contains("x-plain"), "{told}");
    let out = dir.path().join("shown.rrtrace");
    let to = out.to_str().unwrap();
    ran(&[
        "trace",
        "redact",
        "--header",
        "authorization",
        file,
        "-o",
        to,
    ]);
    assert!(!says(&out, TOKEN));
    assert!(says(&out, "stays"));
    assert!(times(&trace).iter().any(Option::is_some));
    assert_eq!(times(&out), times(&trace));
    let packed = dir.path().join("packed.rrtrace");
    ran(&["trace", "pack", file, "-o", packed.to_str().unwrap()]);
    assert_eq!(times(&packed), times(&trace));
    ran(&["replay", "--verify", to]);

    let dir = tempfile::tempdir().unwrap();
    let request = format!(
        "POST /echo HTTP/1.1\r\nhost: here\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{TOKEN}",
        TOKEN.len()
    );
    let (answer, trace) = served(dir.path(), &request);
    assert!(answer.contains(TOKEN), "{answer}");
    let file = trace.to_str().unwrap();
    let told = ran(&["trace", "info", "--secrets", file]);
    assert!(told.contains("request body"), "{told}");
    assert!(told.contains(&format!("{} bytes", TOKEN.len())), "{told}");
    let out = dir.path().join("shown.rrtrace");
    let to = out.to_str().unwrap();
    ran(&["trace", "redact", "--body", file, "-o", to]);
    assert!(!says(&out, TOKEN));
    assert_eq!(crossings(&out), crossings(&trace));
}
