//! DAP sessions with recordings, in this process.

use super::cache_dir;
use super::client::Client;
use super::processes::PATIENCE;
use rr_dap::dap::outbox::MessageLog;
use rr_dap::dap::transport::Server;
use rr_dap::debuggee::recording::RecordingLauncher;
use rr_dap::replay::variant::CacheDir;
use rr_dap::timeline::Options;
use serde_json::{Value, json};
use std::sync::Arc;

/// A client of a server of its own.
pub fn connect() -> Client {
    connect_logged(None)
}

/// The same; what is said is logged.
pub fn connect_logged(log: Option<MessageLog>) -> Client {
    let options = Options {
        sweep: false,
        ..Options::new(
            env!("CARGO_BIN_EXE_rr-dap").into(),
            CacheDir::open(&cache_dir()).unwrap(),
        )
    };
    let mut server = Server::new(Arc::new(RecordingLauncher::new(options, None)));
    if log.is_some() {
        // What is logged is compared: output always comes before the stop.
        server.patience = PATIENCE;
    }
    server.log = log;
    connect_to(server)
}

/// A client whose server runs on a thread of its own.
pub fn connect_to(server: Server) -> Client {
    let (their_reader, our_writer) = std::io::pipe().unwrap();
    let (our_reader, their_writer) = std::io::pipe().unwrap();
    std::thread::spawn(move || {
        server.serve(
            std::io::BufReader::new(their_reader),
            Box::new(their_writer),
        );
    });
    Client::new(Box::new(our_reader), Box::new(our_writer))
}

/// A session up to its first stop; `configure` sets breakpoints.
pub fn start(launch: Value, configure: impl FnOnce(&mut Client)) -> Client {
    let mut client = connect();
    client.initialize();
    client.ask("launch", launch);
    client.event("initialized");
    configure(&mut client);
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    client
}

/// Sets breakpoints on lines of a source; answers what became of them.
pub fn set_lines(client: &mut Client, source: &Value, lines: &[i64]) -> Value {
    let breakpoints: Vec<Value> = lines.iter().map(|line| json!({ "line": line })).collect();
    let arguments = json!({ "source": source, "breakpoints": breakpoints });
    client.ask("setBreakpoints", arguments)["breakpoints"].take()
}

/// The frames of the stack.
pub fn frames(client: &mut Client) -> Vec<Value> {
    let mut trace = client.ask("stackTrace", json!({ "threadId": 1 }));
    match trace["stackFrames"].take() {
        Value::Array(frames) => frames,
        other => panic!("{other}"),
    }
}

/// What the modules' debug information is said to be.
pub fn symbols(client: &mut Client) -> Vec<String> {
    let modules = client.ask("modules", json!({}));
    let modules = modules["modules"].as_array().unwrap().iter();
    let status = |module: &Value| module["symbolStatus"].as_str().unwrap().to_owned();
    modules.map(status).collect()
}

/// Scopes of a frame with their variables.
pub fn variables(client: &mut Client, frame: &Value) -> Value {
    let scopes = client.ask("scopes", json!({ "frameId": frame["id"] }));
    let scopes = scopes["scopes"].as_array().unwrap().iter();
    let mut told = Vec::new();
    for scope in scopes {
        let reference = json!({ "variablesReference": scope["variablesReference"] });
        let variables = client.ask("variables", reference);
        told.push(json!({ "scope": scope["name"], "variables": variables["variables"] }));
    }
    told.into()
}
