//! WASI 0.1 modules, and the adapter that makes components of them.

use crate::support::{record, replay, text};

/// A module that calls WASI, takes all of its memory from `next` on for its own, and calls
/// WASI again.
fn module(next: &str, also: &str) -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 1024))
  {also}
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (memory.fill {next} (i32.const 0xaa)
      (i32.sub (i32.shl (memory.size) (i32.const 16)) {next}))
    (if (call $sizes (i32.const 0) (i32.const 4)) (then unreachable))))"#
    )
}

/// Gives out memory from `$next` on, and grows where there is none left.
const REALLOC: &str = r#"(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get 2))))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (block $enough (loop $grow
      (br_if $enough (i32.le_u (global.get $next) (i32.shl (memory.size) (i32.const 16))))
      (drop (memory.grow (i32.const 1)))
      (br $grow)))
    (local.get $at))"#;

#[test]
fn a_trap_in_the_adapter_is_told_with_its_cause_and_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let run = |module: &str| {
        let app = dir.path().join("app.wat");
        std::fs::write(&app, module).unwrap();
        record(&app, &[], &[], "", &dir.path().join("run.rrtrace"))
    };
    let ran = run(&module("(i32.const 1024)", ""));
    assert_eq!(ran.status.code(), Some(134), "{ran:?}");
    let told = text(&ran.stderr);
    assert!(
        told.contains("the guest trapped: wasm trap: wasm `unreachable`"),
        "{told}"
    );
    assert!(told.contains("it trapped in the adapter"), "{told}");
    assert!(told.contains("all of `memory.size`"), "{told}");
    assert!(told.contains("Export a function `cabi_realloc`"), "{told}");
    // That is a remedy.
    let ran = run(&module("(global.get $next)", REALLOC));
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    assert_eq!(text(&ran.stderr), "");
    // A trap of the module's own is not the adapter's.
    let own = r#"(module (memory (export "memory") 1) (func (export "_start") unreachable))"#;
    let ran = run(own);
    assert_eq!(ran.status.code(), Some(134), "{ran:?}");
    assert!(!text(&ran.stderr).contains("adapter"), "{ran:?}");
}

/// A module whose memory is of one page and may not grow: of what it may have, the adapter
/// takes nothing.
#[test]
fn a_memory_that_may_not_grow_has_room_for_the_adapter() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("app.wat");
    let module = |memory: &str, grows: u32| {
        format!(
            r#"(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (memory (export "memory") {memory})
  (func (export "_start")
    (if (call $sizes (i32.const 0) (i32.const 4)) (then unreachable))
    (if (i32.ne (i32.load (i32.const 0)) (i32.const 3)) (then unreachable))
    (if (i32.eq (memory.grow (i32.const {grows})) (i32.const -1)) (then unreachable))
    (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))))"#
        )
    };
    for (memory, grows) in [("1 1", 0), ("1 4", 3), ("2 125", 123)] {
        std::fs::write(&app, module(memory, grows)).unwrap();
        let trace = dir.path().join("run.rrtrace");
        let ran = record(&app, &[], &["two", "three"], "", &trace);
        assert_eq!(ran.status.code(), Some(0), "{memory}: {ran:?}");
        assert_eq!(replay(&trace).status.code(), Some(0), "{memory}");
    }
}
