//! What a recording tells of tasks is what Wasmtime told of them while it was recorded.

use crate::concurrency;
use crate::support::wasmtime_account::{Copies, Did, TARGET, There, Waits, account, listened};
use crate::support::{fixture, rr_dap_with, task_history, text, unpacked};
use rr_dap::component::types::CoreValue;
use rr_dap::component::{Builtin, Transmit};
use rr_dap::inspect::tasks::{EndTold, KindTold, TaskTold, TasksTold};
use rr_dap::trace::{Event, EventKind, Outcome, Trace};
use std::path::Path;
use std::sync::Arc;

/// A call of a built-in of which Wasmtime tells, too, by its crossing and arguments.
fn did(trace: &Trace, event: &Event, result: Option<&Event>) -> Option<Did> {
    let EventKind::Call(arguments) = &event.kind else {
        return None;
    };
    let argument = |n: usize| match arguments.get(n) {
        Some(CoreValue::I32(value)) => *value as u32,
        other => panic!("{other:?}"),
    };
    let crossing = trace.component().crossing(event.crossing)?;
    let transmit = |transmit: &Transmit, count: u64| match transmit {
        Transmit::Read => Some(Did::Copy(Copies::Reads, argument(0), count)),
        Transmit::Write => Some(Did::Copy(Copies::Writes, argument(0), count)),
        _ => None,
    };
    match crossing.builtin()? {
        Builtin::WaitableSetNew => match result.map(|result| &result.kind) {
            Some(EventKind::Return(results)) => match results[..] {
                [CoreValue::I32(index)] => Some(Did::NewSet(index as u32)),
                _ => panic!("{results:?}"),
            },
            other => panic!("{other:?}"),
        },
        Builtin::WaitableSetDrop => Some(Did::DropSet(argument(0))),
        Builtin::WaitableJoin => Some(Did::Join(argument(0), argument(1))),
        Builtin::SubtaskDrop => Some(Did::DropSubtask(argument(0))),
        Builtin::TaskReturn(_) | Builtin::TaskCancel => Some(Did::Ended),
        Builtin::Stream(way, _) => match way {
            Transmit::Read | Transmit::Write => {
                let count = match arguments[2] {
                    CoreValue::I32(count) => u64::from(count as u32),
                    CoreValue::I64(count) => count as u64,
                    ref other => panic!("{other:?}"),
                };
                transmit(way, count)
            }
            _ => None,
        },
        Builtin::Future(way, _) => transmit(way, 1),
        _ => None,
    }
}

/// What the recording tells of the same.
fn there(told: &TasksTold) -> There {
    let mut there = There::default();
    let waits = |task: &TaskTold| match task.state {
        "waiting" => Some(Waits::AtSet(task.set.expect("the set"))),
        "yielded" => Some(Waits::Yields),
        _ => None,
    };
    for task in &told.tasks {
        let returned = task.returned.is_some();
        there
            .waiting
            .extend(waits(task).map(|waits| (waits, returned)));
    }
    for item in told.instances.iter().flat_map(|instance| &instance.items) {
        match &item.kind {
            KindTold::WaitableSet { members } => {
                there.sets.push((item.index, members.clone()));
            }
            KindTold::Subtask { state, .. } if item.set.is_some() => {
                let told = !matches!(*state, "started" | "starting");
                there.subtasks.push((item.index, told));
            }
            KindTold::Stream(end) | KindTold::Future(end) if item.set.is_some() => {
                let copying = end.copying.as_ref();
                let copying = copying.map(|copying| (item.index, copies(end), copying.length));
                there.copying.extend(copying);
            }
            KindTold::Subtask { .. } | KindTold::Stream(_) | KindTold::Future(_) => {}
        }
    }
    there.sorted()
}

fn copies(end: &EndTold) -> Copies {
    if end.side == "readable" {
        Copies::Reads
    } else {
        Copies::Writes
    }
}

/// Compares before each call of these built-ins; answers how many there were.
///
/// # Errors
///
/// If they differ: how.
pub fn compare(trace: &Arc<Trace>, lines: &[String]) -> Result<usize, String> {
    let history = task_history(trace);
    let mut cursor = trace.events();
    let mut ours = Vec::new();
    let mut next = cursor.next().unwrap();
    let mut number = 0;
    while let Some(event) = next {
        next = cursor.next().unwrap();
        ours.extend(did(trace, &event, next.as_ref()).map(|did| (number, did)));
        number += u64::from(matches!(event.kind, EventKind::Call(_)));
    }
    let theirs = account(lines);
    // What traps may be told by one of them only, or told as what it was about to do.
    let failed = !matches!(trace.outcome(), Outcome::Returned { .. });
    let last = ours.len().max(theirs.len()).saturating_sub(1);
    for (at, ((event, did), (told, theirs))) in ours.iter().zip(&theirs).enumerate() {
        if did != told && !(failed && at == last) {
            return Err(format!("hostcall {event}: {did:?}, Wasmtime: {told:?}"));
        }
        let tasks = history.at(*event, false).unwrap();
        let ours = there(&tasks.told(trace.component()));
        if ours != *theirs {
            let differ =
                format!("before hostcall {event}, {did:?}: {ours:?}, Wasmtime: {theirs:?}");
            return Err(differ);
        }
    }
    let apart = ours.len().abs_diff(theirs.len());
    if apart > usize::from(failed) {
        return Err(format!("{} calls, Wasmtime: {}", ours.len(), theirs.len()));
    }
    Ok(ours.len())
}

fn agree(name: &str, trace: &Arc<Trace>, lines: &[String]) -> usize {
    compare(trace, lines).unwrap_or_else(|differ| panic!("{name}: {differ}"))
}

#[test]
fn with_a_host_of_our_own() {
    let mut compared = 0;
    for name in [
        "wat/callback.wat",
        "wat/subtasks.wat",
        "wat/waiting.wat",
        "wat/streams.wat",
        "wat/futures.wat",
        "wat/handles-later.wat",
        "wat/stdout-stream.wat",
        "wat/two-memories.wat",
    ] {
        let ((_dir, trace), lines) = listened(|| concurrency::recording(name));
        compared += agree(name, &trace, &lines);
    }
    assert!(compared > 100, "{compared}");
}

/// Records with the binary, which writes Wasmtime's log where it is asked for.
fn with_the_binary(name: &str, app: &Path, options: &[&str]) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.rrtrace");
    let mut line = vec!["record", "-o", path.to_str().unwrap()];
    line.extend(options);
    line.push(app.to_str().unwrap());
    let log = format!("{TARGET}=trace");
    let ran = rr_dap_with(&line, &[("RR_DAP_LOG", &log)], "");
    let said = text(&ran.stderr);
    let lines: Vec<String> = said
        .lines()
        .filter_map(|line| {
            let (_, of) = line.split_once(TARGET)?;
            Some(of.split_once(": ")?.1.to_owned())
        })
        .collect();
    let trace = Arc::new(Trace::open(&path).unwrap_or_else(|e| panic!("{name}: {e}: {ran:?}")));
    agree(name, &trace, &lines)
}

#[test]
fn with_wasi() {
    let mut compared = 0;
    for (name, options) in [
        ("wat/deadlock.wat", &["--invoke", "run()"][..]),
        ("wat/relay.wat", &["--invoke", "run()"]),
        ("motion/stackful.wat", &["--invoke", "run()"]),
        ("motion/overtaking.wat", &["--invoke", "run()"]),
        ("motion/lingering.wat", &["--invoke", "run()"]),
        ("motion/threads.wat", &["--invoke", "run()"]),
        ("wat/held-back.wat", &["--invoke", "run()"]),
        ("wat/one-read.wat", &["--invoke", "run()"]),
        ("wat/polled.wat", &["--invoke", "run()"]),
        ("later.wasm", &[]),
        ("sleepers.wasm", &[]),
    ] {
        compared += with_the_binary(name, &fixture(name), options);
    }
    let dir = tempfile::tempdir().unwrap();
    for level in ["O0", "Os"] {
        let app = dir.path().join(format!("awaits-{level}.wasm"));
        std::fs::write(&app, unpacked(&format!("awaits/awaits-{level}.wasm.zst"))).unwrap();
        compared += with_the_binary(level, &app, &[]);
    }
    assert!(compared > 100, "{compared}");
}
