//! A client that checks every message, in both directions, against the official
//! schema.

use rr_dap::dap::client;
use rr_dap::dap::protocol::framing::write_frame;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../dap/debugAdapterProtocol.json")).unwrap()
});
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<jsonschema::Validator>>>> =
    LazyLock::new(Mutex::default);

/// Panics unless a message is as the schema says, with no key spelt otherwise.
pub fn validate(message: &Value) {
    let name = |key: &str| {
        let name = message[key].as_str().unwrap_or_default();
        name[..1].to_uppercase() + &name[1..]
    };
    // Requests of our own have answers of our own, in the protocol's envelope.
    let is_own = |key: &str| {
        let named = message[key].as_str();
        named.is_some_and(|named| named.starts_with("rr/"))
    };
    let is_own_event = is_own("event");
    let is_own = is_own("command");
    let definition = match message["type"].as_str() {
        Some("request") if is_own => "Request".to_owned(),
        Some("response") if is_own && message["success"] == json!(true) => "Response".to_owned(),
        Some("event") if is_own_event => "Event".to_owned(),
        Some("request") => name("command") + "Request",
        Some("event") => name("event") + "Event",
        Some("response") if message["success"] == json!(true) => name("command") + "Response",
        Some("response") => "ErrorResponse".to_owned(),
        other => panic!("a message of type {other:?}: {message}"),
    };
    let validator = {
        let mut validators = VALIDATORS.lock().unwrap();
        let validator = validators.entry(definition.clone());
        Arc::clone(validator.or_insert_with(|| Arc::new(validator_of(&definition))))
    };
    let errors: Vec<String> = validator
        .iter_errors(message)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{definition}: {errors:#?}\n{message:#}");
    // The schema allows unknown keys, so a misspelt one would go unseen.
    if message["type"] != json!("request") {
        let keys = misspelt(&message["body"]);
        assert!(keys.is_empty(), "{keys:?} in {message:#}");
    }
}

fn validator_of(definition: &str) -> jsonschema::Validator {
    assert!(
        SCHEMA["definitions"].get(definition).is_some(),
        "the schema has no {definition}"
    );
    let mut schema = SCHEMA.clone();
    schema["allOf"] = json!([{ "$ref": format!("#/definitions/{definition}") }]);
    jsonschema::draft4::new(&schema).unwrap()
}

fn misspelt(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => object
            .iter()
            .filter(|(key, inner)| match key.as_str() {
                "adapterData" => false,
                // A refusal's, not a list of variables.
                "variables" => !inner.is_object(),
                _ => true,
            })
            .flat_map(|(key, inner)| {
                let own = key.contains('_').then(|| key.clone());
                own.into_iter().chain(misspelt(inner))
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(misspelt).collect(),
        _ => Vec::new(),
    }
}

/// Checks what it hears, and panics where a conversation fails.
pub struct Client(client::Client);

impl Client {
    /// A client of a server of its own.
    pub fn spawn() -> (Child, Client) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
            .env("RR_DAP_CACHE", super::cache_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let client = Client::new(
            Box::new(child.stdout.take().unwrap()),
            Box::new(child.stdin.take().unwrap()),
        );
        (child, client)
    }

    pub fn new(reader: Box<dyn Read + Send>, writer: Box<dyn Write + Send>) -> Self {
        let mut heard = 0;
        let checks = move |message: &Value| {
            validate(message);
            heard += 1;
            assert_eq!(message["seq"], json!(heard), "numbers have no gaps");
            true
        };
        Self(client::Client::new(reader, writer, checks))
    }

    /// Sends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.write(bytes).unwrap();
    }

    /// Sends a message's text in a sound frame.
    pub fn framed(&mut self, body: &str) {
        let mut frame = Vec::new();
        write_frame(&mut frame, body.as_bytes()).unwrap();
        self.raw(&frame);
    }

    /// Sends a request and returns its number.
    pub fn send(&mut self, command: &str, arguments: Value) -> i64 {
        self.0.send(command, arguments).unwrap()
    }

    /// The next message; `None` at the end of the session.
    pub fn next(&mut self) -> Option<Value> {
        self.0.next_message().ok().flatten()
    }

    pub fn response(&mut self, seq: i64) -> Value {
        let response = self.0.response(&format!("number {seq}"), seq);
        response.unwrap_or_else(|error| panic!("{error}; kept: {:#?}", self.0.kept()))
    }

    pub fn event(&mut self, name: &str) -> Value {
        let event = self.0.event(name);
        event.unwrap_or_else(|error| panic!("{error}; kept: {:#?}", self.0.kept()))
    }

    /// Whether such an event has come that nobody waited for.
    pub fn heard_event(&mut self, name: &str) -> bool {
        let mut kept = self.0.kept().iter();
        kept.any(|message| message["event"] == json!(name))
    }

    /// Whether this request has been answered and nobody waited for it.
    pub fn heard_response(&mut self, seq: i64) -> bool {
        let mut kept = self.0.kept().iter();
        kept.any(|message| message["request_seq"] == json!(seq))
    }

    /// Takes the bodies of such events that nobody waited for.
    pub fn kept_events(&mut self, name: &str) -> Vec<Value> {
        let is_meant = |message: &mut Value| message["event"] == json!(name);
        let taken = self.0.kept().extract_if(.., is_meant);
        taken.map(|mut message| message["body"].take()).collect()
    }

    /// Asks, and expects to be told: the response's body.
    pub fn ask(&mut self, command: &str, arguments: Value) -> Value {
        let seq = self.send(command, arguments);
        let mut response = self.response(seq);
        assert_eq!(response["success"], json!(true), "{response:#}");
        response["body"].take()
    }

    /// Asks, and expects to be refused: the response.
    pub fn refused(&mut self, command: &str, arguments: Value) -> Value {
        let seq = self.send(command, arguments);
        let response = self.response(seq);
        assert_eq!(response["success"], json!(false), "{response:#}");
        response
    }

    /// The text of a refusal, as a client would show it.
    pub fn refusal(&mut self, command: &str, arguments: Value) -> String {
        let response = self.refused(command, arguments);
        let error = &response["body"]["error"];
        assert_eq!(error["format"], json!("{_message}"));
        error["variables"]["_message"].as_str().unwrap().to_owned()
    }

    /// Moves, and returns the stop that follows the response.
    pub fn go(&mut self, command: &str) -> Value {
        self.ask(command, json!({ "threadId": 1 }));
        self.event("stopped")
    }

    pub fn initialize(&mut self) -> Value {
        self.ask(
            "initialize",
            json!({
                "adapterID": "rr-dap", "clientID": "test", "pathFormat": "path",
                "linesStartAt1": true, "columnsStartAt1": true,
                "supportsVariableType": true, "supportsProgressReporting": true,
                "supportsMemoryReferences": true,
            }),
        )
    }

    /// As editors do it: breakpoints between `initialized` and `configurationDone`.
    pub fn start(&mut self, launch: Value, lines: &[i64]) -> Value {
        self.initialize();
        self.ask("launch", launch);
        self.event("initialized");
        self.event("thread");
        self.set_lines(lines);
        self.ask("configurationDone", Value::Null);
        self.event("stopped")
    }

    pub fn set_lines(&mut self, lines: &[i64]) -> Value {
        let breakpoints: Vec<Value> = lines.iter().map(|line| json!({ "line": line })).collect();
        self.ask(
            "setBreakpoints",
            json!({ "source": { "path": "/home/me/demo.c" }, "breakpoints": breakpoints }),
        )
    }

    pub fn top_line(&mut self) -> i64 {
        let trace = self.ask("stackTrace", json!({ "threadId": 1 }));
        trace["stackFrames"][0]["line"].as_i64().unwrap()
    }

    /// Everything up to the end of the session.
    pub fn rest(mut self) -> Vec<Value> {
        let mut rest = std::mem::take(self.0.kept());
        rest.extend(std::iter::from_fn(|| self.next()));
        rest
    }
}

/// A connection that is closed with its writer: the reader has a copy of it.
pub struct HangsUp(pub TcpStream);

impl Write for HangsUp {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Drop for HangsUp {
    fn drop(&mut self) {
        _ = self.0.shutdown(Shutdown::Write);
    }
}
