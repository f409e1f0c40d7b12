//! Small inputs do not become large: what a component or its debug information may unfold
//! to is bounded, and what is beyond is said to be too large.

use crate::support::binary::leb128;
use crate::support::counter::{Then, counter};
use crate::support::file::{COMPONENT, build, sections};
use crate::support::session::start;
use crate::support::{events, record, rewrite, rr_dap, text};
use rr_dap::component::types::CoreValue;
use rr_dap::component::{Component, CrossingKind, module_with_custom_sections};
use rr_dap::source::ModuleSource;
use rr_dap::trace::{Event, EventKind, Outcome};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn read(bytes: Vec<u8>) -> Result<Component, String> {
    Component::parse(bytes).map_err(|error| error.to_string())
}

fn component(wat: &str) -> Result<Component, String> {
    read(wat::parse_str(wat).expect("a component"))
}

/// Components in one another.
fn nested(depth: usize) -> Vec<u8> {
    let empty = b"\0asm\x0d\0\x01\0".to_vec();
    (1..depth).fold(empty.clone(), |inner, _| {
        let mut outer = empty.clone();
        outer.push(4);
        leb128(inner.len(), &mut outer);
        outer.extend(inner);
        outer
    })
}

/// Each component instantiates the one before twice.
fn doubling(levels: usize) -> String {
    let mut wat = "(component $root (component $c0 (core module $m) \
        (core instance (instantiate $m)))"
        .to_owned();
    for level in 1..=levels {
        let below = level - 1;
        write!(
            wat,
            "(component $c{level} (alias outer $root $c{below} (component $below)) \
             (instance (instantiate $below)) (instance (instantiate $below)))"
        )
        .unwrap();
    }
    write!(wat, "(instance (instantiate $c{levels})))").unwrap();
    wat
}

/// Each component instantiates the one before once.
fn chain(length: usize) -> String {
    let mut wat = "(component $root (component $c0)".to_owned();
    for link in 1..length {
        let before = link - 1;
        write!(
            wat,
            "(component $c{link} (alias outer $root $c{before} (component $c)) \
             (instance (instantiate $c)))"
        )
        .unwrap();
    }
    write!(wat, "(instance (instantiate $c{})))", length - 1).unwrap();
    wat
}

/// Many instances of a component that passes many names on, each of which is long.
fn passing_names(instances: usize) -> String {
    let name = format!("a{}", "b".repeat(1000));
    let aliases = r#"(alias export $i "f" (func))"#.repeat(1000);
    let given = format!(r#"(import "{name}" (instance $i (export "f" (func))))"#);
    let made = format!(r#"(instance (instantiate $c (with "{name}" (instance $i))))"#);
    format!(
        "(component {given} (component $c {given} {aliases}) {})",
        made.repeat(instances)
    )
}

#[test]
fn the_structure_of_a_component_is_bounded() {
    let wat = |wat: &str| wat::parse_str(wat).expect("a component");
    let wide = format!("(component {})", "(component)".repeat(900));
    for (bytes, says) in [
        (nested(101), None),
        (
            nested(102),
            Some("more than 100 components nested in one another"),
        ),
        (wat(&wide), None),
        (
            wat(&format!("(component {})", wide.repeat(3))),
            Some("more than 2000 components and core modules"),
        ),
        (wat(&chain(100)), None),
        (
            wat(&chain(101)),
            Some("more than 100 components instantiated within one another"),
        ),
        (wat(&passing_names(10)), None),
        (
            wat(&passing_names(900)),
            Some("more than 1048576 names passed on between its instances"),
        ),
        (wat(&doubling(14)), None),
        (
            wat(&doubling(60)),
            Some("more than 262144 items made by its instances"),
        ),
    ] {
        let read = read(bytes);
        match says {
            None => drop(read.unwrap()),
            Some(says) => {
                let refused = read.unwrap_err();
                assert!(refused.contains(says), "{refused}");
                assert!(refused.contains("too large to be read"), "{refused}");
            }
        }
    }
}

#[test]
fn crossings_of_one_function_share_its_name_and_type() {
    let name = format!("a{}", "b".repeat(50_000));
    let lowered = "(core func (canon lower (func $f)))".repeat(20_000);
    let wat = format!(r#"(component (import "{name}" (func $f (param "x" u32))) {lowered})"#);
    let component = component(&wat).unwrap();
    let [first, .., last] = component.crossings() else {
        panic!("no crossings");
    };
    assert_eq!(component.crossings().len(), 20_000);
    assert_eq!((&*last.name, &last.kind), (&*name, &CrossingKind::Lower));
    assert!(Arc::ptr_eq(&first.name, &last.name));
    let types = [first, last].map(|crossing| crossing.function.clone().unwrap());
    assert_eq!(types[1].to_string(), "func(x: u32)");
    assert!(Arc::ptr_eq(&types[0], &types[1]));
}

#[test]
fn names_that_multiply_are_refused() {
    // Each alias makes a name out of the instance's, which is there once.
    let name = format!("a{}", "b".repeat(50_000));
    let aliases = r#"(alias export $i "f" (func))"#.repeat(400);
    let instance = r#"(instance $i (export "f" (func)))"#;
    let few = format!(r#"(component (import "{name}" {instance}))"#);
    component(&few).unwrap();
    let many = format!(r#"(component (import "{name}" {instance}) {aliases})"#);
    let refused = component(&many).unwrap_err();
    assert!(
        refused.contains("bytes of names and types of crossings"),
        "{refused}"
    );
}

#[test]
fn types_that_multiply_are_refused_and_their_texts_end() {
    let tuples = |depth: usize| {
        let mut wat = r#"(component (type $t0 (tuple u8 u8))"#.to_owned();
        for level in 1..depth {
            let below = level - 1;
            write!(wat, "(type $t{level} (tuple $t{below} $t{below}))").unwrap();
        }
        let last = depth - 1;
        write!(
            wat,
            r#"(core module $m (memory (export "m") 1)) (core instance $i (instantiate $m))
            (alias core export $i "m" (core memory $m))
            (import "f" (func $f (param "x" $t{last})))
            (core func (canon lower (func $f) (memory $m))))"#
        )
        .unwrap();
        wat
    };
    let read = component(&tuples(13)).unwrap();
    let function = read.crossings()[0].function.clone().unwrap();
    let shown = function.to_string();
    assert!(shown.starts_with("func(x: tuple<tuple<"), "{shown}");
    assert!(
        shown.ends_with('…') && shown.len() < 20_000,
        "{}",
        shown.len()
    );
    let refused = component(&tuples(18)).unwrap_err();
    assert!(
        refused.contains("parts in the type of a function"),
        "{refused}"
    );
}

#[test]
fn a_recording_of_too_large_a_component_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.rrtrace");
    let recorded = record(&counter(1, Then::Return, dir.path()), &[], &[], "", &trace);
    assert!(recorded.status.success(), "{recorded:?}");
    let mut parts = sections(&std::fs::read(&trace).unwrap());
    let part = parts.iter_mut().find(|part| part.id == COMPONENT).unwrap();
    part.plain = nested(5000);
    std::fs::write(&trace, build(&parts)).unwrap();
    let told = rr_dap(&["trace", "info", trace.to_str().unwrap()], "");
    let said = text(&told.stderr);
    assert_eq!(told.status.code(), Some(1), "{said}");
    assert!(said.contains("too large to be read"), "{said}");
    assert!(said.contains("more than 100 components nested"), "{said}");
}

/// A module of one function, with debug information.
fn source(sections: &[(&str, Vec<u8>)]) -> ModuleSource {
    let module = wat::parse_str("(module (func $plain (export \"f\") nop nop nop nop))").unwrap();
    let added: Vec<_> = sections
        .iter()
        .map(|(name, bytes)| ((*name).to_owned(), bytes.clone()))
        .collect();
    ModuleSource::read(module_with_custom_sections(&module, &added).into()).unwrap()
}

fn damage(source: &ModuleSource) -> String {
    let damage = source.damage();
    let told: Vec<String> = damage.iter().map(ToString::to_string).collect();
    told.join("; ")
}

/// A unit of DWARF 4 with these entries.
fn unit(entries: &[u8]) -> Vec<u8> {
    let mut unit = Vec::new();
    unit.extend(4u16.to_le_bytes());
    unit.extend(0u32.to_le_bytes());
    unit.push(4);
    unit.extend(entries);
    let length = u32::try_from(unit.len()).unwrap();
    [&length.to_le_bytes()[..], &unit].concat()
}

/// A line table of version 4 that names `a.c`, with this program.
fn line_table(program: &[u8]) -> Vec<u8> {
    let mut header = vec![1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0];
    header.extend(b"a.c\0\0\0\0\0");
    let mut table = 4u16.to_le_bytes().to_vec();
    table.extend(u32::try_from(header.len()).unwrap().to_le_bytes());
    table.extend(&header);
    table.extend(program);
    let length = u32::try_from(table.len()).unwrap();
    [&length.to_le_bytes()[..], &table].concat()
}

/// The function begins there, counted from the beginning of the code section.
const START: u32 = 2;

fn with_rows(count: usize) -> ModuleSource {
    let mut program = vec![0, 5, 2];
    program.extend(START.to_le_bytes());
    program.extend(vec![1; count]);
    // Four bytes on, the sequence ends.
    program.extend([2, 4, 0, 1, 1]);
    source(&[
        // A unit with `DW_AT_stmt_list`.
        (".debug_abbrev", vec![1, 0x11, 0, 0x10, 0x17, 0, 0, 0]),
        (".debug_info", unit(&[1, 0, 0, 0, 0])),
        (".debug_line", line_table(&program)),
    ])
}

#[test]
fn the_lines_of_a_module_are_bounded_by_its_code() {
    let few = with_rows(1000);
    assert_eq!(damage(&few), "");
    assert_eq!(
        few.file_named("/a.c").map(|file| few.has_code(file)),
        Some(true)
    );

    let many = with_rows(1_000_000);
    let told = damage(&many);
    assert!(
        told.contains("too large: rows of line tables, more than "),
        "{told}"
    );
    let shown: Vec<String> = (0..1)
        .filter_map(|index| many.function_name(index))
        .collect();
    assert_eq!(shown, ["plain"], "the rest is there");

    let larger = source(&[(".debug_line", vec![0; 5 << 20])]);
    let told = damage(&larger);
    assert!(
        told.contains("too large: line tables of so little code"),
        "{told}"
    );
    assert!(!larger.has_lines());
    assert_eq!(larger.function_name(0).as_deref(), Some("plain"));
}

#[test]
fn names_in_debug_information_are_cut_and_counted() {
    let subprograms = |count: usize| {
        let mut entries = vec![1];
        for _ in 0..count {
            // Its name is at 0, its code four bytes long.
            entries.extend([2, 0, 0, 0, 0]);
            entries.extend(START.to_le_bytes());
            entries.push(4);
        }
        entries.push(0);
        let mut name = vec![b'n'; 900_000];
        name.push(0);
        source(&[
            // A unit with children; functions with name, beginning and length.
            (
                ".debug_abbrev",
                vec![
                    1, 0x11, 1, 0, 0, 2, 0x2e, 0, 3, 0x0e, 0x11, 1, 0x12, 0x0b, 0, 0, 0,
                ],
            ),
            (".debug_info", unit(&entries)),
            (".debug_str", name),
        ])
    };
    let one = subprograms(1);
    assert_eq!(damage(&one), "");
    let names: Vec<&str> = one.functions().map(|function| &*function.name).collect();
    assert_eq!(names.len(), 1);
    assert!(names[0].ends_with("nn…") && names[0].len() < 20_000);

    let many = subprograms(20_000);
    let told = damage(&many);
    assert!(
        told.contains("too large: functions, more than 64 MiB"),
        "{told}"
    );
    let found = many.functions().count();
    assert!((100..20_000).contains(&found), "{found}");
}

#[test]
fn entries_of_too_many_attributes_are_refused() {
    let with = |attributes: usize| {
        // Flags that take no bytes.
        let flags = [0x3f, 0x19].repeat(attributes);
        let abbreviations = [&[1, 0x11, 0][..], &flags, &[0, 0, 0]].concat();
        source(&[
            (".debug_abbrev", abbreviations),
            (".debug_info", unit(&[1])),
        ])
    };
    assert_eq!(damage(&with(200)), "");
    let told = damage(&with(300));
    assert!(told.contains("too many attributes"), "{told}");
}

/// Makes as many resources, and drops none.
fn makes_resources(count: u32) -> Vec<u8> {
    let wat = format!(
        r#"(component
          (type $r (resource (rep i32)))
          (core func $new (canon resource.new $r))
          (core module $m
            (import "" "new" (func $new (param i32) (result i32)))
            (func (export "run") (result i32)
              (local $i i32)
              (loop $again
                (drop (call $new (local.get $i)))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get $i) (i32.const {count}))))
              (i32.const 0)))
          (core instance $i (instantiate $m
            (with "" (instance (export "new" (func $new))))))
          (func $run (result (result)) (canon lift (core func $i "run")))
          (instance $command (export "run" (func $run)))
          (export "wasi:cli/run@0.2.0" (instance $command)))"#
    );
    wat::parse_str(wat).expect("a component")
}

/// A recording of a million handles, in some kilobytes: the runtime would not have given so
/// many.
fn million_handles(dir: &Path) -> PathBuf {
    let app = dir.join("app.wasm");
    std::fs::write(&app, makes_resources(1)).unwrap();
    let trace = dir.join("t.rrtrace");
    let recorded = record(&app, &[], &[], "", &trace);
    assert!(recorded.status.success(), "{recorded:?}");
    const COUNT: i32 = 1_000_000;
    let once = events(&trace);
    let is_call = |event: &Event| matches!(event.kind, EventKind::Call(_));
    let call = once.iter().position(is_call).unwrap();
    let [call_out, answer] = &once[call..call + 2] else {
        panic!("{once:?}");
    };
    let kinds = |i: i32| {
        let (argument, result) = (CoreValue::I32(i), CoreValue::I32(i + 1));
        [
            EventKind::Call(vec![argument]),
            EventKind::Return(vec![result]),
        ]
    };
    let mut many = once[..call].to_vec();
    many.extend(
        (0..COUNT)
            .flat_map(kinds)
            .zip([call_out, answer].into_iter().cycle())
            .map(|(kind, like)| Event {
                kind,
                ..like.clone()
            }),
    );
    many.extend_from_slice(&once[call + 2..]);
    let component = Arc::new(read(makes_resources(COUNT as u32)).unwrap());
    let outcome = Outcome::Returned {
        success: true,
        result: None,
    };
    rewrite::write(component, &many, &outcome, 20_000, &trace);
    trace
}

#[test]
fn requests_that_read_all_of_a_recording_can_be_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    let trace = million_handles(dir.path());
    let mut client = start(json!({ "trace": trace, "stopOnEntry": true }), |_| {});
    for (command, arguments) in [
        ("rr/hostcalls", json!({})),
        ("rr/timeline", json!({ "columns": 10 })),
        (
            "evaluate",
            json!({ "expression": "hostcalls", "context": "repl" }),
        ),
    ] {
        let asked = client.send(command, arguments);
        client.ask("cancel", json!({ "requestId": asked }));
        let answer = client.response(asked);
        assert_eq!(answer["message"], "cancelled", "{command}: {answer}");
        // The session goes on.
        client.ask("stackTrace", json!({ "threadId": 1 }));
    }
    // Of so many calls the arguments are not kept: those of a page are there nevertheless.
    let page = client.ask("rr/hostcalls", json!({ "from": 999_998 }));
    assert_eq!(page["total"], 1_000_000);
    let calls = page["hostcalls"].as_array().unwrap();
    let told = |call: &Value| (call["event"].clone(), call["arguments"].clone());
    assert_eq!(
        calls.iter().map(told).collect::<Vec<_>>(),
        [
            (json!(999_998), json!("rep: 999998")),
            (json!(999_999), json!("rep: 999999"))
        ]
    );
}
