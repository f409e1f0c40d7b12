//! Several processes that speak with each other, each recorded on its own, and what the binary
//! says of their recordings.

use super::processes::PATIENCE;
use super::{cache_dir, fixture, rr_dap, text};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Instant;

/// A run that is being recorded. Killed when it is dropped.
pub struct Recorded {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub trace: PathBuf,
}

impl Recorded {
    /// Records a fixture into a file.
    pub fn start(guest: &str, options: &[&str], args: &[&str], trace: &Path) -> Recorded {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
            .args(["record", "--force", "-o"])
            .arg(trace)
            .args(options)
            .arg(fixture(guest))
            .args(args)
            .env("RR_DAP_CACHE", cache_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Recorded {
            child,
            stdout,
            trace: trace.to_owned(),
        }
    }

    /// The port that it says it is at, in its next line.
    pub fn port(&mut self) -> u16 {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        let port = line
            .trim()
            .strip_prefix("port ")
            .and_then(|p| p.parse().ok());
        port.unwrap_or_else(|| panic!("it says {line:?}"))
    }

    /// Waits for its end; what else it has said.
    pub fn end(mut self) -> (ExitStatus, String) {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                let mut said = String::new();
                self.stdout.read_to_string(&mut said).expect("text");
                return (status, said);
            }
            assert!(Instant::now() < until, "{:?} does not end", self.trace);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Recordings with names of our choice, in a file that names them.
pub struct Told {
    /// What is said of them, an object each.
    pub all: Vec<Value>,
}

/// One message: from where to where, what it is and what it says, with all that tells it from
/// others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    pub from: String,
    pub to: String,
    pub what: String,
    pub said: String,
    pub evidence: String,
    /// The hostcall that sends, and the one that brings, if there is one.
    pub events: (u64, Option<u64>),
    pub offset: u64,
    pub bytes: u64,
    /// Which conversation it is at each end.
    pub conversations: (u64, u64),
}

impl Line {
    fn of(message: &Value) -> Line {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let (from, to) = (&message["from"], &message["to"]);
        let number = |value: &Value| value.as_u64().expect("a number");
        Line {
            from: text(&from["node"]),
            to: text(&to["node"]),
            what: text(&message["what"]),
            said: text(&message["said"]),
            evidence: text(&message["evidence"]),
            events: (number(&from["event"]), to["event"].as_u64()),
            offset: number(&message["offset"]),
            bytes: number(&message["bytes"]),
            conversations: (number(&from["conversation"]), number(&to["conversation"])),
        }
    }

    /// The same without what tells that it is the same: there may be better evidence if others
    /// are there, or less.
    pub fn without_evidence(&self) -> Line {
        Line {
            evidence: String::new(),
            ..self.clone()
        }
    }
}

/// What is said of some recordings, which are called so.
pub fn told(nodes: &[(&str, &Path)]) -> Told {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("nodes.rrsystem");
    let traces: Vec<Value> = nodes
        .iter()
        .map(|(name, path)| json!({ "name": name, "path": path }))
        .collect();
    std::fs::write(&file, json!({ "traces": traces }).to_string()).expect("writes");
    let file = file.to_str().expect("a name");
    let listed = rr_dap(&["trace", "messages", "--json", file], "");
    assert!(listed.status.success(), "{listed:?}");
    let lines = text(&listed.stdout);
    let read = |line: &str| serde_json::from_str(line).expect("JSON");
    Told {
        all: lines.lines().map(read).collect(),
    }
}

impl Told {
    fn of_kind<'a>(&'a self, kind: &'static str) -> impl Iterator<Item = &'a Value> {
        self.all.iter().filter(move |told| told["kind"] == kind)
    }

    pub fn messages(&self) -> Vec<Line> {
        self.of_kind("message").map(Line::of).collect()
    }

    pub fn contradictions(&self) -> Vec<Value> {
        self.of_kind("contradiction").cloned().collect()
    }

    /// The nodes with a conversation whose other end is in no recording.
    pub fn outside(&self) -> Vec<String> {
        self.conversations("outside")
    }

    /// The nodes with a conversation that may be with several.
    pub fn ambiguous(&self) -> Vec<String> {
        self.conversations("ambiguous")
    }

    fn conversations(&self, other: &str) -> Vec<String> {
        let of = self
            .of_kind("conversation")
            .filter(|told| told["other"] == other);
        of.map(|told| told["node"].as_str().expect("a name").to_owned())
            .collect()
    }
}

/// All that was said one way between two nodes, as its messages have it, which must follow each
/// other without gaps; with the lengths of the messages.
pub fn stream(messages: &[Line], from: &str, to: &str, what: &str) -> (String, Vec<u64>) {
    let mut of: Vec<&Line> = messages
        .iter()
        .filter(|m| (&*m.from, &*m.to, &*m.what) == (from, to, what))
        .collect();
    of.sort_by_key(|message| message.offset);
    let mut said = String::new();
    for message in &of {
        assert_eq!(message.offset, said.len() as u64, "{of:#?}");
        let text = message.said.trim_matches('"');
        assert_eq!(text.len() as u64, message.bytes, "{message:?}");
        said.push_str(text);
    }
    (said, of.iter().map(|message| message.bytes).collect())
}

/// With each of the recordings left out in turn, the messages between the others are told as
/// before, and no others.
pub fn check_left_out(nodes: &[(&str, &Path)]) {
    let all = told(nodes).messages();
    for left_out in 0..nodes.len() {
        let mut some = nodes.to_vec();
        let (name, _) = some.remove(left_out);
        let mut expected: Vec<Line> = all
            .iter()
            .filter(|message| message.from != name && message.to != name)
            .map(Line::without_evidence)
            .collect();
        let found = told(&some);
        assert!(found.contradictions().is_empty(), "{:#?}", found.all);
        let mut found: Vec<Line> = found
            .messages()
            .iter()
            .map(Line::without_evidence)
            .collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "without {name}");
    }
}
