//! The format as `docs/trace-format.md` has it: a second reader, made after that page
//! alone, reads what the library reads.

use crate::support::command::{Call, command};
use crate::support::file::{self, COMPONENT, END, EVENTS, INDEX, METADATA, RECORDS, sections};
use crate::support::second_reader::{Bytes, Read, What, crossings, read_events, read_records};
use crate::support::{events, fixture, parse, record, replay_here, rest_of, rewrite, rr_dap, text};
use rr_dap::component::types::CoreValue;
use rr_dap::trace::{Event, EventKind, Instance, Metadata, Trace, log_line, prologue};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn as_read(event: &Event) -> Read {
    let values = |values: &[CoreValue]| {
        let bits = values.iter().map(|value| match value {
            CoreValue::I32(v) => u64::from(v.cast_unsigned()),
            CoreValue::I64(v) => v.cast_unsigned(),
            CoreValue::F32(bits) => u64::from(*bits),
            CoreValue::F64(bits) => *bits,
            other => panic!("{other:?} in a crossing"),
        });
        bits.collect()
    };
    Read {
        instance: event.instance.0,
        crossing: event.crossing.0 as usize,
        what: match &event.kind {
            EventKind::Call(v) => What::Call(values(v)),
            EventKind::Return(v) => What::Return(values(v)),
            EventKind::Enter(v) => What::Enter(values(v)),
            EventKind::Leave(v) => What::Leave(values(v)),
            EventKind::Write { address, bytes } => What::Write(*address, bytes.clone()),
            EventKind::Hash(hash) => What::Hash(*hash),
            EventKind::Resume(after) => What::Resume(u64::from(*after)),
        },
    }
}

/// Recordings of programs with one and with several instances.
fn recordings(dir: &Path) -> Vec<PathBuf> {
    let kitchen = fixture("kitchen.wasm");
    let greeter = command("greeter", Call::Greeting, dir);
    let nested = command("nested", Call::Number("run", 222), dir);
    let chatty = fixture("wat/chatty.wat");
    let work = format!("--dir={}::/work", dir.display());
    let threads = fixture("motion/threads.wat");
    let runs: [(&Path, &[&str], &[&str]); 5] = [
        (&kitchen, &[&work], &["all", "/work"]),
        (&greeter, &[], &[]),
        (&nested, &[], &[]),
        (&chatty, &[], &[]),
        (&threads, &["--invoke", "run()"], &[]),
    ];
    let record = |(i, (app, options, args)): (usize, (&Path, &[&str], &[&str]))| {
        let trace = dir.join(format!("{i}.rrtrace"));
        let recorded = record(app, options, args, "some input\n", &trace);
        assert!(recorded.status.success(), "{recorded:?}");
        trace
    };
    runs.into_iter().enumerate().map(record).collect()
}

#[test]
fn a_second_reader_made_after_the_page_reads_the_same_events() {
    let dir = tempfile::tempdir().unwrap();
    for trace in recordings(dir.path()) {
        let file = std::fs::read(&trace).unwrap();
        let parts = sections(&file);
        let ids: Vec<u16> = parts.iter().map(|part| part.id).collect();
        assert_eq!(ids[..2], [METADATA, COMPONENT]);
        assert_eq!(ids[ids.len() - 2..], [END, INDEX]);
        let crossings = crossings(&parts[1].plain);
        let mut read = Vec::new();
        let mut sections_of_events = 0;
        for part in &parts[2..parts.len() - 2] {
            assert_eq!(part.id, EVENTS);
            let calls = read
                .iter()
                .filter(|e: &&Read| matches!(e.what, What::Call(_)));
            assert_eq!(part.first_event, calls.count() as u64);
            read.extend(read_events(&part.plain, &crossings));
            sections_of_events += 1;
        }
        let expected: Vec<Read> = events(&trace).iter().map(as_read).collect();
        assert!(read == expected, "{}", trace.display());
        assert!(sections_of_events > 0);
        // The index: distances of headers, and of first events plus one.
        let mut index = Bytes(&parts.last().unwrap().plain);
        let (mut at, mut first_event) = (0, 0);
        for part in &parts[2..parts.len() - 1] {
            at += index.varint();
            first_event += index.varint() - 1;
            assert_eq!((at, first_event), (part.at as u64, part.first_event));
        }
        assert!(index.0.is_empty());
        let end: serde_json::Value = serde_json::from_slice(&parts[parts.len() - 2].plain).unwrap();
        assert_eq!(end["how"], "returned");
    }
}

#[test]
fn a_second_reader_reads_raw_records() {
    let dir = tempfile::tempdir().unwrap();
    for trace in recordings(dir.path()) {
        let file = std::fs::read(&trace).unwrap();
        let component = sections(&file)[1].plain.clone();
        let crossings = crossings(&component);
        for event in events(&trace) {
            let instance = 7u32;
            let section = [&instance.to_le_bytes()[..], &rewrite::raw(&event)].concat();
            let expected = as_read(&Event {
                instance: Instance(instance),
                ..event
            });
            assert_eq!(read_records(&section, &crossings), [expected]);
        }
    }
}

#[test]
fn a_file_written_after_the_page_is_read_by_the_library() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run");
    let app = command("greeter", Call::Greeting, dir.path());
    record(&app, &[], &[], "", &trace);
    let original = sections(&std::fs::read(&trace).unwrap());
    let mut parts: Vec<file::Section> = original[..2].to_vec();
    for event in &events(&trace) {
        let mut plain = event.instance.0.to_le_bytes().to_vec();
        plain.extend(rewrite::raw(event));
        parts.push(file::Section {
            id: RECORDS,
            // Not counted.
            first_event: u64::MAX,
            plain,
            version: parts[0].version,
            at: 0,
            stored: 0,
        });
    }
    let written = dir.path().join("written");
    std::fs::write(&written, file::build(&parts)).unwrap();
    assert!(events(&written) == events(&trace));
    replay_here(Arc::new(Trace::open(&written).unwrap())).unwrap();
}

#[test]
fn a_cursor_begins_at_any_hostcall() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run");
    let app = command("greeter", Call::Greeting, dir.path());
    record(&app, &[], &[], "", &trace);
    let all = events(&trace);
    let component = Trace::open(&trace).unwrap().component().clone();
    let small = dir.path().join("small");
    let outcome = Trace::open(&trace).unwrap().outcome().clone();
    rewrite::write(component, &all, &outcome, 3, &small);
    // With its index, and walking the headers.
    let file = std::fs::read(&small).unwrap();
    let cut = dir.path().join("cut");
    std::fs::write(&cut, &file[..file.len() - file::TRAILER]).unwrap();
    for path in [&trace, &small, &cut] {
        let opened = Trace::open(path).unwrap();
        let calls: Vec<usize> = (0..all.len())
            .filter(|i| matches!(all[*i].kind, EventKind::Call(_)))
            .collect();
        assert_eq!(opened.hostcalls().unwrap(), calls.len() as u64);
        for (number, at) in calls.iter().enumerate() {
            let cursor = opened.events_from(number as u64).unwrap();
            assert_eq!(cursor.event(), number as u64);
            let rest = rest_of(cursor);
            assert!(rest == all[*at..], "{number}");
        }
        for beyond in [calls.len() as u64, u64::MAX] {
            let mut cursor = opened.events_from(beyond).unwrap();
            assert_eq!(cursor.next().unwrap(), None);
        }
    }
}

#[test]
fn with_its_index_a_recording_is_read_around_a_damaged_part() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run");
    record(&fixture("wat/chatty.wat"), &[], &[], "", &trace);
    let (all, opened) = (events(&trace), Trace::open(&trace).unwrap());
    let small = dir.path().join("small");
    let component = opened.component().clone();
    rewrite::write(component, &all, opened.outcome(), 1000, &small);
    let mut file = std::fs::read(&small).unwrap();
    let parts = sections(&file);
    let damaged = &parts[parts.len() / 2];
    file[damaged.at + 4] ^= 1;
    std::fs::write(&small, &file).unwrap();
    // Nothing was walked, so the outcome is there, and so is what is not damaged.
    let around = Trace::open(&small).unwrap();
    assert_eq!(around.outcome(), opened.outcome());
    assert_eq!(around.hostcalls().unwrap(), opened.hostcalls().unwrap());
    let last = opened.hostcalls().unwrap() - 100;
    let rest = rest_of(around.events_from(last).unwrap());
    assert!(rest == rest_of(opened.events_from(last).unwrap()));
    let mut cursor = around.events();
    let read: Vec<Event> = std::iter::from_fn(|| cursor.next().ok().flatten()).collect();
    assert!(read == all[..1000 * (parts.len() / 2 - 2)]);
    // Again and again.
    for _ in 0..2 {
        let error = cursor.next().unwrap_err().to_string();
        assert!(error.contains(&format!("byte {}", damaged.at)), "{error}");
    }
    // Without the index there is no way past it.
    std::fs::write(&small, &file[..file.len() - 1]).unwrap();
    assert!(Trace::open(&small).is_err());
}

/// What a trace costs: the bytes that the guest received, compressed, and less than
/// four for each hostcall; and once a few for each crossing, which only a short
/// recording notices.
#[test]
fn a_hostcall_costs_less_than_four_bytes_beside_what_the_guest_received() {
    let dir = tempfile::tempdir().unwrap();
    let echo = dir.path().join("echo.rrtrace");
    let lines: String = (0..2000).map(|n| format!("{n}\n")).collect();
    record(&fixture("kitchen.wasm"), &[], &["echo"], &lines, &echo);
    let traces = recordings(dir.path());
    let [kitchen, _, _, chatty, ..] = &traces[..] else {
        panic!("{traces:?}");
    };
    for trace in [kitchen, chatty, &echo] {
        let file = std::fs::read(trace).unwrap();
        let stored: usize = sections(&file)
            .iter()
            .filter(|part| part.id == EVENTS)
            .map(|part| part.stored + file::HEADER)
            .sum();
        let (mut received, mut calls) = (Vec::new(), 0);
        let mut used = HashSet::new();
        for event in &events(trace) {
            used.insert(event.crossing);
            match (as_read(event).what, &event.kind) {
                (What::Call(_), _) => calls += 1,
                (_, EventKind::Return(_)) => received.extend(&rewrite::raw(event)[4..]),
                (What::Write(_, bytes), _) => received.extend(bytes),
                _ => {}
            }
        }
        let received = zstd::encode_all(&received[..], 1).unwrap().len();
        let what = format!("{stored} bytes, {received} received, {calls} hostcalls");
        println!("{what}");
        let once = file::HEADER + 8 * used.len();
        assert!(stored <= received + 4 * calls + once, "{what}");
        if calls > 1000 {
            assert!(stored <= received + 2 * calls, "{what}");
        }
    }
}

/// The trace in a log, with other lines between, as collectors prefix them.
fn as_log(trace: &[u8], chunk: usize) -> Vec<String> {
    let mut lines = vec!["the guest says hello".to_owned()];
    for (sequence, chunk) in trace.chunks(chunk).enumerate() {
        let line = log_line(sequence as u64, chunk);
        lines.push(match sequence % 3 {
            0 => line,
            1 => format!("2026-11-21T05:06:07.890Z stderr F {line}"),
            _ => format!("{{\"log\":\"{line}\\n\",\"stream\":\"stderr\"}}"),
        });
        lines.push(format!("another line, {sequence}: rr:traces are fine"));
    }
    lines
}

#[test]
fn a_recording_is_read_out_of_a_log() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run");
    let recorded = record(&fixture("kitchen.wasm"), &[], &["args", "x"], "", &trace);
    let printed = text(&recorded.stdout);
    let file = std::fs::read(&trace).unwrap();
    let log = dir.path().join("pod.log");
    let all = events(&trace);
    let write = |lines: &[String]| std::fs::write(&log, lines.join("\n")).unwrap();
    for chunk in [1000, 6144, file.len()] {
        let mut lines = as_log(&file, chunk);
        write(&lines);
        assert!(events(&log) == all, "{chunk}");
        let replayed = rr_dap(&["replay", log.to_str().unwrap()], "");
        assert_eq!(text(&replayed.stdout), printed);
        // Late and twice.
        let repeated = lines[1].clone();
        lines.push(repeated);
        lines.reverse();
        write(&lines);
        assert!(events(&log) == all, "{chunk}");
    }

    let lines = as_log(&file, 64);
    let is_trace = |line: &&String| line.contains("rr:trace:");
    let of_trace: Vec<usize> = (0..lines.len()).filter(|i| is_trace(&&lines[*i])).collect();
    // A line is lost: what comes before it is there.
    let lost = of_trace[of_trace.len() - 2];
    let mut fewer = lines.clone();
    fewer.remove(lost);
    write(&fewer);
    let opened = Trace::open(&log).unwrap();
    let number = of_trace.len() - 2;
    assert!(
        opened
            .missing()
            .unwrap()
            .contains(&format!("chunk {number}"))
    );
    // A line is damaged.
    let mut damaged = lines.clone();
    damaged[lost] = damaged[lost].replace("rr:trace:", "rr:trace:1");
    write(&damaged);
    let missing = Trace::open(&log).unwrap().missing().unwrap().to_owned();
    assert!(missing.contains(&format!("chunk {number}")), "{missing}");
    let mut damaged = lines.clone();
    let shorter = damaged[lost].len() - 40;
    damaged[lost].truncate(shorter);
    write(&damaged);
    let missing = Trace::open(&log).unwrap().missing().unwrap().to_owned();
    assert!(missing.contains(&format!("line {}", lost + 1)), "{missing}");
    let info = rr_dap(&["trace", "info", log.to_str().unwrap()], "");
    assert!(text(&info.stdout).contains("is damaged"), "{info:?}");

    // Without the component nothing is left to replay, and the reason is told.
    let mut damaged = lines.clone();
    damaged.remove(of_trace[4]);
    write(&damaged);
    let error = Trace::open(&log).unwrap_err().to_string();
    assert!(
        error.contains("chunk 4 of the recording is missing"),
        "{error}"
    );

    // Two recordings in one log.
    let other = dir.path().join("other");
    record(&fixture("kitchen.wasm"), &[], &["args", "y"], "", &other);
    let mut both = lines.clone();
    both.extend(as_log(&std::fs::read(&other).unwrap(), 64));
    write(&both);
    let error = Trace::open(&log).unwrap_err().to_string();
    assert!(
        error.contains("two recordings") && error.contains("split"),
        "{error}"
    );
}

#[test]
fn the_beginning_of_a_recording_opens_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("begun");
    let component = parse(&fixture("wat/spin.wat"));
    std::fs::write(&path, prologue(component, &Metadata::default()).unwrap()).unwrap();
    assert!(events(&path).is_empty());
    let info = rr_dap(&["trace", "info", path.to_str().unwrap()], "");
    assert!(text(&info.stdout).contains("cut off"), "{info:?}");
}
