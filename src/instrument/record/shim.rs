//! Shim modules: the generated core modules that wrappers live in.
//!
//! Wrappers are made a shim at a time: everything that becomes available at one
//! point of a component goes into one module.

use super::RECORDS_START;
use super::wrapper::{Slot, Wrap, core_type};
use crate::component::layout::Pointer;
use crate::component::types::CoreSignature;
use crate::trace::raw::Kind;
use std::collections::HashSet;
use std::fmt::Write as _;

/// Records of this size or less always fit an empty buffer.
pub(super) const BUFFER_CAPACITY: u32 = 1 << 18;

/// A core memory of the guest that a shim reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GuestMemory {
    /// Its index in the body, as the component has it.
    pub(super) index: u32,
    pub(super) pointer: Pointer,
}

/// How many entries of the table `access` a guest memory has: logging bytes of it,
/// keeping them, logging what is not as it was kept, and hashing it.
pub(super) const ACCESS_ENTRIES: u32 = 4;

/// The text of a shim module. It imports `guest` (`f0`… and `m0`…, the functions
/// and memories wrapped), `recorder` and `memories`, and exports `w0`….
pub(super) fn shim_text(wraps: &[Wrap<'_>]) -> String {
    let mut text = String::new();
    let memories = memories(wraps);
    for (k, memory) in memories.iter().enumerate() {
        let address = core_type(memory.pointer.core_type());
        _ = writeln!(
            text,
            "(import \"guest\" \"m{k}\" (memory $g{k} {address} 0))"
        );
    }
    for (k, wrap) in wraps.iter().enumerate() {
        let signature = signature_text(&wrap.crossing.signature, None);
        if wrap.starter.is_some() {
            _ = writeln!(text, "(import \"guest\" \"t{k}\" (table $t{k} 0 funcref))");
        }
        if !wrap.starts_thread() {
            _ = writeln!(text, "(import \"guest\" \"f{k}\" (func $f{k} {signature}))");
        }
    }
    for (k, wrap) in wraps.iter().enumerate() {
        if let Some(starter) = wrap.starter.filter(|_| wrap.starts_thread()) {
            _ = write!(
                text,
                "(func $f{k} (param i32 i32) (call_indirect $t{k} (param i32) (local.get 1) (local.get 0)))
(elem (table $starters) (i32.const {starter}) funcref (ref.func $w{k}))
"
            );
        }
    }
    for (k, wrap) in wraps.iter().enumerate() {
        if wrap.hashes() {
            _ = writeln!(text, "(global $calls{k} (mut i32) (i32.const 0))");
            if wrap.tells_end() {
                _ = writeln!(text, "(global $ends{k} (mut i32) (i32.const 0))");
            }
        }
    }
    for (k, memory) in memories.iter().enumerate() {
        let named = wraps.iter().find(|wrap| wrap.memory() == Some(*memory));
        if let Some(wrap) = named {
            memory_functions(&mut text, k, *memory, wrap);
        }
    }
    for (k, wrap) in wraps.iter().enumerate() {
        let slot = wrap.memory().and_then(|memory| {
            let k = memories.iter().position(|x| *x == memory)?;
            Some(Slot { k, memory })
        });
        wrap.write(k, slot, &mut text);
    }
    let imports = imports_of(&text);
    format!("(module\n{imports}{text})")
}

/// What the text of a shim uses of the recorder: each import takes time at each instantiation.
fn imports_of(text: &str) -> String {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '$';
    let used: HashSet<&str> = text
        .split(|c: char| !is_of_name(c))
        .filter(|word| word.starts_with('$'))
        .collect();
    let is_used = |line: &&str| {
        let mut words = line.split(|c: char| !is_of_name(c));
        words.any(|word| word.starts_with('$') && used.contains(word))
    };
    let lines = SHIM_IMPORTS.lines().filter(is_used);
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The memories that wrappers read, in the order of the shim's imports.
pub(super) fn memories(wraps: &[Wrap<'_>]) -> Vec<GuestMemory> {
    let mut memories = Vec::new();
    for memory in wraps.iter().filter_map(Wrap::memory) {
        if !memories.contains(&memory) {
            memories.push(memory);
        }
    }
    memories
}

const SHIM_IMPORTS: &str = r#"
(import "memories" "buffer" (memory $r 1))
(import "recorder" "blocks" (memory $b 1))
(import "recorder" "owed" (memory $o 1))
(import "recorder" "block-count" (global $count (mut i32)))
(import "recorder" "block-live" (global $live (mut i32)))
(import "recorder" "pending" (global $pending (mut i32)))
(import "recorder" "all-kept" (global $all-kept (mut i32)))
(import "recorder" "inside" (global $inside (mut i32)))
(import "recorder" "made" (global $made (mut i32)))
(import "recorder" "access" (table $access 0 funcref))
(import "recorder" "time" (global $time (mut i64)))
(import "recorder" "commit" (func $commit))
(import "recorder" "room" (func $room (param i32) (result i32)))
(import "recorder" "log-time" (func $log-time (param i32)))
(import "recorder" "note-block" (func $note-block (param i64 i64 i64 i64 i32 i32)))
(import "recorder" "settle-rest" (func $settle-rest))
(import "recorder" "note-pending" (func $note-pending (param i32 i32 i32 i64 i64 i64 i32)))
(import "recorder" "keep" (func $keep))
(import "recorder" "arrived" (func $arrived (param i32 i32 i32)))
(import "recorder" "hash-all" (func $hash-all))
(import "shuffle" "freed" (global $freed (mut i32)))
(import "shuffle" "moved" (func $moved))
(import "threads" "starters" (table $starters 0 funcref))
(import "threads" "keep-start" (func $keep-start (param i32 i32 i32) (result i32)))
(import "chaos" "shorter" (func $shorter (param i64) (result i64)))
(import "chaos" "shorter32" (func $shorter32 (param i32) (result i32)))
(import "chaos" "permit" (func $permit (param i32 i64) (result i64)))
(import "chaos" "write" (func $write (param i32 i64)))
"#;

/// `(param …) (result …)`, the parameters named when a prefix is given.
pub(super) fn signature_text(signature: &CoreSignature, named: Option<&str>) -> String {
    let mut text = String::new();
    for (i, ty) in signature.params.iter().enumerate() {
        _ = match named {
            Some(prefix) => write!(text, "(param ${prefix}{i} {})", core_type(*ty)),
            None => write!(text, "(param {})", core_type(*ty)),
        };
    }
    for ty in &signature.results {
        _ = write!(text, "(result {})", core_type(*ty));
    }
    text
}

/// Functions that read one guest memory: `append`, `keep`, `changed`, `settle` and
/// `hash`. What other shims need of them goes into the table `access`.
///
/// An address may be owed something and lie outside of the memory: of no bytes, or of a
/// result that would trap if it came. Recording must not trap instead.
fn memory_functions(text: &mut String, k: usize, memory: GuestMemory, named: &Wrap<'_>) {
    let GuestMemory { index, pointer } = memory;
    let capacity = BUFFER_CAPACITY - RECORDS_START - 16;
    let address = core_type(pointer.core_type());
    // Addresses are passed as i64 and used in the memory's own width.
    let (p, size) = match pointer {
        Pointer::Wasm32 => (
            "(i32.wrap_i64 (local.get $p))",
            format!("(i64.extend_i32_u (memory.size $g{k}))"),
        ),
        Pointer::Wasm64 => ("(local.get $p)", format!("(memory.size $g{k})")),
    };
    let [keep, changed] = ["keep", "changed"].map(|name| match named.may_be_owed {
        true => format!("(ref.func ${name}{k})"),
        false => "(ref.null func)".to_owned(),
    });
    if named.may_be_owed {
        owed_functions(text, k, p, &size, pointer);
    }
    let hash_header = crate::trace::raw::header(Kind::Hash, named.crossing.id);
    _ = write!(
        text,
        r#"
(func $append{k} (param $header i32) (param $p i64) (param $length i64) (local $at i32) (local $n i32)
  (block $done (loop $more
    (br_if $done (i64.eqz (local.get $length)))
    (local.set $n (select (i32.wrap_i64 (local.get $length)) (i32.const {capacity}) (i64.lt_u (local.get $length) (i64.const {capacity}))))
    (local.set $at (call $room (i32.add (i32.const 16) (local.get $n))))
    (i32.store $r (local.get $at) (local.get $header))
    (i64.store $r offset=4 (local.get $at) (local.get $p))
    (i32.store $r offset=12 (local.get $at) (local.get $n))
    (memory.copy $r $g{k} (i32.add (local.get $at) (i32.const 16)) {p} (local.get $n))
    (i32.store $r (i32.const 0) (i32.add (local.get $at) (i32.add (i32.const 16) (local.get $n))))
    (local.set $p (i64.add (local.get $p) (i64.extend_i32_u (local.get $n))))
    (local.set $length (i64.sub (local.get $length) (i64.extend_i32_u (local.get $n))))
    (br $more))))
(func $settle{k} (param $header i32) (local $i i32) (local $at i32)
  (if (i32.eqz (global.get $live)) (then return))
  (loop $next
    (local.set $at (i32.mul (local.get $i) (i32.const 24)))
    (if (i32.and (i32.eq (i32.load $b offset=16 (local.get $at)) (i32.const {index}))
                 (i64.ne (i64.load $b offset=8 (local.get $at)) (i64.const 0)))
      (then
        (call $append{k} (local.get $header) (i64.load $b (local.get $at)) (i64.load $b offset=8 (local.get $at)))
        (i64.store $b offset=8 (local.get $at) (i64.const 0))
        (global.set $live (i32.sub (global.get $live) (i32.const 1)))))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $i) (global.get $count)))))
(func $hash{k} (result i64) (local $h i64) (local $i {address}) (local $left i64)
  (local.set $left (i64.mul {size} (i64.const 8192)))
  (block $done (loop $more
    (br_if $done (i64.eqz (local.get $left)))
    (local.set $h (i64.mul
      (i64.xor (i64.rotl (local.get $h) (i64.const 29)) (i64.load $g{k} (local.get $i)))
      (i64.const {HASH_MULTIPLIER})))
    (local.set $i ({address}.add (local.get $i) ({address}.const 8)))
    (local.set $left (i64.sub (local.get $left) (i64.const 1)))
    (br $more)))
  (local.get $h))
(func $hash-record{k} (local $at i32)
  (local.set $at (call $room (i32.const 12)))
  (i32.store $r (local.get $at) (i32.const {hash_header}))
  (i64.store $r offset=4 (local.get $at) (call $hash{k}))
  (i32.store $r (i32.const 0) (i32.add (local.get $at) (i32.const 12))))
(elem (table $access) (i32.const {access}) funcref (ref.func $append{k}) {keep} {changed} (ref.func $hash-record{k}))
"#,
        HASH_MULTIPLIER = crate::trace::raw::HASH_MULTIPLIER as i64,
        access = index * ACCESS_ENTRIES,
    );
}

/// The part of them that only what may be owed something needs: `keep` and `changed`.
fn owed_functions(text: &mut String, k: usize, p: &str, size: &str, pointer: Pointer) {
    _ = write!(
        text,
        r#"
(func $lies-in{k} (param $p i64) (param $length i32) (result i32) (local $all i64)
  (local.set $all (i64.shl {size} (i64.const 16)))
  (if (result i32) (i64.gt_u (local.get $p) (local.get $all))
    (then (i32.const 0))
    (else (i64.le_u (i64.extend_i32_u (local.get $length)) (i64.sub (local.get $all) (local.get $p))))))
(func $keep{k} (param $p i64) (param $length i32) (param $to i32)
  (if (i32.eqz (call $lies-in{k} (local.get $p) (local.get $length))) (then return))
  (memory.copy $o $g{k} (local.get $to) {p} (local.get $length)))
(func $changed{k} (param $header i32) (param $p i64) (param $length i32) (param $kept i32) (local $end i64) (local $kept-end i32)
  (if (i32.eqz (call $lies-in{k} (local.get $p) (local.get $length))) (then return))
  (local.set $end (i64.add (local.get $p) (i64.extend_i32_u (local.get $length))))
  (local.set $kept-end (i32.add (local.get $kept) (local.get $length)))
  (block $first (loop $next
    (br_if $first (i64.lt_u (i64.sub (local.get $end) (local.get $p)) (i64.const 8)))
    (br_if $first (i64.ne (i64.load $g{k} {p}) (i64.load $o (local.get $kept))))
    (local.set $p (i64.add (local.get $p) (i64.const 8)))
    (local.set $kept (i32.add (local.get $kept) (i32.const 8)))
    (br $next)))
  (block $first (loop $next
    (if (i64.eq (local.get $p) (local.get $end)) (then return))
    (br_if $first (i32.ne (i32.load8_u $g{k} {p}) (i32.load8_u $o (local.get $kept))))
    (local.set $p (i64.add (local.get $p) (i64.const 1)))
    (local.set $kept (i32.add (local.get $kept) (i32.const 1)))
    (br $next)))
  (block $last (loop $next
    (br_if $last (i64.lt_u (i64.sub (local.get $end) (local.get $p)) (i64.const 8)))
    (br_if $last (i64.ne (i64.load $g{k} {last_word}) (i64.load $o (i32.sub (local.get $kept-end) (i32.const 8)))))
    (local.set $end (i64.sub (local.get $end) (i64.const 8)))
    (local.set $kept-end (i32.sub (local.get $kept-end) (i32.const 8)))
    (br $next)))
  (call $append{k} (local.get $header) (local.get $p) (i64.sub (local.get $end) (local.get $p))))
"#,
        last_word = match pointer {
            Pointer::Wasm32 => "(i32.wrap_i64 (i64.sub (local.get $end) (i64.const 8)))",
            Pointer::Wasm64 => "(i64.sub (local.get $end) (i64.const 8))",
        },
    );
}
