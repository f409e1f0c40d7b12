//! A client that measures.

use super::Outcome;
use rr_dap::dap::protocol::framing::{read_frame, write_frame};
use serde_json::{Value, json};
use std::io::BufReader;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A server of its own, and the session with it.
pub struct Client {
    child: Child,
    reader: BufReader<ChildStdout>,
    writer: ChildStdin,
    last_seq: i64,
}

impl Drop for Client {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Client {
    pub fn start(program: &Path) -> Outcome<Client> {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let reader = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let writer = child.stdin.take().ok_or("no standard input")?;
        let mut client = Client {
            child,
            reader,
            writer,
            last_seq: 0,
        };
        client.ask(
            "initialize",
            json!({ "adapterID": "rr-dap", "supportsVariableType": true,
                    "supportsMemoryReferences": true }),
        )?;
        Ok(client)
    }

    /// From `launch` to the first stop, as editors do it.
    pub fn open(&mut self, trace: &Path) -> Outcome<Duration> {
        let began = Instant::now();
        self.ask("launch", json!({ "trace": trace, "stopOnEntry": true }))?;
        self.event("initialized")?;
        self.ask("setExceptionBreakpoints", json!({ "filters": [] }))?;
        self.ask("configurationDone", json!({}))?;
        self.event("stopped")?;
        Ok(began.elapsed())
    }

    fn next(&mut self) -> Outcome<Value> {
        let body = read_frame(&mut self.reader)?.ok_or("the server has ended")?;
        Ok(serde_json::from_slice(&body)?)
    }

    pub fn ask(&mut self, command: &str, arguments: Value) -> Outcome<Value> {
        self.last_seq += 1;
        let request = json!({ "seq": self.last_seq, "type": "request", "command": command,
                              "arguments": arguments });
        write_frame(&mut self.writer, request.to_string().as_bytes())?;
        loop {
            let mut message = self.next()?;
            if message["request_seq"] == json!(self.last_seq) {
                return match message["success"] == json!(true) {
                    true => Ok(message["body"].take()),
                    false => Err(format!("{command}: {}", message["body"]).into()),
                };
            }
        }
    }

    /// The same, timed.
    pub fn time(&mut self, command: &str, arguments: Value) -> Outcome<(Value, Duration)> {
        let began = Instant::now();
        let body = self.ask(command, arguments)?;
        Ok((body, began.elapsed()))
    }

    fn event(&mut self, name: &str) -> Outcome<Value> {
        loop {
            let mut message = self.next()?;
            if message["event"] == json!(name) {
                return Ok(message["body"].take());
            }
        }
    }

    /// From the request to the stop.
    pub fn go(&mut self, command: &str, arguments: Value) -> Outcome<Duration> {
        let began = Instant::now();
        self.ask(command, arguments)?;
        self.event("stopped")?;
        Ok(began.elapsed())
    }
}
