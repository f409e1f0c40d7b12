//! Whatever a client says, in whatever state the session is: each request has one answer,
//! each message is as the protocol has it, and nothing stays behind.
//!
//! `RR_DAP_SEEDS=FROM..TO` runs other sessions than the usual ones.

use crate::support::client::HangsUp;
use crate::support::ledger::ledger;
use crate::support::processes::{Marked, PATIENCE};
use crate::support::random_client::{RandomClient, Tally};
use crate::support::random_requests::Known;
use crate::support::{cache_dir, fixture, record};
use serde_json::json;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const REQUESTS: usize = 60;

/// The recordings that the sessions are about, and a place to run in.
struct Ground {
    directory: tempfile::TempDir,
    ledger: PathBuf,
    hello: PathBuf,
}

impl Ground {
    fn new() -> Ground {
        let directory = tempfile::tempdir().unwrap();
        let ledger = ledger(directory.path());
        let hello = directory.path().join("hello.rrtrace");
        let recorded = record(&fixture("hello-c-O0.wasm"), &[], &["3"], "", &hello);
        assert_eq!(recorded.status.code(), Some(1), "{recorded:?}");
        Ground {
            directory,
            ledger,
            hello,
        }
    }

    fn known(&self) -> Known {
        let data = format!("{}::/work", fixture("").display());
        let program = json!({ "program": fixture("ledger.wasm"), "dirs": [data], "stopAt": "end" });
        let launches = vec![
            json!({ "trace": self.ledger }),
            json!({ "trace": self.ledger, "stopOnEntry": true }),
            json!({ "trace": self.ledger, "stopAt": "end" }),
            json!({ "trace": self.hello, "stopAt": "end" }),
            json!({ "trace": self.hello, "stopOnEntry": true, "justMyCode": false }),
            json!({ "traces": [self.ledger, self.hello], "stopOnEntry": true }),
            json!({ "traces": [self.hello, self.ledger], "stopAt": "end" }),
            json!({ "traces": [self.ledger, self.hello], "stopAt": "end" }),
            program,
        ];
        Known::of(launches, &["/rr-dap/fixtures/ledger.c", "/guest/hello/h.c"])
    }

    fn server(&self, name: &str, arguments: &[&str]) -> (Child, Marked) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rr-dap"));
        let marked = Marked::new(name, &mut command);
        let child = command
            .args(arguments)
            // What odd arguments name is not to be written among the sources.
            .current_dir(self.directory.path())
            .env("RR_DAP_CACHE", cache_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        (child, marked)
    }
}

fn seeds(usual: Range<u64>) -> Range<u64> {
    let Ok(wanted) = std::env::var("RR_DAP_SEEDS") else {
        return usual;
    };
    let (from, to) = wanted.split_once("..").expect("FROM..TO");
    from.parse().unwrap()..to.parse().unwrap()
}

/// What the server says besides the protocol: never that it panicked.
fn errors_of(child: &mut Child) -> std::thread::JoinHandle<String> {
    let mut errors = child.stderr.take().unwrap();
    std::thread::spawn(move || {
        let mut text = String::new();
        _ = errors.read_to_string(&mut text);
        text
    })
}

fn ended(child: &mut Child, seed: u64) {
    let until = Instant::now() + PATIENCE;
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return assert!(status.code().is_some(), "seed {seed}: {status}"),
            None => assert!(
                Instant::now() < until,
                "seed {seed}: the server does not end"
            ),
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn any_session_over_standard_input_and_output_is_answered_and_ends() {
    let ground = Ground::new();
    let mut tally = Tally::default();
    for seed in seeds(0..40) {
        let (mut child, marked) = ground.server(&format!("stdio-{seed}"), &[]);
        let errors = errors_of(&mut child);
        let (reader, writer) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        let client = RandomClient::new(seed, reader, Box::new(writer), ground.known());
        tally.add(client.run(REQUESTS));
        ended(&mut child, seed);
        marked.wait_for_the_end(&[]);
        let errors = errors.join().unwrap();
        assert!(!errors.contains("panicked"), "seed {seed}: {errors}");
    }
    println!(
        "{} stops; done and refused: {:?}",
        tally.stops, tally.answers
    );
    if std::env::var_os("RR_DAP_SEEDS").is_none() {
        reaches_everything(&tally);
    }
}

/// The usual sessions try everything, and have it done: else they would prove little.
fn reaches_everything(tally: &Tally) {
    assert!(tally.stops > 150, "{} stops", tally.stops);
    for command in rr_dap::dap::session::commands() {
        let (done, refused) = tally.answers.get(command).copied().unwrap_or_default();
        let never = [
            // The past cannot be written to.
            "setVariable",
            "setExpression",
            "writeMemory",
            // There is something to attach to on a listener.
            "attach",
            // No variable of a recording tells where it is declared.
            "locations",
            // The programs say nothing to each other.
            "rr/follow",
            "rr/goMessage",
        ];
        let never = never.contains(&command);
        assert!(
            done > 0 || (never && refused > 0),
            "{command} was never done"
        );
    }
}

#[test]
fn two_sessions_at_a_time_on_one_listener_do_not_meet() {
    let ground = Ground::new();
    let trace = ground.ledger.to_str().unwrap();
    let (mut child, marked) = ground.server("tcp", &["--listen", "0", "--trace", trace]);
    let errors = errors_of(&mut child);
    let mut first = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut first).unwrap();
    let port: u16 = first
        .trim()
        .strip_prefix("LISTENING ")
        .unwrap()
        .parse()
        .unwrap();
    for seed in seeds(100..104) {
        std::thread::scope(|scope| {
            for seed in [seed, seed + 1_000_000] {
                let known = ground.known();
                scope.spawn(move || session_over_tcp(port, seed, known));
            }
        });
        // The server lives, and has nothing of theirs.
        marked.wait_for_the_end(&[child.id()]);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    marked.wait_for_the_end(&[]);
    let errors = errors.join().unwrap();
    assert!(!errors.contains("panicked"), "{errors}");
}

fn session_over_tcp(port: u16, seed: u64, known: Known) {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let reader = stream.try_clone().unwrap();
    RandomClient::new(seed, reader, Box::new(HangsUp(stream)), known).run(REQUESTS);
}
