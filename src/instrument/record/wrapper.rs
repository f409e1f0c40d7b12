//! The generated core functions that stand around crossings and log them.
//!
//! Wrappers are made a shim module at a time: everything that becomes
//! available at one point of a component goes into one module.

use super::RECORDS_START;
use crate::component::types::{CoreSignature, CoreType};
use crate::component::{Crossing, CrossingId, CrossingKind, Direction};
use crate::trace::raw::Kind;
use std::fmt::Write as _;

/// Records of this size or less always fit an empty buffer.
pub(super) const BUFFER_CAPACITY: u32 = 1 << 18;

/// What a shim is to wrap.
pub(super) struct Wrap<'a> {
    pub(super) crossing: &'a Crossing,
    /// The core memory (rewritten index) that the far side reads and writes.
    pub(super) memory: Option<u32>,
    /// Commit before calling out: another instance may be entered, and the
    /// order of events between instances must be kept.
    pub(super) commit_before: bool,
    /// Commit when the call out has returned.
    pub(super) commit_after: bool,
}

impl Wrap<'_> {
    /// Whether the wrapper runs where the component instance may not leave, and
    /// so may not call the sink.
    fn is_inside(&self) -> bool {
        matches!(
            self.crossing.kind,
            CrossingKind::Realloc | CrossingKind::PostReturn
        )
    }
}

/// The text of a shim module. It imports `guest` (`f0`… and `m0`…, the functions
/// and memories wrapped), `recorder` and `memories`, and exports `w0`….
pub(super) fn shim_text(wraps: &[Wrap<'_>], memories: &[u32]) -> String {
    let mut text = String::new();
    text.push_str(SHIM_IMPORTS);
    for (k, _) in memories.iter().enumerate() {
        _ = writeln!(text, "(import \"guest\" \"m{k}\" (memory $g{k} 0))");
    }
    for (k, wrap) in wraps.iter().enumerate() {
        let signature = signature_text(&wrap.crossing.signature, None);
        _ = writeln!(text, "(import \"guest\" \"f{k}\" (func $f{k} {signature}))");
        if hashes(wrap) {
            _ = writeln!(text, "(global $calls{k} (mut i32) (i32.const 0))");
        }
    }
    for (k, index) in memories.iter().enumerate() {
        memory_functions(&mut text, k, *index);
    }
    for (k, wrap) in wraps.iter().enumerate() {
        let slot = wrap
            .memory
            .and_then(|m| memories.iter().position(|x| *x == m));
        Wrapper {
            text: &mut text,
            k,
            wrap,
            slot,
        }
        .write();
    }
    text.push(')');
    text
}

const SHIM_IMPORTS: &str = r#"(module
(import "memories" "buffer" (memory $r 1))
(import "recorder" "blocks" (memory $b 1))
(import "recorder" "block-count" (global $count (mut i32)))
(import "recorder" "block-live" (global $live (mut i32)))
(import "recorder" "commit" (func $commit))
(import "recorder" "room" (func $room (param i32) (result i32)))
(import "recorder" "room-inside" (func $room-inside (param i32) (result i32)))
(import "recorder" "note-block" (func $note-block (param i32 i32 i32 i32)))
"#;

fn core_type(ty: CoreType) -> &'static str {
    match ty {
        CoreType::I32 => "i32",
        CoreType::I64 => "i64",
        CoreType::F32 => "f32",
        CoreType::F64 => "f64",
    }
}

fn size(ty: CoreType) -> u32 {
    match ty {
        CoreType::I32 | CoreType::F32 => 4,
        CoreType::I64 | CoreType::F64 => 8,
    }
}

/// `(param …) (result …)`, the parameters named when a prefix is given.
fn signature_text(signature: &CoreSignature, named: Option<&str>) -> String {
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

/// Lifted functions hash their memory on return, at the first, second, fourth…
/// call: often enough to notice a divergence, too rarely to cost.
fn hashes(wrap: &Wrap<'_>) -> bool {
    wrap.crossing.kind == CrossingKind::Lift && wrap.memory.is_some()
}

fn header(kind: Kind, id: CrossingId) -> u32 {
    crate::trace::raw::header(kind, id)
}

/// Functions that copy out of one guest memory: `append` and `settle`, each also
/// in the form that never leaves the instance, and `hash`.
fn memory_functions(text: &mut String, k: usize, index: u32) {
    let capacity = BUFFER_CAPACITY - RECORDS_START - 12;
    _ = write!(
        text,
        r#"
(func $append{k} (param $header i32) (param $p i32) (param $length i32) (local $at i32) (local $n i32)
  (block $done (loop $more
    (br_if $done (i32.eqz (local.get $length)))
    (local.set $n (select (local.get $length) (i32.const {capacity}) (i32.lt_u (local.get $length) (i32.const {capacity}))))
    (local.set $at (call $room (i32.add (i32.const 12) (local.get $n))))
    (i32.store $r (local.get $at) (local.get $header))
    (i32.store $r offset=4 (local.get $at) (local.get $p))
    (i32.store $r offset=8 (local.get $at) (local.get $n))
    (memory.copy $r $g{k} (i32.add (local.get $at) (i32.const 12)) (local.get $p) (local.get $n))
    (i32.store $r (i32.const 0) (i32.add (local.get $at) (i32.add (i32.const 12) (local.get $n))))
    (local.set $p (i32.add (local.get $p) (local.get $n)))
    (local.set $length (i32.sub (local.get $length) (local.get $n)))
    (br $more))))
(func $append-inside{k} (param $header i32) (param $p i32) (param $length i32) (local $at i32)
  (if (i32.eqz (local.get $length)) (then return))
  (local.set $at (call $room-inside (i32.add (i32.const 12) (local.get $length))))
  (i32.store $r (local.get $at) (local.get $header))
  (i32.store $r offset=4 (local.get $at) (local.get $p))
  (i32.store $r offset=8 (local.get $at) (local.get $length))
  (memory.copy $r $g{k} (i32.add (local.get $at) (i32.const 12)) (local.get $p) (local.get $length))
  (i32.store $r (i32.const 0) (i32.add (local.get $at) (i32.add (i32.const 12) (local.get $length)))))
(func $hash{k} (result i64) (local $h i64) (local $i i32) (local $left i32)
  (local.set $left (i32.mul (memory.size $g{k}) (i32.const 8192)))
  (block $done (loop $more
    (br_if $done (i32.eqz (local.get $left)))
    (local.set $h (i64.mul
      (i64.xor (i64.rotl (local.get $h) (i64.const 29)) (i64.load $g{k} (local.get $i)))
      (i64.const {HASH_MULTIPLIER})))
    (local.set $i (i32.add (local.get $i) (i32.const 8)))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br $more)))
  (local.get $h))"#,
        HASH_MULTIPLIER = crate::trace::raw::HASH_MULTIPLIER as i64,
    );
    for inside in ["", "-inside"] {
        _ = write!(
            text,
            r#"
(func $settle{inside}{k} (param $header i32) (local $i i32) (local $at i32)
  (if (i32.eqz (global.get $live)) (then return))
  (loop $next
    (local.set $at (i32.mul (local.get $i) (i32.const 12)))
    (if (i32.and (i32.eq (i32.load $b offset=8 (local.get $at)) (i32.const {index}))
                 (i32.ne (i32.load $b offset=4 (local.get $at)) (i32.const 0)))
      (then
        (call $append{inside}{k} (local.get $header) (i32.load $b (local.get $at)) (i32.load $b offset=4 (local.get $at)))
        (i32.store $b offset=4 (local.get $at) (i32.const 0))
        (global.set $live (i32.sub (global.get $live) (i32.const 1)))))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $i) (global.get $count)))))
"#
        );
    }
}

/// Writes one wrapper function.
struct Wrapper<'a, 'b> {
    text: &'a mut String,
    k: usize,
    wrap: &'a Wrap<'b>,
    /// Which of the shim's memories it copies from.
    slot: Option<usize>,
}

impl Wrapper<'_, '_> {
    fn write(mut self) {
        let signature = &self.wrap.crossing.signature;
        let k = self.k;
        let named = signature_text(signature, Some("p"));
        _ = write!(self.text, "(func (export \"w{k}\") {named} (local $at i32)");
        for (i, ty) in signature.results.iter().enumerate() {
            _ = write!(self.text, " (local $r{i} {})", core_type(*ty));
        }
        match (self.wrap.crossing.direction(), &self.wrap.crossing.kind) {
            (Direction::Outgoing, _) => self.outgoing(),
            (Direction::Incoming, CrossingKind::Realloc) => self.realloc(),
            (Direction::Incoming, _) => self.incoming(),
        }
        for i in 0..signature.results.len() {
            _ = write!(self.text, " (local.get $r{i})");
        }
        self.text.push_str(")\n");
    }

    /// The guest calls out: what the far side wrote is logged before the return,
    /// so that replay has it in memory when the guest goes on.
    fn outgoing(&mut self) {
        self.record(Kind::Call, "p", &self.params());
        if self.wrap.commit_before {
            self.text.push_str(" (call $commit)");
        }
        self.call();
        self.settle();
        if let (Some(area), Some(slot)) = (self.wrap.crossing.return_area, self.slot) {
            let last = self.wrap.crossing.signature.params.len().saturating_sub(1);
            let header = header(Kind::Write, self.wrap.crossing.id);
            _ = write!(
                self.text,
                "\n (call $append{slot} (i32.const {header}) (local.get $p{last}) (i32.const {}))",
                area.size
            );
        }
        self.record(Kind::Return, "r", &self.results());
        if self.wrap.commit_after {
            self.text.push_str(" (call $commit)");
        }
    }

    /// The guest is called: its arguments were written before it is entered.
    fn incoming(&mut self) {
        self.settle();
        self.record(Kind::Enter, "p", &self.params());
        self.call();
        self.record(Kind::Leave, "r", &self.results());
        self.hash();
        if !self.wrap.is_inside() {
            self.text.push_str(" (call $commit)");
        }
    }

    /// The far side may have written to the old block already; the guest's
    /// realloc copies that, so it is logged first.
    fn realloc(&mut self) {
        self.text.push_str(" (if (local.get $p0) (then ");
        self.settle();
        self.text.push_str("))");
        self.record(Kind::Enter, "p", &self.params());
        self.call();
        self.record(Kind::Leave, "r", &self.results());
        if let Some(memory) = self.wrap.memory {
            _ = write!(
                self.text,
                "\n (call $note-block (local.get $r0) (local.get $p3) (local.get $p0) (i32.const {memory}))"
            );
        }
    }

    fn params(&self) -> Vec<CoreType> {
        self.wrap.crossing.signature.params.clone()
    }

    fn results(&self) -> Vec<CoreType> {
        self.wrap.crossing.signature.results.clone()
    }

    /// Appends a record of the locals `$<prefix>0…`.
    fn record(&mut self, kind: Kind, prefix: &str, types: &[CoreType]) {
        let length = 4 + types.iter().map(|ty| size(*ty)).sum::<u32>();
        let room = if self.wrap.is_inside() {
            "room-inside"
        } else {
            "room"
        };
        let header = header(kind, self.wrap.crossing.id);
        _ = write!(
            self.text,
            "\n (local.set $at (call ${room} (i32.const {length}))) (i32.store $r (local.get $at) (i32.const {header}))"
        );
        let mut offset = 4;
        for (i, ty) in types.iter().enumerate() {
            let name = core_type(*ty);
            _ = write!(
                self.text,
                " ({name}.store $r offset={offset} (local.get $at) (local.get ${prefix}{i}))"
            );
            offset += size(*ty);
        }
        _ = write!(
            self.text,
            " (i32.store $r (i32.const 0) (i32.add (local.get $at) (i32.const {length})))"
        );
    }

    fn call(&mut self) {
        _ = write!(self.text, "\n (call $f{}", self.k);
        for i in 0..self.wrap.crossing.signature.params.len() {
            _ = write!(self.text, " (local.get $p{i})");
        }
        self.text.push(')');
        for i in (0..self.wrap.crossing.signature.results.len()).rev() {
            _ = write!(self.text, " (local.set $r{i})");
        }
    }

    /// Logs the blocks that the far side may have written.
    fn settle(&mut self) {
        let Some(slot) = self.slot else { return };
        let inside = if self.wrap.is_inside() { "-inside" } else { "" };
        let header = header(Kind::Write, self.wrap.crossing.id);
        _ = write!(
            self.text,
            "\n (call $settle{inside}{slot} (i32.const {header}))"
        );
    }

    fn hash(&mut self) {
        let (true, Some(slot)) = (hashes(self.wrap), self.slot) else {
            return;
        };
        let k = self.k;
        let header = header(Kind::Hash, self.wrap.crossing.id);
        _ = write!(
            self.text,
            r#"
 (global.set $calls{k} (i32.add (global.get $calls{k}) (i32.const 1)))
 (if (i32.eq (i32.popcnt (global.get $calls{k})) (i32.const 1)) (then
   (local.set $at (call $room (i32.const 12)))
   (i32.store $r (local.get $at) (i32.const {header}))
   (i64.store $r offset=4 (local.get $at) (call $hash{slot}))
   (i32.store $r (i32.const 0) (i32.add (local.get $at) (i32.const 12)))))"#
        );
    }
}
