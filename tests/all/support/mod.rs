//! What several tests share: fixtures, the binary, recordings.

pub mod asked;
pub mod binary;
pub mod captured;
pub mod client;
pub mod command;
pub mod concurrent;
pub mod counter;
pub mod file;
pub mod gate;
pub mod guest;
pub mod hello;
pub mod kernels;
pub mod language_client;
pub mod ledger;
pub mod lined;
pub mod middle;
pub mod oracle;
pub mod plain;
pub mod processes;
pub mod prompt;
pub mod queries;
pub mod random_client;
pub mod random_guest;
pub mod random_requests;
pub mod replayers;
pub mod rewrite;
pub mod scripted;
pub mod second_reader;
pub mod server;
pub mod session;
pub mod several;
pub mod spoken;
pub mod stripped;
pub mod tool_client;
pub mod transcript;
pub mod walk;
pub mod wasmtime_account;
pub mod woven;

use rr_dap::component::{Component, component_bytes};
use rr_dap::inspect::ending;
use rr_dap::inspect::handles::history::HandleHistory;
use rr_dap::inspect::handles::table::EntryKind;
use rr_dap::inspect::tasks::{self, KindTold, TaskHistory, TaskId};
use rr_dap::instrument::record::{Options, Seed};
use rr_dap::replay::output::{Printed, Stream};
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Compiled, Ended, Observer, Replay, ReplayError};
use rr_dap::trace::{Cursor, Event, Metadata, Outcome, Trace};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

/// A guest of `fixtures/golden`, which are kept compressed.
pub fn golden(name: &str) -> Vec<u8> {
    unpacked(&format!("golden/{name}.wasm.zst"))
}

/// A fixture that is kept compressed.
pub fn unpacked(name: &str) -> Vec<u8> {
    let packed = std::fs::File::open(fixture(name)).unwrap();
    zstd::decode_all(packed).unwrap()
}

/// The core module with debug information in a component, or this module.
pub fn module_with_dwarf(bytes: &[u8]) -> Arc<[u8]> {
    let modules = wasmparser::Parser::new(0).parse_all(bytes);
    let mut modules = modules.filter_map(|payload| match payload.expect("sound bytes") {
        wasmparser::Payload::ModuleSection {
            unchecked_range, ..
        } => bytes.get(unchecked_range),
        _ => None,
    });
    let has_debug = |module: &&[u8]| module.windows(11).any(|w| w == b".debug_info");
    modules.find(has_debug).unwrap_or(bytes).into()
}

/// A file in `fixtures/`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// How a component is instrumented whose recording has these metadata: what they say is
/// random is.
pub fn turned(metadata: &Metadata) -> Options {
    Options {
        handles: metadata.handles.map(|_| Seed::OfHost),
        chaos: metadata.chaos.map(|_| Seed::OfHost),
        ..Options::default()
    }
}

/// Where tests keep compiled code: one place, so that each module is compiled once.
pub fn cache_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled")
}

pub fn parse(path: &Path) -> Arc<Component> {
    Arc::new(Component::parse(component_bytes(path).unwrap()).unwrap())
}

/// Runs the binary to its end.
pub fn rr_dap(args: &[&str], stdin: &str) -> Output {
    rr_dap_with(args, &[], stdin)
}

/// Runs the binary to its end with environment variables.
pub fn rr_dap_with(args: &[&str], env: &[(&str, &str)], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
        .args(args)
        .env("RR_DAP_CACHE", cache_dir())
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input closes it: no error.
    _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

/// A session without what it says while a busy machine compiles for longer than two seconds.
pub fn without_waiting(mut session: Output) -> Output {
    let told = text(&session.stderr);
    let kept = told.split_inclusive('\n');
    let kept = kept.filter(|line| !line.starts_with("rr-dap: compiling the recording"));
    session.stderr = kept.collect::<String>().into_bytes();
    session
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Records a run of a component with the binary; the recording is at `trace`.
pub fn record(app: &Path, options: &[&str], args: &[&str], stdin: &str, trace: &Path) -> Output {
    let app = app.to_str().unwrap();
    let trace = trace.to_str().unwrap();
    let mut line = vec!["record", "--force", "-o", trace];
    line.extend(options);
    line.push(app);
    line.extend(args);
    rr_dap(&line, stdin)
}

/// A recording of a fixture, in a directory of its own.
pub fn recorded(guest: &str, options: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.rrtrace");
    record(&fixture(guest), options, &[], "", &path);
    (dir, path)
}

/// What a command says of a recording.
pub fn told(command: &[&str], trace: &Path) -> String {
    let mut line = command.to_vec();
    line.push(trace.to_str().unwrap());
    let told = rr_dap(&line, "");
    assert!(told.status.success(), "{told:?}");
    text(&told.stdout).to_owned()
}

/// Replays with the binary.
pub fn replay(trace: &Path) -> Output {
    rr_dap(&["replay", trace.to_str().unwrap()], "")
}

pub fn events(trace: &Path) -> Vec<Event> {
    rest_of(Trace::open(trace).unwrap().events())
}

/// The events from a cursor on.
pub fn rest_of(mut cursor: Cursor) -> Vec<Event> {
    std::iter::from_fn(|| cursor.next().unwrap()).collect()
}

/// Replays in this process; answers how it ended and what went to standard
/// output.
pub fn replay_here(trace: Arc<Trace>) -> Result<(Ended, Vec<u8>), ReplayError> {
    let cache = CacheDir::open(&cache_dir())?;
    let compiled = Compiled::prepare(&trace, &cache, Variant::Fast, &|_, _| {})?;
    let printed = Arc::new(Mutex::new(Vec::new()));
    let mut machine = Replay::new(trace, &compiled, Box::new(Prints(printed.clone())))?;
    let ended = machine.run()?;
    let printed = std::mem::take(&mut *printed.lock().unwrap());
    Ok((ended, printed))
}

struct Prints(Arc<Mutex<Vec<u8>>>);

impl Observer for Prints {
    fn printed(&mut self, printed: &Printed, bytes: &[u8]) {
        if printed.stream == Stream::Stdout {
            self.0.lock().unwrap().extend_from_slice(bytes);
        }
    }
}

/// The handle tables of a recording.
pub fn handle_history(trace: &Arc<Trace>) -> HandleHistory {
    let cache = CacheDir::open(&cache_dir()).unwrap();
    let compiled = Compiled::prepare(trace, &cache, Variant::Fast, &|_, _| {}).unwrap();
    let (history, ended) = HandleHistory::build(trace.clone(), &compiled);
    ended.unwrap();
    history
}

/// The handle tables that we derive are those that Wasmtime kept: every index that a
/// crossing has is there, of the kind that is wanted, and the one that was next.
pub fn check_handles(trace: &Arc<Trace>) {
    let findings: Vec<String> = handle_history(trace)
        .findings()
        .iter()
        .map(|found| format!("{:?}: {}", found.instance, found.finding))
        .collect();
    assert!(findings.is_empty(), "{findings:#?}");
    check_tasks(trace);
}

/// The tasks of a recording.
pub fn task_history(trace: &Arc<Trace>) -> TaskHistory {
    let cache = CacheDir::open(&cache_dir()).unwrap();
    let compiled = Compiled::prepare(trace, &cache, Variant::Fast, &|_, _| {}).unwrap();
    let (history, ended) = tasks::anew::build(trace, &compiled);
    ended.unwrap();
    history
}

/// At each moment, what tasks wait for is what the handle tables have of that kind: both are
/// derived from crossings, but each by itself.
pub fn check_tasks(trace: &Arc<Trace>) {
    let (handles, history) = (handle_history(trace), task_history(trace));
    let component = trace.component();
    let is_deadlock = match trace.outcome() {
        Outcome::Trapped(trap) => ending::is_deadlock(trap),
        _ => false,
    };
    for event in 0..history.events().min(400) {
        for in_call in [false, true] {
            let tasks = history.at(event, in_call).unwrap();
            let waits = tasks.waits(component);
            // Where the run went on, somebody could, but in tasks that had returned: it does
            // without those.
            let returned = |id| tasks.task(TaskId(id)).is_some_and(|t| t.returned.is_some());
            let mut stuck = waits.stuck_tasks();
            assert!(
                is_deadlock || stuck.all(|node| node.task.is_some_and(returned)),
                "at hostcall {event}, in it: {in_call}\n{waits}"
            );
            let mut told: Vec<(u32, u32, String)> = Vec::new();
            for of in tasks.told(component).instances {
                for item in of.items {
                    let kind = match &item.kind {
                        KindTold::Subtask { .. } => "subtask".to_owned(),
                        KindTold::WaitableSet { .. } => "waitable-set".to_owned(),
                        KindTold::Stream(end) | KindTold::Future(end) => {
                            format!("{} end of {}", end.side, end.ty)
                        }
                    };
                    told.push((of.instance, item.index, kind));
                }
            }
            let tables = handles.at(event, in_call).unwrap();
            let entries = tables.iter().flat_map(|(instance, table)| {
                let entries = table.entries().filter(|entry| {
                    matches!(
                        entry.kind,
                        EntryKind::Subtask
                            | EntryKind::WaitableSet
                            | EntryKind::Stream { .. }
                            | EntryKind::Future { .. }
                    )
                });
                entries.map(|entry| (instance.0, entry.index, entry.kind.to_string()))
            });
            let entries: Vec<_> = entries.collect();
            assert_eq!(told, entries, "at hostcall {event}, in it: {in_call}");
        }
    }
}
