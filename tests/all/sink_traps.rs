//! Components that record themselves and trap: whatever came last, a built-in, a callback,
//! a call that traps itself, is in what the sink was given.

use crate::support::{events, plain, replay_here, text};
use rr_dap::component::Component;
use rr_dap::instrument::record::Commit;
use rr_dap::instrument::sink::{Sink, instrument_into};
use rr_dap::replay::Ended;
use rr_dap::trace::{EventKind, Metadata, Trace};
use std::path::Path;
use std::sync::Arc;

/// Definitions, imports of the module, its code, and the last events of a run.
struct Guest {
    definitions: &'static str,
    imports: &'static str,
    /// Of `run`; with `callback`, of that.
    code: &'static str,
    has_callback: bool,
    last: &'static [&'static str],
}

const GUESTS: &[Guest] = &[
    Guest {
        definitions: "(core func $new (canon waitable-set.new))",
        imports: r#"(import "" "new" (func $new (result i32)))"#,
        code: "(drop (call $new)) (drop (call $new)) unreachable",
        has_callback: false,
        last: &[
            "enter run",
            "call waitable-set.new",
            "return waitable-set.new",
            "call waitable-set.new",
            "return waitable-set.new",
        ],
    },
    Guest {
        definitions: "(core func $set (canon context.set i32 0)) (core func $get (canon context.get i32 0))",
        imports: r#"(import "" "set" (func $set (param i32))) (import "" "get" (func $get (result i32)))"#,
        code: "(call $set (i32.const 9)) (drop (call $get)) unreachable",
        has_callback: false,
        last: &[
            "enter run",
            "call context.set 0",
            "return context.set 0",
            "call context.get 0",
            "return context.get 0",
        ],
    },
    // The last call traps itself: there is no such handle.
    Guest {
        definitions: "(type $r (resource (rep i32))) (core func $new (canon resource.new $r))
            (core func $rep (canon resource.rep $r)) (core func $drop (canon resource.drop $r))",
        imports: r#"(import "" "new" (func $new (param i32) (result i32)))
            (import "" "rep" (func $rep (param i32) (result i32)))
            (import "" "drop" (func $drop (param i32)))"#,
        code: "(drop (call $rep (call $new (i32.const 5)))) (call $drop (i32.const 77)) unreachable",
        has_callback: false,
        last: &[
            "enter run",
            "call resource.new",
            "return resource.new",
            "call resource.rep",
            "return resource.rep",
            "call resource.drop",
        ],
    },
    Guest {
        definitions: "(type $bytes (stream u8)) (core func $new (canon stream.new $bytes))
            (core func $drop (canon stream.drop-readable $bytes))",
        imports: r#"(import "" "new" (func $new (result i64))) (import "" "drop" (func $drop (param i32)))"#,
        code: "(call $drop (i32.wrap_i64 (call $new))) (drop (call $new)) unreachable",
        has_callback: false,
        last: &[
            "enter run",
            "call stream.new u8",
            "return stream.new u8",
            "call stream.drop-readable u8",
            "return stream.drop-readable u8",
            "call stream.new u8",
            "return stream.new u8",
        ],
    },
    // The callback itself comes last.
    Guest {
        definitions: "",
        imports: "",
        code: "unreachable",
        has_callback: true,
        last: &["enter run", "leave run", "enter callback run"],
    },
    Guest {
        definitions: "(core func $return (canon task.return (result u32)))",
        imports: r#"(import "" "return" (func $return (param i32)))"#,
        code: "(call $return (i32.const 3)) unreachable",
        has_callback: true,
        last: &[
            "enter run",
            "leave run",
            "enter callback run",
            "call task.return u32",
            "return task.return u32",
        ],
    },
];

impl Guest {
    fn component(&self) -> Arc<Component> {
        let Guest {
            definitions,
            imports,
            code,
            ..
        } = self;
        let given: String = imports
            .split(r#"(import "" ""#)
            .filter_map(|import| import.split_once('"'))
            .map(|(name, _)| format!(r#"(export "{name}" (func ${name}))"#))
            .collect();
        let (functions, lift) = match self.has_callback {
            false => (
                format!(r#"(func (export "run") (result i32) {code})"#),
                r#"(func (export "run") (result u32) (canon lift (core func $i "run")))"#,
            ),
            // It yields.
            true => (
                format!(
                    r#"(func (export "run") (result i32) (i32.const 1))
                    (func (export "callback") (param i32 i32 i32) (result i32) {code})"#
                ),
                r#"(func (export "run") async (result u32)
                    (canon lift (core func $i "run") async (callback (func $i "callback"))))"#,
            ),
        };
        let text = format!(
            r#"(component {definitions}
            (core module $m {imports} {functions})
            (core instance $i (instantiate $m (with "" (instance {given}))))
            {lift})"#
        );
        let bytes = wat::parse_str(&text).unwrap_or_else(|e| panic!("{e}"));
        Arc::new(Component::parse(bytes).unwrap())
    }
}

fn listed(trace: &Path) -> Vec<String> {
    let component = Trace::open(trace).unwrap().component().clone();
    let listed = events(trace).into_iter().map(|event| {
        let what = match event.kind {
            EventKind::Call(_) => "call",
            EventKind::Return(_) => "return",
            EventKind::Enter(_) => "enter",
            EventKind::Leave(_) => "leave",
            EventKind::Write { .. } => "write",
            EventKind::Hash(_) => "hash",
            EventKind::Resume(_) => "resume",
        };
        // A resource has no name here.
        let name = &component.crossing(event.crossing).unwrap().name;
        format!("{what} {}", name.trim_end_matches(" resource-0"))
    });
    listed.collect()
}

#[test]
fn nothing_is_lost_in_a_trap() {
    for guest in GUESTS {
        let component = guest.component();
        for sink in [Sink::Stderr, Sink::File { path: None }] {
            let what = format!("{} {sink:?}", guest.code);
            let metadata = Metadata {
                program: "run.wasm".into(),
                ..Metadata::default()
            };
            let recording =
                instrument_into(&component, &sink, Commit::EachHostcall, &metadata).unwrap();
            let dir = tempfile::tempdir().unwrap();
            let ran = plain::call_in(&recording, "run()", dir.path());
            assert_eq!(ran.status, 134, "{what}");
            let trace = dir.path().join("run.rrtrace");
            if sink == Sink::Stderr {
                assert!(text(&ran.stderr).starts_with("rr:trace:0:"), "{what}");
                std::fs::write(&trace, &ran.stderr).unwrap();
            }
            assert_eq!(listed(&trace), guest.last, "{what}");
            let (ended, _) = replay_here(Arc::new(Trace::open(&trace).unwrap())).unwrap();
            // Behind what was recorded replay comes to the trap itself.
            if !guest.code.contains("77") {
                assert!(matches!(ended, Ended::Trapped(_)), "{what}: {ended:?}");
            }
        }
    }
}
