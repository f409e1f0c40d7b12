//! A client of `rr-dap lsp`, the process.

use super::cache_dir;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

pub struct LanguageClient {
    child: Child,
    from: BufReader<ChildStdout>,
    sent: i64,
    /// What came while something else was waited for.
    heard: VecDeque<Value>,
}

impl LanguageClient {
    /// A server for these recordings, with code compiled where tests keep it.
    pub fn start(arguments: &[&Path]) -> LanguageClient {
        LanguageClient::with(arguments, &cache_dir(), json!({}))
    }

    pub fn with(arguments: &[&Path], cache: &Path, options: Value) -> LanguageClient {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
            .arg("lsp")
            .args(arguments)
            .env("RR_DAP_CACHE", cache)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut client = LanguageClient {
            child,
            from,
            sent: 0,
            heard: VecDeque::new(),
        };
        let can_refresh = json!({ "refreshSupport": true });
        client.ask(
            "initialize",
            json!({
                "processId": null,
                "rootUri": null,
                "initializationOptions": options,
                "capabilities": { "workspace": { "codeLens": can_refresh, "inlayHint": can_refresh } },
            }),
        );
        client.notify("initialized", json!({}));
        client
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.write(json!({ "method": method, "params": params }));
    }

    /// The number of a request.
    pub fn send(&mut self, method: &str, params: Value) -> i64 {
        self.sent += 1;
        let id = self.sent;
        self.write(json!({ "id": id, "method": method, "params": params }));
        id
    }

    /// The result of a request, or its error.
    pub fn answer(&mut self, id: i64) -> Result<Value, Value> {
        let is_it = |message: &Value| message["id"] == json!(id) && message.get("method").is_none();
        let message = self.hear(is_it);
        match message.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(message["result"].clone()),
        }
    }

    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params.clone());
        self.answer(id)
            .unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    /// Waits until the server has said so.
    pub fn wait_for(&mut self, method: &str) -> Value {
        self.hear(|message| message["method"] == json!(method))
    }

    /// Opens a source; its URI.
    pub fn open(&mut self, path: &Path) -> String {
        let uri = format!("file://{}", path.display());
        let text = std::fs::read_to_string(path).expect("a source");
        let document = json!({ "uri": uri, "languageId": "c", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
        uri
    }

    pub fn lenses(&mut self, uri: &str) -> Vec<Value> {
        let document = json!({ "textDocument": { "uri": uri } });
        array(self.ask("textDocument/codeLens", document))
    }

    /// Of lines from 0, the last one included.
    pub fn hints(&mut self, uri: &str, first: u32, last: u32) -> Vec<Value> {
        let range = json!({
            "start": { "line": first, "character": 0 },
            "end": { "line": last, "character": 0 },
        });
        let asked = json!({ "textDocument": { "uri": uri }, "range": range });
        array(self.ask("textDocument/inlayHint", asked))
    }

    /// Ends it as the protocol wants it.
    pub fn end(mut self) -> ExitStatus {
        self.ask("shutdown", Value::Null);
        self.notify("exit", Value::Null);
        self.child.wait().expect("it ends")
    }

    /// Goes away without a word.
    pub fn vanish(mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        self.child.wait().expect("it ends")
    }

    fn write(&mut self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        let body = message.to_string();
        let to = self.child.stdin.as_mut().expect("a pipe");
        write!(to, "Content-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
        to.flush().expect("it reads");
    }

    fn hear(&mut self, is_meant: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.heard.iter().position(&is_meant) {
            return self.heard.remove(at).expect("there");
        }
        loop {
            let message = self.read();
            if is_meant(&message) {
                return message;
            }
            self.heard.push_back(message);
        }
    }

    fn read(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            let read = self.from.read_line(&mut line).expect("text");
            assert!(read > 0, "the server has ended");
            let line = line.trim();
            if line.is_empty() {
                break;
            }
            if let Some(number) = line.strip_prefix("Content-Length: ") {
                length = number.parse().expect("a number");
            }
        }
        let mut body = vec![0; length];
        self.from.read_exact(&mut body).expect("all of it");
        serde_json::from_slice(&body).expect("JSON")
    }
}

impl Drop for LanguageClient {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn array(value: Value) -> Vec<Value> {
    let Value::Array(array) = value else {
        panic!("{value}");
    };
    array
}
