//! A `realloc` may call the few built-ins that a component may call where it may not
//! leave: nothing is handed to the sink there, and nothing half written is recorded.

use super::chain;
use crate::support::guest::assemble;
use rr_dap::component::Component;
use std::sync::Arc;
use wasmtime::component::Val;

/// Its `realloc` and its `post-return` ask for what a task has in its slot; `strings`
/// answers the sum of all that was written.
const GUEST: &str = r#"(component
  (core func $get (canon context.get i32 0))
  (core func $set (canon context.set i32 0))
  (core func $inc (canon backpressure.inc))
  (core func $dec (canon backpressure.dec))
  (core module $m
    (import "" "get" (func $get (result i32)))
    (import "" "set" (func $set (param i32)))
    (import "" "inc" (func $inc))
    (import "" "dec" (func $dec))
    (memory (export "memory") 40)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $new i32)
      (call $inc)
      (call $set (i32.add (call $get) (i32.const 1)))
      (local.set $new (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $new) (local.get $size)))
      (memory.copy (local.get $new) (local.get $old)
        (select (local.get $size) (local.get $old-size) (i32.lt_u (local.get $size) (local.get $old-size))))
      (call $dec)
      (local.get $new))
    (func (export "reset") (param i32)
      (drop (call $get))
      (global.set $next (i32.const 1024)))
    (func (export "strings") (param i32 i32) (result i32) (local $at i32) (local $sum i32)
      (local.set $at (i32.const 1024))
      (loop $more
        (local.set $sum (i32.add
          (i32.mul (local.get $sum) (i32.const 0x01000193))
          (i32.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $at) (global.get $next))))
      (local.get $sum)))
  (core instance $i (instantiate $m (with "" (instance
    (export "get" (func $get)) (export "set" (func $set))
    (export "inc" (func $inc)) (export "dec" (func $dec))))))
  (func (export "strings") (param "v" (list string)) (result u32)
    (canon lift (core func $i "strings") string-encoding=utf16
      (memory $i "memory") (realloc (func $i "realloc")) (post-return (func $i "reset")))))"#;

#[test]
fn a_realloc_that_calls_built_ins() {
    let component = Arc::new(Component::parse(assemble(GUEST)).expect("a component"));
    // More than a recorder's buffer holds is recorded before the guest may leave again.
    let strings =
        (0..3000).map(|i| Val::String(format!("ü is one unit of two bytes {i}").repeat(2)));
    let calls = [
        (
            "strings",
            Val::List(vec![Val::String("é".into()), Val::String("€".into())]),
        ),
        ("strings", Val::List(strings.collect())),
        ("strings", Val::List(vec![Val::String("ends".into())])),
    ];
    let plain = chain::plain(&component, &calls);
    let (recorded, checks) = chain::recorded_and_replayed(&component, &calls).expect("replays");
    assert_eq!(recorded.results, plain.results);
    assert!(checks.events > 9000, "{checks:?}");
    assert!(checks.hashes > 0, "{checks:?}");
}
