//! The handle table we derive is the one that Wasmtime keeps, and what is wrong with a
//! handle is explained.

use rr_dap::component::types::{Resource, TypeName};
use rr_dap::inspect::handles::table::{Change, Effect, HandleTable, Occasion, TableStep};
use rr_dap::inspect::hostcall::lift::{Handle, HandleKind, Lifted};
use rr_dap::inspect::{Meaning, Text};
use std::sync::Arc;
use wasmtime::component::{Component, Linker, Val};
use wasmtime::{Engine, Store};

fn resource(name: &str, id: u32) -> Arc<Resource> {
    Arc::new(Resource {
        name: Some(TypeName {
            interface: "".into(),
            name: name.into(),
        }),
        id,
    })
}

fn apply(table: &mut HandleTable, event: u64, crossing: &str, effect: Effect) -> Vec<Change> {
    table.apply(&TableStep {
        occasion: Occasion {
            event,
            crossing: crossing.into(),
        },
        effect,
    })
}

/// What a step found wrong, in words.
fn wrong(changes: Vec<Change>) -> Vec<String> {
    let findings = changes.into_iter().filter_map(|change| match change {
        Change::Wrong(finding) => Some(finding.to_string()),
        _ => None,
    });
    findings.collect()
}

fn own(resource: &Arc<Resource>, index: u32) -> Lifted {
    let kind = HandleKind::Own(resource.clone());
    Lifted::Handle(Handle { kind, index })
}

fn borrow(resource: &Arc<Resource>, index: u32) -> Lifted {
    let kind = HandleKind::Borrow(resource.clone());
    Lifted::Handle(Handle { kind, index })
}

fn string(text: &str) -> Lifted {
    Lifted::String(Text {
        text: text.into(),
        more: 0,
        pointer: 0,
    })
}

/// 2,000 times by chance: make a resource of one of two types, or drop one of the last
/// 64 made. Answers a log of words: what was done (0 and 1 new, 2 and 3 drop, by type)
/// and the index.
const CHURN: &str = r#"(component
  (type $jar (resource (rep i32)))
  (type $lid (resource (rep i32)))
  (core func $jar-new (canon resource.new $jar))
  (core func $jar-drop (canon resource.drop $jar))
  (core func $lid-new (canon resource.new $lid))
  (core func $lid-drop (canon resource.drop $lid))
  (core module $code
    (import "" "jar-new" (func $jar-new (param i32) (result i32)))
    (import "" "jar-drop" (func $jar-drop (param i32)))
    (import "" "lid-new" (func $lid-new (param i32) (result i32)))
    (import "" "lid-drop" (func $lid-drop (param i32)))
    (memory (export "memory") 1)
    ;; Indices of the resources made, by slot: 64 words from 0 on; odd slots are lids.
    (global $log (mut i32) (i32.const 1024))
    (func $note (param $what i32) (param $index i32)
      (i32.store (global.get $log) (local.get $what))
      (i32.store offset=4 (global.get $log) (local.get $index))
      (global.set $log (i32.add (global.get $log) (i32.const 8))))
    (func (export "run") (param $seed i32) (result i32) (local $times i32) (local $slot i32) (local $index i32) (local $type i32)
      (loop $again
        (local.set $seed (i32.xor (local.get $seed) (i32.shl (local.get $seed) (i32.const 13))))
        (local.set $seed (i32.xor (local.get $seed) (i32.shr_u (local.get $seed) (i32.const 17))))
        (local.set $seed (i32.xor (local.get $seed) (i32.shl (local.get $seed) (i32.const 5))))
        (local.set $type (i32.and (i32.shr_u (local.get $seed) (i32.const 8)) (i32.const 1)))
        (local.set $slot (i32.shl (i32.and (i32.shr_u (local.get $seed) (i32.const 8)) (i32.const 63)) (i32.const 2)))
        (local.set $index (i32.load (local.get $slot)))
        (if (local.get $index)
          (then
            (if (local.get $type)
              (then (call $lid-drop (local.get $index)))
              (else (call $jar-drop (local.get $index))))
            (i32.store (local.get $slot) (i32.const 0))
            (call $note (i32.add (i32.const 2) (local.get $type)) (local.get $index)))
          (else
            (local.set $index (if (result i32) (local.get $type)
              (then (call $lid-new (local.get $times)))
              (else (call $jar-new (local.get $times)))))
            (i32.store (local.get $slot) (local.get $index))
            (call $note (local.get $type) (local.get $index))))
        (local.set $times (i32.add (local.get $times) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $times) (i32.const 2000))))
      (i32.store (i32.const 1000) (i32.const 1024))
      (i32.store (i32.const 1004) (i32.const 4000))
      (i32.const 1000)))
  (core instance $m (instantiate $code (with "" (instance
    (export "jar-new" (func $jar-new)) (export "jar-drop" (func $jar-drop))
    (export "lid-new" (func $lid-new)) (export "lid-drop" (func $lid-drop))))))
  (func (export "run") (param "seed" u32) (result (list u32))
    (canon lift (core func $m "run") (memory $m "memory"))))"#;

#[test]
fn every_index_is_the_one_that_wasmtime_gives() {
    let types = [resource("jar", 0), resource("lid", 1)];
    let engine = Engine::default();
    let component = Component::new(&engine, wat::parse_str(CHURN).unwrap()).unwrap();
    for seed in [1, 77, 123_456_789] {
        let mut store = Store::new(&engine, ());
        let linker = Linker::new(&engine);
        let instance = linker.instantiate(&mut store, &component).unwrap();
        let run = instance.get_func(&mut store, "run").unwrap();
        let mut results = [Val::Bool(false)];
        run.call(&mut store, &[Val::U32(seed)], &mut results)
            .unwrap();
        let [Val::List(log)] = results else {
            panic!("no log");
        };
        let words: Vec<u32> = log
            .into_iter()
            .map(|word| match word {
                Val::U32(word) => word,
                other => panic!("{other:?} is not a word"),
            })
            .collect();

        let mut table = HandleTable::new(types.to_vec());
        let mut expected = 0;
        for (event, step) in words.chunks(2).enumerate() {
            let [what, index] = step else {
                panic!("half a step")
            };
            let resource = types[(*what & 1) as usize].clone();
            let index = *index;
            let effect = if *what < 2 {
                assert_eq!(table.next_index(), index, "seed {seed}, event {event}");
                expected += 1;
                Effect::New {
                    resource,
                    rep: event as u32,
                    index,
                }
            } else {
                expected -= 1;
                Effect::DropResource { resource, index }
            };
            let changes = apply(&mut table, event as u64, "resource", effect);
            assert_eq!(wrong(changes), Vec::<String>::new());
            assert_eq!(table.entries().count(), expected);
        }
    }
}

#[test]
fn a_wrong_handle_is_explained_by_its_history() {
    let (jar, lid) = (resource("jar", 0), resource("lid", 1));
    let mut table = HandleTable::new(vec![jar.clone(), lid.clone()]);
    let new = Effect::New {
        resource: jar.clone(),
        rep: 8,
        index: 1,
    };
    apply(&mut table, 3, "resource.new jar", new);

    let as_lid = Effect::DropResource {
        resource: lid,
        index: 1,
    };
    assert_eq!(
        wrong(apply(&mut table, 4, "resource.drop lid", as_lid)),
        [
            "resource.drop lid (event 4): handle 1 is wanted as lid, but it is own<jar>, \
          created by resource.new jar (event 3)"
        ]
    );
    assert!(table.get(1).is_some());

    let drop = || Effect::DropResource {
        resource: jar.clone(),
        index: 1,
    };
    assert!(wrong(apply(&mut table, 5, "resource.drop jar", drop())).is_empty());
    assert_eq!(
        wrong(apply(&mut table, 6, "resource.drop jar", drop())),
        [
            "resource.drop jar (event 6): handle 1 is gone: it was own<jar>, created by \
          resource.new jar (event 3), dropped by resource.drop jar (event 5)"
        ]
    );
    let rep = Effect::Rep {
        resource: jar.clone(),
        index: 9,
    };
    assert_eq!(
        wrong(apply(&mut table, 7, "resource.rep jar", rep)),
        ["resource.rep jar (event 7): handle 9 was never given out"]
    );
}

#[test]
fn handles_go_and_come_with_calls() {
    let jar = resource("jar", 0);
    let mut table = HandleTable::new(Vec::new());
    apply(&mut table, 0, "make", Effect::Calls(&[]));
    apply(&mut table, 0, "make", Effect::Returns(Some(&own(&jar, 1))));

    // Lent, it stays, and cannot be passed on meanwhile.
    let lent = [
        ("self".into(), borrow(&jar, 1)),
        ("other".into(), own(&jar, 1)),
    ];
    let findings = wrong(apply(&mut table, 1, "mix", Effect::Calls(&lent)));
    assert_eq!(
        findings,
        [
            "mix (event 1): handle 1 is lent to a call and cannot go: it is own<jar>, \
          created by make (event 0)"
        ]
    );
    apply(&mut table, 1, "mix", Effect::Returns(None));
    assert_eq!(
        table.get(1).map(|entry| (entry.uses, entry.lent)),
        Some((1, 0))
    );

    // Passed on, it leaves.
    let passed = [("jar".into(), own(&jar, 1))];
    apply(&mut table, 2, "keep", Effect::Calls(&passed));
    assert_eq!(table.entries().count(), 0);
    assert!(table.past(1).is_some());
}

#[test]
fn a_borrow_must_be_dropped_before_the_call_returns() {
    let jar = resource("jar", 0);
    let args = [("jar".to_string(), borrow(&jar, 1))];
    for is_dropped in [true, false] {
        let mut table = HandleTable::new(Vec::new());
        apply(&mut table, 0, "look", Effect::Enters(&args));
        if is_dropped {
            let effect = Effect::DropResource {
                resource: jar.clone(),
                index: 1,
            };
            apply(&mut table, 1, "resource.drop jar", effect);
        }
        let findings = wrong(apply(&mut table, 2, "look", Effect::Leaves(None)));
        assert_eq!(findings.is_empty(), is_dropped, "{findings:?}");
    }
    // Who defines the type gets the rep, which is not a handle.
    let mut table = HandleTable::new(vec![jar]);
    apply(&mut table, 0, "look", Effect::Enters(&args));
    assert_eq!(table.entries().count(), 0);
}

#[test]
fn files_and_streams_are_told_by_name() {
    let descriptor = resource("descriptor", 0);
    let stream = resource("input-stream", 1);
    let pollable = resource("pollable", 2);
    let mut table = HandleTable::new(Vec::new());
    let mut call = |name: &str, args: &[(String, Lifted)], result: Lifted| {
        apply(&mut table, 0, name, Effect::Calls(args));
        let changes = apply(&mut table, 0, name, Effect::Returns(Some(&result)));
        let [Change::Entered { index }] = changes[..] else {
            panic!("{changes:?}");
        };
        let meaning = table.get(index).and_then(|entry| entry.meaning.as_ref());
        meaning.map(Meaning::to_string)
    };
    let ok = |value| Lifted::Result(Ok(Some(Box::new(value))));
    let this = |value| ("self".to_string(), value);

    let preopens = Lifted::List(rr_dap::inspect::hostcall::lift::List {
        element: rr_dap::component::types::ValueType::Bool,
        length: 1,
        pointer: None,
        head: vec![Lifted::Tuple(vec![own(&descriptor, 1), string("/work")])],
    });
    assert_eq!(
        call(
            "wasi:filesystem/preopens@0.2.6#get-directories",
            &[],
            preopens
        )
        .as_deref(),
        Some(r#"preopened directory "/work""#)
    );
    let path = ("path".to_string(), string("data.txt"));
    assert_eq!(
        call(
            "wasi:filesystem/types@0.2.6#[method]descriptor.open-at",
            &[this(borrow(&descriptor, 1)), path],
            ok(own(&descriptor, 2)),
        )
        .as_deref(),
        Some(r#"descriptor of "/work/data.txt""#)
    );
    assert_eq!(
        call(
            "wasi:filesystem/types@0.2.6#[method]descriptor.read-via-stream",
            &[this(borrow(&descriptor, 2))],
            ok(own(&stream, 3)),
        )
        .as_deref(),
        Some(r#"input-stream of "/work/data.txt""#)
    );
    assert_eq!(
        call(
            "wasi:io/streams@0.2.6#[method]input-stream.subscribe",
            &[this(borrow(&stream, 3))],
            own(&pollable, 4),
        )
        .as_deref(),
        Some(r#"readiness of input-stream of "/work/data.txt""#)
    );
    assert_eq!(
        call("wasi:cli/stdout@0.2.6#get-stdout", &[], own(&stream, 5)).as_deref(),
        Some("stdout")
    );
    assert_eq!(call("own:thing/api#make", &[], own(&stream, 6)), None);
}
