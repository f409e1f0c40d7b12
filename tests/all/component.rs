//! What the reader of components says of real binaries.

use crate::support::{fixture, parse};
use rr_dap::component::{Component, CrossingKind, Direction, ParseError};

#[test]
fn crossings_have_the_names_that_the_wit_has() {
    let component = parse(&fixture("ledger.wasm"));
    let named = |part: &str, kind: CrossingKind| {
        let found = component
            .crossings()
            .iter()
            .find(|c| c.kind == kind && c.name.contains(part));
        found.unwrap_or_else(|| panic!("no {kind:?} named {part}"))
    };
    let read = named("#[method]input-stream.", CrossingKind::Lower);
    assert!(read.name.starts_with("wasi:io/streams@0.2."));
    assert_eq!(read.direction(), Direction::Outgoing);
    let function = read
        .function
        .as_ref()
        .expect("a lowered function has a type");
    assert_eq!(function.params[0].0, "self");
    assert_eq!(
        function.result.as_ref().expect("it reads").to_string(),
        "result<list<u8>, stream-error>"
    );
    let run = named("wasi:cli/run@0.2.", CrossingKind::Lift);
    assert!(run.name.ends_with("#run"));
    assert_eq!(run.direction(), Direction::Incoming);
}

#[test]
fn ids_are_positions_and_the_same_each_time() {
    let (first, second) = (
        parse(&fixture("kitchen.wasm")),
        parse(&fixture("kitchen.wasm")),
    );
    assert_eq!(first.crossings().len(), second.crossings().len());
    for (i, (a, b)) in first.crossings().iter().zip(second.crossings()).enumerate() {
        assert_eq!(a.id.0 as usize, i);
        assert_eq!((a.id, &a.name), (b.id, &b.name));
    }
}

#[test]
fn what_is_no_component_is_told_apart() {
    let module = wat::parse_str("(module)").expect("a module");
    assert!(matches!(
        Component::parse(module),
        Err(ParseError::CoreModule)
    ));
    assert!(matches!(
        Component::parse(b"\0asm nonsense".to_vec()),
        Err(ParseError::Invalid(_))
    ));
}

#[test]
fn built_ins_have_the_names_of_the_specification_and_their_types() {
    let component = parse(&fixture("wat/streams.wat"));
    let names: Vec<&str> = component
        .crossings()
        .iter()
        .filter(|c| matches!(c.kind, CrossingKind::Builtin(_)))
        .map(|c| &*c.name)
        .collect();
    for name in [
        "task.return stream<u8>",
        "task.return u32",
        "stream.new u8",
        "stream.read string",
        "stream.cancel-read u8",
        "stream.cancel-write u8",
        "stream.drop-readable u32",
        "stream.drop-writable u8",
        "waitable-set.wait",
        "waitable.join",
        "subtask.drop",
    ] {
        assert!(names.contains(&name), "{name} of {names:?}");
    }
    let callback = component
        .crossings()
        .iter()
        .find(|c| c.kind == CrossingKind::Callback)
        .expect("a callback");
    assert_eq!(&*callback.name, "callback produce");
    assert_eq!(callback.direction(), Direction::Incoming);
}

#[test]
fn what_cannot_be_recorded_is_named_with_its_place() {
    let core = r#"(core module $m
            (memory (export "memory") 1)
            (memory (export "shared") 1 1 shared)
            (table (export "table") 1 funcref)
            (func (export "f"))
            (func (export "i") (result i32) unreachable)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
        (core instance $i (instantiate $m))"#;
    for (text, construct) in [
        (
            "(import \"m\" (core module $h)) (core instance (instantiate $h))",
            "an instance of a core module that the host is to give",
        ),
        (
            "(import \"c\" (component))",
            "a component that the host is to give",
        ),
        (
            "(alias core export $i \"shared\" (core memory $shared))",
            "a shared memory",
        ),
        (
            "(core module (global (shared mut i32) (i32.const 0)))",
            "a shared global",
        ),
        (
            "(func $f (canon lift (core func $i \"f\"))) (start $f)",
            "a component start function",
        ),
        (
            "(core type $t (shared (func (param i32)))) (core func (canon thread.spawn-ref $t))",
            "the canonical built-in thread.spawn-ref",
        ),
        (
            "(core func (canon thread.available_parallelism))",
            "the canonical built-in thread.available-parallelism",
        ),
    ] {
        let text = format!("(component {core} {text})");
        let bytes = wat::parse_str(&text).unwrap_or_else(|e| panic!("{e}"));
        let error = Component::parse(bytes).expect_err(&text);
        let message = error.to_string();
        assert!(message.starts_with(construct), "{text}: {message}");
        assert!(message.contains(" (at byte 0x"), "{message}");
    }
}

#[test]
fn resources_that_anything_but_32_bits_stands_for_are_refused_by_name() {
    for resource in ["(rep i64)", "(rep i64) (dtor (func $d))"] {
        let text = format!(
            r#"(component
              (core module $m (func (export "d") (param i64)))
              (core instance $i (instantiate $m))
              (alias core export $i "d" (core func $d))
              (type $r (resource {resource})))"#
        );
        let component = wat::parse_str(&text).expect("a component");
        let error = Component::parse(component).expect_err("is refused");
        let error = error.to_string();
        assert!(error.contains("whose representation is not i32"), "{error}");
    }
}
