//! The format as `docs/trace-format.md` has it: a second reader, made after that page
//! alone, reads what the library reads.

mod support;

use rr_dap::component::types::CoreValue;
use rr_dap::trace::{Event, EventKind, Instance, Metadata, Trace, log_line, prologue};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::command::{Call, command};
use support::file::{self, COMPONENT, END, EVENTS, INDEX, METADATA, RECORDS, sections};
use support::{events, fixture, parse, record, replay_here, rewrite, rr_dap, text};
use wasmparser as wp;

/// The core function type of a crossing, `i32` as `i` and so on.
#[derive(Debug, Clone, Default, PartialEq)]
struct Signature {
    params: Vec<wp::ValType>,
    results: Vec<wp::ValType>,
    /// The size of its return area: of a lowered function's result, if that is not
    /// returned flat.
    area: Option<usize>,
}

/// A type in the canonical ABI.
struct Abi {
    size: usize,
    align: usize,
    /// How many core values it is, flat.
    flat: usize,
}

impl Abi {
    fn new(size: usize, flat: usize) -> Abi {
        Abi {
            size,
            align: size,
            flat,
        }
    }

    fn record(fields: impl Iterator<Item = Abi>) -> Abi {
        let mut all = Abi::new(0, 0);
        all.align = 1;
        for field in fields {
            all.size = all.size.next_multiple_of(field.align) + field.size;
            all.align = all.align.max(field.align);
            all.flat += field.flat;
        }
        all.size = all.size.next_multiple_of(all.align);
        all
    }

    fn variant(cases: usize, payloads: impl Iterator<Item = Abi>) -> Abi {
        let tag = match cases {
            0..=0x100 => 1,
            0x101..=0x1_0000 => 2,
            _ => 4,
        };
        let payload = payloads.fold(
            Abi {
                size: 0,
                align: 1,
                flat: 0,
            },
            |a, b| Abi {
                size: a.size.max(b.size),
                align: a.align.max(b.align),
                flat: a.flat.max(b.flat),
            },
        );
        let align = payload.align.max(tag);
        Abi {
            size: (tag.next_multiple_of(payload.align) + payload.size).next_multiple_of(align),
            align,
            flat: 1 + payload.flat,
        }
    }
}

fn canonical_abi(
    types: &wp::types::TypesRef<'_>,
    ty: wp::component_types::ComponentValType,
) -> Abi {
    use wp::PrimitiveValType as P;
    use wp::component_types::{ComponentDefinedType as D, ComponentValType as V};
    let of = |ty: &V| canonical_abi(types, *ty);
    let primitive = |ty: P| match ty {
        P::Bool | P::S8 | P::U8 => Abi::new(1, 1),
        P::S16 | P::U16 => Abi::new(2, 1),
        P::S64 | P::U64 | P::F64 => Abi::new(8, 1),
        P::String => Abi {
            size: 8,
            align: 4,
            flat: 2,
        },
        _ => Abi::new(4, 1),
    };
    let id = match ty {
        V::Primitive(ty) => return primitive(ty),
        V::Type(id) => id,
    };
    match &types[id] {
        D::Primitive(ty) => primitive(*ty),
        D::Record(record) => Abi::record(record.fields.values().map(of)),
        D::Tuple(tuple) => Abi::record(tuple.types.iter().map(of)),
        D::Variant(variant) => {
            let payloads = variant.cases.values().filter_map(|case| case.ty);
            Abi::variant(variant.cases.len(), payloads.map(|ty| of(&ty)))
        }
        D::Option { ty, .. } => Abi::variant(2, [of(ty)].into_iter()),
        D::Result { ok, err, .. } => Abi::variant(2, ok.iter().chain(err).map(of)),
        D::Enum(labels) => Abi::variant(labels.len(), std::iter::empty()),
        D::Flags(labels) => match labels.len() {
            0..=8 => Abi::new(1, 1),
            9..=16 => Abi::new(2, 1),
            _ => Abi::new(4, 1),
        },
        D::List { .. } => Abi {
            size: 8,
            align: 4,
            flat: 2,
        },
        _ => Abi::new(4, 1),
    }
}

/// *Crossings*: numbered as the binary defines them.
fn crossings(component: &[u8]) -> Vec<Signature> {
    let mut validator = wp::Validator::new_with_features(wp::WasmFeatures::all());
    let mut found = Vec::new();
    // For each open component, the reallocs that have been seen.
    let mut reallocs: Vec<HashSet<(u32, Option<u32>)>> = Vec::new();
    let mut functions: Vec<u32> = Vec::new();
    let mut modules = 0;
    for payload in wp::Parser::new(0).parse_all(component) {
        let payload = payload.unwrap();
        match &payload {
            wp::Payload::Version { encoding, .. } if *encoding == wp::Encoding::Module => {
                modules += 1;
            }
            wp::Payload::Version { .. } => {
                reallocs.push(HashSet::new());
                functions.push(0);
            }
            wp::Payload::End(_) if modules > 0 => modules -= 1,
            wp::Payload::End(_) => {
                reallocs.pop();
                functions.pop();
            }
            _ => {}
        }
        validator.payload(&payload).unwrap();
        let Some(types) = validator.types(0) else {
            continue;
        };
        let signature = |function: u32| {
            let ty = types[types.core_function_at(function)].unwrap_func();
            Signature {
                params: ty.params().to_vec(),
                results: ty.results().to_vec(),
                area: None,
            }
        };
        match payload {
            wp::Payload::ComponentAliasSection(section) => {
                for alias in section {
                    if let wp::ComponentAlias::CoreInstanceExport {
                        kind: wp::ExternalKind::Func,
                        ..
                    } = alias.unwrap()
                    {
                        *functions.last_mut().unwrap() += 1;
                    }
                }
            }
            wp::Payload::ComponentTypeSection(section) => {
                for ty in section {
                    if let wp::ComponentType::Resource {
                        dtor: Some(function),
                        ..
                    } = ty.unwrap()
                    {
                        found.push(signature(function));
                    }
                }
            }
            wp::Payload::ComponentCanonicalSection(section) => {
                for canonical in section {
                    let canonical = canonical.unwrap();
                    let options = match &canonical {
                        wp::CanonicalFunction::Lift { options, .. }
                        | wp::CanonicalFunction::Lower { options, .. } => &options[..],
                        _ => &[],
                    };
                    let option = |wanted: fn(&wp::CanonicalOption) -> Option<u32>| {
                        options.iter().find_map(wanted)
                    };
                    let memory = option(|o| match o {
                        wp::CanonicalOption::Memory(memory) => Some(*memory),
                        _ => None,
                    });
                    let realloc = option(|o| match o {
                        wp::CanonicalOption::Realloc(realloc) => Some(*realloc),
                        _ => None,
                    });
                    let post_return = option(|o| match o {
                        wp::CanonicalOption::PostReturn(post) => Some(*post),
                        _ => None,
                    });
                    if let Some(realloc) = realloc
                        && reallocs.last_mut().unwrap().insert((realloc, memory))
                    {
                        found.push(signature(realloc));
                    }
                    if let wp::CanonicalFunction::Lift {
                        core_func_index, ..
                    } = canonical
                    {
                        found.extend(post_return.map(signature));
                        found.push(signature(core_func_index));
                    } else {
                        let function = functions.last_mut().unwrap();
                        let mut crossing = signature(*function);
                        *function += 1;
                        if let wp::CanonicalFunction::Lower { func_index, .. } = canonical {
                            let ty = &types[types.component_function_at(func_index)];
                            let area = ty.result.map(|ty| canonical_abi(&types, ty));
                            crossing.area = area.filter(|a| a.flat > 1).map(|a| a.size);
                        }
                        found.push(crossing);
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// An event as this reader reads it; floats as their bits.
#[derive(Debug, PartialEq)]
struct Read {
    instance: u32,
    crossing: usize,
    what: What,
}

#[derive(Debug, PartialEq)]
enum What {
    Call(Vec<u64>),
    Return(Vec<u64>),
    Enter(Vec<u64>),
    Leave(Vec<u64>),
    Write(u64, Vec<u8>),
    Hash(u64),
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take(&mut self, length: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken.to_vec()
    }

    fn fixed(&mut self, length: usize) -> u64 {
        let bytes = self.take(length);
        bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b))
    }

    fn varint(&mut self) -> u64 {
        let byte = self.fixed(1);
        match byte {
            0..0x80 => byte,
            _ => (byte & 0x7f) | self.varint() << 7,
        }
    }

    fn signed(&mut self) -> u64 {
        let (mut value, mut shift) = (0u64, 0);
        loop {
            let byte = self.fixed(1);
            value |= (byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                let extend = byte & 0x40 != 0 && shift < 64;
                return if extend { value | !0 << shift } else { value };
            }
        }
    }
}

/// *Events*: an events section.
fn read_events(section: &[u8], crossings: &[Signature]) -> Vec<Read> {
    let mut bytes = Bytes(section);
    let mut instance = 0;
    // The last integer in each place.
    let mut params: HashMap<(usize, usize), u64> = HashMap::new();
    let mut results = HashMap::new();
    let mut addresses: HashMap<usize, u64> = HashMap::new();
    // What is in progress: instance, crossing, last argument.
    let mut open: Vec<(u32, usize, u64)> = Vec::new();
    let mut events = Vec::new();
    while !bytes.0.is_empty() {
        let head = bytes.varint();
        let mut crossing = (head >> 6) as usize;
        if head & 16 == 0 {
            (instance, crossing, _) = *open.last().unwrap();
        } else if head & 32 != 0 {
            instance = bytes.varint() as u32;
        }
        let signature = &crossings[crossing];
        let mut values = |of: &[wp::ValType], places: &mut HashMap<(usize, usize), u64>| {
            let of = of.iter().enumerate();
            of.map(|(i, ty)| {
                let last = places.entry((crossing, i)).or_default();
                match ty {
                    wp::ValType::F32 => return bytes.fixed(4),
                    wp::ValType::F64 => return bytes.fixed(8),
                    wp::ValType::I32 => *last = last.wrapping_add(bytes.signed()) & 0xffff_ffff,
                    _ => *last = last.wrapping_add(bytes.signed()),
                }
                *last
            })
            .collect()
        };
        let what = match head & 15 {
            0 => What::Call(values(&signature.params, &mut params)),
            1 => What::Return(values(&signature.results, &mut results)),
            2 => What::Enter(values(&signature.params, &mut params)),
            3 => What::Leave(values(&signature.results, &mut results)),
            6 => {
                let (_, _, address) = *open.last().unwrap();
                What::Write(address, bytes.take(signature.area.unwrap()))
            }
            4 => {
                let address = addresses.entry(crossing).or_default();
                *address = address.wrapping_add(bytes.signed());
                let length = bytes.varint() as usize;
                What::Write(*address, bytes.take(length))
            }
            5 => What::Hash(bytes.fixed(8)),
            other => panic!("kind {other}"),
        };
        match &what {
            What::Call(values) | What::Enter(values) => {
                open.push((instance, crossing, values.last().copied().unwrap_or(0)));
            }
            What::Return(_) | What::Leave(_) => drop(open.pop()),
            _ => {}
        }
        events.push(Read {
            instance,
            crossing,
            what,
        });
    }
    events
}

/// *Records*: a records section.
fn read_records(section: &[u8], crossings: &[Signature]) -> Vec<Read> {
    let mut bytes = Bytes(section);
    let instance = bytes.fixed(4) as u32;
    let mut events = Vec::new();
    while !bytes.0.is_empty() {
        let header = bytes.fixed(4);
        let crossing = (header >> 3) as usize;
        let signature = &crossings[crossing];
        let mut values = |of: &[wp::ValType]| -> Vec<u64> {
            let size = |ty: &wp::ValType| match ty {
                wp::ValType::I32 | wp::ValType::F32 => 4,
                _ => 8,
            };
            of.iter().map(|ty| bytes.fixed(size(ty))).collect()
        };
        let what = match header & 7 {
            0 => What::Call(values(&signature.params)),
            1 => What::Return(values(&signature.results)),
            2 => What::Enter(values(&signature.params)),
            3 => What::Leave(values(&signature.results)),
            4 => {
                let address = bytes.fixed(4);
                let length = bytes.fixed(4) as usize;
                What::Write(address, bytes.take(length))
            }
            5 => What::Hash(bytes.fixed(8)),
            other => panic!("kind {other}"),
        };
        events.push(Read {
            instance,
            crossing,
            what,
        });
    }
    events
}

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
    let runs: [(&Path, &[&str]); 4] = [
        (&kitchen, &["all", "/work"]),
        (&greeter, &[]),
        (&nested, &[]),
        (&chatty, &[]),
    ];
    let record = |(i, (app, args)): (usize, (&Path, &[&str]))| {
        let trace = dir.join(format!("{i}.rrtrace"));
        let recorded = record(app, &[&work], args, "some input\n", &trace);
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
            let mut cursor = opened.events_from(number as u64).unwrap();
            assert_eq!(cursor.event(), number as u64);
            let rest: Vec<Event> = std::iter::from_fn(|| cursor.next().unwrap()).collect();
            assert!(rest == all[*at..], "{number}");
        }
        for beyond in [calls.len() as u64, u64::MAX] {
            let mut cursor = opened.events_from(beyond).unwrap();
            assert_eq!(cursor.next().unwrap(), None);
        }
    }
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
    let [kitchen, _, _, chatty] = &traces[..] else {
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
