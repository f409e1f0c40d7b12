//! A client of `rr-dap mcp`, the process.

use super::cache_dir;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

pub struct ToolClient {
    child: Child,
    from: BufReader<ChildStdout>,
    sent: i64,
    /// What came besides answers.
    pub told: Vec<Value>,
    /// Tools that were called.
    pub calls: usize,
}

impl ToolClient {
    /// With this on the command line.
    pub fn start(arguments: &[&Path]) -> ToolClient {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
            .arg("mcp")
            .args(arguments)
            .env("RR_DAP_CACHE", cache_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut client = ToolClient {
            child,
            from,
            sent: 0,
            told: Vec::new(),
            calls: 0,
        };
        let hello = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "tests", "version": "1" },
        });
        let greeting = client.ask("initialize", hello).expect("a greeting");
        assert_eq!(greeting["serverInfo"]["name"], "rr-dap");
        assert!(
            greeting["instructions"]
                .as_str()
                .is_some_and(|text| text.contains("`why`"))
        );
        client.write(&json!({ "method": "notifications/initialized" }));
        client
    }

    pub fn send(&mut self, method: &str, params: Value) -> i64 {
        self.sent += 1;
        let id = self.sent;
        self.write(&json!({ "id": id, "method": method, "params": params }));
        id
    }

    /// The result of a request, or its error.
    pub fn ask(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.send(method, params);
        self.answer(id)
    }

    pub fn answer(&mut self, id: i64) -> Result<Value, Value> {
        loop {
            let message = self.read();
            if message["id"] != json!(id) {
                self.told.push(message);
                continue;
            }
            return match message.get("error") {
                Some(error) => Err(error.clone()),
                None => Ok(message["result"].clone()),
            };
        }
    }

    /// What a tool says.
    pub fn call(&mut self, tool: &str, given: Value) -> String {
        let (text, is_error) = self.called(tool, given.clone());
        assert!(!is_error, "{tool} {given}: {text}");
        text
    }

    /// Why a tool refuses.
    pub fn refusal(&mut self, tool: &str, given: Value) -> String {
        let (text, is_error) = self.called(tool, given.clone());
        assert!(is_error, "{tool} {given}: {text}");
        text
    }

    fn called(&mut self, tool: &str, given: Value) -> (String, bool) {
        self.calls += 1;
        let call = json!({ "name": tool, "arguments": given });
        let result = self.ask("tools/call", call).expect("a result");
        let text = result["content"][0]["text"].as_str().expect("a text");
        (text.to_owned(), result["isError"] == json!(true))
    }

    /// Goes away.
    pub fn end(mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        self.child.wait().expect("it ends")
    }

    fn write(&mut self, message: &Value) {
        let mut message = message.clone();
        message["jsonrpc"] = json!("2.0");
        let to = self.child.stdin.as_mut().expect("a pipe");
        writeln!(to, "{message}").expect("it reads");
        to.flush().expect("it reads");
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        let read = self.from.read_line(&mut line).expect("text");
        assert!(read > 0, "the server has ended");
        serde_json::from_str(&line).expect("JSON on each line")
    }
}

impl Drop for ToolClient {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
