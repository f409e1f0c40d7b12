//! A client that measures.

use super::Outcome;
use rr_dap::dap::client;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A server of its own, and the session with it.
pub struct Client(client::Client);

impl Client {
    pub fn start(program: &Path) -> Outcome<Client> {
        let awaited = |message: &Value| {
            let event = message["event"].as_str();
            matches!(event, Some("initialized" | "stopped"))
        };
        let mut client = client::Client::start(&mut Command::new(program), awaited)?;
        client.tell(
            "initialize",
            json!({ "adapterID": "rr-dap", "supportsVariableType": true,
                    "supportsMemoryReferences": true }),
        )?;
        Ok(Client(client))
    }

    /// From `launch` to the first stop, as editors do it.
    pub fn open(&mut self, trace: &Path) -> Outcome<Duration> {
        let began = Instant::now();
        let Client(client) = self;
        client.tell("launch", json!({ "trace": trace, "stopOnEntry": true }))?;
        client.event("initialized")?;
        client.tell("setExceptionBreakpoints", json!({ "filters": [] }))?;
        client.tell("configurationDone", json!({}))?;
        client.event("stopped")?;
        Ok(began.elapsed())
    }

    pub fn ask(&mut self, command: &str, arguments: Value) -> Outcome<Value> {
        Ok(self.0.ask(command, arguments)?)
    }

    /// The same, timed.
    pub fn time(&mut self, command: &str, arguments: Value) -> Outcome<(Value, Duration)> {
        let began = Instant::now();
        let body = self.ask(command, arguments)?;
        Ok((body, began.elapsed()))
    }

    /// From the request to the stop.
    pub fn go(&mut self, command: &str, arguments: Value) -> Outcome<Duration> {
        let began = Instant::now();
        self.0.tell(command, arguments)?;
        self.0.event("stopped")?;
        Ok(began.elapsed())
    }
}
