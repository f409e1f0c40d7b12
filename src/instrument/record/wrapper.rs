//! The generated core functions that stand around crossings and log them.

use super::chaos::Less;
use super::shim::{GuestMemory, signature_text};
use super::shuffle::Handles;
use crate::component::lowering::{Arrivals, realloc};
use crate::component::types::CoreType;
use crate::component::{Crossing, CrossingId, CrossingKind, Direction};
use crate::trace::ending::{CODE, EXIT};
use crate::trace::raw::{Kind, TIME};
use std::fmt::Write as _;

/// What a shim is to wrap.
pub(super) struct Wrap<'a> {
    pub(super) crossing: &'a Crossing,
    /// Commit before the call: another instance may be entered, and the order of
    /// events between instances must be kept, or a trap must lose nothing.
    pub(super) commit_before: bool,
    /// Commit when the call out has returned: after any of them the guest may trap.
    pub(super) commit_after: bool,
    /// Commit when a call into the guest has returned.
    pub(super) commit_on_return: bool,
    /// Blocks may be there to settle in memories that the crossing does not use:
    /// there are several, or the crossing has none and results arrive at any time.
    pub(super) settle_rest: bool,
    /// It may be the call that ends the run.
    pub(super) may_exit: bool,
    /// From which call on memory is hashed.
    pub(super) hashes_from: u32,
    /// The far side may owe the instance something.
    pub(super) may_be_owed: bool,
    /// The guest may keep several stacks.
    pub(super) keeps_stacks: bool,
    /// Which table of functions threads begin with, of those of the body, if it is about that.
    pub(super) starter: Option<usize>,
    /// What it does to the handles of an instance whose indices are shuffled.
    pub(super) shuffled: Option<Handles>,
    /// What of it is made less than it is.
    pub(super) less: Option<Less>,
}

/// A memory that a wrapper reads, and its number among the shim's imports.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) k: usize,
    pub(super) memory: GuestMemory,
}

impl Wrap<'_> {
    /// The memory that the far side reads and writes.
    pub(super) fn memory(&self) -> Option<GuestMemory> {
        self.crossing.memory.map(|index| GuestMemory {
            index,
            pointer: self.crossing.pointer,
        })
    }

    /// Lifted functions and their callbacks hash their memory on return, at the first,
    /// second, fourth… call: often enough to notice a divergence, too rarely to cost.
    pub(super) fn hashes(&self) -> bool {
        let is_entered = matches!(
            self.crossing.kind,
            CrossingKind::Lift | CrossingKind::Callback
        );
        is_entered && self.crossing.memory.is_some()
    }

    /// Whether what is returned tells whether the task is done. The first, second, fourth…
    /// that is hashes, too, however often it was told of events before.
    pub(super) fn tells_end(&self) -> bool {
        let is_task = match self.crossing.kind {
            CrossingKind::Lift => self.crossing.is_async,
            _ => self.crossing.kind == CrossingKind::Callback,
        };
        // Without a callback, a task is done when its function returns.
        is_task && self.crossing.signature.results.as_slice() == [CoreType::I32]
    }

    /// Whether a thread begins with it.
    pub(super) fn starts_thread(&self) -> bool {
        matches!(self.crossing.kind, CrossingKind::ThreadStart(_))
    }

    /// Writes the wrapper of the shim's import number `k`.
    pub(super) fn write(&self, k: usize, slot: Option<Slot>, text: &mut String) {
        Wrapper {
            text,
            k,
            wrap: self,
            slot,
        }
        .write();
    }

    /// Whether the guest may not leave the component instance while it runs, and so the
    /// recorder may not call the sink.
    fn is_inside(&self) -> bool {
        matches!(
            self.crossing.kind,
            CrossingKind::Realloc | CrossingKind::PostReturn
        )
    }
}

pub(super) fn core_type(ty: CoreType) -> &'static str {
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

pub(super) fn header(kind: Kind, id: CrossingId) -> u32 {
    crate::trace::raw::header(kind, id)
}

/// Whether all that the far side has written is logged when the guest has been left.
const IS_ALL_KNOWN: &str = "(i32.or (i32.eqz (global.get $pending)) (global.get $all-kept))";

/// Writes one wrapper function.
pub(super) struct Wrapper<'a, 'b> {
    pub(super) text: &'a mut String,
    k: usize,
    pub(super) wrap: &'a Wrap<'b>,
    /// Which of the shim's memories it reads.
    pub(super) slot: Option<Slot>,
}

impl Wrapper<'_, '_> {
    fn write(mut self) {
        let signature = &self.wrap.crossing.signature;
        let k = self.k;
        let named = signature_text(signature, Some("p"));
        _ = write!(
            self.text,
            "(func $w{k} (export \"w{k}\") {named} (local $at i32)"
        );
        if self.is_counted() {
            self.text.push_str(" (local $own i32)");
        }
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
        let arrivals = self.wrap.crossing.arrivals();
        if arrivals == Arrivals::Everything {
            self.keep();
        }
        self.time();
        self.record(Kind::Call, "p", &self.params());
        self.count();
        if self.wrap.may_exit {
            _ = write!(self.text, " (if {IS_ALL_KNOWN} (then (call $hash-all)))");
            self.text.push_str(" (call $commit)");
        } else if self.wrap.commit_before {
            self.commit_if_outside();
        }
        self.gives_away();
        self.ask_for_less();
        self.call();
        self.permit_less();
        self.time();
        self.resume();
        if arrivals == Arrivals::Everything {
            self.settle();
            self.answered();
        }
        self.record(Kind::Return, "r", &self.results());
        if self.wrap.commit_after {
            self.commit_if_outside();
        }
        if self
            .wrap
            .shuffled
            .is_some_and(|handles| handles != Handles::default())
        {
            self.text
                .push_str(" (if (i32.eqz (global.get $inside)) (then (call $moved)))");
        }
    }

    /// Whether calls out are counted: what tells one from others of the same function.
    fn is_counted(&self) -> bool {
        self.wrap.keeps_stacks && self.wrap.crossing.direction() == Direction::Outgoing
    }

    fn count(&mut self) {
        if self.is_counted() {
            self.text.push_str(
                " (global.set $made (i32.add (global.get $made) (i32.const 1))) (local.set $own (global.get $made))",
            );
        }
    }

    /// Says that the guest goes on in this call. Whether it has gone on elsewhere meanwhile, in
    /// this instance or another, is for who reads all of them.
    fn resume(&mut self) {
        if !self.is_counted() || !self.wrap.crossing.may_be_overtaken() {
            return;
        }
        let header = header(Kind::Resume, self.wrap.crossing.id);
        _ = write!(
            self.text,
            "\n (local.set $at (call $room (i32.const 8))) (i32.store $r (local.get $at) (i32.const {header})) (i32.store $r offset=4 (local.get $at) (i32.sub (global.get $made) (local.get $own))) (i32.store $r (i32.const 0) (i32.add (local.get $at) (i32.const 8)))"
        );
    }

    /// The far side is asked for less than the guest asks for.
    fn ask_for_less(&mut self) {
        let params = &self.wrap.crossing.signature.params;
        match self.wrap.less {
            Some(Less::Length(i)) => {
                let shorter = match params.get(i) {
                    Some(CoreType::I64) => "$shorter",
                    _ => "$shorter32",
                };
                _ = write!(
                    self.text,
                    " (local.set $p{i} (call {shorter} (local.get $p{i})))"
                );
            }
            Some(Less::Permitted(i)) => {
                let length = self.address("p", i);
                _ = write!(self.text, " (call $write (local.get $p0) {length})");
            }
            Some(Less::Permit(_)) | None => {}
        }
    }

    /// The guest is permitted less than the far side has permitted.
    fn permit_less(&mut self) {
        let (Some(Less::Permit(i)), Some(Slot { k, .. })) = (self.wrap.less, self.slot) else {
            return;
        };
        let area = format!("(local.get $p{i})");
        _ = write!(
            self.text,
            "\n (if (i32.eqz (i32.load8_u $g{k} {area})) (then (i64.store $g{k} offset=8 {area} (call $permit (local.get $p0) (i64.load $g{k} offset=8 {area})))))"
        );
    }

    /// Counts the indices that become free with the call, or when it has been returned from.
    fn gives_away(&mut self) {
        let given = self.wrap.shuffled.map_or(0, |handles| handles.given);
        if given > 0 {
            _ = write!(
                self.text,
                " (global.set $freed (i32.add (global.get $freed) (i32.const {given})))"
            );
        }
    }

    /// The guest is called: indices may have become free since it was left, or been given out.
    fn may_have_moved(&mut self) {
        let Some(handles) = self.wrap.shuffled.filter(|_| !self.wrap.is_inside()) else {
            return;
        };
        self.text.push_str(match handles.brings {
            true => " (call $moved)",
            false => " (if (global.get $freed) (then (call $moved)))",
        });
    }

    /// The guest may call out of a `realloc` or a `post-return`, by the built-ins that do
    /// not leave the instance. What they do is handed over after it.
    fn commit_if_outside(&mut self) {
        self.text
            .push_str(" (if (i32.eqz (global.get $inside)) (then (call $commit)))");
    }

    /// The guest is called: its arguments were written before it is entered.
    fn incoming(&mut self) {
        if self.wrap.is_inside() {
            self.text.push_str(" (global.set $inside (i32.const 1))");
        }
        self.may_have_moved();
        self.time();
        self.settle();
        self.told();
        self.record(Kind::Enter, "p", &self.params());
        if self.wrap.commit_before && !self.wrap.is_inside() {
            self.text.push_str(" (call $commit)");
        }
        self.call();
        self.gives_away();
        self.keep();
        self.time();
        self.record(Kind::Leave, "r", &self.results());
        self.hash();
        self.text
            .push_str(match (self.wrap.is_inside(), self.wrap.commit_on_return) {
                (true, _) => " (global.set $inside (i32.const 0))",
                (false, true) => " (call $commit)",
                (false, false) => "",
            });
    }

    /// The guest's realloc copies what the far side has written to the old block
    /// already, so that is logged first.
    fn realloc(&mut self) {
        let Some(Slot { k, memory }) = self.slot else {
            return self.incoming();
        };
        let header = header(Kind::Write, self.wrap.crossing.id);
        let old = self.address("p", realloc::OLD);
        let old_size = self.address("p", realloc::OLD_SIZE);
        let new_size = self.address("p", realloc::NEW_SIZE);
        _ = write!(
            self.text,
            "\n (global.set $inside (i32.const 1)) (call $append{k} (i32.const {header}) {old} {old_size})"
        );
        self.record(Kind::Enter, "p", &self.params());
        self.call();
        self.record(Kind::Leave, "r", &self.results());
        let new = self.address("r", 0);
        _ = write!(
            self.text,
            "\n (call $note-block {new} {new_size} {old} {old_size} (i32.const {}) (i32.const {header})) (global.set $inside (i32.const 0))",
            memory.index
        );
    }

    /// Logs what the host's clock says if it has moved on. It is a load and a comparison
    /// mostly: the host stores the time in the buffer, about a thousand times a second.
    fn time(&mut self) {
        let header = header(Kind::Time, self.wrap.crossing.id);
        _ = write!(
            self.text,
            "\n (if (i64.gt_u (i64.load $r (i32.const {TIME})) (global.get $time)) (then (call $log-time (i32.const {header}))))"
        );
    }

    fn params(&self) -> Vec<CoreType> {
        self.wrap.crossing.signature.params.clone()
    }

    fn results(&self) -> Vec<CoreType> {
        self.wrap.crossing.signature.results.clone()
    }

    /// A parameter (`p`) or result (`r`) that is an address or a length, as i64.
    pub(super) fn address(&self, prefix: &str, i: usize) -> String {
        let signature = &self.wrap.crossing.signature;
        let types = match prefix {
            "p" => &signature.params,
            _ => &signature.results,
        };
        match types.get(i) {
            Some(CoreType::I64) => format!("(local.get ${prefix}{i})"),
            _ => format!("(i64.extend_i32_u (local.get ${prefix}{i}))"),
        }
    }

    /// Appends a record of the locals `$<prefix>0…`.
    fn record(&mut self, kind: Kind, prefix: &str, types: &[CoreType]) {
        let length = 4 + types.iter().map(|ty| size(*ty)).sum::<u32>();
        let header = header(kind, self.wrap.crossing.id);
        _ = write!(
            self.text,
            "\n (local.set $at (call $room (i32.const {length}))) (i32.store $r (local.get $at) (i32.const {header}))"
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
        if let (Some(starter), false) = (self.wrap.starter, self.wrap.starts_thread()) {
            return self.new_thread(starter);
        }
        _ = write!(self.text, "\n (call $f{}", self.k);
        for i in 0..self.wrap.crossing.signature.params.len() {
            _ = write!(self.text, " (local.get $p{i})");
        }
        self.text.push(')');
        for i in (0..self.wrap.crossing.signature.results.len()).rev() {
            _ = write!(self.text, " (local.set $r{i})");
        }
    }

    /// The thread begins in the recorder. If it cannot begin, the runtime is given something that
    /// cannot begin for the same reason.
    fn new_thread(&mut self, starter: usize) {
        let k = self.k;
        _ = write!(
            self.text,
            r#"
 (if (result i32) (i32.ge_u (local.get $p0) (table.size $t{k})) (then (call $f{k} (i32.const -1) (i32.const 0)))
  (else (if (result i32) (ref.is_null (table.get $t{k} (local.get $p0))) (then (call $f{k} (i32.const 1) (i32.const 0)))
   (else (call $f{k} (i32.const 0) (call $keep-start (i32.const {starter}) (local.get $p0) (local.get $p1)))))))
 (local.set $r0)"#
        );
    }

    /// Logs the blocks that the far side may have written.
    fn settle(&mut self) {
        if let Some(Slot { k, .. }) = self.slot {
            let header = header(Kind::Write, self.wrap.crossing.id);
            _ = write!(self.text, "\n (call $settle{k} (i32.const {header}))");
        }
        if self.wrap.settle_rest {
            self.text
                .push_str("\n (if (global.get $live) (then (call $settle-rest)))");
        }
    }

    /// The guest is left to where it may be given what it is owed.
    fn keep(&mut self) {
        if self.wrap.may_be_owed {
            self.text
                .push_str("\n (if (global.get $pending) (then (call $keep)))");
        }
    }

    /// Memory is not hashed while something may be in it that has not been logged.
    fn hash(&mut self) {
        let (true, Some(slot)) = (self.wrap.hashes(), self.slot) else {
            return;
        };
        let k = self.k;
        let header = header(Kind::Hash, self.wrap.crossing.id);
        let from = self.wrap.hashes_from;
        let is_power = |count: &str| {
            let power = format!("(i32.eq (i32.popcnt (global.get ${count}{k})) (i32.const 1))");
            match from {
                0 | 1 => power,
                from => format!(
                    "(i32.and {power} (i32.ge_u (global.get ${count}{k}) (i32.const {from})))"
                ),
            }
        };
        let calls = is_power("calls");
        let (count_end, is_due) = match self.wrap.tells_end() {
            false => (String::new(), calls),
            true => {
                let ended = format!(
                    "(i32.eq (i32.and (local.get $r0) (i32.const {CODE})) (i32.const {EXIT}))"
                );
                let count =
                    format!("(global.set $ends{k} (i32.add (global.get $ends{k}) {ended}))");
                let end = format!("(i32.and {ended} {})", is_power("ends"));
                (count, format!("(i32.or {calls} {end})"))
            }
        };
        _ = write!(
            self.text,
            r#"
 (global.set $calls{k} (i32.add (global.get $calls{k}) (i32.const 1))) {count_end}
 (if (i32.and {is_due} {IS_ALL_KNOWN}) (then
   (local.set $at (call $room (i32.const 12)))
   (i32.store $r (local.get $at) (i32.const {header}))
   (i64.store $r offset=4 (local.get $at) (call $hash{slot}))
   (i32.store $r (i32.const 0) (i32.add (local.get $at) (i32.const 12)))))"#,
            slot = slot.k,
        );
    }
}
