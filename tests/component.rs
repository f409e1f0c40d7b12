//! What the reader of components says of real binaries.

mod support;

use rr_dap::component::{Component, CrossingKind, Direction, ParseError};
use support::{fixture, parse};

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
fn what_cannot_be_recorded_is_named_with_its_place() {
    let text = r#"(component
        (import "m" (core module $m))
        (core instance (instantiate $m)))"#;
    let bytes = wat::parse_str(text).expect("a component");
    let error = Component::parse(bytes).expect_err("it imports a module");
    let message = error.to_string();
    assert!(message.contains("an imported core module"), "{message}");
    assert!(message.contains("at byte 0x"), "{message}");
}
