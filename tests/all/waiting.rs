//! What comes for a read that waits, and for a call that has not returned, is in memory
//! from the moment that the guest can see it, and not from the one when it is told.

use crate::support::concurrent::{plain, record};
use crate::support::guest::assemble;
use crate::support::replay_here;
use rr_dap::component::Component;
use rr_dap::replay::Ended;
use rr_dap::trace::Trace;
use std::sync::Arc;
use wasmtime::component::Val;

/// Runs a component plain and recorded, and replays that; answers what `run` did.
fn result(text: &str) -> u32 {
    let component = Arc::new(Component::parse(assemble(text)).expect("a component"));
    let expected = plain(&component);
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("t.rrtrace");
    let (ran, recorded) = record(&component, &path);
    recorded.expect("records");
    assert_eq!(ran, expected);
    let Ok(Some(Val::U32(value))) = ran.result else {
        panic!("{ran:?}");
    };
    let trace = Arc::new(Trace::open(&path).expect("opens"));
    let (ended, _) = replay_here(trace).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(ended, Ended::Returned);
    value
}

/// A component that reads and writes the same stream or future, with the core function
/// `run`.
fn one_component(of: &str, read: &str, run: &str) -> String {
    let kind = of.split(' ').next().unwrap_or_default();
    format!(
        r#"(component
  (core module $libc (memory (export "memory") 1))
  (core instance $l (instantiate $libc))
  (type $t ({of}))
  (core func $new (canon {kind}.new $t))
  (core func $read (canon {kind}.read $t async (memory $l "memory")))
  (core func $write (canon {kind}.write $t async (memory $l "memory")))
  (core module $m
    (import "libc" "memory" (memory 1))
    (import "" "new" (func $new (result i64)))
    (import "" "read" (func $read {read}))
    (import "" "write" (func $write {read}))
    (data (i32.const 100) "\00\01\02\03\04\05\06\07\08\09")
    (func (export "run") (result i32) (local $ends i64) (local $r i32) (local $w i32)
      (local.set $ends (call $new))
      (local.set $r (i32.wrap_i64 (local.get $ends)))
      (local.set $w (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
      {run}))
  (core instance $i (instantiate $m (with "libc" (instance $l)) (with "" (instance
    (export "new" (func $new)) (export "read" (func $read)) (export "write" (func $write))))))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))"#
    )
}

#[test]
fn of_a_stream_in_one_component() {
    let params = "(param i32 i32 i32) (result i32)";
    // The guest writes into the buffer itself while it waits, what then comes is what
    // was there before that, and more comes for the same read.
    let text = one_component(
        "stream u8",
        params,
        r#"(if (i32.ne (call $read (local.get $r) (i32.const 200) (i32.const 20)) (i32.const -1)) (then unreachable))
           (memory.fill (i32.const 200) (i32.const 9) (i32.const 20))
           (drop (call $write (local.get $w) (i32.const 100) (i32.const 1)))
           (if (i32.load8_u (i32.const 200)) (then unreachable))
           (drop (call $write (local.get $w) (i32.const 101) (i32.const 3)))
           (i32.add (i32.load (i32.const 200)) (i32.load (i32.const 204)))"#,
    );
    assert_eq!(result(&text), 0x0302_0100 + 0x0909_0909);
}

/// A read of no bytes waits until there is something to read; its address may be any.
#[test]
fn of_nothing_at_an_address_outside_of_the_memory() {
    let text = one_component(
        "stream u8",
        "(param i32 i32 i32) (result i32)",
        r#"(if (i32.ne (call $read (local.get $r) (i32.const 0xdeadbeef) (i32.const 0)) (i32.const -1)) (then unreachable))
           (if (i32.ne (call $write (local.get $w) (i32.const 102) (i32.const 4)) (i32.const -1)) (then unreachable))
           (i32.load (i32.const 102))"#,
    );
    assert_eq!(result(&text), 0x0504_0302);
}

#[test]
fn of_a_future_in_one_component() {
    let text = one_component(
        "future u32",
        "(param i32 i32) (result i32)",
        r#"(if (i32.ne (call $read (local.get $r) (i32.const 200)) (i32.const -1)) (then unreachable))
           (i32.store (i32.const 200) (i32.const 5))
           (drop (call $write (local.get $w) (i32.const 104)))
           (i32.load (i32.const 200))"#,
    );
    assert_eq!(result(&text), 0x0706_0504);
}

/// The other component gives a stream and a future, writes to them when it is asked to,
/// and has a function that returns when it is.
const GIVER: &str = r#"
  (component $giver
    (core module $libc (memory (export "memory") 1))
    (core instance $l (instantiate $libc))
    (type $s (stream u8))
    (type $f (future u32))
    (core func $s-new (canon stream.new $s))
    (core func $s-write (canon stream.write $s async (memory $l "memory")))
    (core func $f-new (canon future.new $f))
    (core func $f-read (canon future.read $f async (memory $l "memory")))
    (core func $f-write (canon future.write $f async (memory $l "memory")))
    (core func $set-new (canon waitable-set.new))
    (core func $join (canon waitable.join))
    (core func $return (canon task.return (result u32)))
    (core module $m
      (import "libc" "memory" (memory 1))
      (import "" "s-new" (func $s-new (result i64)))
      (import "" "s-write" (func $s-write (param i32 i32 i32) (result i32)))
      (import "" "f-new" (func $f-new (result i64)))
      (import "" "f-read" (func $f-read (param i32 i32) (result i32)))
      (import "" "f-write" (func $f-write (param i32 i32) (result i32)))
      (import "" "set-new" (func $set-new (result i32)))
      (import "" "join" (func $join (param i32 i32)))
      (import "" "return" (func $return (param i32)))
      (global $s (mut i32) (i32.const 0))
      (global $f (mut i32) (i32.const 0))
      (global $own (mut i32) (i32.const 0))
      (data (i32.const 100) "\2a\01\02\03")
      (func (export "give-stream") (result i32) (local $ends i64)
        (local.set $ends (call $s-new))
        (global.set $s (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
        (i32.wrap_i64 (local.get $ends)))
      (func (export "give-future") (result i32) (local $ends i64)
        (local.set $ends (call $f-new))
        (global.set $f (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
        (i32.wrap_i64 (local.get $ends)))
      (func (export "write")
        (drop (call $s-write (global.get $s) (i32.const 100) (i32.const 3)))
        (drop (call $f-write (global.get $f) (i32.const 100))))
      (func (export "wait") (result i32) (local $ends i64) (local $set i32)
        (local.set $ends (call $f-new))
        (global.set $own (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
        (drop (call $f-read (i32.wrap_i64 (local.get $ends)) (i32.const 300)))
        (local.set $set (call $set-new))
        (call $join (i32.wrap_i64 (local.get $ends)) (local.get $set))
        (i32.or (i32.shl (local.get $set) (i32.const 4)) (i32.const 2)))
      (func (export "waited") (param i32 i32 i32) (result i32)
        (call $return (i32.load (i32.const 300)))
        (i32.const 0))
      (func (export "wake")
        (drop (call $f-write (global.get $own) (i32.const 100)))))
    (core instance $i (instantiate $m (with "libc" (instance $l)) (with "" (instance
      (export "s-new" (func $s-new)) (export "s-write" (func $s-write))
      (export "f-new" (func $f-new)) (export "f-read" (func $f-read)) (export "f-write" (func $f-write))
      (export "set-new" (func $set-new)) (export "join" (func $join)) (export "return" (func $return))))))
    (func (export "give-stream") (result $s) (canon lift (core func $i "give-stream")))
    (func (export "give-future") (result $f) (canon lift (core func $i "give-future")))
    (func (export "write") (canon lift (core func $i "write")))
    (func (export "wake") (canon lift (core func $i "wake")))
    (func (export "wait") async (result u32)
      (canon lift (core func $i "wait") async (callback (func $i "waited")))))
  (instance $giver (instantiate $giver))"#;

/// The other component and this one, which is given these functions of it.
fn beside_the_giver(looker: &str, functions: &[&str]) -> String {
    let with = functions.iter();
    let with: Vec<String> = with
        .map(|name| format!("(with \"{name}\" (func $giver \"{name}\"))"))
        .collect();
    format!(
        r#"(component {GIVER} {looker}
  (instance $looker (instantiate $looker {}))
  (export "run" (func $looker "run")))"#,
        with.join(" ")
    )
}

#[test]
fn from_another_component_that_is_called() {
    let looker = r#"(component $looker
  (type $s (stream u8))
  (type $f (future u32))
  (import "give-stream" (func $give-stream (result $s)))
  (import "give-future" (func $give-future (result $f)))
  (import "write" (func $write))
  (core module $libc (memory (export "memory") 1))
  (core instance $l (instantiate $libc))
  (core func $give-stream' (canon lower (func $give-stream)))
  (core func $give-future' (canon lower (func $give-future)))
  (core func $write' (canon lower (func $write)))
  (core func $s-read (canon stream.read $s async (memory $l "memory")))
  (core func $f-read (canon future.read $f async (memory $l "memory")))
  (core module $m
    (import "libc" "memory" (memory 1))
    (import "" "give-stream" (func $give-stream (result i32)))
    (import "" "give-future" (func $give-future (result i32)))
    (import "" "write" (func $write))
    (import "" "s-read" (func $s-read (param i32 i32 i32) (result i32)))
    (import "" "f-read" (func $f-read (param i32 i32) (result i32)))
    (func (export "run") (result i32)
      (drop (call $s-read (call $give-stream) (i32.const 201) (i32.const 5)))
      (drop (call $f-read (call $give-future) (i32.const 400)))
      (call $write)
      (i32.xor (i32.load (i32.const 201)) (i32.load (i32.const 400)))))
  (core instance $i (instantiate $m (with "libc" (instance $l)) (with "" (instance
    (export "give-stream" (func $give-stream')) (export "give-future" (func $give-future'))
    (export "write" (func $write')) (export "s-read" (func $s-read)) (export "f-read" (func $f-read))))))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))"#;
    let text = beside_the_giver(looker, &["give-stream", "give-future", "write"]);
    assert_eq!(result(&text), 0x0002_012a ^ 0x0302_012a);
}

/// A component whose `run` calls what waits, lets others run until there is something at
/// two addresses, and returns the sum. It never asks for an event.
fn looks_until_it_is_there(imports: &str, code: &str, lowered: &str, first: &str) -> String {
    format!(
        r#"(component $looker {imports}
  (core func $return (canon task.return (result u32)))
  (core module $m
    (import "libc" "memory" (memory 1))
    (import "" "return" (func $return (param i32)))
    {code}
    (func (export "run") (result i32) {first} (i32.const 1))
    (func (export "callback") (param i32 i32 i32) (result i32)
      (if (i32.eqz (i32.load (i32.const 200))) (then (return (i32.const 1))))
      (if (i32.eqz (i32.load (i32.const 400))) (then (return (i32.const 1))))
      (call $return (i32.add (i32.load (i32.const 200)) (i32.load (i32.const 400))))
      (i32.const 0)))
  (core instance $i (instantiate $m (with "libc" (instance $l)) (with "" (instance
    (export "return" (func $return)) {lowered}))))
  (func (export "run") async (result u32)
    (canon lift (core func $i "run") async (callback (func $i "callback")))))"#
    )
}

#[test]
fn the_result_of_a_call_of_another_component() {
    let imports = r#"
  (import "wait" (func $wait async (result u32)))
  (import "wake" (func $wake))
  (core module $libc (memory (export "memory") 1))
  (core instance $l (instantiate $libc))
  (core func $wait' (canon lower (func $wait) async (memory $l "memory")))
  (core func $wake' (canon lower (func $wake)))"#;
    let looker = looks_until_it_is_there(
        imports,
        r#"(import "" "wait" (func $wait (param i32) (result i32)))
           (import "" "wake" (func $wake))"#,
        r#"(export "wait" (func $wait')) (export "wake" (func $wake'))"#,
        "(drop (call $wait (i32.const 200))) (i32.store (i32.const 400) (i32.const 1)) (call $wake)",
    );
    let text = beside_the_giver(&looker, &["wait", "wake"]);
    assert_eq!(result(&text), 0x0302_012a + 1);
}

#[test]
fn from_the_host() {
    let imports = r#"
  (import "host" (instance $host
    (export "numbers" (func (result (stream u32))))
    (export "later" (func async (param "ms" u32) (result u32)))))
  (core module $libc (memory (export "memory") 1))
  (core instance $l (instantiate $libc))
  (alias export $host "numbers" (func $numbers))
  (alias export $host "later" (func $later))
  (core func $numbers' (canon lower (func $numbers)))
  (core func $later' (canon lower (func $later) async (memory $l "memory")))
  (type $s (stream u32))
  (core func $read (canon stream.read $s async (memory $l "memory")))"#;
    let text = looks_until_it_is_there(
        imports,
        r#"(import "" "numbers" (func $numbers (result i32)))
           (import "" "later" (func $later (param i32 i32) (result i32)))
           (import "" "read" (func $read (param i32 i32 i32) (result i32)))"#,
        r#"(export "numbers" (func $numbers')) (export "later" (func $later')) (export "read" (func $read))"#,
        "(drop (call $read (call $numbers) (i32.const 196) (i32.const 3)))
         (drop (call $later (i32.const 7) (i32.const 400)))",
    );
    // The second of the numbers 1, 2 and 3, and twice 7.
    assert_eq!(result(&text), 2 + 14);
}
