//! Core modules and components that components are given: imported, exported by instances,
//! aliased from around them.

use crate::support::{fixture, parse, plain, record, rr_dap, text};
use rr_dap::component::{Answerer, BodyId, Component, CrossingKind, Direction, ModuleId};
use rr_dap::trace::{EventKind, Trace};
use std::path::Path;

/// Records a call of what a fixture exports, with what makes something random, or nothing; it
/// behaves as without the recorder, and replays.
fn recorded(name: &str, call: &str, dial: &str, trace: &Path) {
    let bytes = wat::parse_file(fixture(name)).unwrap();
    let expected = plain::call(&bytes, None, call);
    assert_eq!(expected.status, 0, "{expected:?}");
    let ran = record(&fixture(name), &[dial, "--invoke", call], &[], "", trace);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    assert_eq!(ran.stdout, expected.stdout, "{name} {dial}");
    let verified = rr_dap(&["replay", "--verify", trace.to_str().unwrap()], "");
    assert!(verified.status.success(), "{name} {dial}: {verified:?}");
    assert!(text(&verified.stdout).contains("verified"), "{verified:?}");
}

#[test]
fn components_do_the_same_with_what_they_are_given() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.rrtrace");
    for name in ["wat/given-modules.wat", "wat/given-components.wat"] {
        for dial in ["--quiet", "--handles=shuffle:1", "--chaos=1"] {
            recorded(name, "run()", dial, &trace);
        }
        calls_go_where_the_component_says(&trace);
    }
}

/// What a lowered function is answered by is what is called next.
fn calls_go_where_the_component_says(trace: &Path) {
    let trace = Trace::open(trace).unwrap();
    let component = trace.component();
    let mut cursor = trace.events();
    let mut called = None;
    let mut calls = 0;
    while let Some(event) = cursor.next().unwrap() {
        let at = (event.instance, event.crossing);
        let crossing = component.crossing(event.crossing).unwrap();
        match event.kind {
            EventKind::Call(_) if crossing.kind == CrossingKind::Lower => {
                called = Some(component.answerer(event.instance, crossing));
            }
            EventKind::Enter(_) => {
                if let Some(answerer) = called.take() {
                    assert_eq!(answerer, Answerer::Component(at.0, at.1));
                    calls += 1;
                }
            }
            _ => {}
        }
    }
    assert!(calls > 0);
}

/// The core modules that each instance of a body instantiates, by the function that it lifts.
fn modules_behind(component: &Component, export: &str) -> Vec<Vec<ModuleId>> {
    let lifts = |body: BodyId| {
        let mut crossings = component.crossings().iter();
        crossings
            .any(|c| c.body == body && c.direction() == Direction::Incoming && *c.name == *export)
    };
    let made = component.made().iter().filter(|made| lifts(made.body));
    made.map(|made| made.modules.iter().copied().flatten().collect())
        .collect()
}

#[test]
fn one_module_is_as_many_core_instances_as_are_made() {
    let component = parse(&fixture("wat/given-modules.wat"));
    let counters = modules_behind(&component, "count");
    // Each of the step, and of what counts.
    let [one, also_one, ten, also_ten] = &counters[..] else {
        panic!("{counters:?}");
    };
    assert_eq!((one, ten), (also_one, also_ten));
    assert_ne!(one[0], ten[0]);
    assert_eq!(one[1], ten[1]);
}

#[test]
fn what_a_component_is_given_differs_from_instance_to_instance() {
    let component = parse(&fixture("wat/given-components.wat"));
    let made = modules_behind(&component, "value");
    let alone: Vec<_> = made.iter().filter(|modules| modules.len() == 1).collect();
    // Two with the one module, two with the other, by the component around them.
    assert_eq!(alone[0], alone[1]);
    assert!(alone.iter().any(|modules| *modules != alone[0]), "{made:?}");
}

#[test]
fn numbers_are_passed_with_the_option_gc() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.rrtrace");
    let call = "pick(c, 40)";
    let ran = record(
        &fixture("wat/gc-options.wat"),
        &["--invoke", call],
        &[],
        "",
        &trace,
    );
    assert_eq!(
        (ran.status.code(), &*text(&ran.stdout)),
        (Some(0), "42\n"),
        "{ran:?}"
    );
    let verified = rr_dap(&["replay", "--verify", trace.to_str().unwrap()], "");
    assert!(verified.status.success(), "{verified:?}");
    calls_go_where_the_component_says(&trace);
}

fn refused(component: &str) -> String {
    let bytes = wat::parse_str(component).expect("a component");
    Component::parse(bytes).unwrap_err().to_string()
}

#[test]
fn what_only_a_host_could_give_is_refused_by_name() {
    let module = refused(
        r#"(component
          (import "host" (instance $host (export "module" (core module))))
          (core instance (instantiate (module $host "module"))))"#,
    );
    assert!(
        module.contains("an instance of a core module that the host is to give"),
        "{module}"
    );
    let component = refused(
        r#"(component
          (import "host" (instance $host (export "component" (component))))
          (instance (instantiate (component $host "component"))))"#,
    );
    assert!(
        component.contains("a component that the host is to give"),
        "{component}"
    );
    // What nobody instantiates needs no code.
    let unused = r#"(component (import "module" (core module)))"#;
    Component::parse(wat::parse_str(unused).unwrap()).unwrap();
}

#[test]
fn the_option_gc_is_refused_where_wasmtime_has_nothing_for_it() {
    let lists = refused(
        r#"(component
          (core module $m (type $s (array i8)) (func (export "f") (result (ref $s)) unreachable))
          (core instance $i (instantiate $m))
          (func (export "f") (result string) (canon lift (core func $i "f") gc)))"#,
    );
    assert!(lists.contains("that passes more than numbers"), "{lists}");
    let between = refused(
        r#"(component
          (component $A
            (core module $m (func (export "f") (param i32)))
            (core instance $i (instantiate $m))
            (func (export "f") (param "x" u32) (canon lift (core func $i "f") gc)))
          (component $B
            (import "f" (func $f (param "x" u32)))
            (core func (canon lower (func $f))))
          (instance $a (instantiate $A))
          (instance (instantiate $B (with "f" (func $a "f")))))"#,
    );
    assert!(
        between.contains("passed between components with the canonical option `gc`"),
        "{between}"
    );
}
